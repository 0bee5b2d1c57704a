"""What one edit would do to the dataset, within a blink: classes, filter, frequencies and splits, before it is made.

Held between edits: the posts of every class, how many classes each post has, what each filter step drops, the count of
each class in each split, and the classes of each post (CSR). An edit changes a few classes; only posts that enter or
leave one of them can enter or leave the dataset, and only the classes of those change their counts. All numbers equal
those of applying the edited rulebook from nothing; a property test holds that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from pyroaring import BitMap

from rulebook.apply import FLOOR_FREQUENCY, class_posts, frequencies, truths_of
from rulebook.bitmaps import all_rows, bitmap_of_rows, rows_of, union
from rulebook.class_matrix import transposed
from rulebook.editing import Edited, apply_edit
from rulebook.edits import Edit, describe
from rulebook.effects import ClassEffect, Counts, Effect
from rulebook.filters import Facets, Facts, Filter, MinTags, Truths, combine, dropped_by, needs_classes
from rulebook.post_index import PostIndex
from rulebook.records import Rulebook, RuleError

# So many classes may be edited before the classes of each post are written anew.
_STALE_AT_MOST: Final = 64
# When more posts than this change sides, counting all classes anew is quicker than counting the changes.
_RECOUNT_ABOVE: Final = 300_000


@dataclass(frozen=True)
class _State:
    rulebook: Rulebook
    bitmaps: dict[str, BitMap]
    num_classes: np.ndarray
    reasons: list[BitMap]
    kept: BitMap
    counts: Counts
    funnel: tuple[tuple[str, int, int], ...]


class DryRun:
    """A rulebook, a filter and splits over an index, ready for edits. `preview` changes nothing, `commit` goes on."""

    def __init__(
        self,
        index: PostIndex,
        rulebook: Rulebook,
        chosen: Filter,
        facts: Facts | None = None,
        splits: Mapping[str, BitMap] | None = None,
        floor: float = FLOOR_FREQUENCY,
    ) -> None:
        if len(rulebook.by_name) < len(rulebook.classes):
            raise RuleError("rulebook", "a class stands twice", "each name once; `lint` says which")
        self._index, self._filter, self._floor = index, chosen, floor
        self._facts, self._splits = facts or Facts(), dict(splits or {})
        self._split_of = np.full(len(index), len(self._splits), dtype=np.int64)
        for number, rows in enumerate(self._splits.values()):
            if np.any(self._split_of[rows_of(rows)] != len(self._splits)):
                raise RuleError("splits", "a post is in two splits", "each post in one at most")
            self._split_of[rows_of(rows)] = number
        truths = truths_of(index, rulebook, self._facts)
        reasons = [dropped_by(index, step, self._facts, truths) for step in chosen.steps]
        fixed = [dropped for step, dropped in zip(chosen.steps, reasons, strict=True) if not needs_classes(step)]
        self._passes_fixed = all_rows(len(index)) - union(fixed)
        sieved = combine(len(index), chosen, reasons)
        bitmaps = dict(truths.bitmaps)
        counts = self._counted(bitmaps, sieved.kept)
        self._state = _State(rulebook, bitmaps, truths.num_classes, reasons, sieved.kept, counts, sieved.funnel)
        self._write_rows()

    @property
    def rulebook(self) -> Rulebook:
        """The rulebook as it stands, committed edits included."""
        return self._state.rulebook

    @property
    def kept(self) -> BitMap:
        """The posts that pass the filter as it stands."""
        return self._state.kept

    def counts(self) -> dict[str, int]:
        """Kept posts of each class as it stands."""
        return self._state.counts.as_dict()

    def preview(self, edit: Edit) -> Effect:
        """What an edit would do; nothing changes.

        Raises:
            RuleError: the edit cannot be applied.
        """
        edited = apply_edit(self._state.rulebook, edit)
        return self._effect(edit, edited, self._after(edited))

    def commit(self, edit: Edit) -> Effect:
        """What an edit does, done."""
        edited = apply_edit(self._state.rulebook, edit)
        after = self._after(edited)
        effect = self._effect(edit, edited, after)
        self._state = after
        self._stale |= {rule.name for rule in edited.before + edited.after}
        if len(self._stale) > _STALE_AT_MOST:
            self._write_rows()
        return effect

    def _write_rows(self) -> None:
        """The classes of each post, and which numbers they have there."""
        self._row_names = tuple(self._state.bitmaps)
        rows = [rows_of(posts) for posts in self._state.bitmaps.values()]
        self._indptr, self._indices = transposed(rows, len(self._index))
        self._stale: set[str] = set()
        self._numbered = (self._row_names, np.arange(len(self._row_names)))
        self._placed = (self._row_names, {name: k for k, name in enumerate(self._row_names)})

    def _after(self, edited: Edited) -> _State:
        state = self._state
        touched = {rule.name: class_posts(self._index, rule, self._facts) for rule in edited.after}
        removed = {rule.name: state.bitmaps[rule.name] for rule in edited.before}
        if list(touched) == list(removed):  # classes changed where they stand
            bitmaps = state.bitmaps | touched
        else:
            known = state.bitmaps | touched
            bitmaps = {rule.name: known[rule.name] for rule in edited.rulebook.classes}
        num_classes = state.num_classes.copy()
        affected = []
        for old, new in _pairs(removed, touched):
            away, more = old - new, new - old
            num_classes[rows_of(away)] -= 1
            num_classes[rows_of(more)] += 1
            affected += [away, more]
        changed = rows_of(union(affected))
        reasons = []
        for step, dropped in zip(self._filter.steps, state.reasons, strict=True):
            if isinstance(step, MinTags) and step.count == "classes":
                was_below, is_below = (counted[changed] < step.at_least for counted in (state.num_classes, num_classes))
                dropped = dropped - bitmap_of_rows(changed[was_below & ~is_below])
                dropped = dropped | bitmap_of_rows(changed[is_below & ~was_below])
            elif isinstance(step, Facets):
                truths = Truths(bitmaps, edited.rulebook.families, num_classes)
                dropped = dropped_by(self._index, step, self._facts, truths)
            reasons.append(dropped)
        moving = [dropped for step, dropped in zip(self._filter.steps, reasons, strict=True) if needs_classes(step)]
        kept = self._passes_fixed - union(moving) if moving else self._passes_fixed
        counts = self._counts_after(bitmaps, kept, set(removed) | set(touched))
        funnel = self._funnel_after(reasons, kept)
        return _State(edited.rulebook, bitmaps, num_classes, reasons, kept, counts, funnel)

    def _funnel_after(self, reasons: list[BitMap], kept: BitMap) -> tuple[tuple[str, int, int], ...]:
        steps = self._filter.steps
        same = next((k for k, step in enumerate(steps) if needs_classes(step)), len(steps))
        if same == len(steps):
            return self._state.funnel
        if same == len(steps) - 1:
            name, before, _ = self._state.funnel[-1]
            return (*self._state.funnel[:-1], (name, before, len(kept)))
        return combine(len(self._index), self._filter, reasons).funnel

    def _counted(self, bitmaps: Mapping[str, BitMap], kept: BitMap) -> Counts:
        among = [kept, *(rows & kept for rows in self._splits.values())]
        counted = [[posts.intersection_cardinality(rows) for posts in bitmaps.values()] for rows in among]
        numbers = np.array(counted, dtype=np.int64).reshape(len(among), len(bitmaps))
        return Counts(tuple(bitmaps), tuple(self._splits), numbers[0], numbers[1:])

    def _counts_after(self, bitmaps: dict[str, BitMap], kept: BitMap, touched: set[str]) -> Counts:
        state = self._state
        entered, left = rows_of(kept - state.kept), rows_of(state.kept - kept)
        if len(entered) + len(left) > _RECOUNT_ABOVE:
            return self._counted(bitmaps, kept)
        change = self._changes(entered) - self._changes(left)  # (S + 1, classes of the rows)
        names = tuple(bitmaps)
        place = self._places(names)
        if names == state.counts.names:
            total, parts = state.counts.total.copy(), state.counts.parts.copy()
        else:
            total = np.zeros(len(names), dtype=np.int64)
            parts = np.zeros((len(self._splits), len(names)), dtype=np.int64)
            stays = [(place[name], k) for k, name in enumerate(state.counts.names) if name in place]
            here, there = np.array(stays, dtype=np.int64).reshape(-1, 2).T
            total[here], parts[:, here] = state.counts.total[there], state.counts.parts[:, there]
        if change.any():
            at = self._row_numbers(names)
            is_known = at >= 0
            total[is_known] += change.sum(axis=0)[at[is_known]]
            parts[:, is_known] += change[:-1][:, at[is_known]]
        fresh = [place[name] for name in touched | self._stale if name in place]
        recounted = self._counted({names[k]: bitmaps[names[k]] for k in fresh}, kept)
        total[fresh], parts[:, fresh] = recounted.total, recounted.parts
        return Counts(names, tuple(self._splits), total, parts)

    def _places(self, names: tuple[str, ...]) -> dict[str, int]:
        """Where each class stands; most edits leave names and order as they are."""
        if self._placed[0] != names:
            self._placed = (names, {name: k for k, name in enumerate(names)})
        return self._placed[1]

    def _row_numbers(self, names: tuple[str, ...]) -> np.ndarray:
        """(C,) where each class stands in the classes of each post; -1 where it is newer."""
        if self._numbered[0] != names:
            known = {name: number for number, name in enumerate(self._row_names)}
            self._numbered = (names, np.array([known.get(name, -1) for name in names], dtype=np.int64))
        return self._numbered[1]

    def _changes(self, rows: np.ndarray) -> np.ndarray:
        """(S + 1, C) how many of these posts are of each class in each split; the last row is of no split."""
        starts = self._indptr[rows]
        lengths = self._indptr[rows + 1] - starts
        places = np.arange(int(lengths.sum())) + np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
        num_classes = len(self._row_names)
        keys = self._indices[places] + np.repeat(self._split_of[rows] * num_classes, lengths)
        counted = np.bincount(keys, minlength=(len(self._splits) + 1) * num_classes)
        return counted.reshape(len(self._splits) + 1, num_classes)

    def _effect(self, edit: Edit, edited: Edited, after: _State) -> Effect:
        before = self._state
        kept_before, kept_after = len(before.kept), len(after.kept)
        classes = []
        for name in dict.fromkeys(rule.name for rule in edited.before + edited.after):
            old, new = before.bitmaps.get(name), after.bitmaps.get(name)
            into = (new or BitMap()).difference_cardinality(old or BitMap())
            out = (old or BitMap()).difference_cardinality(new or BitMap())
            counts = [
                None if posts is None else posts.intersection_cardinality(kept)
                for posts, kept in ((old, before.kept), (new, after.kept))
            ]
            classes.append(ClassEffect(name, into, out, *counts))
        median_before, min_before = frequencies(before.counts.total, kept_before)
        median_after, min_after = frequencies(after.counts.total, kept_after)
        below_before, below_after = self._below(before), self._below(after)
        return Effect(
            words=describe(edit),
            classes=tuple(classes),
            posts_in=after.kept.difference_cardinality(before.kept),
            posts_out=before.kept.difference_cardinality(after.kept),
            kept_before=kept_before,
            kept_after=kept_after,
            funnel=after.funnel,
            before=before.counts,
            after=after.counts,
            median_before=median_before,
            median_after=median_after,
            min_before=min_before,
            min_after=min_after,
            falls_below=tuple(sorted(name for name in below_after - below_before if name in before.bitmaps)),
            rises_above=tuple(sorted(name for name in below_before - below_after if name in after.bitmaps)),
            splits_before=self._split_sizes(before.kept),
            splits_after=self._split_sizes(after.kept),
        )

    def _below(self, state: _State) -> set[str]:
        below = np.flatnonzero(state.counts.total < self._floor * len(state.kept)).tolist()
        return {state.counts.names[k] for k in below}

    def _split_sizes(self, kept: BitMap) -> dict[str, int]:
        return {name: rows.intersection_cardinality(kept) for name, rows in self._splits.items()}


def _pairs(old: Mapping[str, BitMap], new: Mapping[str, BitMap]) -> list[tuple[BitMap, BitMap]]:
    """Old and new posts of each touched class; leftovers are paired as they come, since only the sum matters."""
    same = [name for name in old if name in new]
    gone, came = [old[name] for name in old if name not in new], [new[name] for name in new if name not in old]
    width = max(len(gone), len(came))
    gone += [BitMap()] * (width - len(gone))
    came += [BitMap()] * (width - len(came))
    return [(old[name], new[name]) for name in same] + list(zip(gone, came, strict=True))
