"""A project folder: made, found, opened by one server, checked, backed up, restored, migrated."""

import errno
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
from cast import CAST, MIKA, REN
from workshop import Workshop, new_id, placed

from curator import backup as backups
from curator.backup import backup, restore
from curator.check import check_project
from curator.errors import BadInput, Busy, CuratorError, ProjectError
from curator.project import find_project, init_project, open_project, serving
from curator.store.database import open_database
from curator.store.migrations import MIGRATIONS

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def workshop(project, tmp_path):
    made = Workshop(project, tmp_path)
    made.receives(*CAST)
    return made


def test_making_a_project_twice_keeps_what_is_in_it(workshop):
    again = init_project(workshop.project.root)

    assert Workshop(again, workshop.folder).bench.overview().images == 3


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")

    with pytest.raises(ProjectError, match=r"holds 'thesis\.tex'"):
        init_project(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_project_is_found_from_any_folder_below(project):
    below = project.root / "exports" / "deep"
    below.mkdir(parents=True)

    assert find_project(below) == project.root


def test_where_there_is_no_project_the_way_to_make_one_is_told(tmp_path):
    with pytest.raises(ProjectError, match="curator init"):
        open_project(tmp_path)


def test_a_project_can_be_moved(workshop, tmp_path):
    workshop.confirms(MIKA)
    workshop.project.close()
    moved = tmp_path / "elsewhere"
    shutil.move(workshop.project.root, moved)

    project = open_project(moved)

    assert check_project(project).problems == []
    assert len(Workshop(project, tmp_path).next_tasks()) == 2


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b""], ids=["other bytes", "empty"])
def test_a_damaged_database_is_said_so_or_starts_empty(tmp_path, content):
    root = tmp_path / "p"
    init_project(root).close()
    for suffix in ("", "-wal", "-shm"):
        (root / f"curator.db{suffix}").unlink(missing_ok=True)
    (root / "curator.db").write_bytes(content)

    if content:
        with pytest.raises(ProjectError, match="not a usable database"):
            open_project(root)
    else:
        assert check_project(open_project(root)).problems == []


def test_a_database_from_a_newer_release_is_not_touched(project):
    project.db.conn.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('curator', '9999_later', 'x')"
    )
    project.close()

    with pytest.raises(ProjectError, match="newer release"):
        open_project(project.root)


def test_every_migration_step_opens_a_database_of_the_step_before_with_rows(tmp_path):
    names = [migration.name for migration in MIGRATIONS._migrations]
    for name in names[1:]:
        path = tmp_path / f"{name}.db"
        before = sqlite3.connect(path, isolation_level=None)
        before.row_factory = sqlite3.Row
        from curator.store.database import Database

        old = Database(before)
        MIGRATIONS.apply(old, stop_before=name)
        old.conn.execute("INSERT INTO images (source, source_id, file_name, created_at) VALUES ('file', 'a', 'a', 'x')")
        old.close()

        db = open_database(path)

        assert [row["source_id"] for row in db.all("SELECT source_id FROM images")] == ["a"]
        assert {migration.name for migration in MIGRATIONS.applied(db)} == set(names)


def test_processes_that_open_a_new_project_at_once_all_find_it_whole(tmp_path):
    command = [sys.executable, "-m", "curator", "init", str(tmp_path / "p"), "--json"]
    running = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)
    ]

    results = [(*process.communicate(timeout=60), process.returncode) for process in running]

    assert [code for _, _, code in results] == [0] * 4, results
    assert check_project(open_project(tmp_path / "p")).problems == []


def test_a_second_server_is_refused_with_the_address_of_the_first(project):
    with serving(project) as lock:
        lock.announce("http://127.0.0.1:8750")

        with pytest.raises(Busy, match=r"served already, at http://127\.0\.0\.1:8750"), serving(project):
            pytest.fail("two servers at once")

    with serving(project):
        assert (project.root / "serve.lock").read_text() == ""


