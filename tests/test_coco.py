"""COCO's door: any person-keypoints file in, ours out, and back again equal to the last digit.

Expected numbers are written by hand here or come from pycocotools; `verify_coco` is itself tested on damaged files.
"""

import copy
import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from datasets.add import read_add
from datasets.coco import CocoOptions, CocoRow, number_rows, read_coco, verify_coco, write_coco
from datasets.records import AnnotationRecord, FormatError, ImageRecord, Refusal
from datasets.skeleton import ALL_KEYPOINTS, COCO_KEYPOINTS, INDEX, MIDPOINTS

ROOT = Path(__file__).resolve().parent.parent


# --- a small cast of files and records --------------------------------------------------------------------------------


def triples(*visible: tuple[int, float, float, float]) -> list[float]:
    """51 numbers, all 0, 0, 0 but the (index, x, y, v) given."""
    numbers: list[float] = [0] * 51
    for index, x, y, v in visible:
        numbers[3 * index : 3 * index + 3] = [x, y, v]
    return numbers


def an_annotation(annotation_id: object = 418, **changes: object) -> dict:
    keypoints = triples((0, 104.5, 60, 2), (1, 110, 52.25, 1))
    box = [90.5, 40, 60, 300]
    return {"id": annotation_id, "image_id": 7, "category_id": 1, "keypoints": keypoints, "bbox": box} | changes


def an_image(image_id: object = 7, **changes: object) -> dict:
    return {"id": image_id, "file_name": f"{image_id}.jpg", "width": 400, "height": 600} | changes


PERSON = {"id": 1, "name": "person", "keypoints": list(COCO_KEYPOINTS), "skeleton": [[1, 2]]}


def a_file(tmp_path, images=None, annotations=None, categories=None, **more):
    path = tmp_path / "coco.json"
    images = [an_image()] if images is None else images
    annotations = [an_annotation()] if annotations is None else annotations
    whole = {"images": images, "annotations": annotations, "categories": categories or [PERSON]} | more
    path.write_text(json.dumps(whole))
    return path


def a_record(**changes: object) -> AnnotationRecord:
    """A nose that is seen, a left eye under hair, a right eye nobody judged, a left ear that is not there."""
    record = AnnotationRecord(bbox_xywh=[10, 20, 30.5, 40], box_source="confirmed", box_confirmed=True)
    record.points[:4] = [[101, 52.5], [105.25, 50], [98.0, 50], [110, -3]]
    record.states = "vhua" + "u" * 13
    record.sources = "cpij" + "-" * 13
    for name, value in changes.items():
        setattr(record, name, value)
    return record


def on_image(*annotations: AnnotationRecord, **changes: object) -> ImageRecord:
    image = ImageRecord("a.png", 200, 100, source_id="a.png", annotations=list(annotations))
    for name, value in changes.items():
        setattr(image, name, value)
    return image


def written(tmp_path, *images, **options) -> dict:
    """What write_coco makes of records, as plain JSON."""
    write_coco(tmp_path / "out.json", number_rows(images), options=CocoOptions(**options))
    return json.loads((tmp_path / "out.json").read_text())


def to_the_digit(images) -> list[str]:
    """Records as text in which 1 and 1.0, 0.0 and -0.0 differ, which == takes for equal."""
    return [json.dumps(asdict(image), sort_keys=True) for image in images]


# --- in: files of other programs --------------------------------------------------------------------------------------


def test_an_image_with_its_annotations_becomes_one_record(tmp_path):
    path = a_file(tmp_path, annotations=[an_annotation(418, area=17.5), an_annotation(419)])

    [image] = read_coco(path)

    assert (image.file_name, image.width, image.height, image.key) == ("7.jpg", 400, 600, ("file", "7.jpg"))
    first, second = image.annotations
    assert (first.source_id, second.source_id) == ("418", "419")
    assert first.bbox_xywh == [90.5, 40, 60, 300]
    assert (first.box_source, first.box_confirmed, first.area) == ("imported", False, 17.5)
    assert repr(first.point("nose")) == "[104.5, 60]"
    assert (first.state("nose"), first.source("nose")) == ("visible", "imported")
    assert (first.state("left_eye"), first.source("left_eye")) == ("hidden", "imported")


def test_a_keypoint_with_v_0_is_undecided_and_has_no_place(tmp_path):
    [image] = read_coco(a_file(tmp_path, annotations=[an_annotation(keypoints=triples((0, 5, 6, 2), (3, 8, 9, 0)))]))

    annotation = image.annotations[0]
    assert annotation.points == [[5, 6]] + [None] * 16
    assert annotation.states == "v" + "u" * 16
    assert annotation.sources == "i" + "-" * 16


def test_keypoints_are_found_by_name_in_any_order_and_spelling(tmp_path):
    names = ["neck", "eye_left", "Right Eye", "nose", "left_thigh", "ankle_right"]
    person = {"id": 3, "name": "girl", "keypoints": names}
    keypoints = [1, 2, 2, 11, 12, 1, 21, 22, 2, 31, 32, 2, 41, 42, 2, 51, 52, 2]
    path = a_file(tmp_path, annotations=[an_annotation(category_id=3, keypoints=keypoints)], categories=[person])

    [image] = read_coco(path)

    annotation = image.annotations[0]
    assert {name: annotation.point(name) for name in COCO_KEYPOINTS if annotation.point(name)} == {
        "nose": [31, 32], "left_eye": [11, 12], "right_eye": [21, 22], "right_ankle": [51, 52],
    }  # fmt: skip
    assert annotation.state("left_eye") == "hidden"
    assert annotation.state("left_ear") == "undecided"
    assert annotation.extras == {"neck": [1, 2]}, "left_thigh is derived, and dropped"


