"""The records of a rulebook: a class is a union of raw tags, an exclusion is raw tags left out with a reason.

A rulebook is a value: frozen, compared by content, edited into another value (`rulebook.edits`). Whatever can be wrong
with a single name or word is refused here, as a RuleError; whatever is well-formed but unwise (a class twice, no
members, a tag nobody knows) is kept, and lint speaks of it. Output indexes are not here: the lock file has them.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

CATEGORIES: Final = ("body", "clothing", "misc")
REASONS: Final = (
    "contextual",
    "copyright",
    "character",
    "artist",
    "meta",
    "subjective",
    "too rare",
    "not visible",
)
FLAGS: Final = ("color_sensitive", "orientation_sensitive", "left_right")
MAX_NAME_LENGTH: Final = 500


class RuleError(ValueError):
    """Something cannot be read as a rule: says where, what was found, and what was expected."""

    def __init__(self, where: str, found: str, expected: str = "") -> None:
        super().__init__(f"{where}: {found}" + (f", expected {expected}" if expected else ""))
        self.where, self.found, self.expected = where, found, expected


@dataclass(frozen=True)
class RuleClass:
    """One class of the tagger: positive where any of its members (or their older spellings) is tagged.

    Make one with `rule_class`, which sorts and checks.
    """

    name: str
    category: str
    members: tuple[str, ...] = ()
    formerly: tuple[str, ...] = ()
    shared: bool = False  # its tags may be in other classes too, on purpose
    family: str = ""  # at most one class of a family is true of a character, as with hair length
    color_sensitive: bool = False  # recolouring an image may change the truth
    orientation_sensitive: bool = False  # turning it may
    left_right: bool = False  # mirroring it may
    note: str = ""
    comments: tuple[str, ...] = field(default=(), compare=False)  # lines above the table, "#" included, "" for a gap

    @property
    def spellings(self) -> tuple[str, ...]:
        """Members and older spellings: every raw name that makes the class positive by itself."""
        return self.members + self.formerly

    def facts(self) -> dict[str, Any]:
        """What the class says, without comments: for digests, diffs and JSON; false and empty fields are left out."""
        said: dict[str, Any] = {"name": self.name, "category": self.category, "any": list(self.members)}
        if self.formerly:
            said["formerly"] = list(self.formerly)
        if self.shared:
            said["shared"] = True
        if self.family:
            said["family"] = self.family
        said |= {flag: True for flag in FLAGS if getattr(self, flag)}
        if self.note:
            said["note"] = self.note
        return said


@dataclass(frozen=True)
class Exclusion:
    """Raw tags that were considered and deliberately left out, and why. Make one with `exclusion`."""

    reason: str
    tags: tuple[str, ...]
    note: str = ""
    comments: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Rulebook:
    """All classes and exclusions, in the order of their file; the order carries no meaning but to its readers."""

    classes: tuple[RuleClass, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    comments: tuple[str, ...] = field(default=(), compare=False)

    def __len__(self) -> int:
        return len(self.classes)

    def __iter__(self) -> Iterator[RuleClass]:
        return iter(self.classes)

    @cached_property
    def by_name(self) -> Mapping[str, RuleClass]:
        """Classes by name; where a name stands twice (lint says so), the first."""
        found: dict[str, RuleClass] = {}
        for rule in self.classes:
            found.setdefault(rule.name, rule)
        return found

    @cached_property
    def classes_of_tag(self) -> Mapping[str, tuple[str, ...]]:
        """Names of the classes that list a raw tag as a member, by tag."""
        found: dict[str, list[str]] = {}
        for rule in self.classes:
            for tag in rule.members:
                found.setdefault(tag, []).append(rule.name)
        return {tag: tuple(names) for tag, names in found.items()}

    @cached_property
    def classes_of_spelling(self) -> Mapping[str, tuple[str, ...]]:
        """As `classes_of_tag`, with older spellings as well."""
        found: dict[str, list[str]] = {}
        for rule in self.classes:
            for tag in dict.fromkeys(rule.spellings):
                found.setdefault(tag, []).append(rule.name)
        return {tag: tuple(names) for tag, names in found.items()}

    @cached_property
    def reason_of_tag(self) -> Mapping[str, str]:
        """Why a raw tag was left out, by tag; the first reason where there are several."""
        return {tag: out.reason for out in reversed(self.exclusions) for tag in out.tags}

    @cached_property
    def families(self) -> Mapping[str, tuple[str, ...]]:
        """Names of the classes of each one-of family."""
        found: dict[str, list[str]] = {}
        for rule in self.classes:
            if rule.family:
                found.setdefault(rule.family, []).append(rule.name)
        return {family: tuple(names) for family, names in found.items()}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what the rulebook says: order, comments and layout do not count."""
        return digest_of(
            {
                "classes": sorted((rule.facts() for rule in self.classes), key=_as_text),
                "exclusions": sorted(
                    [out.reason, tag, out.note] for out in self.exclusions for tag in (out.tags or ("",))
                ),
            }
        )

    def get(self, name: str) -> RuleClass:
        """The class of this name; RuleError where there is none."""
        rule = self.by_name.get(name)
        if rule is None:
            raise RuleError("rulebook", f"no class {name!r}", f"one of its {len(self.classes)} classes")
        return rule


