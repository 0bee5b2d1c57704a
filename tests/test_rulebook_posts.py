"""Posts come in: three forms, three compressions, bad lines named and the rest taken, nothing guessed."""

from __future__ import annotations

import gzip
import json

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from rulebook.index_building import IndexBuilder, build_index
from rulebook.index_bytes import index_from_bytes, index_to_bytes
from rulebook.line_stream import LineStream
from rulebook.post_index import merge_indexes
from rulebook.posts import Post, PostReader
from rulebook.records import RuleError

LEGACY = {
    "id": "1",
    "created_at": "2010-01-01 00:00:00 UTC",
    "rating": "s",
    "image_width": "640",
    "image_height": "0",
    "file_ext": "PNG",
    "parent_id": "0",
    "pixiv_id": "0",
    "is_deleted": False,
    "is_banned": True,
    "score": "-3",
    "tags": [
        {"id": "7", "name": "1girl", "category": "0"},
        {"id": "8", "name": "touhou", "category": "3"},
        {"id": "9", "name": "highres", "category": "5"},
        {"id": "7", "name": "1girl", "category": "0"},
    ],
}
DUMP = {
    "id": 2,
    "rating": "s",
    "image_width": 800,
    "image_height": 600,
    "parent_id": None,
    "tag_string": "solo >_< 0_0 69 \\m/",
}
API = {
    "id": 3,
    "rating": "s",
    "image_width": 100,
    "image_height": 200,
    "file_ext": "jpg",
    "parent_id": 2,
    "tag_string": '1girl highres say_"hi"',
    "tag_string_general": '1girl say_"hi"',
    "tag_string_artist": "",
    "tag_string_copyright": "",
    "tag_string_character": "",
    "tag_string_meta": "highres",
}


def lines_of(*records) -> list[bytes]:
    return [record if isinstance(record, bytes) else json.dumps(record).encode() for record in records]


def read(*records, **options) -> tuple[list[Post], PostReader]:
    reader = PostReader(**options)
    return list(reader.read_lines(lines_of(*records))), reader


# --- three forms ------------------------------------------------------------------------------------------------------


def test_each_form_says_its_own_scheme_in_one_mixed_file():
    posts, reader = read(LEGACY, DUMP, API, {**API, "id": 4, "rating": "g"})

    assert [(post.form, post.rating, post.rating_scheme) for post in posts] == [
        ("legacy", "s", "sqe"),
        ("dump", "s", "sqe"),
        ("api", "s", "gsqe"),
        ("api", "g", "gsqe"),
    ]
    assert reader.tally.undecided_forms == {}


def test_the_legacy_forms_strings_become_numbers_and_its_zeros_nothing():
    (post,), reader = read(LEGACY)

    assert (post.post_id, post.width, post.height, post.parent_id, post.pixiv_id) == (1, 640, None, None, None)
    assert (post.file_ext, post.score, post.status) == ("png", -3, 8)
    assert post.tags == ("1girl", "touhou", "highres")
    assert reader.categories() == {"1girl": "general", "touhou": "copyright", "highres": "meta"}


def test_category_numbers_that_cannot_be_told_are_asked_for():
    odd = {**LEGACY, "tags": [{"name": "hat", "category": "9"}]}

    with pytest.raises(RuleError, match="numbering that is given"):
        read(odd)[1].categories()
    assert read(odd, numbering={9: "general"})[1].categories() == {"hat": "general"}


def test_the_api_form_says_categories_itself():
    (post,), reader = read(API)

    assert set(post.tags) == {"1girl", "highres", 'say_"hi"'}
    assert reader.categories() == {"1girl": "general", 'say_"hi"': "general", "highres": "meta"}
    (alone,), _ = read({key: value for key, value in API.items() if key != "tag_string"})
    assert set(alone.tags) == set(post.tags)


def test_a_dump_with_newer_ratings_in_it_leaves_its_s_undecided():
    path_lines = [DUMP, {**DUMP, "id": 5, "rating": "g"}, {**DUMP, "id": 6, "rating": "q"}]
    builder, reader = IndexBuilder(), PostReader()

    builder.add_all(reader.read_lines(lines_of(*path_lines), "mixed.json"))
    assert reader.tally.undecided_forms == {"mixed.json": {"dump"}}
    builder.undecide(0)

    assert builder.finish().ratings.tolist() == [6, 2, 4]


def test_a_scheme_that_is_given_holds_for_every_line():
    posts, _ = read(LEGACY, API, rating_scheme="sqe")

    assert [post.rating_scheme for post in posts] == ["sqe", "sqe"]
    with pytest.raises(RuleError, match="rating scheme"):
        PostReader(rating_scheme="abc")


@pytest.mark.parametrize("rating", ["x", "", None, "safe and sound"])
def test_an_unknown_rating_is_kept_as_unknown(rating):
    (post,), reader = read({**API, "rating": rating})

    assert (post.rating, post.rating_scheme) == ("", "")
    assert reader.tally.flags == {"unknown rating": 1}


# --- bad lines and streams --------------------------------------------------------------------------------------------


def test_bad_lines_are_counted_and_named_and_the_rest_is_taken():
    bad = [b"{", b"[]", b"\xff\xfe", {"id": 9}, {"tag_string": "a"}, {**DUMP, "id": "x"}, {**DUMP, "image_width": []}]
    named = []
    posts, reader = read(DUMP, *bad, b"", API, on_refused=named.append)

    assert [post.post_id for post in posts] == [2, 3]
    assert reader.tally.reasons == {"no JSON": 2, "wrong kind of value": 3, "no tags": 1, "no id": 1}
    assert [one.record for one in named] == [f"posts: line {k}" for k in range(2, 9)]


