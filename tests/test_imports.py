"""Taking files in: counts that are true, nothing changed the second time, a person's work never overwritten."""

import copy
import json

import pytest
from cast import CAST, MIKA, NOA, REN
from workshop import Workshop, placed

from curator.errors import BadInput
from curator.imports import import_add, import_coco, import_records
from curator.store import annotations, images, revisions
from datasets.records import AnnotationRecord, FormatError, ImageRecord, Refusal


@pytest.fixture
def workshop(project, tmp_path):
    return Workshop(project, tmp_path)


def _records():
    return [character.record() for character in CAST]


def _store(project):
    """Everything a file can say, by image: what two stores must agree on to be the same."""
    found = {}
    for image in images.all_images(project.db):
        image.record.annotations = [a.record for a in annotations.annotations_of(project.db, image.id)]
        found[image.record.key] = image.record
    return found


def test_the_same_records_twice_are_unchanged(workshop, project):
    first = workshop.imports(*_records())
    second = workshop.imports(*_records())

    assert (first.added, first.updated, first.unchanged) == (3, 0, 0)
    assert (second.added, second.updated, second.unchanged) == (0, 0, 3)
    assert revisions.last_revision_id(project.db) == 0


def test_a_changed_joint_is_updated_with_a_revision(workshop, project):
    workshop.imports(*_records())
    moved = MIKA.record()
    moved.annotations[0].points[9] = [161, 170.5]

    report = workshop.imports(moved, REN.record())

    assert (report.added, report.updated, report.unchanged) == (0, 1, 1)
    assert workshop.annotation_of(MIKA).record.point("left_wrist") == [161, 170.5]
    (revision,) = revisions.revisions_of_annotation(project.db, workshop.annotation_of(MIKA).id)
    assert (revision.action, revision.version) == ("import", 2)


def test_what_a_person_placed_survives_a_file_that_says_otherwise_and_the_record_is_flagged(workshop):
    workshop.imports(*_records())
    workshop.changes(MIKA, left_wrist=placed(150, 150, "hidden"))
    moved = MIKA.record()
    moved.annotations[0].points[9] = [161, 170.5]

    report = workshop.imports(moved)

    record = workshop.annotation_of(MIKA).record
    assert (record.point("left_wrist"), record.state("left_wrist")) == ([150, 150], "hidden")
    assert [flag["flag"] for flag in report.flagged] == ["kept_human_work"]


def test_a_confirmed_box_survives_another_file(workshop):
    workshop.receives(MIKA)
    workshop.confirms(MIKA)
    mine = workshop.annotation_of(MIKA).record.bbox_xywh
    other = MIKA.record()
    other.annotations[0].bbox_xywh, other.annotations[0].box_source = [0, 0, 10, 10], "imported"

    workshop.imports(other)

    assert workshop.annotation_of(MIKA).record.bbox_xywh == mine


def test_a_second_file_fills_what_the_first_left_open(workshop):
    workshop.imports(MIKA.record())
    richer = MIKA.record()
    richer.annotations[0].points[1] = [130, 50]
    richer.annotations[0].states = "uv" + "u" * 15
    richer.annotations[0].sources = "ii" + richer.annotations[0].sources[2:]
    richer.artist = "somebody"

    report = workshop.imports(richer)

    record = workshop.annotation_of(MIKA).record
    assert report.updated == 1
    assert (record.point("left_eye"), record.state("left_eye"), record.source("left_eye")) == (
        [130, 50],
        "visible",
        "imported",
    )
    assert images.find_image(workshop.project.db, "danbooru", "1000001").record.artist == "somebody"


def test_a_refused_record_is_named_and_the_others_come_in(workshop, project):
    report = import_records(
        project,
        iter([MIKA.record(), Refusal("record 2", "x.json: record 2: is 7, expected an object"), NOA.record()]),
        format_name="test",
        file_name="x.json",
    )

    assert (report.added, len(report.refused)) == (2, 1)
    assert report.refused[0] == {"record": "record 2", "reason": "x.json: record 2: is 7, expected an object"}


def test_a_source_that_breaks_off_leaves_nothing(workshop, project):
    def breaking():
        yield MIKA.record()
        raise FormatError("x.json: ends in the middle")

    with pytest.raises(FormatError):
        import_records(project, breaking(), format_name="test", file_name="x.json")

    assert images.count_images(project.db)["images"] == 0


