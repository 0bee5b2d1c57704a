"""The working rulebook: edited, undone across restarts, merged, published whole or never; and the pages' numbers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from cast import MIKA
from workshop import Workshop

from curator import rulebook_log, rulebook_merging, rulebook_publishing, rulebooks
from curator.check import check_project
from curator.errors import BadInput, NotFound, Stale
from curator.posts import generate_posts, import_posts, load_index
from curator.project import open_project
from curator.rulebook_bench import RulebookBench
from curator.rulebook_log import StaleRulebook
from curator.rulebook_merging import conflict_key
from curator.store.users import IMPORT_ACTOR_ID, LOCAL_ACTOR_ID
from curator.tag_matrix import export_tag_matrix
from curator.tags import import_relations
from rulebook.apply import apply_rulebook
from rulebook.diff import diff
from rulebook.editing import apply_edit
from rulebook.edits import (
    AddClass,
    AddMembers,
    Exclude,
    MergeClasses,
    MoveMembers,
    RemoveMembers,
    RenameClass,
    RetireClass,
    SetFields,
)
from rulebook.filters import EVERYTHING, PAPER, Filter, Size
from rulebook.lock import read_lock
from rulebook.records import Rulebook, rule_class
from rulebook.toml_text import read_rulebook, write_rulebook

ROOT = Path(__file__).resolve().parent.parent
SMALL = Rulebook(
    (
        rule_class("", "long hair", "body", ["long_hair", "very_long_hair"]),
        rule_class("", "hat", "clothing", ["beret", "hat", "top_hat"]),
        rule_class("", "dress", "clothing", ["black_dress", "dress", "white_dress"]),
        rule_class("", "smile", "body", ["smile"]),
    )
)


class Desk:
    """One person at one project's rulebook."""

    def __init__(self, project, actor_id=LOCAL_ACTOR_ID):
        self.project, self.actor_id, self._count = project, actor_id, 0

    def _said(self, base):
        self._count += 1
        version = rulebooks.working(self.project).version if base is None else base
        return {"change_id": f"{self.actor_id}-{self._count}", "base_version": version, "actor_id": self.actor_id}

    def edits(self, edit, base=None):
        return rulebooks.change(self.project, edit, **self._said(base))

    def undoes(self):
        return rulebooks.undo(self.project, **self._said(None))

    def redoes(self):
        return rulebooks.redo(self.project, **self._said(None))

    def takes(self, rulebook):
        return rulebooks.replace_rulebook(self.project, rulebook, words="import small", **self._said(None))

    def publishes(self, message="a version"):
        return rulebook_publishing.publish_rulebook(self.project, message, **self._said(None))

    def merges(self, theirs, base=SMALL, **options):
        return rulebook_merging.merge_rulebook(self.project, theirs, base, **self._said(None), **options)

    @property
    def rulebook(self):
        return rulebooks.working(self.project).rulebook


@pytest.fixture
def desk(project):
    made = Desk(project)
    made.takes(SMALL)
    return made


def edited(*edits, rulebook=SMALL):
    for edit in edits:
        rulebook = apply_edit(rulebook, edit).rulebook
    return rulebook


# --- begun, edited ---


def test_the_working_rulebook_begins_as_the_shipped_one(project):
    now = rulebooks.working(project)

    assert now.version == 1
    assert write_rulebook(now.rulebook) == rulebook_log.shipped_text()


def test_an_edit_is_kept_and_a_repeated_request_gets_the_same_answer(desk):
    said = {"change_id": "mine", "base_version": 2, "actor_id": LOCAL_ACTOR_ID}
    edit = AddMembers("hat", ("witch_hat",))
    first = rulebooks.change(desk.project, edit, **said)
    again = rulebooks.change(desk.project, edit, **said)

    assert (first.version, first.words, first.touched) == (3, "add witch_hat to hat", ("hat",))
    assert again == first
    assert again.is_repeat
    assert "witch_hat" in desk.rulebook.get("hat").members


def test_a_stale_edit_is_refused_with_what_changed(desk):
    colleague = Desk(desk.project, IMPORT_ACTOR_ID)
    colleague.edits(AddMembers("hat", ("witch_hat",)))

    with pytest.raises(StaleRulebook, match="add witch_hat to hat") as caught:
        desk.edits(RemoveMembers("hat", ("beret",)), base=2)

    assert isinstance(caught.value, Stale)
    assert caught.value.version == 3
    assert caught.value.same == ("hat",)
    assert [change["words"] for change in caught.value.annotation["changes"]] == ["add witch_hat to hat"]
    desk.edits(RemoveMembers("hat", ("beret",)), base=3)
    assert desk.rulebook.get("hat").members == ("hat", "top_hat", "witch_hat")


