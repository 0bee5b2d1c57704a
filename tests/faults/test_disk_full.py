"""A disk without room: one clear sentence, nothing lost that was stored, and it goes on when there is room again.

Two kinds of want. `small_disk` is a file system of its own, really full: it needs the right to mount one, and skips
where that is missing. The last test holds for everybody: the kernel lets no file of the command grow beyond so many
bytes (RLIMIT_FSIZE), so that a write breaks off half-way.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from faults.annotators import Connection, Line
from faults.commands import ROOT, Ran, curator
from faults.drawings import write_pictures, write_records

pytestmark = pytest.mark.faults

NUM_DRAWINGS = 30
DISK_BYTES = 6 * 2**20


@dataclass(frozen=True)
class SmallDisk:
    """A folder on a file system of `DISK_BYTES`, and how to take its room away."""

    folder: Path

    def fill(self, leave: int = 0) -> None:
        """Take all room but so many bytes."""
        filler = self.folder / "filler"
        with open(filler, "wb", buffering=0) as out:
            try:
                while True:
                    out.write(bytes(2**16))
            except OSError:
                pass
            try:
                while True:
                    out.write(bytes(512))
            except OSError:
                pass
        if leave:
            os.truncate(filler, max(0, filler.stat().st_size - leave))

    def free(self) -> None:
        """Give the room back."""
        (self.folder / "filler").unlink()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A mounted file system of a few megabytes; skips where nobody may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "curator-test", str(folder)]
    try:
        done = subprocess.run(mount, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no `mount` here: a really full disk cannot be made")
    if done.returncode != 0:
        pytest.skip(f"nobody may mount a file system here: {done.stderr.strip()}")
    yield SmallDisk(folder)
    subprocess.run(["umount", "--lazy", str(folder)], check=True, stdin=subprocess.DEVNULL)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A folder with `data.json` and `pictures/`."""
    folder = tmp_path / "sources"
    write_records(folder / "data.json", NUM_DRAWINGS)
    write_pictures(folder / "pictures", NUM_DRAWINGS)
    return folder


def _new_project(root: Path, sources: Path, *, with_pictures: bool) -> Path:
    assert curator(None, "init", str(root)).exit_code == 0
    pictures = ("--images", str(sources / "pictures")) if with_pictures else ()
    assert curator(root, "import", "add", str(sources / "data.json"), *pictures).exit_code == 0
    return root


def _assert_one_sentence(ran: Ran, word: str) -> None:
    """Exit 1, one line on stderr, the same in the JSON."""
    assert ran.exit_code == 1, ran
    lines = ran.stderr.strip().splitlines()
    assert len(lines) == 1, ran.stderr
    assert lines[0].startswith("curator: ")
    assert word in lines[0], lines[0]
    assert ran.json["ok"] is False
    assert ran.json["error"] in lines[0]


def _assert_whole(root: Path) -> None:
    checked = curator(root, "check", "--json")
    assert (checked.exit_code, checked.json["problems"]) == (0, []), checked


def _with_bytes(root: Path) -> int:
    return int(curator(root, "status", "--json").json["images_with_bytes"])


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


# --- commands on a full disk ------------------------------------------------------------------------------------------


def test_pictures_that_fit_stay_when_the_disk_fills_up_and_the_others_follow_later(
    small_disk: SmallDisk, sources: Path
) -> None:
    root = _new_project(small_disk.folder / "project", sources, with_pictures=False)
    small_disk.fill(leave=600_000)

    stopped = curator(root, "import", "images", str(sources / "pictures"), "--json")

    _assert_one_sentence(stopped, "disk is full")
    small_disk.free()
    fitted = _with_bytes(root)
    assert 0 < fitted < NUM_DRAWINGS
    _assert_whole(root)
    assert not list((root / "blobs").rglob("*.part"))
    again = curator(root, "import", "images", str(sources / "pictures"), "--json")
    assert (again.exit_code, again.json["unchanged"], again.json["updated"]) == (0, fitted, NUM_DRAWINGS - fitted)
    _assert_whole(root)


def test_records_that_do_not_fit_leave_nothing_behind(small_disk: SmallDisk, sources: Path) -> None:
    root = _new_project(small_disk.folder / "project", sources, with_pictures=True)
    many = write_records(sources / "many.json", 3000)
    small_disk.fill(leave=300_000)

    stopped = curator(root, "import", "add", str(many), "--json")

    _assert_one_sentence(stopped, "disk is full")
    small_disk.free()
    _assert_whole(root)
    assert curator(root, "status", "--json").json["annotations"] == NUM_DRAWINGS


@pytest.mark.parametrize("has_old_one", [False, True], ids=["first export", "over an older export"])
def test_an_export_that_does_not_fit_leaves_the_files_of_before(
    small_disk: SmallDisk, sources: Path, has_old_one: bool
) -> None:
    root = _new_project(small_disk.folder / "project", sources, with_pictures=False)
    out = small_disk.folder / "out"
    arguments = ("export", "coco", "--out", str(out), "--json")
    if has_old_one:
        assert curator(root, *arguments).exit_code == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()} if has_old_one else {}
    small_disk.fill()

    stopped = curator(root, *arguments, "--undecided", "1")

    _assert_one_sentence(stopped, "disk is full")
    found = {path.name: path.read_bytes() for path in out.iterdir()} if out.exists() else {}
    assert found == before
    small_disk.free()
    assert curator(root, *arguments, "--undecided", "1").exit_code == 0
    assert _names(out) == {"annotations.json", "manifest.json"}
    _assert_whole(root)


