"""Pictures by digest: written once, to a temporary name first, on the disk before the store speaks of them."""

import errno
from pathlib import Path

from curator.errors import CuratorError
from curator.project import Project
from datasets.output import write_whole


def blob_path(project: Project, digest: str) -> Path:
    """Where the picture with that SHA-256 lies, whether it is there or not."""
    return project.blobs / digest[:2] / digest


def store_blob(project: Project, digest: str, content: bytes) -> Path:
    """Keep bytes under their digest; the same bytes again are a no-op. The caller has computed the digest.

    Raises:
        CuratorError: the disk is full or cannot be written; nothing half-written stays under the final name.
    """
    path = blob_path(project, digest)
    if path.exists() and path.stat().st_size == len(content):
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_whole(path) as file:
            file.write(content)
    except OSError as error:
        raise CuratorError(describe_disk_error(path, error)) from error
    return path


def describe_disk_error(path: Path, error: OSError) -> str:
    """One sentence for a failed write."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{path.name}: the disk is full; free some space and run this again, what was stored before is safe"
    return f"{path.name}: cannot be written ({error.strerror})"