def test_an_action_that_fails_half_way_leaves_nothing(project):
    def half_an_action():
        project.db.conn.execute(
            "INSERT INTO images (source, source_id, file_name, created_at) VALUES ('f','1','a','x')"
        )
        with project.db.atomic():
            project.db.conn.execute(
                "INSERT INTO images (source, source_id, file_name, created_at) VALUES ('f','2','b','x')"
            )
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError), project.db.atomic():
        half_an_action()

    assert project.db.all("SELECT * FROM images") == []


def test_writers_in_many_threads_wait_for_each_other_and_lose_nothing(workshop):
    """Each thread edits the same keypoint, reading the version again when it was overtaken."""
    from curator.errors import Stale

    done = []

    def edits(number):
        for step in range(5):
            while True:
                version = workshop.annotation_of(MIKA).version
                try:
                    workshop.changes(MIKA, base_version=version, left_eye=placed(number, step))
                except Stale:
                    continue
                done.append(1)
                break

    threads = [threading.Thread(target=edits, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(done) == 20
    assert workshop.annotation_of(MIKA).version == 21
    assert check_project(workshop.project).problems == []


def test_a_whole_project_checks_clean(workshop):
    workshop.confirms(MIKA)
    workshop.skips(REN)
    workshop.removes(REN)

    report = check_project(workshop.project)

    assert report.problems == []
    assert report.checked["pictures"] == 3
    assert report.checked["revisions"] == 3


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ("UPDATE annotations SET version = 7 WHERE id = 1", "annotation 1: is at version 7, its revisions end at 2"),
        ("UPDATE annotations SET states = 'xuuuuuuuuuuuuuuuu' WHERE id = 2", "have an unknown letter"),
        ("UPDATE annotations SET points = '[null]' WHERE id = 2", "has 1 points, expected 17"),
        ("UPDATE annotations SET is_available = 0 WHERE id = 2", "1 images: whether they can be dealt"),
        (
            "UPDATE annotations SET points = json_replace(points, '$[1]', json('[0,0]')) WHERE id = 1",
            "annotation 1: left_eye is visible at [0, 0]",
        ),
        ("UPDATE state_counts SET n = n + 2", "is counted +2 beside the rows"),
        ("DELETE FROM images WHERE id = 3", "points to a row of images that is not there"),
    ],
    ids=["version", "letter", "points", "availability", "value", "counts", "foreign key"],
)
def test_damage_is_found_and_named(workshop, damage, sentence):
    workshop.changes(MIKA, left_eye=placed(130, 50))
    workshop.project.db.conn.execute("PRAGMA foreign_keys=OFF")
    workshop.project.db.conn.execute(damage)

    problems = check_project(workshop.project).problems

    assert any(sentence in problem for problem in problems), problems


def test_what_is_safe_to_mend_is_mended(workshop):
    workshop.project.db.conn.execute("UPDATE annotations SET is_available = 0")
    (workshop.project.blobs / ".abc.part").write_bytes(b"half")

    report = check_project(workshop.project, repair=True)

    assert report.problems == []
    assert len(report.repaired) == 2
    assert len(workshop.next_tasks()) == 3
    assert not (workshop.project.blobs / ".abc.part").exists()


def test_a_lost_or_changed_picture_is_found(workshop):
    blobs = sorted(path for path in workshop.project.blobs.rglob("*") if path.is_file())
    blobs[0].unlink()
    blobs[1].write_bytes(b"other")

    problems = check_project(workshop.project).problems

    assert sorted(problem.partition(": ")[2].partition(" (")[0] for problem in problems) == [
        "its picture changed, the digest differs",
        "its picture is gone",
    ]


def test_a_backup_restores_to_the_same_project(workshop, tmp_path):
    workshop.confirms(MIKA)
    before = [tuple(row) for row in workshop.project.db.all("SELECT * FROM annotations")]

    report = backup(workshop.project, tmp_path / "safe.zip")
    restored = restore(tmp_path / "safe.zip", tmp_path / "again")

    assert report.files == 4
    assert [tuple(row) for row in restored.db.all("SELECT * FROM annotations")] == before
    assert check_project(restored).problems == []


