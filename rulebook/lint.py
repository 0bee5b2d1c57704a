"""What is wrong with a rulebook before a single post is looked at, with a code, numbers and, where one is safe, a fix.

    R101 duplicate-class         two classes of one name
    R102 same-members            two classes of the same members
    R103 empty-class             no members
    R104 unknown-tag             not in the tag table
    R105 alias-source            a member under its old name
    R106 deprecated              Danbooru retired the tag
    R107 tag-in-two-classes      and the classes do not say that they share it
    R108 implied-across-classes  a member implies a tag of another class
    R109 not-in-the-image        a contextual or non-general member
    R110 member-and-excluded     a member that was left out, too
    R111 current-as-former       an older spelling that is a tag of today
    R112 former-elsewhere        an older spelling of another class's tag
    R113 family-of-one           a one-of family with a single class
    R114 family-across           a family over two categories

An error makes the rulebook wrong, a warning makes it doubtful, a note is worth knowing. `rulebook.lint_posts` goes on
with R2xx, which need posts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from rulebook.edits import AddMembers, Edit, MergeClasses, RemoveMembers, RetireClass, Several
from rulebook.records import Rulebook, RuleClass
from rulebook.resolution import Resolution
from rulebook.tag_table import TagTable

# Tags about how a picture came to be or what it compares with, not about what can be seen in it.
CONTEXTUAL: Final = frozenset({
    "aged_down", "aged_up", "contemporary", "cosplay", "crossover", "enmaided", "fusion", "official_style", "original",
    "parody", "personification",
})  # fmt: skip
CONTEXTUAL_BEGINNINGS: Final = ("adapted_", "alternate_", "genderswap", "official_alternate_")
CONTEXTUAL_ENDS: Final = ("_(cosplay)", "_commentary", "_connection", "_parody", "_request")


@dataclass(frozen=True)
class Finding:
    """One thing that lint found."""

    code: str  # "R105"
    name: str  # "alias-source"
    severity: str  # "error", "warning" or "note"
    classes: tuple[str, ...]
    message: str
    tags: tuple[str, ...] = ()
    numbers: Mapping[str, float] = field(default_factory=dict)
    fix: Edit | None = None

    def to_json(self) -> dict[str, Any]:
        """As one JSON object; the fix as an edit."""
        import msgspec

        return {
            "code": self.code,
            "name": self.name,
            "severity": self.severity,
            "classes": list(self.classes),
            "tags": list(self.tags),
            "message": self.message,
            "numbers": dict(self.numbers),
            "fix": None if self.fix is None else msgspec.to_builtins(self.fix),
        }

    def __str__(self) -> str:
        return f"{self.code} {self.name}: {', '.join(self.classes)}: {self.message}"


def lint(rulebook: Rulebook, table: TagTable | None = None, relations: Resolution | None = None) -> list[Finding]:
    """Everything that can be found without posts, in the order of the codes.

    Args:
        table: without one, nothing is said of unknown tags, categories and deprecation.
        relations: without them, aliases are those of the table and nothing is said of implications.
    """
    relations = relations or Resolution(dict(table.aliases) if table else {})
    found = [
        *_names(rulebook),
        *(one for rule in rulebook.classes for one in _class_alone(rule, rulebook, table, relations)),
        *_shared_tags(rulebook),
        *_implied(rulebook, relations),
        *_former_elsewhere(rulebook, relations),
        *_families(rulebook),
    ]
    return sorted(found, key=lambda one: (one.code, one.classes, one.tags))


def is_clean(findings: list[Finding]) -> bool:
    """Whether nothing worse than a note was found: what the command's exit status says."""
    return all(one.severity == "note" for one in findings)


def is_contextual(tag: str) -> bool:
    """Whether a tag's name says that it is about the making or the source, not about what can be seen."""
    return tag in CONTEXTUAL or tag.startswith(CONTEXTUAL_BEGINNINGS) or tag.endswith(CONTEXTUAL_ENDS)


def _names(rulebook: Rulebook) -> Iterator[Finding]:
    names: dict[str, int] = {}
    contents: dict[tuple[str, ...], list[str]] = {}
    for rule in rulebook.classes:
        names[rule.name] = names.get(rule.name, 0) + 1
        if rule.members:
            contents.setdefault(rule.members, []).append(rule.name)
    for name, times in names.items():
        if times > 1:
            yield Finding(
                "R101", "duplicate-class", "error", (name,), f"stands {times} times", numbers={"times": times}
            )
    for members, same in contents.items():
        if len(set(same)) > 1:
            same_names = tuple(dict.fromkeys(same))
            fix = MergeClasses(same_names, same_names[0])
            yield Finding("R102", "same-members", "error", same_names, "have the same members", members, fix=fix)


