"""Which posts make the dataset: a filter is data, a list of steps in order, each asking one question of a post.

A dropped post has a first reason (the step that the funnel charges it to) and all its reasons (every step that would
have dropped it), both as bitmaps. Whatever could be read two ways must be said: which side of which size, what an
unknown value does, which tags count as positive. `PAPER` is the filter of Chen & Zwicker 2022.

    {"name": "paper", "steps": [{"step": "size", "side": "long", "of": "original", "at_least_px": 512}, ...]}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec
import numpy as np
from pyroaring import BitMap

from rulebook.bitmaps import all_rows, bitmap_of_mask, rows_of, union
from rulebook.post_index import RATING_MEANINGS, PostIndex
from rulebook.posts import STATUSES
from rulebook.records import RuleError
from rulebook.resolution import Resolution

Unknown = Literal["drop", "keep"]


class Status(msgspec.Struct, frozen=True, tag_field="step", tag="status"):
    """Drop posts that are deleted, pending, flagged or banned, as listed."""

    drop: tuple[Literal["deleted", "pending", "flagged", "banned"], ...] = ("deleted", "banned")
    name: str = "status"


class FileType(msgspec.Struct, frozen=True, tag_field="step", tag="file_type"):
    """Keep these file types."""

    allow: tuple[str, ...] = ("jpg", "jpeg", "png", "webp", "gif", "avif")
    unknown: Unknown = "keep"
    name: str = "file type"


class Size(msgspec.Struct, frozen=True, tag_field="step", tag="size"):
    """Keep pictures of at least so many pixels on a side, of the original or of the stored file."""

    side: Literal["short", "long", "width", "height"]
    of: Literal["original", "stored"]
    at_least_px: int
    unknown: Unknown = "drop"
    name: str = "size"


class Rating(msgspec.Struct, frozen=True, tag_field="step", tag="rating"):
    """Keep these ratings, by meaning. An s that may be safe or sensitive passes where both do."""

    allow: tuple[Literal["unknown", "safe", "general", "sensitive", "questionable", "explicit"], ...]
    name: str = "rating"


class AnyTag(msgspec.Struct, frozen=True, tag_field="step", tag="any_tag"):
    """Keep posts with at least one of these tags, by any spelling or implication."""

    tags: tuple[str, ...]
    name: str = "any tag"


class NoTag(msgspec.Struct, frozen=True, tag_field="step", tag="no_tag"):
    """Drop posts with any of these tags, by any spelling or implication."""

    tags: tuple[str, ...]
    name: str = "no tag"


class NearDuplicate(msgspec.Struct, frozen=True, tag_field="step", tag="near_duplicate"):
    """Drop the posts that whoever compared the pictures calls a duplicate of another post."""

    name: str = "near duplicate"


class MinTags(msgspec.Struct, frozen=True, tag_field="step", tag="min_tags"):
    """Keep posts with at least so many positive tags.

    raw: every tag of the post; general: those of that category; leaf: those that no other tag of the post implies;
    classes: rulebook classes that are true of it.
    """

    at_least: int
    count: Literal["raw", "general", "leaf", "classes"]
    name: str = "positive tags"


class Facets(msgspec.Struct, frozen=True, tag_field="step", tag="facets"):
    """Drop posts that say nothing about some facet: every facet needs one of its classes or families."""

    facets: dict[str, tuple[str, ...]]  # facet: names of classes, or "family:<name>"
    name: str = "facets"


Step = Status | FileType | Size | Rating | AnyTag | NoTag | NearDuplicate | MinTags | Facets


class Filter(msgspec.Struct, frozen=True):
    """Steps in order."""

    name: str
    steps: tuple[Step, ...]


SINGLE_PERSON: Final = AnyTag(("1boy", "1girl", "solo"), "single person")
COMICS: Final = NoTag(
    (
        "1koma", "2koma", "3koma", "4koma", "5koma", "6koma", "comic", "doujinshi", "left-to-right_manga",
        "multiple_4koma", "right-to-left_comic", "silent_comic",
    ),
    "comics",
)  # fmt: skip
# The paper's data filter: safe posts, a single person, no comics, 512 px, 12 positive tags. It is silent on the side:
# the 512 px dump only shrinks, so a picture is smaller than 512 px exactly where its longer side is. Its ratings are
# of 2019, when safe held what is general and sensitive today. Positive tags are those its network learns: the classes.
PAPER: Final = Filter(
    "paper",
    (
        Rating(("safe", "general", "sensitive")),
        SINGLE_PERSON,
        COMICS,
        Size("long", "original", 512),
        MinTags(12, "classes"),
    ),
)
EVERYTHING: Final = Filter("everything", ())
PRESETS: Final[Mapping[str, Filter]] = {"paper": PAPER, "everything": EVERYTHING}


@dataclass(frozen=True)
class Facts:
    """What steps may need that the index does not hold."""

    relations: Resolution = field(default_factory=Resolution)
    near_duplicates: BitMap | None = None
    stored_sizes_wh: tuple[np.ndarray, np.ndarray] | None = None  # two (P,) int32, 0 unknown


@dataclass(frozen=True)
class Truths:
    """What the rulebook says of the posts: all that steps about classes may ask."""

    bitmaps: Mapping[str, BitMap]  # class: its posts
    families: Mapping[str, tuple[str, ...]]
    num_classes: np.ndarray  # (P,) how many classes are true of each post


@dataclass(frozen=True)
class Sieved:
    """What a filter did."""

    kept: BitMap
    reasons: tuple[BitMap, ...]  # per step, every post that it would drop
    first: tuple[BitMap, ...]  # per step, the posts that it dropped as the first
    funnel: tuple[tuple[str, int, int], ...]  # step, posts in, posts out


def filter_from_json(text: bytes | str) -> Filter:
    """The filter that a JSON text says; RuleError where it says none."""
    try:
        return msgspec.json.decode(text, type=Filter)
    except msgspec.DecodeError as error:
        raise RuleError("filter", str(error), '{"name": ..., "steps": [{"step": ...}, ...]}') from error


def filter_to_builtins(chosen: Filter) -> dict[str, Any]:
    """A filter as it is written in JSON."""
    built: dict[str, Any] = msgspec.to_builtins(chosen)
    return built


def needs_classes(step: Step) -> bool:
    """Whether a step's answer changes with the rulebook."""
    return isinstance(step, Facets) or (isinstance(step, MinTags) and step.count == "classes")


