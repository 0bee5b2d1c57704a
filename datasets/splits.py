"""Who trains, who validates, who tests: a recipe, its result, and why what came later changes nothing.

Every image has a **home**, the split it belongs to. Homes come in this order, and none is ever given up:

1. pins: members that a dataset itself assigned (ADD's own train, val and test).
2. previous homes: whoever has one keeps it, whatever arrives, leaves or turns out to be a copy.
3. groups whole: a group without a home takes the split of its bin, one of 1,000, by a stable hash of its sticky key:
   the artist's name where the recipe goes by artist, else the smallest key in it. A newcomer to a group that has a
   home joins it, so the sticky key is asked once, when a group first appears: growing, a group may get a smaller key,
   but never another home. Homes must therefore be kept between runs (`Split.homes` is next time's `previous`); without
   them a group would move when a smaller key joins it.

Shares hold in expectation (10,000 groups at 80 % come to 8,000 give or take 40 groups); a recipe that is stratified
fills each stratum to its shares instead, newcomers against what is there already. Counts are always computed.

**Quarantine**: evidence that joins homes in two splits moves nobody. The most protected split (test, then val, then
train) keeps its members, those in the others are left out until the evidence is gone, their homes waiting for them.
A newcomer to a closed split (one that takes pinned members only), or to a group of several homes, waits without one.
Removed images keep their homes and their places in groups, count nowhere and put nobody in quarantine.

Which pairs leak is not asked here: `leaks` rebuilds that from the evidence alone.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from datasets.duplicate_groups import connected_parts

NUM_BINS: Final = 1000
# Who keeps its members in a conflict: the first. A split of another name comes after these, by name.
PROTECTED: Final = ("test", "val", "train")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a split is made; plain data.

    shares: (split, share) of what is not pinned; they need not sum to 1, their ratios count. closed: splits that take
    pinned members only. pins: whose own splits are pinned ("add"), None for nobody's. by_artist: an artist's images
    stay together. stratify_by: what the strata given to `assign` are ("pose", "tag solo"), None for none. salt:
    another one deals the bins anew; with the same one an image falls into the same bin in every recipe. expected:
    the counts that a paper states, to be shown beside the computed ones, never to be trusted.
    """

    name: str
    shares: tuple[tuple[str, float], ...]
    closed: tuple[str, ...] = ()
    pins: str | None = None
    by_artist: bool = False
    stratify_by: str | None = None
    salt: str = ""
    expected: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        names = [name for name, _ in self.shares]
        if not names or len(set(names)) < len(names) or set(names) & set(self.closed) or not all(names):
            raise ValueError(f"recipe {self.name}: shares are of {names}, expected each open split once")
        strangers = {name for name, _ in self.expected} - set(self.splits)
        if strangers:
            raise ValueError(f"recipe {self.name}: expects {sorted(strangers)}, which are none of its splits")
        if any(not 0 <= share < float("inf") for _, share in self.shares) or not sum(share for _, share in self.shares):
            raise ValueError(f"recipe {self.name}: shares are {self.shares}, expected numbers >= 0, not all 0")

    @property
    def splits(self) -> tuple[str, ...]:
        """Every split, open ones first, in the order of the recipe."""
        return (*(name for name, _ in self.shares), *self.closed)

    def bins(self) -> tuple[tuple[str, int], ...]:
        """How many of the NUM_BINS each open split has, in order: largest remainders get what rounding leaves."""
        total = sum(share for _, share in self.shares)
        exact = [(name, NUM_BINS * share / total) for name, share in self.shares]
        counts = {name: int(share) for name, share in exact}
        by_remainder = sorted(exact, key=lambda item: (int(item[1]) - item[1], item[0]))
        for name, _ in by_remainder[: NUM_BINS - sum(counts.values())]:
            counts[name] += 1
        return tuple(counts.items())

    def as_json(self) -> str:
        """The recipe as canonical JSON: what a digest is taken of, and what `--recipe FILE` holds."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=True)


# The paper's counts: 4,000 drawings, of which 2,043 are new ones (1,827 train, 216 val, none in test). The test images
# are ADD's; a stranger may not join them.
PAPER_POSE: Final = Recipe(
    "paper-pose",
    shares=(("train", 1827.0), ("val", 216.0)),
    closed=("test",),
    pins="add",
    expected=(("train", 3200), ("val", 313), ("test", 487)),
)
PAPER_TAGGER: Final = Recipe("paper-tagger", shares=(("train", 80.0), ("val", 10.0), ("test", 10.0)))
# The paper says nothing of how its foregrounds are split: as the tagger's, and an artist's style on one side only.
PAPER_SEGMENTATION: Final = Recipe(
    "paper-segmentation", shares=(("train", 80.0), ("val", 10.0), ("test", 10.0)), by_artist=True
)
PRESETS: Final[dict[str, Recipe]] = {recipe.name: recipe for recipe in (PAPER_POSE, PAPER_TAGGER, PAPER_SEGMENTATION)}


@dataclass(frozen=True, slots=True)
class Member:
    """One image to be assigned. removal: why it was taken out of the dataset, None where it is in."""

    key: str
    artist: str | None = None
    stratum: str | None = None
    removal: str | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """Images that belong together and have homes in several splits, or want into a closed one; all sorted.

    cause: "group" (duplicate evidence) or "artist". kept: members of the split that keeps. quarantined: the others,
    with their homes (None for a newcomer).
    """

    cause: str
    split: str
    kept: tuple[str, ...]
    quarantined: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class Split:
    """The result of a recipe.

    homes: of every image that has one, absent and removed ones too; keep it, it is next time's `previous`.
    quarantined: image -> why. removed: image -> reason. moved: (image, previous home, home) where a pin overruled.
    """

    recipe: Recipe
    homes: Mapping[str, str]
    quarantined: Mapping[str, str]
    removed: Mapping[str, str]
    conflicts: tuple[Conflict, ...]
    moved: tuple[tuple[str, str, str], ...]
    members: tuple[str, ...] = field(repr=False)

    def split_of(self) -> dict[str, str]:
        """Image -> split, of those that are in one: neither removed nor quarantined."""
        left_out = self.quarantined.keys() | self.removed.keys()
        return {key: self.homes[key] for key in self.members if key not in left_out}

    def counts(self) -> dict[str, int]:
        """Images in each split, in quarantine and removed; they sum to the members."""
        counted = Counter(self.split_of().values())
        in_order = dict.fromkeys((*self.recipe.splits, *sorted(counted)))
        return {split: counted[split] for split in in_order} | {
            "quarantined": len(self.quarantined),
            "removed": len(self.removed),
        }

    def differences(self) -> tuple[str, ...]:
        """Where the counts are not those that the recipe's paper states, in words."""
        counts = self.counts()
        return tuple(
            f"{split}: {counts[split]:,} images, the paper states {stated:,} ({counts[split] - stated:+,})"
            for split, stated in self.recipe.expected
            if counts[split] != stated
        )

    def digest(self) -> str:
        """SHA-256 of the recipe and of who is where: the same on every machine, another for any change."""
        said: list[Any] = [self.recipe.as_json(), sorted(self.split_of().items())]
        said += [sorted(self.quarantined.items()), sorted(self.removed.items())]
        return hashlib.sha256(json.dumps(said, separators=(",", ":"), ensure_ascii=True).encode()).hexdigest()