def _class_alone(
    rule: RuleClass, rulebook: Rulebook, table: TagTable | None, relations: Resolution
) -> Iterator[Finding]:
    own = (rule.name,)
    if not rule.members:
        yield Finding("R103", "empty-class", "error", own, "has no members", fix=RetireClass(rule.name))
    for tag in rule.members:
        current = relations.current(tag)
        remove = RemoveMembers(rule.name, (tag,))
        if current != tag:
            steps: tuple[Edit, ...] = (AddMembers(rule.name, (tag,), formerly=True), AddMembers(rule.name, (current,)))
            message = f"{tag} is called {current} today"
            yield Finding("R105", "alias-source", "error", own, message, (tag,), fix=Several(steps))
        elif table is not None and tag not in table:
            yield Finding("R104", "unknown-tag", "error", own, f"{tag} is in no tag table", (tag,), fix=remove)
        if table is not None and (known := table.tags.get(tag)):
            if known.is_deprecated:
                yield Finding("R106", "deprecated", "warning", own, f"{tag} is deprecated", (tag,), fix=remove)
            if known.category not in ("general", "unknown"):
                message = f"{tag} is a {known.category} tag"
                severity = "warning" if known.category == "meta" else "error"
                yield Finding("R109", "not-in-the-image", severity, own, message, (tag,), fix=remove)
        if is_contextual(tag):
            message = f"{tag} is contextual: not seen in the image"
            yield Finding("R109", "not-in-the-image", "warning", own, message, (tag,), fix=remove)
        if reason := rulebook.reason_of_tag.get(tag):
            message = f"{tag} is a member, and left out as {reason}"
            yield Finding("R110", "member-and-excluded", "error", own, message, (tag,), fix=None)
    for tag in rule.formerly:
        if tag in rule.members or (table is not None and tag in table and relations.current(tag) == tag):
            message = f"{tag} is a tag of today, not an older spelling"
            fix = AddMembers(rule.name, (tag,))
            yield Finding("R111", "current-as-former", "warning", own, message, (tag,), fix=fix)


def _shared_tags(rulebook: Rulebook) -> Iterator[Finding]:
    """A tag has one home; every other class that holds it says `shared`."""
    for tag, names in rulebook.classes_of_tag.items():
        undeclared = tuple(name for name in dict.fromkeys(names) if not rulebook.by_name[name].shared)
        if len(undeclared) > 1:
            message = f"{tag} is in {len(set(names))} classes, {len(undeclared)} of them not `shared`"
            fix = RemoveMembers(undeclared[-1], (tag,))
            numbers = {"classes": len(set(names))}
            yield Finding("R107", "tag-in-two-classes", "error", undeclared, message, (tag,), numbers, fix)


def _implied(rulebook: Rulebook, relations: Resolution) -> Iterator[Finding]:
    for rule in rulebook.classes:
        for tag in rule.members:
            for other_tag in sorted(relations.resolve(tag) - {tag}):
                for other in rulebook.classes_of_tag.get(other_tag, ()):
                    if other == rule.name or tag in rulebook.by_name[other].members:
                        continue
                    family = bool(rule.family) and rule.family == rulebook.by_name[other].family
                    severity = "error" if family else "note"
                    message = f"{tag} implies {other_tag}, so every {rule.name} is a {other}"
                    if family:
                        message += f", and only one class of {rule.family} can be true"
                    yield Finding(
                        "R108", "implied-across-classes", severity, (rule.name, other), message, (tag, other_tag)
                    )


def _former_elsewhere(rulebook: Rulebook, relations: Resolution) -> Iterator[Finding]:
    for rule in rulebook.classes:
        for tag in rule.formerly:
            current = relations.current(tag)
            others = {name for name in rulebook.classes_of_tag.get(current, ()) if name != rule.name}
            if others and current not in rule.members:
                other = min(others)
                message = f"{tag} is {current} today, a member of {other}"
                fix = RemoveMembers(rule.name, (tag,))
                yield Finding("R112", "former-elsewhere", "error", (rule.name, other), message, (tag, current), fix=fix)
            twice = [name for name in rulebook.classes_of_spelling[tag] if name != rule.name]
            if twice and not (rule.shared or all(rulebook.by_name[name].shared for name in twice)):
                message = f"{tag} is also a spelling of {twice[0]}"
                yield Finding("R112", "former-elsewhere", "error", (rule.name, twice[0]), message, (tag,))


def _families(rulebook: Rulebook) -> Iterator[Finding]:
    for family, names in rulebook.families.items():
        if len(names) == 1:
            yield Finding("R113", "family-of-one", "warning", names, f"is alone in the family {family!r}")
        categories = sorted({rulebook.by_name[name].category for name in names})
        if len(categories) > 1:
            message = f"the family {family!r} is over {' and '.join(categories)}"
            yield Finding("R114", "family-across", "warning", names, message)
