"""A process killed at any moment: what was acknowledged is there, what was not is wholly there or not at all.

The server is the real command under real HTTP; the kill is SIGKILL, after which no handler of ours runs. Commands that
import, export and back up are killed while they work, and then simply run again.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faults.annotators import Annotator, Connection, Held, Line, held_from
from faults.commands import ROOT, curator
from faults.drawings import write_pictures, write_records

pytestmark = pytest.mark.faults

NUM_KILLS = 20  # a round; `make soak` runs ten
NUM_ANNOTATORS = 4
NUM_DRAWINGS = 60
COMMAND_KILLS = 4  # of each command, a round


@pytest.fixture
def dice(seed: int, fault_round: int, request: pytest.FixtureRequest) -> random.Random:
    """The chance of this test and round; a failing test prints how to have the same again."""
    word = f"{request.node.name} {seed} {fault_round}"
    print(f"dice: {word!r} (TEST_SEED={seed}, round {fault_round})")
    return random.Random(word)


# --- the server, under people at work ---------------------------------------------------------------------------------


def test_a_change_answered_with_200_survives_twenty_kills_under_load(
    tmp_path: Path, served: Callable[..., Any], dice: random.Random, record_property: Callable[[str, object], None]
) -> None:
    root = tmp_path / "project"
    _make_project(root, tmp_path / "sources", NUM_DRAWINGS)
    line = Line()
    server = served(root, arguments=("--json",))
    line.port = server.port
    tasks = _all_tasks(line)
    assert len(tasks) == NUM_DRAWINGS
    annotators = [
        Annotator(line, f"{dice.random()} {number}", [held_from(task) for task in tasks[number::NUM_ANNOTATORS]])
        for number in range(NUM_ANNOTATORS)
    ]
    for annotator in annotators:
        annotator.start()
    try:
        for _ in range(NUM_KILLS):
            if dice.random() < 0.2:
                _kill_while_starting(root, server, dice)
            else:
                time.sleep(dice.uniform(0.02, 0.5))
                server.kill()
            assert server.process.returncode == -signal.SIGKILL
            server = served(root, arguments=("--json",))
            line.port = server.port
        time.sleep(0.2)
    finally:
        line.is_over.set()
    for annotator in annotators:
        annotator.finish()

    held = {one.annotation_id: one for annotator in annotators for one in annotator.held.values()}
    _assert_api_says(line, held)
    assert server.stop() == 0
    _assert_revisions_are(root, held)
    _assert_whole(root)
    record_property("kills", NUM_KILLS)
    record_property("acknowledged", sum(annotator.acknowledged for annotator in annotators))
    record_property("unanswered", sum(annotator.unanswered for annotator in annotators))
    record_property("applied_before_the_kill", sum(annotator.repeated for annotator in annotators))
    record_property("stale_refused", sum(annotator.stale for annotator in annotators))
    # Without these the test would have shown nothing.
    assert all(annotator.acknowledged > NUM_KILLS for annotator in annotators)
    assert sum(annotator.unanswered for annotator in annotators) >= NUM_KILLS


def _kill_while_starting(root: Path, server: Any, dice: random.Random) -> None:
    """Kill the running server, and its successor before it has said its address."""
    server.kill()
    with open(os.devnull, "w") as nowhere:
        starting = subprocess.Popen(
            [sys.executable, "-m", "curator", "-p", str(root), "serve", "--port", "0"],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=nowhere, stderr=nowhere,
        )  # fmt: skip
    time.sleep(dice.uniform(0.1, 0.5))
    starting.kill()
    starting.wait()


def _all_tasks(line: Line) -> list[dict[str, Any]]:
    connection = Connection(line)
    tasks: list[dict[str, Any]] = []
    while True:
        after = tasks[-1]["position"] if tasks else 0
        status, page = connection.request("GET", f"/api/queues/face/tasks?after={after}&limit=50")
        assert status == 200, page
        if not page["tasks"]:
            connection.close()
            return tasks
        tasks += page["tasks"]


def _assert_api_says(line: Line, held: dict[int, Held]) -> None:
    """The store, read through the API, is the ledger."""
    connection = Connection(line)
    for one in held.values():
        status, task = connection.request("GET", f"/api/queues/face/tasks/{one.annotation_id}")
        assert status == 200, task
        found = task["annotation"]
        expected = {"version": one.version, "keypoints": one.keypoints, "box": one.box}
        assert {key: found[key] for key in expected} == expected, f"annotation {one.annotation_id}"
    removed = {row["image_id"]: row["reason"] for row in connection.request("GET", "/api/removed")[1]["removed"]}
    assert removed == {one.image_id: one.removal for one in held.values() if one.removal is not None}
    skipped: set[int] = set()
    while True:
        after = max(skipped, default=0)
        page = connection.request("GET", f"/api/queues/face/tasks?skipped=1&limit=50&after={after}")[1]
        if not page["tasks"]:
            break
        skipped |= {task["position"] for task in page["tasks"]}
    here = {key: one for key, one in held.items() if one.removal is None and one.has_undecided_face}
    assert skipped == {key for key, one in here.items() if one.is_skipped}
    assert page["queue"]["size"] == sum(not one.is_skipped for one in here.values())
    assert page["queue"]["skipped"] == len(skipped)
    done = sum(one.removal is None and not one.has_undecided_face for one in held.values())
    assert page["queue"]["done"] == done
    connection.close()


def _assert_revisions_are(root: Path, held: dict[int, Held]) -> None:
    """The log holds every acknowledged change once, in order, and nothing else."""
    from curator.project import open_project
    from curator.store import revisions

    project = open_project(root)
    known = 0
    for one in held.values():
        log = revisions.revisions_of_annotation(project.db, one.annotation_id)
        assert [row.change_id for row in log] == one.changes, f"annotation {one.annotation_id}"
        assert [row.base_version for row in log[1:]] == [row.version for row in log[:-1]]
        assert log == [] or (log[0].base_version, log[-1].version) == (1, one.version)
        for change_id in one.image_changes:
            found = revisions.revision_by_change(project.db, change_id)
            assert found is not None, f"image {one.image_id}: {change_id} was acknowledged"
            assert found.image_id == one.image_id
        known += len(one.changes) + len(one.image_changes)
    assert revisions.last_revision_id(project.db) == known
    project.close()


# --- commands, killed while they work ---------------------------------------------------------------------------------


def test_an_import_of_records_that_is_killed_leaves_all_or_nothing_and_runs_again(
    tmp_path: Path, dice: random.Random, record_property: Callable[[str, object], None]
) -> None:
    source = write_records(tmp_path / "data.json", 1000)
    make = _maker(tmp_path, lambda root: None)
    arguments = ("import", "add", str(source), "--json")
    reference = make()
    seconds = _run_unkilled(reference, arguments)
    for _ in range(COMMAND_KILLS):
        root = make()
        _run_and_kill(root, arguments, dice.uniform(0.0, 1.05 * seconds))
        _assert_whole(root)
        assert _status(root)["annotations"] in (0, 1000)
        assert curator(root, *arguments).exit_code == 0
        assert _contents(root) == _contents(reference)
    record_property("kills", COMMAND_KILLS)


def test_an_import_of_pictures_that_is_killed_keeps_whole_ones_and_goes_on(
    tmp_path: Path, dice: random.Random, record_property: Callable[[str, object], None]
) -> None:
    records = write_records(tmp_path / "data.json", 40)
    pictures = write_pictures(tmp_path / "pictures", 40)
    make = _maker(tmp_path, lambda root: curator(root, "import", "add", str(records)))
    arguments = ("import", "images", str(pictures), "--json")
    reference = make()
    seconds = _run_unkilled(reference, arguments)
    cut_short = 0
    for _ in range(COMMAND_KILLS):
        root = make()
        _run_and_kill(root, arguments, dice.uniform(0.0, 1.05 * seconds))
        _assert_whole(root)
        assert _blobs(root) <= _blobs(reference)
        already = _status(root)["images_with_bytes"]
        again = curator(root, *arguments)
        assert (again.exit_code, again.json["unchanged"], again.json["updated"]) == (0, already, 40 - already)
        assert _contents(root) == _contents(reference)
        assert _blobs(root) == _blobs(reference)
        cut_short += 0 < already < 40
    record_property("kills", COMMAND_KILLS)
    record_property("cut_in_the_middle", cut_short)


def test_an_export_that_is_killed_leaves_the_files_of_before_or_whole_new_ones(
    tmp_path: Path, dice: random.Random, record_property: Callable[[str, object], None]
) -> None:
    source = write_records(tmp_path / "data.json", 800)
    make = _maker(tmp_path, lambda root: curator(root, "import", "add", str(source)))
    root = make()
    old, new = ("--undecided", "1"), ("--undecided", "2")
    arguments = {options: ("export", "coco", *options, "--json") for options in (old, new)}
    wanted = {}
    for options in (old, new):
        folder = tmp_path / f"unkilled-{options[1]}"
        seconds = _run_unkilled(root, (*arguments[options], "--out", str(folder)))
        wanted[options] = _files(folder)
    out = tmp_path / "out"
    for _ in range(COMMAND_KILLS):
        assert curator(root, *arguments[old], "--out", str(out)).exit_code == 0
        assert _final_files(out) == wanted[old]
        _run_and_kill(root, (*arguments[new], "--out", str(out)), dice.uniform(0.0, 1.05 * seconds))
        for name, content in _final_files(out).items():
            assert content in (wanted[old][name], wanted[new][name]), f"{name} is neither the old nor the new one"
        _assert_whole(root)
        assert curator(root, *arguments[new], "--out", str(out)).exit_code == 0
        assert _final_files(out) == wanted[new]
    record_property("kills", COMMAND_KILLS)


def test_a_backup_that_is_killed_leaves_no_file_or_one_that_restores(
    tmp_path: Path, dice: random.Random, record_property: Callable[[str, object], None]
) -> None:
    root = tmp_path / "project"
    _make_project(root, tmp_path / "sources", 40)
    seconds = _run_unkilled(root, ("backup", str(tmp_path / "unkilled.zip")))
    wanted = _contents(root)
    for number in range(COMMAND_KILLS):
        path = tmp_path / f"{number}.zip"
        _run_and_kill(root, ("backup", str(path)), dice.uniform(0.0, 1.05 * seconds))
        _assert_whole(root)
        if not path.exists():
            assert curator(root, "backup", str(path)).exit_code == 0
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
        copy = tmp_path / f"restored-{number}"
        assert curator(None, "restore", str(path), str(copy)).exit_code == 0
        assert _contents(copy) == wanted
        assert _blobs(copy) == _blobs(root)
    record_property("kills", COMMAND_KILLS)


# Loads what the command needs before it begins, so that the kill falls into its work and not into its imports.
WARMED = """
import sys
import curator.backup, curator.check, curator.exports, curator.imports, curator.picture_import
from curator.cli import main
from curator.cli import exports, imports, projects
print("ready", flush=True)
sys.argv[0] = "curator"
main()
"""


def _start(root: Path, arguments: tuple[str, ...]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", WARMED, "-p", str(root), *arguments],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def _run_unkilled(root: Path, arguments: tuple[str, ...]) -> float:
    """Run a command to its end; the seconds of its work."""
    process = _start(root, arguments)
    begun = time.monotonic()
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    return time.monotonic() - begun


def _run_and_kill(root: Path, arguments: tuple[str, ...], after_s: float) -> None:
    process = _start(root, arguments)
    assert process.stdout is not None
    reader = threading.Thread(target=process.stdout.read, daemon=True)
    reader.start()
    time.sleep(after_s)
    process.kill()
    assert process.wait() in (0, -signal.SIGKILL)
    reader.join(10)
    process.stdout.close()


def _maker(tmp_path: Path, fill: Callable[[Path], object]) -> Callable[[], Path]:
    """Make project after project, each filled alike."""
    count = iter(range(1000))

    def make() -> Path:
        root = tmp_path / f"project-{next(count)}"
        assert curator(None, "init", str(root)).exit_code == 0
        fill(root)
        return root

    return make


def _make_project(root: Path, sources: Path, count: int) -> None:
    """A project of drawings that can be dealt."""
    assert curator(None, "init", str(root)).exit_code == 0
    records, pictures = write_records(sources / "data.json", count), write_pictures(sources / "pictures", count)
    assert curator(root, "import", "add", str(records), "--images", str(pictures)).exit_code == 0


def _assert_whole(root: Path) -> None:
    checked = curator(root, "check", "--json")
    assert (checked.exit_code, checked.json["problems"]) == (0, []), checked
    for path in (root / "blobs").rglob("*"):
        if path.is_file() and not path.name.endswith(".part"):
            assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name, f"{path} is half a picture"


def _status(root: Path) -> dict[str, Any]:
    found = curator(root, "status", "--json")
    assert found.exit_code == 0, found
    return found.json


def _contents(root: Path) -> list[Any]:
    """Everything that the store says of images and annotations, times and import numbers left out."""
    from curator.project import open_project
    from curator.store import annotations, images, work

    project = open_project(root)
    said = work.latest_predictions(project.db)
    contents: list[Any] = [(image.id, image) for image in images.all_images(project.db)]
    contents += [(one.id, one.version, one.record, said.get(one.id)) for one in annotations.all_annotations(project.db)]
    project.close()
    return contents


def _blobs(root: Path) -> set[str]:
    return {path.name for path in (root / "blobs").rglob("*") if path.is_file() and not path.name.endswith(".part")}


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _final_files(folder: Path) -> dict[str, bytes]:
    return {name: content for name, content in _files(folder).items() if not name.endswith(".part")}
