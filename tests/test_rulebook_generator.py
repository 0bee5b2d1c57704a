"""Generated posts: the same for a seed everywhere, as uneven as real ones; and what lint finds in posts."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rulebook.apply import apply_rulebook
from rulebook.bitmaps import bitmap_of_mask
from rulebook.filters import EVERYTHING, PAPER, Facts, Filter, MinTags
from rulebook.generator import generate_columns, generate_posts, post_to_line, vocabulary
from rulebook.index_building import build_index, pack
from rulebook.lint_posts import Limits, lint_posts
from rulebook.members import suggestions
from rulebook.posts import Post, PostReader
from rulebook.records import Rulebook, rule_class
from rulebook.resolution import Relation, resolution
from rulebook.tag_table import read_tag_csv

GENERATED_DIGEST = "6a023578ca1d0df551d409934b3f1a6780dfe4f2b3ed8dea60cd68ba7b0da353"
APPLIED_DIGEST = "925587b9f14d014bfa3c53dad682dd7106d9beb99ccbe838e679b188984b5564"

GROUPS = {
    "hair colour": ("black_hair", "blonde_hair", "blue_hair", "brown_hair", "pink_hair", "purple_hair", "white_hair"),
    "hat": ("beret", "hat"),
    "ears": ("animal_ears", "cat_ears", "fox_ears"),
    "tail": ("cat_tail", "fox_tail", "tail"),
    "face": (">_<", ":d", "closed_eyes", "open_mouth", "smile"),
    "legwear": ("thighhighs",),
    "neck": ("necktie", "red_scarf", "scarf"),
    "top": ("collared_shirt", "shirt", "sweater", "white_shirt"),
}


NEARLY_PAPER = Filter("three of eight", (*PAPER.steps[:-1], MinTags(3, "classes")))


def small_book() -> Rulebook:
    return Rulebook(tuple(rule_class("test", name, "misc", tags) for name, tags in GROUPS.items()))


# --- the generator ----------------------------------------------------------------------------------------------------


def test_a_seed_means_the_same_posts_on_every_machine():
    """The numbers were written down once; another machine, numpy or Python must find them again."""
    index = pack(generate_columns(10_000, 7, vocabulary()), vocabulary().categories)

    assert index.digest == GENERATED_DIGEST
    applied = apply_rulebook(index, small_book(), NEARLY_PAPER)
    assert applied.kept > 2_000
    assert applied.digest == APPLIED_DIGEST


def test_other_seeds_are_other_posts_and_a_longer_run_begins_like_a_shorter():
    words = vocabulary()

    assert list(generate_posts(50, 1, words)) != list(generate_posts(50, 2, words))
    assert list(generate_posts(50, 1, words)) == list(generate_posts(80, 1, words))[:50]


def test_columns_records_and_lines_are_the_same_posts():
    words = vocabulary()
    lines = [post_to_line(post, words.categories) for post in generate_posts(500, 3, words)]
    reader = PostReader()

    read = build_index(reader.read_lines(lines), reader.categories())
    read = read.with_categories(reader.categories())

    assert reader.tally.reasons == {}
    packed = pack(generate_columns(500, 3, words), words.categories)
    assert read.digest == packed.digest
    assert build_index(generate_posts(500, 3, words), words.categories).digest == packed.digest


def test_generated_posts_are_as_uneven_as_real_ones():
    words = vocabulary()
    index = pack(generate_columns(20_000, 11, words), words.categories)
    counts = np.array(sorted((index.count(tag) for tag in index.tags), reverse=True))

    assert counts[0] > 30 * counts[-10]
    assert 0.05 < np.mean(index.num_tags < 12) < 0.15
    assert 20 < np.median(index.num_tags) < 34
    assert 200 < np.count_nonzero(index.parents) < 800
    implied = index.posting("cat_tail") - index.posting("tail")
    assert len(implied) == 0
    alike = []
    for row in np.flatnonzero(index.parents)[:60].tolist():
        parent = index.row_of(int(index.parents[row]))
        assert parent is not None
        mine, its = set(index.tags_of(row)), set(index.tags_of(parent))
        alike.append(len(mine & its) / len(mine | its))
    assert 0.5 < np.median(alike) < 0.95


def test_no_posts_are_posts_too():
    index = pack(generate_columns(0, 1, vocabulary()))

    assert (len(index), index.tags) == (0, ())
    assert apply_rulebook(index, small_book(), PAPER).to_json()["median_frequency"] == 0


def test_real_counts_make_real_frequencies(shared_data):
    table = read_tag_csv((shared_data / "danbooru_tags.csv").read_text(encoding="utf-8"))
    words = vocabulary(table)
    index = pack(generate_columns(5_000, 1, words), words.categories)

    assert index.count("1girl") > index.count("hat") > index.count("beret") > 0
    assert len(index.tags) > 5_000


def test_a_rulebooks_own_tags_can_be_drawn():
    words = vocabulary(more=("some_rare_tag", "hat"))

    assert "some_rare_tag" in words.names
    assert pack(generate_columns(5_000, 1, words)).count("some_rare_tag") > 0


# --- lint with posts --------------------------------------------------------------------------------------------------


def index_of(*posts: tuple[str, ...]):
    return build_index(Post(number, tags) for number, tags in enumerate(posts, 1))


def found(index, *classes, facts=None, splits=None, limits=None):
    book = Rulebook(tuple(classes))
    applied = apply_rulebook(index, book, EVERYTHING, facts)
    return {one.code: one for one in lint_posts(index, book, applied, facts, splits, limits)}


def one(name, members, **fields):
    return rule_class("test", name, "misc", members, **fields)


def test_a_rare_class_and_a_constant_one_are_told_with_numbers():
    index = index_of(*[("hat",)] * 2999, ("hat", "cap"))

    said = found(index, one("hat", ["hat"]), one("cap", ["cap"]))

    assert said["R203"].classes == ("hat",)
    assert said["R201"].numbers == {"count": 1, "frequency": pytest.approx(1 / 3000)}
    assert json.dumps([finding.to_json() for finding in said.values()])


def test_a_class_with_few_positives_in_a_split_is_told():
    index = index_of(*[("hat",), ()] * 50)
    splits = {"train": bitmap_of_mask(np.arange(100) < 90), "val": bitmap_of_mask(np.arange(100) >= 90)}

    said = found(index, one("hat", ["hat"]), splits=splits)

    assert said["R202"].numbers == {"val": 5}


def test_twins_are_found_by_their_posts():
    index = index_of(*[("hat", "cap")] * 9, ("hat",), (), ())

    finding = found(index, one("hats", ["hat"]), one("caps", ["cap"]))["R204"]

    assert finding.numbers == {"jaccard": 0.9, "overlap": 1.0, "both": 9}
    assert finding.classes == ("caps", "hats")


def test_two_of_a_family_at_once_are_counted():
    index = index_of(*[("short",)] * 8, *[("long",)] * 8, *[("long", "short")] * 4)

    finding = found(index, one("s", ["short"], family="f"), one("l", ["long"], family="f"))["R206"]

    assert finding.numbers == {"posts": 4, "share": 0.2, "worst_pair": 4}


def test_a_member_that_brings_nothing_and_one_that_nobody_has_are_told():
    index = index_of(("hat", "cap"), ("hat",), ())

    said = found(index, one("hats", ["hat", "cap", "fez"]))

    assert (said["R207"].tags, said["R208"].tags) == (("cap",), ("fez",))


def test_a_member_with_other_company_than_the_rest_is_told():
    posts = [("hat", "head"), ("cap", "head"), ("fez", "head"), ("bank", "river"), *[()] * 9] * 60
    classes = one("x", ["hat", "cap", "fez", "bank"]), one("head", ["head"]), one("river", ["river"])

    said = found(index_of(*posts), *classes, limits=Limits(odd_min_posts=50))

    assert said["R205"].tags == ("bank",)
    assert said["R205"].numbers["cosine"] < 0


def test_lint_goes_by_aliases_and_implications():
    index = index_of(*[("neko",)] * 3, ("cat_ears",), ())
    facts = Facts(resolution([Relation("neko", "cat_ears")]))

    assert "R208" not in found(index, one("ears", ["cat_ears"]), facts=facts)


def test_suggestions_come_with_their_reason():
    posts = [("hat", "hat_ribbon", "sky")] * 20 + [("sky", "sea")] * 60 + [("hats",)] * 2
    index = index_of(*posts)
    facts = Facts(resolution([Relation("hats", "hat")]))
    book = Rulebook((one("hat", ["hat"]),))

    said = {one.tag: one.why for one in suggestions(index, book, book.classes[0], facts)}

    assert said["hats"] == "alias"
    assert said["hat_ribbon"] in ("similar name", "beside")
    assert said["sea"] == "unclaimed"