def test_the_17_in_cocos_order_and_midpoints_after_them(tmp_path):
    person = {"id": 1, "name": "person", "keypoints": list(ALL_KEYPOINTS)}
    keypoints = [number for k in range(25) for number in (k, 2 * k, 2)]

    [image] = read_coco(a_file(tmp_path, annotations=[an_annotation(keypoints=keypoints)], categories=[person]))

    assert image.annotations[0].points == [[k, 2 * k] for k in range(17)]
    assert image.annotations[0].extras == {}


def test_a_person_category_without_names_is_in_cocos_order(tmp_path):
    [image] = read_coco(a_file(tmp_path, categories=[{"id": 1, "name": "person"}]))

    assert image.annotations[0].point("left_eye") == [110, 52.25]


def test_masks_and_crowds_are_kept_as_they_stand(tmp_path):
    compressed = {
        "size": [4, 4],
        "counts": coco_mask.encode(np.asfortranarray(np.eye(4, dtype=np.uint8)))["counts"].decode(),
    }
    uncompressed = {"counts": [3, 4, 9], "size": [4, 4]}
    polygons = [[1, 1, 9.5, 1, 9.5, 9], [20, 20, 30, 20, 30, 30.25]]
    annotations = [
        an_annotation(1, segmentation=compressed, iscrowd=0),
        an_annotation(2, segmentation=uncompressed, iscrowd=1),
        an_annotation(3, segmentation=polygons),
        an_annotation(4, segmentation=[]),
    ]

    [image] = read_coco(a_file(tmp_path, annotations=annotations))

    assert [a.segmentation for a in image.annotations] == [compressed, uncompressed, polygons, []]
    assert [a.is_crowd for a in image.annotations] == [False, True, False, False]