def test_one_bad_line_among_many_costs_one_line():
    many = [json.dumps({**DUMP, "id": k}).encode() for k in range(1, 20_001)]
    many[7_000] = b'{"id": 7001, "tag_str'

    posts, reader = read(*many)

    assert len(posts) == 19_999
    assert [one.record for one in reader.tally.refused] == ["posts: line 7001"]


def test_a_post_of_1250_tags_is_taken_whole():
    (post,), _ = read({**DUMP, "tag_string": " ".join(f"tag_{k}" for k in range(1250))})

    assert len(post.tags) == 1250
    assert build_index([post]).num_tags.tolist() == [1250]


def _packed(name: str, data: bytes) -> bytes:
    return {"plain": lambda: data, "gzip": lambda: gzip.compress(data), "zstd": lambda: zstandard.compress(data)}[
        name
    ]()


@pytest.mark.parametrize("name", ["plain", "gzip", "zstd"])
@pytest.mark.parametrize("end", [b"\n", b""], ids=["with a line feed", "without"])
def test_a_file_is_read_as_its_first_bytes_say(tmp_path, name, end):
    path = tmp_path / "posts"
    path.write_bytes(_packed(name, b"\n".join(lines_of(LEGACY, DUMP, API)) + end))
    reader = PostReader()

    assert [post.post_id for post in reader.read_file(path)] == [1, 2, 3]
    assert reader.tally.cuts == []


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_files_glued_together_are_one_file(tmp_path, name):
    path = tmp_path / "posts"
    path.write_bytes(b"".join(_packed(name, line + b"\n") for line in lines_of(LEGACY, DUMP, API)))

    assert [post.post_id for post in PostReader().read_file(path)] == [1, 2, 3]


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_a_stream_that_breaks_off_keeps_what_came_before_and_names_the_cut(tmp_path, name):
    import random

    noise = random.Random(5)
    many = [{**DUMP, "id": k, "md5": f"{noise.getrandbits(128):032x}"} for k in range(1, 30_001)]
    data = _packed(name, b"\n".join(lines_of(*many)))
    path = tmp_path / "posts.gz"
    path.write_bytes(data[: len(data) // 2])
    reader = PostReader()

    ids = [post.post_id for post in reader.read_file(path)]

    assert ids == list(range(1, len(ids) + 1))
    assert 5_000 < len(ids) < 25_000
    (cut,) = reader.tally.cuts
    assert cut.record == f"posts.gz: line {len(ids) + 1}"
    assert "ends in the middle" in cut.reason
    assert reader.tally.reasons == {"file is cut": 1}


def test_a_stream_with_a_broken_byte_is_cut_there(tmp_path):
    data = bytearray(gzip.compress(b"\n".join(lines_of(*({**DUMP, "id": k} for k in range(1, 50_001))))))
    data[len(data) // 2] ^= 0xFF
    path = tmp_path / "posts.gz"
    path.write_bytes(bytes(data))
    reader = PostReader()

    ids = [post.post_id for post in reader.read_file(path)]

    assert ids == list(range(1, len(ids) + 1))
    assert len(reader.tally.cuts) == 1


def test_a_line_without_an_end_is_refused_and_does_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("rulebook.line_stream.MAX_LINE_BYTES", 1 << 20)
    path = tmp_path / "posts"
    path.write_bytes(json.dumps(DUMP).encode() + b"\n" + b"x" * (5 << 20) + b"\n" + json.dumps(API).encode())
    reader = PostReader()

    assert [post.post_id for post in reader.read_file(path)] == [2, 3]
    assert reader.tally.reasons == {"line too long": 1}
    assert reader.tally.refused[0].record == "posts: line 2"


def test_an_empty_file_has_no_lines(tmp_path):
    path = tmp_path / "posts"
    path.write_bytes(b"")

    assert list(LineStream(path)) == []


# --- the index does not know in what order posts came -----------------------------------------------------------------

POSTS = st.builds(
    Post,
    st.integers(1, 12),
    st.lists(st.sampled_from(("a", "b", "c", ">_<")), unique=True).map(tuple),
    st.sampled_from(("g", "s", "q", "e")),
    st.just("gsqe"),
    width=st.sampled_from((None, 100, 600)),
    height=st.sampled_from((None, 100, 600)),
    file_ext=st.sampled_from(("jpg", "png", "")),
    status=st.integers(0, 15),
)


def _latest(posts) -> list[Post]:
    return list({post.post_id: post for post in posts}.values())


@given(st.lists(POSTS, max_size=20), st.randoms(use_true_random=False))
def test_of_two_posts_of_one_id_the_later_counts_in_any_order(posts, random):
    shuffled = _latest(posts)
    random.shuffle(shuffled)

    assert build_index(posts).digest == build_index(shuffled).digest


@given(st.lists(POSTS, max_size=20), st.lists(POSTS, max_size=20))
def test_importing_again_equals_importing_from_nothing(first, second):
    again = merge_indexes(build_index(first), build_index(second))
    fresh = build_index([*first, *second])

    assert again.digest == fresh.digest
    assert again.tags == fresh.tags
    assert {name: again.posting(name) for name in again.tags} == {name: fresh.posting(name) for name in fresh.tags}


@given(st.lists(POSTS, max_size=20))
def test_an_index_is_kept_as_bytes(posts):
    index = build_index(posts, {"a": "general"})

    again = index_from_bytes(index_to_bytes(index))

    assert again.digest == index.digest
    assert again.tag_ids == index.tag_ids


@pytest.mark.parametrize("share", [0, 0.3, 0.9], ids=["nothing", "a third", "nearly all"])
def test_a_cut_index_is_refused(share):
    data = index_to_bytes(build_index([Post(1, ("a", "b")), Post(2, ("b",))]))

    with pytest.raises(RuleError, match="index"):
        index_from_bytes(data[: int(len(data) * share)])
