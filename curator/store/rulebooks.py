"""The log of the working rulebook, append-only, and its published versions, each one row of text and lock.

A change is an edit as JSON, or a snapshot where no edit says it (a start, an import, a merge). Every now and then an
edit carries a snapshot as well, so that opening replays a few edits and never all.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import orjson
import zstandard

from curator.clock import now
from curator.store.database import Database

Action = Literal["start", "edit", "undo", "redo", "import", "merge"]
_LEVEL: Final = 3


@dataclass(frozen=True, slots=True)
class RulebookChange:
    """One step of the working rulebook."""

    version: int
    change_id: str
    action: str
    base_version: int
    actor_id: int
    actor: str
    words: str
    edit: str | None  # JSON; None: the snapshot is the change
    undo: str | None
    touched: tuple[str, ...]  # names of classes that read otherwise after it
    about: str | None  # change id of what an undo takes back, or a redo does again
    digest: str  # of the rulebook after it
    has_snapshot: bool
    created_at: str


@dataclass(frozen=True, slots=True)
class RulebookVersion:
    """A published version without its texts."""

    number: int
    change_id: str
    at_version: int  # of the working rulebook
    actor_id: int
    actor: str
    message: str
    digest: str
    created_at: str


_CHANGES: Final = (
    "SELECT c.version, change_id, action, base_version, actor_id, u.name AS actor, words, edit, undo, touched, about,"
    " digest, snapshot IS NOT NULL AS has_snapshot, c.created_at FROM rulebook_changes c JOIN users u"
    " ON u.id = c.actor_id"
)
_VERSIONS: Final = (
    "SELECT number, change_id, at_version, actor_id, u.name AS actor, message, digest, v.created_at"
    " FROM rulebook_versions v JOIN users u ON u.id = v.actor_id"
)


def current_version(db: Database) -> int:
    """The version of the working rulebook; 0 where it was never begun."""
    row = db.one("SELECT coalesce(max(version), 0) AS version FROM rulebook_changes")
    return 0 if row is None else int(row["version"])


def append_change(
    db: Database,
    *,
    change_id: str,
    action: Action,
    base_version: int,
    actor_id: int,
    words: str,
    edit: str | None,
    undo: str | None,
    touched: tuple[str, ...],
    about: str | None,
    digest: str,
    snapshot: str | None,
) -> int:
    """Append one change. Returns the version that it makes."""
    version = current_version(db) + 1
    db.conn.execute(
        "INSERT INTO rulebook_changes (version, change_id, action, base_version, actor_id, words, edit, undo, touched,"
        " about, digest, snapshot, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            version,
            change_id,
            action,
            base_version,
            actor_id,
            words,
            edit,
            undo,
            orjson.dumps(touched).decode(),
            about,
            digest,
            None if snapshot is None else _packed(snapshot),
            now(),
        ),
    )
    return version


def change_by_id(db: Database, change_id: str) -> RulebookChange | None:
    """The change of that id, or None when it was never applied."""
    row = db.one(f"{_CHANGES} WHERE change_id = ?", (change_id,))
    return None if row is None else _row_to_change(row)


def change_at(db: Database, version: int) -> RulebookChange | None:
    """The change that made a version."""
    row = db.one(f"{_CHANGES} WHERE c.version = ?", (version,))
    return None if row is None else _row_to_change(row)


def changes_after(db: Database, version: int) -> list[RulebookChange]:
    """The changes since a version, oldest first."""
    return [_row_to_change(row) for row in db.all(f"{_CHANGES} WHERE c.version > ? ORDER BY c.version", (version,))]


def latest_changes(db: Database, limit: int, before: int | None = None) -> list[RulebookChange]:
    """The newest changes (those below version `before`), newest first."""
    rows = db.all(f"{_CHANGES} WHERE c.version < ? ORDER BY c.version DESC LIMIT ?", (before or 1 << 62, limit))
    return [_row_to_change(row) for row in rows]


def walk_changes(db: Database) -> Iterator[RulebookChange]:
    """The whole log, oldest first, in constant memory."""
    return (_row_to_change(row) for row in db.stream(f"{_CHANGES} ORDER BY c.version"))


def snapshot_at(db: Database, version: int) -> tuple[int, str] | None:
    """The newest snapshot at or before a version: the version it was taken at, its TOML."""
    row = db.one(
        "SELECT version, snapshot FROM rulebook_changes WHERE version <= ? AND snapshot IS NOT NULL"
        " ORDER BY version DESC LIMIT 1",
        (version,),
    )
    return None if row is None else (row["version"], _unpacked(row["snapshot"]))


def insert_version(
    db: Database,
    *,
    change_id: str,
    at_version: int,
    actor_id: int,
    message: str,
    digest: str,
    toml_text: str,
    lock_text: str,
) -> int:
    """Keep a published version. Returns its number."""
    cursor = db.conn.execute(
        "INSERT INTO rulebook_versions (change_id, at_version, actor_id, message, digest, toml, lock, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (change_id, at_version, actor_id, message, digest, _packed(toml_text), _packed(lock_text), now()),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def versions(db: Database) -> list[RulebookVersion]:
    """All published versions, oldest first."""
    return [RulebookVersion(*row) for row in db.all(f"{_VERSIONS} ORDER BY number")]


def version_by_change(db: Database, change_id: str) -> RulebookVersion | None:
    """The version that a request published, or None."""
    row = db.one(f"{_VERSIONS} WHERE change_id = ?", (change_id,))
    return None if row is None else RulebookVersion(*row)


def version_texts(db: Database, number: int) -> tuple[str, str] | None:
    """TOML and lock of a published version, or None where there is no such version."""
    row = db.one("SELECT toml, lock FROM rulebook_versions WHERE number = ?", (number,))
    return None if row is None else (_unpacked(row["toml"]), _unpacked(row["lock"]))


def _row_to_change(row: sqlite3.Row) -> RulebookChange:
    values = {key: row[key] for key in RulebookChange.__slots__}
    values["touched"] = tuple(orjson.loads(row["touched"]))
    values["has_snapshot"] = bool(row["has_snapshot"])
    return RulebookChange(**values)


def _packed(text: str) -> bytes:
    return zstandard.compress(text.encode(), _LEVEL)


def _unpacked(content: bytes) -> str:
    return zstandard.decompress(content).decode()
