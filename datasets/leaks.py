"""Which images of different splits are the same drawing, or by the same hand: asked of the evidence alone.

The report is made from scratch before every freeze and export: it takes who is in which split, the edges as they are
found now (`duplicate_groups.find_edges`), a person's verdicts and the artists, and nothing of how the split came about.
It does not know groups either: where a chain was cut for its size, what leaks over the cut is shown here.

Kinds are those of the edges, and two more: `chain`, where two splits are joined only by way of images that are in
neither (removed, quarantined, of a third split), with the number of steps as its distance; and `artist`, one line for
each artist and two splits, with the number of images on the smaller side as its distance.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from datasets.duplicate_groups import Edge, Pair, Verdict, apply_verdicts, connected_parts, pair_of


@dataclass(frozen=True, slots=True, order=True)
class Leak:
    """Two images in different splits that belong together; a < b. kind, distance: see the module."""

    a: str
    b: str
    kind: str
    distance: int
    split_a: str
    split_b: str


def leak_report(
    split_of: Mapping[str, str],
    edges: Iterable[Edge],
    verdicts: Mapping[Pair, Verdict] | None = None,
    artists: Mapping[str, str] | None = None,
) -> tuple[Leak, ...]:
    """All leaks between splits, sorted; empty means clean.

    Args:
        split_of: image -> split, of those that are in one (`Split.split_of()`).
        artists: image -> artist, where artists must not be on two sides either; None to leave that aside.
    """
    kept, _ = apply_verdicts(edges, verdicts)
    leaks = [
        Leak(edge.a, edge.b, edge.kind, edge.distance, split_of[edge.a], split_of[edge.b])
        for edge in kept
        if edge.a in split_of and edge.b in split_of and split_of[edge.a] != split_of[edge.b]
    ]
    leaks += _chains(split_of, kept)
    if artists:
        leaks += _artists(split_of, artists)
    return tuple(sorted(leaks))


def count_leaks(leaks: Iterable[Leak]) -> dict[str, int]:
    """Leaks by the two splits and the kind, such as {"test-train perceptual": 3}, sorted."""
    counts: dict[str, int] = defaultdict(int)
    for leak in leaks:
        low, high = sorted((leak.split_a, leak.split_b))
        counts[f"{low}-{high} {leak.kind}"] += 1
    return dict(sorted(counts.items()))


def _chains(split_of: Mapping[str, str], edges: list[Edge]) -> list[Leak]:
    """For each connected part and two splits in it without an edge between them: the shortest way between the two."""
    neighbours: dict[str, set[str]] = defaultdict(set)
    for edge in edges:
        neighbours[edge.a].add(edge.b)
        neighbours[edge.b].add(edge.a)
    leaks = []
    for part in connected_parts(neighbours, (edge.pair for edge in edges)):
        splits = sorted({split_of[key] for key in part if key in split_of})
        if len(splits) < 2:
            continue
        touching = {
            pair_of(split_of[key], split_of[other])
            for key in part
            if key in split_of
            for other in neighbours[key]
            if other in split_of and split_of[other] != split_of[key]
        }
        for one, other in combinations(splits, 2):
            if (one, other) not in touching:
                start, end, steps = _shortest_way(part, neighbours, split_of, one, other)
                a, b = pair_of(start, end)
                leaks.append(Leak(a, b, "chain", steps, split_of[a], split_of[b]))
    return leaks


def _shortest_way(
    part: tuple[str, ...], neighbours: Mapping[str, set[str]], split_of: Mapping[str, str], one: str, other: str
) -> tuple[str, str, int]:
    """From any member in `one` to the nearest in `other`, breadth first, ties by key; both are in the part."""
    starts = [key for key in part if split_of.get(key) == one]
    came_from = {key: (key, 0) for key in starts}
    waiting = deque(starts)
    while waiting:
        key = waiting.popleft()
        start, steps = came_from[key]
        if split_of.get(key) == other:
            return start, key, steps
        for further in sorted(neighbours[key] - came_from.keys()):
            came_from[further] = (start, steps + 1)
            waiting.append(further)
    raise AssertionError("a connected part has a way between any two of its members")


def _artists(split_of: Mapping[str, str], artists: Mapping[str, str]) -> list[Leak]:
    sides: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for key in sorted(split_of):
        if key in artists:
            sides[artists[key]][split_of[key]].append(key)
    leaks = []
    for by_split in sides.values():
        for one, other in combinations(sorted(by_split), 2):
            a, b = pair_of(by_split[one][0], by_split[other][0])
            weight = min(len(by_split[one]), len(by_split[other]))
            leaks.append(Leak(a, b, "artist", weight, split_of[a], split_of[b]))
    return leaks
