"""Out as COCO: what a person decided arrives to the last digit, what nobody did is said so, back in is the same."""

import errno
import io
import json
import os
from contextlib import redirect_stdout

import pytest
from cast import CAST, MIKA, NOA, REN
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from workshop import Workshop, placed

from curator import exports
from curator.errors import BadInput, CuratorError, ExportMismatch
from curator.imports import import_add, import_coco
from curator.payloads import Box, Keypoint
from curator.prefill import prefill
from curator.project import init_project
from curator.store import annotations, images
from datasets.records import AnnotationRecord, ImageRecord
from datasets.skeleton import ADD_TO_COCO, ALL_KEYPOINTS, COCO_KEYPOINTS, FACE_KEYPOINTS


@pytest.fixture
def workshop(project, tmp_path):
    made = Workshop(project, tmp_path)
    made.receives(*CAST)
    return made


def _store(project):
    found = {}
    for image in images.all_images(project.db):
        image.record.annotations = [a.record for a in annotations.annotations_of(project.db, image.id)]
        found[image.record.key] = image.record
    return found


def test_a_corrected_wrist_reaches_the_export(workshop):
    workshop.changes(MIKA, left_wrist=placed(212.0, 148.5))

    assert workshop.exports().keypoint(MIKA, "left_wrist") == (212.0, 148.5, 2)


def test_states_become_cocos_v(workshop):
    workshop.confirms(
        MIKA,
        left_eye=placed(130.25, 50, "visible"),
        right_eye=placed(110, 50.125, "hidden"),
        left_ear=Keypoint(None, None, "absent", "placed"),
        right_ear=placed(98, 56, "absent"),
    )

    exported = workshop.exports()

    assert exported.keypoint(MIKA, "left_eye") == (130.25, 50, 2)
    assert exported.keypoint(MIKA, "right_eye") == (110, 50.125, 1)
    assert exported.keypoint(MIKA, "left_ear") == (0, 0, 0)
    assert exported.keypoint(MIKA, "right_ear") == (0, 0, 0)
    assert exported.annotation_of(MIKA)["num_keypoints"] == 15


def test_imported_joints_that_nobody_judged_are_written_as_asked_and_counted(workshop):
    assert workshop.exports("two").keypoint(MIKA, "nose") == (120, 60, 2)
    one = workshop.exports("one", undecided=1)
    assert one.keypoint(MIKA, "nose") == (120, 60, 1)
    assert one.report.manifest["undecided_written"] == 13 + 13 + len(NOA.joints)


def test_machine_points_are_dropped_or_kept(workshop, project):
    prefill(project)

    dropped, kept = workshop.exports("dropped"), workshop.exports("kept", unconfirmed="keep")

    assert dropped.keypoint(MIKA, "left_eye") == (0, 0, 0)
    x, y, v = kept.keypoint(MIKA, "left_eye")
    assert v == 2
    assert abs(x - 130) < 10
    assert abs(y - 50) < 10


def test_confirmed_points_are_no_machines_any_more(workshop):
    workshop.confirms(MIKA)

    assert workshop.exports().keypoint(MIKA, "left_eye")[2] == 2
    assert workshop.exports().keypoint(REN, "left_eye") == (0, 0, 0)


def test_every_annotation_has_a_box_and_the_unconfirmed_are_counted(workshop):
    workshop.changes(MIKA, box=Box([70.5, 20, 110, 290], "placed", True))

    exported = workshop.exports()

    assert exported.annotation_of(MIKA)["bbox"] == [70.5, 20, 110, 290]
    assert exported.annotation_of(MIKA)["area"] == pytest.approx(110 * 290)
    assert all(w > 0 and h > 0 for _, _, w, h in (a["bbox"] for a in exported.coco["annotations"]))
    assert exported.report.manifest["unconfirmed_boxes"] == 2


def test_with_midpoints_there_are_25_keypoints_and_each_is_the_average_of_its_ends(workshop):
    exported = workshop.exports(with_midpoints=True)

    assert exported.coco["categories"][0]["keypoints"] == list(ALL_KEYPOINTS)
    assert exported.keypoint(MIKA, "left_upper_arm") == (150, (95 + 130.5) / 2, 2)
    assert exported.keypoint(NOA, "left_forearm") == (0, 0, 0)


