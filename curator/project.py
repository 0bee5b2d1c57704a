"""A project folder: where its parts lie, how one is made, found, and served by one server at a time.

    my-project/
      curator.db      everything except bytes and weights
      blobs/ab/abcd   pictures by SHA-256, written once
      cache/          thumbnails and crops, safe to delete
      models/         one folder a model
      exports/        what was handed out
      serve.lock      who serves it now (host, port, process id); meaningless once that process is gone

Paths kept in the database are relative, so a project can be copied, zipped, moved.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

from curator.errors import Busy, ProjectError
from curator.store.database import Connections, Database, open_database

DATABASE_NAME = "curator.db"
FOLDERS = ("blobs", "cache", "models", "exports")


@dataclass(slots=True)
class Project:
    """An opened project. `db` is the calling thread's own connection."""

    root: Path
    _connections: Connections = field(repr=False)

    @property
    def name(self) -> str:
        return self.root.name

    @property
    def db(self) -> Database:
        return self._connections.get()

    @property
    def blobs(self) -> Path:
        return self.root / "blobs"

    @property
    def exports(self) -> Path:
        return self.root / "exports"

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    def close(self) -> None:
        """Close this thread's connection."""
        self._connections.close()


def init_project(root: Path) -> Project:
    """Make an empty project; an existing one is opened and left as it is.

    Raises:
        ProjectError: the folder holds other things, or cannot be written.
    """
    root = root.resolve()
    try:
        if root.exists() and not (root / DATABASE_NAME).exists():
            if not root.is_dir():
                raise ProjectError(f"{root}: is a file, expected a folder or nothing")
            if strangers := sorted(p.name for p in root.iterdir() if p.name not in FOLDERS):
                raise ProjectError(f"{root}: holds {strangers[0]!r} and no {DATABASE_NAME}, expected an empty folder")
        for folder in FOLDERS:
            (root / folder).mkdir(parents=True, exist_ok=True)
        open_database(root / DATABASE_NAME, create=True).close()
    except OSError as error:
        raise ProjectError(f"{root}: cannot make a project here ({error.strerror})") from error
    return open_project(root)


def open_project(root: Path) -> Project:
    """Open an existing project and bring its database up to date.

    Raises:
        ProjectError: no project there, damaged, or made by a newer release.
    """
    root = root.resolve()
    if not (root / DATABASE_NAME).is_file():
        raise ProjectError(f"{root}: no project here (no {DATABASE_NAME}); make one with `curator init {root}`")
    project = Project(root, Connections(root / DATABASE_NAME))
    _ = project.db  # opens and migrates now, so that a damaged project is told of here
    return project


def find_project(start: Path) -> Path:
    """The nearest folder, from `start` upwards, that is a project.

    Raises:
        ProjectError: none is.
    """
    start = start.absolute()
    for folder in (start, *start.parents):
        if (folder / DATABASE_NAME).is_file():
            return folder
    raise ProjectError(f"{start}: no project here or above; give one with -p DIR, or make one with `curator init DIR`")


@contextlib.contextmanager
def serving(project: Project) -> Generator["ServeLock", None, None]:
    """Hold the project for one server. The lock is the kernel's: it ends with the process, however it ends.

    Raises:
        Busy: another server has it; the message names its address.
    """
    path = project.root / "serve.lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy(f"{project.root}: is served already, at {_address_in(path)}") from error
        os.ftruncate(handle, 0)
        yield ServeLock(handle)
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)


@dataclass(slots=True)
class ServeLock:
    """The lock while serving; `announce` leaves the address for those who come second."""

    handle: int

    def announce(self, address: str) -> None:
        os.ftruncate(self.handle, 0)
        os.pwrite(self.handle, json.dumps({"address": address, "pid": os.getpid()}).encode(), 0)


def _address_in(path: Path) -> str:
    try:
        return str(json.loads(path.read_text())["address"])
    except (OSError, ValueError, KeyError):
        return "an address it has not told yet"