def rule_class(where: str, name: str, category: str, members: Iterable[str], **fields: Any) -> RuleClass:
    """A class with its members sorted and once each, or a RuleError that begins with `where`."""
    check_name(where, "name", name, blanks=True)
    if category not in CATEGORIES:
        raise RuleError(where, f"category is {category!r}", "body, clothing or misc")
    family = fields.pop("family", "")
    if family:
        check_name(where, "family", family, blanks=True)
    checked = tag_names(where, "any", members)
    formerly = tag_names(where, "formerly", fields.pop("formerly", ()))
    return RuleClass(name, category, checked, formerly, family=family, **fields)


def exclusion(
    where: str, reason: str, tags: Iterable[str], note: str = "", comments: tuple[str, ...] = ()
) -> Exclusion:
    """An exclusion with its tags sorted and once each, or a RuleError that begins with `where`."""
    if reason not in REASONS:
        raise RuleError(where, f"reason is {reason!r}", "one of " + ", ".join(REASONS))
    return Exclusion(reason, tag_names(where, "tags", tags), note, comments)


def tag_names(where: str, key: str, names: Iterable[str]) -> tuple[str, ...]:
    """Raw tags sorted by code point, each once; a RuleError names the first that can be none."""
    listed = list(names)
    for position, name in enumerate(listed):
        check_name(where, f"{key}[{position}]", name)
    return tuple(sorted(set(listed)))


def check_name(where: str, key: str, name: Any, blanks: bool = False) -> None:
    """Refuse what cannot be a name: not text, empty, too long, or with whitespace or control characters in it.

    Anything else can be one: `>_<`, `69`, `\\m/`, quotes, brackets, any script. `blanks` allows single spaces inside,
    as class and family names may have.
    """
    if not isinstance(name, str):
        raise RuleError(where, f"{key} is {name!r}", "text in quotes")
    if not name or len(name) > MAX_NAME_LENGTH:
        raise RuleError(where, f"{key} has {len(name)} characters", f"1 to {MAX_NAME_LENGTH}")
    inner = name.replace(" ", "") if blanks and name == " ".join(name.split()) else name
    for char in inner:
        if char.isspace() or unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp"):
            raise RuleError(where, f"{key} is {name!r}", "a name without whitespace or control characters")


def digest_of(value: Any) -> str:
    """SHA-256, in hex, of a JSON value in its one canonical spelling."""
    return hashlib.sha256(_as_text(value).encode()).hexdigest()


def _as_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
