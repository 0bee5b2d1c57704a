"""Two people's edits of one rulebook joined: by class and member, with what cannot be joined said aloud.

Members are sets, so additions and removals of both sides join without a question. What one person must decide: a field
that both set differently, a class that one retired and the other changed, one class renamed to two names, a tag that
both moved to different classes. The merged rulebook takes "ours" there; every conflict carries both values.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from rulebook.diff import renames
from rulebook.editing import FIELDS
from rulebook.records import Exclusion, Rulebook, RuleClass, exclusion


@dataclass(frozen=True, slots=True)
class Conflict:
    """One question that the merge could not answer; the merged rulebook holds `ours`."""

    kind: str  # "field", "retired and changed", "renamed twice", "added twice", "moved twice", "member and excluded"
    subject: str  # class name or tag
    field: str
    base: Any
    ours: Any
    theirs: Any

    def __str__(self) -> str:
        what = f"{self.subject}: {self.field}" if self.field else self.subject
        return f"{self.kind}: {what}: was {self.base!r}, ours {self.ours!r}, theirs {self.theirs!r}"


@dataclass(frozen=True)
class Merged:
    """The joined rulebook, and the questions left."""

    rulebook: Rulebook
    conflicts: tuple[Conflict, ...]


def merge(base: Rulebook, ours: Rulebook, theirs: Rulebook) -> Merged:
    """Join two rulebooks that both come from `base`. merge(base, x, base) and merge(base, base, x) are x by content."""
    conflicts: list[Conflict] = []
    our_names, their_names = renames(base, ours), renames(base, theirs)
    classes: dict[str, RuleClass] = {}
    taken_ours, taken_theirs = set(), set()
    for old in base.by_name.values():
        mine, other = (
            side.by_name.get(names.get(old.name, old.name))
            for side, names in ((ours, our_names), (theirs, their_names))
        )
        taken_ours.update([mine.name] if mine else [])
        taken_theirs.update([other.name] if other else [])
        joined = _join(old, mine, other, conflicts)
        if joined is not None:
            classes[joined.name] = joined
    order = [rule.name for rule in ours.classes]
    for side, taken in ((ours, taken_ours), (theirs, taken_theirs)):
        for rule in side.classes:
            if rule.name in taken:
                continue
            known = classes.get(rule.name)
            if known is None:
                classes[rule.name] = rule
            elif known.facts() != rule.facts():
                classes[rule.name] = _join_new(known, rule, conflicts)
    order += [name for name in classes if name not in set(order)]
    merged = [classes[name] for name in _placed(order, theirs) if name in classes]
    merged = _moved_twice(base, ours, theirs, merged, conflicts)
    exclusions = _exclusions(base, ours, theirs)
    rulebook = Rulebook(tuple(merged), exclusions, ours.comments)
    new_reasons = rulebook.reason_of_tag
    for tag in sorted(set(rulebook.classes_of_tag) & set(new_reasons)):
        if not any(tag in book.classes_of_tag and tag in book.reason_of_tag for book in (base, ours, theirs)):
            names = rulebook.classes_of_tag[tag]
            conflicts.append(Conflict("member and excluded", tag, "", None, names, new_reasons[tag]))
    return Merged(rulebook, tuple(conflicts))


def _join(
    old: RuleClass, mine: RuleClass | None, other: RuleClass | None, conflicts: list[Conflict]
) -> RuleClass | None:
    if mine is None or other is None:
        left = mine or other
        if left is None or left == old:
            return None
        ours, theirs = ("changed", "retired") if mine else ("retired", "changed")
        conflicts.append(Conflict("retired and changed", left.name, "", old.name, ours, theirs))
        return mine
    name = _value("renamed twice", old.name, "name", old.name, mine.name, other.name, conflicts)
    fields = {
        key: _value("field", name, key, getattr(old, key), getattr(mine, key), getattr(other, key), conflicts)
        for key in FIELDS
    }
    members, formerly = (
        _join_tags(getattr(old, key), getattr(mine, key), getattr(other, key)) for key in ("members", "formerly")
    )
    comments = mine.comments if mine.comments != old.comments else other.comments
    former = tuple(tag for tag in formerly if tag not in members)
    return replace(mine, name=name, members=members, formerly=former, comments=comments, **fields)


def _join_new(mine: RuleClass, other: RuleClass, conflicts: list[Conflict]) -> RuleClass:
    """A class of one name that came from both sides."""
    for key in FIELDS:
        if getattr(mine, key) != getattr(other, key):
            conflicts.append(Conflict("added twice", mine.name, key, None, getattr(mine, key), getattr(other, key)))
    members = tuple(sorted({*mine.members, *other.members}))
    formerly = tuple(sorted({*mine.formerly, *other.formerly} - set(members)))
    return replace(mine, members=members, formerly=formerly)


def _join_tags(old: Iterable[str], mine: Iterable[str], other: Iterable[str]) -> tuple[str, ...]:
    base, ours, theirs = set(old), set(mine), set(other)
    return tuple(sorted((ours | theirs) - (base - ours) - (base - theirs)))


def _value(kind: str, subject: str, key: str, old: Any, mine: Any, other: Any, conflicts: list[Conflict]) -> Any:
    if mine == other or other == old:
        return mine
    if mine == old:
        return other
    conflicts.append(Conflict(kind, subject, key, old, mine, other))
    return mine


def _placed(order: list[str], theirs: Rulebook) -> list[str]:
    """Our order, with each class of theirs that we lack behind the one that it follows there."""
    ours = set(order)
    placed = list(dict.fromkeys(order))
    known = set(placed)
    previous = ""
    for rule in theirs.classes:
        if rule.name not in known and rule.name not in ours:
            placed.insert(placed.index(previous) + 1 if previous in known else 0, rule.name)
            known.add(rule.name)
        previous = rule.name
    return placed


def _moved_twice(
    base: Rulebook, ours: Rulebook, theirs: Rulebook, merged: list[RuleClass], conflicts: list[Conflict]
) -> list[RuleClass]:
    """A tag that both sides put into different classes stays where ours put it, and is asked about."""
    result = Rulebook(tuple(merged))
    for tag, names in result.classes_of_tag.items():
        mine, other = set(ours.classes_of_tag.get(tag, ())), set(theirs.classes_of_tag.get(tag, ()))
        before = set(base.classes_of_tag.get(tag, ()))
        if len(names) < 2 or not (mine - before) or not (other - before) or mine == other:
            continue
        if set(names) <= mine or set(names) <= other:
            continue
        conflicts.append(
            Conflict("moved twice", tag, "", tuple(sorted(before)), tuple(sorted(mine)), tuple(sorted(other)))
        )
        drop = (other - before) - mine
        merged = [
            replace(rule, members=tuple(t for t in rule.members if t != tag)) if rule.name in drop else rule
            for rule in merged
        ]
    return merged


def _exclusions(base: Rulebook, ours: Rulebook, theirs: Rulebook) -> tuple[Exclusion, ...]:
    def rows(book: Rulebook) -> set[tuple[str, str, str]]:
        return {(out.reason, out.note, tag) for out in book.exclusions for tag in out.tags}

    old, other = rows(base), rows(theirs)
    added, removed = other - old, old - other
    outs = []
    for out in ours.exclusions:
        kept = [tag for tag in out.tags if (out.reason, out.note, tag) not in removed]
        more = [tag for reason, note, tag in added if (reason, note) == (out.reason, out.note)]
        added = {row for row in added if row[:2] != (out.reason, out.note)}
        if kept or more or not out.tags:
            outs.append(exclusion(f"exclude {out.reason!r}", out.reason, [*kept, *more], out.note, out.comments))
    for reason, note in sorted({row[:2] for row in added}):
        tags = [row[2] for row in added if row[:2] == (reason, note)]
        outs.append(exclusion(f"exclude {reason!r}", reason, tags, note))
    return tuple(outs)
