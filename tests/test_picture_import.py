"""Pictures: tied to their records, kept by digest, shrunk by the source's rule, measured where they are cut out."""

import hashlib
import io
import os

import pytest
from cast import CAST, MIKA, REN
from PIL import Image
from workshop import Workshop

from curator.media import picture_file, picture_path
from curator.picture_import import import_images
from curator.project import init_project, open_project
from curator.store import images, work
from datasets.records import ImageRecord


@pytest.fixture
def workshop(project, tmp_path):
    return Workshop(project, tmp_path)


def _png(size_wh, mode="RGB", colour="white"):
    buffer = io.BytesIO()
    Image.new(mode, size_wh, colour).save(buffer, "PNG")
    return buffer.getvalue()


def _folder(tmp_path, **files):
    folder = tmp_path / "in"
    for name, content in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def test_pictures_find_their_records_by_post_id_in_both_layouts(workshop, tmp_path):
    workshop.imports(MIKA.record(), REN.record())
    folder = tmp_path / "in"
    (folder / "0002").mkdir(parents=True)
    (folder / "1000001.png").write_bytes(MIKA.picture())
    (folder / "0002" / "1000002.png").write_bytes(REN.picture())

    report = import_images(workshop.project, folder)

    assert (report.added, report.updated, report.refused) == (0, 2, [])
    for character in (MIKA, REN):
        digest = hashlib.sha256(character.picture()).hexdigest()
        path, media_type = picture_file(workshop.project, digest)
        assert path.read_bytes() == character.picture()
        assert media_type == "image/png"
        assert path.parent.name == digest[:2]


def test_the_same_folder_twice_is_unchanged(workshop):
    workshop.imports(*(character.record() for character in CAST))

    first = workshop.receives_pictures(*CAST)
    second = workshop.receives_pictures(*CAST)

    assert (first.updated, second.updated, second.unchanged) == (3, 0, 3)


def test_linked_pictures_stay_where_they_are(workshop):
    workshop.imports(MIKA.record())

    workshop.receives_pictures(MIKA, link=True)

    image = images.find_image(workshop.project.db, "danbooru", "1000001")
    assert image.link_path == "../pictures/1000001.png"
    assert picture_path(workshop.project, image).read_bytes() == MIKA.picture()
    assert not list(workshop.project.blobs.rglob("*"))


def test_a_picture_larger_than_its_records_frame_is_shrunk_once_and_the_original_remembered(workshop, tmp_path):
    record = ImageRecord("data/images/77001.png", 450, 600, "danbooru", "77001", fit_wh=(800, 600))
    workshop.imports(record)
    original = _png((900, 1200))
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "77001.png").write_bytes(original)

    report = import_images(workshop.project, folder)

    image = images.find_image(workshop.project.db, "danbooru", "77001")
    assert report.updated == 1
    assert (image.record.width, image.record.height) == (450, 600)
    assert image.record.original_wh == (900, 1200)
    assert image.record.original_md5 == hashlib.md5(original).hexdigest()
    assert image.resampler == "pillow-lanczos"
    assert Image.open(picture_path(workshop.project, image)).size == (450, 600)
    assert import_images(workshop.project, folder).unchanged == 1


def test_a_size_that_nobody_knew_is_known_when_the_picture_arrives(workshop, tmp_path):
    record = ImageRecord(
        "data/images/77002.png", None, None, "danbooru", "77002", fit_wh=(800, 600), flags=["size_unknown"]
    )
    workshop.imports(record)
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "77002.png").write_bytes(_png((1600, 400)))

    import_images(workshop.project, folder)

    found = images.find_image(workshop.project.db, "danbooru", "77002").record
    assert (found.width, found.height, found.flags) == (800, 200, [])


def test_another_picture_than_the_annotated_one_is_refused(workshop, tmp_path):
    workshop.imports(MIKA.record())
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "1000001.png").write_bytes(_png((500, 320)))

    report = import_images(workshop.project, folder)

    assert report.refused == [
        {
            "record": "1000001.png",
            "reason": "1000001.png: is 500 x 320, expected the record's 240 x 320: not the picture that was annotated",
        }
    ]
    assert images.find_image(workshop.project.db, "danbooru", "1000001").media_type is None


