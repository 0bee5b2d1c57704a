"""One file that holds a project, and the way back.

A zip of the database (taken online by SQLite's own backup, so that labelling may go on), the pictures, the models and
the exports, each with its digest in a manifest. Linked pictures are brought inside, so that the copy stands alone.
`restore` unpacks beside the new folder, checks every digest and opens the result; only what is whole gets the folder's
name, and what is not leaves nothing.
"""

import contextlib
import errno
import hashlib
import json
import lzma
import os
import re
import secrets
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final, NoReturn

from curator.blobs import blob_path, describe_disk_error
from curator.check import check_project
from curator.clock import now
from curator.errors import BadInput, CuratorError, ProjectError
from curator.media import picture_path
from curator.project import DATABASE_NAME, FOLDERS, Project, open_project
from curator.store import images
from curator.store.database import write_snapshot
from datasets.output import write_whole

MANIFEST_NAME = "backup.json"
_CHUNK = 1 << 20
_KEPT_FOLDERS: Final = ("models", "exports")  # copied as they are; the pictures in blobs/ go by the store's word
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
# What the disk does to a restore. Any other OSError comes of what the archive says of itself (offsets, names).
_DISK_ERRNOS: Final = {
    errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.EFBIG, errno.EMFILE,
    errno.ENFILE, errno.ENOMEM,
}  # fmt: skip
# All that zipfile, its decompressors and json say of bytes that are not what they should be. RuntimeError: encrypted,
# NotImplementedError (an unknown compression) and RecursionError (brackets within brackets).
_DAMAGE: Final = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, KeyError, TypeError, ValueError,
    OverflowError, RuntimeError,
)  # fmt: skip


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
        BadInput: the file exists already, or would lie in one of the project's own folders. CuratorError: a picture is
            gone or changed, or the disk is full; no file is left then.
    """
    try:
        _refuse_target(project, path)
        project.cache.mkdir(exist_ok=True)  # it is safe to delete
        with tempfile.TemporaryDirectory(prefix="backup-", dir=project.cache) as scratch, write_whole(path) as out:
            snapshot = Path(scratch) / DATABASE_NAME
            write_snapshot(project.db, snapshot)
            digests = _write_zip(project, snapshot, out)
    except OSError as error:
        raise CuratorError(describe_disk_error(path, error)) from error
    return BackupReport(path, len(digests), path.stat().st_size)


def _refuse_target(project: Project, path: Path) -> None:
    if path.exists():
        raise BadInput(f"{path}: exists already, expected a new file name")
    target = path.parent.resolve() / path.name
    for folder in FOLDERS:  # in models/ and exports/ a backup would read itself; in cache/ it may be deleted
        if target.is_relative_to((project.root / folder).resolve()):
            raise BadInput(f"{path}: lies in the project's own {folder}/, expected a place outside of it")


def _write_zip(project: Project, snapshot: Path, out: IO[bytes]) -> dict[str, str]:
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
            if digests[name] != image.record.digest:
                raise CuratorError(
                    f"{image.record.file_name}: its picture changed, the digest differs; run `curator check` first"
                )
        for folder in _KEPT_FOLDERS:
            for path in _files_below(project.root / folder):
                name = path.relative_to(project.root).as_posix()
                digests[name] = _add(archive, name, path)
        manifest = {"project": project.name, "created_at": now(), "sha256": digests}
        archive.writestr(MANIFEST_NAME, json.dumps(manifest, indent=1))
    return digests


def _files_below(folder: Path) -> Iterator[Path]:
    """The files of a folder; without links, which may lead anywhere, and without what a write has not finished."""

    def fail(error: OSError) -> NoReturn:
        raise error  # os.walk would pass over a folder that it cannot read, and the backup would lack it

    if not folder.is_dir():
        return
    for where, folders, names in os.walk(folder, onerror=fail):
        folders[:] = sorted(name for name in folders if not _is_unfinished(name))
        for name in sorted(names):
            path = Path(where, name)
            if path.is_file() and not path.is_symlink() and not _is_unfinished(name):
                if not _is_utf8(name):
                    raise CuratorError(f"{os.fsencode(path)!r}: its name is not UTF-8; rename it, then back up again")
                yield path


def _is_unfinished(name: str) -> bool:
    return name.startswith(".") and name.endswith(".part")


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _add(archive: zipfile.ZipFile, name: str, path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as source, archive.open(name, "w", force_zip64=True) as target:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            target.write(chunk)
    return digest.hexdigest()


def restore(path: Path, root: Path) -> Project:
    """Unpack a backup into a new project folder and prove that it is whole.

    It is unpacked beside that folder and takes its name at the end: whatever fails, nothing is left.

    Raises:
        BadInput: no such file, not a backup of ours, damaged, or the folder cannot be a new one. CuratorError: the disk
            is full or does not let us.
    """
    root = root.absolute()
    _refuse_root(root)
    with _opened(path) as file:
        try:
            archive = zipfile.ZipFile(file)
            digests = _manifest_digests(archive)
        except (OSError, *_DAMAGE) as error:
            raise _not_whole(path, root, error) from error
        with archive, _part_of(root) as part:
            try:
                for name, expected in digests.items():
                    _extract(archive, name, part, expected)
                for folder in FOLDERS:
                    (part / folder).mkdir(exist_ok=True)
            except (OSError, *_DAMAGE) as error:
                raise _not_whole(path, root, error) from error
            _prove_whole(path, part)
            try:
                os.rename(part, root)
            except OSError as error:
                raise CuratorError(describe_disk_error(root, error)) from error
    return open_project(root)


def _refuse_root(root: Path) -> None:
    try:
        if root.is_symlink() or (root.exists() and (not root.is_dir() or any(root.iterdir()))):
            raise BadInput(f"{root}: exists and is not empty, expected a new folder")
    except OSError as error:
        raise BadInput(f"{root}: cannot be a new folder ({error.strerror})") from error
    if os.path.ismount(root):
        raise BadInput(f"{root}: is a disk of its own, expected a new folder on it")


def _opened(path: Path) -> IO[bytes]:
    try:
        return open(path, "rb")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BadInput(f"{path}: no such file") from error
    except IsADirectoryError as error:
        raise BadInput(f"{path}: is a folder, expected the file of a backup") from error
    except OSError as error:
        raise CuratorError(f"{path}: cannot be read ({error.strerror})") from error


@contextlib.contextmanager
def _part_of(root: Path) -> Iterator[Path]:
    """A new folder beside `root`; whoever does not rename it in the block, or fails, leaves nothing."""
    part = root.with_name(f"{root.name}.part-{secrets.token_hex(4)}")
    made = [folder for folder in root.parents if not folder.exists()]
    try:
        part.mkdir(parents=True)
        yield part
    except BaseException as error:
        shutil.rmtree(part, ignore_errors=True)
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()
        if isinstance(error, (NotADirectoryError, FileExistsError)):
            raise BadInput(f"{root}: lies below a file, expected a folder there") from error
        if isinstance(error, OSError):
            raise CuratorError(describe_disk_error(root, error)) from error
        raise


def _not_whole(path: Path, root: Path, error: Exception) -> CuratorError:
    if isinstance(error, OSError) and error.errno in _DISK_ERRNOS:
        return CuratorError(describe_disk_error(root, error))
    return BadInput(f"{path}: is not a whole backup ({error})")


def _manifest_digests(archive: zipfile.ZipFile) -> dict[str, str]:
    manifest = json.loads(archive.read(MANIFEST_NAME))
    digests = manifest.get("sha256") if isinstance(manifest, dict) else None
    if not isinstance(digests, dict) or DATABASE_NAME not in digests:
        raise ValueError(f"its {MANIFEST_NAME} names no {DATABASE_NAME}")
    for name, digest in digests.items():
        if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
            raise ValueError(f"its {MANIFEST_NAME} has no digest of {name[:80]!r}")
    return digests


def _extract(archive: zipfile.ZipFile, name: str, root: Path, expected: str) -> None:
    parts = PurePosixPath(name).parts
    if name != DATABASE_NAME and (len(parts) < 2 or parts[0] not in FOLDERS or ".." in parts):
        raise ValueError(f"{name[:80]!r} would lie outside of the project's folders")
    target = root.joinpath(*parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with archive.open(name) as source, write_whole(target) as out:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            out.write(chunk)
        if digest.hexdigest() != expected:
            raise ValueError(f"{name} differs from its digest")


def _prove_whole(path: Path, part: Path) -> None:
    try:
        project = open_project(part)
    except ProjectError as error:
        raise BadInput(f"{path}: was unpacked, but {str(error).removeprefix(f'{part}/')}") from error
    try:
        images.forget_links(project.db)
        problems = check_project(project).problems
    finally:
        project.close()  # before the folder gets its name
    if problems:
        raise BadInput(f"{path}: was unpacked, but is not whole: {problems[0]}")