def test_a_stale_edit_of_another_class_says_that_nothing_of_its_own_changed(desk):
    Desk(desk.project, IMPORT_ACTOR_ID).edits(AddMembers("hat", ("witch_hat",)))

    with pytest.raises(StaleRulebook) as caught:
        desk.edits(AddMembers("dress", ("red_dress",)), base=2)

    assert caught.value.same == ()


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [(RetireClass("cape"), "no class 'cape'"), (AddMembers("hat", ("a b",)), "without whitespace")],
    ids=["no class", "no name"],
)
def test_an_edit_that_cannot_be_is_refused_and_changes_nothing(desk, edit, sentence):
    with pytest.raises(BadInput, match=sentence):
        desk.edits(edit)

    assert rulebooks.working(desk.project).version == 2


def test_many_edits_are_replayed_from_snapshots(desk):
    expected = SMALL
    for k in range(3 * rulebook_log.SNAPSHOT_EVERY):
        edit = AddMembers("hat", (f"hat_{k}",))
        desk.edits(edit)
        expected = edited(edit, rulebook=expected)

    assert desk.rulebook.digest == expected.digest
    assert rulebooks.rulebook_at(desk.project, 2).digest == SMALL.digest
    assert len(rulebooks.rulebook_at(desk.project, 10).get("hat").members) == 3 + 8
    assert check_project(desk.project).problems == []


# --- undo and redo ---


def test_undo_and_redo_go_through_all_edits_and_back_across_a_restart(desk):
    edits = [AddMembers("hat", ("witch_hat",)), RenameClass("dress", "gown"), RetireClass("smile")]
    states = [desk.rulebook.digest]
    for edit in edits:
        desk.edits(edit)
        states.append(desk.rulebook.digest)
    root = desk.project.root
    desk.project.close()
    desk.project = open_project(root)

    for digest in reversed(states[:-1]):
        desk.undoes()
        assert desk.rulebook.digest == digest
    for digest in states[1:]:
        desk.redoes()
        assert desk.rulebook.digest == digest
    desk.undoes()
    desk.undoes()
    desk.redoes()
    assert desk.rulebook.digest == states[2]
    assert check_project(desk.project).problems == []


def test_an_import_is_undone_and_done_again_as_a_whole(desk):
    desk.undoes()
    assert write_rulebook(desk.rulebook) == rulebook_log.shipped_text()
    desk.redoes()
    assert desk.rulebook.digest == SMALL.digest
    desk.undoes()
    desk.redoes()
    assert desk.rulebook.digest == SMALL.digest


def test_a_new_edit_ends_what_could_be_done_again(desk):
    desk.edits(AddMembers("hat", ("witch_hat",)))
    desk.undoes()
    desk.edits(AddMembers("hat", ("crown",)))

    with pytest.raises(NotFound, match="nothing of yours to redo"):
        desk.redoes()


def test_each_person_takes_back_their_own(desk):
    colleague = Desk(desk.project, IMPORT_ACTOR_ID)
    desk.edits(AddMembers("hat", ("witch_hat",)))
    colleague.edits(AddMembers("dress", ("red_dress",)))

    desk.undoes()

    assert desk.rulebook.digest == edited(AddMembers("dress", ("red_dress",))).digest
    assert [change.words for change in rulebooks.steps(desk.project, IMPORT_ACTOR_ID) if change] == [
        "add red_dress to dress"
    ]


def test_an_undo_across_somebody_elses_change_is_refused_and_destroys_nothing(desk):
    desk.edits(AddMembers("hat", ("witch_hat",)))
    Desk(desk.project, IMPORT_ACTOR_ID).edits(AddMembers("hat", ("crown",)))

    with pytest.raises(BadInput, match="was changed since"):
        desk.undoes()

    assert {"witch_hat", "crown"} <= set(desk.rulebook.get("hat").members)


# --- versions ---


def test_a_version_is_text_and_lock_with_author_and_message(desk):
    made = desk.publishes("the first")

    assert (made.version.number, made.version.actor, made.version.message) == (1, "local", "the first")
    text = (made.folder / "rulebook.toml").read_text()
    lock = read_lock((made.folder / "rulebook.lock").read_text())
    assert read_rulebook(text).digest == lock.rulebook_digest == SMALL.digest
    assert lock.index_of == {"long hair": 0, "hat": 1, "dress": 2, "smile": 3}
    manifest = json.loads((made.folder / "manifest.json").read_text())
    assert [file["path"] for file in manifest["files"]] == ["rulebook.toml", "rulebook.lock"]


