"""Annotations: one character on one image, 17 keypoints stored, with the row version that every change raises.

Points are JSON with their numbers as they came; states and sources are one letter a keypoint (`datasets.records`).
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from curator.clock import now
from curator.store.database import Database
from datasets.records import LETTER_STATE, AnnotationRecord
from datasets.skeleton import COCO_KEYPOINTS


@dataclass(slots=True)
class StoredAnnotation:
    """An annotation row: who it belongs to, its version, and what it says."""

    id: int
    image_id: int
    version: int
    record: AnnotationRecord


_COLUMNS = (
    "points, states, sources, extras, bbox_xywh, box_source, box_confirmed, segmentation, area, is_crowd,"
    " source_id, other"
)
COLUMNS = "a.id, a.image_id, a.version, " + ", ".join(f"a.{name.strip()}" for name in _COLUMNS.split(","))
_READ = f"SELECT {COLUMNS} FROM annotations a"


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()


def _values(record: AnnotationRecord) -> tuple[Any, ...]:
    return (
        _dump(record.points),
        record.states,
        record.sources,
        _dump(record.extras) if record.extras else "{}",
        None if record.bbox_xywh is None else _dump(record.bbox_xywh),
        record.box_source,
        int(record.box_confirmed),
        None if record.segmentation is None else _dump(record.segmentation),
        record.area,
        int(record.is_crowd),
        record.source_id,
        _dump(record.other) if record.other else "{}",
    )


def row_to_annotation(row: Any) -> StoredAnnotation:
    """Read a row that was selected with `COLUMNS`."""
    loads = orjson.loads
    record = AnnotationRecord(
        points=loads(row["points"]),
        states=row["states"],
        sources=row["sources"],
        extras={} if row["extras"] == "{}" else loads(row["extras"]),
        bbox_xywh=None if row["bbox_xywh"] is None else loads(row["bbox_xywh"]),
        box_source=row["box_source"],
        box_confirmed=bool(row["box_confirmed"]),
        segmentation=None if row["segmentation"] is None else loads(row["segmentation"]),
        area=row["area"],
        is_crowd=bool(row["is_crowd"]),
        source_id=row["source_id"],
        other={} if row["other"] == "{}" else loads(row["other"]),
    )
    return StoredAnnotation(row["id"], row["image_id"], row["version"], record)


def insert_annotation(
    db: Database, image_id: int, position: int, record: AnnotationRecord, import_id: int | None, *, is_available: bool
) -> int:
    """Add one character to an image. Returns the annotation's id."""
    cursor = db.conn.execute(
        f"INSERT INTO annotations (image_id, position, {_COLUMNS}, is_available, import_id, created_at)"
        f" VALUES ({', '.join('?' * 17)})",
        (image_id, position, *_values(record), int(is_available), import_id, now()),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def write_annotation(db: Database, annotation: StoredAnnotation) -> int:
    """Write a changed annotation and raise its version, also in the record given. Returns the new version.

    The caller holds the write transaction and has compared versions inside it.
    """
    assignments = ", ".join(f"{name.strip()} = ?" for name in _COLUMNS.split(","))
    db.conn.execute(
        f"UPDATE annotations SET {assignments}, version = version + 1 WHERE id = ?",
        (*_values(annotation.record), annotation.id),
    )
    annotation.version += 1
    return annotation.version


def annotation_by_id(db: Database, annotation_id: int) -> StoredAnnotation | None:
    """The annotation of that row id, or None."""
    row = db.one(f"{_READ} WHERE a.id = ?", (annotation_id,))
    return None if row is None else row_to_annotation(row)


def annotations_of(db: Database, image_id: int) -> list[StoredAnnotation]:
    """An image's annotations, in their order."""
    return [row_to_annotation(row) for row in db.all(f"{_READ} WHERE a.image_id = ? ORDER BY a.position", (image_id,))]


def all_annotations(db: Database) -> Iterator[StoredAnnotation]:
    """Every annotation, grouped by image in the order of image ids, in constant memory."""
    return (row_to_annotation(row) for row in db.stream(f"{_READ} ORDER BY a.image_id, a.position"))


def available_annotations(db: Database) -> Iterator[StoredAnnotation]:
    """Annotations of images that are not removed, whether or not their bytes are here; crowds left out."""
    return (
        row_to_annotation(row)
        for row in db.stream(
            f"{_READ} WHERE a.is_crowd = 0 AND a.image_id NOT IN (SELECT image_id FROM removals) ORDER BY a.id"
        )
    )


def decided_faces(db: Database, after_revision_id: int | None, limit: int) -> list[StoredAnnotation]:
    """Whose face somebody decided, newest first: for those who learn from a person's work.

    With `after_revision_id` instead everything that changed since, decided or not, so that what was taken back is
    noticed as well.
    """
    if after_revision_id is None:
        where = "a.is_crowd = 0 AND substr(a.states, 2, 4) <> 'uuuu'"
        parameters: tuple[int, ...] = ()
    else:
        where = "a.id IN (SELECT annotation_id FROM revisions WHERE id > ? AND annotation_id IS NOT NULL)"
        parameters = (after_revision_id,)
    rows = db.all(f"{_READ} WHERE {where} ORDER BY a.id DESC LIMIT ?", (*parameters, limit))
    return [row_to_annotation(row) for row in rows]


def count_annotations(db: Database) -> int:
    """All annotations, crowds and removed images included."""
    row = db.one("SELECT count(*) AS n FROM annotations")
    assert row is not None
    return int(row["n"])


def keypoint_counts(db: Database) -> dict[str, dict[str, int]]:
    """For each of the 17 keypoints how many annotations have it in which state; crowds and removed images left out."""
    counts = [Counter[str]() for _ in COCO_KEYPOINTS]
    # A dataset has few distinct patterns of states, and triggers keep their counts: cheap at any size.
    for row in db.stream("SELECT states, sum(n) AS n FROM state_counts WHERE is_crowd = 0 GROUP BY states"):
        for index, letter in enumerate(row["states"]):
            counts[index][letter] += row["n"]
    for row in db.stream(
        "SELECT a.states FROM removals r JOIN annotations a ON a.image_id = r.image_id WHERE a.is_crowd = 0"
    ):
        for index, letter in enumerate(row["states"]):
            counts[index][letter] -= 1
    letters = {state: letter for letter, state in LETTER_STATE.items()}
    return {
        name: {state: counts[index][letters[state]] for state in ("visible", "hidden", "absent", "undecided")}
        for index, name in enumerate(COCO_KEYPOINTS)
    }
