"""All posts as columns, and each raw tag as a packed bitmap of the posts that carry it.

A post's row is its place among all posts in the order of their ids, and tags are in the order of their names; so an
index says nothing of the order in which posts came in, and importing a changed post again (`merge_indexes`) gives the
very index that importing everything from nothing gives. Rows are numbers of this index only; ids are for outside.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
from pyroaring import BitMap

from rulebook.bitmaps import bitmap_of_rows, rows_of
from rulebook.tag_table import TagTable

# What a rating means, whatever letter and scheme said it; the code is the place in this tuple.
RATING_MEANINGS: Final = (
    "unknown",
    "safe",  # s of the older scheme
    "general",
    "sensitive",  # s of the newer scheme
    "questionable",
    "explicit",
    "safe or sensitive",  # s of an undecided scheme
)
SCHEMES: Final = ("", "sqe", "gsqe")
COLUMNS: Final = ("ids", "ratings", "schemes", "widths", "heights", "exts", "statuses", "parents")


@dataclass(frozen=True)
class PostIndex:
    """P posts in the order of their ids and T tags in the order of their names. Nothing in it is changed in place."""

    ids: np.ndarray
    ratings: np.ndarray  # codes of RATING_MEANINGS
    schemes: np.ndarray  # codes of SCHEMES
    widths: np.ndarray
    heights: np.ndarray
    exts: np.ndarray
    statuses: np.ndarray
    parents: np.ndarray
    num_tags: np.ndarray  # (P,) uint16
    tags: tuple[str, ...]
    postings: tuple[BitMap, ...]
    ext_names: tuple[str, ...]
    categories: Mapping[str, str] = field(default_factory=dict)  # tag: category, where known

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def tag_ids(self) -> Mapping[str, int]:
        """Number of each tag."""
        return {name: number for number, name in enumerate(self.tags)}

    def posting(self, tag: str) -> BitMap:
        """The rows of the posts that carry a raw tag; empty where none does."""
        number = self.tag_ids.get(tag)
        return self.postings[number] if number is not None else BitMap()

    def count(self, tag: str) -> int:
        """How many posts carry a raw tag."""
        return len(self.posting(tag))

    def row_of(self, post_id: int) -> int | None:
        """The row of a post, None where there is no such post."""
        row = int(np.searchsorted(self.ids, post_id))
        return row if row < len(self.ids) and self.ids[row] == post_id else None

    def rows_of_ids(self, post_ids: Iterable[int]) -> BitMap:
        """The rows of those of these posts that are here."""
        wanted = np.unique(np.fromiter(post_ids, dtype=np.int64))
        return bitmap_of_rows(np.flatnonzero(np.isin(self.ids, wanted, assume_unique=True)))

    def tags_of(self, row: int) -> tuple[str, ...]:
        """The raw tags of one post, by name. Looks into every posting: for one post, not for all."""
        return tuple(name for name, posting in zip(self.tags, self.postings, strict=True) if row in posting)

    @cached_property
    def num_general(self) -> np.ndarray:
        """(P,) uint16: how many general tags each post has."""
        counted = np.zeros(len(self), dtype=np.uint16)
        for name, posting in zip(self.tags, self.postings, strict=True):
            if self.categories.get(name) == "general":
                counted[rows_of(posting)] += 1
        return counted

    def with_categories(self, categories: Mapping[str, str] | TagTable) -> PostIndex:
        """The same posts with tag categories from a table; tags that it does not know keep theirs."""
        if isinstance(categories, TagTable):
            table = categories
            categories = {name: table.category_of(name) for name in self.tags}
        known = {name: said for name in self.tags if (said := categories.get(name, "unknown")) != "unknown"}
        return replace(self, categories={**self.categories, **known})

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all posts and tags; the order in which they came in does not count."""
        hasher = hashlib.sha256("\0".join(self.ext_names).encode())
        for name in (*COLUMNS, "num_tags"):
            column = getattr(self, name)
            hasher.update(np.ascontiguousarray(column, dtype=column.dtype.newbyteorder("<")).tobytes())
        for name, posting in zip(self.tags, self.postings, strict=True):
            hasher.update(f"\n{name} {self.categories.get(name, 'unknown')}\n".encode())
            hasher.update(np.frombuffer(posting.to_array(), dtype=np.uint32).astype("<u4").tobytes())
        return hasher.hexdigest()


def merge_indexes(older: PostIndex, newer: PostIndex) -> PostIndex:
    """Both indexes as one; a post of both is as the newer has it, tags included."""
    ids = np.union1d(older.ids, newer.ids)
    old_rows, new_rows = np.searchsorted(ids, older.ids), np.searchsorted(ids, newer.ids)
    is_replaced = np.isin(older.ids, newer.ids, assume_unique=True)
    kept = np.flatnonzero(~is_replaced)
    ext_names = tuple(dict.fromkeys((*older.ext_names, *newer.ext_names)))
    columns: dict[str, Any] = {"ids": ids}
    for name in (*COLUMNS[1:], "num_tags"):
        old, new = getattr(older, name), getattr(newer, name)
        if name == "exts":
            mapped = np.array([ext_names.index(ext) for ext in newer.ext_names], dtype=np.uint8)
            new = mapped[new] if len(mapped) else new
        column = np.zeros(len(ids), dtype=old.dtype)
        column[old_rows[kept]], column[new_rows] = old[kept], new
        columns[name] = column
    columns["exts"], ext_names = renumbered_exts(columns["exts"], ext_names)
    moved_at = np.where(is_replaced, -1, old_rows)
    postings: dict[str, BitMap] = {}
    for name in sorted({*older.tags, *newer.tags}):
        rows = moved_at[rows_of(older.posting(name))]
        rows = rows[rows >= 0]
        if name in newer.tag_ids:
            rows = np.sort(np.concatenate((rows, new_rows[rows_of(newer.posting(name))])))
        if len(rows):
            postings[name] = bitmap_of_rows(rows)
    categories = {n: c for n, c in {**older.categories, **newer.categories}.items() if n in postings}
    return PostIndex(
        **columns, tags=tuple(postings), postings=tuple(postings.values()), ext_names=ext_names, categories=categories
    )


def renumbered_exts(exts: np.ndarray, names: tuple[str, ...]) -> tuple[np.ndarray, tuple[str, ...]]:
    """File types renumbered in the order of their names, without those that no post has."""
    used = sorted((names[number], number) for number in np.unique(exts).tolist())
    renumbered = np.zeros(max(len(names), 1), dtype=np.uint8)
    renumbered[[number for _, number in used]] = np.arange(len(used), dtype=np.uint8)
    return renumbered[exts], tuple(name for name, _ in used)
