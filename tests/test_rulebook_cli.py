"""`curator rulebook`, `curator posts`, and what `import` and `export` gained: shapes, exit codes, round trips."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from curator import rulebook_log
from curator.cli import cli

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "rulebook" / "danbooru.toml"
MIXED_UP = """
[[class]]
any = ["b", "a"]
category = "body"
name = "hair"   # a remark
[[exclude]]
tags = ["z", "y"]
reason = "meta"
"""


def run(*words):
    """The command as a process would run it."""
    return CliRunner().invoke(cli, [str(word) for word in words], prog_name="curator")


def says(*words):
    """What a command answers as JSON, with exit 0."""
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
def outside(tmp_path, monkeypatch):
    """A working folder that is in no project."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def posts(project):
    """The options for a project with 300 generated posts."""
    says("-p", project.root, "import", "posts", "--generate", 300, "--seed", 5)
    return "-p", project.root


def test_stats_of_the_shipped_rulebook_outside_a_project(outside):
    found = says("rulebook", "stats")

    assert found["classes"] >= 1062
    assert found["raw_tags"] >= 2027
    assert set(found["by_category"]) == {"body", "clothing", "misc"}
    assert sum(found["by_category"].values()) == found["classes"]
    assert all(isinstance(count, int) for count in found["excluded"].values())
    assert found["digest"] == rulebook_log.shipped_rulebook().digest


def test_stats_of_a_project_and_of_a_file(project, tmp_path):
    (tmp_path / "r.toml").write_text(MIXED_UP)
    says("-p", project.root, "rulebook", "import", tmp_path / "r.toml")

    assert says("-p", project.root, "rulebook", "stats")["classes"] == 1
    assert says("rulebook", "stats", tmp_path / "r.toml")["excluded"] == {"meta": 2}


def test_lint_of_the_shipped_rulebook_is_clean_and_of_a_bad_one_is_not(outside):
    assert says("rulebook", "lint")["clean"] is True
    Path("bad.toml").write_text('[[class]]\nname = "hair"\ncategory = "body"\nany = []\n')

    result = run("rulebook", "lint", "bad.toml", "--json")

    assert result.exit_code == 1
    assert [one["code"] for one in json.loads(result.stdout)["findings"]] == ["R103"]


def test_lint_against_a_tag_table(outside):
    Path("r.toml").write_text('[[class]]\nname = "hair"\ncategory = "body"\nany = ["silver_hair"]\n')
    Path("tags.csv").write_text('1girl,0,6,\ngrey_hair,0,3,"silver_hair"\ntouhou,3,4,\nhighres,5,9,\n')

    result = run("rulebook", "lint", "r.toml", "--tags", "tags.csv", "--json")

    assert [one["code"] for one in json.loads(result.stdout)["findings"]] == ["R105"]


def test_formatting_twice_changes_nothing(outside):
    Path("r.toml").write_text(MIXED_UP)

    assert run("rulebook", "fmt", "r.toml", "--check").exit_code == 1
    assert says("rulebook", "fmt", "r.toml")["changed"] is True
    first = Path("r.toml").read_text()
    assert says("rulebook", "fmt", "r.toml")["changed"] is False
    assert Path("r.toml").read_text() == first
    assert "# a remark" in first
    assert run("rulebook", "fmt", "--check").exit_code == 0


def test_toml_to_csv_to_toml_is_identical(outside):
    says("rulebook", "export", "--out", "a.csv")
    says("rulebook", "export", "a.csv", "--out", "b.toml")

    assert Path("b.toml").read_bytes() == SHIPPED.read_bytes()
    assert run("rulebook", "export", "b.toml").stdout == SHIPPED.read_text()


def test_json_is_a_list_in_output_order(posts, outside):
    says(*posts, "rulebook", "publish", "-m", "one")
    says(*posts, "rulebook", "export", "--out", "a.json")
    says(*posts, "rulebook", "export", "1", "--format", "lock", "--out", "a.lock")

    listed = json.loads(Path("a.json").read_text())
    assert [one["index"] for one in listed] == list(range(len(listed)))
    assert listed[0]["any"]
    published = Path(posts[1]) / "exports" / "rulebook-1"
    assert Path("a.lock").read_text() == (published / "rulebook.lock").read_text()