def test_boxes_without_keypoints_and_images_without_annotations_are_fine(tmp_path):
    box_only = {"id": 1, "image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 4]}

    with_box, bare = read_coco(a_file(tmp_path, images=[an_image(7), an_image(8)], annotations=[box_only]))

    assert with_box.annotations[0].points == [None] * 17
    assert bare.annotations == []


def test_unknown_fields_are_kept(tmp_path):
    path = a_file(
        tmp_path,
        images=[an_image(coco_url="http://x/7.jpg", source=["scan"], curator="Bob")],
        annotations=[an_annotation(attributes={"pose": "sitting"}, score=0.5, curator={"name": "Bob"})],
    )

    [image] = read_coco(path)

    assert image.other == {"coco_url": "http://x/7.jpg", "source": ["scan"], "curator": "Bob"}
    assert image.annotations[0].other == {"attributes": {"pose": "sitting"}, "score": 0.5, "curator": {"name": "Bob"}}


def test_a_licence_is_read_by_its_name_and_artist_and_rating_are_taken(tmp_path):
    images = [an_image(1, license=4, artist="Mika", rating="g"), an_image(2, license=9)]

    named, unknown = read_coco(a_file(tmp_path, images=images, annotations=[], licenses=[{"id": 4, "name": "CC BY"}]))

    assert (named.licence, named.artist, named.rating, named.other) == ("CC BY", "Mika", "g", {})
    assert (unknown.licence, unknown.other) == (None, {"license": 9})


@pytest.mark.parametrize(
    ("file_name", "key"),
    [
        ("1154928.jpg", ("danbooru", "1154928")),
        ("0162/263162.jpg", ("danbooru", "263162")),
        ("__noa_drawn_by_x__0a1b.jpg", ("file", "__noa_drawn_by_x__0a1b.jpg")),
    ],
)
def test_danbooru_images_are_known_by_their_post(tmp_path, file_name, key):
    [image] = read_coco(a_file(tmp_path, images=[an_image(file_name=file_name)], annotations=[]), source="danbooru")

    assert image.key == key


@pytest.mark.parametrize(
    ("image", "keypoints", "flags"),
    [
        ({"width": 0, "height": 0}, triples((0, 5, 5, 2)), ["size_unknown"]),
        ({"width": None, "height": None}, triples((0, 5, 5, 2)), ["size_unknown"]),
        ({}, triples((0, 400.5, 5, 2)), ["point_outside"]),
        ({}, triples((0, 5, -1, 1)), ["point_outside"]),
        ({}, triples((0, 400, 5, 2)), ["point_on_edge"]),
        ({}, triples((0, 900, 5, 0)), []),
        ({}, triples((0, 0, 0, 2)), []),
    ],
    ids=["size 0", "size null", "right of it", "above it", "on the edge", "not labelled", "corner"],
)
def test_odd_images_are_flagged(tmp_path, image, keypoints, flags):
    [record] = read_coco(a_file(tmp_path, images=[an_image(**image)], annotations=[an_annotation(keypoints=keypoints)]))

    assert record.flags == flags


def test_annotations_come_to_their_image_whatever_the_order(tmp_path):
    annotations = [an_annotation(k, image_id=7 + k % 3) for k in range(1, 10)]

    images = list(read_coco(a_file(tmp_path, images=[an_image(9), an_image(7), an_image(8)], annotations=annotations)))

    assert [[a.source_id for a in image.annotations] for image in images] == [
        ["2", "5", "8"], ["3", "6", "9"], ["1", "4", "7"],
    ]  # fmt: skip


# --- in: bad records --------------------------------------------------------------------------------------------------

NAN, INF = float("nan"), float("inf")
BAD_ANNOTATIONS = {
    "50 numbers": ({"keypoints": [0] * 50}, "keypoints has 50 numbers, expected 51 (17 x 3)"),
    "NaN in keypoints": ({"keypoints": triples((1, NAN, 2, 2))}, "keypoints[3] is NaN, expected a finite number"),
    "infinity in bbox": ({"bbox": [1, 2, INF, 4]}, "bbox[2] is inf, expected a finite number"),
    "text in keypoints": ({"keypoints": ["1"] * 51}, "keypoints[0] is the string '1', expected a number"),
    "keypoints in a string": ({"keypoints": "0,0,0"}, "keypoints is the string '0,0,0', expected a list of numbers"),
    "v of 3": ({"keypoints": triples((2, 1, 1, 3))}, "keypoints[8] is a visibility of 3, expected 0, 1 or 2"),
    "v of 0.5": ({"keypoints": triples((2, 1, 1, 0.5))}, "keypoints[8] is a visibility of 0.5, expected 0, 1 or 2"),
    "v of 300": ({"keypoints": triples((2, 1, 1, 300))}, "keypoints[8] is a visibility of 300, expected 0, 1 or 2"),
    "unknown category": ({"category_id": 9}, "category_id is 9, expected a category of the file"),
    "unknown image": ({"image_id": 99}, "its image 99 is not in the file's list of images, expected one that was read"),
    "image id as text": ({"image_id": "7"}, "image_id is the string '7', expected a whole number"),
    "no image id": ({"image_id": None}, "image_id is null, expected a whole number"),
    "category id as text": ({"category_id": "1"}, "category_id is the string '1', expected a whole number"),
    "three numbers in bbox": ({"bbox": [1, 2, 3]}, "bbox has 3 numbers, expected 4 (x, y, width, height)"),
    "negative bbox": ({"bbox": [1, 2, -3, 4]}, "bbox is -3 wide and 4 high, expected no negative size"),
    "bbox as an object": ({"bbox": {"x": 1}}, "bbox is an object, expected a list of numbers (x, y, width, height)"),
    "null in bbox": ({"bbox": [1, 2, 3, None]}, "bbox[3] is null, expected a number"),
    "area as text": ({"area": "12"}, "area is the string '12', expected a number"),
    "iscrowd of 2": ({"iscrowd": 2}, "iscrowd is the number 2, expected 0 or 1"),
    "mask as text": ({"segmentation": "abc"}, "segmentation is str, expected polygons or an RLE object"),
    "odd polygon": ({"segmentation": [[1, 2, 3]]}, "segmentation[0] has 3 numbers, expected x, y pairs"),
    "RLE too short": (
        {"segmentation": {"size": [2, 2], "counts": [1, 2]}},
        "segmentation.counts covers 3 pixels, expected 4 (2 x 2)",
    ),
    "16 states": ({"curator": {"states": "u" * 16, "sources": "-" * 17}}, "curator.states is 'uuuuuuuuuuuuuuuu', ex"),
    "states of another kind": ({"curator": {"states": 5, "sources": ""}}, "curator.states has the wrong type: exp"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "reason"), BAD_ANNOTATIONS.values(), ids=BAD_ANNOTATIONS)
def test_a_bad_annotation_is_refused_and_the_others_are_read(tmp_path, changes, reason):
    annotations = [an_annotation(417), an_annotation(418, **changes), an_annotation(419)]

    read = list(read_coco(a_file(tmp_path, annotations=annotations)))

    [image] = [record for record in read if isinstance(record, ImageRecord)]
    [refusal] = [record for record in read if isinstance(record, Refusal)]
    assert [annotation.source_id for annotation in image.annotations] == ["417", "419"]
    assert refusal.record == "annotation 418"
    assert refusal.reason.startswith(f"coco.json: annotation 418: {reason}")
    assert "\n" not in refusal.reason


@pytest.mark.parametrize(
    ("annotation", "record", "reason"),
    [
        (an_annotation("12"), "annotations[1]", "id is the string '12', expected a whole number"),
        (an_annotation(1.5), "annotations[1]", "id is the number 1.5, expected a whole number"),
        (an_annotation(True), "annotations[1]", "id is true or false, expected a whole number"),
        ({"image_id": 7, "category_id": 1}, "annotations[1]", "id is missing, expected a whole number"),
        ([1, 2], "annotations[1]", "is a list of 2, expected an object"),
        (an_annotation(417), "annotation 417", "has an id that an annotation before it has, expected each id once"),
    ],
    ids=["text", "fraction", "boolean", "missing", "a list", "twice"],
)
def test_an_annotation_without_a_good_id_is_named_by_its_place(tmp_path, annotation, record, reason):
    read = list(read_coco(a_file(tmp_path, annotations=[an_annotation(417), annotation])))

    assert Refusal(record, f"coco.json: {record}: {reason}") in read
    assert [len(image.annotations) for image in read if isinstance(image, ImageRecord)] == [1]


BAD_IMAGES = {
    "id as text": (an_image("8"), "images[1]", "id is the string '8', expected a whole number"),
    "id twice": (an_image(7, file_name="b.jpg"), "image 7", "has an id that an image before it has"),
    "picture twice": (an_image(8, file_name="7.jpg"), "image 8", "is file '7.jpg', as image 7 is already"),
    "climbs out": (an_image(8, file_name="a/../../b.jpg"), "image 8", "file_name is 'a/../../b.jpg', which leaves its"),
    "climbs out on Windows": (an_image(8, file_name="a\\..\\..\\b.jpg"), "image 8", "file_name is 'a\\\\..\\\\"),
    "absolute": (an_image(8, file_name="/b.jpg"), "image 8", "file_name is the absolute path '/b.jpg', expected a"),
    "drive": (an_image(8, file_name="C:b.jpg"), "image 8", "file_name is the absolute path 'C:b.jpg', expected a"),
    "no name": (an_image(8, file_name=""), "image 8", "file_name is empty, expected a relative path"),
    "NUL in its name": (an_image(8, file_name="a\0.jpg"), "image 8", "file_name has a NUL character in it, expected"),
    "name is a number": (an_image(8, file_name=8), "image 8", "file_name is the number 8, expected a relative path"),
    "width as text": (an_image(8, width="400"), "image 8", "width is the string '400', expected a whole number of"),
    "half a pixel": (an_image(8, width=400.5), "image 8", "width is the number 400.5, expected a whole number of"),
    "negative height": (an_image(8, height=-6), "image 8", "is 400 x -6 pixels, expected a positive size"),
    "NaN": (an_image(8, width=NAN), "image 8", "width is NaN, expected a finite number"),
    "not Unicode": (an_image(8, file_name="\ud800.jpg"), "image 8", "file_name is '\\ud800.jpg', which is not valid"),
    "a string": ("8.jpg", "images[1]", "is the string '8.jpg', expected an object"),
}  # fmt: skip


@pytest.mark.parametrize(("image", "record", "reason"), BAD_IMAGES.values(), ids=BAD_IMAGES)
def test_a_bad_image_is_refused_and_the_others_are_read(tmp_path, image, record, reason):
    path = a_file(tmp_path, images=[an_image(7), image, an_image(9)])

    read = list(read_coco(path))

    [refusal] = [record for record in read if isinstance(record, Refusal)]
    assert [image.file_name for image in read if isinstance(image, ImageRecord)] == ["7.jpg", "9.jpg"]
    assert refusal.record == record
    assert refusal.reason.startswith(f"coco.json: {record}: {reason}")


def test_annotations_of_a_refused_image_say_so(tmp_path):
    refused_image, refused_annotation = read_coco(a_file(tmp_path, images=[an_image(7, width="x")]))

    assert refused_image.record == "image 7"
    assert refused_annotation.reason == (
        "coco.json: annotation 418: its image 7 was refused, expected one that was read"
    )


@pytest.mark.parametrize(
    ("category", "reason"),
    [
        (
            {"id": 3, "name": "car"},
            "annotation 418: its category 3 (car) has no keypoints and is not called person, expected a person",
        ),
        (
            {"id": 3, "name": "hand", "keypoints": ["thumb", "palm"]},
            "annotation 418: its category 3 (hand) has keypoints thumb, palm, ..., expected names like nose "
            "and left_eye",
        ),
        (
            {"id": 3, "name": "girl", "keypoints": ["nose", "left_eye", "eye_left"]},
            "category 3: keypoints names left_eye twice, expected each name once",
        ),
        ({"id": "3", "name": "girl"}, "categories[1]: id is the string '3', expected a whole number"),
    ],
    ids=["no person", "no person's keypoints", "a keypoint twice", "id as text"],
)
def test_a_category_that_is_no_person_is_named(tmp_path, category, reason):
    path = a_file(tmp_path, annotations=[an_annotation(category_id=3)], categories=[PERSON, category])

    reasons = [record.reason for record in read_coco(path) if isinstance(record, Refusal)]

    assert f"coco.json: {reason}" in reasons


WHOLE_FILES = {
    "empty": (b" \n", "coco.json: is empty, expected a JSON file"),
    "cut off": (b'{"images": [],\n"annotations": [{"id": 1}, ', "coco.json: the JSON ends early at byte 42 (line 2)"),
    "not UTF-8": (b'{"images": [],\n"info": "\xff"}', "coco.json: byte 24 (line 2) is 0xff, which is not UTF-8"),
    "a stray comma": (b'{"images": [],}', "coco.json: byte 14 (line 1, column 15) is not JSON"),
    "a list": (b"[1, 2]", "coco.json: is a list, expected a COCO object with images, annotations and categories"),
    "a string": (b'"images"', "coco.json: is a string, expected a COCO object"),
    "no images": (b'{"annotations": []}', "coco.json: has no list of images, expected a COCO object"),
    "images are an object": (b'{"images": {"1": 2}}', "coco.json: images is an object, expected a list"),
    "annotations are null": (b'{"images": [], "annotations": null}', "coco.json: annotations is null, expected a list"),
}


@pytest.mark.parametrize(("data", "message"), WHOLE_FILES.values(), ids=WHOLE_FILES)
def test_a_file_that_is_not_coco_is_refused_whole(tmp_path, data, message):
    path = tmp_path / "coco.json"
    path.write_bytes(data)

    with pytest.raises(FormatError) as caught:
        list(read_coco(path))

    assert message in str(caught.value)
    assert "expected" in str(caught.value)


def test_a_number_beyond_any_float_is_refused_with_its_record(tmp_path):
    path = a_file(tmp_path, annotations=[an_annotation(417), an_annotation(418), an_annotation(419)])
    text = path.read_text()
    second = text.index('"id": 418')
    path.write_text(text[:second] + text[second:].replace("104.5", "1e999", 1))

    read = list(read_coco(path))

    assert [record.record for record in read if isinstance(record, Refusal)] == ["annotation 418"]
    assert [len(record.annotations) for record in read if isinstance(record, ImageRecord)] == [2]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_damage_to_a_field_ends_in_anything_but_a_refusal(tmp_path, data):
    anything = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    )
    whole = written(tmp_path, on_image(a_record(segmentation=[[1, 1, 9, 1, 9, 9]]), fit_wh=(800, 600)))
    part = data.draw(st.sampled_from([whole["images"], whole["annotations"], whole["categories"]]))
    target = data.draw(st.sampled_from([part[0], part[0].get("curator", part[0])]))
    target[data.draw(st.sampled_from(sorted(target)))] = data.draw(anything)
    path = tmp_path / "damaged.json"
    path.write_text(json.dumps(whole))

    for record in read_coco(path):
        assert isinstance(record, ImageRecord) or "expected" in record.reason


