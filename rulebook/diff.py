"""What differs between two rulebooks, told by class and member, never by line.

A class that vanished and one that appeared with mostly the same members is one class renamed; one whose members went
into several new classes was split, several whose members are in one new class were merged. Tags that merely moved
between classes that both remain are told as moved.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from rulebook.editing import FIELDS
from rulebook.records import Rulebook, RuleClass

# A vanished class that shares more than this with a new one (Jaccard) is that class under another name.
RENAMED_AT: Final = 0.5


@dataclass(frozen=True)
class ClassChange:
    """What changed in a class that is in both rulebooks, perhaps under another name."""

    name: str
    was: str  # its old name, the same where it was not renamed
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    formerly_added: tuple[str, ...] = ()
    formerly_removed: tuple[str, ...] = ()
    fields: dict[str, tuple[Any, Any]] = field(default_factory=dict)  # field: (before, after)


@dataclass(frozen=True)
class Difference:
    """Everything that differs between two rulebooks."""

    added: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()  # (before, after)
    split: tuple[tuple[str, tuple[str, ...]], ...] = ()  # (before, the classes its members are in now)
    merged: tuple[tuple[tuple[str, ...], str], ...] = ()  # (before, after)
    changed: tuple[ClassChange, ...] = ()  # renamed ones too, where more than the name changed
    moved: tuple[tuple[str, str, str], ...] = ()  # tag, from, to
    excluded: tuple[tuple[str, str], ...] = ()  # reason, tag
    included: tuple[tuple[str, str], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs."""
        return self == Difference()

    def words(self) -> list[str]:
        """One sentence a difference."""
        said = [f"new: {name}" for name in self.added]
        said += [f"retired: {name}" for name in self.retired]
        said += [f"renamed: {old} is {new}" for old, new in self.renamed]
        said += [f"split: {old} into {', '.join(news)}" for old, news in self.split]
        said += [f"merged: {', '.join(olds)} into {new}" for olds, new in self.merged]
        said += [f"moved: {tag} from {old} to {new}" for tag, old, new in self.moved]
        for change in self.changed:
            for word, tags in (
                ("gains", change.added),
                ("loses", change.removed),
                ("gains the older spelling", change.formerly_added),
                ("loses the older spelling", change.formerly_removed),
            ):
                if tags:
                    said.append(f"{change.name} {word} {', '.join(tags)}")
            for key, (before, after) in change.fields.items():
                said.append(f"{change.name}: {key} was {before!r}, is {after!r}")
        said += [f"left out as {reason}: {tag}" for reason, tag in self.excluded]
        said += [f"no longer left out as {reason}: {tag}" for reason, tag in self.included]
        return said


def diff(before: Rulebook, after: Rulebook) -> Difference:
    """What differs between two rulebooks; empty where they have the same digest."""
    old, new = before.by_name, after.by_name
    gone, came = [n for n in old if n not in new], [n for n in new if n not in old]
    renamed = renames(before, after)
    renamed_from = {after_name: name for name, after_name in renamed.items()}
    split, merged = _splits_and_merges(before, after, gone, came, renamed)
    explained_gone = set(renamed) | {name for name, _ in split} | {n for names, _ in merged for n in names}
    explained_came = set(renamed_from) | {n for _, names in split for n in names} | {name for _, name in merged}
    told = {name for names, _ in merged for name in names} | {name for name, _ in split}
    sources = {target: names for names, target in merged}
    changed = []
    for name in new:
        was = renamed_from.get(name, name)
        if was in old and (change := _change(old[was], new[name], [old[n] for n in sources.get(name, ())])) is not None:
            changed.append(change)
    moved = _moved(changed)
    excluded_before, excluded_after = (
        {(o.reason, tag) for o in b.exclusions for tag in o.tags} for b in (before, after)
    )
    return Difference(
        tuple(name for name in came if name not in explained_came),
        tuple(name for name in gone if name not in explained_gone),
        tuple((name, now) for name, now in renamed.items() if name not in told),
        tuple(split),
        tuple(merged),
        tuple(changed),
        moved,
        tuple(sorted(excluded_after - excluded_before)),
        tuple(sorted(excluded_before - excluded_after)),
    )