def bin_of(sticky_key: str, salt: str = "") -> int:
    """The bin, 0 to NUM_BINS - 1, of a sticky key: the same in every process, on every machine."""
    digest = hashlib.blake2b(f"{salt}\0{sticky_key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % NUM_BINS


def split_of_bin(recipe: Recipe, number: int) -> str:
    """The split that a bin belongs to."""
    for split, size in recipe.bins():
        number -= size
        if number < 0:
            return split
    raise ValueError(f"bin is too large, expected 0 to {NUM_BINS - 1}")


def assign(
    recipe: Recipe,
    members: Iterable[Member],
    groups: Iterable[Sequence[str]] = (),
    *,
    pins: Mapping[str, str] | None = None,
    previous: Mapping[str, str] | None = None,
) -> Split:
    """Give every member its split.

    Args:
        groups: keys that belong together (`Grouping.groups`); who is in none is alone, strangers are left aside.
        pins: image -> split, of the dataset that the recipe names in `pins`.
        previous: `homes` of this recipe's last result.
    Raises:
        ValueError: a member that comes twice, a home in a split that the recipe does not know, strata or pins that the
            recipe asks for and nobody gave.
    """
    everyone = sorted(members, key=lambda member: member.key)
    by_key = {member.key: member for member in everyone}
    if len(by_key) < len(everyone):
        num_twice = len(everyone) - len(by_key)
        raise ValueError(f"recipe {recipe.name}: {num_twice} members come twice, expected each key once")
    pins, previous = pins or {}, previous or {}
    _check(recipe, everyone, pins, previous)
    homes = {**previous, **pins}
    known_before = {key: homes[key] for key in by_key if key in homes}

    group_pairs = [(group[0], key) for group in _present(groups, by_key) for key in group[1:]]
    families = [(artist, keys) for artist, keys in sorted(_by_artist(everyone).items())] if recipe.by_artist else []
    artist_pairs = [(keys[0], key) for _, keys in families for key in keys[1:]]
    units = connected_parts(by_key, [*group_pairs, *artist_pairs])

    found = [_conflict("group", part, by_key, known_before) for part in connected_parts(by_key, group_pairs)]
    found += [_conflict("artist", tuple(keys), by_key, known_before) for _, keys in families]
    conflicts = [conflict for conflict in found if conflict]
    quarantined = {
        key: f"joined to {conflict.kept[0]} in {conflict.split} by {_BY[conflict.cause]}"
        for conflict in conflicts
        for key, _ in conflict.quarantined
    }
    homeless: list[tuple[str, ...]] = []
    for unit in units:
        newcomers = [key for key in unit if key not in known_before]
        if newcomers:
            conflict = _settle(recipe, unit, newcomers, by_key, known_before, homes, homeless)
            if conflict:
                conflicts.append(conflict)
                reason = f"joins {conflict.kept[0]} in {conflict.split}"
                quarantined |= {key: reason for key, _ in conflict.quarantined}
    _house(recipe, homeless, by_key, homes, known_before, quarantined)
    return Split(
        recipe=recipe,
        homes=dict(sorted(homes.items())),
        quarantined=dict(sorted(quarantined.items())),
        removed={member.key: member.removal for member in everyone if member.removal is not None},
        conflicts=tuple(sorted(conflicts, key=lambda conflict: (conflict.kept, conflict.cause, conflict.quarantined))),
        moved=tuple((key, old, homes[key]) for key, old in sorted(previous.items()) if homes[key] != old),
        members=tuple(by_key),
    )


_BY: Final = {"group": "duplicate evidence", "artist": "their artist"}


def _check(recipe: Recipe, members: Sequence[Member], pins: Mapping[str, str], previous: Mapping[str, str]) -> None:
    unknown = sorted((set(pins.values()) | set(previous.values())) - set(recipe.splits))
    if unknown:
        raise ValueError(f"recipe {recipe.name}: homes in {', '.join(unknown)}, expected {', '.join(recipe.splits)}")
    if recipe.pins and not pins:
        raise ValueError(f"recipe {recipe.name}: pins the splits of {recipe.pins!r}, but no pins are given")
    if recipe.stratify_by and members and not any(member.stratum for member in members):
        raise ValueError(f"recipe {recipe.name}: stratified by {recipe.stratify_by!r}, but no member has a stratum")


def _present(groups: Iterable[Sequence[str]], by_key: Mapping[str, Member]) -> list[list[str]]:
    present = ([key for key in group if key in by_key] for group in groups)
    return [group for group in present if group]


def _by_artist(members: Iterable[Member]) -> dict[str, list[str]]:
    keys: dict[str, list[str]] = defaultdict(list)
    for member in members:
        if member.artist is not None:
            keys[member.artist].append(member.key)
    return keys


def _rank(split: str) -> tuple[int, str]:
    return (PROTECTED.index(split) if split in PROTECTED else len(PROTECTED), split)


def _conflict(
    cause: str, part: tuple[str, ...], by_key: Mapping[str, Member], homes: Mapping[str, str]
) -> Conflict | None:
    """What a part's members of known homes say of each other; removed ones say nothing."""
    live = [key for key in part if key in homes and by_key[key].removal is None]
    splits = sorted({homes[key] for key in live}, key=_rank)
    if len(splits) < 2:
        return None
    kept = tuple(key for key in live if homes[key] == splits[0])
    return Conflict(cause, splits[0], kept, tuple((key, homes[key]) for key in live if homes[key] != splits[0]))


def _settle(
    recipe: Recipe,
    unit: tuple[str, ...],
    newcomers: list[str],
    by_key: Mapping[str, Member],
    known_before: Mapping[str, str],
    homes: dict[str, str],
    homeless: list[tuple[str, ...]],
) -> Conflict | None:
    """Where the newcomers of a unit go: to its one home, into the bins (`homeless`), or into quarantine."""
    settled = [key for key in unit if key in known_before]
    live = [key for key in settled if by_key[key].removal is None]
    splits = sorted({known_before[key] for key in live or settled}, key=_rank)
    if not live:  # those that were removed are remembered, but a closed split shuts nobody out for them
        splits = [split for split in splits if split not in recipe.closed]
    if not splits:
        homeless.append(tuple(newcomers))
        return None
    if (len(splits) == 1 or not live) and splits[0] not in recipe.closed:
        homes.update(dict.fromkeys(newcomers, splits[0]))
        return None
    waiting = tuple((key, None) for key in newcomers if by_key[key].removal is None)
    kept = tuple(key for key in live if known_before[key] == splits[0])
    return Conflict("newcomer", splits[0], kept, waiting) if waiting else None


def _house(
    recipe: Recipe,
    homeless: Sequence[tuple[str, ...]],
    by_key: Mapping[str, Member],
    homes: dict[str, str],
    known_before: Mapping[str, str],
    quarantined: Mapping[str, str],
) -> None:
    """Give each group without a home one: by its bin, or by what its stratum lacks."""
    keyed = [(_sticky_key(recipe, group, by_key), group) for group in homeless]
    if recipe.stratify_by is None:
        split_of_number = [split for split, size in recipe.bins() for _ in range(size)]
        for sticky_key, group in keyed:
            homes.update(dict.fromkeys(group, split_of_number[bin_of(sticky_key, recipe.salt)]))
        return
    shares = {split: share for split, share in recipe.shares if share > 0}
    have: dict[str, Counter[str]] = defaultdict(Counter)
    for key, split in known_before.items():
        if key not in quarantined and by_key[key].removal is None:
            have[by_key[key].stratum or ""][split] += 1
    # Large groups first, so that small ones can make good what they upset; ties as the bins would have them.
    keyed.sort(key=lambda item: (-_num_live(item[1], by_key), bin_of(item[0], recipe.salt), item[0]))
    for _, group in keyed:
        counts = have[_stratum_of(group, by_key)]
        total = sum(counts[split] for split in shares) + _num_live(group, by_key)
        scale = total / sum(shares.values())
        # max() takes the first of equals: the recipe's order.
        split = max(shares, key=lambda name: shares[name] * scale - counts[name])
        homes.update(dict.fromkeys(group, split))
        counts[split] += _num_live(group, by_key)


def _sticky_key(recipe: Recipe, group: tuple[str, ...], by_key: Mapping[str, Member]) -> str:
    artists = [artist for key in group if (artist := by_key[key].artist) is not None] if recipe.by_artist else []
    return f"artist {min(artists)}" if artists else f"image {min(group)}"


def _num_live(group: tuple[str, ...], by_key: Mapping[str, Member]) -> int:
    return sum(by_key[key].removal is None for key in group)


def _stratum_of(group: tuple[str, ...], by_key: Mapping[str, Member]) -> str:
    """The commonest stratum of a group, the first by name of equals."""
    counted = Counter(by_key[key].stratum or "" for key in group)
    return min(counted, key=lambda stratum: (-counted[stratum], stratum))
