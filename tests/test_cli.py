"""The command line: exit codes, one JSON object, one sentence for bad use, and no heavy start."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cast import MIKA, REN, SIZE_WH
from click.testing import CliRunner
from PIL import Image
from workshop import Workshop

from curator.cli import COMMANDS, cli
from datasets.add import write_add

ROOT = Path(__file__).resolve().parent.parent


def run(*words, env=None):
    """The command as a process would run it; stdout, stderr, exit code."""
    return CliRunner().invoke(cli, [str(word) for word in words], prog_name="curator", env=env)


@pytest.fixture
def add_file(tmp_path):
    """A file of three drawings as AnimeDrawingsDataset lays it out."""
    path = tmp_path / "data.json"
    twin = MIKA.record()
    twin.file_name, twin.source_id = "data/images/1000009.png", "1000009"
    assert write_add(path, [MIKA.record(), REN.record(), twin]) == []
    return path


def test_from_nothing_to_an_export_in_five_commands(tmp_path, add_file):
    project = tmp_path / "p"
    assert run("init", project).exit_code == 0
    imported = json.loads(run("-p", project, "import", "add", add_file, "--json").stdout)
    assert {key: imported[key] for key in ("added", "updated", "unchanged")} == {
        "added": 3,
        "updated": 0,
        "unchanged": 0,
    }
    prefilled = json.loads(run("-p", project, "prefill", "--model", "geometry", "--missing-only", "--json").stdout)
    assert {key: prefilled[key] for key in ("model", "images", "predicted", "skipped")} == {
        "model": "geometry", "images": 3, "predicted": 3, "skipped": [],
    }  # fmt: skip
    exported = run("-p", project, "export", "coco", "--unconfirmed", "keep", "--out", tmp_path / "x", "--json")
    report = json.loads(exported.stdout)
    assert (report["images"], report["annotations"], report["per_split"], report["dropped"]) == (3, 3, {"all": 3}, [])
    assert {file["path"] for file in report["files"]} == {"annotations.json", "manifest.json"}
    status = json.loads(run("-p", project, "status", "--json").stdout)
    assert (status["images"], status["annotations"], status["queues"]) == (3, 3, {"face": 0})
    assert status["keypoints"]["left_eye"] == {"visible": 0, "hidden": 0, "absent": 0, "undecided": 3}
    assert json.loads(run("-p", project, "check", "--json").stdout)["ok"]


def test_a_second_prefill_stores_nothing_new(tmp_path, add_file):
    project = tmp_path / "p"
    run("init", project)
    run("-p", project, "import", "add", add_file)
    run("-p", project, "prefill")

    assert json.loads(run("-p", project, "prefill", "--json").stdout)["predicted"] == 0


def test_refused_records_are_told_on_stderr_and_the_exit_code_is_1(tmp_path, add_file):
    items = json.loads(add_file.read_text())
    del items[1]["points"]["neck"]
    add_file.write_text(json.dumps(items))
    project = tmp_path / "p"
    run("init", project)

    result = run("-p", project, "import", "add", add_file, "--json")

    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert (report["added"], len(report["refused"])) == (2, 1)
    assert "data.json" in report["refused"][0]["reason"]
    assert report["refused"][0]["reason"] in result.stderr


def test_import_with_images_ties_them_at_once(tmp_path, add_file, project):
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.new("RGB", SIZE_WH).save(folder / MIKA.file_name)

    result = run("-p", project.root, "import", "add", add_file, "--images", folder, "--json")

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["pictures"]["updated"] == 1
    assert json.loads(run("-p", project.root, "status", "--json").stdout)["queues"] == {"face": 1}


def test_the_project_is_found_by_option_by_environment_and_by_folder(project, monkeypatch):
    monkeypatch.chdir(project.root / "exports")
    assert run("status").exit_code == 0
    monkeypatch.chdir("/")
    assert run("status", env={"CURATOR_PROJECT": str(project.root)}).exit_code == 0
    result = run("status")
    assert result.exit_code == 1
    assert "no project here or above" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("dance",),
        ("import", "add"),
        ("import", "paintings", "x"),
        ("export", "coco"),
        ("export", "coco", "--out", "x", "--undecided", "3"),
        ("serve", "--port", "99999"),
    ],
    ids=["command", "no file", "format", "no folder", "choice", "port"],
)
def test_bad_use_exits_2(words):
    assert run(*words).exit_code == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("import", "add", "none.json"), "none.json"),
        (("import", "images", "nowhere"), "no such folder"),
        (("prefill", "--model", "oracle"), "no model is called 'oracle'"),
        (("serve", "--host", "0.0.0.0"), "other addresses need accounts"),
    ],
    ids=["no file", "no folder", "no model", "open to the world"],
)
def test_what_cannot_be_done_is_one_sentence_and_exit_1(project, words, sentence):
    result = run("-p", project.root, *words)

    assert result.exit_code == 1
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1


def test_with_json_a_failure_is_an_object_too(project):
    result = run("-p", project.root, "import", "images", "nowhere", "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["ok"] is False


def test_backup_and_restore_from_the_command_line(project, tmp_path):
    workshop = Workshop(project, tmp_path)
    workshop.receives(MIKA)

    assert run("-p", project.root, "backup", tmp_path / "b.zip").exit_code == 0
    result = run("restore", tmp_path / "b.zip", tmp_path / "again", "--json")

    assert json.loads(result.stdout) == {"project": str(tmp_path / "again")}
    assert json.loads(run("-p", tmp_path / "again", "status", "--json").stdout)["images_with_bytes"] == 1


def test_check_exits_1_when_something_is_wrong(project, tmp_path):
    Workshop(project, tmp_path).receives(MIKA)
    project.db.conn.execute("UPDATE annotations SET version = 9")

    assert run("-p", project.root, "check").exit_code == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_and_takes_json(command):
    result = run(command, "--help")

    assert result.exit_code == 0
    if command not in ("import", "export"):
        assert "--json" in result.output


def test_the_help_loads_nothing_heavy():
    code = (
        "import sys; from curator.cli import cli\n"
        "try: cli(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'flask', 'PIL', 'sqlite_utils', 'torch', 'pyvips', 'pycocotools', 'requests'}\n"
        "heavy &= set(sys.modules)\n"
        "print('heavy:', sorted(heavy))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )

    assert "heavy: []" in result.stdout, result.stdout + result.stderr


def test_add_records_written_again_are_the_same_file(tmp_path, add_file):
    from datasets.add import read_add

    write_add(tmp_path / "again.json", read_add(add_file))

    assert json.loads((tmp_path / "again.json").read_text()) == json.loads(add_file.read_text())
