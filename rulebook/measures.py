"""Numbers for the statistics page: how many classes an image has, and how far taggers disagree.

A duplicate shows the same picture tagged twice by different people, so where the two differ in a class, one of them
erred or left it out. The share of such pairs among those where either says the class is the class's disagreement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from pyroaring import BitMap

from rulebook.bitmaps import rows_of
from rulebook.filters import Truths
from rulebook.post_index import PostIndex


@dataclass(frozen=True, slots=True)
class Disagreement:
    """How often the two posts of a duplicate pair differ in a class."""

    name: str
    said: int  # pairs where at least one post says the class
    differing: int

    @property
    def share(self) -> float:
        """Of the pairs where either says it; 0 where none does."""
        return self.differing / self.said if self.said else 0.0


def classes_per_image(truths: Truths, kept: BitMap) -> np.ndarray:
    """(n,) how many kept posts have 0, 1, 2, ... classes."""
    return np.bincount(truths.num_classes[rows_of(kept)])


def parent_pairs(index: PostIndex) -> tuple[np.ndarray, np.ndarray]:
    """(n,) rows of children and (n,) rows of their parents, where both are here."""
    children = np.flatnonzero(index.parents)
    if not len(children):
        return children, children
    rows = np.minimum(np.searchsorted(index.ids, index.parents[children]), len(index) - 1)
    is_here = index.ids[rows] == index.parents[children]
    return children[is_here], rows[is_here]


def disagreements(
    num_posts: int, bitmaps: Mapping[str, BitMap], pairs: tuple[np.ndarray, np.ndarray]
) -> tuple[Disagreement, ...]:
    """How far the posts of each duplicate pair agree, class by class; the most disputed first."""
    found = []
    has = np.zeros(num_posts, dtype=bool)
    for name, posts in bitmaps.items():
        rows = rows_of(posts)
        has[rows] = True
        one, other = has[pairs[0]], has[pairs[1]]
        found.append(Disagreement(name, int(np.count_nonzero(one | other)), int(np.count_nonzero(one != other))))
        has[rows] = False
    return tuple(sorted(found, key=lambda entry: (-entry.share, -entry.said, entry.name)))
