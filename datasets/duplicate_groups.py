"""Which pictures are the same drawing: evidence as edges, a person's verdicts over them, and the groups that follow.

An edge joins two images by one kind of evidence: equal files (`digest`), equal shown pixels (`pixel`), near hashes
(`perceptual`, `mirrored`, `cropped`; the nearest of the three that holds), near silhouettes of transparent pictures
(`alpha`), a post's `parent`, a common `source`. Distances are differing bits of HASH_BITS, 0 for the other kinds.

A person's verdict on a pair stands over its evidence: `same` and `variant` (a costume, an expression) join,
`unrelated` takes the pair's edges away. Groups are the connected parts: they go into a split whole. Two things are
never silent: a chain that grew over `max_members` is cut at its weakest edges and comes back as a `Cut`, and a pair
judged unrelated that other pictures still join comes back in `still_joined`.

Images that are equal (one file, one parent, one source, one hash) are joined each with each up to MAX_ALL_PAIRS of
them. Of more, the first is joined to each other one: as connected, and ten thousand copies do not grow fifty million
edges; but then a pair judged unrelated takes its second out of the company of all. Equal hashes are searched once, by
their first.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Final, Literal, TypeAlias, get_args

import numpy as np

from datasets.hash_index import HashIndex, choose_engine
from datasets.perceptual_hash import PictureHashes, mirrored, packed

Kind: TypeAlias = Literal[
    "digest", "pixel", "perceptual", "mirrored", "cropped", "alpha", "parent", "source", "verdict"
]
Verdict: TypeAlias = Literal["same", "variant", "unrelated"]
Pair: TypeAlias = tuple[str, str]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)

# How far evidence of a kind can be trusted, where a chain must be cut: the lowest last. Facts are never cut.
_TRUST: Final[dict[Kind, int]] = {
    "verdict": 0, "digest": 0, "pixel": 0, "parent": 1, "source": 1, "perceptual": 2, "mirrored": 2, "cropped": 3,
    "alpha": 3,
}  # fmt: skip
DEFAULT_MAX_MEMBERS: Final = 50
MAX_ALL_PAIRS: Final = 12


@dataclass(frozen=True, slots=True)
class Radii:
    """How many bits may differ, by kind of evidence. `looks` is for whole pictures, mirrored ones too.

    The defaults are from procedural characters (seeds 500,000 to 500,299 and 600,000 to 600,799, 364,000 unrelated
    pairs): the nearest unrelated pair was 52 bits apart as whole pictures and 48 through windows, silhouettes 70. Of
    200 planted copies each, all resized, recompressed and mirrored ones lay within 10, of the recoloured ones 95 %
    within 45 and the farthest at 61, cropped ones within 40 through windows.
    """

    looks: int = 48
    cropped: int = 42
    alpha: int = 48


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one image. key: its name here; it must sort and stay the same for ever.

    digest: of its file. parent: the key or outside id of the picture it is a version of (images of one parent belong
    together, whether it is among them or not). source: the page or file it was taken from.
    """

    key: str
    digest: str | None = None
    hashes: PictureHashes | None = None
    parent: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """One piece of evidence that two images are one drawing; a < b."""

    a: str
    b: str
    kind: Kind
    distance: int = 0

    def __post_init__(self) -> None:
        if not self.a < self.b or self.kind not in KINDS:
            raise ValueError(f"edge {self.a!r} {self.b!r} {self.kind!r}: expected a < b and one of {', '.join(KINDS)}")

    @property
    def pair(self) -> Pair:
        return (self.a, self.b)


@dataclass(frozen=True, slots=True)
class Cut:
    """A chain that was over-large: its members, what it fell into, and the edges that were cut for it, weakest first.

    is_enough: False where facts that are never cut (equal files, a person's word) alone hold a part over the limit.
    """

    members: tuple[str, ...]
    parts: tuple[tuple[str, ...], ...]
    edges: tuple[Edge, ...]
    is_enough: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Grouping:
    """Every key is in exactly one group; groups and their members are sorted.

    still_joined: pairs judged unrelated that are in one group by way of others. overridden: edges that a verdict took.
    """

    groups: tuple[tuple[str, ...], ...]
    cuts: tuple[Cut, ...]
    still_joined: tuple[Pair, ...]
    overridden: tuple[Edge, ...]

    @property
    def duplicates(self) -> tuple[tuple[str, ...], ...]:
        """The groups of more than one."""
        return tuple(group for group in self.groups if len(group) > 1)