def test_pycocotools_loads_it_with_names_and_one_based_skeleton(workshop):
    path = workshop.exports().path

    with redirect_stdout(io.StringIO()):
        coco = COCO(str(path))

    assert coco.loadCats(1)[0]["keypoints"] == list(COCO_KEYPOINTS)
    assert [16, 14] in coco.loadCats(1)[0]["skeleton"]
    assert len(coco.getAnnIds(imgIds=coco.getImgIds())) == 3


def test_export_then_import_elsewhere_is_the_same_store(workshop, project, tmp_path):
    workshop.confirms(MIKA, left_eye=placed(130.1, 50.7, "hidden"), right_ear=placed(5, 5, "absent"))
    workshop.changes(REN, left_wrist=placed(-3, 400.123456789))
    other = init_project(tmp_path / "other")

    report = import_coco(other, workshop.exports().path)

    assert report.added == 3
    assert _store(other) == _store(project)


_numbers = st.one_of(st.integers(-2000, 2000), st.floats(-1e5, 1e5, allow_nan=False).map(lambda x: x + 0.0))
_points = st.lists(_numbers, min_size=2, max_size=2)
_keypoints = st.one_of(
    st.tuples(st.none(), st.sampled_from(["u-", "ap", "aj"])),
    st.tuples(_points, st.sampled_from(["ui", "vi", "hi", "vp", "hp", "ap", "vc", "hj"])),
)


@st.composite
def _annotation_records(draw):
    keypoints = draw(st.lists(_keypoints, min_size=17, max_size=17))
    box = draw(st.one_of(st.none(), st.lists(st.integers(1, 500), min_size=4, max_size=4)))
    return AnnotationRecord(
        points=[point for point, _ in keypoints],
        states="".join(letters[0] for _, letters in keypoints),
        sources="".join(letters[1] for _, letters in keypoints),
        extras=draw(st.dictionaries(st.sampled_from(["neck", "thumb_left", "しっぽ"]), _points)),
        bbox_xywh=box,
        box_source="none" if box is None else draw(st.sampled_from(["imported", "placed", "confirmed"])),
        box_confirmed=box is not None and draw(st.booleans()),
        is_crowd=draw(st.booleans()),
    )


@st.composite
def _image_records(draw):
    ids = draw(st.lists(st.integers(1, 10**9), min_size=1, max_size=4, unique=True))
    return [
        ImageRecord(
            file_name=draw(st.sampled_from(["{}.png", "ペア/{}.jpg", "a b/{}.webp"])).format(post_id),
            width=draw(st.one_of(st.none(), st.integers(1, 4000))),
            height=draw(st.one_of(st.none(), st.integers(1, 4000))),
            source=draw(st.sampled_from(["danbooru", "pixiv"])),
            source_id=str(post_id),
            fit_wh=draw(st.sampled_from([None, (800, 600)])),
            artist=draw(st.one_of(st.none(), st.text("aé描'\"<&", max_size=8))),
            annotations=draw(st.lists(_annotation_records(), max_size=3)),
        )
        for post_id in ids
    ]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=_image_records())
def test_any_store_exported_and_imported_elsewhere_is_the_same_store(tmp_path_factory, records):
    folder = tmp_path_factory.mktemp("round")
    workshop = Workshop(init_project(folder / "one"), folder)
    workshop.imports(*records)
    other = init_project(folder / "other")

    report = import_coco(other, workshop.exports().path)

    assert (report.added, report.refused) == (len(records), [])
    assert _store(other) == _store(workshop.project)
    again = Workshop(other, folder).exports("again")
    assert again.path.read_bytes() == workshop.exports().path.read_bytes()


def test_two_exports_of_one_store_are_the_same_bytes(workshop, project):
    prefill(project)
    first, second = (workshop.exports(name, unconfirmed="keep") for name in ("one", "two"))

    assert [file["sha256"] for file in first.report.files] == [file["sha256"] for file in second.report.files]