def test_apply_on_generated_posts_is_the_same_with_and_without_a_project(posts, outside):
    found = says(*posts, "rulebook", "apply", "--preset", "paper")
    drawn = says("rulebook", "apply", "--generate", 300, "--seed", 5)

    assert found == drawn
    assert found["posts"] == 300
    assert [step["step"] for step in found["funnel"]] == ["rating", "single person", "comics", "size", "positive tags"]
    assert found["funnel"][0]["in"] == 300
    assert found["funnel"][-1]["out"] == found["kept"]
    assert len(found["classes"]) == len(rulebook_log.shipped_rulebook())
    assert found["min_frequency"] == min(found["classes"].values()) / found["kept"]
    assert says("rulebook", "apply", "--generate", 300, "--seed", 6)["digest"] != found["digest"]


def test_the_digest_does_not_depend_on_the_process(outside):
    digests = set()
    for hash_seed in ("0", "1"):
        answer = subprocess.run(
            [sys.executable, "-m", "curator", "rulebook", "apply", "--generate", "300", "--seed", "5", "--json"],
            env=os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=120,
        )
        digests.add(json.loads(answer.stdout)["digest"])
    assert len(digests) == 1


def test_a_filter_from_a_file(posts, tmp_path):
    steps = [{"step": "rating", "allow": ["general"]}, {"step": "min_tags", "at_least": 3, "count": "raw"}]
    (tmp_path / "f.json").write_text(json.dumps({"name": "mine", "steps": steps}))

    found = says(*posts, "posts", "filter", "--filter", tmp_path / "f.json", "--out", tmp_path / "out.jsonl")

    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert len(lines) == found["posts"] == 300
    assert sum(line["kept"] for line in lines) == found["kept"]
    assert sum(line["first"] == "rating" for line in lines) == found["dropped"]["rating"]
    assert sum("positive tags" in line["reasons"] for line in lines) == found["reasons"]["positive tags"]


def test_why_a_post_is_in_its_classes(posts, tmp_path):
    says(*posts, "posts", "filter", "--out", tmp_path / "out.jsonl")
    post = json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])

    found = says(*posts, "rulebook", "why", post["post"])

    assert (found["kept"], found["dropped_by"]) == (post["kept"], post["reasons"])
    for one in found["classes"]:
        assert all(because["raw_tag"] in found["tags"] for because in one["because"])
    name = found["classes"][0]["class"]
    assert says(*posts, "rulebook", "why", post["post"], name)["classes"] == found["classes"][:1]


def test_a_persons_file_is_merged_and_the_difference_told(posts, outside):
    says(*posts, "rulebook", "publish", "-m", "one")
    text = SHIPPED.read_text()
    Path("theirs.toml").write_text(text.replace('"cat_tail",', '"cat_tail",\n  "cat_tails",', 1))

    merged = says(*posts, "rulebook", "merge", "theirs.toml")

    assert merged["merged"] is True
    assert merged["conflicts"] == []
    assert says(*posts, "rulebook", "diff")["words"] == merged["changes"]
    assert len(merged["changes"]) == 1
    assert says(*posts, "rulebook", "publish", "-m", "two")["version"] == 2
    assert says(*posts, "rulebook", "diff", "1", "2")["words"] == merged["changes"]
    assert says(*posts, "rulebook", "diff")["same"] is True
    assert says(*posts, "check")["ok"]


def test_conflicts_exit_1_change_nothing_and_can_be_settled(project, outside):
    here = ("-p", project.root)
    Path("base.toml").write_text(MIXED_UP)
    Path("ours.toml").write_text(MIXED_UP.replace('"hair" ', '"our hair" '))
    Path("theirs.toml").write_text(MIXED_UP.replace('"hair" ', '"their hair" '))
    says(*here, "rulebook", "import", "base.toml")
    says(*here, "rulebook", "import", "ours.toml")

    result = run(*here, "rulebook", "merge", "theirs.toml", "--base", "base.toml", "--json")

    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert (told["merged"], [one["kind"] for one in told["conflicts"]]) == (False, ["renamed twice"])
    assert told["conflicts"][0]["key"] in result.stderr
    key = told["conflicts"][0]["key"]
    says(*here, "rulebook", "merge", "theirs.toml", "--base", "base.toml", "--choose", f"{key}=theirs")
    assert "their hair" in run(*here, "rulebook", "export").stdout


