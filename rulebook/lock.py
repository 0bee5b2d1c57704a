"""The lock file beside a rulebook: which class has which output of the tagger, for good.

An output index is given once. A class that goes leaves its slot retired, a new class gets the next slot, a renamed
class keeps its own, a class that comes back under its name finds its slot again; so no edit can re-index a trained
model. The lock also says of which rulebook and tag table it was made, and the counts last seen. It has one line a slot,
so that two locks differ by line as they differ by class.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from rulebook.diff import renames as likely_renames
from rulebook.records import Rulebook, RuleError
from rulebook.toml_text import quoted, write_rulebook

LOCK_VERSION = 1


@dataclass(frozen=True, slots=True)
class Slot:
    """One output of the tagger: the class it belongs to, or belonged to."""

    name: str
    is_retired: bool = False
    was: tuple[str, ...] = ()  # earlier names of the same class, oldest first
    count: int | None = None  # positives when last counted


@dataclass(frozen=True)
class Lock:
    """All slots; a slot's place in the list is its output index."""

    slots: tuple[Slot, ...] = ()
    rulebook_digest: str = ""
    tag_table_digest: str = ""
    tag_table_date: str = ""
    posts: int | None = None  # posts that the counts were seen in

    @property
    def index_of(self) -> dict[str, int]:
        """Output index by name of each class in use."""
        return {slot.name: index for index, slot in enumerate(self.slots) if not slot.is_retired}


@dataclass(frozen=True, slots=True)
class Published:
    """The two texts of a published rulebook, which belong together."""

    toml_text: str
    lock_text: str
    lock: Lock


def publish(
    rulebook: Rulebook,
    previous: Lock | None = None,
    *,
    before: Rulebook | None = None,
    renames: Mapping[str, str] | None = None,
    tag_table_digest: str = "",
    tag_table_date: str = "",
    counts: Mapping[str, int] | None = None,
    posts: int | None = None,
) -> Published:
    """The text and lock of a rulebook. Writes nothing; who calls stores both or neither.

    Args:
        previous: the lock published last; None for a first one, in the order of the rulebook.
        renames: old class name to new, as the editor knows them; a renamed class keeps its index.
        before: the rulebook published last; where `renames` is None, they are told from it.
    """
    lock = next_lock(rulebook, previous, before=before, renames=renames)
    lock = replace(
        lock,
        tag_table_digest=tag_table_digest or lock.tag_table_digest,
        tag_table_date=tag_table_date or lock.tag_table_date,
    )
    if counts is not None:
        slots = tuple(replace(slot, count=counts.get(slot.name, slot.count)) for slot in lock.slots)
        lock = replace(lock, slots=slots, posts=posts)
    return Published(write_rulebook(rulebook), write_lock(lock), lock)


def next_lock(
    rulebook: Rulebook,
    previous: Lock | None = None,
    *,
    before: Rulebook | None = None,
    renames: Mapping[str, str] | None = None,
) -> Lock:
    """The lock of a rulebook after the previous one: slots are appended, retired and renamed, never moved.

    Raises:
        RuleError: a class stands twice, or two classes are renamed to one.
    """
    names = [rule.name for rule in rulebook.classes]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise RuleError("lock", f"class {twice!r} stands twice", "each class once")
    previous = previous or Lock()
    if renames is None:
        renames = likely_renames(before, rulebook) if before is not None else {}
    in_use = set(names)
    index_of = previous.index_of
    moves = {old: new for old, new in renames.items() if old in index_of and old not in in_use and new in in_use}
    if len(set(moves.values())) < len(moves):
        raise RuleError("lock", "two classes are renamed to one", "a merge, which retires the other")
    taken = {name for name in names if name in index_of}
    slots = []
    for slot in previous.slots:
        new = moves.get(slot.name) if not slot.is_retired else None
        if new is not None and new not in taken:
            taken.add(new)
            slots.append(replace(slot, name=new, was=(*slot.was, slot.name)))
        else:
            slots.append(replace(slot, is_retired=slot.is_retired or slot.name not in in_use))
    for index, slot in enumerate(slots):
        if slot.is_retired and slot.name in in_use and slot.name not in taken:
            taken.add(slot.name)
            slots[index] = replace(slot, is_retired=False)
    slots += [Slot(name) for name in names if name not in taken]
    return replace(previous, slots=tuple(slots), rulebook_digest=rulebook.digest)


