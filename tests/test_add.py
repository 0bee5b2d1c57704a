"""AnimeDrawingsDataset's door: its own files whole and verbatim, and everything a damaged one can hold."""

import copy
import json
from collections import Counter

import pytest

from datasets.add import read_add, write_add
from datasets.records import FormatError, ImageRecord, Refusal
from datasets.skeleton import ADD_NAMES, ADD_TO_COCO, FACE_KEYPOINTS

HAS_POINT_OUTSIDE = {"1606258", "1617427", "1677816", "1784161", "1798573"}
HAS_POINT_ON_EDGE = {"1785018", "1792166", "1819824", "1845822"}


def an_item(post_id: object = 1001, **changes: object) -> dict:
    points = {name: [100 + 2 * k, 50.5 + k] for k, name in enumerate(ADD_NAMES)}
    return {"file_name": f"data/images/{post_id}.jpg", "points": points, "width": 286, "height": 600} | changes


def a_file(tmp_path, *items, name="data.json"):
    path = tmp_path / name
    path.write_text(json.dumps(list(items)))
    return path


def without(item: dict, name: str) -> dict:
    del item["points"][name]
    return item


def with_point(name: str, value: object) -> dict:
    item = an_item()
    item["points"][name] = value
    return item


# --- ADD's own files --------------------------------------------------------------------------------------------------


def test_all_2000_records_are_read_and_none_is_refused(shared_data):
    records = list(read_add(shared_data / "add" / "data.json"))

    assert Counter(type(record) for record in records) == {ImageRecord: 2000}
    assert len({record.key for record in records}) == 2000
    assert {record.source for record in records} == {"danbooru"}
    assert {record.fit_wh for record in records} == {(800, 600)}
    assert sum(record.file_name.endswith(".png") for record in records) == 357


def test_odd_records_are_flagged_not_clipped(shared_data):
    records = {record.source_id: record for record in read_add(shared_data / "add" / "data.json")}

    def flagged(flag):
        return {record.source_id for record in records.values() if flag in record.flags}

    assert flagged("point_outside") == HAS_POINT_OUTSIDE
    assert flagged("point_on_edge") == HAS_POINT_ON_EDGE
    assert flagged("size_unknown") == {"1863413"}
    assert sum(bool(record.flags) for record in records.values()) == 10
    assert records["1863413"].width is None
    assert records["1863413"].height is None
    assert records["1677816"].annotations[0].extras["tiptoe_left"] == [-11.5, 477]


def test_every_coordinate_is_the_files_own_to_the_type(shared_data):
    path = shared_data / "add" / "data.json"
    num_with_halves = 0
    for item, record in zip(json.loads(path.read_text()), read_add(path), strict=True):
        [annotation] = record.annotations
        for name, point in item["points"].items():
            ours = annotation.point(ADD_TO_COCO[name]) if name in ADD_TO_COCO else annotation.extras[name]
            assert repr(ours) == repr(point)
        num_with_halves += any(value % 1 == 0.5 for point in item["points"].values() for value in point)
    assert num_with_halves == 836


@pytest.mark.parametrize("name", ["data", "train", "val", "test"])
def test_a_file_of_add_read_and_written_again_is_the_same_bytes(shared_data, tmp_path, name):
    original = shared_data / "add" / f"{name}.json"

    refused = write_add(tmp_path / "again.json", read_add(original))

    assert refused == []
    assert (tmp_path / "again.json").read_bytes() == original.read_bytes()


# --- one record -------------------------------------------------------------------------------------------------------


def test_a_record_becomes_13_undecided_joints_and_8_extra_points(tmp_path):
    [record] = read_add(a_file(tmp_path, an_item(1154928)))

    assert record.key == ("danbooru", "1154928")
    assert (record.file_name, record.width, record.height) == ("data/images/1154928.jpg", 286, 600)
    assert record.flags == []
    [annotation] = record.annotations
    assert annotation.states == "u" * 17
    assert annotation.sources == "i----iiiiiiiiiiii"
    assert annotation.bbox_xywh is None
    assert annotation.point("nose") == [106, 53.5]
    assert annotation.point("left_shoulder") == [110, 55.5]
    assert annotation.extras["body_upper"] == [100, 50.5]
    assert len(annotation.extras) == 8
    assert all(annotation.point(name) is None for name in FACE_KEYPOINTS)


@pytest.mark.parametrize(
    ("point", "flags"),
    [
        ([286.5, 10], ["point_outside"]),
        ([10, 600.5], ["point_outside"]),
        ([-0.5, 10], ["point_outside"]),
        ([286, 10], ["point_on_edge"]),
        ([10, 600.0], ["point_on_edge"]),
        ([0, 0], []),
        ([285.5, 599.5], []),
    ],
    ids=[
        "right of it",
        "below it",
        "left of it",
        "on the right edge",
        "on the bottom edge",
        "top left corner",
        "in it",
    ],
)
def test_where_a_point_lies_decides_the_flag(tmp_path, point, flags):
    [record] = read_add(a_file(tmp_path, with_point("tiptoe_left", point)))

    assert record.flags == flags
    assert record.annotations[0].extras["tiptoe_left"] == point


def test_fields_that_add_does_not_have_are_kept(tmp_path):
    [record] = read_add(a_file(tmp_path, an_item(note="a cat in the corner")))

    assert record.other == {"note": "a cat in the corner"}
    write_add(tmp_path / "again.json", [record])
    assert json.loads((tmp_path / "again.json").read_text())[0]["note"] == "a cat in the corner"


# --- bad records ------------------------------------------------------------------------------------------------------

