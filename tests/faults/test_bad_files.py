"""Files from strangers, broken in every way known: each bad one gets a sentence, the good ones beside it get in.

Everything goes through the command line as a person would type it. A sentence names the file and the record, says what
was found and what was expected; exit 1 says that something was refused; nothing prints a traceback.
"""

from __future__ import annotations

import atexit
import io
import json
import math
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from faults.commands import ROOT, Ran, curator
from faults.drawings import FIRST_POST, add_record, draw, write_records
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

# Not marked `faults`: a soak has nothing to add to these tables; it draws more cases for the tests at the end.
GOOD_COUNT = 3


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty project."""
    folder = tmp_path / "project"
    assert curator(None, "init", str(folder)).exit_code == 0
    return folder


def _assert_whole(root: Path) -> None:
    checked = curator(root, "check", "--json")
    assert (checked.exit_code, checked.json["problems"]) == (0, []), checked


def _assert_sentence(sentence: str) -> None:
    assert sentence
    assert "\n" not in sentence
    assert len(sentence) < 500, sentence
    assert "Error" not in sentence, f"a Python word in {sentence!r}"


def _assert_refuses_the_file(ran: Ran, name: str) -> None:
    """The file as a whole cannot be read: exit 1, one line on stderr, naming it."""
    assert ran.exit_code == 1, ran
    lines = ran.stderr.strip().splitlines()
    assert len(lines) == 1, ran.stderr
    assert name in lines[0]
    _assert_sentence(lines[0])
    assert ran.json["ok"] is False


# --- annotation files -------------------------------------------------------------------------------------------------


def _add_file() -> list[dict[str, Any]]:
    return [add_record(number) for number in range(GOOD_COUNT)]


def _coco_file() -> dict[str, Any]:
    from datasets.skeleton import COCO_KEYPOINTS

    images = [
        {"id": number, "file_name": f"{number}.png", "width": 150, "height": 200} for number in range(1, GOOD_COUNT + 1)
    ]
    annotations = [
        {
            "id": 10 + image["id"], "image_id": image["id"], "category_id": 1, "iscrowd": 0, "num_keypoints": 17,
            "keypoints": [value for index in range(17) for value in (10.5 + index, 20 + index, 2)],
            "bbox": [5, 5, 100, 150], "area": 15000,
        }
        for image in images
    ]  # fmt: skip
    category = {"id": 1, "name": "person", "keypoints": list(COCO_KEYPOINTS), "skeleton": []}
    return {"images": images, "annotations": annotations, "categories": [category]}


WHOLE_FILES: dict[str, bytes] = {
    "cut off": b'[{"file_name": "data/images/1.png", "wid',
    "empty": b"",
    "white space": b"  \n ",
    "not UTF-8": b'[{"file_name": "caf\xe9.png"}]',
    "UTF-16": '[{"file_name": "1.png"}]'.encode("utf-16"),
    "a page": b"<!doctype html><title>Not found</title>",
    "a number": b"7",
    "a string": b'"data"',
    "null": b"null",
    "nested too deeply": b"[" * 200_000,
    "a number of many digits": b"[" + b"9" * 5_000 + b"]",
    "bytes": bytes(range(256)) * 4,
}


@pytest.mark.parametrize("format_name", ["add", "coco"])
@pytest.mark.parametrize("content", WHOLE_FILES.values(), ids=WHOLE_FILES)
def test_a_file_that_cannot_be_read_as_a_whole_is_refused_by_name(
    root: Path, tmp_path: Path, format_name: str, content: bytes
) -> None:
    path = tmp_path / "strange.json"
    path.write_bytes(content)

    ran = curator(root, "import", format_name, str(path), "--json")

    if ran.exit_code == 1 and "refused" in ran.stdout:  # a list of one record that is none
        assert ran.json["added"] == 0
        assert all("strange.json" in row["reason"] for row in ran.json["refused"])
    else:
        _assert_refuses_the_file(ran, "strange.json")
    assert curator(root, "status", "--json").json["images"] == 0
    _assert_whole(root)


def test_a_file_or_folder_that_is_not_there_is_named(root: Path, tmp_path: Path) -> None:
    for words in (("add", "nowhere.json"), ("coco", "nowhere.json"), ("images", "nowhere")):
        path = tmp_path / words[1]
        _assert_refuses_the_file(curator(root, "import", words[0], str(path), "--json"), words[1])
    _assert_refuses_the_file(curator(root, "import", "add", str(tmp_path), "--json"), tmp_path.name)


def test_bad_use_of_the_command_line_exits_with_2(root: Path) -> None:
    for words in (("import",), ("import", "add"), ("import", "unknown", "x"), ("export", "coco"), ("nonsense",)):
        assert curator(root, *words).exit_code == 2, words


Spoil = Callable[[dict[str, Any]], object]
ADD_RECORDS: dict[str, Spoil] = {
    "no points": lambda record: record.pop("points"),
    "a joint missing": lambda record: record["points"].pop("neck"),
    "an unknown joint": lambda record: record["points"].update(tail=[1, 2]),
    "three numbers": lambda record: record["points"].update(neck=[1, 2, 3]),
    "a point in words": lambda record: record["points"].update(neck=["1", "2"]),
    "NaN": lambda record: record["points"].update(neck=[math.nan, 2]),
    "infinity": lambda record: record["points"].update(neck=[1, math.inf]),
    "null": lambda record: record["points"].update(neck=None),
    "width in words": lambda record: record.update(width="150"),
    "a negative width": lambda record: record.update(width=-5),
    "width true": lambda record: record.update(width=True),
    "a path that leaves": lambda record: record.update(file_name="../../etc/7000009.png"),
    "an absolute path": lambda record: record.update(file_name="/etc/7000009.png"),
    "a path of Windows": lambda record: record.update(file_name="C:\\pictures\\7000009.png"),
    "a path with NUL": lambda record: record.update(file_name="data/\0/7000009.png"),
    "a name without a number": lambda record: record.update(file_name="data/images/miku.png"),
    "a name that is a number": lambda record: record.update(file_name=7000009),
    "a lone surrogate": lambda record: record.update(file_name="\ud800/7000009.png"),
    "the id of another": lambda record: record.update(file_name=f"data/images/{FIRST_POST}.png"),
}


@pytest.mark.parametrize("spoil", ADD_RECORDS.values(), ids=ADD_RECORDS)
def test_a_bad_record_of_add_is_refused_and_the_others_come_in(root: Path, tmp_path: Path, spoil: Spoil) -> None:
    records = _add_file()
    bad = add_record(99)
    spoil(bad)
    (tmp_path / "data.json").write_text(json.dumps([*records, bad]))

    ran = curator(root, "import", "add", str(tmp_path / "data.json"), "--json")

    assert (ran.exit_code, ran.json["added"], len(ran.json["refused"])) == (1, GOOD_COUNT, 1), ran
    assert ran.json["refused"][0]["reason"].startswith("data.json: ")
    _assert_sentence(ran.json["refused"][0]["reason"])
    assert len(ran.stderr.strip().splitlines()) == 1
    _assert_whole(root)


@pytest.mark.parametrize("entry", [7, "x", None, [], {}, True], ids=repr)
def test_an_entry_of_add_that_is_no_record_is_refused_by_its_number(root: Path, tmp_path: Path, entry: Any) -> None:
    (tmp_path / "data.json").write_text(json.dumps([*_add_file(), entry]))

    ran = curator(root, "import", "add", str(tmp_path / "data.json"), "--json")

    assert (ran.exit_code, ran.json["added"]) == (1, GOOD_COUNT)
    assert f"record {GOOD_COUNT + 1}" in ran.json["refused"][0]["reason"]


COCO_ANNOTATIONS: dict[str, Spoil] = {
    "50 numbers": lambda annotation: annotation["keypoints"].pop(),
    "a visibility of 3": lambda annotation: annotation["keypoints"].__setitem__(2, 3),
    "a number in words": lambda annotation: annotation["keypoints"].__setitem__(0, "10"),
    "NaN": lambda annotation: annotation["keypoints"].__setitem__(0, math.nan),
    "keypoints in words": lambda annotation: annotation.update(keypoints="all"),
    "an unknown category": lambda annotation: annotation.update(category_id=9),
    "an id in words": lambda annotation: annotation.update(id="99"),
    "the id of another": lambda annotation: annotation.update(id=11),
    "an unknown image": lambda annotation: annotation.update(image_id=77),
    "an image id in words": lambda annotation: annotation.update(image_id="1"),
    "no image id": lambda annotation: annotation.pop("image_id"),
    "a box of three": lambda annotation: annotation.update(bbox=[1, 2, 3]),
    "a box in words": lambda annotation: annotation.update(bbox="everything"),
    "a polygon of five numbers": lambda annotation: annotation.update(segmentation=[[1, 2, 3, 4, 5]]),
    "a mask that ends early": lambda annotation: annotation.update(segmentation={"size": [200, 150], "counts": [1, 2]}),
    "a mask of nonsense": lambda annotation: annotation.update(segmentation={"size": [200, 150], "counts": "\x01\x02"}),
}


@pytest.mark.parametrize("spoil", COCO_ANNOTATIONS.values(), ids=COCO_ANNOTATIONS)
def test_a_bad_annotation_of_coco_is_refused_and_the_others_come_in(root: Path, tmp_path: Path, spoil: Spoil) -> None:
    document = _coco_file()
    document["images"].append({"id": 4, "file_name": "4.png", "width": 150, "height": 200})
    bad = json.loads(json.dumps(document["annotations"][0])) | {"id": 99, "image_id": 4}
    spoil(bad)
    document["annotations"].append(bad)
    (tmp_path / "coco.json").write_text(json.dumps(document))

    ran = curator(root, "import", "coco", str(tmp_path / "coco.json"), "--json")

    assert ran.exit_code == 1, ran
    assert len(ran.json["refused"]) == 1, ran
    assert ran.json["refused"][0]["reason"].startswith("coco.json: annotation")
    _assert_sentence(ran.json["refused"][0]["reason"])
    status = curator(root, "status", "--json").json
    assert status["annotations"] == GOOD_COUNT
    _assert_whole(root)


COCO_IMAGES: dict[str, Spoil] = {
    "a path that leaves": lambda image: image.update(file_name="a/../../4.png"),
    "no file name": lambda image: image.pop("file_name"),
    "an id in words": lambda image: image.update(id="4"),
    "the id of another": lambda image: image.update(id=1),
    "the picture of another": lambda image: image.update(file_name="1.png"),
    "a size in words": lambda image: image.update(width="wide"),
}


@pytest.mark.parametrize("spoil", COCO_IMAGES.values(), ids=COCO_IMAGES)
def test_a_bad_image_of_coco_is_refused_and_the_others_come_in(root: Path, tmp_path: Path, spoil: Spoil) -> None:
    document = _coco_file()
    bad = {"id": 4, "file_name": "4.png", "width": 150, "height": 200}
    spoil(bad)
    document["images"].append(bad)
    (tmp_path / "coco.json").write_text(json.dumps(document))

    ran = curator(root, "import", "coco", str(tmp_path / "coco.json"), "--json")

    assert (ran.exit_code, ran.json["added"], len(ran.json["refused"])) == (1, GOOD_COUNT, 1), ran
    assert ran.json["refused"][0]["reason"].startswith("coco.json: image")
    _assert_sentence(ran.json["refused"][0]["reason"])
    _assert_whole(root)


# --- pictures ---------------------------------------------------------------------------------------------------------


def _encoded(image: Image.Image, format_name: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format_name, **options)
    return out.getvalue()


def _jpeg() -> bytes:
    return _encoded(draw(1).convert("RGB"), "JPEG", quality=90)


def _bomb() -> bytes:
    """A PNG of 400 bytes that says it is 10,000 x 10,000."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 10_000, 10_000, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


