"""Editing a rulebook: every step can be taken back, two versions differ by class, two people's work joins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulebook.diff import diff, renames
from rulebook.editing import apply_edit
from rulebook.edits import (
    AddClass,
    AddMembers,
    Edit,
    Exclude,
    Include,
    MergeClasses,
    MoveMembers,
    RemoveMembers,
    RenameClass,
    RetireClass,
    SetFields,
    Several,
    SplitClass,
    describe,
    edit_from_json,
    edit_to_json,
)
from rulebook.merge import merge
from rulebook.records import Rulebook, RuleError, exclusion, rule_class

TAGS = tuple("abcdefghij")


def book() -> Rulebook:
    return Rulebook(
        (
            rule_class("test", "hat", "clothing", ["beret", "hat", "top_hat"], comments=("# on the head",)),
            rule_class("test", "tail", "body", ["cat_tail", "fox_tail", "tail"], formerly=["tails"], note="animals"),
            rule_class("test", "short", "body", ["short_hair"], family="hair length"),
            rule_class("test", "long", "body", ["long_hair"], family="hair length"),
        ),
        (exclusion("test", "contextual", ["alternate_costume", "cosplay"]), exclusion("test", "meta", ["highres"])),
    )


EDITS = [
    AddMembers("hat", ("cap",)),
    AddMembers("hat", ("hats", "beret"), formerly=True),
    RemoveMembers("tail", ("cat_tail", "tails")),
    MoveMembers("tail", "hat", ("fox_tail", "tails")),
    AddClass("scarf", "clothing", ("scarf",), note="woollen"),
    RetireClass("hat"),
    RenameClass("tail", "any tail"),
    SplitClass("tail", {"cat tail": ("cat_tail",), "fox tail": ("fox_tail", "tails")}),
    SplitClass("tail", {"cat tail": ("cat_tail", "fox_tail", "tail", "tails")}),
    MergeClasses(("hat", "tail"), "tail"),
    MergeClasses(("short", "long"), "hair"),
    SetFields(("hat", "tail"), {"category": "misc", "color_sensitive": True, "note": "x"}),
    Exclude(("cosplay_photo",), "artist"),
    Exclude(("adapted_costume",), "contextual"),
    Include(("highres",)),
    Several((RetireClass("hat"), AddClass("hat", "clothing", ("cap",)), Include(("cosplay",)))),
]


# --- edits ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("edit", EDITS, ids=describe)
def test_an_edit_can_be_taken_back_and_done_again(edit):
    done = apply_edit(book(), edit_from_json(edit_to_json(edit)))
    undone = apply_edit(done.rulebook, edit_from_json(edit_to_json(done.undo)))
    redone = apply_edit(undone.rulebook, undone.undo)

    assert done.rulebook.digest != book().digest
    assert undone.rulebook.classes == book().classes
    assert [rule.comments for rule in undone.rulebook.classes] == [rule.comments for rule in book().classes]
    assert undone.rulebook.digest == book().digest
    assert redone.rulebook.digest == done.rulebook.digest


def test_a_split_leaves_what_was_not_named_and_hands_on_the_rest():
    split = apply_edit(book(), SplitClass("tail", {"cat tail": ("cat_tail",)})).rulebook

    assert split.get("tail").members == ("fox_tail", "tail")
    assert split.get("cat tail") == rule_class("test", "cat tail", "body", ["cat_tail"])
    assert [rule.name for rule in split.classes] == ["hat", "tail", "cat tail", "short", "long"]


def test_a_merge_keeps_members_flags_and_a_common_family():
    merged = apply_edit(book(), MergeClasses(("short", "long"), "hair")).rulebook

    assert merged.get("hair").members == ("long_hair", "short_hair")
    assert merged.get("hair").family == "hair length"
    assert "short" not in merged.by_name


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (AddMembers("cap", ("x",)), "no class 'cap'"),
        (AddMembers("hat", ("x y",)), "without whitespace"),
        (RemoveMembers("hat", ("cap",)), "'cap' is not in it"),
        (RenameClass("hat", "tail"), "'tail': exists already"),
        (AddClass("hat", "body"), "exists already"),
        (AddClass("cap", "headgear"), "category is 'headgear'"),
        (SplitClass("tail", {}), "is split into nothing"),
        (SplitClass("tail", {"a": ("tail",), "b": ("tail",)}), "goes into two parts"),
        (MergeClasses(("hat",), "hat"), "at least two"),
        (SetFields(("hat",), {"shared": "yes"}), "shared = 'yes'"),
        (SetFields(("hat",), {"name": "x"}), "name = 'x'"),
        (Exclude(("x",), "ugly"), "reason is 'ugly'"),
        (Include(("x",)), "'x' is not left out"),
    ],
    ids=lambda value: describe(value) if isinstance(value, Edit) else "",
)
def test_an_edit_that_cannot_be_done_says_why(edit, message):
    with pytest.raises(RuleError) as caught:
        apply_edit(book(), edit)

    assert message in str(caught.value)


def test_an_undo_across_somebody_elses_change_is_refused():
    done = apply_edit(book(), AddMembers("hat", ("cap",)))
    later = apply_edit(done.rulebook, RemoveMembers("hat", ("beret",)))

    with pytest.raises(RuleError, match="was changed since"):
        apply_edit(later.rulebook, done.undo)


def test_an_undo_of_an_edit_elsewhere_leaves_the_later_one():
    done = apply_edit(book(), AddMembers("hat", ("cap",)))
    later = apply_edit(done.rulebook, RetireClass("tail"))

    undone = apply_edit(later.rulebook, done.undo).rulebook

    assert undone.get("hat") == book().get("hat")
    assert "tail" not in undone.by_name


@given(st.data())
def test_any_run_of_edits_can_be_taken_back_step_by_step(data):
    current = book()
    undos = []
    for _ in range(data.draw(st.integers(1, 8))):
        edit = data.draw(edits_of(current))
        done = apply_edit(current, edit)
        undos.append((done.undo, current))
        current = done.rulebook
    for undo, before in reversed(undos):
        current = apply_edit(current, undo).rulebook
        assert current.classes == before.classes
        assert current.digest == before.digest


@st.composite
def edits_of(draw, rulebook: Rulebook):
    """Some edit that can be done to this rulebook."""
    known = [rule.name for rule in rulebook.classes]
    fresh = next(name for name in (f"new{k}" for k in range(99)) if name not in known)
    kind = draw(st.integers(0, 7))
    tags = tuple(draw(st.lists(st.sampled_from(TAGS), min_size=1, max_size=3, unique=True)))
    if not known or kind == 0:
        return AddClass(fresh, draw(st.sampled_from(("body", "misc"))), tags)
    rule = rulebook.get(draw(st.sampled_from(known)))
    if kind == 1:
        return AddMembers(rule.name, tags, draw(st.booleans()))
    if kind == 2 and rule.spellings:
        return RemoveMembers(rule.name, (draw(st.sampled_from(rule.spellings)),))
    if kind == 3:
        return RetireClass(rule.name)
    if kind == 4:
        return RenameClass(rule.name, fresh)
    if kind == 5 and len(known) > 1:
        return MergeClasses(tuple(draw(st.lists(st.sampled_from(known), min_size=2, max_size=3, unique=True))), fresh)
    if kind == 6 and rule.spellings:
        return SplitClass(rule.name, {fresh: (draw(st.sampled_from(rule.spellings)),)})
    return SetFields((rule.name,), {"shared": not rule.shared})


# --- diff -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (AddMembers("hat", ("cap",)), ["hat gains cap"]),
        (RenameClass("tail", "any tail"), ["renamed: tail is any tail"]),
        (RetireClass("hat"), ["retired: hat"]),
        (AddClass("scarf", "clothing", ("scarf",)), ["new: scarf"]),
        (
            SplitClass("tail", {"cat tail": ("cat_tail",)}),
            ["split: tail into tail, cat tail", "tail loses cat_tail"],
        ),
        (
            MergeClasses(("short", "long"), "hair"),
            ["merged: short, long into hair"],
        ),
        (
            MoveMembers("tail", "hat", ("fox_tail",)),
            ["moved: fox_tail from tail to hat", "hat gains fox_tail", "tail loses fox_tail"],
        ),
        (SetFields(("hat",), {"category": "misc"}), ["hat: category was 'clothing', is 'misc'"]),
        (Exclude(("x",), "meta"), ["left out as meta: x"]),
        (Include(("highres",)), ["no longer left out as meta: highres"]),
    ],
    ids=lambda value: describe(value) if isinstance(value, Edit) else "",
)
def test_a_difference_is_told_by_class_and_member(edit, words):
    assert diff(book(), apply_edit(book(), edit).rulebook).words() == words


def test_nothing_differs_where_only_order_and_comments_do():
    turned = Rulebook(book().classes[::-1], book().exclusions, ("# x",))

    assert diff(book(), turned).is_empty


@given(st.data())
def test_two_rulebooks_differ_exactly_where_their_digests_do(data):
    other = apply_edit(book(), data.draw(edits_of(book()))).rulebook

    assert diff(book(), other).is_empty == (book().digest == other.digest)


def test_a_rename_with_another_member_is_still_a_rename():
    renamed = apply_edit(book(), Several((RenameClass("hat", "headwear"), AddMembers("headwear", ("cap",))))).rulebook

    assert renames(book(), renamed) == {"hat": "headwear"}
    assert diff(book(), renamed).words() == ["renamed: hat is headwear", "headwear gains cap"]


# --- merge ------------------------------------------------------------------------------------------------------------


def merged(ours: Edit, theirs: Edit):
    return merge(book(), apply_edit(book(), ours).rulebook, apply_edit(book(), theirs).rulebook)


def test_additions_and_removals_of_both_sides_join():
    joined = merged(AddMembers("hat", ("cap",)), RemoveMembers("hat", ("beret",)))

    assert joined.conflicts == ()
    assert joined.rulebook.get("hat").members == ("cap", "hat", "top_hat")


def test_a_rename_and_a_change_of_one_class_join():
    joined = merged(RenameClass("hat", "headwear"), AddMembers("hat", ("cap",)))

    assert joined.conflicts == ()
    assert joined.rulebook.get("headwear").members == ("beret", "cap", "hat", "top_hat")
    assert "hat" not in joined.rulebook.by_name


@pytest.mark.parametrize(
    ("ours", "theirs", "kind", "subject"),
    [
        (SetFields(("hat",), {"note": "a"}), SetFields(("hat",), {"note": "b"}), "field", "hat"),
        (RetireClass("hat"), AddMembers("hat", ("cap",)), "retired and changed", "hat"),
        (RenameClass("hat", "cap"), RenameClass("hat", "headwear"), "renamed twice", "hat"),
        (AddClass("x", "body", ("x",)), AddClass("x", "misc", ("x",)), "added twice", "x"),
        (MoveMembers("hat", "tail", ("beret",)), MoveMembers("hat", "long", ("beret",)), "moved twice", "beret"),
        (AddMembers("hat", ("cap",)), Exclude(("cap",), "subjective"), "member and excluded", "cap"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_both_sides_decided_otherwise_is_asked_and_ours_stands(ours, theirs, kind, subject):
    joined = merged(ours, theirs)

    assert [(conflict.kind, conflict.subject) for conflict in joined.conflicts] == [(kind, subject)]
    mine = apply_edit(book(), ours).rulebook
    assert joined.rulebook.by_name == mine.by_name


@given(st.data())
def test_a_merge_with_an_untouched_side_is_the_other_side(data):
    other = apply_edit(book(), data.draw(edits_of(book()))).rulebook

    for joined in (merge(book(), other, book()), merge(book(), book(), other), merge(book(), other, other)):
        assert joined.conflicts == ()
        assert joined.rulebook.digest == other.digest


def test_a_rename_onto_the_name_of_the_others_merge_is_asked_from_either_side():
    rename, join = RenameClass("hat", "new"), MergeClasses(("hat", "tail"), "new")

    assert "retired and changed" in [conflict.kind for conflict in merged(rename, join).conflicts]
    assert "retired and changed" in [conflict.kind for conflict in merged(join, rename).conflicts]
    assert merged(join, rename).rulebook.digest == apply_edit(book(), join).rulebook.digest


@given(st.data())
def test_both_sides_find_their_edits_in_a_merge_without_conflicts(data):
    one, two = data.draw(edits_of(book())), data.draw(edits_of(book()))
    ours, theirs = apply_edit(book(), one).rulebook, apply_edit(book(), two).rulebook

    there, back = merge(book(), ours, theirs), merge(book(), theirs, ours)

    assert bool(there.conflicts) == bool(back.conflicts)
    if not there.conflicts:
        assert there.rulebook.digest == back.rulebook.digest
