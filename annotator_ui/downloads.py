"""What was handed out: the folders under `exports/`, listed and found again by name.

Names come from addresses, so they are checked twice: by their letters, and by where the path really leads.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from curator.errors import NotFound
from curator.project import Project

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
MAX_LISTED: Final = 20


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """One file of an export, as a link."""

    name: str
    url: str
    num_bytes: int


@dataclass(frozen=True, slots=True)
class PastExport:
    """One folder of `exports/`."""

    name: str
    written_at: str  # UTC, ISO 8601
    files: tuple[ExportedFile, ...]


def past_exports(project: Project) -> list[PastExport]:
    """The newest exports, newest first; folders without files, and those that cannot be read, are left out."""
    folders = []
    with suppress(OSError):
        for path in project.exports.iterdir():
            with suppress(OSError):
                if _NAME.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
                    folders.append((path.stat().st_mtime_ns, path.name, path))
    listed: list[PastExport] = []
    for _, name, folder in sorted(folders, reverse=True):
        with suppress(OSError):
            if paths := _listed_paths(folder):
                written = datetime.fromtimestamp(max(path.stat().st_mtime for path in paths), UTC)
                listed.append(PastExport(name, written.isoformat(timespec="seconds"), exported_files(folder)))
        if len(listed) == MAX_LISTED:
            break
    return listed


def exported_files(folder: Path) -> tuple[ExportedFile, ...]:
    """The files of an export that can be downloaded, by name."""
    return tuple(
        ExportedFile(path.name, file_url(folder.name, path.name), path.stat().st_size) for path in _listed_paths(folder)
    )


def _listed_paths(folder: Path) -> list[Path]:
    return [
        path
        for path in sorted(folder.iterdir())
        if _NAME.fullmatch(path.name) and path.is_file() and not path.is_symlink()
    ]


def file_url(export_name: str, file_name: str) -> str:
    """Where a file of an export is downloaded."""
    return f"/exports/{export_name}/{file_name}"


def exported_file(project: Project, export_name: str, file_name: str) -> Path:
    """The path of a file of an export.

    Raises:
        NotFound: no such file, or a name that leads out of `exports/`.
    """
    if _NAME.fullmatch(export_name) and _NAME.fullmatch(file_name):
        path = project.exports / export_name / file_name
        if path.is_file() and path.resolve().parent.parent == project.exports.resolve():
            return path
    raise NotFound(f"no export has a file {export_name[:80]}/{file_name[:80]}")