BAD = {
    "missing point": (without(an_item(), "neck"), "has no point neck, expected all of ADD's 21"),
    "unknown name": (with_point("tail", [1, 2]), "has a point named 'tail', expected ADD's 21 names only"),
    "NaN": (with_point("neck", [float("nan"), 2]), "points.neck[0] is NaN, expected a finite number"),
    "infinity": (with_point("neck", [1, float("-inf")]), "points.neck[1] is -inf, expected a finite number"),
    "a string for a number": (with_point("neck", ["12", 2]), "point neck holds a string, expected two numbers"),
    "a boolean for a number": (with_point("neck", [True, 2]), "point neck holds true or false, expected two numbers"),
    "three numbers": (with_point("neck", [1, 2, 3]), "point neck has 3 numbers, expected 2 (x, y)"),
    "an object for a point": (with_point("neck", {"x": 1}), "point neck is an object, expected [x, y]"),
    "points are a list": (an_item(points=[1, 2]), "points is a list of 2, expected an object of 21 named points"),
    "no width": ({k: v for k, v in an_item().items() if k != "width"}, "has no width, expected"),
    "width is a string": (an_item(width="286"), "width is the string '286', expected a whole number of pixels"),
    "width is a fraction": (an_item(width=286.5), "width is the number 286.5, expected a whole number of pixels"),
    "height is negative": (an_item(height=-1), "height is the number -1, expected a whole number of pixels"),
    "file name is a number": (an_item(file_name=12), "file_name is the number 12, expected a path"),
    "id is no number": (an_item(file_name="data/images/abc.jpg"), "expected a Danbooru post's number"),
    "climbs out": (an_item(file_name="../../etc/1001.jpg"), "which leaves its folder through '..', expected a path"),
    "absolute path": (an_item(file_name="/etc/1001.jpg"), "is the absolute path '/etc/1001.jpg', expected a relative"),
    "a number for a record": (5, "is the number 5, expected an object with file_name, width, height and points"),
}  # fmt: skip


@pytest.mark.parametrize(("item", "reason"), BAD.values(), ids=BAD)
def test_a_bad_record_is_refused_by_name_and_the_others_are_read(tmp_path, item, reason):
    path = a_file(tmp_path, an_item(1), copy.deepcopy(item), an_item(3))

    first, refusal, last = read_add(path)

    assert (first.source_id, last.source_id) == ("1", "3")
    assert isinstance(refusal, Refusal)
    assert reason in refusal.reason
    assert refusal.reason.startswith(f"data.json: {refusal.record}: ")
    assert "\n" not in refusal.reason


def test_the_second_of_two_records_with_one_id_is_refused(tmp_path):
    first, refusal = read_add(a_file(tmp_path, an_item(7), an_item("0007")))

    assert first.source_id == "7"
    assert refusal.reason == (
        "data.json: data/images/0007.jpg: has id 7, which is already data/images/7.jpg, expected each id once"
    )


WHOLE_FILES = {
    "empty": (b"", "data.json: is empty, expected a JSON file"),
    "cut off": (b'[\n{"file_name": "data/ima', "data.json: byte "),
    "cut off between records": (b'[{"a": 1},\n', "ends early at byte 11 (line 2)"),
    "not JSON": (b"file_name,width\n", "data.json: byte 0 (line 1, column 1) is not JSON"),
    "UTF-16": ('[{"a": 1}]'.encode("utf-16"), "data.json: byte 0 (line 1) is 0xff, which is not UTF-8"),
    "Latin-1 in line 2": (b'[\n"caf\xe9"]', "data.json: byte 6 (line 2) is 0xe9, which is not UTF-8"),
    "an object": (b'{"images": []}', "data.json: is an object, expected a list of ADD records"),
    "nested without end": (b"[" * 200_000, "data.json: lists or objects are nested too deeply"),
}


@pytest.mark.parametrize(("data", "message"), WHOLE_FILES.values(), ids=WHOLE_FILES)
def test_a_file_that_is_no_list_of_records_is_refused_whole(tmp_path, data, message):
    path = tmp_path / "data.json"
    path.write_bytes(data)

    with pytest.raises(FormatError) as caught:
        list(read_add(path))

    assert message in str(caught.value)
    assert "expected" in str(caught.value)


def test_a_file_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(FormatError, match=r"none\.json: cannot be read \(No such file or directory\)"):
        read_add(tmp_path / "none.json")


def test_a_byte_order_mark_is_no_obstacle(tmp_path):
    path = tmp_path / "data.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps([an_item(9)]).encode())

    assert [record.source_id for record in read_add(path)] == ["9"]


# --- writing ----------------------------------------------------------------------------------------------------------


def test_what_add_cannot_hold_is_listed_and_the_rest_is_written(tmp_path):
    good, no_neck, two_people = read_add(a_file(tmp_path, an_item(1), an_item(2), an_item(3)))
    del no_neck.annotations[0].extras["neck"]
    two_people.annotations *= 2

    refused = write_add(tmp_path / "out.json", [no_neck, good, two_people])

    assert [refusal.reason for refusal in refused] == [
        "out.json: data/images/2.jpg: has no place for neck, expected all of ADD's 21 points",
        "out.json: data/images/3.jpg: has 2 annotations, expected one: ADD holds one character a drawing",
    ]
    assert list(read_add(tmp_path / "out.json")) == [good]


def test_a_writer_that_breaks_off_leaves_the_old_file_and_no_other(tmp_path):
    out = tmp_path / "out.json"
    out.write_text("old")

    def breaks_off():
        yield from read_add(a_file(tmp_path, an_item(1)))
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        write_add(out, breaks_off())

    assert out.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.json", "out.json"]
