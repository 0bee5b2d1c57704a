"""Classes, counts, filter steps, dry runs and weights against an oracle of plain Python sets, over random everything.

The oracle shares no code with the bitmaps: a post is a record, a class is a set of names, a filter step is an if.
"""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_rulebook_edits import edits_of

from rulebook.apply import apply_rulebook, split_counts, truths_of, why_dropped
from rulebook.bitmaps import bitmap_of_mask, bitmap_of_rows, rows_of
from rulebook.class_matrix import augmentation_safety, class_matrix, weights
from rulebook.dry_run import DryRun
from rulebook.editing import apply_edit
from rulebook.effects import effect_to_json
from rulebook.filters import (
    PAPER,
    AnyTag,
    Facets,
    Facts,
    FileType,
    Filter,
    MinTags,
    NearDuplicate,
    NoTag,
    Rating,
    Size,
    Status,
    filter_from_json,
    filter_to_builtins,
)
from rulebook.index_building import build_index
from rulebook.lock import publish
from rulebook.measures import classes_per_image, disagreements, parent_pairs
from rulebook.members import members_of
from rulebook.posts import STATUSES, Post
from rulebook.records import CATEGORIES, Rulebook, RuleError, rule_class
from rulebook.resolution import Relation, Resolution, resolution

TAGS = (*"abcdefghij", ">_<", ":d", "0_0", "69", "\\m/", '"q"', "猫")
MEANINGS = {
    ("s", "sqe"): "safe",
    ("s", "gsqe"): "sensitive",
    ("s", ""): "safe or sensitive",
    ("g", "gsqe"): "general",
}

# --- the oracle -------------------------------------------------------------------------------------------------------


def names_said(tag: str, aliases: dict[str, str], implied: dict[str, set[str]]) -> set[str]:
    """A raw tag, its current name, and all that follows."""
    current = aliases.get(tag, tag)
    said, waiting = {tag, current}, [current]
    while waiting:
        for more in implied.get(waiting.pop(), set()) - said:
            said.add(more)
            waiting.append(more)
    return said


class Oracle:
    """What a rulebook and filter make of posts, slowly."""

    def __init__(self, posts, rulebook: Rulebook, chosen: Filter, aliases, implied, duplicates, stored, categories):
        self.posts = sorted(posts, key=lambda post: post.post_id)
        self.rulebook, self.chosen, self.categories = rulebook, chosen, categories
        self.aliases, self.implied, self.duplicates, self.stored = aliases, implied, duplicates, stored
        self.classes = [self.classes_of(post) for post in self.posts]
        self.reasons = [
            [step.name for step in chosen.steps if self.drops(step, post, classes)]
            for post, classes in zip(self.posts, self.classes, strict=True)
        ]
        self.kept = [k for k, reasons in enumerate(self.reasons) if not reasons]

    def said(self, post: Post) -> set[str]:
        return {name for tag in post.tags for name in names_said(tag, self.aliases, self.implied)}

    def classes_of(self, post: Post) -> set[str]:
        said = self.said(post)
        return {rule.name for rule in self.rulebook.classes if said & set(rule.spellings)}

    def drops(self, step, post: Post, classes: set[str]) -> bool:
        if isinstance(step, Status):
            return any(status in step.drop and post.status >> bit & 1 for bit, status in enumerate(STATUSES))
        if isinstance(step, FileType):
            return post.file_ext not in step.allow if post.file_ext else step.unknown == "drop"
        if isinstance(step, Size):
            width, height = (post.width, post.height) if step.of == "original" else self.stored[post.post_id]
            if not width or not height:
                return step.unknown == "drop"
            side = {"short": min(width, height), "long": max(width, height), "width": width, "height": height}
            return side[step.side] < step.at_least_px
        if isinstance(step, Rating):
            meaning = MEANINGS.get((post.rating, post.rating_scheme))
            meaning = meaning or {"q": "questionable", "e": "explicit"}.get(post.rating, "unknown")
            if meaning == "safe or sensitive":
                return not {"safe", "sensitive"} <= set(step.allow)
            return meaning not in step.allow
        if isinstance(step, AnyTag):
            return not self.said(post) & set(step.tags)
        if isinstance(step, NoTag):
            return bool(self.said(post) & set(step.tags))
        if isinstance(step, NearDuplicate):
            return post.post_id in self.duplicates
        if isinstance(step, MinTags):
            return self.num_positive(step.count, post, classes) < step.at_least
        assert isinstance(step, Facets)
        families = self.rulebook.families
        for wanted in step.facets.values():
            names = {n for w in wanted for n in (families[w[7:]] if w.startswith("family:") else (w,))}
            if not names & classes:
                return True
        return False

    def num_positive(self, count: str, post: Post, classes: set[str]) -> int:
        if count == "classes":
            return len(classes)
        if count == "general":
            return sum(self.categories.get(tag) == "general" for tag in post.tags)
        if count == "leaf":
            others = {tag: names_said(tag, self.aliases, self.implied) for tag in post.tags}
            return sum(not any(tag in said for other, said in others.items() if other != tag) for tag in post.tags)
        return len(post.tags)

    def counts(self, among=None) -> dict[str, int]:
        kept = self.kept if among is None else [k for k in self.kept if k in among]
        return {rule.name: sum(rule.name in self.classes[k] for k in kept) for rule in self.rulebook.classes}

    def funnel(self) -> list[tuple[str, int, int]]:
        left, funnel = list(range(len(self.posts))), []
        for step in self.chosen.steps:
            before = len(left)
            left = [k for k in left if not self.drops(step, self.posts[k], self.classes[k])]
            funnel.append((step.name, before, len(left)))
        return funnel