# --- out --------------------------------------------------------------------------------------------------------------


def test_states_become_v_and_what_has_no_v_becomes_zeros(tmp_path):
    [annotation] = written(tmp_path, on_image(a_record()))["annotations"]

    assert annotation["keypoints"] == [101, 52.5, 2, 105.25, 50, 1, 98.0, 50, 2] + [0] * 42
    assert annotation["num_keypoints"] == 3
    assert annotation["bbox"] == [10, 20, 30.5, 40]
    assert annotation["area"] == 30.5 * 40
    assert annotation["iscrowd"] == 0
    assert annotation["category_id"] == 1


def test_numbers_keep_their_digits_and_their_type(tmp_path):
    numbers = [0.1 + 0.2, 1e22, 5e-324, -0.0, 7, 7.0, 2**70]
    record = a_record(states="v" * 17, points=[[number, 1] for number in numbers] + [None] * 10)

    text = (write_coco(tmp_path / "out.json", number_rows([on_image(record)])), (tmp_path / "out.json").read_text())[1]

    found = json.loads(text)["annotations"][0]["keypoints"][0:21:3]
    assert [repr(number) for number in found] == [repr(number) for number in numbers]


def test_undecided_points_are_written_as_the_caller_says_and_counted(tmp_path):
    report = write_coco(tmp_path / "a.json", number_rows([on_image(a_record())]), options=CocoOptions(undecided=1))

    [annotation] = json.loads((tmp_path / "a.json").read_text())["annotations"]
    assert annotation["keypoints"][6:9] == [98.0, 50, 1]
    assert report.undecided_written == 1
    assert report.keypoints == {0: 14, 1: 2, 2: 1}


