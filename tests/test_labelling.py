"""Labelling without a browser: tasks are dealt, changes applied, repeated, refused when stale, taken back."""

import json

import pytest
from cast import CAST, MIKA, NOA, REN
from workshop import Workshop, new_id, placed

from curator.errors import BadInput, NotFound, Stale
from curator.payloads import Box, Change, Changes, Confirmation, Keypoint, decode
from curator.store import revisions, work
from curator.store.users import LOCAL_ACTOR_ID
from datasets.skeleton import COCO_KEYPOINTS, FACE_KEYPOINTS


@pytest.fixture
def workshop(project, tmp_path):
    made = Workshop(project, tmp_path)
    made.receives(*CAST)
    return made


def _everything(project) -> list[tuple]:
    tables = ("images", "annotations", "revisions", "predictions", "confirmations", "skips", "removals", "imports")
    return [tuple(row) for table in tables for row in project.db.all(f"SELECT * FROM {table}")]  # noqa: S608


def test_the_queue_deals_drawings_in_their_order_with_proposals_for_what_is_missing(workshop):
    tasks = workshop.next_tasks()

    assert workshop.names_of(tasks) == ["mika", "ren", "noa"]
    first = tasks[0]
    assert first.wanted == ("right_ear", "right_eye", "left_eye", "left_ear")
    assert first.prediction is not None
    assert set(first.prediction.keypoints) == set(FACE_KEYPOINTS)
    assert first.annotation.keypoints["nose"] == Keypoint(120, 60, "undecided", "imported")
    assert first.prediction.box is not None
    assert first.image.url is not None


def test_the_view_holds_the_whole_head(workshop):
    view = workshop.next_tasks()[0].view

    for x, y in MIKA.face.values():
        assert view.x < x < view.x + view.width
        assert view.y < y < view.y + view.height


def test_looking_at_tasks_writes_nothing(workshop, project):
    before = _everything(project)

    workshop.next_tasks()
    workshop.bench.task("face", workshop.annotation_of(MIKA).id)
    workshop.bench.overview()
    workshop.bench.queues()

    assert _everything(project) == before


def test_a_confirmed_drawing_leaves_the_queue_and_keeps_its_locked_joints(workshop):
    before = workshop.annotation_of(MIKA).record

    workshop.confirms(MIKA)

    after = workshop.annotation_of(MIKA).record
    assert workshop.names_of(workshop.next_tasks()) == ["ren", "noa"]
    assert all(after.source(name) == "confirmed" and after.state(name) != "undecided" for name in FACE_KEYPOINTS)
    for name in set(COCO_KEYPOINTS) - set(FACE_KEYPOINTS):
        assert (after.point(name), after.state(name), after.source(name)) == (
            before.point(name),
            before.state(name),
            before.source(name),
        )
    assert after.box_confirmed


def test_a_confirmation_keeps_what_was_shown_how_long_it_took_and_how_far_points_moved(workshop, project):
    shown = workshop.next_tasks()[0].prediction
    proposed = shown.keypoints["left_eye"]

    workshop.confirms(MIKA, active_ms=2750, left_eye=placed(proposed.x + 3, proposed.y - 4))

    kept = work.confirmations(project.db)[0]
    assert kept.active_ms == 2750
    assert kept.shown["keypoints"]["left_eye"]["x"] == proposed.x
    assert kept.shown["model"] == "geometry"
    assert kept.moved["left_eye"] == pytest.approx(5.0)
    assert kept.moved["right_eye"] == 0.0
    assert not kept.is_withdrawn


def test_a_confirmation_that_leaves_a_wanted_keypoint_undecided_is_refused_and_stores_nothing(workshop, project):
    annotation = workshop.annotation_of(MIKA)
    before = _everything(project)
    confirmation = Confirmation(new_id(), annotation.version, "face", Changes({"left_eye": placed(130, 50)}))

    with pytest.raises(BadInput, match="right_ear: is still undecided") as caught:
        workshop.bench.confirm(annotation.id, confirmation, actor_id=LOCAL_ACTOR_ID)

    assert caught.value.field == "changes.keypoints.right_ear"
    assert _everything(project) == before