def test_an_edit_is_previewed_made_taken_back_and_listed(posts):
    edit = json.dumps({"edit": "retire_class", "class_name": "smile"})
    preview = says(*posts, "rulebook", "edit", edit, "--preview")
    assert preview["classes"][0]["name"] == "smile"

    made = says(*posts, "rulebook", "edit", edit, "--base", 1, "--change-id", "mine")
    assert (made["version"], made["words"]) == (2, "retire smile")
    assert says(*posts, "rulebook", "edit", edit, "--base", 1, "--change-id", "mine") == made
    stale = run(*posts, "rulebook", "edit", '{"edit": "retire_class", "class_name": "hat"}', "--base", 1)
    assert (stale.exit_code, "local changed it since: retire smile" in stale.stderr) == (1, True)
    assert says(*posts, "rulebook", "undo")["words"] == "undo retire smile"
    assert says(*posts, "rulebook", "redo")["version"] == 4
    assert [one["action"] for one in says(*posts, "rulebook", "log")["changes"]] == ["redo", "undo", "edit", "start"]
    assert run(*posts, "rulebook", "edit", '{"edit": "dance"}').exit_code == 1


@pytest.mark.shared_data
def test_the_shipped_rulebook_is_clean_against_the_real_tag_table(project, shared_data):
    report = says("-p", project.root, "import", "tags", shared_data / "danbooru_tags.csv", "--date", "2024-06-01")
    assert report["added"] > 20_000

    result = run("-p", project.root, "rulebook", "lint", "--json")

    assert (result.exit_code, json.loads(result.stdout)["clean"]) == (0, True)


def test_the_tag_matrix_is_an_export(project, tmp_path, outside):
    Path("r.toml").write_text('[[class]]\nname = "hat"\ncategory = "clothing"\nany = ["hat"]\n')
    here = ("-p", project.root)
    says(*here, "rulebook", "import", "r.toml")
    says(*here, "import", "posts", "--generate", 200)

    report = says(*here, "export", "tag-matrix", "--filter", "everything", "--out", tmp_path / "m")

    assert {"files", "images", "annotations", "per_split", "dropped"} <= set(report)
    assert report["images"] == 200
    result = run(*here, "export", "tag-matrix", "--filter", "paper", "--out", tmp_path / "n")
    assert (result.exit_code, (tmp_path / "n").exists()) == (1, False)


def test_import_of_tags_aliases_and_implications(project, tmp_path):
    here = ("-p", project.root)
    (tmp_path / "t.csv").write_text("1girl,0,6,\ngrey_hair,0,3,\ntouhou,3,4,\nhighres,5,9,\n")
    (tmp_path / "a.json").write_text('{"antecedent_name": "a", "consequent_name": "b", "status": "active"}\n')

    assert says(*here, "import", "tags", tmp_path / "t.csv", "--date", "2024-01-01")["added"] == 4
    assert says(*here, "import", "aliases", tmp_path / "a.json")["added"] == 1
    assert says(*here, "import", "implications", tmp_path / "a.json")["added"] == 1


def test_refused_lines_are_told_and_the_exit_code_is_1(project, tmp_path):
    (tmp_path / "p.json").write_text('{"id": 1, "tag_string": "a", "rating": "s"}\nnonsense\n')

    result = run("-p", project.root, "import", "posts", tmp_path / "p.json", "--json")

    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert (report["added"], len(report["refused"]), report["reasons"]) == (1, 1, {"no JSON": 1})
    assert "p.json: line 2" in report["refused"][0]["record"]
    assert "no JSON" in result.stderr


@pytest.mark.parametrize(
    ("words", "sentence", "code"),
    [
        (("rulebook", "stats", "none.toml"), "none.toml: cannot be read", 1),
        (("rulebook", "apply"), "no project here or above", 1),
        (("rulebook", "apply", "--generate", "9", "--preset", "mine"), "no preset (paper, everything)", 1),
        (("rulebook", "diff"), "BEFORE and AFTER", 2),
        (("rulebook", "export", "--out", "x.docx"), "no format has that ending", 2),
        (("rulebook", "why", "zero"), "is not a valid integer", 2),
        (("rulebook", "dance"), "No such command", 2),
        (("import", "posts"), "FILES or --generate", 2),
        (("posts", "filter"), "no project here or above", 1),
        (("rulebook", "publish"), "--message", 2),
    ],
    ids=["file", "project", "preset", "diff", "ending", "number", "command", "no posts", "filter", "message"],
)
def test_what_cannot_be_done_is_told_without_a_traceback(outside, words, sentence, code):
    result = run(*words)

    assert (result.exit_code, sentence in result.stderr) == (code, True), result.output


def test_the_text_commands_load_no_bitmaps(outside):
    code = (
        "import sys; from curator.cli import cli\n"
        "try: cli(['rulebook', 'stats'])\n"
        "except SystemExit: pass\n"
        "print('heavy:', sorted({'pyroaring', 'torch'} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60)

    assert "heavy: []" in answer.stdout, answer.stdout + answer.stderr
