"""One file that holds a project, and the way back.

A zip of the database (taken online by SQLite's own backup, so that labelling may go on), the pictures, the models and
the exports, each with its digest in a manifest. Linked pictures are brought inside, so that the copy stands alone.
`restore` unpacks into a new folder, checks every digest and opens the result before it says that all is well.
"""

import hashlib
import json
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from curator.blobs import blob_path, describe_disk_error
from curator.check import check_project
from curator.clock import now
from curator.errors import BadInput, CuratorError
from curator.media import picture_path
from curator.project import DATABASE_NAME, FOLDERS, Project, open_project
from curator.store import images
from curator.store.database import write_snapshot
from datasets.output import write_whole

MANIFEST_NAME = "backup.json"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class BackupReport:
    """path of the file, how many files it holds, its size in bytes."""

    path: Path
    files: int
    size_bytes: int

    def to_dict(self) -> dict[str, Any]:
        return {"path": str(self.path), "files": self.files, "bytes": self.size_bytes}


def backup(project: Project, path: Path) -> BackupReport:
    """Write the whole project into one zip, readable while people go on labelling.

    Raises:
        BadInput: the file exists already. CuratorError: a picture is gone, or the disk is full.
    """
    if path.exists():
        raise BadInput(f"{path}: exists already, expected a new file name")
    try:
        with tempfile.TemporaryDirectory(prefix="backup-", dir=project.cache) as scratch, write_whole(path) as out:
            snapshot = Path(scratch) / DATABASE_NAME
            write_snapshot(project.db, snapshot)
            digests = _write_zip(project, snapshot, out)
    except OSError as error:
        raise CuratorError(describe_disk_error(path, error)) from error
    return BackupReport(path, len(digests), path.stat().st_size)


def _write_zip(project: Project, snapshot: Path, out: Any) -> dict[str, str]:
    digests: dict[str, str] = {}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        digests[DATABASE_NAME] = _add(archive, DATABASE_NAME, snapshot)
        for image in images.all_images(project.db):
            path = picture_path(project, image)
            if path is None or image.record.digest is None:
                continue
            name = blob_path(project, image.record.digest).relative_to(project.root).as_posix()
            if name in digests:
                continue
            if not path.is_file():
                raise CuratorError(f"{image.record.file_name}: its picture is gone; run `curator check` first")
            digests[name] = _add(archive, name, path)
        for folder in ("models", "exports"):
            for path in sorted((project.root / folder).rglob("*")):
                if path.is_file():
                    name = path.relative_to(project.root).as_posix()
                    digests[name] = _add(archive, name, path)
        manifest = {"project": project.name, "created_at": now(), "sha256": digests}
        archive.writestr(MANIFEST_NAME, json.dumps(manifest, indent=1))
    return digests


def _add(archive: zipfile.ZipFile, name: str, path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as source, archive.open(name, "w", force_zip64=True) as target:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            target.write(chunk)
    return digest.hexdigest()


def restore(path: Path, root: Path) -> Project:
    """Unpack a backup into a new project folder and prove that it is whole.

    Raises:
        BadInput: not a backup of ours, damaged, or the folder is not empty. A damaged one leaves no project behind.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise BadInput(f"{root}: exists and is not empty, expected a new folder")
    try:
        with zipfile.ZipFile(path) as archive:
            digests = json.loads(archive.read(MANIFEST_NAME))["sha256"]
            # The database comes last: only then is the folder a project.
            for name in sorted(digests, key=lambda name: name == DATABASE_NAME):
                _extract(archive, name, root, digests[name])
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, EOFError) as error:
        (root / DATABASE_NAME).unlink(missing_ok=True)
        raise BadInput(f"{path}: is not a whole backup ({error})") from error
    for folder in FOLDERS:
        (root / folder).mkdir(exist_ok=True)
    project = open_project(root)
    images.forget_links(project.db)
    problems = check_project(project).problems
    if problems:
        raise BadInput(f"{path}: was unpacked, but is not whole: {problems[0]}")
    return project


def _extract(archive: zipfile.ZipFile, name: str, root: Path, expected: str) -> None:
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or name.startswith("/") or "\\" in name:
        raise ValueError(f"{name!r} would leave the folder")
    target = root.joinpath(*parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with archive.open(name) as source, write_whole(target) as out:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            out.write(chunk)
        if digest.hexdigest() != expected:
            raise ValueError(f"{name} differs from its digest")