def test_no_edit_moves_an_output_and_a_renamed_class_keeps_its_own(desk):
    desk.publishes()
    desk.edits(RenameClass("hat", "headwear"))
    desk.edits(RemoveMembers("headwear", ("beret", "top_hat")))
    desk.edits(AddMembers("headwear", ("crown", "cap", "tiara")))
    desk.edits(RetireClass("dress"))
    desk.edits(AddClass("cape", "clothing", ("cape",)))
    desk.edits(RenameClass("smile", "grin"))
    desk.undoes()

    assert rulebook_publishing.lock_of_working(desk.project).index_of == {
        "long hair": 0,
        "headwear": 1,
        "smile": 3,
        "cape": 4,
    }
    _, lock = rulebooks.published(desk.project, desk.publishes("two").version.number)
    assert [slot.is_retired for slot in lock.slots] == [False, False, True, False, False]


def test_a_merge_of_classes_under_a_new_name_keeps_the_first_ones_output(desk):
    desk.publishes()
    desk.edits(MergeClasses(("hat", "dress"), "garment"))

    assert rulebook_publishing.lock_of_working(desk.project).index_of == {"long hair": 0, "garment": 1, "smile": 3}


def test_publishing_twice_needs_a_change_and_the_same_request_makes_one_version(desk):
    said = {"change_id": "p", "base_version": 2, "actor_id": LOCAL_ACTOR_ID}
    first = rulebook_publishing.publish_rulebook(desk.project, "one", **said)
    again = rulebook_publishing.publish_rulebook(desk.project, "one", **said)

    assert again == first
    with pytest.raises(BadInput, match="nothing changed since version 1"):
        desk.publishes()
    with pytest.raises(BadInput, match="message"):
        desk.publishes("  ")


@pytest.mark.parametrize("when", ["before the folder's name", "before the second file", "before the commit"])
def test_a_killed_process_never_leaves_a_half_published_version(desk, when):
    code = f"""
import os, sys
from pathlib import Path
from curator import rulebook_publishing
from curator.project import open_project
from curator.store import rulebooks as store
when = {when!r}
if when == "before the folder's name":
    os.replace = lambda *names: os._exit(9)
elif when == "before the second file":
    sync, count = os.fsync, []
    def dies(handle):
        count.append(1)
        if len(count) == 2: os._exit(9)
        sync(handle)
    os.fsync = dies
else:
    store.versions = lambda db, read=store.versions: os._exit(9) if read(db) else []
project = open_project(Path({str(desk.project.root)!r}))
rulebook_publishing.publish_rulebook(project, "doomed", change_id="p", base_version=2, actor_id=1)
"""
    died = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, timeout=60
    )
    assert died.returncode == 9
    folder = desk.project.exports / "rulebook-1"
    assert not folder.exists()
    committed = when != "before the commit"
    assert len(rulebooks.versions(desk.project)) == committed

    report = check_project(desk.project, repair=True)

    assert report.problems == []
    assert folder.exists() == committed
    assert not list(desk.project.exports.glob(".*"))
    again = rulebook_publishing.publish_rulebook(desk.project, "doomed", change_id="p", base_version=2, actor_id=1)
    assert again.version.number == 1
    assert (folder / "rulebook.toml").read_text() == write_rulebook(SMALL)


def test_two_versions_differ_by_class_and_member(desk):
    desk.publishes()
    desk.edits(AddMembers("hat", ("witch_hat",)))
    desk.edits(RenameClass("smile", "grin"))
    desk.publishes("two")
    one, two = (rulebooks.find_rulebook(desk.project, word) for word in ("1", "v2"))

    said = rulebooks.difference_to_json(diff(one, two))

    assert said["words"] == ["renamed: smile is grin", "hat gains witch_hat"]
    told = json.loads(json.dumps(said))
    assert (told["same"], told["renamed"]) == (False, [["smile", "grin"]])


# --- merging ---

