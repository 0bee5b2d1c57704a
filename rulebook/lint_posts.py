"""What is wrong with a rulebook once posts are looked at: the findings R2xx, which go on where `rulebook.lint` ends.

R201 under-floor     rarer than 0.04 % of the kept posts
R202 few-in-split    fewer than k positives in some split
R203 constant-class  true of no kept post, or of all
R204 twins           two classes true of nearly the same posts, or one of them within the other
R205 odd-member      stands beside other things than the rest of its class
R206 two-at-once     two classes of a one-of family, too often
R207 no-unique-gain  the class would lose nothing without the member
R208 unseen-member   no post has it
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from pyroaring import BitMap

from rulebook.apply import FLOOR_FREQUENCY, Applied
from rulebook.bitmaps import rows_of, union
from rulebook.class_matrix import transposed
from rulebook.edits import MergeClasses, RemoveMembers, RetireClass
from rulebook.filters import Facts
from rulebook.lint import Finding
from rulebook.members import members_of, sampled
from rulebook.post_index import PostIndex
from rulebook.records import Rulebook

_SAMPLE: Final = 4096


@dataclass(frozen=True)
class Limits:
    """Where doubt begins."""

    floor: float = FLOOR_FREQUENCY
    min_per_split: int = 10
    twin_jaccard: float = 0.8
    twin_overlap: float = 0.95
    odd_cosine: float = 0.1  # a member's surroundings against the rest's, 1 is alike
    odd_min_posts: int = 100
    at_once: float = 0.02  # share of a family's posts with two of its classes


def lint_posts(
    index: PostIndex,
    rulebook: Rulebook,
    applied: Applied,
    facts: Facts | None = None,
    splits: Mapping[str, BitMap] | None = None,
    limits: Limits | None = None,
) -> list[Finding]:
    """Everything that the posts say against a rulebook, in the order of the codes."""
    facts, limits = facts or Facts(), limits or Limits()
    kept = applied.sieved.kept
    bitmaps = {name: posts & kept for name, posts in applied.truths.bitmaps.items()}
    surroundings = _Surroundings(bitmaps, kept, len(index))
    found = [
        *_rare(bitmaps, kept, splits or {}, limits),
        *_twins(rulebook, bitmaps, surroundings, limits),
        *_at_once(rulebook, bitmaps, limits),
        *_members(index, rulebook, facts, kept, surroundings, limits),
    ]
    return sorted(found, key=lambda one: (one.code, one.classes, one.tags))


class _Surroundings:
    """Which classes stand beside some posts: shares of each class among them."""

    def __init__(self, bitmaps: Mapping[str, BitMap], kept: BitMap, num_posts: int) -> None:
        self.names = tuple(bitmaps)
        self.number = {name: k for k, name in enumerate(self.names)}
        self._kept = kept
        self._indptr, self._indices = transposed([rows_of(posts) for posts in bitmaps.values()], num_posts)
        count = max(len(kept), 1)
        self.base = np.array([len(posts) / count for posts in bitmaps.values()])

    def shares(self, posts: BitMap) -> np.ndarray:
        """(C,) share of each class among at most 4,096 of these kept posts, evenly spaced."""
        rows = rows_of(sampled(posts & self._kept, _SAMPLE))
        starts = self._indptr[rows]
        lengths = self._indptr[rows + 1] - starts
        places = np.arange(int(lengths.sum())) + np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
        return np.bincount(self._indices[places], minlength=len(self.names)) / max(len(rows), 1)

    def profile(self, posts: BitMap) -> np.ndarray:
        """(C,) how far each class's share is from its share of all kept posts, in its standard deviations."""
        spread = np.sqrt(self.base * (1 - self.base))
        return np.divide(self.shares(posts) - self.base, spread, out=np.zeros_like(spread), where=spread > 0)


def _rare(
    bitmaps: Mapping[str, BitMap], kept: BitMap, splits: Mapping[str, BitMap], limits: Limits
) -> Iterator[Finding]:
    total = len(kept)
    for name, posts in bitmaps.items():
        count = len(posts)
        numbers = {"count": count, "frequency": count / total if total else 0.0}
        if count in (0, total):
            message = f"is true of {'no' if not count else 'every'} kept post"
            yield Finding("R203", "constant-class", "error", (name,), message, (), numbers, RetireClass(name))
            continue
        if count < limits.floor * total:
            message = f"{count} of {total} posts are under the floor of {limits.floor:.2%}"
            yield Finding("R201", "under-floor", "warning", (name,), message, (), numbers, RetireClass(name))
        few = {split: posts.intersection_cardinality(rows) for split, rows in splits.items()}
        few = {split: number for split, number in few.items() if number < limits.min_per_split}
        if few:
            said = ", ".join(f"{number} in {split}" for split, number in few.items())
            message = f"only {said}; {limits.min_per_split} are wanted in each"
            yield Finding("R202", "few-in-split", "warning", (name,), message, (), few, RetireClass(name))


