"""Tags as integers, dated tag tables, aliases and implications.

A raw tag gets its number when a post or relation first names it and keeps it for good. A tag table is one blob: it is
read as a whole, and a dump has a million rows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import msgspec
import zstandard

from curator.clock import now
from curator.store.database import Database
from rulebook.resolution import Relation
from rulebook.tag_table import Tag, TagTable

RelationKind = Literal["alias", "implication"]
_LEVEL: Final = 3


@dataclass(frozen=True, slots=True)
class StoredTagTable:
    """A tag table's row: what it is, without its content."""

    id: int
    file_name: str
    date: str
    digest: str
    num_tags: int


class _Content(msgspec.Struct):
    tags: list[tuple[str, str, int, bool]]
    aliases: dict[str, str]


def number_tags(db: Database, names: Iterable[str]) -> dict[str, int]:
    """The number of each of these names, given now where it has none; all known ones are in the answer too."""
    known = tag_numbers(db)
    fresh = sorted(set(names) - known.keys())
    if fresh:
        db.conn.executemany("INSERT INTO tags (name) VALUES (?)", ((name,) for name in fresh))
        known = tag_numbers(db)
    return known


def tag_numbers(db: Database) -> dict[str, int]:
    """Every tag's number by name."""
    return {row["name"]: row["id"] for row in db.stream("SELECT id, name FROM tags")}


def tag_names(db: Database) -> dict[int, str]:
    """Every tag's name by number."""
    return {row["id"]: row["name"] for row in db.stream("SELECT id, name FROM tags")}


def set_categories(db: Database, categories: Mapping[str, str]) -> None:
    """Keep what posts told of their tags' categories."""
    db.conn.executemany(
        "UPDATE tags SET category = ? WHERE name = ? AND category <> ?",
        ((category, name, category) for name, category in categories.items() if category != "unknown"),
    )


def categories_of_tags(db: Database) -> dict[str, str]:
    """The category of each tag, as posts told it, where they did."""
    return {
        row["name"]: row["category"] for row in db.stream("SELECT name, category FROM tags WHERE category <> 'unknown'")
    }


def insert_tag_table(db: Database, table: TagTable, file_name: str, import_id: int) -> int | None:
    """Keep a tag table; None where the very same one (by digest) is here. A table known under another date moves."""
    known = db.one("SELECT id, date FROM tag_tables WHERE digest = ?", (table.digest,))
    if known is not None:
        if table.date > known["date"]:
            db.conn.execute("UPDATE tag_tables SET date = ? WHERE id = ?", (table.date, known["id"]))
        return None
    content = _Content(
        [(tag.name, tag.category, tag.count, tag.is_deprecated) for tag in table.tags.values()], dict(table.aliases)
    )
    cursor = db.conn.execute(
        "INSERT INTO tag_tables (file_name, date, digest, num_tags, content, import_id, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (file_name, table.date, table.digest, len(table), _packed(content), import_id, now()),
    )
    return cursor.lastrowid


def tag_tables(db: Database) -> list[StoredTagTable]:
    """All tag tables, the oldest date first."""
    rows = db.all("SELECT id, file_name, date, digest, num_tags FROM tag_tables ORDER BY date, id")
    return [StoredTagTable(*row) for row in rows]


def read_tag_table(db: Database, table_id: int) -> TagTable | None:
    """One tag table with its content."""
    row = db.one("SELECT date, content FROM tag_tables WHERE id = ?", (table_id,))
    if row is None:
        return None
    content = msgspec.msgpack.decode(zstandard.decompress(row["content"]), type=_Content)
    return TagTable({said[0]: Tag(*said) for said in content.tags}, content.aliases, row["date"])


def relations(db: Database, kind: RelationKind) -> list[Relation]:
    """All active relations of a kind, in the order of their names."""
    rows = db.all(
        "SELECT a.name, c.name FROM tag_relations r JOIN tags a ON a.id = r.antecedent_id"
        " JOIN tags c ON c.id = r.consequent_id WHERE r.kind = ? ORDER BY a.name, c.name",
        (kind,),
    )
    return [Relation(*row) for row in rows]


def insert_relations(db: Database, kind: RelationKind, rows: Iterable[Relation], import_id: int) -> None:
    """Keep relations; those that are here already stay as they are."""
    listed = list(rows)
    numbers = number_tags(db, [name for row in listed for name in (row.antecedent, row.consequent)])
    db.conn.executemany(
        "INSERT OR IGNORE INTO tag_relations (kind, antecedent_id, consequent_id, import_id) VALUES (?, ?, ?, ?)",
        ((kind, numbers[row.antecedent], numbers[row.consequent], import_id) for row in listed),
    )


def delete_relations(db: Database, kind: RelationKind, rows: Iterable[Relation]) -> None:
    """Forget relations that Danbooru retired."""
    numbers = tag_numbers(db)
    db.conn.executemany(
        "DELETE FROM tag_relations WHERE kind = ? AND antecedent_id = ? AND consequent_id = ?",
        ((kind, numbers.get(row.antecedent), numbers.get(row.consequent)) for row in rows),
    )


def last_import_id(db: Database) -> int:
    """The newest import of tags, aliases or implications, 0 where there is none: a cheap way to see a change."""
    row = db.one("SELECT coalesce(max(id), 0) AS id FROM imports WHERE format IN ('tags', 'alias', 'implication')")
    return 0 if row is None else int(row["id"])


def _packed(content: _Content) -> bytes:
    return zstandard.compress(msgspec.msgpack.encode(content), _LEVEL)