def test_a_repeated_change_gets_the_same_answer_and_changes_nothing(workshop, project):
    change_id = new_id()
    first = workshop.changes(MIKA, base_version=1, change_id=change_id, left_eye=placed(131, 51))
    before = _everything(project)

    second = workshop.changes(MIKA, base_version=1, change_id=change_id, left_eye=placed(131, 51))

    assert (second.version, second.change_id) == (first.version, first.change_id) == (2, change_id)
    assert second.repeated
    assert not first.repeated
    assert _everything(project) == before


def test_a_change_id_used_for_another_drawing_is_refused(workshop):
    change_id = new_id()
    workshop.changes(MIKA, change_id=change_id, left_eye=placed(131, 51))

    with pytest.raises(BadInput, match="was used for another record"):
        workshop.changes(REN, change_id=change_id, left_eye=placed(131, 51))


def test_a_stale_change_is_refused_with_the_current_record(workshop):
    workshop.changes(MIKA, left_eye=placed(131, 51))

    with pytest.raises(Stale) as caught:
        workshop.changes(MIKA, base_version=1, left_eye=placed(99, 99))

    assert caught.value.version == 2
    assert caught.value.annotation.keypoints["left_eye"] == placed(131, 51)
    assert workshop.annotation_of(MIKA).record.point("left_eye") == [131, 51]


def test_undo_of_a_confirmation_puts_the_drawing_back_and_withdraws_the_confirmation(workshop, project):
    saved = workshop.confirms(MIKA)
    nothing = Keypoint(None, None, "undecided", "none")

    workshop.changes(
        MIKA, undoes=saved.change_id, box=Box(None, "none", False), **dict.fromkeys(FACE_KEYPOINTS, nothing)
    )

    assert workshop.names_of(workshop.next_tasks()) == ["mika", "ren", "noa"]
    assert work.confirmations(project.db)[0].is_withdrawn
    assert workshop.annotation_of(MIKA).record.bbox_xywh is None


def test_every_change_is_a_revision_with_before_and_after(workshop, project):
    workshop.changes(MIKA, left_wrist=placed(161, 166, "hidden"))

    (revision,) = revisions.revisions_of_annotation(project.db, workshop.annotation_of(MIKA).id)
    assert revision.before["keypoints"]["left_wrist"] == {
        "x": 160,
        "y": 165,
        "state": "undecided",
        "source": "imported",
    }
    assert revision.after["keypoints"]["left_wrist"] == {"x": 161, "y": 166, "state": "hidden", "source": "placed"}
    assert (revision.base_version, revision.version, revision.actor_id) == (1, 2, LOCAL_ACTOR_ID)


def test_revisions_can_neither_be_changed_nor_deleted(workshop, project):
    workshop.changes(MIKA, left_eye=placed(131, 51))

    for statement in ("UPDATE revisions SET after = '{}'", "DELETE FROM revisions"):
        with pytest.raises(Exception, match="append-only"):
            project.db.conn.execute(statement)


def test_a_skipped_drawing_is_set_aside_until_it_is_asked_for(workshop):
    workshop.skips(MIKA, "hard to see")

    assert workshop.names_of(workshop.next_tasks()) == ["ren", "noa"]
    assert workshop.names_of(workshop.next_tasks(skipped=True)) == ["mika"]
    summary = workshop.bench.queues()[0]
    assert (summary.size, summary.skipped) == (2, 1)

    workshop.bench.unskip(workshop.annotation_of(MIKA).id, "face", new_id(), actor_id=LOCAL_ACTOR_ID)
    assert workshop.names_of(workshop.next_tasks()) == ["mika", "ren", "noa"]


def test_a_removed_drawing_leaves_the_queue_and_the_export_and_comes_back(workshop):
    workshop.removes(REN, "several characters")

    assert workshop.names_of(workshop.next_tasks()) == ["mika", "noa"]
    assert workshop.exports().report.images == 2
    (removed,) = workshop.bench.removed()
    assert (removed.reason, removed.by) == ("several characters", "local")

    workshop.restores(REN)
    assert workshop.names_of(workshop.next_tasks()) == ["mika", "ren", "noa"]
    assert workshop.bench.removed() == []


