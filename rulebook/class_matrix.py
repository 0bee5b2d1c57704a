"""What the tagger's training reads: which classes are true of which image, how rare each is, what may be done to it.

The matrix is sparse rows (CSR, plain numpy): the columns are output indexes of the lock, a retired slot's column is
empty. Weights are the paper's, with N and N_i of the training split:

    r_i = sqrt(N_i) / (sqrt(N_i) + sqrt(N - N_i))        w_i(z) = 1/2 (z / r_i + (1 - z) / (1 - r_i))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pyroaring import BitMap

from rulebook.bitmaps import rows_of
from rulebook.lock import Lock
from rulebook.post_index import PostIndex
from rulebook.records import Rulebook, RuleError


@dataclass(frozen=True)
class ClassMatrix:
    """N images, C outputs: output indices[indptr[n] : indptr[n + 1]] are true of image n, ascending."""

    post_ids: np.ndarray  # (N,) int64, ascending
    indptr: np.ndarray  # (N + 1,) int64
    indices: np.ndarray  # uint16, or uint32 where C needs it
    class_names: tuple[str, ...]  # (C,) "" for a retired output

    @property
    def shape(self) -> tuple[int, int]:
        """Images, outputs."""
        return len(self.post_ids), len(self.class_names)

    def counts(self) -> np.ndarray:
        """(C,) int64: positives of each output."""
        return np.bincount(self.indices, minlength=len(self.class_names))

    def dense(self, image: int) -> np.ndarray:
        """(C,) uint8: the targets of one image."""
        row = np.zeros(len(self.class_names), dtype=np.uint8)
        row[self.indices[self.indptr[image] : self.indptr[image + 1]]] = 1
        return row


@dataclass(frozen=True)
class Weights:
    """The paper's loss weights: C classes in the order of their names."""

    class_names: tuple[str, ...]
    r: np.ndarray  # (C,) float64
    positive: np.ndarray  # (C,) w_i(1) = 1 / (2 r_i)
    negative: np.ndarray  # (C,) w_i(0) = 1 / (2 (1 - r_i))


@dataclass(frozen=True, slots=True)
class Safety:
    """Which augmentations leave a class true: what training may do to an image that shows it."""

    name: str
    recolor: bool
    flip: bool
    rotate: bool


def class_matrix(
    index: PostIndex, bitmaps: Mapping[str, BitMap], kept: BitMap, lock: Lock | None = None
) -> ClassMatrix:
    """The matrix of the kept posts.

    Args:
        bitmaps: the posts of each class, as `apply_rulebook` found them.
        lock: gives the columns; without one, the order of `bitmaps`.
    Raises:
        RuleError: the lock has no output for a class.
    """
    names = tuple(bitmaps)
    columns = dict(zip(names, range(len(names)), strict=True)) if lock is None else lock.index_of
    for name in names:
        if name not in columns:
            raise RuleError("lock", f"class {name!r} has no output index", "a publish after the last edit")
    width = len(names) if lock is None else len(lock.slots)
    by_column = sorted((columns[name], bitmaps[name] & kept) for name in names)
    rows = rows_of(kept)
    place = np.zeros(len(index), dtype=np.int64)
    place[rows] = np.arange(len(rows))
    indptr, indices = transposed([place[rows_of(posts)] for _, posts in by_column], len(rows))
    numbers = np.array([column for column, _ in by_column], dtype=np.uint16 if width <= 1 << 16 else np.uint32)
    outputs = {column: name for name, column in columns.items() if name in bitmaps}
    return ClassMatrix(
        index.ids[rows],
        indptr,
        numbers[indices] if len(numbers) else indices,
        tuple(outputs.get(column, "") for column in range(width)),
    )


def transposed(rows_of_class: Sequence[np.ndarray], num_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """From the rows of each class to the classes of each row: CSR (indptr, indices), classes ascending in a row."""
    counted = np.zeros(num_rows, dtype=np.int64)
    for rows in rows_of_class:
        counted[rows] += 1
    indptr = np.concatenate((np.zeros(1, np.int64), np.cumsum(counted)))
    indices = np.empty(int(indptr[-1]), dtype=np.uint16 if len(rows_of_class) <= 1 << 16 else np.uint32)
    place = indptr[:-1].copy()
    for number, rows in enumerate(rows_of_class):
        at = place[rows]
        indices[at] = number
        place[rows] = at + 1
    return indptr, indices


def weights(counts: Mapping[str, int], num_images: int) -> Weights:
    """The paper's weight of each class.

    Args:
        counts: positives N_i of each class among the training images.
        num_images: N.
    Raises:
        RuleError: a class is true of no image, or of all; its weight would be infinite.
    """
    for name, count in counts.items():
        if not 0 < count < num_images:
            what = "no image" if count <= 0 else "every image"
            raise RuleError(f"class {name!r}", f"is true of {what} ({count} of {num_images})", "some and not all")
    positives = np.sqrt(np.array(list(counts.values()), dtype=np.float64))
    negatives = np.sqrt(num_images - np.array(list(counts.values()), dtype=np.float64))
    r = positives / (positives + negatives)
    return Weights(tuple(counts), r, 1 / (2 * r), 1 / (2 * (1 - r)))


def augmentation_safety(rulebook: Rulebook) -> tuple[Safety, ...]:
    """Which augmentations each class survives, in the order of the rulebook."""
    return tuple(
        Safety(rule.name, not rule.color_sensitive, not rule.left_right, not rule.orientation_sensitive)
        for rule in rulebook.classes
    )