def test_a_backup_brings_linked_pictures_inside(project, tmp_path):
    workshop = Workshop(project, tmp_path)
    workshop.imports(MIKA.record())
    workshop.receives_pictures(MIKA, link=True)
    backup(project, tmp_path / "safe.zip")
    shutil.rmtree(tmp_path / "pictures")

    restored = restore(tmp_path / "safe.zip", tmp_path / "again")

    assert check_project(restored).problems == []


def test_a_backup_taken_while_people_label_is_whole(workshop, tmp_path):
    stop = threading.Event()

    def labels():
        while not stop.is_set():
            version = workshop.annotation_of(MIKA).version
            workshop.changes(MIKA, base_version=version, change_id=new_id(), left_eye=placed(version, 1))

    thread = threading.Thread(target=labels)
    thread.start()
    try:
        backup(workshop.project, tmp_path / "safe.zip")
    finally:
        stop.set()
        thread.join()

    assert check_project(restore(tmp_path / "safe.zip", tmp_path / "again")).problems == []


def test_a_backup_does_not_overwrite_a_file(workshop, tmp_path):
    (tmp_path / "safe.zip").write_text("precious")

    with pytest.raises(BadInput, match="exists already"):
        backup(workshop.project, tmp_path / "safe.zip")

    assert (tmp_path / "safe.zip").read_text() == "precious"


def test_a_backup_of_a_project_with_a_lost_picture_says_so_and_leaves_no_file(workshop, tmp_path):
    next(path for path in workshop.project.blobs.rglob("*") if path.is_file()).unlink()

    with pytest.raises(CuratorError, match="its picture is gone"):
        backup(workshop.project, tmp_path / "safe.zip")

    assert not (tmp_path / "safe.zip").exists()


def test_a_backup_of_a_project_with_a_changed_picture_says_so_and_leaves_no_file(workshop, tmp_path):
    blob = next(path for path in workshop.project.blobs.rglob("*") if path.is_file())
    blob.write_bytes(blob.read_bytes() + b"x")

    with pytest.raises(CuratorError, match=r"its picture changed.*curator check"):
        backup(workshop.project, tmp_path / "safe.zip")

    assert not (tmp_path / "safe.zip").exists()


@pytest.mark.parametrize("folder", ["exports", "models", "cache", "blobs", "exports/deep"])
def test_a_backup_into_the_projects_own_folders_is_refused(workshop, folder):
    target = workshop.project.root / folder / "safe.zip"
    target.parent.mkdir(exist_ok=True)

    with pytest.raises(BadInput, match="the project's own"):
        backup(workshop.project, target)

    assert list(target.parent.glob("*safe.zip*")) == []


def test_a_backup_leaves_out_links_and_unfinished_writes(workshop, tmp_path):
    (tmp_path / "secret").write_text("not of the project")
    folder = workshop.project.exports / "spring"
    (folder / ".half.part").mkdir(parents=True)
    (folder / ".half.part" / "a.json").write_text("half")
    (folder / ".b.json.ab12.part").write_text("half")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "broken").symlink_to(tmp_path / "nowhere")
    (workshop.project.root / "models" / "link").symlink_to(tmp_path, target_is_directory=True)
    (folder / "whole\\ペア.json").write_text("whole")

    backup(workshop.project, tmp_path / "safe.zip")

    restored = restore(tmp_path / "safe.zip", tmp_path / "again")
    assert [path.name for path in restored.exports.rglob("*")] == ["spring", "whole\\ペア.json"]
    assert list((restored.root / "models").iterdir()) == []


def test_a_file_whose_name_no_zip_can_hold_is_named(workshop, tmp_path):
    (workshop.project.exports / os.fsdecode(b"\xff.json")).write_text("x")

    with pytest.raises(CuratorError, match="its name is not UTF-8"):
        backup(workshop.project, tmp_path / "safe.zip")

    assert not (tmp_path / "safe.zip").exists()