THEIRS = {
    "field": (SetFields(("hat",), {"family": "theirs"}), SetFields(("hat",), {"family": "ours"})),
    "renamed twice": (RenameClass("smile", "grin"), RenameClass("smile", "laugh")),
    "they retired": (RetireClass("hat"), AddMembers("hat", ("crown",))),
    "we retired": (AddMembers("hat", ("crown",)), RetireClass("hat")),
    "moved twice": (MoveMembers("dress", "hat", ("dress",)), MoveMembers("dress", "smile", ("dress",))),
    "added twice": (AddClass("cape", "misc", ("cape",)), AddClass("cape", "clothing", ("cape",))),
    "they excluded": (Exclude(("cape",), "meta"), AddClass("cape", "clothing", ("cape",))),
    "we excluded": (AddClass("cape", "clothing", ("cape",)), Exclude(("cape",), "meta")),
}


@pytest.mark.parametrize("case", THEIRS)
def test_a_conflict_is_told_and_nothing_changes_until_a_person_chooses(desk, case):
    theirs_edit, our_edit = THEIRS[case]
    theirs, more = edited(theirs_edit, AddMembers("long hair", ("absurdly_long_hair",))), desk.edits(our_edit)
    report = desk.merges(theirs)
    assert report.changed is None
    assert [one for one in report.conflicts if one.kind in (case, *_KINDS.get(case, ()))]
    assert rulebooks.working(desk.project).version == more.version

    chosen = desk.merges(theirs, choices={conflict_key(one): "theirs" for one in report.conflicts})

    assert chosen.changed is not None
    result = desk.rulebook
    assert "absurdly_long_hair" in result.get("long hair").members
    for name in theirs.by_name:
        if case != "they excluded":
            assert result.get(name).facts() == theirs.get(name).facts()
    assert result.reason_of_tag == theirs.reason_of_tag
    desk.undoes()
    assert desk.rulebook.digest == edited(our_edit).digest


_KINDS = {
    "they retired": ("retired and changed",),
    "we retired": ("retired and changed",),
    "they excluded": ("member and excluded",),
    "we excluded": ("member and excluded",),
}


def test_what_does_not_conflict_joins_without_a_question(desk):
    desk.edits(AddMembers("hat", ("crown",)))

    report = desk.merges(edited(AddMembers("hat", ("witch_hat",)), RetireClass("smile")))

    assert (report.conflicts, report.changed.version) == ((), 4)
    assert desk.rulebook.digest == edited(AddMembers("hat", ("crown", "witch_hat")), RetireClass("smile")).digest


def test_ours_can_be_taken_for_every_conflict(desk):
    theirs_edit, our_edit = THEIRS["field"]
    desk.edits(our_edit)

    assert desk.merges(edited(theirs_edit), otherwise="ours").changed is not None
    assert desk.rulebook.get("hat").family == "ours"


# --- the bench ---


@pytest.fixture
def bench(desk):
    generate_posts(desk.project, 400, seed=3)
    return RulebookBench(desk.project, EVERYTHING)


def test_a_preview_says_what_the_edit_then_does(desk, bench):
    edit = AddMembers("smile", ("blush",))
    preview = bench.preview(edit)
    before = bench.applied().counts

    desk.edits(edit, base=preview["version"])

    after = bench.applied().counts
    assert preview["counts"] == {"smile": [before["smile"], after["smile"]]}
    assert preview["words"] == "add blush to smile"
    assert bench.preview(RetireClass("hat"))["version"] == 3
    index = load_index(desk.project)
    assert bench.applied().digest == apply_rulebook(index, desk.rulebook, EVERYTHING, bench.facts()).digest


CHANGES = {
    "an edit": lambda desk: desk.edits(AddMembers("smile", ("blush",))),
    "an undo": lambda desk: [desk.edits(RenameClass("smile", "grin")), desk.undoes()],
    "an import": lambda desk: desk.takes(edited(RetireClass("dress"))),
    "an undone import": lambda desk: desk.undoes(),
    "many edits": lambda desk: [desk.edits(AddMembers("smile", (f"smile_{k}",))) for k in range(20)],
    "new posts": lambda desk: generate_posts(desk.project, 100, seed=4, first_id=100_000),
}


@pytest.mark.parametrize("what", CHANGES)
def test_the_bench_sees_what_was_changed_beside_it(desk, bench, what):
    bench.preview(RetireClass("hat") if what != "an undone import" else SetFields(("hat",), {"note": "n"}))
    CHANGES[what](desk)
    edit = RetireClass(desk.rulebook.classes[1].name)

    fresh = RulebookBench(desk.project, EVERYTHING)
    assert bench.preview(edit) == fresh.preview(edit)
    assert bench.overview(LOCAL_ACTOR_ID) == fresh.overview(LOCAL_ACTOR_ID)


