"""Edits of a rulebook as data: what a person can do to it, and how that reads in words.

An edit is a msgspec struct, so it travels as JSON (`{"edit": "add_members", "class_name": ...}`) between page, journal
and command line. What each does to a rulebook is `rulebook.editing`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from rulebook.records import RuleError


class AddMembers(msgspec.Struct, frozen=True, tag_field="edit", tag="add_members"):
    """Tags into a class, as members or as former spellings."""

    class_name: str
    tags: tuple[str, ...]
    formerly: bool = False


class RemoveMembers(msgspec.Struct, frozen=True, tag_field="edit", tag="remove_members"):
    """Tags out of a class, wherever they stand in it."""

    class_name: str
    tags: tuple[str, ...]


class MoveMembers(msgspec.Struct, frozen=True, tag_field="edit", tag="move_members"):
    """Tags from one class to another; a member stays a member, a former spelling one."""

    class_name: str
    to: str
    tags: tuple[str, ...]


class AddClass(msgspec.Struct, frozen=True, tag_field="edit", tag="add_class"):
    """A new class, behind the last of its category."""

    class_name: str
    category: str
    tags: tuple[str, ...] = ()
    formerly: tuple[str, ...] = ()
    family: str = ""
    note: str = ""


class RetireClass(msgspec.Struct, frozen=True, tag_field="edit", tag="retire_class"):
    """A class away; its output index stays reserved in the lock."""

    class_name: str


class RenameClass(msgspec.Struct, frozen=True, tag_field="edit", tag="rename_class"):
    """Another name for the same class; its output index goes with it."""

    class_name: str
    to: str


class SplitClass(msgspec.Struct, frozen=True, tag_field="edit", tag="split_class"):
    """Some members into classes of their own, which inherit the rest; what is named nowhere stays."""

    class_name: str
    parts: dict[str, tuple[str, ...]]


class MergeClasses(msgspec.Struct, frozen=True, tag_field="edit", tag="merge_classes"):
    """Several classes into one, which may be one of them or a new name at the place of the first."""

    class_names: tuple[str, ...]
    into: str


class SetFields(msgspec.Struct, frozen=True, tag_field="edit", tag="set_fields"):
    """Category, family, flags or note of some classes."""

    class_names: tuple[str, ...]
    fields: dict[str, str | bool]


class Exclude(msgspec.Struct, frozen=True, tag_field="edit", tag="exclude"):
    """Tags on the list of those left out, with the reason."""

    tags: tuple[str, ...]
    reason: str


class Include(msgspec.Struct, frozen=True, tag_field="edit", tag="include"):
    """Tags off the list of those left out."""

    tags: tuple[str, ...]


class Several(msgspec.Struct, frozen=True, tag_field="edit", tag="several"):
    """Edits one after another, as one step: all or none."""

    edits: tuple[Edit, ...]


class Restore(msgspec.Struct, frozen=True, tag_field="edit", tag="restore"):
    """The undo of an edit: take some classes out, put others in at their places, and so with the tags left out."""

    drop: tuple[dict[str, Any], ...] = ()  # RuleClass.facts() and comments, as the edit left them
    put: tuple[tuple[int, dict[str, Any]], ...] = ()  # place in the rulebook, class
    include: tuple[tuple[str, str, str], ...] = ()  # reason, note, tag
    exclude: tuple[tuple[str, str, str], ...] = ()


Edit = (
    AddMembers
    | RemoveMembers
    | MoveMembers
    | AddClass
    | RetireClass
    | RenameClass
    | SplitClass
    | MergeClasses
    | SetFields
    | Exclude
    | Include
    | Several
    | Restore
)


def edit_from_json(text: bytes | str) -> Edit:
    """The edit that a JSON text says; RuleError where it says none."""
    try:
        return msgspec.json.decode(text, type=Edit)
    except msgspec.DecodeError as error:
        raise RuleError("edit", str(error), "one of the edits of a rulebook") from error


def edit_to_json(edit: Edit) -> bytes:
    """An edit as JSON, keys in a fixed order."""
    return msgspec.json.encode(edit)


def describe(edit: Edit) -> str:
    """An edit in words, for previews and the list of what can be undone."""
    match edit:
        case AddMembers():
            return f"add {_listed(edit.tags)} to {edit.class_name}" + (" as older spelling" if edit.formerly else "")
        case RemoveMembers():
            return f"remove {_listed(edit.tags)} from {edit.class_name}"
        case MoveMembers():
            return f"move {_listed(edit.tags)} from {edit.class_name} to {edit.to}"
        case AddClass():
            return f"add the {edit.category} class {edit.class_name}" + (
                f" of {_listed(edit.tags)}" if edit.tags else ""
            )
        case RetireClass():
            return f"retire {edit.class_name}"
        case RenameClass():
            return f"rename {edit.class_name} to {edit.to}"
        case SplitClass():
            parts = ", ".join(f"{name} ({_listed(tags)})" for name, tags in edit.parts.items())
            return f"split {edit.class_name} into {parts}"
        case MergeClasses():
            return f"merge {_listed(edit.class_names)} into {edit.into}"
        case SetFields():
            values = ", ".join(f"{key} = {value}" for key, value in edit.fields.items())
            return f"set {values} of {_listed(edit.class_names)}"
        case Exclude():
            return f"leave out {_listed(edit.tags)} as {edit.reason}"
        case Include():
            return f"no longer leave out {_listed(edit.tags)}"
        case Several():
            return "; ".join(describe(one) for one in edit.edits)
        case Restore():
            names = dict.fromkeys([said["name"] for _, said in edit.put] + [said["name"] for said in edit.drop])
            tags = [tag for _, _, tag in edit.include + edit.exclude]
            return "restore " + _listed([*names, *tags])


def _listed(names: Iterable[str], most: int = 4) -> str:
    listed = list(names)
    more = len(listed) - most
    return ", ".join(listed[:most]) + (f" and {more} more" if more > 0 else "")