def test_a_backup_that_does_not_fit_leaves_no_file(small_disk: SmallDisk, sources: Path) -> None:
    root = _new_project(small_disk.folder / "project", sources, with_pictures=True)
    small_disk.fill(leave=400_000)
    path = small_disk.folder / "backup.zip"

    stopped = curator(root, "backup", str(path), "--json")

    _assert_one_sentence(stopped, "disk is full")
    assert _names(small_disk.folder) == {"project", "filler"}
    assert _names(root / "cache") == set()
    small_disk.free()
    _assert_whole(root)
    assert curator(root, "backup", str(path), "--json").exit_code == 0


def test_a_project_on_a_full_disk_is_not_called_damaged(small_disk: SmallDisk, sources: Path) -> None:
    root = _new_project(small_disk.folder / "project", sources, with_pictures=False)
    small_disk.fill()

    # A process of its own: SQLite wants a little room even to open a project for reading.
    done = subprocess.run(
        [sys.executable, "-m", "curator", "-p", str(root), "status", "--json"],
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    if done.returncode != 0:
        _assert_one_sentence(Ran(done.returncode, done.stdout, done.stderr), "disk is full")
    small_disk.free()
    assert curator(root, "status", "--json").json["annotations"] == NUM_DRAWINGS


# --- labelling on a full disk -----------------------------------------------------------------------------------------


def test_labelling_on_a_full_disk_is_refused_in_a_sentence_and_goes_on_when_there_is_room(
    small_disk: SmallDisk, sources: Path, served: Callable[..., Any]
) -> None:
    root = _new_project(small_disk.folder / "project", sources, with_pictures=True)
    server = served(root, arguments=("--json",))
    connection = Connection(Line(server.port))
    _, page = connection.request("GET", "/api/queues/face/tasks?limit=4")
    annotation_id, image_id = page["tasks"][0]["position"], page["tasks"][0]["image"]["id"]
    path = f"/api/annotations/{annotation_id}"
    version = 1
    small_disk.fill()

    refusals, sent = [], None
    for number in range(200):  # the log still has room that was taken before
        sent = _edit(version, x=float(number))
        status, answer = connection.request("PATCH", path, sent)
        if status == 200:
            version = answer["version"]
        else:
            refusals.append((status, answer))
            break
    assert refusals, "a disk without a free byte took 200 changes"
    for method, where, body in (
        ("PATCH", path, sent),
        ("POST", f"{path}/skips", {"change_id": str(uuid.uuid4()), "queue": "face", "reason": "unsure"}),
        ("POST", f"/api/images/{image_id}/removal", {"change_id": str(uuid.uuid4()), "reason": "duplicate"}),
        ("POST", "/api/exports", {"name": "spring"}),
    ):
        refusals.append(connection.request(method, where, body))

    for status, answer in refusals:
        assert status == 507, answer
        assert answer["ok"] is False
        assert "disk is full" in answer["error"]
        assert "\n" not in answer["error"]
    status, task = connection.request("GET", f"/api/queues/face/tasks/{annotation_id}")
    assert status == 200, task
    assert task["annotation"]["version"] == version
    assert connection.request("GET", "/healthz")[0] == 200

    small_disk.free()
    status, answer = connection.request("PATCH", path, sent)  # the page sends the same change again
    assert (status, answer["version"], answer["repeated"]) == (200, version + 1, False), answer
    connection.close()
    assert server.stop() == 0
    assert "Traceback" not in server.output
    _assert_whole(root)


def _edit(version: int, x: float) -> dict[str, Any]:
    point = {"x": x, "y": 4.5, "state": "visible", "source": "placed"}
    return {"change_id": str(uuid.uuid4()), "base_version": version, "changes": {"keypoints": {"left_eye": point}}}


# --- for everybody: a file that may not grow --------------------------------------------------------------------------


def _limited(root: Path, limit: int, *arguments: str) -> Ran:
    """Run a command whose files may not grow beyond `limit` bytes."""

    def narrow() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # else the kernel ends the process at the first such write
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        [sys.executable, "-m", "curator", "-p", str(root), *arguments],
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, preexec_fn=narrow, timeout=60,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("limit", "arguments"),
    [
        (9_000, ("import", "images", "PICTURES", "--json")),
        (9_000, ("import", "add", "MANY", "--json")),
        (9_000, ("export", "coco", "--out", "OUT/export", "--json")),
        (9_000, ("backup", "OUT/backup.zip", "--json")),
    ],
    ids=["import images", "import add", "export", "backup"],
)
def test_a_write_that_breaks_off_is_told_in_one_sentence_and_leaves_nothing_half(
    tmp_path: Path, sources: Path, limit: int, arguments: tuple[str, ...]
) -> None:
    root = _new_project(tmp_path / "project", sources, with_pictures=False)
    out = tmp_path / "out"
    out.mkdir()
    many = write_records(sources / "many.json", 3000)
    places = {"PICTURES": str(sources / "pictures"), "MANY": str(many)}
    words = [places.get(word, word.replace("OUT", str(out))) for word in arguments]
    before = json.loads(curator(root, "status", "--json").stdout)

    stopped = _limited(root, limit, *words)

    _assert_one_sentence(stopped, "")
    assert not [path for path in out.rglob("*") if path.is_file()]
    for blob in (path for path in (root / "blobs").rglob("*") if path.is_file()):
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name, "half a picture"
    _assert_whole(root)
    assert curator(root, "status", "--json").json == before
    assert curator(root, *words).exit_code == 0