def test_what_only_a_machine_said_comes_in_as_a_prediction(workshop):
    record = MIKA.record()
    annotation = record.annotations[0]
    annotation.points[1], annotation.states = [130, 50], "uv" + "u" * 15
    annotation.sources = "im" + annotation.sources[2:]
    annotation.bbox_xywh, annotation.box_source = [1, 2, 3, 4], "predicted"

    workshop.imports(record)

    stored = workshop.annotation_of(MIKA).record
    assert (stored.point("left_eye"), stored.state("left_eye")) == (None, "undecided")
    assert stored.bbox_xywh is None
    from curator.store import work

    (prediction,) = work.latest_predictions(workshop.project.db)[workshop.annotation_of(MIKA).id].values()
    assert prediction.keypoints["left_eye"]["x"] == 130
    assert prediction.box == {"bbox_xywh": [1.0, 2.0, 3.0, 4.0], "source": "joints"}


def test_several_people_on_one_image_keep_their_order_and_are_matched_by_their_ids(workshop, project):
    crowd = AnnotationRecord(source_id="12", is_crowd=True, segmentation={"size": [2, 2], "counts": [0, 4]})
    image = ImageRecord("beach.jpg", 640, 480, "file", "beach.jpg")
    image.annotations = [
        AnnotationRecord(source_id="10", bbox_xywh=[1, 1, 5, 5], box_source="imported"),
        AnnotationRecord(source_id="11", bbox_xywh=[9, 9, 5, 5], box_source="imported"),
        crowd,
    ]
    workshop.imports(copy.deepcopy(image))
    image.annotations = [image.annotations[1], image.annotations[0], crowd]

    report = workshop.imports(image)

    stored = annotations.annotations_of(project.db, 1)
    assert report.unchanged == 1
    assert [a.record.source_id for a in stored] == ["10", "11", "12"]
    assert stored[2].record.is_crowd


@pytest.mark.parametrize("take", [import_add, import_coco], ids=["add", "coco"])
@pytest.mark.parametrize(
    "content",
    [b"", b"[{", b"\xff\xfe\x00", b"7", None],
    ids=["empty", "truncated", "not UTF-8", "a number", "no file"],
)
def test_a_file_that_cannot_be_read_is_one_sentence_and_stores_nothing(project, tmp_path, take, content):
    path = tmp_path / "broken.json"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(BadInput, match=r"broken\.json") as caught:
        take(project, path)

    assert "\n" not in str(caught.value)
    assert images.count_images(project.db)["images"] == 0


def test_adds_own_files_come_in_whole_with_their_oddities_flagged(project, shared_data):
    path = shared_data / "add" / "data.json"

    first = import_add(project, path)
    second = import_add(project, path)

    assert (first.added, len(first.refused)) == (2000, 0)
    assert (second.unchanged, second.added, second.updated) == (2000, 0, 0)
    flags = [flag["flag"] for flag in first.flagged]
    assert {name: flags.count(name) for name in set(flags)} == {
        "point_outside": 5,
        "point_on_edge": 4,
        "size_unknown": 1,
    }
    source = {item["file_name"]: item["points"] for item in json.loads(path.read_bytes())}
    for image in images.all_images(project.db):
        (annotation,) = annotations.annotations_of(project.db, image.id)
        points = source[image.record.file_name]
        assert annotation.record.point("nose") == points["nose_tip"]
        assert annotation.record.point("left_shoulder") == points["arm_left"]
        assert annotation.record.point("right_hip") == points["leg_right"]
        assert annotation.record.extras["thumb_left"] == points["thumb_left"]


def test_train_val_and_test_are_the_same_drawings_as_data(project, shared_data):
    import_add(project, shared_data / "add" / "data.json")

    counts = [import_add(project, shared_data / "add" / f"{name}.json").unchanged for name in ("train", "val", "test")]

    assert counts == [1400, 100, 500]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda record: record.annotations[0].extras.update(neck=[10**400, 1]),
        lambda record: setattr(record, "width", 2**70),
        lambda record: setattr(record, "file_name", "\ud800.png"),
    ],
    ids=["coordinate beyond 64 bits", "size beyond 64 bits", "name that is no Unicode"],
)
def test_a_record_that_the_store_cannot_hold_is_refused_alone_and_whole(workshop, project, spoil):
    spoiled = REN.record()
    spoil(spoiled)

    report = workshop.imports(MIKA.record(), spoiled, NOA.record())

    assert (report.added, len(report.refused)) == (2, 1)
    assert "expected plain values" in report.refused[0]["reason"]
    assert json.dumps(report.to_dict()).isascii()
    assert sorted(key[1] for key in _store(project)) == ["1000001", "1000003"]