@pytest.mark.parametrize(("unconfirmed", "nose"), [("drop", [0, 0, 0]), ("keep", [101, 52.5, 2])])
def test_a_models_unconfirmed_points_are_dropped_or_kept(tmp_path, unconfirmed, nose):
    image = on_image(a_record(sources="mpij" + "-" * 13))

    report = write_coco(tmp_path / "a.json", number_rows([image]), options=CocoOptions(unconfirmed=unconfirmed))

    [annotation] = json.loads((tmp_path / "a.json").read_text())["annotations"]
    assert annotation["keypoints"][:3] == nose
    assert report.dropped_points == (unconfirmed == "drop")


def test_25_keypoints_with_the_weaker_state_at_each_midpoint(tmp_path):
    record = a_record(states="u" * 17)
    record.points[INDEX["left_shoulder"]] = [10, 20]
    record.points[INDEX["left_elbow"]] = [13, 40]
    record.points[INDEX["left_wrist"]] = [20, 60]
    states = list("u" * 17)
    states[INDEX["left_shoulder"]], states[INDEX["left_elbow"]], states[INDEX["left_wrist"]] = "v", "h", "a"
    record.states = "".join(states)

    whole = written(tmp_path, on_image(record), with_midpoints=True)

    assert whole["categories"][0]["keypoints"] == [*COCO_KEYPOINTS, *MIDPOINTS]
    keypoints = whole["annotations"][0]["keypoints"]
    assert len(keypoints) == 75
    assert keypoints[51:54] == [11.5, 30.0, 1], "left upper arm: between visible and hidden"
    assert keypoints[57:60] == [0, 0, 0], "left forearm: its wrist is absent"


def test_the_category_is_cocos_person_with_1_based_edges(tmp_path):
    [category] = written(tmp_path, on_image())["categories"]

    assert category["name"] == category["supercategory"] == "person"
    assert category["keypoints"] == list(COCO_KEYPOINTS)
    assert category["skeleton"][0] == [16, 14]
    assert len(category["skeleton"]) == 19


def test_a_box_is_always_written_and_where_it_comes_from_is_counted(tmp_path):
    confirmed = a_record()
    no_box = a_record(bbox_xywh=None, box_source="none", box_confirmed=False)
    nothing = AnnotationRecord()

    report = write_coco(tmp_path / "a.json", number_rows([on_image(confirmed, no_box, nothing)]))

    boxes = [annotation["bbox"] for annotation in json.loads((tmp_path / "a.json").read_text())["annotations"]]
    assert boxes == [[10, 20, 30.5, 40], [98.0, 50, 7.25, 2.5], [0, 0, 200, 100]]
    assert (report.unconfirmed_boxes, report.boxes_from_points, report.boxes_from_image) == (2, 1, 1)


def test_area_is_the_masks_where_there_is_one(tmp_path):
    eye = coco_mask.encode(np.asfortranarray(np.eye(10, dtype=np.uint8)))
    rle = {"size": [10, 10], "counts": eye["counts"].decode()}
    square = [[10, 10, 20, 10, 20, 20, 10, 20]]
    records = [a_record(segmentation=s) for s in (rle, square, {"size": [4, 4], "counts": [3, 5, 8]}, [], None)]

    report = write_coco(tmp_path / "a.json", number_rows([on_image(*records)]))

    areas = [annotation["area"] for annotation in json.loads((tmp_path / "a.json").read_text())["annotations"]]
    assert areas == [10, 100, 5, 1220.0, 1220.0]
    assert (report.areas_from_masks, report.areas_from_boxes) == (3, 2)


def test_attribution_stands_in_plain_sight(tmp_path):
    image = on_image(
        artist="Mika", licence="CC BY 4.0", source="danbooru", source_id="12", rating="g", rating_scheme="d"
    )

    whole = written(tmp_path, image, curator=False)

    assert whole["licenses"] == [{"id": 1, "name": "CC BY 4.0", "url": ""}]
    assert whole["images"] == [
        {
            "id": 1, "file_name": "a.png", "width": 200, "height": 100, "artist": "Mika", "source": "danbooru",
            "source_id": "12", "rating": "g", "rating_scheme": "d", "license": 1,
        }
    ]  # fmt: skip


