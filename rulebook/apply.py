"""Rulebook, filter and posts as one function: the classes' posts, the funnel, the counts, and one digest of it all.

Rulebook and filter depend on each other (a post needs so many positive classes), so neither is applied alone. The same
three give the same digest on every machine.

A class is the union of its raw tags' bitmaps; how many classes each post has is counted in one small integer a post.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from pyroaring import BitMap

from rulebook.bitmaps import rows_of, union
from rulebook.filters import Facts, Filter, Sieved, Truths, filter_to_builtins, sieve
from rulebook.post_index import PostIndex
from rulebook.records import Rulebook, RuleClass, RuleError, digest_of
from rulebook.resolution import raw_tags_of

# The paper's rarest class: one picture in 2,500.
FLOOR_FREQUENCY: Final = 0.0004


@dataclass(frozen=True)
class Applied:
    """What a rulebook and a filter make of the posts."""

    posts: int
    sieved: Sieved
    truths: Truths
    counts: dict[str, int]  # class: kept posts that it is true of
    digest: str
    inputs: dict[str, str] = field(default_factory=dict)  # what the digest is of

    @property
    def kept(self) -> int:
        """How many posts the filter keeps."""
        return len(self.sieved.kept)

    def to_json(self) -> dict[str, Any]:
        """The answer of `curator rulebook apply`."""
        median, minimum = frequencies(list(self.counts.values()), self.kept)
        return {
            "posts": self.posts,
            "kept": self.kept,
            "funnel": [{"step": step, "in": before, "out": after} for step, before, after in self.sieved.funnel],
            "classes": dict(self.counts),
            "median_frequency": median,
            "min_frequency": minimum,
            "digest": self.digest,
            "inputs": dict(self.inputs),
        }


def apply_rulebook(index: PostIndex, rulebook: Rulebook, chosen: Filter, facts: Facts | None = None) -> Applied:
    """Apply a rulebook and a filter to all posts.

    Raises:
        RuleError: a class stands twice, or a filter step lacks what it needs.
    """
    facts = facts or Facts()
    if len(rulebook.by_name) < len(rulebook.classes):
        raise RuleError("rulebook", "a class stands twice", "each name once; `lint` says which")
    truths = truths_of(index, rulebook, facts)
    sieved = sieve(index, chosen, facts, truths)
    counts = {name: posts.intersection_cardinality(sieved.kept) for name, posts in truths.bitmaps.items()}
    inputs = {
        "rulebook": rulebook.digest,
        "filter": digest_of(filter_to_builtins(chosen)),
        "posts": index.digest,
        "relations": facts.relations.digest,
    }
    result = {"inputs": inputs, "funnel": sieved.funnel, "counts": counts, "facts": _facts_digest(index, facts)}
    return Applied(len(index), sieved, truths, counts, digest_of(result), inputs)


def truths_of(index: PostIndex, rulebook: Rulebook, facts: Facts) -> Truths:
    """The posts of every class, and how many classes each post has."""
    bitmaps = {rule.name: class_posts(index, rule, facts) for rule in rulebook.classes}
    return Truths(bitmaps, rulebook.families, count_classes(len(index), list(bitmaps.values())))


def class_posts(index: PostIndex, rule: RuleClass, facts: Facts) -> BitMap:
    """The posts that one class is true of."""
    return union([index.posting(tag) for tag in raw_tags_of(rule, facts.relations, index.tag_ids)])


def count_classes(num_posts: int, bitmaps: Sequence[BitMap]) -> np.ndarray:
    """(P,) uint16: in how many of these bitmaps each post is."""
    counted = np.zeros(num_posts, dtype=np.uint16)
    for posts in bitmaps:
        counted[rows_of(posts)] += 1
    return counted


def frequencies(counts: Sequence[int] | np.ndarray, kept: int) -> tuple[float, float]:
    """Median and minimum class frequency among the kept posts; zeros where there are none."""
    if not len(counts) or not kept:
        return 0.0, 0.0
    ordered = np.sort(np.asarray(counts, dtype=np.int64))
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return int(low + high) / 2 / kept, int(ordered[0]) / kept


def why_dropped(applied: Applied, chosen: Filter, row: int) -> tuple[str, ...]:
    """All reasons for which a post was dropped, its first reason first; empty where it was kept."""
    return tuple(
        step.name for step, dropped in zip(chosen.steps, applied.sieved.reasons, strict=True) if row in dropped
    )


def split_counts(applied: Applied, splits: Mapping[str, BitMap]) -> dict[str, dict[str, int]]:
    """Kept posts of each class in each split, by split."""
    return {
        name: {rule: posts.intersection_cardinality(kept) for rule, posts in applied.truths.bitmaps.items()}
        for name, kept in ((name, rows & applied.sieved.kept) for name, rows in splits.items())
    }


def _facts_digest(index: PostIndex, facts: Facts) -> str:
    duplicates = None if facts.near_duplicates is None else index.ids[rows_of(facts.near_duplicates)].tolist()
    sizes = None
    if facts.stored_sizes_wh is not None:
        sizes = [np.ascontiguousarray(side, dtype="<i4").tobytes().hex() for side in facts.stored_sizes_wh]
    return digest_of([duplicates, sizes])
