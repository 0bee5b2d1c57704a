"""Posts into an index: one by one or in columns, packed container by container.

A container is 65,536 posts. Its pairs of tag and post are sorted by tag, and each tag's run is one container of that
tag's bitmap, written in the bitmap's own serialized form: no value is ever inserted.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from rulebook.bitmaps import CONTAINER, bitmap_of_containers, container_bytes
from rulebook.post_index import COLUMNS, SCHEMES, PostIndex, renumbered_exts
from rulebook.posts import Post
from rulebook.tag_table import TAG_CATEGORIES

_MEANING: Final = {
    ("s", "sqe"): 1,
    ("g", "gsqe"): 2,
    ("s", "gsqe"): 3,
    ("q", "sqe"): 4,
    ("q", "gsqe"): 4,
    ("q", ""): 4,
    ("e", "sqe"): 5,
    ("e", "gsqe"): 5,
    ("e", ""): 5,
    ("s", ""): 6,
}
MAX_EXTS: Final = 255  # file types told apart; any more are "other"


@dataclass(frozen=True)
class PostColumns:
    """P posts in any order, with their tags as one long list: what builders and generators hand over.

    ids int64; ratings, schemes, exts, statuses uint8; widths, heights int32 with 0 for unknown; parents int64 with 0
    for none. The tags of post p are flat_tags[offsets[p] : offsets[p + 1]], numbers of `tag_names`, each once.
    """

    ids: np.ndarray
    ratings: np.ndarray
    schemes: np.ndarray
    widths: np.ndarray
    heights: np.ndarray
    exts: np.ndarray
    statuses: np.ndarray
    parents: np.ndarray
    offsets: np.ndarray  # (P + 1,) int64
    flat_tags: np.ndarray  # uint32
    tag_names: tuple[str, ...]
    ext_names: tuple[str, ...]


class IndexBuilder:
    """Takes posts one by one, or in columns, and packs them into an index. Of two posts of one id, the later counts."""

    def __init__(self) -> None:
        self._tag_numbers = _Numbers()
        self._ext_numbers = _Numbers()
        self._flat, self._counts = array("I"), array("I")
        self._ids, self._parents = array("q"), array("q")
        self._widths, self._heights = array("i"), array("i")
        self._ratings, self._schemes, self._exts, self._statuses = (array("B") for _ in range(4))

    def __len__(self) -> int:
        return len(self._ids)

    def add_all(self, posts: Iterable[Post]) -> int:
        """Take posts; says how many."""
        before = len(self._ids)
        number_of, flat, counts = self._tag_numbers.__getitem__, self._flat, self._counts
        for post in posts:
            flat.extend(map(number_of, post.tags))
            counts.append(len(post.tags))
            self._ids.append(post.post_id)
            self._parents.append(post.parent_id or 0)
            self._widths.append(post.width or 0)
            self._heights.append(post.height or 0)
            self._ratings.append(_MEANING.get((post.rating, post.rating_scheme), 0))
            self._schemes.append(SCHEMES.index(post.rating_scheme))
            known = post.file_ext in self._ext_numbers or len(self._ext_numbers) < MAX_EXTS
            self._exts.append(self._ext_numbers[post.file_ext if known else "other"])
            self._statuses.append(post.status)
        return len(self._ids) - before

    def undecide(self, since: int) -> None:
        """The s of the posts taken since this count may be of either scheme (`Tally.undecided_forms`)."""
        for k in range(since, len(self._ids)):
            if self._ratings[k] == 1:
                self._ratings[k], self._schemes[k] = 6, 0

    def finish(self, categories: Mapping[str, str] | None = None) -> PostIndex:
        """The index of all posts taken so far."""
        offsets = np.concatenate(([0], np.cumsum(np.frombuffer(self._counts, dtype=np.uint32), dtype=np.int64)))
        columns = PostColumns(
            np.frombuffer(self._ids, dtype=np.int64),
            np.frombuffer(self._ratings, dtype=np.uint8),
            np.frombuffer(self._schemes, dtype=np.uint8),
            np.frombuffer(self._widths, dtype=np.int32),
            np.frombuffer(self._heights, dtype=np.int32),
            np.frombuffer(self._exts, dtype=np.uint8),
            np.frombuffer(self._statuses, dtype=np.uint8),
            np.frombuffer(self._parents, dtype=np.int64),
            offsets,
            np.frombuffer(self._flat, dtype=np.uint32),
            tuple(self._tag_numbers),
            tuple(self._ext_numbers),
        )
        return pack(columns, categories)


def build_index(posts: Iterable[Post], categories: Mapping[str, str] | None = None) -> PostIndex:
    """The index of some posts."""
    builder = IndexBuilder()
    builder.add_all(posts)
    return builder.finish(categories)


def pack(columns: PostColumns, categories: Mapping[str, str] | None = None) -> PostIndex:
    """Columns in any order into an index: the last post of each id, ordered by id; only tags that occur.

    Container by container (65,536 posts): the pairs of tag and row are sorted by tag, each tag's run is one container.
    """
    order = np.argsort(columns.ids, kind="stable")
    sorted_ids = columns.ids[order]
    order = order[np.append(sorted_ids[1:] != sorted_ids[:-1], True)] if len(order) else order
    lengths = (columns.offsets[1:] - columns.offsets[:-1])[order]
    starts = columns.offsets[:-1][order]
    parts: list[list[tuple[int, int, bytes]]] = [[] for _ in columns.tag_names]
    for key, begin in enumerate(range(0, len(order), CONTAINER)):
        here, first = lengths[begin : begin + CONTAINER], starts[begin : begin + CONTAINER]
        low = np.repeat(np.arange(len(here), dtype="<u2"), here)
        # Where each pair stands in the long list: its post's start, and how many pairs of that post came before it.
        before = np.cumsum(here) - here
        tags = columns.flat_tags[np.arange(len(low)) + np.repeat(first - before, here)]
        by_tag = _stable_order(tags, len(columns.tag_names))
        tags, low = tags[by_tag], low[by_tag]
        edges = np.flatnonzero(tags[1:] != tags[:-1]) + 1
        edges = np.concatenate(([0], edges, [len(tags)])) if len(tags) else np.zeros(1, np.int64)
        runs = tags[edges[:-1]].tolist()
        bounds = edges.tolist()
        data = low.tobytes()
        for k, tag in enumerate(runs):
            start, end = bounds[k], bounds[k + 1]
            raw = data[2 * start : 2 * end] if end - start <= 4096 else container_bytes(low[start:end])
            parts[tag].append((key, end - start, raw))
    kept = sorted((name, number) for number, name in enumerate(columns.tag_names) if parts[number])
    postings = tuple(bitmap_of_containers(parts[number]) for _, number in kept)
    names = tuple(name for name, _ in kept)
    known = {name: said for name in names if (said := (categories or {}).get(name, "unknown")) in TAG_CATEGORIES}
    ordered: dict[str, Any] = {name: getattr(columns, name)[order].copy() for name in COLUMNS}
    ordered["exts"], ext_names = renumbered_exts(ordered["exts"], columns.ext_names)
    return PostIndex(
        **ordered,
        num_tags=np.minimum(lengths, 0xFFFF).astype(np.uint16),
        tags=names,
        postings=postings,
        ext_names=ext_names,
        categories={name: said for name, said in known.items() if said != "unknown"},
    )


class _Numbers(dict[str, int]):
    """Numbers names as they come."""

    def __missing__(self, name: str) -> int:
        self[name] = number = len(self)
        return number


def _stable_order(tags: np.ndarray, num_tags: int) -> np.ndarray:
    """The order that sorts tag numbers and keeps equal ones in place: numpy's radix sort of 16 bits, once or twice."""
    order = np.argsort(tags.astype(np.uint16), kind="stable")
    if num_tags > CONTAINER:
        order = order[np.argsort((tags >> 16).astype(np.uint16)[order], kind="stable")]
    return order