def test_a_preview_says_what_becomes_of_the_splits(desk, bench):
    ids = bench.index().ids.tolist()
    split = RulebookBench(desk.project, EVERYTHING, {"train": ids[:300], "test": ids[300:]})

    effect = split.preview(AddMembers("smile", ("blush",)))

    assert effect["splits"] == {"train": [300, 300], "test": [100, 100]}
    before, after = (sum(effect["split_counts"][name]["smile"][k] for name in ("train", "test")) for k in (0, 1))
    assert [before, after] == effect["counts"]["smile"]


def test_a_filter_of_stored_sizes_asks_the_projects_images(desk, tmp_path):
    Workshop(desk.project, tmp_path).imports(MIKA.record())
    generate_posts(desk.project, 1, seed=1, first_id=MIKA.post_id)
    post_id = int(load_index(desk.project).ids[0])
    desk.project.db.conn.execute("UPDATE images SET source_id = ?, width = 600, height = 300", (str(post_id),))
    kept = [
        RulebookBench(desk.project, Filter("f", (Size("long", "stored", limit),))).applied().kept
        for limit in (600, 601)
    ]

    assert kept == [1, 0]


def test_a_project_without_posts_can_be_edited_all_the_same(desk):
    bench = RulebookBench(desk.project)

    assert bench.overview(LOCAL_ACTOR_ID)["posts"] == 0
    assert bench.class_page("hat")["members"][0]["count"] == 0
    assert bench.preview(RetireClass("hat"))["posts"]["kept"] == [0, 0]
    assert bench.statistics()["kept"] == 0
    assert bench.publish("one", change_id="p", base_version=2, actor_id=LOCAL_ACTOR_ID).version.number == 1


