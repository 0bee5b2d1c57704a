"""Revisions: the append-only log. Undo, audit, merge and replay read it; nothing ever rewrites it."""

import sqlite3
from dataclasses import dataclass
from typing import Any

import orjson

from curator.clock import now
from curator.store.database import Database


@dataclass(frozen=True, slots=True)
class Revision:
    """One change: what it was about, what the fields were before and are after."""

    id: int
    change_id: str
    image_id: int
    annotation_id: int | None
    action: str
    base_version: int
    version: int
    actor_id: int
    before: dict[str, Any]
    after: dict[str, Any]
    undoes: str | None
    created_at: str


def _row_to_revision(row: sqlite3.Row) -> Revision:
    values = {key: row[key] for key in Revision.__slots__}
    return Revision(**{**values, "before": orjson.loads(row["before"]), "after": orjson.loads(row["after"])})


def insert_revision(
    db: Database,
    *,
    change_id: str,
    image_id: int,
    annotation_id: int | None,
    action: str,
    base_version: int,
    version: int,
    actor_id: int,
    before: dict[str, Any],
    after: dict[str, Any],
    undoes: str | None = None,
) -> int:
    """Append one change. Returns the revision's id."""
    cursor = db.conn.execute(
        "INSERT INTO revisions (change_id, image_id, annotation_id, action, base_version, version, actor_id, before,"
        " after, undoes, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            change_id,
            image_id,
            annotation_id,
            action,
            base_version,
            version,
            actor_id,
            orjson.dumps(before).decode(),
            orjson.dumps(after).decode(),
            undoes,
            now(),
        ),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def revision_by_change(db: Database, change_id: str) -> Revision | None:
    """The change of that id, or None when it was never applied."""
    row = db.one("SELECT * FROM revisions WHERE change_id = ?", (change_id,))
    return None if row is None else _row_to_revision(row)


def revisions_of_annotation(db: Database, annotation_id: int) -> list[Revision]:
    """The history of one annotation, oldest first."""
    rows = db.all("SELECT * FROM revisions WHERE annotation_id = ? ORDER BY id", (annotation_id,))
    return [_row_to_revision(row) for row in rows]


def last_revision_id(db: Database) -> int:
    """The newest revision's id, 0 when there is none: a cheap way to see whether anything changed."""
    row = db.one("SELECT max(id) AS id FROM revisions")
    return 0 if row is None or row["id"] is None else int(row["id"])


def recent_revisions(db: Database, limit: int) -> list[tuple[Revision, str, str]]:
    """The newest changes by people, newest first, each with the image's file name and the person's name."""
    rows = db.all(
        "SELECT r.*, i.file_name, u.name AS actor FROM revisions r JOIN images i ON i.id = r.image_id"
        " JOIN users u ON u.id = r.actor_id WHERE u.role <> 'machine' ORDER BY r.id DESC LIMIT ?",
        (limit,),
    )
    return [(_row_to_revision(row), row["file_name"], row["actor"]) for row in rows]