def test_a_backup_is_made_where_the_cache_was_deleted(workshop, tmp_path):
    shutil.rmtree(workshop.project.cache)

    backup(workshop.project, tmp_path / "safe.zip")

    assert check_project(restore(tmp_path / "safe.zip", tmp_path / "again")).problems == []


def _damaged(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif how == "flipped":
        middle = content.index(b"SQLite format 3") + 5000
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :])
    elif how == "other zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("readme", "hello")
    elif how == "climbing":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("../evil", "x")
            archive.writestr("backup.json", json.dumps({"sha256": {"../evil": "0" * 64}}))
    else:
        path.write_bytes(b"hello")


@pytest.mark.parametrize("how", ["truncated", "flipped", "other zip", "climbing", "no zip"])
def test_a_damaged_backup_is_refused_in_one_sentence(workshop, tmp_path, how):
    backup(workshop.project, tmp_path / "safe.zip")
    _damaged(tmp_path / "safe.zip", how)

    with pytest.raises(BadInput, match="is not a whole backup"):
        restore(tmp_path / "safe.zip", tmp_path / "again")

    assert not (tmp_path / "again" / "curator.db").exists()
    assert not (tmp_path / "evil").exists()


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


MANIFESTS = {
    "a list": "[]",
    "null": "null",
    "a number": "7",
    "no digests": '{"sha256": null}',
    "a list of digests": '{"sha256": ["curator.db"]}',
    "nothing": '{"sha256": {}}',
    "no database": json.dumps({"sha256": {"exports/a": "0" * 64}}),
    "a digest that is none": '{"sha256": {"curator.db": 7}}',
    "short": '{"sha256": {"curator.db": "abc"}}',
    "a log beside the database": json.dumps({"sha256": {"curator.db": "0" * 64, "curator.db-wal": "0" * 64}}),
    "a folder of its own": json.dumps({"sha256": {"curator.db": "0" * 64, "blobs": "0" * 64}}),
    "an endless name": json.dumps({"sha256": {"exports/" + "a" * 5000: "0" * 64, "curator.db": "0" * 64}}),
    "a name with a zero": json.dumps({"sha256": {"exports/a\0b": "0" * 64, "curator.db": "0" * 64}}),
    "brackets": "[" * 100_000,
    "no json": "{",
    "not utf-8": b"\xff\xfe{",
}


@pytest.mark.parametrize("manifest", MANIFESTS.values(), ids=MANIFESTS)
def test_a_backup_with_a_manifest_that_is_not_ours_is_refused_and_leaves_nothing(tmp_path, manifest):
    with zipfile.ZipFile(tmp_path / "safe.zip", "w") as archive:
        archive.writestr("backup.json", manifest)
        archive.writestr("curator.db", "x")

    with pytest.raises(BadInput, match="is not a whole backup") as caught:
        restore(tmp_path / "safe.zip", tmp_path / "new" / "again")

    assert "\n" not in str(caught.value)
    assert _names(tmp_path) == ["safe.zip"]


@pytest.mark.parametrize(("at", "value"), [(8, 1), (10, 99)], ids=["encrypted", "unknown compression"])
def test_a_zip_that_cannot_be_unpacked_is_refused(workshop, tmp_path, at, value):
    """`at`: where the local header has it; the central directory has it two bytes later."""
    path = tmp_path / "safe.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("backup.json", json.dumps({"sha256": {"curator.db": "0" * 64}}))
    content = bytearray(path.read_bytes())
    content[at - 2] = value
    content[content.index(b"PK\x01\x02") + at] = value
    path.write_bytes(content)

    with pytest.raises(BadInput, match="is not a whole backup"):
        restore(path, tmp_path / "again")

    assert not (tmp_path / "again").exists()