def test_a_file_that_differs_from_the_store_is_an_error_and_is_not_left_behind(workshop, monkeypatch):
    real = exports._rows
    calls = []

    def wobbling(db, options):
        calls.append(1)
        for image_id, record, ids in real(db, options):
            if len(calls) == 2:  # the second reading, for the comparison, sees other numbers than were written
                record.annotations[0].points[0] = [1, 1]
            yield image_id, record, ids

    monkeypatch.setattr(exports, "_rows", wobbling)

    with pytest.raises(ExportMismatch, match="differs from the store") as caught:
        workshop.exports()

    assert caught.value.mismatches
    assert not (workshop.folder / "spring" / "annotations.json").exists()


def test_adds_joints_come_out_equal_to_the_last_digit(project, shared_data, tmp_path):
    path = shared_data / "add" / "data.json"
    import_add(project, path)
    report = prefill(project, missing_only=True)

    exported = Workshop(project, tmp_path).exports(unconfirmed="keep")

    assert report.predicted == 2000
    assert exported.report.annotations == 2000
    names = exported.coco["categories"][0]["keypoints"]
    by_image = {annotation["image_id"]: annotation["keypoints"] for annotation in exported.coco["annotations"]}
    keypoints = {image["file_name"]: by_image[image["id"]] for image in exported.coco["images"]}
    for item in json.loads(path.read_bytes()):
        flat = keypoints[item["file_name"]]
        for theirs, ours in ADD_TO_COCO.items():
            index = names.index(ours)
            assert flat[3 * index : 3 * index + 2] == item["points"][theirs]
        assert all(flat[3 * names.index(name) + 2] > 0 for name in FACE_KEYPOINTS)


def test_a_file_that_differs_leaves_the_export_of_before(workshop, monkeypatch):
    before = workshop.exports().path.read_bytes()
    monkeypatch.setattr(exports, "verify_coco", lambda path, *_, **__: [f"{path.name}: other"])

    with pytest.raises(ExportMismatch, match=r"the first: annotations\.json: other"):
        workshop.exports(undecided=1)

    assert workshop.folder.joinpath("spring", "annotations.json").read_bytes() == before
    assert sorted(os.listdir(workshop.folder / "spring")) == ["annotations.json", "manifest.json"]


def test_a_full_disk_at_the_manifest_is_told_and_leaves_nothing(workshop, monkeypatch):
    def refuse(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(exports, "write_whole", refuse)

    with pytest.raises(CuratorError, match="the disk is full"):
        workshop.exports()

    assert os.listdir(workshop.folder / "spring") == []


@pytest.mark.parametrize("name", ["annotations.json", "manifest.json"])
def test_a_folder_where_a_file_should_be_is_refused(workshop, name):
    (workshop.folder / "spring" / name).mkdir(parents=True)

    with pytest.raises(BadInput, match="is a folder"):
        workshop.exports()

    assert os.listdir(workshop.folder / "spring") == [name]


def test_a_file_where_the_folder_should_be_is_refused(workshop):
    (workshop.folder / "spring").write_text("precious")

    for name in ("spring", "spring/below"):
        with pytest.raises(BadInput, match="expected a folder"):
            workshop.exports(name)

    assert (workshop.folder / "spring").read_text() == "precious"


@pytest.mark.parametrize("manifest", [None, "{", "[]", '{"format": "other"}'])
def test_annotations_of_somebody_else_are_not_written_over(workshop, manifest):
    folder = workshop.folder / "spring"
    folder.mkdir()
    (folder / "annotations.json").write_text("precious")
    if manifest is not None:
        (folder / "manifest.json").write_text(manifest)

    with pytest.raises(BadInput, match="is not of an export of ours"):
        workshop.exports()

    assert (folder / "annotations.json").read_text() == "precious"
    assert len(os.listdir(folder)) == 1 + (manifest is not None)


def test_an_export_killed_between_its_two_files_runs_again(workshop):
    whole = workshop.exports().path.read_bytes()
    (workshop.folder / "spring" / "annotations.json").unlink()

    assert workshop.exports().path.read_bytes() == whole
