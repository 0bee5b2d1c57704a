"""Posts, tag tables and relations come in: counted, named, packed, and the same however often and in what order."""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
import zstandard
from cast import MIKA
from hypothesis import given, settings
from hypothesis import strategies as st
from workshop import Workshop

from curator.check import check_project
from curator.errors import BadInput
from curator.posts import (
    generate_posts,
    generated_index,
    import_posts,
    index_cache_path,
    is_cache_wrong,
    load_index,
    post_of,
    post_of_image,
    posts_of_images,
    posts_version,
)
from curator.project import init_project
from curator.store import images
from curator.store import posts as store
from curator.tags import categories_of, import_relations, import_tag_table, parse_numbering, relations_of
from rulebook.index_building import build_index
from rulebook.posts import Post

LEGACY = {
    "id": "5",
    "rating": "s",
    "image_width": "700",
    "image_height": "900",
    "parent_id": "0",
    "file_ext": "jpg",
    "is_deleted": False,
    "tags": [
        {"id": "1", "name": "1girl", "category": "0"},
        {"id": "2", "name": ">_<", "category": "0"},
        {"id": "3", "name": "touhou", "category": "3"},
        {"id": "4", "name": "hatsune_miku", "category": "4"},
        {"id": "5", "name": "highres", "category": "5"},
    ],
}
DUMP = {"id": 6, "rating": "s", "image_width": 10, "image_height": 20, "parent_id": None, "tag_string": "1girl :d 0_0"}
API = {
    "id": 70000,
    "rating": "s",
    "image_width": 1,
    "image_height": 2,
    "parent_id": 6,
    "tag_string": "1girl \\m/ highres",
    "tag_string_general": "1girl \\m/",
    "tag_string_meta": "highres",
}


def write(path, *lines):
    """A file of JSON lines; text goes in as it is."""
    said = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    path.write_bytes(b"\n".join(said) + b"\n")
    return path


def test_the_three_forms_come_in_each_with_its_own_rating_scheme(project, tmp_path):
    report = import_posts(project, [write(tmp_path / "p.json", LEGACY, DUMP, API)])

    assert (report.added, report.posts, report.forms) == (3, 3, {"legacy": 1, "dump": 1, "api": 1})
    legacy, dump, api = (post_of(project, post_id) for post_id in (5, 6, 70000))
    assert (legacy.rating, legacy.rating_scheme, legacy.width, legacy.parent_id) == ("safe", "sqe", 700, None)
    assert (dump.rating, dump.rating_scheme, dump.tags) == ("safe", "sqe", ("0_0", "1girl", ":d"))
    assert (api.rating, api.rating_scheme, api.parent_id) == ("sensitive", "gsqe", 6)
    assert categories_of(project)["highres"] == "meta"


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_a_compressed_file_is_read_whole(project, tmp_path, pack):
    plain = write(tmp_path / "p.json", LEGACY, DUMP, API)
    (tmp_path / "p").write_bytes(pack(plain.read_bytes()))

    assert import_posts(project, [tmp_path / "p"]).added == 3


def test_bad_lines_are_counted_by_reason_and_named_and_the_rest_comes_in(project, tmp_path):
    lines = [DUMP, b"{broken", {"id": 7}, {"rating": "s", "tag_string": "x"}, {**DUMP, "id": 8, "rating": "z"}, API]

    report = import_posts(project, [write(tmp_path / "p.json", *lines)])

    assert (report.added, len(report.refused)) == (3, 3)
    assert report.reasons == {"no JSON": 1, "no tags": 1, "no id": 1}
    assert report.refused[0]["record"] == "p.json: line 2"
    assert report.flags == {"unknown rating": 1}
    assert post_of(project, 8).rating == "unknown"