BAD_PICTURES: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "a JPEG cut off": ("cut.jpg", lambda: _jpeg()[:-900], "cut off or damaged"),
    "a JPEG of only its head": ("head.jpg", lambda: _jpeg()[:20], "cut off or damaged"),
    "a PNG cut off": ("cut.png", lambda: _encoded(draw(1), "PNG")[:-400], "cut off or damaged"),
    "a page called JPEG": ("page.jpg", lambda: b"<!DOCTYPE html><h1>404</h1>", "web page"),
    "a drawing of vectors": ("icon.png", lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
    "no bytes": ("empty.png", lambda: b"", "empty"),
    "a hundred megapixels": ("bomb.png", _bomb, "megapixels"),
    "a program": ("setup.png", lambda: b"MZ" + bytes(500), "expected a JPEG"),
    "a TIFF": ("scan.png", lambda: _encoded(draw(1), "TIFF"), "expected a JPEG"),
}


@pytest.mark.parametrize(("name", "make", "word"), BAD_PICTURES.values(), ids=BAD_PICTURES)
def test_a_bad_picture_is_refused_and_the_good_ones_come_in(
    root: Path, tmp_path: Path, name: str, make: Callable[[], bytes], word: str
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "good-a.png").write_bytes(_encoded(draw(1), "PNG"))
    (folder / name).write_bytes(make())
    (folder / "zz-good.jpg").write_bytes(_jpeg())

    ran = curator(root, "import", "images", str(folder), "--json")

    assert (ran.exit_code, ran.json["added"], len(ran.json["refused"])) == (1, 2, 1), ran
    reason = ran.json["refused"][0]["reason"]
    assert name in reason
    assert word in reason
    assert "expected" in reason
    _assert_sentence(reason)
    _assert_whole(root)