def check_lock(rulebook: Rulebook, lock: Lock) -> list[str]:
    """What is wrong between a rulebook and its lock, one sentence each; empty where they belong together."""
    names, index_of = [rule.name for rule in rulebook.classes], lock.index_of
    wrong = [f"class {name!r} has no output index" for name in dict.fromkeys(names) if name not in index_of]
    wrong += [
        f"output {index_of[name]} is class {name!r}, which is gone" for name in index_of if name not in set(names)
    ]
    if not wrong and lock.rulebook_digest != rulebook.digest:
        wrong.append("the rulebook was changed since the lock was made")
    return wrong


def write_lock(lock: Lock) -> str:
    """The lock as TOML, one slot a line."""
    head = [
        "# Made by `curator rulebook publish`. The place of a slot is the output index of its class: never move one.",
        f"version = {LOCK_VERSION}",
        f"rulebook_digest = {quoted(lock.rulebook_digest)}",
    ]
    if lock.tag_table_digest:
        head.append(f"tag_table_digest = {quoted(lock.tag_table_digest)}")
    if lock.tag_table_date:
        head.append(f"tag_table_date = {quoted(lock.tag_table_date)}")
    if lock.posts is not None:
        head.append(f"posts = {lock.posts}")
    lines = []
    for index, slot in enumerate(lock.slots):
        parts = [f"index = {index}", f"name = {quoted(slot.name)}"]
        if slot.count is not None:
            parts.append(f"count = {slot.count}")
        if slot.is_retired:
            parts.append("retired = true")
        if slot.was:
            parts.append("was = [" + ", ".join(quoted(name) for name in slot.was) + "]")
        lines.append("  { " + ", ".join(parts) + " },")
    return "\n".join([*head, "slots = [", *lines, "]", ""])


def read_lock(text: str, file_name: str = "lock") -> Lock:
    """The lock that a text says.

    Raises:
        RuleError: no TOML, another version, a slot out of its place, or a class in two slots.
    """
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RuleError(file_name, f"no TOML: {error}") from error
    if said.get("version") != LOCK_VERSION:
        raise RuleError(file_name, f"version is {said.get('version')!r}", str(LOCK_VERSION))
    if not isinstance(said.get("slots"), list):
        raise RuleError(file_name, "has no slots", "slots = [...]")
    lock = Lock(
        tuple(_slot(slot, index, file_name) for index, slot in enumerate(said["slots"])),
        str(said.get("rulebook_digest", "")),
        str(said.get("tag_table_digest", "")),
        str(said.get("tag_table_date", "")),
        said.get("posts"),
    )
    names = [slot.name for slot in lock.slots if not slot.is_retired]
    if len(set(names)) < len(names):
        raise RuleError(file_name, "a class has two slots", "each class in use once")
    return lock


def _slot(said: Any, index: int, file_name: str) -> Slot:
    where = f"{file_name}: slot {index}"
    if not isinstance(said, dict) or not isinstance(said.get("name"), str):
        raise RuleError(where, "has no name", '{ index = ..., name = "..." }')
    if said.get("index") != index:
        raise RuleError(where, f"index is {said.get('index')!r}", f"{index}, as slots are never moved")
    count = said.get("count")
    if count is not None and not isinstance(count, int):
        raise RuleError(where, f"count is {count!r}", "a whole number")
    return Slot(said["name"], said.get("retired") is True, tuple(str(name) for name in said.get("was", ())), count)