def test_without_the_extra_field_nothing_of_ours_is_left(tmp_path):
    text = json.dumps(written(tmp_path, on_image(a_record(extras={"neck": [1, 2]}), fit_wh=(800, 600)), curator=False))

    assert "curator" not in text
    assert "neck" not in text


def test_equal_records_make_equal_bytes(tmp_path):
    reports = [write_coco(tmp_path / f"{k}.json", number_rows([on_image(a_record())])) for k in (1, 2)]

    assert (tmp_path / "1.json").read_bytes() == (tmp_path / "2.json").read_bytes()
    assert reports[0].sha256 == reports[1].sha256


def test_an_empty_export_is_a_coco_file(tmp_path):
    report = write_coco(tmp_path / "a.json", [])

    assert (report.images, report.annotations) == (0, 0)
    assert list(read_coco(tmp_path / "a.json")) == []
    assert verify_coco(tmp_path / "a.json", []) == []


BAD_RECORDS = {
    "NaN": (a_record(points=[[NAN, 1]] + [None] * 16), "keypoints[0] is nan, expected a finite number"),
    "infinity among points kept aside": (
        a_record(points=[None] * 3 + [[1, INF]] + [None] * 13), "left_ear[1] is inf, expected a finite number",
    ),
    "16 points": (a_record(points=[None] * 16), "has 16 points, expected 17"),
    "a point of three": (a_record(points=[[1, 2, 3]] + [None] * 16), "has the point nose at [1, 2, 3], expected"),
    "a numpy number": (a_record(points=[[np.float32(1), 2]] + [None] * 16), "keypoints[0] is float32"),
    "16 states": (a_record(states="v" * 16), "has states 'vvvvvvvvvvvvvvvv' and sources"),
    "an unknown state": (a_record(states="x" * 17), "has the state 'x', expected u, v, h or a"),
    "an unknown source": (a_record(sources="x" * 17), "has sources 'xxxxxxxxxxxxxxxxx', expected letters of"),
    "a box of three": (a_record(bbox_xywh=[1, 2, 3]), "has a box of 3 numbers, expected 4"),
    "a negative box": (a_record(bbox_xywh=[1, 2, -3, 4]), "has a box -3 wide and 4 high, expected no negative size"),
    "NaN in another program's field": (a_record(other={"a": [{"b": NAN}]}), "holds the number nan, expected finite"),
    "NaN in a polygon": (a_record(segmentation=[[NAN] * 6]), "holds the number nan, expected finite"),
    "a set in another program's field": (a_record(other={"a": {1}}), "cannot be written as JSON"),
    "half a letter": (a_record(other={"a": "\ud800"}), "cannot be written as JSON"),
    "an area of NaN": (a_record(area=NAN), "area[0] is nan, expected a finite number"),
    "an endless area": (a_record(bbox_xywh=[0, 0, 1e200, 1e200]), "has a box 1e+200 wide and 1e+200 high, ex"),
    "more digits than a float has": (a_record(bbox_xywh=[0, 0, 10**400, 1]), "int too large"),
}  # fmt: skip


@pytest.mark.parametrize(("bad", "reason"), BAD_RECORDS.values(), ids=BAD_RECORDS)
def test_a_record_that_coco_cannot_hold_is_listed_and_the_rest_is_written(tmp_path, bad, reason):
    rows = list(number_rows([on_image(a_record(), copy.deepcopy(bad), a_record())]))

    report = write_coco(tmp_path / "a.json", rows)

    [refusal] = report.dropped
    assert refusal.record == "annotation 2"
    assert refusal.reason.startswith(f"a.json: annotation 2: {reason}")
    whole = json.loads((tmp_path / "a.json").read_text())
    assert [annotation["id"] for annotation in whole["annotations"]] == [1, 3]
    assert (report.images, report.annotations) == (1, 2)
    assert verify_coco(tmp_path / "a.json", rows, dropped=report.dropped) == []


def test_an_image_that_cannot_be_written_takes_its_annotations_along(tmp_path):
    images = [on_image(a_record(), file_name="../up.png"), on_image(a_record())]

    report = write_coco(tmp_path / "a.json", number_rows(images))

    assert [refusal.record for refusal in report.dropped] == ["image 1"]
    assert "leaves its folder through '..'" in report.dropped[0].reason
    assert (report.images, report.annotations) == (1, 1)


def test_annotation_id_0_is_refused_because_pycocotools_counts_it_as_no_match(tmp_path):
    report = write_coco(tmp_path / "a.json", [CocoRow(0, on_image(a_record()), [0])])

    assert report.images == 1
    assert "annotation 0: has the id 0, expected a whole number from 1 up" in report.dropped[0].reason


@pytest.mark.parametrize(("name", "value"), [("unconfirmed", "maybe"), ("undecided", 0)])
def test_options_that_do_not_exist_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} is .*, expected"):
        CocoOptions(**{name: value})


def test_an_export_that_breaks_off_leaves_what_was_there(tmp_path):
    (tmp_path / "a.json").write_text("old")

    def breaks_off():
        yield CocoRow(1, on_image(a_record()), [1])
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        write_coco(tmp_path / "a.json", breaks_off())

    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_text() == "old"