def test_a_damaged_deflated_backup_is_refused(workshop, tmp_path):
    backup(workshop.project, tmp_path / "safe.zip")
    packed = tmp_path / "packed.zip"
    with zipfile.ZipFile(tmp_path / "safe.zip") as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
    content = packed.read_bytes()
    packed.write_bytes(content[:200] + b"\xff" * 40 + content[240:])

    with pytest.raises(BadInput, match="is not a whole backup"):
        restore(packed, tmp_path / "again")

    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize("is_there", [False, True], ids=["absent", "empty"])
@pytest.mark.parametrize("how", ["flipped", "truncated", "unwhole", "newer"])
def test_after_a_backup_that_was_refused_a_good_one_restores_into_the_same_folder(workshop, tmp_path, how, is_there):
    backup(workshop.project, tmp_path / "good.zip")
    if how == "unwhole":
        workshop.project.db.conn.execute("UPDATE annotations SET version = 7")
    elif how == "newer":
        workshop.project.db.conn.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('curator', '9999_later', 'x')"
        )
    backup(workshop.project, tmp_path / "bad.zip")
    if how in ("flipped", "truncated"):
        _damaged(tmp_path / "bad.zip", how)
    root = tmp_path / "again"
    if is_there:
        root.mkdir()
    before = _names(tmp_path)

    with pytest.raises(BadInput, match=r"bad\.zip"):
        restore(tmp_path / "bad.zip", root)
    assert _names(tmp_path) == before

    assert check_project(restore(tmp_path / "good.zip", root)).problems == []
    assert _names(tmp_path) == sorted({*before, "again"})


@pytest.mark.parametrize(
    ("number", "sentence"), [(errno.ENOSPC, "the disk is full"), (errno.EACCES, "Permission denied")]
)
def test_a_disk_that_does_not_take_a_restore_is_told_as_such(workshop, tmp_path, monkeypatch, number, sentence):
    backup(workshop.project, tmp_path / "safe.zip")
    before = _names(tmp_path)

    def refuse(path):
        raise OSError(number, os.strerror(number), str(path))

    with monkeypatch.context() as patched:
        patched.setattr(backups, "write_whole", refuse)
        with pytest.raises(CuratorError, match=sentence) as caught:
            restore(tmp_path / "safe.zip", tmp_path / "again")

    assert "whole backup" not in str(caught.value)
    assert _names(tmp_path) == before


def test_restore_says_what_is_wrong_with_its_words(workshop, tmp_path):
    backup(workshop.project, tmp_path / "safe.zip")
    (tmp_path / "file").write_text("x")

    with pytest.raises(BadInput, match="no such file"):
        restore(tmp_path / "gone.zip", tmp_path / "again")
    with pytest.raises(BadInput, match="is a folder"):
        restore(tmp_path, tmp_path / "again")
    for below in ("file/again", "file/deep/again"):
        with pytest.raises(BadInput, match="lies below a file"):
            restore(tmp_path / "safe.zip", tmp_path / below)

    assert not (tmp_path / "again").exists()


def test_restore_wants_a_new_folder(workshop, tmp_path):
    backup(workshop.project, tmp_path / "safe.zip")

    with pytest.raises(BadInput, match="not empty"):
        restore(tmp_path / "safe.zip", workshop.project.root)


def test_the_database_is_durable_by_its_settings(project):
    def pragma(name):
        return project.db.one(f"PRAGMA {name}")[0]

    assert pragma("journal_mode") == "wal"
    assert pragma("synchronous") == 2
    assert pragma("foreign_keys") == 1
    strict = {row["name"] for row in project.db.all("SELECT name FROM pragma_table_list WHERE strict = 1")}
    assert {"images", "annotations", "revisions", "predictions", "confirmations"} <= strict
    assert os.path.isabs(project.root)


def test_leftovers_of_killed_writes_are_told_and_swept(workshop):
    left = workshop.project.exports / "spring" / ".annotations.json.ab12.part"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")

    assert check_project(workshop.project).notes == [
        "exports/spring/.annotations.json.ab12.part: a write that never ended (curator check --repair)"
    ]
    check_project(workshop.project, repair=True)
    assert not left.exists()