def test_people_who_edit_at_once_lose_nothing(desk):
    def works(name):
        mine = Desk(open_project(desk.project.root), LOCAL_ACTOR_ID)
        for k in range(5):
            while True:
                try:
                    version = rulebooks.working(mine.project).version
                    rulebooks.change(
                        mine.project,
                        AddMembers("hat", (f"{name}_{k}",)),
                        change_id=f"{name}-{k}",
                        base_version=version,
                        actor_id=LOCAL_ACTOR_ID,
                    )
                    break
                except StaleRulebook:
                    continue
        mine.project.close()

    threads = [threading.Thread(target=works, args=(name,)) for name in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(desk.rulebook.get("hat").members) == 3 + 15
    assert rulebooks.working(desk.project).version == 2 + 15


def test_the_overview_and_a_class_are_json_with_counts_of_the_posts(bench):
    overview = json.loads(json.dumps(bench.overview(LOCAL_ACTOR_ID)))
    assert (overview["version"], overview["posts"], overview["undo"]) == (2, 400, "import small")
    counts = {one["name"]: one["count"] for one in overview["classes"]}
    index = bench.index()
    assert counts["hat"] == len(index.posting("hat") | index.posting("beret") | index.posting("top_hat"))

    page = json.loads(json.dumps(bench.class_page("hat")))
    hat = next(one for one in page["members"] if one["tag"] == "hat")
    assert hat["count"] == index.count("hat")
    assert page["suggestions"]
    with pytest.raises(NotFound, match="no class 'cape'"):
        bench.class_page("cape")


def test_the_statistics_page_has_funnel_frequencies_twins_and_disagreement(bench):
    said = json.loads(json.dumps(bench.statistics()))

    assert sum(said["classes_per_image"]) == said["kept"] == 400
    assert {one["name"] for one in said["frequencies"]} == set(SMALL.by_name)
    assert {one["name"] for one in said["disagreements"]} == set(SMALL.by_name)


def test_why_names_the_raw_tag(bench):
    index = bench.index()
    post_id = int(index.ids[min(index.posting("black_dress"))])

    said = bench.why(post_id, "dress")

    assert {"raw_tag": "black_dress", "how": "member", "path": ["black_dress"]} in said["classes"][0]["because"]
    assert said["kept"]
    with pytest.raises(NotFound):
        bench.why(10**9)


def test_why_tells_an_alias_and_an_implication_with_the_way_they_took(desk, tmp_path):
    posts = {"id": 1, "rating": "s", "tag_string": "boater_hat chapeau"}
    rows = [
        ("chapeau", "hat", "alias"),
        ("boater_hat", "straw_hat", "implication"),
        ("straw_hat", "hat", "implication"),
    ]
    (tmp_path / "p.json").write_text(json.dumps(posts))
    import_posts(desk.project, [tmp_path / "p.json"])
    for one, other, kind in rows:
        row = {"antecedent_name": one, "consequent_name": other, "status": "active"}
        (tmp_path / "r.json").write_text(json.dumps(row))
        import_relations(desk.project, tmp_path / "r.json", kind)

    bench = RulebookBench(desk.project, EVERYTHING)

    assert bench.why(1)["classes"] == [
        {
            "class": "hat",
            "because": [
                {"raw_tag": "boater_hat", "how": "implication", "path": ["boater_hat", "straw_hat", "hat"]},
                {"raw_tag": "chapeau", "how": "alias", "path": ["chapeau", "hat"]},
            ],
        }
    ]
    assert bench.applied().counts["hat"] == 1


# --- the tagger's dataset ---


def test_the_matrix_holds_what_the_posts_tags_say(desk, bench, tmp_path):
    report = export_tag_matrix(desk.project, tmp_path / "m", EVERYTHING)

    matrix = scipy.sparse.load_npz(tmp_path / "m" / "classes.npz")
    classes = json.loads((tmp_path / "m" / "classes.json").read_text())
    rows = [line.split(",") for line in (tmp_path / "m" / "images.csv").read_text().splitlines()[1:]]
    index = bench.index()
    assert matrix.shape == (400, 4) == (report.images, len(classes))
    for row in range(0, 400, 37):
        tags = set(index.tags_of(index.row_of(int(rows[row][1]))))
        expected = [int(bool(tags & set(rule.members))) for rule in SMALL.classes]
        assert matrix[[row]].toarray()[0].tolist() == expected
    for column, said in enumerate(classes):
        positives = int(matrix[:, [column]].sum())
        r = positives**0.5 / (positives**0.5 + (400 - positives) ** 0.5)
        assert said["count"] == positives
        assert np.isclose(said["weight_positive"], 0.5 / r)
        assert np.isclose(said["weight_negative"], 0.5 / (1 - r))
        assert said["flip"] is True
    assert {file["path"] for file in report.files} == {path.name for path in (tmp_path / "m").iterdir()}


def test_a_class_without_an_image_is_an_error_that_names_it(desk, bench, tmp_path):
    desk.edits(AddClass("unicorn", "misc", ("unicorn_never_seen",)))

    with pytest.raises(BadInput, match="'unicorn'"):
        export_tag_matrix(desk.project, tmp_path / "m", EVERYTHING)
    assert not (tmp_path / "m").exists()
    report = export_tag_matrix(desk.project, tmp_path / "m", EVERYTHING, drop_constant=True)
    assert [one["record"] for one in report.dropped] == ["unicorn"]
    assert json.loads((tmp_path / "m" / "classes.json").read_text())[4]["unused"] is True


def test_a_filter_that_keeps_nothing_is_told(desk, bench, tmp_path):
    with pytest.raises(BadInput, match="no class is true of some"):
        export_tag_matrix(desk.project, tmp_path / "m", PAPER, drop_constant=True)


# --- proof ---


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("UPDATE rulebook_changes SET digest = 'x' WHERE version = 3", "another rulebook than its digest says"),
        ("DELETE FROM rulebook_changes WHERE version = 3", "something between them is gone"),
        ("UPDATE rulebook_changes SET action = 'undo' WHERE version = 4", "there was none to do"),
        ("UPDATE rulebook_versions SET digest = 'x'", "do not belong together"),
    ],
    ids=["digest", "gap", "undo of nothing", "version"],
)
def test_check_finds_a_log_that_was_tampered_with(desk, sql, sentence):
    desk.edits(AddMembers("hat", ("crown",)))
    desk.edits(AddMembers("hat", ("cap",)))
    desk.publishes()
    db = desk.project.db
    for trigger in ("changes_stay", "changes_remain", "versions_stay", "versions_remain"):
        db.conn.execute(f"DROP TRIGGER rulebook_{trigger}")
    db.conn.execute("PRAGMA foreign_keys=OFF")
    db.conn.execute(sql)

    assert any(sentence in problem for problem in check_project(desk.project).problems)


def test_the_log_and_the_versions_cannot_be_rewritten(desk):
    import sqlite3

    desk.publishes()
    for sql in ("UPDATE rulebook_changes SET words = 'x'", "DELETE FROM rulebook_versions"):
        with pytest.raises(sqlite3.IntegrityError):
            desk.project.db.conn.execute(sql)