# --- random worlds ----------------------------------------------------------------------------------------------------

tag_lists = st.lists(st.sampled_from(TAGS), max_size=9, unique=True)


@st.composite
def worlds(draw):
    """Posts, a rulebook, a filter, relations: everything that `apply` takes, and its oracle."""
    posts = [
        Post(
            post_id,
            tuple(draw(tag_lists)),
            *draw(st.sampled_from((("s", "sqe"), ("s", "gsqe"), ("g", "gsqe"), ("q", "sqe"), ("e", "gsqe"), ("", "")))),
            width=draw(st.sampled_from((None, 300, 512, 700))),
            height=draw(st.sampled_from((None, 300, 512, 700))),
            file_ext=draw(st.sampled_from(("", "jpg", "png", "mp4"))),
            status=draw(st.integers(0, 15)),
        )
        for post_id in draw(st.lists(st.integers(1, 200), max_size=25, unique=True))
    ]
    rulebook = draw(rulebooks())
    aliases = dict(draw(st.lists(st.tuples(st.sampled_from("fgh"), st.sampled_from("abc")), max_size=3)))
    implied: dict[str, set[str]] = {}
    for one, other in draw(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcde")), max_size=4)):
        if one != other:
            implied.setdefault(one, set()).add(other)
    duplicates = {post.post_id for post in posts if draw(st.booleans())}
    stored = {post.post_id: (draw(st.sampled_from((0, 500, 600))), 512) for post in posts}
    categories = {tag: draw(st.sampled_from(("general", "meta"))) for tag in TAGS}
    chosen = Filter("random", tuple(draw(st.lists(steps(rulebook), max_size=5))))
    oracle = Oracle(posts, rulebook, chosen, aliases, implied, duplicates, stored, categories)
    index = build_index(posts, categories)
    sizes = np.array([stored[post.post_id] for post in oracle.posts], dtype=np.int32).reshape(-1, 2)
    facts = Facts(
        _resolution(aliases, implied), index.rows_of_ids(duplicates), (sizes[:, 0].copy(), sizes[:, 1].copy())
    )
    return oracle, index, facts


def _resolution(aliases: dict[str, str], implied: dict[str, set[str]]) -> Resolution:
    pairs = [Relation(one, other) for one, others in implied.items() for other in others]
    return resolution([Relation(old, new) for old, new in aliases.items()], pairs)


@st.composite
def rulebooks(draw):
    return Rulebook(
        tuple(
            rule_class(
                "test",
                name,
                draw(st.sampled_from(CATEGORIES)),
                draw(st.lists(st.sampled_from(TAGS), max_size=4)),
                formerly=draw(st.lists(st.sampled_from(("old", "a", "69")), max_size=1)),
                family=draw(st.sampled_from(("", "one-of"))),
            )
            for name in draw(st.lists(st.sampled_from(("hat", "tail", "hair", "eyes", "sky")), unique=True, max_size=5))
        )
    )


def steps(rulebook: Rulebook):
    names = [rule.name for rule in rulebook.classes] + [f"family:{family}" for family in rulebook.families]
    facets = [st.builds(Facets, st.fixed_dictionaries({"x": st.tuples(st.sampled_from(names))}))] if names else []
    some_tags = st.lists(st.sampled_from(TAGS), max_size=3).map(tuple)
    unknown = st.sampled_from(("drop", "keep"))
    ratings = ("unknown", "safe", "general", "sensitive", "questionable", "explicit")
    return st.one_of(
        st.builds(Status, st.lists(st.sampled_from(STATUSES), max_size=2).map(tuple)),
        st.builds(FileType, st.just(("jpg", "png")), unknown),
        st.builds(
            Size,
            st.sampled_from(("short", "long", "width", "height")),
            st.sampled_from(("original", "stored")),
            st.just(512),
            unknown,
        ),
        st.builds(Rating, st.lists(st.sampled_from(ratings), max_size=4).map(tuple)),
        st.builds(AnyTag, some_tags),
        st.builds(NoTag, some_tags),
        st.just(NearDuplicate()),
        st.builds(MinTags, st.integers(0, 6), st.sampled_from(("raw", "general", "leaf", "classes"))),
        *facets,
    )


# --- the bitmaps agree ------------------------------------------------------------------------------------------------


@given(worlds())
def test_classes_counts_and_filter_steps_are_the_oracles(world):
    oracle, index, facts = world

    applied = apply_rulebook(index, oracle.rulebook, oracle.chosen, facts)

    assert index.ids.tolist() == [post.post_id for post in oracle.posts]
    for name, posts in applied.truths.bitmaps.items():
        assert list(posts) == [k for k, classes in enumerate(oracle.classes) if name in classes]
    assert applied.truths.num_classes.tolist() == [len(classes) for classes in oracle.classes]
    assert list(applied.sieved.kept) == oracle.kept
    assert list(applied.sieved.funnel) == oracle.funnel()
    assert applied.counts == oracle.counts()
    for row, reasons in enumerate(oracle.reasons):
        assert list(why_dropped(applied, oracle.chosen, row)) == reasons
        first = [step.name for step, rows in zip(oracle.chosen.steps, applied.sieved.first, strict=True) if row in rows]
        assert first == reasons[:1]
    counts = sorted(applied.counts.values())
    said = applied.to_json()
    if counts and oracle.kept:
        assert said["median_frequency"] == pytest.approx(statistics.median(counts) / len(oracle.kept))
        assert said["min_frequency"] == pytest.approx(counts[0] / len(oracle.kept))
    else:
        assert (said["median_frequency"], said["min_frequency"]) == (0, 0)


@given(worlds(), st.data())
def test_a_dry_run_says_what_applying_the_edit_would(world, data):
    oracle, index, facts = world
    split_of = {k: data.draw(st.sampled_from(("train", "val", ""))) for k in range(len(index))}
    splits = {
        name: bitmap_of_rows(np.array([k for k, said in split_of.items() if said == name], dtype=np.int64))
        for name in ("train", "val")
    }
    run = DryRun(index, oracle.rulebook, oracle.chosen, facts, splits)
    for _ in range(data.draw(st.integers(1, 4))):
        edit = data.draw(edits_of(run.rulebook))
        before = apply_rulebook(index, run.rulebook, oracle.chosen, facts)
        edited = apply_edit(run.rulebook, edit).rulebook
        try:
            after = apply_rulebook(index, edited, oracle.chosen, facts)
        except RuleError:  # a facet's class went away
            with pytest.raises(RuleError):
                run.preview(edit)
            continue

        effect = run.preview(edit)
        assert run.counts() == before.counts
        assert run.commit(edit) == effect

        assert (effect.before.as_dict(), effect.after.as_dict()) == (before.counts, after.counts)
        assert (effect.kept_before, effect.kept_after) == (before.kept, after.kept)
        assert effect.posts_in == len(after.sieved.kept - before.sieved.kept)
        assert effect.posts_out == len(before.sieved.kept - after.sieved.kept)
        assert effect.funnel == after.sieved.funnel
        said = after.to_json()
        assert (effect.median_after, effect.min_after) == (said["median_frequency"], said["min_frequency"])
        assert effect.before.by_split() == split_counts(before, splits)
        assert effect.after.by_split() == split_counts(after, splits)
        assert list(run.kept) == list(after.sieved.kept)
        for one in effect.classes:
            old = set(before.truths.bitmaps.get(one.name, ()))
            new = set(after.truths.bitmaps.get(one.name, ()))
            assert (one.images_in, one.images_out) == (len(new - old), len(old - new))
        assert effect_to_json(effect)["posts"]["kept"] == [before.kept, after.kept]


@given(worlds())
def test_the_matrix_and_its_counts_are_the_oracles(world):
    oracle, index, facts = world
    applied = apply_rulebook(index, oracle.rulebook, oracle.chosen, facts)
    lock = publish(oracle.rulebook).lock

    matrix = class_matrix(index, applied.truths.bitmaps, applied.sieved.kept, lock)

    assert matrix.post_ids.tolist() == [oracle.posts[k].post_id for k in oracle.kept]
    for image, k in enumerate(oracle.kept):
        row = [matrix.class_names[c] for c in np.flatnonzero(matrix.dense(image))]
        assert set(row) == oracle.classes[k]
    assert dict(zip(matrix.class_names, matrix.counts().tolist(), strict=True)) == oracle.counts()


@given(worlds())
def test_a_members_unique_gain_is_what_the_class_would_lose(world):
    oracle, index, facts = world
    said = [oracle.said(post) for post in oracle.posts]
    for rule in oracle.rulebook.classes:
        for k, member in enumerate(members_of(index, rule, facts)):
            others = set(rule.spellings[:k] + rule.spellings[k + 1 :])
            assert list(member.unique) == [
                r for r, names in enumerate(said) if member.tag in names and not names & others
            ]
            assert member.count == sum(member.tag in names for names in said)


@given(worlds(), st.data())
def test_taggers_disagree_where_the_oracle_counts_it(world, data):
    oracle, index, facts = world
    rows = st.integers(0, max(len(index) - 1, 0))
    drawn = data.draw(st.lists(st.tuples(rows, rows), max_size=6)) if len(index) else []
    pairs = np.array(drawn, dtype=np.int64).reshape(-1, 2)
    truths = truths_of(index, oracle.rulebook, facts)

    for found in disagreements(len(index), truths.bitmaps, (pairs[:, 0], pairs[:, 1])):
        said = [(found.name in oracle.classes[a], found.name in oracle.classes[b]) for a, b in drawn]
        assert (found.said, found.differing) == (sum(map(any, said)), sum(a != b for a, b in said))
    kept = bitmap_of_rows(np.arange(len(index)))
    per_image = classes_per_image(truths, kept).tolist()
    assert sum(k * images for k, images in enumerate(per_image)) == sum(map(len, oracle.classes))


def test_a_parent_that_is_not_here_makes_no_pair():
    index = build_index([Post(1, ("a",)), Post(5, ("a",), parent_id=1), Post(6, ("a",), parent_id=9)])

    children, parents = parent_pairs(index)

    assert (index.ids[children].tolist(), index.ids[parents].tolist()) == ([5], [1])


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 99), min_size=1))
def test_weights_are_the_papers(counts):
    found = weights(counts, 100)

    for k, (name, count) in enumerate(counts.items()):
        r = math.sqrt(count) / (math.sqrt(count) + math.sqrt(100 - count))
        assert found.class_names[k] == name
        assert found.r[k] == pytest.approx(r)
        assert found.positive[k] == pytest.approx(1 / (2 * r))
        assert found.negative[k] == pytest.approx(1 / (2 * (1 - r)))


