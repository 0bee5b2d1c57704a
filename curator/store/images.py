"""Images: where they are from, the frame their coordinates live in, and whether their bytes have arrived.

An image is the same image when source and source id agree. `annotations.is_available` repeats "has bytes and is not
removed" so that a queue is one index walk; `refresh_availability` keeps it, the integrity check compares it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from curator.clock import now
from curator.store.database import Database
from datasets.records import ImageRecord


@dataclass(slots=True)
class StoredImage:
    """An image row. `record.annotations` is empty here: annotations are read by their own module."""

    id: int
    record: ImageRecord
    media_type: str | None = None
    shown_as: str | None = None  # media type of the copy that a browser needs; None: the file itself will do
    link_path: str | None = None
    resampler: str | None = None


_COLUMNS = (
    "source, source_id, file_name, width, height, fit_wh, digest, original_md5, original_width, original_height,"
    " artist, licence, rating, rating_scheme, flags, other"
)
_READ = (
    f"SELECT i.id, {_COLUMNS}, media_type, shown_as, link_path, resampler, r.reason AS removal"
    " FROM images i LEFT JOIN removals r ON r.image_id = i.id"
)


def _dump(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def wh_to_text(wh: tuple[int, int] | None) -> str | None:
    """(800, 600) -> '800x600'."""
    return None if wh is None else f"{wh[0]}x{wh[1]}"


def text_to_wh(text: str | None) -> tuple[int, int] | None:
    """'800x600' -> (800, 600)."""
    if text is None:
        return None
    width, height = text.split("x")
    return int(width), int(height)


def _row_values(record: ImageRecord) -> tuple[Any, ...]:
    original = record.original_wh or (None, None)
    return (
        record.source,
        record.source_id,
        record.file_name,
        record.width,
        record.height,
        wh_to_text(record.fit_wh),
        record.digest,
        record.original_md5,
        original[0],
        original[1],
        record.artist,
        record.licence,
        record.rating,
        record.rating_scheme,
        _dump(record.flags),
        json.dumps(record.other, sort_keys=True, ensure_ascii=False),
    )


def _row_to_image(row: Any) -> StoredImage:
    original = None if row["original_width"] is None else (row["original_width"], row["original_height"])
    record = ImageRecord(
        file_name=row["file_name"],
        width=row["width"],
        height=row["height"],
        source=row["source"],
        source_id=row["source_id"],
        fit_wh=text_to_wh(row["fit_wh"]),
        digest=row["digest"],
        original_md5=row["original_md5"],
        original_wh=original,
        artist=row["artist"],
        licence=row["licence"],
        rating=row["rating"],
        rating_scheme=row["rating_scheme"],
        flags=orjson.loads(row["flags"]),
        removal=row["removal"],
        other={} if row["other"] == "{}" else json.loads(row["other"]),
    )
    return StoredImage(row["id"], record, row["media_type"], row["shown_as"], row["link_path"], row["resampler"])


def insert_image(db: Database, record: ImageRecord, import_id: int | None) -> int:
    """Add an image; its annotations and its removal are added by their own modules. Returns its id."""
    places = ", ".join("?" * 18)
    cursor = db.conn.execute(
        f"INSERT INTO images ({_COLUMNS}, import_id, created_at) VALUES ({places})",
        (*_row_values(record), import_id, now()),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def update_image(db: Database, image_id: int, record: ImageRecord) -> None:
    """Write an image's facts anew; how its bytes are kept (link, resampler, type) stays."""
    assignments = ", ".join(f"{name.strip()} = ?" for name in _COLUMNS.split(","))
    db.conn.execute(f"UPDATE images SET {assignments} WHERE id = ?", (*_row_values(record), image_id))


def set_bytes(
    db: Database,
    image_id: int,
    *,
    digest: str,
    media_type: str,
    shown_as: str | None,
    link_path: str | None,
    resampler: str | None,
) -> None:
    """Say that an image's bytes are here, and how they are kept."""
    db.conn.execute(
        "UPDATE images SET digest = ?, media_type = ?, shown_as = ?, link_path = ?, resampler = ? WHERE id = ?",
        (digest, media_type, shown_as, link_path, resampler, image_id),
    )
    refresh_availability(db, image_id)