def test_a_gzip_that_breaks_off_keeps_what_came_before(project, tmp_path):
    lines = b"".join(json.dumps({**DUMP, "id": k, "tag_string": f"t{k * 7919 % 1000}"}).encode() + b"\n"
                     for k in range(1, 3000))  # fmt: skip
    content = gzip.compress(lines)
    (tmp_path / "p.json.gz").write_bytes(content[: len(content) // 2])

    report = import_posts(project, [tmp_path / "p.json.gz"])

    assert 0 < report.added < 3000
    assert report.reasons == {"file is cut": 1}


def test_a_mixed_file_leaves_its_s_undecided_unless_the_scheme_is_given(project, tmp_path):
    mixed = write(tmp_path / "p.json", DUMP, {**DUMP, "id": 7, "rating": "g"})

    report = import_posts(project, [mixed])
    assert post_of(project, 6).rating == "safe or sensitive"
    assert any("undecided" in flag["flag"] for flag in report.flagged)

    import_posts(project, [mixed], rating_scheme="gsqe")
    assert post_of(project, 6).rating == "sensitive"


def test_category_numbers_that_nobody_told_are_flagged_and_the_posts_come_in(project, tmp_path):
    strange = {"id": "1", "rating": "s", "tags": [{"id": "1", "name": "zebra", "category": "4"}]}

    report = import_posts(project, [write(tmp_path / "p.json", strange)])
    assert report.added == 1
    assert any("--numbering" in flag["flag"] for flag in report.flagged)

    import_posts(project, [tmp_path / "p.json"], numbering=parse_numbering("4=general"))
    assert categories_of(project)["zebra"] == "general"


def test_a_file_that_is_not_there_leaves_nothing_of_the_others(project, tmp_path):
    with pytest.raises(BadInput, match=r"none\.json"):
        import_posts(project, [write(tmp_path / "p.json", DUMP), tmp_path / "none.json"])

    assert store.count_posts(project.db) == 0


def test_an_import_that_dies_half_way_leaves_nothing(project, tmp_path, monkeypatch):
    def dies(db, chunk_id, index, numbers, write=store._write_chunk):
        if chunk_id:
            raise RuntimeError("killed")
        write(db, chunk_id, index, numbers)

    monkeypatch.setattr(store, "_write_chunk", dies)
    with pytest.raises(RuntimeError):
        import_posts(project, [write(tmp_path / "p.json", DUMP, API)])

    assert store.count_posts(project.db) == 0
    assert project.db.one("SELECT count(*) AS n FROM tags")["n"] == 0


def test_the_same_posts_again_are_unchanged_and_a_changed_one_is_updated(project, tmp_path):
    import_posts(project, [write(tmp_path / "p.json", LEGACY, DUMP, API)])

    again = import_posts(project, [tmp_path / "p.json"])
    assert (again.added, again.updated, again.unchanged) == (0, 0, 3)

    changed = import_posts(project, [write(tmp_path / "q.json", {**DUMP, "tag_string": "1girl"}, {**DUMP, "id": 9})])
    assert (changed.added, changed.updated, changed.unchanged) == (1, 1, 0)
    assert post_of(project, 6).tags == ("1girl",)


# --- the property: a changed post imported again is as if only its last word had come ---

TAGS = ("1girl", "solo", ">_<", ":d", "0_0", "69", "\\m/", '"q"', "猫", "hat")
posts_of_any_kind = st.builds(
    Post,
    st.one_of(st.integers(1, 6), st.integers(65534, 65538), st.integers(10**9, 10**9 + 2)),
    st.lists(st.sampled_from(TAGS), unique=True).map(tuple),
    st.sampled_from(["s", "q", "e"]),
    st.sampled_from(["sqe", "gsqe", ""]),
    st.one_of(st.none(), st.integers(1, 9000)),
    st.one_of(st.none(), st.integers(1, 9000)),
    st.sampled_from(["jpg", "png", ""]),
    st.integers(0, 15),
    st.one_of(st.none(), st.integers(1, 9)),
)


@settings(max_examples=60)
@given(st.lists(st.lists(posts_of_any_kind, max_size=12), min_size=1, max_size=5))
def test_imports_one_after_another_equal_one_import_of_the_last_words(batches):
    with tempfile.TemporaryDirectory() as folder:
        project = init_project(Path(folder) / "p")
        db = project.db
        known: dict[int, Post] = {}
        for batch in batches:
            last = {post.post_id: post for post in batch}
            same = sum(known.get(post_id) is not None and _said(known[post_id]) == _said(post)
                       for post_id, post in last.items())  # fmt: skip
            with db.atomic():
                done = store.store_posts(db, build_index(batch))
            assert done.added == len(last.keys() - known.keys())
            assert (done.unchanged, done.updated) == (same, len(last.keys() & known.keys()) - same)
            known |= last
        found = store.read_index(db)[1]
        project.close()

    assert found.digest == build_index(known.values()).digest
    for post_id, post in known.items():
        assert found.tags_of(found.row_of(post_id)) == tuple(sorted(post.tags))


def _said(post: Post):
    from rulebook.index_building import _MEANING

    rating = _MEANING.get((post.rating, post.rating_scheme), 0)
    facts = (rating, post.rating_scheme, post.width, post.height, post.file_ext, post.status, post.parent_id)
    return (*facts, frozenset(post.tags))


# --- generated posts, the cache, images ---


def test_generated_posts_are_those_of_their_seed_in_and_out_of_a_project(project):
    generate_posts(project, 500, seed=7)

    stored, drawn = load_index(project), generated_index(500, 7)
    assert stored.digest == drawn.digest
    assert generated_index(500, 8).digest != drawn.digest


def test_the_index_comes_from_the_cache_and_a_damaged_cache_is_told_and_mended(project):
    generate_posts(project, 300, seed=1)
    whole = load_index(project)
    cache = index_cache_path(project)
    assert cache.is_file()
    assert not is_cache_wrong(project)

    cache.write_bytes(cache.read_bytes()[:100])

    assert any("cache" in problem for problem in check_project(project).problems)
    assert check_project(project, repair=True).problems == []
    assert load_index(project).digest == whole.digest


def test_new_posts_make_another_word_and_another_cache(project):
    generate_posts(project, 100, seed=1)
    before = posts_version(project), len(load_index(project))
    generate_posts(project, 100, seed=1, first_id=100_000)

    assert posts_version(project) != before[0]
    assert len(load_index(project)) == 200
    assert len(list(project.cache.glob("posts-*.index"))) == 1


def test_a_drawing_and_a_post_of_one_id_are_one_record(project, tmp_path):
    workshop = Workshop(project, tmp_path)
    workshop.imports(MIKA.record())
    image = images.find_image(project.db, "danbooru", str(MIKA.post_id))
    assert post_of_image(project, image.id) is None

    import_posts(project, [write(tmp_path / "p.json", {**DUMP, "id": MIKA.post_id, "tag_string": "from_behind solo"})])

    assert post_of_image(project, image.id).tags == ("from_behind", "solo")
    assert posts_of_images(project)[image.id].post_id == MIKA.post_id


def test_check_finds_posts_that_were_tampered_with(project):
    generate_posts(project, 50, seed=1)
    db = project.db
    assert check_project(project).problems == []
    db.conn.execute("UPDATE post_chunks SET num_posts = 49")
    assert any("its row says 49" in problem for problem in check_project(project).problems)
    db.conn.execute("UPDATE post_chunks SET content = zeroblob(20)")
    assert any("the digest differs" in problem for problem in check_project(project).problems)


def test_a_thousand_tags_on_one_post_come_in(project, tmp_path):
    names = [f"t{k}" for k in range(1250)]
    import_posts(project, [write(tmp_path / "p.json", {**DUMP, "tag_string": " ".join(names)})])

    assert len(post_of(project, 6).tags) == 1250
    assert np.array_equal(load_index(project).num_tags, [1250])


# --- tag tables and relations ---

OLD_TABLE = "1girl,0,5,\nsilver_hair,0,3,\ntouhou,3,4,\nhighres,5,9,\n"
NEW_TABLE = '1girl,0,6,"sole_female"\ngrey_hair,0,3,"silver_hair"\ntouhou,3,4,\nhighres,5,9,\n'


def test_two_dated_tables_both_apply_and_every_rename_is_listed(project, tmp_path):
    (tmp_path / "old.csv").write_text(OLD_TABLE)
    (tmp_path / "new.csv").write_text(NEW_TABLE)
    first = import_tag_table(project, tmp_path / "old.csv", date="2019-06-01")
    second = import_tag_table(project, tmp_path / "new.csv", date="2024-06-01")

    assert (first.added, first.renamed) == (4, [])
    assert second.renamed == [("silver_hair", "grey_hair")]
    assert (second.added, second.updated, second.unchanged) == (1, 1, 2)
    assert relations_of(project).current("silver_hair") == "grey_hair"
    assert categories_of(project)["silver_hair"] == "general"
    again = import_tag_table(project, tmp_path / "new.csv", date="2024-06-01")
    assert (again.added, again.unchanged) == (0, 4)


def test_an_older_table_imported_later_does_not_become_the_current_one(project, tmp_path):
    (tmp_path / "old.csv").write_text(OLD_TABLE)
    (tmp_path / "new.csv").write_text(NEW_TABLE)
    import_tag_table(project, tmp_path / "new.csv", date="2024-06-01")
    second = import_tag_table(project, tmp_path / "old.csv", date="2019-06-01")

    assert second.renamed == [("silver_hair", "grey_hair")]
    assert relations_of(project).current("silver_hair") == "grey_hair"


def relation(one, other, status="active"):
    return {"antecedent_name": one, "consequent_name": other, "status": status}


def test_relations_are_active_rows_and_a_retired_one_is_forgotten(project, tmp_path):
    rows = [relation("a", "b"), relation("b", "c"), relation("x", "y", "retired"), {"antecedent_name": "q"}]
    report = import_relations(project, write(tmp_path / "a.json", *rows), "alias")
    assert (report.added, len(report.refused), report.retired) == (2, 1, 0)
    assert relations_of(project).current("a") == "c"

    report = import_relations(project, write(tmp_path / "b.json", relation("b", "c", "deleted")), "alias")
    assert (report.added, report.retired) == (0, 1)
    assert relations_of(project).current("a") == "b"


def test_a_loop_of_implications_is_reported(project, tmp_path):
    report = import_relations(
        project, write(tmp_path / "i.json", relation("a", "b"), relation("b", "a")), "implication"
    )

    assert report.loops == [["a", "b"]]
    assert report.flagged == [{"record": "a", "flag": "implication loop: a -> b -> a"}]


@pytest.mark.parametrize("text", ["0", "0=painting", "x=general"], ids=["no word", "no category", "no number"])
def test_a_numbering_that_says_nothing_is_refused(text):
    with pytest.raises(BadInput, match="--numbering"):
        parse_numbering(text)