def _with_exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return _encoded(draw(1).convert("RGB"), "JPEG", exif=exif)


def _sixteen_bits() -> Image.Image:
    return Image.new("I;16", (150, 200), 40_000)


ODD_PICTURES: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "CMYK": ("odd.jpg", lambda: _encoded(draw(1).convert("RGB").convert("CMYK"), "JPEG"), "cmyk"),
    "16 bits": ("odd.png", lambda: _encoded(_sixteen_bits(), "PNG"), "16_bit"),
    "turned by EXIF": ("odd.jpg", lambda: _with_exif(6), "exif_rotated"),
    "an animated GIF": (
        "odd.gif",
        lambda: _encoded(draw(1), "GIF", save_all=True, append_images=[draw(2), draw(3)]),
        "animated",
    ),
    "a palette with alpha": (
        "odd.png",
        lambda: _encoded(draw(1).convert("RGB").quantize(16), "PNG", transparency=0),
        "palette_alpha",
    ),
}


@pytest.mark.parametrize(("name", "make", "flag"), ODD_PICTURES.values(), ids=ODD_PICTURES)
def test_an_odd_picture_comes_in_flagged_and_is_shown(
    root: Path, tmp_path: Path, name: str, make: Callable[[], bytes], flag: str
) -> None:
    from curator.media import picture_file
    from curator.project import open_project
    from curator.store import images

    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / name).write_bytes(make())

    ran = curator(root, "import", "images", str(folder), "--json")

    assert (ran.exit_code, ran.json["added"], ran.json["refused"]) == (0, 1, []), ran
    assert {"record": name, "flag": flag} in ran.json["flagged"]
    project = open_project(root)
    (image,) = images.all_images(project.db)
    assert (image.record.width, image.record.height) == ((200, 150) if flag == "exif_rotated" else (150, 200))
    shown, media_type = picture_file(project, str(image.record.digest))
    assert media_type.startswith("image/")
    with Image.open(shown) as opened:
        opened.load()
    project.close()
    _assert_whole(root)