def test_removal_wants_one_of_the_reasons(workshop):
    with pytest.raises(BadInput, match="expected one of: several characters"):
        workshop.removes(MIKA, "ugly")


def test_drawings_without_their_picture_are_counted_and_not_dealt(project, tmp_path):
    workshop = Workshop(project, tmp_path)
    workshop.imports(*(character.record() for character in CAST))
    workshop.receives_pictures(REN)

    summary = workshop.bench.queues()[0]

    assert workshop.names_of(workshop.next_tasks()) == ["ren"]
    assert (summary.size, summary.waiting_for_bytes, summary.done) == (1, 2, 0)


def test_what_a_person_decides_is_counted(workshop):
    workshop.confirms(MIKA, left_ear=placed(142, 56, "hidden"), right_ear=Keypoint(None, None, "absent", "placed"))

    overview = workshop.bench.overview()

    assert overview.keypoints["left_ear"] == {"visible": 0, "hidden": 1, "absent": 0, "undecided": 2}
    assert overview.keypoints["right_ear"] == {"visible": 0, "hidden": 0, "absent": 1, "undecided": 2}
    assert (overview.queues[0].size, overview.queues[0].done) == (2, 1)
    assert overview.recent[0].action == "confirm"


def test_labels_move_the_proposals_for_the_drawings_that_follow(workshop):
    before = workshop.bench.task("face", workshop.annotation_of(REN).id).prediction
    truth = {name: placed(x, y + 12) for name, (x, y) in MIKA.face.items()}  # everything lower than usual

    workshop.confirms(MIKA, **truth)

    after = workshop.bench.task("face", workshop.annotation_of(REN).id).prediction
    assert after.model_version != before.model_version
    assert after.keypoints["left_eye"].y > before.keypoints["left_eye"].y


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (Changes({"tail": placed(1, 2)}), "no keypoint is called 'tail'"),
        (Changes({"left_eye": Keypoint(1, None, "visible", "placed")}), "only one of x and y"),
        (Changes({"left_eye": Keypoint(None, None, "visible", "placed")}), "visible without a place"),
        (Changes({"left_eye": Keypoint(None, None, "hidden", "placed")}), "hidden without a place"),
        (Changes({}, Box([10, 10, 0, 5], "placed", True)), "is 0 wide and 5 high"),
    ],
    ids=["unknown keypoint", "half a place", "visible nowhere", "hidden nowhere", "empty box"],
)
def test_values_that_cannot_be_are_refused_in_one_sentence(workshop, project, changes, sentence):
    before = _everything(project)

    with pytest.raises(BadInput, match=sentence):
        workshop.bench.change(workshop.annotation_of(NOA).id, Change(new_id(), 1, changes), actor_id=LOCAL_ACTOR_ID)

    assert _everything(project) == before


def test_points_may_lie_outside_the_picture_and_absent_ones_may_keep_their_place(workshop):
    workshop.changes(MIKA, left_wrist=placed(-20.25, 700.5), right_wrist=placed(80, 400, "absent"))

    record = workshop.annotation_of(MIKA).record
    assert record.point("left_wrist") == [-20.25, 700.5]
    assert (record.point("right_wrist"), record.state("right_wrist")) == ([80, 400], "absent")


@pytest.mark.parametrize(
    "call",
    [
        lambda bench: bench.tasks("feet"),
        lambda bench: bench.task("face", 999),
        lambda bench: bench.change(999, Change(new_id(), 1, Changes({})), actor_id=LOCAL_ACTOR_ID),
        lambda bench: bench.remove(999, new_id(), "duplicate", actor_id=LOCAL_ACTOR_ID),
    ],
    ids=["queue", "task", "annotation", "image"],
)
def test_what_does_not_exist_is_said_so(workshop, call):
    with pytest.raises(NotFound):
        call(workshop.bench)


@pytest.mark.parametrize("change_id", ["short", "x" * 101, "with space", "line\nbreak", "ends-in-newline\n"])
def test_a_change_id_is_a_plain_word(change_id):
    body = json.dumps({"change_id": change_id, "base_version": 1, "changes": {}}).encode()

    with pytest.raises(BadInput, match="change_id"):
        decode(body, Change)
