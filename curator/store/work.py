"""What comes of working a queue: predictions shown, confirmations, skips; and the imports that brought the records."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from curator.clock import now
from curator.store.database import Database

ALPHA: Final = "alpha"  # the "model" whose box was measured from a cut-out's alpha


@dataclass(frozen=True, slots=True)
class StoredPrediction:
    """What one model said of one annotation: keypoints name -> {x, y, state, score}, box {bbox_xywh, source}."""

    annotation_id: int
    model: str
    model_version: str
    keypoints: dict[str, dict[str, Any]]
    box: dict[str, Any] | None


def insert_predictions(db: Database, rows: Iterable[tuple[int, StoredPrediction]]) -> int:
    """Append predictions, each with its image's id; what a model said before stays. Returns how many."""
    moment = now()
    cursor = db.conn.executemany(
        "INSERT INTO predictions (image_id, annotation_id, model, model_version, keypoints, box, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            (
                image_id,
                row.annotation_id,
                row.model,
                row.model_version,
                orjson.dumps(row.keypoints).decode(),
                None if row.box is None else orjson.dumps(row.box).decode(),
                moment,
            )
            for image_id, row in rows
        ),
    )
    return int(cursor.rowcount)


def latest_predictions(db: Database, annotation_ids: list[int] | None = None) -> dict[int, dict[str, StoredPrediction]]:
    """What each model said last of each annotation (those given, or all): its id -> model -> prediction."""
    where = "annotation_id IS NOT NULL"
    parameters: tuple[int, ...] = ()
    if annotation_ids is not None:
        where = f"annotation_id IN ({', '.join('?' * len(annotation_ids))})"
        parameters = tuple(annotation_ids)
    found: dict[int, dict[str, StoredPrediction]] = {}
    for row in db.stream(
        "SELECT annotation_id, model, model_version, keypoints, box FROM predictions WHERE id IN"
        f" (SELECT max(id) FROM predictions WHERE {where} GROUP BY annotation_id, model)",
        parameters,
    ):
        found.setdefault(row["annotation_id"], {})[row["model"]] = StoredPrediction(
            row["annotation_id"],
            row["model"],
            row["model_version"],
            orjson.loads(row["keypoints"]),
            None if row["box"] is None else orjson.loads(row["box"]),
        )
    return found


def has_predictions(db: Database) -> bool:
    """Whether any model has said anything."""
    return db.one("SELECT 1 FROM predictions LIMIT 1") is not None


def insert_confirmation(
    db: Database,
    *,
    revision_id: int,
    annotation_id: int,
    queue: str,
    actor_id: int,
    shown: Any,
    moved: dict[str, float],
    active_ms: int,
) -> None:
    """Keep what a person saw and did on one task."""
    db.conn.execute(
        "INSERT INTO confirmations (revision_id, annotation_id, queue, actor_id, shown, moved, active_ms, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            revision_id,
            annotation_id,
            queue,
            actor_id,
            orjson.dumps(shown).decode(),
            orjson.dumps(moved).decode(),
            active_ms,
            now(),
        ),
    )


@dataclass(frozen=True, slots=True)
class StoredConfirmation:
    """A confirmation as it is kept; `is_withdrawn` when a later change took it back."""

    annotation_id: int
    queue: str
    shown: Any
    moved: dict[str, float]
    active_ms: int
    is_withdrawn: bool


def confirmations(db: Database) -> list[StoredConfirmation]:
    """All confirmations, oldest first."""
    rows = db.all(
        "SELECT c.*, EXISTS (SELECT 1 FROM revisions u WHERE u.undoes = r.change_id) AS is_withdrawn"
        " FROM confirmations c JOIN revisions r ON r.id = c.revision_id ORDER BY c.id"
    )
    return [
        StoredConfirmation(
            row["annotation_id"],
            row["queue"],
            orjson.loads(row["shown"]),
            orjson.loads(row["moved"]),
            row["active_ms"],
            bool(row["is_withdrawn"]),
        )
        for row in rows
    ]


def insert_skip(db: Database, annotation_id: int, queue: str, reason: str, revision_id: int) -> None:
    """Set a task aside; a second reason replaces the first."""
    db.conn.execute(
        "INSERT INTO skips (annotation_id, queue, reason, revision_id) VALUES (?, ?, ?, ?) ON CONFLICT"
        " (annotation_id, queue) DO UPDATE SET reason = excluded.reason, revision_id = excluded.revision_id",
        (annotation_id, queue, reason, revision_id),
    )


def delete_skip(db: Database, annotation_id: int, queue: str) -> None:
    """Put a task back into its queue."""
    db.conn.execute("DELETE FROM skips WHERE annotation_id = ? AND queue = ?", (annotation_id, queue))


def insert_import(db: Database, format_name: str, file_name: str, actor_id: int) -> int:
    """Begin an import's row; its counts come with `finish_import`. Returns its id."""
    cursor = db.conn.execute(
        "INSERT INTO imports (format, file_name, actor_id, counts, created_at) VALUES (?, ?, ?, '{}', ?)",
        (format_name, file_name, actor_id, now()),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def finish_import(db: Database, import_id: int, counts: dict[str, int]) -> None:
    """Keep what an import did."""
    db.conn.execute("UPDATE imports SET counts = ? WHERE id = ?", (orjson.dumps(counts).decode(), import_id))
