"""What an edit does to the dataset, as records: the answer of a dry run, and its JSON for the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class ClassEffect:
    """What an edit does to one class that it touches; a class that is new or gone has nothing on the other side."""

    name: str
    images_in: int  # of all posts
    images_out: int
    kept_before: int | None
    kept_after: int | None


class Counts:
    """Kept posts of each class, in all and in each split: C classes, S splits."""

    def __init__(self, names: tuple[str, ...], splits: tuple[str, ...], total: np.ndarray, parts: np.ndarray) -> None:
        self.names, self.splits = names, splits
        self.total, self.parts = total, parts  # (C,), (S, C) int64

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Counts)
            and (self.names, self.splits) == (other.names, other.splits)
            and np.array_equal(self.total, other.total)
            and np.array_equal(self.parts, other.parts)
        )

    def as_dict(self) -> dict[str, int]:
        """Kept posts by class."""
        return dict(zip(self.names, self.total.tolist(), strict=True))

    def by_split(self) -> dict[str, dict[str, int]]:
        """Kept posts by split and class."""
        return {name: dict(zip(self.names, self.parts[k].tolist(), strict=True)) for k, name in enumerate(self.splits)}


@dataclass(frozen=True)
class Effect:
    """What an edit does to the dataset."""

    words: str
    classes: tuple[ClassEffect, ...]
    posts_in: int  # posts that pass the filter now
    posts_out: int  # posts that no longer do
    kept_before: int
    kept_after: int
    funnel: tuple[tuple[str, int, int], ...]
    before: Counts
    after: Counts
    median_before: float
    median_after: float
    min_before: float
    min_after: float
    falls_below: tuple[str, ...]  # classes that cross the floor
    rises_above: tuple[str, ...]
    splits_before: dict[str, int]  # kept posts of each split
    splits_after: dict[str, int]

    def changed_counts(self) -> dict[str, tuple[int, int]]:
        """Classes whose count differs: (before, after); a class on one side only counts 0 on the other."""
        return _changed(self.before.as_dict(), self.after.as_dict())


def effect_to_json(effect: Effect) -> dict[str, Any]:
    """An effect for the page: what changed, not the thousand counts that did not."""
    before, after = effect.before.by_split(), effect.after.by_split()
    split_changes = {split: _changed(before[split], after[split]) for split in before}
    return {
        "words": effect.words,
        "classes": [
            {"name": c.name, "in": c.images_in, "out": c.images_out, "kept": [c.kept_before, c.kept_after]}
            for c in effect.classes
        ],
        "posts": {"in": effect.posts_in, "out": effect.posts_out, "kept": [effect.kept_before, effect.kept_after]},
        "funnel": [{"step": step, "in": before, "out": after} for step, before, after in effect.funnel],
        "median_frequency": [effect.median_before, effect.median_after],
        "min_frequency": [effect.min_before, effect.min_after],
        "falls_below": list(effect.falls_below),
        "rises_above": list(effect.rises_above),
        "counts": {name: list(pair) for name, pair in effect.changed_counts().items()},
        "splits": {name: [size, effect.splits_after[name]] for name, size in effect.splits_before.items()},
        "split_counts": {
            split: {name: list(pair) for name, pair in changes.items()} for split, changes in split_changes.items()
        },
    }


def _changed(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    pairs = {name: (before.get(name, 0), after.get(name, 0)) for name in {**before, **after}}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