def test_a_picture_of_another_size_than_its_record_is_refused_by_name(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.new("RGB", (99, 77)).save(folder / f"{FIRST_POST}.png")
    draw(1).save(folder / f"{FIRST_POST + 1}.png")
    assert curator(root, "import", "add", str(write_records(tmp_path / "data.json", 2))).exit_code == 0

    ran = curator(root, "import", "images", str(folder), "--json")

    assert (ran.exit_code, ran.json["updated"]) == (1, 1)
    (refusal,) = ran.json["refused"]
    assert "99 x 77" in refusal["reason"]
    assert "150 x 200" in refusal["reason"]


def test_odd_things_in_a_folder_of_pictures_stop_nothing(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    (folder / "deep" / "er").mkdir(parents=True)
    draw(1).save(folder / "deep" / "er" / "ok.png")
    draw(2).save(folder / "画像 1.png")
    (folder / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (folder / "loop").symlink_to(folder)
    (folder / "folder.png").mkdir()
    (folder / ".hidden.png").write_bytes(b"x")
    (folder / "notes.txt").write_text("no picture")
    (folder / b"caf\xe9.png".decode(errors="surrogateescape")).write_bytes(_encoded(draw(3), "PNG"))

    ran = curator(root, "import", "images", str(folder), "--json")

    assert ran.exit_code == 1, ran
    assert ran.json["added"] >= 2, ran
    assert any("gone.png" in row["reason"] for row in ran.json["refused"]), ran
    for row in ran.json["refused"]:
        _assert_sentence(row["reason"])
    _assert_whole(root)


# --- databases and backups --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0" + bytes(90), b"not a database at all" * 300])
def test_a_damaged_database_is_told_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "curator.db").write_bytes(content)

    ran = curator(folder, "status", "--json")

    if content:  # an empty file is an empty database to SQLite
        _assert_refuses_the_file(ran, "curator.db")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04" + bytes(100), b"no zip"], ids=["empty", "cut off", "no zip"])
def test_a_backup_that_is_none_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "backup.zip"
    path.write_bytes(content)

    ran = curator(None, "restore", str(path), str(tmp_path / "new"), "--json")

    _assert_refuses_the_file(ran, "backup.zip")
    assert not (tmp_path / "new" / "curator.db").exists()


def test_the_real_command_says_a_refusal_in_one_line_and_no_traceback(root: Path, tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text(json.dumps([add_record(0), {"file_name": "../1.png"}]))
    done = subprocess.run(
        [sys.executable, "-m", "curator", "-p", str(root), "import", "add", str(tmp_path / "data.json")],
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert done.returncode == 1
    assert done.stdout.startswith("1 added, 0 updated, 0 unchanged, 1 refused")
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stderr.startswith("refused: data.json: ../1.png: ")


# --- bytes changed at random: hypothesis draws more of them in a soak -------------------------------------------------

Mutation = tuple[str, float, int]
MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(("flip", "set", "cut", "insert", "drop", "repeat")), st.floats(0, 1), st.integers(0, 255)
    ),
    min_size=1,
    max_size=6,
)


def _mutate(data: bytes, mutations: list[Mutation]) -> bytes:
    """Change bytes: at a share of the length, with a value between 0 and 255."""
    for kind, share, value in mutations:
        at = min(int(share * len(data)), max(0, len(data) - 1))
        if kind == "flip" and data:
            data = data[:at] + bytes([data[at] ^ (1 << value % 8)]) + data[at + 1 :]
        elif kind == "set" and data:
            data = data[:at] + bytes([value]) + data[at + 1 :]
        elif kind == "cut":
            data = data[:at]
        elif kind == "insert":
            data = data[:at] + bytes([value]) * (1 + value % 5) + data[at:]
        elif kind == "drop":
            data = data[:at] + data[at + 1 + value % 40 :]
        elif kind == "repeat":
            data = data[: at + value] + data[at:]
    return data


# A soak draws 5,000 cases where a case is a function; here one is four commands.
few = settings(max_examples=min(settings().max_examples, 1000))


@cache
def _empty_project() -> Path:
    """A project to copy: making one each time would take as long as the rest."""
    folder = Path(tempfile.mkdtemp(prefix="curator-empty-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    assert curator(None, "init", str(folder / "project")).exit_code == 0
    return folder / "project"


def _assert_survives(content: bytes, name: str, words: list[str]) -> None:
    """Whatever the bytes: an exit code of the three, sentences, a whole project, and the same again changes nothing."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(shutil.copytree(_empty_project(), Path(scratch) / "project"))
        folder = Path(scratch) / "in"
        folder.mkdir()
        (folder / name).write_bytes(content)
        target = folder if words[-1] == "images" else folder / name
        ran = curator(root, *words, str(target), "--json")
        assert ran.exit_code in (0, 1), ran
        found = ran.json
        if "error" in found:
            _assert_refuses_the_file(ran, name)
        else:
            assert (ran.exit_code == 1) == bool(found["refused"])
            for refusal in found["refused"]:
                _assert_sentence(refusal["reason"])
            again = curator(root, *words, str(target), "--json").json
            assert (again["added"], again["updated"]) == (0, 0), again
            assert again["unchanged"] == found["added"] + found["updated"] + found["unchanged"]
            # What was taken can be handed out again.
        exported = curator(root, "export", "coco", "--out", str(Path(scratch) / "out"), "--json")
        assert exported.exit_code == 0 or exported.json["dropped"], exported
        _assert_whole(root)


@few
@given(mutations=MUTATIONS)
def test_any_bytes_of_an_add_file_are_taken_or_refused_in_words(mutations: list[Mutation]) -> None:
    _assert_survives(_mutate(json.dumps(_add_file()).encode(), mutations), "data.json", ["import", "add"])


@few
@given(mutations=MUTATIONS)
def test_any_bytes_of_a_coco_file_are_taken_or_refused_in_words(mutations: list[Mutation]) -> None:
    _assert_survives(_mutate(json.dumps(_coco_file()).encode(), mutations), "coco.json", ["import", "coco"])


ODD_VALUES = (
    None, True, -1, 0, 1.5, 2**31, 2**63, 10**400, 1e308, math.nan, -math.inf,
    "", "x", "1", "\ud800", "a\0b", "../x", "x" * 5000,
    [], [[]], [None], {}, {"x": {}}, [1, 2], [1e300, -1e300], list(range(51)),
)  # fmt: skip
SPOILINGS = st.lists(st.tuples(st.floats(0, 1), st.sampled_from(range(len(ODD_VALUES)))), min_size=1, max_size=4)


def _slots(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a JSON document, as (container, key)."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [slot for key, child in entries for slot in ((value, key), *_slots(child))]


def _spoiled(document: Any, spoilings: list[tuple[float, int]]) -> bytes:
    """A document that is still JSON, with values of other kinds in some of its places."""
    for share, odd in spoilings:
        slots = _slots(document)
        container, key = slots[min(int(share * len(slots)), len(slots) - 1)]
        container[key] = json.loads(json.dumps(ODD_VALUES[odd]))
        if not _slots(document):
            break
    return json.dumps(document).encode()


@few
@given(spoilings=SPOILINGS)
def test_any_values_in_an_add_file_are_taken_or_refused_in_words(spoilings: list[tuple[float, int]]) -> None:
    _assert_survives(_spoiled(_add_file(), spoilings), "data.json", ["import", "add"])


@few
@given(spoilings=SPOILINGS)
def test_any_values_in_a_coco_file_are_taken_or_refused_in_words(spoilings: list[tuple[float, int]]) -> None:
    _assert_survives(_spoiled(_coco_file(), spoilings), "coco.json", ["import", "coco"])


PICTURE_BYTES = {
    "png": _encoded(draw(1), "PNG"),
    "jpg": _jpeg(),
    "gif": _encoded(draw(1), "GIF", save_all=True, append_images=[draw(2)]),
    "webp": _encoded(draw(1), "WEBP", lossless=True),
    "bmp": _encoded(draw(1).convert("RGB"), "BMP"),
}


@few
@given(suffix=st.sampled_from(sorted(PICTURE_BYTES)), mutations=MUTATIONS)
def test_any_bytes_of_a_picture_are_taken_or_refused_in_words(suffix: str, mutations: list[Mutation]) -> None:
    _assert_survives(_mutate(PICTURE_BYTES[suffix], mutations), f"picture.{suffix}", ["import", "images"])