def pair_of(one: str, other: str) -> Pair:
    """Two keys in the order of an edge."""
    return (one, other) if one < other else (other, one)


def find_edges(
    images: Iterable[Evidence],
    radii: Radii | None = None,
    engine: str | None = None,
    *,
    new: Collection[str] | None = None,
) -> list[Edge]:
    """All evidence among the images, sorted.

    Args:
        new: keys of images that came last: only edges that touch one of them are looked for, which a million old images
            allow. With the edges that were found before, they make the same groups as everything anew.
        engine: one of `hash_index.ENGINES`; None: `choose_engine`'s for so many.
    Raises:
        ValueError: a key that comes twice, an unknown engine.
    """
    radii = radii or Radii()
    images = sorted(images, key=lambda image: image.key)
    twice = next((one.key for one, other in pairwise(images) if one.key == other.key), None)
    if twice is not None:
        raise ValueError(f"image {twice!r} comes twice, expected each key once")
    edges = _edges_of_equals("digest", images, lambda image: image.digest)
    edges += _edges_of_equals("pixel", images, lambda image: image.hashes and image.hashes.pixel_digest)
    edges += _edges_of_equals("source", images, lambda image: image.source)
    # A parent that is here is one of its family.
    parents = {image.parent for image in images if image.parent is not None}
    families: dict[str, list[str]] = defaultdict(list)
    for image in images:
        if image.parent is not None:
            families[image.parent].append(image.key)
        if image.key in parents:
            families[image.key].append(image.key)
    edges += [Edge(a, b, "parent") for family in families.values() for a, b in _pairs_of_equals(family)]
    fresh = None if new is None else frozenset(new)
    edges += _edges_of_looks(images, radii, engine, fresh)
    return sorted(edge for edge in edges if fresh is None or edge.a in fresh or edge.b in fresh)


def group_images(
    keys: Iterable[str],
    edges: Iterable[Edge],
    verdicts: Mapping[Pair, Verdict] | None = None,
    *,
    max_members: int = DEFAULT_MAX_MEMBERS,
) -> Grouping:
    """The connected parts of the images, after a person's verdicts, over-large chains cut.

    Edges of images that are not among the keys are left aside.

    Args:
        verdicts: by pair, in the order of an edge (`pair_of`).
    Raises:
        ValueError: a verdict that is not one of VERDICTS, or whose pair is not in order.
    """
    known = sorted(set(keys))
    present = set(known)
    kept, overridden = apply_verdicts((edge for edge in edges if edge.a in present and edge.b in present), verdicts)
    kept = [edge for edge in kept if edge.a in present and edge.b in present]
    edges_of: dict[str, list[Edge]] = defaultdict(list)
    groups: list[tuple[str, ...]] = []
    cuts: list[Cut] = []
    chains = connected_parts(known, (edge.pair for edge in kept))
    first_of = {key: chain[0] for chain in chains for key in chain}
    for edge in kept:
        edges_of[first_of[edge.a]].append(edge)
    for chain in chains:
        cut = _cut(chain, edges_of[chain[0]], max_members) if len(chain) > max_members else None
        groups.extend(cut.parts if cut else [chain])
        cuts += [cut] if cut else []
    group_of = {key: number for number, group in enumerate(groups) for key in group}
    still_joined = [
        pair
        for pair, verdict in sorted((verdicts or {}).items())
        if verdict == "unrelated" and present.issuperset(pair) and group_of[pair[0]] == group_of[pair[1]]
    ]
    return Grouping(tuple(sorted(groups)), tuple(cuts), tuple(still_joined), tuple(overridden))