def test_a_cut_out_gets_its_box_from_its_alpha(workshop, tmp_path):
    workshop.imports(MIKA.record())
    cut_out = Image.new("RGBA", (240, 320), (0, 0, 0, 0))
    cut_out.paste((200, 80, 60, 255), (70, 20, 175, 300))
    folder = tmp_path / "in"
    folder.mkdir()
    cut_out.save(folder / "1000001.png")

    import_images(workshop.project, folder)

    prediction = workshop.next_tasks()[0].prediction
    assert prediction.box.bbox_xywh == [70.0, 20.0, 105.0, 280.0]
    assert prediction.box.source == "alpha"
    assert "alpha" in work.latest_predictions(workshop.project.db)[workshop.annotation_of(MIKA).id]


def test_files_nobody_knows_become_images_of_their_own(workshop, tmp_path):
    folder = tmp_path / "in"
    (folder / "sketches").mkdir(parents=True)
    (folder / "sketches" / "a girl.png").write_bytes(_png((30, 40)))
    (folder / "0001.png").write_bytes(_png((31, 41)))
    (folder / "notes.txt").write_text("no picture")
    (folder / ".hidden.png").write_bytes(b"no picture")

    report = import_images(workshop.project, folder)

    assert report.added == 2
    assert images.find_image(workshop.project.db, "file", "sketches/a girl.png").record.width == 30
    assert images.find_image(workshop.project.db, "file", "0001.png") is not None


def test_a_bad_file_is_named_and_the_others_come_in(workshop, tmp_path):
    workshop.imports(MIKA.record())
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "1000001.png").write_bytes(MIKA.picture())
    (folder / "cut.png").write_bytes(MIKA.picture()[:200])
    (folder / "page.jpg").write_bytes(b"<!DOCTYPE html><html></html>")
    (folder / "empty.png").write_bytes(b"")

    report = import_images(workshop.project, folder)

    assert report.updated == 1
    assert {refusal["record"] for refusal in report.refused} == {"cut.png", "page.jpg", "empty.png"}
    assert all(refusal["reason"].startswith(refusal["record"] + ":") for refusal in report.refused)


