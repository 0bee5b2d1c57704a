"""Opening `curator.db`: the connection's settings, short immediate transactions, migrations applied on opening.

`Database` is sqlite-utils' with one difference: `atomic` begins IMMEDIATE, so that a transaction that will write waits
for its turn at the start (up to `BUSY_TIMEOUT_S`) instead of failing in the middle with "database is locked".
A connection belongs to the thread that opened it; `Connections` keeps one per thread.
"""

import contextlib
import errno
import os
import shutil
import sqlite3
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, cast

import sqlite_utils

from curator.errors import Busy, CuratorError, ProjectError

BUSY_TIMEOUT_S = 30.0
NEEDED_SQLITE = (3, 37, 0)  # STRICT tables
FULL_BELOW_BYTES = 1 << 20  # SQLite says "disk I/O error" where no room is left for its index of the log


class Database(sqlite_utils.Database):
    """A project's database in one thread."""

    @contextlib.contextmanager
    def atomic(self) -> Generator["Database", None, None]:
        """One action: all of it is stored, durably, or nothing. Nested blocks join the outer one.

        Raises:
            Busy: another process kept the write lock longer than `BUSY_TIMEOUT_S`.
            CuratorError: the disk is full or fails; nothing of the action was stored.
        """
        if self.conn.in_transaction:
            yield self
            return
        try:
            self.conn.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if "locked" in str(error) or "busy" in str(error):
                raise Busy("another process is writing to this project; try again in a moment") from error
            if told := disk_error(self.path, error):
                raise told from told.__cause__
            raise
        try:
            yield self
            self.conn.execute("COMMIT")
        except BaseException as error:
            if self.conn.in_transaction:
                self.conn.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError) and (told := disk_error(self.path, error)):
                raise told from told.__cause__
            raise

    @contextlib.contextmanager
    def savepoint(self) -> Generator["Database", None, None]:
        """A part of an action that may fail alone: what it did is taken back, the action goes on."""
        self.conn.execute("SAVEPOINT part")
        try:
            yield self
        except BaseException:
            if self.conn.in_transaction:
                self.conn.execute("ROLLBACK TO part")
                self.conn.execute("RELEASE part")
            raise
        self.conn.execute("RELEASE part")

    @property
    def path(self) -> Path:
        """The file of this database."""
        return Path(self.conn.execute("PRAGMA database_list").fetchone()["file"])

    def one(self, sql: str, parameters: Any = ()) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        return cast("sqlite3.Row | None", self.conn.execute(sql, parameters).fetchone())

    def all(self, sql: str, parameters: Any = ()) -> list[sqlite3.Row]:
        """All rows of a query; for queries bounded by a limit or by their nature."""
        return self.conn.execute(sql, parameters).fetchall()

    def stream(self, sql: str, parameters: Any = ()) -> Iterator[sqlite3.Row]:
        """Rows one after another, for walks over a whole table in constant memory."""
        return self.conn.execute(sql, parameters)


def disk_error(path: Path, error: sqlite3.Error) -> CuratorError | None:
    """One sentence where the disk is full or fails, else None. A full one has OSError ENOSPC as its cause."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None or code & 0xFF not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return None
    if code & 0xFF == sqlite3.SQLITE_FULL or shutil.disk_usage(path.parent).free < FULL_BELOW_BYTES:
        told = CuratorError(
            f"{path.name}: the disk is full; free some space and try again, what was stored before is safe"
        )
        told.__cause__ = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    else:
        told = CuratorError(f"{path.name}: cannot be read or written ({error}); what was stored before is safe")
        told.__cause__ = error
    return told


def open_database(path: Path, *, create: bool = False, read_only: bool = False) -> Database:
    """Open (and where needed migrate) the database of a project.

    Raises:
        ProjectError: not there, not a database, damaged, or made by a newer release.
    """
    if sqlite3.sqlite_version_info < NEEDED_SQLITE:
        raise ProjectError(f"SQLite {sqlite3.sqlite_version} is too old, expected 3.37 or newer")
    if not create and not path.is_file():
        raise ProjectError(f"{path}: no such database")
    mode = "ro" if read_only else "rwc" if create else "rw"
    try:
        conn = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None
        )
        conn.row_factory = sqlite3.Row
        if not read_only:
            conn.execute("PRAGMA journal_mode=WAL")
            conn.execute("PRAGMA synchronous=FULL")
        conn.execute("PRAGMA cache_size=-16384")  # 16 MiB a connection: an export must stay small beside its rows
        db = Database(conn)
        if not read_only:
            _migrate(db, path)
        conn.execute("PRAGMA foreign_keys=ON")
    except sqlite3.DatabaseError as error:
        if told := disk_error(path, error):
            raise told from told.__cause__
        raise ProjectError(f"{path}: not a usable database ({error})") from error
    return db


def _migrate(db: Database, path: Path) -> None:
    from curator.store.migrations import MIGRATIONS

    known = {migration.name for migration in MIGRATIONS._migrations}
    applied = {migration.name for migration in MIGRATIONS.applied(db)}
    if unknown := sorted(applied - known):
        raise ProjectError(f"{path}: made by a newer release (it has the step {unknown[0]!r}); update the program")
    if applied == known:
        return
    db.conn.execute("PRAGMA foreign_keys=OFF")
    with db.atomic():  # two processes that open a new project at once: the second waits and finds nothing to do
        MIGRATIONS.apply(db)
        broken = db.all("PRAGMA foreign_key_check")
    if broken:
        raise ProjectError(f"{path}: {len(broken)} rows point to nothing after the migration")


def write_snapshot(db: Database, path: Path) -> None:
    """Copy the database as it is at one moment, while others go on writing, into a new file without a WAL beside it."""
    target = sqlite3.connect(path)
    try:
        db.conn.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError as error:
        if told := disk_error(path, error):
            raise told from told.__cause__
        raise
    finally:
        target.close()


class Connections:
    """One connection a thread to one database; closed together."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._all: list[Database] = []
        self._lock = threading.Lock()

    def get(self) -> Database:
        db = getattr(self._local, "db", None)
        if db is None:
            db = open_database(self.path)
            self._local.db = db
            with self._lock:
                self._all.append(db)
        return cast(Database, db)

    def close(self) -> None:
        """Close the calling thread's connection and forget the others (they close with their threads)."""
        with self._lock:
            mine = getattr(self._local, "db", None)
            if mine is not None:
                mine.close()
                self._local.db = None
            self._all.clear()
