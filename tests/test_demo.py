"""The demo project is built whole or not at all, and never at the cost of what lies there."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from curator import demo
from curator.check import check_project
from curator.demo import build_demo
from curator.errors import ProjectError
from curator.project import init_project
from curator.status import status

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def few(monkeypatch):
    """Four drawings are enough here."""
    monkeypatch.setattr(demo, "NUM_DRAWINGS", 4)
    monkeypatch.setattr(demo, "NUM_WITHOUT_PICTURE", 1)


def _build(root):
    return build_demo(root, lambda done, total: None)


@pytest.mark.parametrize("is_there", [False, True], ids=["absent", "empty"])
def test_the_demo_is_built_whole_and_nothing_else_is_left(few, tmp_path, is_there):
    if is_there:
        (tmp_path / "demo").mkdir()

    project = _build(tmp_path / "demo")

    assert project.root == tmp_path / "demo"
    assert (status(project)["images"], status(project)["images_with_bytes"]) == (4, 3)
    assert check_project(project).problems == []
    assert os.listdir(tmp_path) == ["demo"]


def test_a_demo_that_was_killed_is_built_again(few, tmp_path):
    command = [sys.executable, "-m", "curator", "demo", str(tmp_path / "demo"), "--no-serve"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not (tmp_path / "demo.part" / "curator.db").exists():
            time.sleep(0.005)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert os.listdir(tmp_path) == ["demo.part"]

    project = _build(tmp_path / "demo")

    assert status(project)["images"] == 4
    assert os.listdir(tmp_path) == ["demo"]


def test_a_demo_that_fails_leaves_nothing(few, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("the power went")

    monkeypatch.setattr(demo, "prefill", fail)

    with pytest.raises(RuntimeError):
        _build(tmp_path / "demo")

    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["demo", "demo.part"])
def test_a_folder_with_other_things_is_not_made_a_demo(few, tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "thesis.tex").write_text("precious")

    with pytest.raises(ProjectError, match=r"holds 'thesis\.tex'"):
        _build(tmp_path / "demo")

    assert (tmp_path / name / "thesis.tex").read_text() == "precious"
    assert os.listdir(tmp_path) == [name]


def test_a_file_or_a_project_in_the_way_is_said_so(few, tmp_path):
    (tmp_path / "file").write_text("precious")
    init_project(tmp_path / "mine").close()

    for name in ("file", "file/below", "mine"):
        with pytest.raises(ProjectError):
            _build(tmp_path / name)

    assert sorted(os.listdir(tmp_path)) == ["file", "mine"]