def sieve(index: PostIndex, chosen: Filter, facts: Facts, truths: Truths) -> Sieved:
    """Put all posts through a filter."""
    return combine(len(index), chosen, [dropped_by(index, step, facts, truths) for step in chosen.steps])


def combine(num_posts: int, chosen: Filter, reasons: list[BitMap]) -> Sieved:
    """Reasons of each step, in order, into first reasons, funnel and what is kept."""
    kept = all_rows(num_posts)
    first, funnel = [], []
    for step, dropped in zip(chosen.steps, reasons, strict=True):
        before = len(kept)
        first.append(kept & dropped)
        kept = kept - dropped
        funnel.append((step.name, before, len(kept)))
    return Sieved(kept, tuple(reasons), tuple(first), tuple(funnel))


def dropped_by(index: PostIndex, step: Step, facts: Facts, truths: Truths | None) -> BitMap:
    """Every post that one step drops, whatever the other steps say.

    Raises:
        RuleError: the step needs facts that were not given: near duplicates, stored sizes, a class that is not there.
    """
    match step:
        case Status():
            bits = sum(1 << STATUSES.index(status) for status in set(step.drop))
            return bitmap_of_mask((index.statuses & bits) != 0)
        case FileType():
            allowed = {*step.allow, *([""] if step.unknown == "keep" else [])}
            is_allowed = np.array([ext in allowed for ext in index.ext_names], dtype=bool)
            return bitmap_of_mask(~is_allowed[index.exts]) if len(is_allowed) else BitMap()
        case Size():
            return bitmap_of_mask(~_is_large(index, step, facts))
        case Rating():
            is_allowed = np.array([meaning in step.allow for meaning in RATING_MEANINGS])
            is_allowed[RATING_MEANINGS.index("safe or sensitive")] = "safe" in step.allow and "sensitive" in step.allow
            return bitmap_of_mask(~is_allowed[index.ratings])
        case AnyTag():
            return all_rows(len(index)) - tagged(index, step.tags, facts.relations)
        case NoTag():
            return tagged(index, step.tags, facts.relations)
        case NearDuplicate():
            if facts.near_duplicates is None:
                raise RuleError("filter", "near duplicates were not given", "a comparison of the pictures first")
            return facts.near_duplicates
        case MinTags():
            return bitmap_of_mask(_counted(index, step, facts, truths) < step.at_least)
        case Facets():
            if truths is None:
                raise RuleError("filter", "facets without a rulebook", "a rulebook")
            return union([all_rows(len(index)) - _facet(step, facet, truths) for facet in step.facets])


def tagged(index: PostIndex, tags: tuple[str, ...], relations: Resolution) -> BitMap:
    """Posts with any of these tags: by name, alias or implication."""
    raw = dict.fromkeys(raw for tag in tags for raw in relations.sources(tag))
    return union([index.posting(name) for name in raw])


def num_leaf_tags(index: PostIndex, relations: Resolution) -> np.ndarray:
    """(P,) how many tags of each post no other tag of the post implies."""
    counted = index.num_tags.copy()
    for name, posting in zip(index.tags, index.postings, strict=True):
        implied_by = [index.posting(raw) for raw in relations.sources(name)[1:] if raw in index.tag_ids]
        if implied_by:
            counted[rows_of(posting & union(implied_by))] -= 1
    return counted


def _is_large(index: PostIndex, step: Size, facts: Facts) -> np.ndarray:
    if step.of == "original":
        width, height = index.widths, index.heights
    elif facts.stored_sizes_wh is None:
        raise RuleError("filter", "sizes of the stored files were not given", "the original side")
    else:
        width, height = facts.stored_sizes_wh
    is_known = (width > 0) & (height > 0)
    side = {
        "short": np.minimum(width, height),
        "long": np.maximum(width, height),
        "width": width,
        "height": height,
    }[step.side]
    return np.where(is_known, side >= step.at_least_px, step.unknown == "keep")


def _counted(index: PostIndex, step: MinTags, facts: Facts, truths: Truths | None) -> np.ndarray:
    if step.count == "raw":
        return index.num_tags
    if step.count == "general":
        return index.num_general
    if step.count == "leaf":
        return num_leaf_tags(index, facts.relations)
    if truths is None:
        raise RuleError("filter", "counts classes without a rulebook", "a rulebook")
    return truths.num_classes


def _facet(step: Facets, facet: str, truths: Truths) -> BitMap:
    names: list[str] = []
    for said in step.facets[facet]:
        if said.startswith("family:"):
            names += truths.families.get(said.removeprefix("family:"), ())
        else:
            names.append(said)
    missing = [name for name in names if name not in truths.bitmaps]
    if missing or not names:
        raise RuleError(f"filter: facet {facet!r}", f"no class {missing[0]!r}" if missing else "names no class",
                        "classes of the rulebook")  # fmt: skip
    return union([truths.bitmaps[name] for name in names])