def _twins(
    rulebook: Rulebook, bitmaps: Mapping[str, BitMap], surroundings: _Surroundings, limits: Limits
) -> Iterator[Finding]:
    """Candidates from a sample of each class's posts, then exact counts."""
    seen = set()
    for name, posts in bitmaps.items():
        if not posts:
            continue
        shares = surroundings.shares(posts)
        for k in np.flatnonzero(shares >= min(limits.twin_jaccard, limits.twin_overlap) - 0.05).tolist():
            other = surroundings.names[k]
            pair = tuple(sorted((name, other)))
            if other == name or pair in seen:
                continue
            seen.add(pair)
            both = posts.intersection_cardinality(bitmaps[other])
            jaccard = both / posts.union_cardinality(bitmaps[other])
            smaller, larger = sorted((name, other), key=lambda one: (len(bitmaps[one]), one))
            overlap = both / len(bitmaps[smaller])
            if jaccard < limits.twin_jaccard and overlap < limits.twin_overlap:
                continue
            numbers = {"jaccard": jaccard, "overlap": overlap, "both": both}
            is_part = set(rulebook.get(smaller).members) <= set(rulebook.get(larger).members)
            message = f"Jaccard {jaccard:.2f}; {overlap:.1%} of {smaller} are {larger} too"
            severity = "note" if is_part and jaccard < limits.twin_jaccard else "warning"
            fix = MergeClasses((larger, smaller), larger)
            yield Finding("R204", "twins", severity, (smaller, larger), message, (), numbers, fix)


def _at_once(rulebook: Rulebook, bitmaps: Mapping[str, BitMap], limits: Limits) -> Iterator[Finding]:
    for family, names in rulebook.families.items():
        whole = union([bitmaps[name] for name in names])
        once, twice = BitMap(), BitMap()
        for name in names:
            twice = twice | (once & bitmaps[name])
            once = once | bitmaps[name]
        if not whole or len(twice) <= limits.at_once * len(whole):
            continue
        pairs = [
            (bitmaps[a].intersection_cardinality(bitmaps[b]), a, b) for i, a in enumerate(names) for b in names[i + 1 :]
        ]
        count, one, other = max(pairs)
        message = f"{len(twice) / len(whole):.1%} of {family!r} have two at once, most often {one} and {other}"
        numbers = {"posts": len(twice), "share": len(twice) / len(whole), "worst_pair": count}
        yield Finding("R206", "two-at-once", "note", (one, other), message, (), numbers)


def _members(
    index: PostIndex,
    rulebook: Rulebook,
    facts: Facts,
    kept: BitMap,
    surroundings: _Surroundings,
    limits: Limits,
) -> Iterator[Finding]:
    for rule in rulebook.classes:
        members = [one for one in members_of(index, rule, facts) if not one.is_former]
        for one in members:
            remove = RemoveMembers(rule.name, (one.tag,))
            if not one.count:
                yield Finding("R208", "unseen-member", "note", (rule.name,), f"no post has {one.tag}", (one.tag,))
            elif not one.unique_gain:
                message = f"all {one.count} posts of {one.tag} have another member too"
                numbers = {"count": one.count}
                yield Finding("R207", "no-unique-gain", "note", (rule.name,), message, (one.tag,), numbers, remove)
        yield from _odd(index, rule.name, [one.tag for one in members], facts, kept, surroundings, limits)


def _odd(
    index: PostIndex,
    name: str,
    tags: list[str],
    facts: Facts,
    kept: BitMap,
    surroundings: _Surroundings,
    limits: Limits,
) -> Iterator[Finding]:
    posts = [union([index.posting(raw) for raw in facts.relations.sources(tag)]) & kept for tag in tags]
    for k, tag in enumerate(tags):
        rest = union(posts[:k] + posts[k + 1 :])
        own = posts[k]
        if min(len(own), len(rest)) < limits.odd_min_posts:
            continue
        one, other = surroundings.profile(own), surroundings.profile(rest)
        one[surroundings.number[name]] = other[surroundings.number[name]] = 0.0
        length = float(np.linalg.norm(one) * np.linalg.norm(other))
        cosine = float(one @ other) / length if length else 1.0
        if cosine < limits.odd_cosine:
            message = f"{tag} stands beside other things than the rest (cosine {cosine:.2f})"
            fix = RemoveMembers(name, (tag,))
            yield Finding("R205", "odd-member", "note", (name,), message, (tag,), {"cosine": cosine}, fix)