def renames(before: Rulebook, after: Rulebook) -> dict[str, str]:
    """Vanished class to the new class that it most likely is: old name to new name, each at most once.

    The pairs with the greatest share of common members come first, ties in order of names.
    """
    gone = [rule for name, rule in before.by_name.items() if name not in after.by_name]
    came = [rule for name, rule in after.by_name.items() if name not in before.by_name]
    holders: dict[str, list[RuleClass]] = {}
    for rule in came:
        for tag in rule.members:
            holders.setdefault(tag, []).append(rule)
    pairs = []
    for old in gone:
        candidates = {rule.name: rule for tag in old.members for rule in holders.get(tag, ())}
        for new in candidates.values():
            common = len(set(old.members) & set(new.members))
            share = common / len(set(old.members) | set(new.members))
            if share > RENAMED_AT:
                pairs.append((-share, old.name, new.name))
    found: dict[str, str] = {}
    for _, old_name, new_name in sorted(pairs):
        if old_name not in found and new_name not in found.values():
            found[old_name] = new_name
    return found


def _splits_and_merges(
    before: Rulebook, after: Rulebook, gone: list[str], came: list[str], renamed: dict[str, str]
) -> tuple[list[tuple[str, tuple[str, ...]]], list[tuple[tuple[str, ...], str]]]:
    """New classes made of one old class's members, and new or grown classes made of several vanished ones'."""
    split: dict[str, list[str]] = {}
    for name in came:
        if name in renamed.values():
            continue
        members = set(after.by_name[name].members)
        sources = {old for tag in members for old in before.classes_of_tag.get(tag, ())}
        if len(sources) == 1 and members:
            (source,) = sources
            if members <= set(before.by_name[source].members) and source not in split.get(name, ()):
                split.setdefault(source, []).append(name)
    splits = []
    for source, parts in split.items():
        remaining = renamed.get(source, source)
        if remaining in after.by_name:
            parts = [remaining, *parts]
        splits.append((source, tuple(parts)))
    merged: dict[str, list[str]] = {}
    for name in gone:
        members = set(before.by_name[name].members)
        if name in renamed or name in split or not members:
            continue
        targets = {new for tag in members for new in after.classes_of_tag.get(tag, ())}
        whole = sorted(new for new in targets if members <= set(after.by_name[new].members))
        if whole:
            merged.setdefault(whole[0], []).append(name)
    merges = []
    for target, sources_of in merged.items():
        was = next((old for old, new in renamed.items() if new == target), target)
        first = [was] if was in before.by_name else []
        merges.append(((*first, *sources_of), target))
    return splits, merges


def _change(old: RuleClass, new: RuleClass, merged: list[RuleClass]) -> ClassChange | None:
    """What changed in a class, without what it got from the classes merged into it."""
    brought = {tag for rule in merged for tag in rule.spellings}
    change = ClassChange(
        new.name,
        old.name,
        tuple(tag for tag in new.members if tag not in old.members and tag not in brought),
        tuple(tag for tag in old.members if tag not in new.members),
        tuple(tag for tag in new.formerly if tag not in old.formerly and tag not in brought),
        tuple(tag for tag in old.formerly if tag not in new.formerly),
        {key: (getattr(old, key), getattr(new, key)) for key in FIELDS if getattr(old, key) != getattr(new, key)},
    )
    return None if change == ClassChange(new.name, old.name) else change


def _moved(changed: list[ClassChange]) -> tuple[tuple[str, str, str], ...]:
    lost = {tag: change.name for change in changed for tag in change.removed}
    return tuple(sorted((tag, lost[tag], change.name) for change in changed for tag in change.added if tag in lost))