def apply_verdicts(edges: Iterable[Edge], verdicts: Mapping[Pair, Verdict] | None) -> tuple[list[Edge], list[Edge]]:
    """The edges that hold after a person's verdicts, and those that a verdict took; both sorted.

    A pair judged `same` or `variant` gets an edge of the kind `verdict`, evidence or not.
    """
    verdicts = verdicts or {}
    for (a, b), verdict in verdicts.items():
        if verdict not in VERDICTS or not a < b:
            raise ValueError(f"verdict on {a!r}, {b!r} is {verdict!r}: expected a < b and one of {', '.join(VERDICTS)}")
    kept: list[Edge] = []
    taken: list[Edge] = []
    for edge in edges:
        (taken if verdicts.get(edge.pair) == "unrelated" else kept).append(edge)
    kept += [Edge(a, b, "verdict") for (a, b), verdict in verdicts.items() if verdict != "unrelated"]
    return sorted(kept), sorted(taken)


def connected_parts(keys: Iterable[str], pairs: Iterable[Pair]) -> list[tuple[str, ...]]:
    """The connected parts of a graph, each sorted, by their first; a key without an edge is a part of its own."""
    leaders = {key: key for key in keys}
    for a, b in pairs:
        _join(leaders, a, b)
    parts: dict[str, list[str]] = defaultdict(list)
    for key in leaders:
        parts[_leader(leaders, key)].append(key)
    return sorted(tuple(sorted(part)) for part in parts.values())


def _edges_of_equals(
    kind: Kind, images: Sequence[Evidence], value: Callable[[Evidence], Hashable | None]
) -> list[Edge]:
    classes: dict[Hashable, list[str]] = defaultdict(list)
    for image in images:
        known = value(image)
        if known is not None:
            classes[known].append(image.key)
    return [Edge(a, b, kind) for members in classes.values() for a, b in _pairs_of_equals(members)]


def _pairs_of_equals(members: Iterable[str]) -> list[Pair]:
    first, *others = in_order = sorted(set(members))
    return list(combinations(in_order, 2)) if len(in_order) <= MAX_ALL_PAIRS else [(first, other) for other in others]


def _edges_of_looks(
    images: Sequence[Evidence], radii: Radii, engine: str | None, new: frozenset[str] | None
) -> list[Edge]:
    """Edges by hashes. Equal hashes are searched once: the first key that has one stands for all of them."""
    seen = [(image.key, image.hashes) for image in images if image.hashes is not None]
    keys, rows, nearest = _unique([(key, hashes.brightness) for key, hashes in seen], "perceptual")
    row_of = {key: row for row, key in enumerate(keys)}
    windows = [(row_of[key], window) for key, hashes in seen if key in row_of for window in hashes.windows]
    owners, inner = np.array([row for row, _ in windows], np.int64), packed([window for _, window in windows])
    everyone, asking = np.arange(len(keys)), _rows_of(keys, new)
    own = np.isin(owners, asking)
    search = _Search(nearest, keys, rows, engine)
    search.note("perceptual", everyone, asking, rows[asking], False, radii.looks)
    search.note("mirrored", everyone, asking, rows[asking], True, radii.looks)
    for flipped in (False, True):
        search.note("cropped", everyone, owners[own], inner[own], flipped, radii.cropped)
    # A crop of an old picture may come later: the old windows are asked for the new pictures alone.
    for flipped in (False, True):
        search.note("cropped", asking, owners[~own], inner[~own], flipped, radii.cropped)
    edges = [Edge(a, b, kind, bits) for (a, b), (_, kind, bits) in nearest.items()]

    keys, rows, nearest = _unique([(key, hashes.alpha) for key, hashes in seen], "alpha")
    everyone, asking = np.arange(len(keys)), _rows_of(keys, new)
    search = _Search(nearest, keys, rows, engine)
    for flipped in (False, True):
        search.note("alpha", everyone, asking, rows[asking], flipped, radii.alpha)
    return edges + [Edge(a, b, kind, bits) for (a, b), (_, kind, bits) in nearest.items()]


# The order in which a pair's likeness is named, where several hold.
_LOOKS: Final[tuple[Kind, ...]] = ("perceptual", "mirrored", "cropped", "alpha")


_Nearest: TypeAlias = dict[Pair, tuple[int, Kind, int]]  # place in _LOOKS, kind, distance