# --- by hand ----------------------------------------------------------------------------------------------------------


def test_the_worked_examples_of_the_weights():
    found = weights({"a": 4, "b": 50}, 100)

    assert found.r.tolist() == pytest.approx([0.169521, 0.5], abs=5e-7)
    assert found.positive.tolist() == pytest.approx([2.949490, 1.0], abs=5e-7)
    assert found.negative.tolist() == pytest.approx([0.602062, 1.0], abs=5e-7)
    loss = (-math.log(0.25) * found.positive[0] - math.log(0.9) * found.negative[1]) / 2
    assert loss == pytest.approx(2.097111, abs=5e-7)
    rare = weights({"median": 38, "minimum": 4}, 10_000)
    assert rare.positive.tolist() == pytest.approx([8.5956, 25.495], abs=5e-4)
    assert rare.negative.tolist() == pytest.approx([0.5309, 0.5100], abs=5e-5)


@pytest.mark.parametrize("count", [0, 100])
def test_a_class_of_none_or_all_images_is_named(count):
    with pytest.raises(RuleError, match="class 'sky'"):
        weights({"hat": 3, "sky": count}, 100)


def test_what_recolouring_mirroring_and_turning_may_do():
    book = Rulebook(
        (
            rule_class("test", "red", "body", ["a"], color_sensitive=True),
            rule_class("test", "left", "body", ["b"], left_right=True),
            rule_class("test", "lying", "misc", ["c"], orientation_sensitive=True),
        )
    )

    assert [(one.recolor, one.flip, one.rotate) for one in augmentation_safety(book)] == [
        (False, True, True),
        (True, False, True),
        (True, True, False),
    ]


