"""Realistic metadata without a download: for the demo, for tests, and by the million for benchmarks.

Tags are drawn as often as a tag table counts them (Zipf's long tail), some follow from tags already drawn (partners of
the same family: other hair, other garments), `black_dress` brings `dress`, some posts are under-tagged, some are
duplicates of another with a few tags seen otherwise. Every number is made by integer arithmetic from a seed
(splitmix64), never by a library's random numbers or floating point, so a seed means the same posts on every machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np

from rulebook.index_building import PostColumns
from rulebook.post_index import RATING_MEANINGS, SCHEMES
from rulebook.posts import STATUSES, Post
from rulebook.tag_table import TagTable

CHUNK_POSTS: Final = 1 << 15
_WIDTH: Final = 36  # tags drawn for a fully tagged post at most, before what they imply
_PARTNERS: Final = 16
_TABLE_BITS: Final = 22
_EXTS: Final = ("jpg", "png", "gif", "webp", "mp4")

# Tags and rough counts (thousands) for where no table is at hand.
_SMALL: Final = {
    "general": (
        "1girl 6000 solo 5000 long_hair 4350 smile 2870 blush 2940 open_mouth 2360 short_hair 2260 "
        "looking_at_viewer 3310 simple_background 1820 shirt 1810 blue_eyes 1760 long_sleeves 1560 skirt 1550 "
        "blonde_hair 1530 black_hair 1500 multiple_girls 1530 white_background 1490 brown_hair 1480 hair_ornament "
        "1410 1boy 1400 holding 1350 gloves 1350 dress 1280 red_eyes 1270 hat 1200 bow 1170 animal_ears 1170 "
        "closed_mouth 1160 thighhighs 1160 ribbon 1130 brown_eyes 950 jewelry 1000 twintails 870 school_uniform "
        "860 standing 900 sitting 880 purple_eyes 850 green_eyes 850 hair_ribbon 840 full_body 800 upper_body 790 "
        "tail 780 ponytail 730 pink_hair 700 blue_hair 690 braid 650 white_hair 640 black_gloves 560 white_shirt "
        "550 flower 540 hair_bow 530 boots 500 purple_hair 480 weapon 480 black_footwear 470 pants 450 "
        "closed_eyes 440 cat_ears 400 pleated_skirt 390 barefoot 380 horns 370 glasses 360 necktie 340 wings 330 "
        "sword 320 black_skirt 310 collared_shirt 300 scarf 290 sky 280 cape 270 shorts 260 black_dress 250 "
        "white_dress 240 hairband 230 belt 220 coat 210 hood 200 sweater 190 red_bow 180 cat_tail 170 outdoors "
        "160 indoors 155 night 150 comic 145 4koma 90 kimono 140 from_side 135 cloud 130 tree 125 umbrella 110 "
        "eyepatch 100 mask 95 cup 90 book 85 >_< 40 :d 60 0_0 15 \\m/ 5 69 2 red_scarf 30 fox_ears 60 fox_tail 58 "
        "side_ponytail 56 rain 54 headphones 52 apron 50 beret 48 sneakers 46 bag 44 star_(symbol) 42 "
    ),
    "meta": "highres 5250 absurdres 1780 commentary_request 900 translated 400 bad_id 300",
    "copyright": "original 1160 touhou 900 vocaloid 250",
    "character": "hatsune_miku 110 hakurei_reimu 80",
    "artist": "artist_one 3 artist_two 2",
}  # fmt: skip


@dataclass(frozen=True)
class Vocabulary:
    """What can be drawn: T tags in the order of their names, how often each, and what follows from which."""

    names: tuple[str, ...]
    categories: Mapping[str, str]
    table: np.ndarray  # (2^22,) tag numbers, each as often as its count
    implied: np.ndarray  # (T,) the tag that each tag implies by its name, -1 for none
    partners: np.ndarray  # (T, 16) tags that are likely beside each tag


def vocabulary(table: TagTable | None = None, more: Iterable[str] = ()) -> Vocabulary:
    """What can be drawn: the tags of a table with their counts, or a small built-in set.

    Args:
        more: further general tags, such as a rulebook's members; those the table lacks get counts by Zipf's law.
    """
    if table is None:
        said = {name: (category, count) for category in _SMALL for name, count in _small(category)}
    else:
        said = {tag.name: (tag.category, max(tag.count, 1)) for tag in table.tags.values()}
    top = max(count for _, count in said.values())
    for rank, name in enumerate(sorted(set(more) - set(said)), 20):
        said[name] = ("general", max(top // rank, 1))
    names = tuple(sorted(said))
    counts = np.array([said[name][1] for name in names], dtype=np.int64)
    shares = np.maximum(counts * (1 << _TABLE_BITS) // int(counts.sum()), 1)
    drawn = np.repeat(np.arange(len(names), dtype=np.uint32), shares)
    # Cut or filled to a power of two, evenly, so that a shift of the random bits is a place in it.
    drawn = drawn[np.arange(1 << _TABLE_BITS) * len(drawn) >> _TABLE_BITS]
    numbers = {name: number for number, name in enumerate(names)}
    implied = np.array([_implied_by_name(name, numbers) for name in names], dtype=np.int32)
    partners = _partners(names, counts, drawn)
    return Vocabulary(names, {name: said[name][0] for name in names}, drawn, implied, partners)


def generate_columns(num_posts: int, seed: int, words: Vocabulary, first_id: int = 1) -> PostColumns:
    """Posts as columns, ready for `post_index.pack`."""
    chunks = [
        _chunk(begin, min(CHUNK_POSTS, num_posts - begin), seed, words, first_id)
        for begin in range(0, num_posts, CHUNK_POSTS)
    ] or [_chunk(0, 0, seed, words, first_id)]
    joined: dict[str, Any] = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}
    offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(joined.pop("lengths"), dtype=np.int64)))
    return PostColumns(**joined, offsets=offsets, tag_names=words.names, ext_names=_EXTS)


def generate_posts(num_posts: int, seed: int, words: Vocabulary, first_id: int = 1) -> Iterator[Post]:
    """The same posts as records, as the API form would give them."""
    letters = {"general": "g", "sensitive": "s", "questionable": "q", "explicit": "e"}
    for begin in range(0, num_posts, CHUNK_POSTS):
        chunk = _chunk(begin, min(CHUNK_POSTS, num_posts - begin), seed, words, first_id)
        columns = {name: column.tolist() for name, column in chunk.items()}
        start = 0
        for k in range(len(columns["ids"])):
            end = start + columns["lengths"][k]
            yield Post(
                columns["ids"][k],
                tuple(words.names[tag] for tag in columns["flat_tags"][start:end]),
                letters[RATING_MEANINGS[columns["ratings"][k]]],
                SCHEMES[columns["schemes"][k]],
                columns["widths"][k],
                columns["heights"][k],
                _EXTS[columns["exts"][k]],
                columns["statuses"][k],
                columns["parents"][k] or None,
                "api",
            )
            start = end


def post_to_line(post: Post, categories: Mapping[str, str]) -> bytes:
    """A post as one JSON line of the API form, without the line feed."""
    by_category: dict[str, list[str]] = {}
    for tag in post.tags:
        by_category.setdefault(categories.get(tag, "general"), []).append(tag)
    said: dict[str, Any] = {
        "id": post.post_id,
        "created_at": "2024-01-01T00:00:00.000-05:00",
        "score": post.post_id % 97,
        "source": f"https://example.org/artworks/{post.post_id}",
        "md5": f"{post.post_id * 0x9E3779B97F4A7C15 % 2**128:032x}",
        "rating": post.rating,
        "image_width": post.width,
        "image_height": post.height,
        "file_ext": post.file_ext,
        "parent_id": post.parent_id,
        "tag_string": " ".join(post.tags),
        "tag_count": len(post.tags),
    }
    said |= {f"is_{status}": bool(post.status >> bit & 1) for bit, status in enumerate(STATUSES)}
    for category in ("general", "character", "copyright", "artist", "meta"):
        said[f"tag_string_{category}"] = " ".join(by_category.get(category, ()))
    return msgspec.json.encode(said)


# --- drawing ----------------------------------------------------------------------------------------------------------


def _chunk(begin: int, count: int, seed: int, words: Vocabulary, first_id: int) -> dict[str, np.ndarray]:
    posts = np.arange(begin, begin + count, dtype=np.uint64)
    tags = np.full((count, 2 * _WIDTH + 2), -1, dtype=np.int32)
    under_tagged = _below(seed, 1, posts, 100) < 8
    wanted = 18 + sum(_below(seed, 2 + k, posts, 7) for k in range(3))
    wanted = np.where(under_tagged, 2 + wanted % 6, wanted)
    for slot in range(_WIDTH):
        bits = _bits(seed, 16 + slot, posts)
        drawn = words.table[(bits >> np.uint64(64 - _TABLE_BITS)).astype(np.int64)].astype(np.int32)
        if slot:
            # A third follows from a tag already there.
            follows = (bits & np.uint64(0xFF)) < 85
            beside = tags[np.arange(count), ((bits >> np.uint64(8)) % np.uint64(slot)).astype(np.int64)]
            partner = words.partners[np.maximum(beside, 0), ((bits >> np.uint64(16)) & np.uint64(15)).astype(np.int64)]
            drawn = np.where(follows & (beside >= 0), partner, drawn)
        tags[:, slot] = np.where(slot < wanted, drawn, -1)
    tags[:, _WIDTH : _WIDTH + 2] = _people(seed, posts, words)
    # Duplicates say what one of the 16 posts before them says, and a sixth of it otherwise.
    back = 1 + _below(seed, 7, posts, 16)
    is_duplicate = (_below(seed, 8, posts, 100) < 2) & (np.arange(count) >= back)
    is_duplicate &= ~is_duplicate[np.maximum(np.arange(count) - back, 0)]
    source = np.arange(count) - back
    for slot in range(_WIDTH + 2):
        same = is_duplicate & (_below(seed, 64 + slot, posts, 6) > 0)
        tags[same, slot] = tags[source[same], slot]
    own = tags[:, :_WIDTH]
    tags[:, _WIDTH + 2 :] = np.where(own >= 0, words.implied[np.maximum(own, 0)], -1)
    tags.sort(axis=1)
    is_new = (tags >= 0) & np.concatenate((np.ones((count, 1), bool), tags[:, 1:] != tags[:, :-1]), axis=1)
    ids = first_id + 3 * (begin + np.arange(count)) + _below(seed, 9, posts, 3)
    rating = np.array([2] * 56 + [3] * 36 + [4] * 5 + [5] * 3, dtype=np.uint8)[_below(seed, 10, posts, 100)]
    long_side = np.where(_below(seed, 11, posts, 100) < 7, 200, 512) + _below(seed, 12, posts, 3000) % 2800
    long_side = np.where(_below(seed, 11, posts, 100) < 7, 200 + long_side % 312, long_side)
    short_side = long_side * (50 + _below(seed, 13, posts, 51)) // 100
    is_tall = _below(seed, 14, posts, 10) < 7
    statuses = np.array([1] * 30 + [2] * 4 + [4] * 2 + [9] * 4 + [0] * 960, np.uint8)[_below(seed, 15, posts, 1000)]
    exts = np.array([0] * 60 + [1] * 36 + [2] * 2 + [3] + [4], dtype=np.uint8)[_below(seed, 100, posts, 100)]
    return {
        "ids": ids.astype(np.int64),
        "ratings": rating,
        "schemes": np.full(count, SCHEMES.index("gsqe"), dtype=np.uint8),
        "widths": np.where(is_tall, short_side, long_side).astype(np.int32),
        "heights": np.where(is_tall, long_side, short_side).astype(np.int32),
        "exts": exts,
        "statuses": statuses,
        "parents": np.where(is_duplicate, ids[np.maximum(source, 0)] if count else 0, 0).astype(np.int64),
        "lengths": is_new.sum(axis=1),
        "flat_tags": tags[is_new].astype(np.uint32),
    }


def _people(seed: int, posts: np.ndarray, words: Vocabulary) -> np.ndarray:
    """(n, 2) who is in the picture, and whether alone; -1 for tags that the vocabulary lacks."""
    numbers = {name: number for number, name in enumerate(words.names)}

    def known(*names: str) -> np.ndarray:
        return np.array([numbers.get(name, -1) for name in names], dtype=np.int32)

    die = _below(seed, 5, posts, 100)
    who = np.searchsorted(np.array([44, 53, 70, 76]), die, side="right")  # in that order; the rest as they are drawn
    is_alone = (who < 2) & (_below(seed, 6, posts, 100) < 60)
    first = np.append(known("1girl", "1boy", "multiple_girls", "no_humans"), np.int32(-1))[who]
    return np.stack((first, np.where(is_alone, known("solo")[0], -1)), axis=1)


def _partners(names: tuple[str, ...], counts: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """(T, 16): half of one's own family (the last word of the name), half drawn at large, fixed for all seeds."""
    families: dict[str, list[int]] = {}
    for number, name in enumerate(names):
        families.setdefault(name.rpartition("_")[2], []).append(number)
    for members in families.values():
        members.sort(key=lambda number: (-int(counts[number]), number))
    everyone = np.arange(len(names), dtype=np.uint64)
    partners = np.empty((len(names), _PARTNERS), dtype=np.int32)
    for column in range(_PARTNERS):
        bits = _bits(0x7A67, 200 + column, everyone)
        partners[:, column] = drawn[(bits >> np.uint64(64 - _TABLE_BITS)).astype(np.int64)]
    for number, name in enumerate(names):
        family = families[name.rpartition("_")[2]][:24]
        if len(family) > 3:
            for column in range(_PARTNERS // 2):
                partners[number, column] = family[(number * 7 + column * 5) % len(family)]
    return partners


def _implied_by_name(name: str, numbers: Mapping[str, int]) -> int:
    """`long_black_coat` implies `black_coat`, or else `coat`, where there is such a tag."""
    rest = name
    while "_" in rest.strip("_"):
        rest = rest.partition("_")[2]
        if rest in numbers and len(rest) > 2:
            return numbers[rest]
    return -1


def _small(category: str) -> Iterator[tuple[str, int]]:
    words = _SMALL[category].split()
    for name, count in zip(words[::2], words[1::2], strict=True):
        yield name, int(count) * 1000


def _below(seed: int, stream: int, index: np.ndarray, bound: int) -> np.ndarray:
    """Whole numbers from 0 to bound - 1."""
    return ((_bits(seed, stream, index) >> np.uint64(11)) % np.uint64(bound)).astype(np.int64)


def _bits(seed: int, stream: int, index: np.ndarray) -> np.ndarray:
    """64 random bits for each index: splitmix64 of seed, stream and index. Steele, Lea, Flood 2014."""
    mask = (1 << 64) - 1
    start = _mixed((seed * 0xD1342543DE82EF95 + stream * 0xA0761D6478BD642F + 0x2545F4914F6CDD1D) & mask)
    state = index.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(start)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def _mixed(state: int) -> int:
    mask = (1 << 64) - 1
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & mask
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & mask
    return state ^ (state >> 31)