def _unique(hashes: Iterable[tuple[str, bytes | None]], kind: Kind) -> tuple[list[str], np.ndarray, _Nearest]:
    """The first key of each hash, the hashes (N, bytes), and the pairs that are equal."""
    classes: dict[bytes, list[str]] = defaultdict(list)
    for key, value in hashes:
        if value is not None:
            classes[value].append(key)
    alike = (_LOOKS.index(kind), kind, 0)
    equal = {pair: alike for keys in classes.values() for pair in _pairs_of_equals(keys)}
    return [keys[0] for keys in classes.values()], packed(list(classes)), equal


def _rows_of(keys: Sequence[str], new: frozenset[str] | None) -> np.ndarray:
    return np.array([row for row, key in enumerate(keys) if new is None or key in new], np.int64)


class _Search:
    """Searches among one kind of hash that keep, for each pair, what names it best, then the nearest."""

    def __init__(self, nearest: _Nearest, keys: Sequence[str], hashes: np.ndarray, engine: str | None) -> None:
        self.nearest, self.keys, self.hashes, self.engine = nearest, keys, hashes, engine
        self._index: tuple[np.ndarray, str, HashIndex] | None = None

    def note(
        self, kind: Kind, among: np.ndarray, owners: np.ndarray, queries: np.ndarray, is_mirrored: bool, radius: int
    ) -> None:
        """Search the hashes of the rows `among` for queries, each a hash of the row that owns it, or its mirror's."""
        if not len(among) or not len(queries):
            return
        index, place = self._index_of(among, len(queries)), _LOOKS.index(kind)
        for asked, found, distances in index.search_batches(mirrored(queries) if is_mirrored else queries, radius):
            rows, members = owners[asked], among[found]
            others = rows != members
            for row, member, bits in zip(
                rows[others].tolist(), members[others].tolist(), distances[others].tolist(), strict=True
            ):
                pair, here = pair_of(self.keys[row], self.keys[member]), (place, kind, bits)
                self.nearest[pair] = min(self.nearest.get(pair, here), here)

    def _index_of(self, among: np.ndarray, num_queries: int) -> HashIndex:
        """The index over these rows; the last one is kept, for whole pictures are asked more than once."""
        engine = self.engine or choose_engine(len(among), num_queries)
        if self._index is None or self._index[0] is not among or self._index[1] != engine:
            self._index = (among, engine, HashIndex(self.hashes[among], engine))
        return self._index[2]


def _cut(chain: tuple[str, ...], edges: Sequence[Edge], max_members: int) -> Cut:
    """Grow parts again from the strongest edge on, none over the limit but by facts; what is left between parts is cut.

    Single linkage under a limit (Kruskal's order): a weak edge gives way to every stronger one.
    """
    leaders, sizes = {key: key for key in chain}, dict.fromkeys(chain, 1)
    for edge in sorted(edges, key=_weakness):
        one, other = _leader(leaders, edge.a), _leader(leaders, edge.b)
        if one != other and (_TRUST[edge.kind] == 0 or sizes[one] + sizes[other] <= max_members):
            _join(leaders, one, other)
            sizes[_leader(leaders, one)] = sizes[one] + sizes[other]
    between = [edge for edge in edges if _leader(leaders, edge.a) != _leader(leaders, edge.b)]
    members: dict[str, list[str]] = defaultdict(list)
    for key in chain:
        members[_leader(leaders, key)].append(key)
    parts = tuple(sorted(tuple(sorted(part)) for part in members.values()))
    largest = max(map(len, parts))
    reason = f"{len(chain)} images in one chain, expected at most {max_members}: "
    reason += f"cut into {len(parts)} at {len(between)} edges"
    if largest > max_members:
        reason += f"; a part of {largest} stays, held by equal files or a person's word"
    return Cut(chain, parts, tuple(sorted(between, key=_weakness, reverse=True)), largest <= max_members, reason)


def _weakness(edge: Edge) -> tuple[int, int, str, str, str]:
    return (_TRUST[edge.kind], edge.distance, edge.a, edge.b, edge.kind)


def _leader(leaders: dict[str, str], key: str) -> str:
    while leaders[key] != key:
        leaders[key] = leaders[leaders[key]]  # halve the way for the next who asks
        key = leaders[key]
    return key


def _join(leaders: dict[str, str], a: str, b: str) -> None:
    one, other = _leader(leaders, a), _leader(leaders, b)
    if one != other:
        low, high = pair_of(one, other)
        leaders[high] = low