def test_a_picture_that_browsers_show_otherwise_is_shown_as_a_copy(workshop, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    turned = Image.new("RGB", (40, 20), "red")
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(folder / "turned.jpg", exif=exif)

    report = import_images(workshop.project, folder)

    image = images.find_image(workshop.project.db, "file", "turned.jpg")
    assert (image.record.width, image.record.height) == (20, 40)
    assert {"record": "turned.jpg", "flag": "exif_rotated"} in report.flagged
    path, media_type = picture_file(workshop.project, image.record.digest)
    assert media_type == "image/png"
    assert Image.open(path).size == (20, 40)


def _write(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_a_picture_that_came_before_its_record_is_brought_into_the_records_frame(workshop, tmp_path):
    _write(tmp_path / "in", "77001.png", _png((900, 1200)))
    import_images(workshop.project, tmp_path / "in")
    record = ImageRecord("data/images/77001.png", 450, 600, "danbooru", "77001", fit_wh=(800, 600))
    record.annotations = MIKA.record().annotations

    workshop.imports(record)
    waiting = images.find_image(workshop.project.db, "danbooru", "77001")
    assert (waiting.record.width, waiting.media_type, waiting.record.flags) == (450, None, ["bring_picture_again"])

    assert import_images(workshop.project, tmp_path / "in").updated == 1
    image = images.find_image(workshop.project.db, "danbooru", "77001")
    assert (image.record.width, image.record.height, image.resampler) == (450, 600, "pillow-lanczos")


def test_a_record_in_another_frame_than_the_annotated_picture_is_refused(workshop):
    workshop.receives(MIKA)
    other = MIKA.record()
    other.width, other.height = 480, 640

    report = workshop.imports(other)

    assert "expected that of the picture here, 240 x 320" in report.refused[0]["reason"]
    assert workshop.annotation_of(MIKA).record.point("nose") == [120, 60]


def test_two_pictures_of_one_name_in_two_folders_are_two_images(workshop, tmp_path):
    _write(tmp_path / "in", "cover.png", _png((64, 64), colour="red"))
    _write(tmp_path / "in", "sub/cover.png", _png((64, 64), colour="blue"))

    first, second = (import_images(workshop.project, tmp_path / "in") for _ in range(2))

    assert (first.added, second.unchanged, second.updated) == (2, 2, 0)


def test_a_second_file_of_one_record_is_refused(workshop, tmp_path):
    workshop.imports(MIKA.record())
    _write(tmp_path / "in", "1000001.jpg", _png((240, 320)))
    _write(tmp_path / "in", "1000001.png", _png((240, 320), colour="red"))

    report = import_images(workshop.project, tmp_path / "in")

    assert report.updated == 1
    assert "belongs to the same record as 1000001.jpg" in report.refused[0]["reason"]


def test_another_picture_of_the_same_size_does_not_replace_the_one_here(workshop, tmp_path):
    workshop.receives(MIKA)
    _write(tmp_path / "in", "1000001.png", _png((240, 320), colour="green"))

    report = import_images(workshop.project, tmp_path / "in")

    assert "is another picture than its record's" in report.refused[0]["reason"]
    image = images.find_image(workshop.project.db, "danbooru", "1000001")
    assert picture_path(workshop.project, image).read_bytes() == MIKA.picture()


@pytest.mark.parametrize("link", [False, True], ids=["copied", "linked"])
def test_a_lost_picture_is_healed_by_bringing_it_again(workshop, link):
    workshop.imports(MIKA.record())
    workshop.receives_pictures(MIKA, link=link)
    image = images.find_image(workshop.project.db, "danbooru", "1000001")
    if link:
        (workshop.folder / "pictures").rename(workshop.folder / "moved")
    else:
        picture_path(workshop.project, image).unlink()

    report = (
        workshop.receives_pictures(MIKA) if not link else import_images(workshop.project, workshop.folder / "moved")
    )

    assert report.updated == 1
    again = images.find_image(workshop.project.db, "danbooru", "1000001")
    assert picture_path(workshop.project, again).read_bytes() == MIKA.picture()


def test_links_hold_in_a_project_that_is_reached_through_a_link(tmp_path):
    real = tmp_path / "real" / "deep"
    real.mkdir(parents=True)
    init_project(real / "p").close()
    (tmp_path / "short").symlink_to(real / "p")
    workshop = Workshop(open_project(tmp_path / "short"), tmp_path)

    workshop.receives_pictures(MIKA, link=True)

    image = images.find_image(workshop.project.db, "danbooru", "1000001")
    assert picture_path(workshop.project, image).read_bytes() == MIKA.picture()


def test_pipes_projects_and_linked_folders_are_named_and_stop_nothing(workshop, tmp_path):
    folder = tmp_path / "in"
    _write(folder, "a.png", _png((9, 9)))
    os.mkfifo(folder / "pipe.png")
    (folder / "linked").symlink_to(tmp_path)
    _write(folder, "project/curator.db", b"x")
    _write(folder, "project/blobs/b.png", _png((8, 8)))

    report = import_images(workshop.project, folder)

    assert report.added == 1
    assert {refusal["record"] for refusal in report.refused} == {"pipe.png", "project"}
    assert report.flagged == [{"record": "linked", "flag": "linked_folder"}]


def test_a_coco_record_gets_its_picture_although_a_post_of_that_number_is_here(workshop, tmp_path):
    _write(tmp_path / "in", "391895.png", _png((240, 320)))
    import_images(workshop.project, tmp_path / "in")
    record = MIKA.record()
    record.file_name, record.source, record.source_id, record.fit_wh = "391895.png", "file", "391895.png", None
    workshop.imports(record)

    import_images(workshop.project, tmp_path / "in")

    assert images.find_image(workshop.project.db, "file", "391895.png").media_type == "image/png"
