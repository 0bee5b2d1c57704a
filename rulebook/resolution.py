"""From a raw tag to what it says: its current name (alias), then everything that name implies, then the classes.

Only active relations count. Chains are followed to their end; a chain of aliases that bites its own tail is reported
and followed nowhere; a ring of implications is reported, and its tags imply each other, as Danbooru would have it.
`why` answers from the same relations that `raw_tags_of_classes` is made of, so explanations and counts agree.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from rulebook.records import Rulebook, RuleClass, RuleError, check_name, digest_of
from rulebook.tag_table import Refused, json_objects

How = Literal["member", "former spelling", "alias", "implication"]


@dataclass(frozen=True, slots=True)
class Relation:
    """One row of Danbooru's aliases or implications."""

    antecedent: str
    consequent: str


@dataclass(frozen=True, slots=True)
class Because:
    """Why a post is in a class: the raw tag that did it, and the names it went through, raw tag first."""

    raw_tag: str
    how: How
    path: tuple[str, ...]


@dataclass(frozen=True)
class Resolution:
    """Aliases and implications, ready to be followed. Make one with `resolution`."""

    aliases: Mapping[str, str] = field(default_factory=dict)
    implications: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    alias_loops: tuple[tuple[str, ...], ...] = ()
    implication_loops: tuple[tuple[str, ...], ...] = ()
    ambiguous: tuple[str, ...] = ()  # aliased to two names; followed nowhere

    def current(self, name: str) -> str:
        """The current name of a raw tag, at the end of its chain of aliases."""
        return self.aliases.get(name, name)

    def resolve(self, name: str) -> frozenset[str]:
        """Every name that a raw tag stands for: itself, its current name, and all that this implies."""
        known = self._closures.get(name)
        if known is not None:
            return known
        current = self.current(name)
        return frozenset((name, current)) | self._closures.get(current, frozenset())

    def sources(self, name: str) -> tuple[str, ...]:
        """Every raw tag that stands for this name, itself first."""
        return (name, *sorted(self._reached_from.get(name, frozenset()) - {name}))

    def path(self, name: str, target: str) -> tuple[str, ...]:
        """The shortest way from a raw tag to a name that it stands for; empty where there is none."""
        if name == target:
            return (name,)
        start = self.current(name)
        ways = {start: (name, start) if start != name else (name,)}
        waiting = [start]
        for step in waiting:
            if step == target:
                return ways[step]
            for implied in self.implications.get(step, ()):
                if implied not in ways:
                    ways[implied] = (*ways[step], implied)
                    waiting.append(implied)
        return ()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the relations that are followed."""
        implied = sorted([one, other] for one, others in self.implications.items() for other in others)
        return digest_of({"aliases": sorted(self.aliases.items()), "implications": implied})

    @cached_property
    def _closures(self) -> Mapping[str, frozenset[str]]:
        closures: dict[str, frozenset[str]] = {}
        for name in self.implications:
            reached, waiting = {name}, [name]
            while waiting:
                for implied in self.implications.get(waiting.pop(), ()):
                    if implied not in reached:
                        reached.add(implied)
                        waiting.append(implied)
            closures[name] = frozenset(reached)
        for name, current in self.aliases.items():
            closures[name] = frozenset((name, current)) | closures.get(current, frozenset())
        return closures

    @cached_property
    def _reached_from(self) -> Mapping[str, set[str]]:
        found: dict[str, set[str]] = {}
        for raw, names in self._closures.items():
            for name in names:
                found.setdefault(name, set()).add(raw)
        return found


def resolution(aliases: Iterable[Relation] = (), implications: Iterable[Relation] = ()) -> Resolution:
    """Relations ready to be followed: chains shortened, loops found, implications under current names."""
    targets: dict[str, set[str]] = {}
    for relation in aliases:
        targets.setdefault(relation.antecedent, set()).add(relation.consequent)
    ambiguous = tuple(sorted(name for name, others in targets.items() if len(others) > 1))
    direct = {name: next(iter(others)) for name, others in targets.items() if len(others) == 1}
    loops: set[tuple[str, ...]] = set()
    ends: dict[str, str] = {}
    for name in sorted(direct):
        chain = [name]
        while chain[-1] in direct and direct[chain[-1]] not in chain:
            chain.append(direct[chain[-1]])
        if chain[-1] in direct:
            ring = chain[chain.index(direct[chain[-1]]) :]
            first = ring.index(min(ring))
            loops.add(tuple(ring[first:] + ring[:first]))
        else:
            ends[name] = chain[-1]
    implied: dict[str, set[str]] = {}
    for relation in implications:
        one, other = (ends.get(name, name) for name in (relation.antecedent, relation.consequent))
        if one != other:
            implied.setdefault(one, set()).add(other)
    frozen = {name: tuple(sorted(others)) for name, others in implied.items()}
    return Resolution(ends, frozen, tuple(sorted(loops)), _rings(frozen), ambiguous)


def read_relations(
    lines: Iterable[bytes | str], file_name: str = "relations"
) -> tuple[tuple[Relation, ...], tuple[Refused, ...]]:
    """Active rows of JSON lines with `antecedent_name`, `consequent_name`, `status`; and the rows that cannot be read.

    A row without a status is no dump of Danbooru's and is refused; retired, deleted and pending rows are passed over.
    """
    relations: list[Relation] = []
    refused: list[Refused] = []
    for number, said in json_objects(lines, file_name, refused):
        where = f"{file_name}: line {number}"
        try:
            for key in ("antecedent_name", "consequent_name"):
                check_name(where, key, said.get(key))
            if not isinstance(said.get("status"), str):
                raise RuleError(where, "has no status", '"active" or another')
        except RuleError as error:
            refused.append(Refused(where, str(error)))
            continue
        if said["status"] == "active":
            relations.append(Relation(said["antecedent_name"], said["consequent_name"]))
    return tuple(relations), tuple(refused)


def raw_tags_of_classes(
    rulebook: Rulebook, relations: Resolution, vocabulary: Container[str] | None = None
) -> dict[str, tuple[str, ...]]:
    """For each class the raw tags that make it positive: spellings, their aliases, and whatever implies them.

    Args:
        vocabulary: only these raw tags are of interest (those that occur); None means all.
    """
    return {rule.name: raw_tags_of(rule, relations, vocabulary) for rule in rulebook.classes}


def raw_tags_of(rule: RuleClass, relations: Resolution, vocabulary: Container[str] | None = None) -> tuple[str, ...]:
    """The raw tags that make one class positive, sorted."""
    found = {raw for name in rule.spellings for raw in relations.sources(name)}
    return tuple(sorted(raw for raw in found if vocabulary is None or raw in vocabulary))


def why(tags: Iterable[str], rule: RuleClass, relations: Resolution) -> tuple[Because, ...]:
    """Which raw tags of a post put it into a class, and how; empty where it is not in it.

    The plainest explanation of each raw tag is given: member, then former spelling, then alias, then implication.
    """
    members, former = frozenset(rule.members), frozenset(rule.formerly)
    found = []
    for raw in tags:
        if raw in members:
            found.append(Because(raw, "member", (raw,)))
        elif raw in former:
            found.append(Because(raw, "former spelling", (raw,)))
        elif ends := sorted(relations.resolve(raw) & (members | former)):
            current = relations.current(raw)
            if current in ends:
                found.append(Because(raw, "alias", (raw, current)))
            else:
                found.append(Because(raw, "implication", min((relations.path(raw, end) for end in ends), key=len)))
    return tuple(found)


def _rings(graph: Mapping[str, tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """Sets of names that imply each other (strongly connected, more than one), by Tarjan's algorithm, iteratively."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    rings: list[tuple[str, ...]] = []
    for root in sorted(graph):
        if root in index:
            continue
        work = [(root, iter(graph.get(root, ())))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            name, others = work[-1]
            for other in others:
                if other not in index:
                    index[other] = low[other] = len(index)
                    stack.append(other)
                    on_stack.add(other)
                    work.append((other, iter(graph.get(other, ()))))
                    break
                if other in on_stack:
                    low[name] = min(low[name], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == index[name]:
                    ring = stack[stack.index(name) :]
                    del stack[stack.index(name) :]
                    on_stack.difference_update(ring)
                    if len(ring) > 1:
                        rings.append(tuple(sorted(ring)))
    return tuple(sorted(rings))