def forget_bytes(db: Database, image_id: int) -> None:
    """Say that an image's bytes are not here (any more); its facts are the caller's to write."""
    db.conn.execute(
        "UPDATE images SET digest = NULL, media_type = NULL, shown_as = NULL, link_path = NULL, resampler = NULL"
        " WHERE id = ?",
        (image_id,),
    )
    refresh_availability(db, image_id)


def refresh_availability(db: Database, image_id: int) -> None:
    """Keep `annotations.is_available` true to the image's bytes and removal."""
    db.conn.execute(
        "UPDATE annotations SET is_available = (SELECT i.media_type IS NOT NULL AND r.image_id IS NULL FROM images i"
        " LEFT JOIN removals r ON r.image_id = i.id WHERE i.id = annotations.image_id) WHERE image_id = ?",
        (image_id,),
    )


def find_image(db: Database, source: str, source_id: str) -> StoredImage | None:
    """The image of that origin, or None."""
    row = db.one(f"{_READ} WHERE source = ? AND source_id = ?", (source, source_id))
    return None if row is None else _row_to_image(row)


def image_by_id(db: Database, image_id: int) -> StoredImage | None:
    """The image of that row id, or None."""
    row = db.one(f"{_READ} WHERE i.id = ?", (image_id,))
    return None if row is None else _row_to_image(row)


def image_by_digest(db: Database, digest: str) -> StoredImage | None:
    """An image whose bytes here have this SHA-256, or None; several share them where files repeat."""
    row = db.one(
        f"{_READ} WHERE digest = ? AND media_type IS NOT NULL ORDER BY link_path IS NOT NULL LIMIT 1", (digest,)
    )
    return None if row is None else _row_to_image(row)


def all_images(db: Database) -> Iterator[StoredImage]:
    """Every image, by id, in constant memory."""
    return (_row_to_image(row) for row in db.stream(f"{_READ} ORDER BY i.id"))


def removed_images(db: Database) -> list[tuple[StoredImage, str, str]]:
    """Images out of the dataset, newest removal first, each with when and by whom."""
    rows = db.all(
        _READ.replace("r.reason AS removal", "r.reason AS removal, v.created_at AS removed_at, u.name AS removed_by")
        + " JOIN revisions v ON v.id = r.revision_id JOIN users u ON u.id = v.actor_id ORDER BY v.id DESC"
    )
    return [(_row_to_image(row), row["removed_at"], row["removed_by"]) for row in rows]


def count_images(db: Database) -> dict[str, int]:
    """`images`, those `with_bytes`, those `removed`."""
    row = db.one(
        "SELECT count(*) AS images, count(media_type) AS with_bytes,"
        " (SELECT count(*) FROM removals) AS removed FROM images"
    )
    assert row is not None
    return {key: row[key] for key in ("images", "with_bytes", "removed")}


def insert_removal(db: Database, image_id: int, reason: str, revision_id: int) -> None:
    """Take an image out of the dataset; a second reason replaces the first."""
    db.conn.execute(
        "INSERT INTO removals (image_id, reason, revision_id) VALUES (?, ?, ?)"
        " ON CONFLICT (image_id) DO UPDATE SET reason = excluded.reason, revision_id = excluded.revision_id",
        (image_id, reason, revision_id),
    )
    refresh_availability(db, image_id)


def delete_removal(db: Database, image_id: int) -> None:
    """Put an image back into the dataset."""
    db.conn.execute("DELETE FROM removals WHERE image_id = ?", (image_id,))
    refresh_availability(db, image_id)


def forget_links(db: Database) -> None:
    """Every picture lies in the blobs now: a restored project brought its linked ones inside."""
    db.conn.execute("UPDATE images SET link_path = NULL WHERE link_path IS NOT NULL")