def test_the_papers_filter_drops_for_its_reasons():
    book = Rulebook(tuple(rule_class("test", f"c{k}", "misc", [f"t{k}"]) for k in range(12)))
    twelve = tuple(f"t{k}" for k in range(12))

    def post(post_id, tags=("solo", *twelve), rating="g", size=(700, 512)):
        return Post(post_id, tags, rating, "gsqe", width=size[0], height=size[1])

    index = build_index(
        [
            post(1),
            post(2, rating="q"),
            post(3, twelve),
            post(4, ("solo", "4koma", *twelve)),
            post(5, size=(511, 300)),
            post(6, ("solo", *twelve[:-1])),
            post(7, ("1girl",), "e", (100, 100)),
        ]
    )
    applied = apply_rulebook(index, book, PAPER)

    assert applied.to_json()["funnel"] == [
        {"step": "rating", "in": 7, "out": 5},
        {"step": "single person", "in": 5, "out": 4},
        {"step": "comics", "in": 4, "out": 3},
        {"step": "size", "in": 3, "out": 2},
        {"step": "positive tags", "in": 2, "out": 1},
    ]
    assert why_dropped(applied, PAPER, 6) == ("rating", "size", "positive tags")


def test_a_filter_is_data():
    assert filter_from_json(__import__("json").dumps(filter_to_builtins(PAPER))) == PAPER
    for text in ("{", '{"name": "x", "steps": [{"step": "hat"}]}', '{"name": "x", "steps": [{"step": "size"}]}'):
        with pytest.raises(RuleError, match="filter"):
            filter_from_json(text)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (NearDuplicate(), "near duplicates were not given"),
        (Size("long", "stored", 512), "sizes of the stored files were not given"),
        (Facets({"hair": ("hat",)}), "facet 'hair': no class 'hat'"),
    ],
)
def test_a_step_that_lacks_its_facts_says_so(step, message):
    with pytest.raises(RuleError) as caught:
        apply_rulebook(build_index([Post(1, ("a",))]), Rulebook(), Filter("x", (step,)))

    assert message in str(caught.value)


@given(st.lists(st.integers(0, 200_000), unique=True), st.integers(0, 3))
def test_bitmaps_are_made_and_read_back(rows, dense):
    rows = np.array(sorted(rows), dtype=np.int64)
    mask = np.zeros(262_144, dtype=bool)
    mask[rows] = True
    if dense:
        mask[dense * 65_536 : dense * 65_536 + 5_000 * dense] = True

    assert rows_of(bitmap_of_mask(mask)).tolist() == np.flatnonzero(mask).tolist()
    assert bitmap_of_rows(np.flatnonzero(mask)) == bitmap_of_mask(mask)
