"""Edits done: each gives a new rulebook and the edit that takes it back.

`apply_edit` never changes a rulebook; it returns the new one, the undo, and the classes that differ. An undo
(`Restore`) checks that the classes still read as the edit left them, so that undoing across somebody else's change is
refused and never destroys it. A redo is the undo of the undo.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from rulebook.edits import (
    AddClass,
    AddMembers,
    Edit,
    Exclude,
    Include,
    MergeClasses,
    MoveMembers,
    RemoveMembers,
    RenameClass,
    Restore,
    RetireClass,
    SetFields,
    Several,
    SplitClass,
)
from rulebook.records import FLAGS, Exclusion, Rulebook, RuleClass, RuleError, exclusion, rule_class

FIELDS: Final = ("category", "family", "shared", *FLAGS, "note")


@dataclass(frozen=True)
class Edited:
    """What an edit made."""

    rulebook: Rulebook
    undo: Restore
    before: tuple[RuleClass, ...]  # classes that read otherwise now, or are gone
    after: tuple[RuleClass, ...]  # classes that read otherwise than before, or are new


def apply_edit(rulebook: Rulebook, edit: Edit) -> Edited:
    """The rulebook after an edit, and the way back.

    Raises:
        RuleError: the edit names a class or tag that is not there, one that is there already, or a bad name.
    """
    changed = _changed(rulebook, edit)
    gone, came = _different(rulebook.classes, changed.classes)
    is_gone = {id(rule) for rule in gone}
    places = {id(rule): k for k, rule in enumerate(rulebook.classes) if id(rule) in is_gone}
    left, entered = _different_exclusions(rulebook, changed)
    undo = Restore(
        tuple(_said(rule) for rule in came),
        tuple((places[id(rule)], _said(rule)) for rule in gone),
        tuple(sorted(entered)),
        tuple(sorted(left)),
    )
    return Edited(changed, undo, gone, came)


# --- what each edit does ----------------------------------------------------------------------------------------------


def _changed(rulebook: Rulebook, edit: Edit) -> Rulebook:
    match edit:
        case AddMembers():
            return _change_class(rulebook, edit.class_name, lambda rule: _with_tags(rule, edit.tags, edit.formerly))
        case RemoveMembers():
            return _change_class(rulebook, edit.class_name, lambda rule: _without_tags(rule, edit.tags))
        case MoveMembers():
            return _move_members(rulebook, edit)
        case AddClass():
            return _add_class(rulebook, edit)
        case RetireClass():
            rulebook.get(edit.class_name)
            return _with_classes(rulebook, [rule for rule in rulebook.classes if rule.name != edit.class_name])
        case RenameClass():
            _refuse_known(rulebook, edit.to)
            return _change_class(rulebook, edit.class_name, lambda rule: _checked(rule, name=edit.to))
        case SplitClass():
            return _split(rulebook, edit)
        case MergeClasses():
            return _merge(rulebook, edit)
        case SetFields():
            return _set_fields(rulebook, edit)
        case Exclude():
            return _exclude(rulebook, ((edit.reason, "", tag) for tag in edit.tags))
        case Include():
            known = rulebook.reason_of_tag
            for tag in edit.tags:
                if tag not in known:
                    raise RuleError("edit", f"{tag!r} is not left out", "a tag that is")
            return _include(rulebook, lambda _reason, _note, tag: tag in edit.tags)
        case Several():
            for one in edit.edits:
                rulebook = _changed(rulebook, one)
            return rulebook
        case Restore():
            return _restore(rulebook, edit)


def _change_class(rulebook: Rulebook, name: str, change: Callable[[RuleClass], RuleClass]) -> Rulebook:
    old = rulebook.get(name)
    return _with_classes(rulebook, [change(rule) if rule is old else rule for rule in rulebook.classes])


def _with_classes(rulebook: Rulebook, classes: Iterable[RuleClass]) -> Rulebook:
    return Rulebook(tuple(classes), rulebook.exclusions, rulebook.comments)


def _checked(rule: RuleClass, **changes: Any) -> RuleClass:
    fields = {key: getattr(rule, key) for key in ("formerly", "comments", *FIELDS[1:])}
    fields |= {"name": rule.name, "category": rule.category, "members": rule.members} | changes
    return rule_class(f"class {rule.name!r}", **fields)


def _with_tags(rule: RuleClass, tags: tuple[str, ...], formerly: bool) -> RuleClass:
    if formerly:
        return _checked(rule, formerly=rule.formerly + tags, members=[tag for tag in rule.members if tag not in tags])
    return _checked(rule, members=rule.members + tags, formerly=[tag for tag in rule.formerly if tag not in tags])


def _without_tags(rule: RuleClass, tags: Iterable[str]) -> RuleClass:
    for tag in tags:
        if tag not in rule.spellings:
            raise RuleError(f"class {rule.name!r}", f"{tag!r} is not in it", "one of its tags")
    members, formerly = ([tag for tag in listed if tag not in tags] for listed in (rule.members, rule.formerly))
    return _checked(rule, members=members, formerly=formerly)


def _move_members(rulebook: Rulebook, edit: MoveMembers) -> Rulebook:
    source = rulebook.get(edit.class_name)
    moved = _change_class(rulebook, edit.class_name, lambda rule: _without_tags(rule, edit.tags))
    for formerly, listed in ((False, source.members), (True, source.formerly)):
        tags = tuple(tag for tag in edit.tags if tag in listed)
        if tags:
            moved = _change_class(moved, edit.to, lambda rule, t=tags, f=formerly: _with_tags(rule, t, f))  # type: ignore[misc]
    return moved


def _add_class(rulebook: Rulebook, edit: AddClass) -> Rulebook:
    _refuse_known(rulebook, edit.class_name)
    new = rule_class(
        f"class {edit.class_name!r}", edit.class_name, edit.category, edit.tags,
        formerly=edit.formerly, family=edit.family, note=edit.note,
    )  # fmt: skip
    same = [k for k, rule in enumerate(rulebook.classes) if rule.category == new.category]
    place = same[-1] + 1 if same else len(rulebook.classes)
    return _with_classes(rulebook, (*rulebook.classes[:place], new, *rulebook.classes[place:]))


def _split(rulebook: Rulebook, edit: SplitClass) -> Rulebook:
    old = rulebook.get(edit.class_name)
    if not edit.parts:
        raise RuleError(f"class {old.name!r}", "is split into nothing", "at least one new class with its tags")
    taken = [tag for tags in edit.parts.values() for tag in tags]
    if len(set(taken)) < len(taken):
        raise RuleError(f"class {old.name!r}", "a tag goes into two parts", "each tag in one")
    rest = _without_tags(old, taken)
    new = []
    for name, tags in edit.parts.items():
        if name != old.name:
            _refuse_known(rulebook, name)
            members, formerly = ([tag for tag in tags if tag in listed] for listed in (old.members, old.formerly))
            new.append(_checked(old, name=name, members=members, formerly=formerly, comments=(), note=""))
        else:
            rest = _with_tags(rest, tuple(tag for tag in tags if tag in old.members), False)
            rest = _with_tags(rest, tuple(tag for tag in tags if tag in old.formerly), True)
    kept = [rest] if rest.members or rest.formerly else []
    classes = [one for rule in rulebook.classes for one in ([*kept, *new] if rule is old else [rule])]
    return _with_classes(rulebook, classes)


def _merge(rulebook: Rulebook, edit: MergeClasses) -> Rulebook:
    olds = [rulebook.get(name) for name in dict.fromkeys(edit.class_names)]
    if len(olds) < 2 and (not olds or olds[0].name == edit.into):
        raise RuleError("edit", f"merges {len(olds)} classes", "at least two")
    if edit.into not in edit.class_names:
        _refuse_known(rulebook, edit.into)
    lead = next((rule for rule in olds if rule.name == edit.into), olds[0])
    members = [tag for rule in olds for tag in rule.members]
    merged = _checked(
        lead,
        name=edit.into,
        members=members,
        formerly=[tag for rule in olds for tag in rule.formerly if tag not in members],
        family=lead.family if len({rule.family for rule in olds}) == 1 else "",
        note="\n".join(dict.fromkeys(rule.note for rule in olds if rule.note)),
        comments=tuple(line for rule in olds for line in rule.comments),
        **{flag: any(getattr(rule, flag) for rule in olds) for flag in ("shared", *FLAGS)},
    )
    classes = [merged if rule is lead else rule for rule in rulebook.classes if rule is lead or rule not in olds]
    return _with_classes(rulebook, classes)


def _set_fields(rulebook: Rulebook, edit: SetFields) -> Rulebook:
    for key, value in edit.fields.items():
        kind = str if key in ("category", "family", "note") else bool
        if key not in FIELDS or not isinstance(value, kind):
            raise RuleError("edit", f"{key} = {value!r}", "text for category, family, note; true or false for a flag")
    for name in edit.class_names:
        rulebook = _change_class(rulebook, name, lambda rule: _checked(rule, **edit.fields))
    return rulebook


def _exclude(rulebook: Rulebook, rows: Iterable[tuple[str, str, str]]) -> Rulebook:
    """Each tag into the first exclusion of its reason and note, or a new one at the end."""
    outs = list(rulebook.exclusions)
    wanted: dict[tuple[str, str], list[str]] = {}
    for reason, note, tag in rows:
        wanted.setdefault((reason, note), []).append(tag)
    for (reason, note), tags in wanted.items():
        place = next((k for k, o in enumerate(outs) if o.reason == reason and note in ("", o.note)), None)
        exact = next((k for k, o in enumerate(outs) if (o.reason, o.note) == (reason, note)), place)
        if exact is None:
            outs.append(exclusion(f"exclude {reason!r}", reason, tags, note))
        else:
            old = outs[exact]
            outs[exact] = exclusion(f"exclude {reason!r}", reason, [*old.tags, *tags], old.note, old.comments)
    return Rulebook(rulebook.classes, tuple(outs), rulebook.comments)


def _include(rulebook: Rulebook, is_meant: Callable[[str, str, str], bool]) -> Rulebook:
    outs: list[Exclusion] = []
    for out in rulebook.exclusions:
        kept = tuple(tag for tag in out.tags if not is_meant(out.reason, out.note, tag))
        if kept or kept == out.tags:
            outs.append(replace(out, tags=kept))
    return Rulebook(rulebook.classes, tuple(outs), rulebook.comments)


def _restore(rulebook: Rulebook, edit: Restore) -> Rulebook:
    for said in edit.drop:
        now = rulebook.by_name.get(said["name"])
        if now is None or now.facts() != _facts(said):
            raise RuleError(f"class {said['name']!r}", "was changed since", "the class as the edit left it")
    dropped = {said["name"] for said in edit.drop}
    classes = [rule for rule in rulebook.classes if rule.name not in dropped]
    for place, said in sorted(edit.put, key=lambda item: item[0]):
        if any(rule.name == said["name"] for rule in classes):
            raise RuleError(f"class {said['name']!r}", "was made anew since", "no class of this name")
        classes.insert(place, class_from_facts(said))
    changed = _with_classes(rulebook, classes)
    gone = {tuple(row) for row in edit.include}
    if gone:
        changed = _include(changed, lambda *row: row in gone)
    return _exclude(changed, edit.exclude) if edit.exclude else changed


# --- helpers ----------------------------------------------------------------------------------------------------------


def class_from_facts(said: Mapping[str, Any]) -> RuleClass:
    """The class that `RuleClass.facts` described, comments too where they were added."""
    fields = {key: value for key, value in said.items() if key not in ("name", "category", "any")}
    fields["comments"] = tuple(fields.get("comments", ()))
    return rule_class(f"class {said['name']!r}", said["name"], said["category"], said["any"], **fields)


def _said(rule: RuleClass) -> dict[str, Any]:
    return rule.facts() | ({"comments": list(rule.comments)} if rule.comments else {})


def _facts(said: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in said.items() if key != "comments"}


def _different(
    before: tuple[RuleClass, ...], after: tuple[RuleClass, ...]
) -> tuple[tuple[RuleClass, ...], tuple[RuleClass, ...]]:
    # An edit hands on the very classes that it does not touch, mostly at their places: most need no comparing.
    if len(before) == len(after):
        pairs = [(old, new) for old, new in zip(before, after, strict=True) if old is not new]
        gone, came = [old for old, _ in pairs], [new for _, new in pairs]
    else:
        old_ids, new_ids = set(map(id, before)), set(map(id, after))
        gone = [rule for rule in before if id(rule) not in new_ids]
        came = [rule for rule in after if id(rule) not in old_ids]
    same = {rule for rule in gone if rule in came}
    return tuple(rule for rule in gone if rule not in same), tuple(rule for rule in came if rule not in same)


def _different_exclusions(
    before: Rulebook, after: Rulebook
) -> tuple[set[tuple[str, str, str]], set[tuple[str, str, str]]]:
    if before.exclusions is after.exclusions:
        return set(), set()
    old, new = ({(o.reason, o.note, tag) for o in book.exclusions for tag in o.tags} for book in (before, after))
    return old - new, new - old


def _refuse_known(rulebook: Rulebook, name: str) -> None:
    if name in rulebook.by_name:
        raise RuleError(f"class {name!r}", "exists already", "a new name, or a merge of the two")
