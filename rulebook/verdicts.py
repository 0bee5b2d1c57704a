"""What a rulebook decides about names of somebody else's list: member, former spelling, excluded, or nothing.

Made for the class names of the public 6,000-tag tagger ("RF5", danbooru-pretrained): the paper's rulebook has 1,207 raw
tags of its list, in 1,032 of 1,062 classes, and any rulebook should have decided each name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from rulebook.records import CATEGORIES, REASONS, Rulebook

PAPER_OVERLAP_TAGS: Final = 1207
PAPER_OVERLAP_CLASSES: Final = 1032
# RF5's 13 outputs that are no tags; a list of its names carries them all the same.
RF5_NOT_TAGS: Final = (*(f"age_rating_{letter}" for letter in "sqe"), *(f"meta_score_{k}" for k in range(10)))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rulebook decides about one name."""

    name: str
    decision: str  # "member", "formerly", "excluded" or "undecided"
    classes: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Overlap:
    """How much of a list the rulebook knows."""

    verdicts: tuple[Verdict, ...]
    counts: dict[str, int]  # by decision
    raw_tags: int  # names of the list that make some class positive
    classes: int  # classes with at least one of them

    @property
    def undecided(self) -> tuple[str, ...]:
        """Names without a verdict."""
        return tuple(verdict.name for verdict in self.verdicts if verdict.decision == "undecided")


def verdict(rulebook: Rulebook, name: str) -> Verdict:
    """What the rulebook decides about a name; a member is a member even where it is excluded as well."""
    if classes := rulebook.classes_of_tag.get(name):
        return Verdict(name, "member", classes)
    if classes := rulebook.classes_of_spelling.get(name):
        return Verdict(name, "formerly", classes)
    if reason := rulebook.reason_of_tag.get(name):
        return Verdict(name, "excluded", reason=reason)
    return Verdict(name, "undecided")


def overlap(rulebook: Rulebook, names: Iterable[str]) -> Overlap:
    """The verdict on every name, and how many raw tags and classes the list covers."""
    verdicts = tuple(verdict(rulebook, name) for name in names)
    counts = Counter(one.decision for one in verdicts)
    covered = {name for one in verdicts for name in one.classes}
    decisions = {key: counts[key] for key in ("member", "formerly", "excluded", "undecided")}
    return Overlap(verdicts, decisions, counts["member"] + counts["formerly"], len(covered))


def stats(rulebook: Rulebook) -> dict[str, Any]:
    """The rulebook in numbers: classes, distinct raw tags (members; older spellings apart), categories, exclusions."""
    by_category = Counter(rule.category for rule in rulebook.classes)
    excluded = Counter(rulebook.reason_of_tag.values())
    return {
        "classes": len(rulebook.classes),
        "raw_tags": len(rulebook.classes_of_tag),
        "by_category": {category: by_category[category] for category in CATEGORIES},
        "excluded": {reason: excluded[reason] for reason in REASONS if excluded[reason]},
        "digest": rulebook.digest,
        "former_spellings": len(rulebook.classes_of_spelling) - len(rulebook.classes_of_tag),
        "classes_of_two_or_more": sum(len(rule.members) > 1 for rule in rulebook.classes),
        "families": len(rulebook.families),
    }