def test_a_killed_export_leaves_nothing_under_the_final_name(tmp_path):
    script = (
        "from datasets.coco import *; from datasets.records import *; import itertools, sys\n"
        "def rows():\n"
        "    for k in itertools.count(1):\n"
        "        if k == 5000: print('writing', flush=True)\n"
        "        image = ImageRecord(f'{k}.png', 9, 9, source_id=str(k), annotations=[AnnotationRecord()])\n"
        "        yield CocoRow(k, image, [k])\n"
        f"write_coco({str(tmp_path / 'a.json')!r}, rows())\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "writing\n"
    time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()

    assert not (tmp_path / "a.json").exists()


# --- out and in again -------------------------------------------------------------------------------------------------

numbers = st.integers(-(10**6), 10**6) | st.floats(-1e100, 1e100) | st.sampled_from([5e-324, 0.1 + 0.2, -0.0, 2**70])
sizes = st.integers(0, 10**6) | st.floats(0, 1e100)
places = st.lists(numbers, min_size=2, max_size=2)
names = st.text(min_size=1, max_size=8)
plain = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
clashes = st.sampled_from(["id", "keypoints", "curator", "license", "source", "artist", "score", "file_name"])
others = st.dictionaries(names | clashes, plain, max_size=3)
polygons = st.lists(
    st.lists(st.integers(-9, 300) | st.floats(-9, 300), min_size=2, max_size=5).map(lambda p: p * 2), max_size=2
)


def rles(draw_compressed: bool):
    masks = st.integers(0, 2**20 - 1).map(
        lambda bits: np.array([bits >> k & 1 for k in range(20)], dtype=np.uint8).reshape(4, 5, order="F")
    )
    if draw_compressed:
        return masks.map(
            lambda m: {"size": [4, 5], "counts": coco_mask.encode(np.asfortranarray(m))["counts"].decode()}
        )
    return st.lists(st.integers(0, 9), min_size=1, max_size=4).map(
        lambda runs: {"size": [1, sum(runs) + 1], "counts": [*runs, 1]}
    )


sources_of_boxes = ["none", "imported", "predicted", "placed", "confirmed", "adjudicated"]
annotation_records = st.builds(
    AnnotationRecord,
    points=st.lists(st.none() | places, min_size=17, max_size=17),
    states=st.text("uvha", min_size=17, max_size=17),
    sources=st.text("-impcj", min_size=17, max_size=17),
    extras=st.dictionaries(names, places, max_size=3),
    bbox_xywh=st.none() | st.tuples(numbers, numbers, sizes, sizes).map(list),
    box_source=st.sampled_from(sources_of_boxes),
    box_confirmed=st.booleans(),
    segmentation=st.none() | polygons | rles(True) | rles(False),
    area=st.none() | numbers,
    is_crowd=st.booleans(),
    source_id=st.none() | st.text(max_size=5) | st.integers(1, 5).map(str),
    other=others,
)
file_names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12).filter(
    lambda name: name[0] not in "/\\" and name[1:2] != ":" and ".." not in name
)
image_records = st.builds(
    ImageRecord,
    file_name=file_names,
    width=st.none() | st.integers(1, 5000),
    height=st.none() | st.integers(1, 5000),
    source=st.sampled_from(["file", "danbooru", "pixiv"]),
    source_id=st.text(max_size=6),
    fit_wh=st.none() | st.just((800, 600)),
    digest=st.none() | st.just("ab" * 32),
    original_md5=st.none() | st.just("cd" * 16),
    original_wh=st.none() | st.just((1000, 1400)),
    artist=st.none() | st.text(max_size=5),
    licence=st.none() | st.sampled_from(["CC BY 4.0", "CC0", "", "ライセンス"]),
    rating=st.none() | st.text(max_size=3),
    rating_scheme=st.none() | st.just("danbooru"),
    flags=st.lists(st.sampled_from(["point_outside", "size_unknown"]), max_size=2),
    removal=st.none() | st.just("duplicate"),
    annotations=st.lists(annotation_records, max_size=3),
    other=others,
)
all_options = st.builds(
    CocoOptions,
    with_midpoints=st.booleans(),
    unconfirmed=st.sampled_from(["drop", "keep"]),
    undecided=st.sampled_from([1, 2]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(images=st.lists(image_records, max_size=3, unique_by=lambda image: image.key), options=all_options)
def test_every_record_comes_back_equal(tmp_path, images, options):
    before = copy.deepcopy(images)
    rows = list(number_rows(images))

    report = write_coco(tmp_path / "a.json", rows, options=options)
    again = list(read_coco(tmp_path / "a.json"))

    assert report.dropped == []
    assert images == before, "the records given were left as they were"
    assert again == images
    assert to_the_digit(again) == to_the_digit(images)
    assert verify_coco(tmp_path / "a.json", rows, options=options) == []


def test_adds_own_files_come_back_equal(tmp_path, shared_data):
    images = list(read_add(shared_data / "add" / "data.json"))

    report = write_coco(tmp_path / "a.json", number_rows(images), options=CocoOptions(unconfirmed="keep"))

    assert (report.images, report.annotations, report.undecided_written) == (2000, 2000, 26_000)
    again = list(read_coco(tmp_path / "a.json"))
    assert to_the_digit(again) == to_the_digit(images)
    assert verify_coco(tmp_path / "a.json", number_rows(images)) == []


def test_another_programs_file_comes_back_equal(tmp_path):
    annotations = [
        an_annotation(418, area=17.5, attributes={"a": 1}, segmentation=[[1, 1, 9, 1, 9, 9]], score=0.25),
        an_annotation(5, iscrowd=1, bbox=None, keypoints=None),
    ]
    images = [an_image(coco_url="http://x/7.jpg", license=3)]
    first = list(read_coco(a_file(tmp_path, images, annotations, licenses=[{"id": 3, "name": "CC0", "url": "u"}])))

    write_coco(tmp_path / "a.json", number_rows(first))

    assert to_the_digit(read_coco(tmp_path / "a.json")) == to_the_digit(first)


def test_a_triple_changed_by_another_program_wins_over_the_extra_field(tmp_path):
    whole = written(tmp_path, on_image(a_record()))
    keypoints = whole["annotations"][0]["keypoints"]
    keypoints[0:2] = [300, 301]  # the nose was moved
    keypoints[5] = 2  # the left eye was found visible
    keypoints[9:12] = [120, 49, 1]  # the left ear was absent, and was placed
    (tmp_path / "b.json").write_text(json.dumps(whole))

    [image] = read_coco(tmp_path / "b.json")

    annotation = image.annotations[0]
    assert annotation.points[:4] == [[300, 301], [105.25, 50], [98.0, 50], [120, 49]]
    assert annotation.states[:4] == "vvuh"
    assert annotation.sources[:4] == "ciii"


def test_a_box_changed_by_another_program_is_no_longer_made_up(tmp_path):
    whole = written(tmp_path, on_image(a_record(bbox_xywh=None, box_source="none", box_confirmed=False)))
    whole["annotations"][0]["bbox"] = [1, 2, 3, 4]
    (tmp_path / "b.json").write_text(json.dumps(whole))

    [image] = read_coco(tmp_path / "b.json")

    assert image.annotations[0].bbox_xywh == [1, 2, 3, 4]
    assert image.annotations[0].box_source == "imported"


# --- reading back through pycocotools ---------------------------------------------------------------------------------


def test_pycocotools_opens_the_file_and_draws_its_masks(tmp_path, capsys):
    square = [[10, 10, 20, 10, 20, 20, 10, 20]]
    write_coco(tmp_path / "a.json", number_rows([on_image(a_record(segmentation=square))]))

    coco = COCO(str(tmp_path / "a.json"))
    capsys.readouterr()

    assert coco.getCatIds(catNms=["person"]) == [1]
    [annotation] = coco.loadAnns(coco.getAnnIds(imgIds=[1]))
    assert coco.annToMask(annotation).sum() == annotation["area"] == 100


DAMAGE = {
    "a keypoint": (lambda whole: whole["annotations"][0]["keypoints"].__setitem__(0, 9), "keypoints is [9, 52.5, 2"),
    "a box": (lambda whole: whole["annotations"][0]["bbox"].__setitem__(2, 31), "bbox is [10, 20, 31, 40], expected"),
    "a count": (lambda whole: whole["annotations"][0].update(num_keypoints=4), "num_keypoints is 4, expected 3"),
    "an area": (lambda whole: whole["annotations"][0].update(area=1), "area is 1, expected 1220.0"),
    "an image id": (lambda whole: whole["annotations"][0].update(image_id=2), "image_id is 2, expected 1"),
    "a lost annotation": (lambda whole: whole["annotations"].pop(0), "annotation 1: is not in the file"),
    "an annotation twice": (
        lambda whole: whole["annotations"].append(whole["annotations"][0]), "number of annotations is 2, expected 1",
    ),
    "a lost image": (lambda whole: whole["images"].pop(0), "image 1: is not in the file"),
    "a size": (lambda whole: whole["images"][0].update(width=1), "image 1: width is 1, expected 200"),
    "the names": (lambda whole: whole["categories"][0]["keypoints"].reverse(), "category: keypoints is ['right_ankle'"),
}  # fmt: skip


@pytest.mark.parametrize(("damage", "sentence"), DAMAGE.values(), ids=DAMAGE)
def test_a_file_that_differs_from_its_records_is_found_out(tmp_path, damage, sentence):
    rows = list(number_rows([on_image(a_record())]))
    write_coco(tmp_path / "out.json", rows)
    assert verify_coco(tmp_path / "out.json", rows) == []
    whole = json.loads((tmp_path / "out.json").read_text())
    damage(whole)
    (tmp_path / "out.json").write_text(json.dumps(whole))

    sentences = verify_coco(tmp_path / "out.json", rows)

    assert any(sentence in found for found in sentences), sentences


def test_verifying_says_nothing_on_the_screen_and_names_a_file_that_is_no_coco(tmp_path, capsys):
    (tmp_path / "out.json").write_text("[1, 2")

    [sentence] = verify_coco(tmp_path / "out.json", [])

    assert sentence.startswith("out.json: pycocotools cannot load it")
    assert capsys.readouterr().out == ""


def test_many_differences_are_counted_not_listed(tmp_path):
    rows = list(number_rows([on_image(*[a_record() for _ in range(300)])]))
    write_coco(tmp_path / "out.json", rows, options=CocoOptions(undecided=1))

    sentences = verify_coco(tmp_path / "out.json", rows, options=CocoOptions(undecided=2))

    assert len(sentences) == 101
    assert sentences[-1] == "out.json: 200 more differences, not listed"


def test_a_hundred_thousand_annotations_are_written_in_constant_memory(tmp_path):
    script = (
        "from datasets.coco import *; from datasets.records import *\n"
        "def peak_kb():  # ru_maxrss would start from what pytest holds\n"
        "    return int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])\n"
        "def rows(n):\n"
        "    for k in range(1, n + 1):\n"
        "        a = AnnotationRecord([[k + 0.5, 31.25] for _ in range(17)], 'v' * 17, 'c' * 17, {}, [1, 2, 3, 4])\n"
        "        yield CocoRow(k, ImageRecord(f'{k}.png', 9, 9, source_id=str(k), annotations=[a]), [k])\n"
        f"write_coco({str(tmp_path / 'a.json')!r}, rows(100))\n"
        "before = peak_kb()\n"
        f"write_coco({str(tmp_path / 'a.json')!r}, rows(100_000))\n"
        "print(peak_kb() - before)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

    assert int(run.stdout) / 1024 <= 32, "MiB"
    assert math.isclose(sum(1 for _ in read_coco(tmp_path / "a.json")), 100_000)
