"""Near-duplicates: what a hash survives, what joins two pictures, and how chains and verdicts make groups.

The planted copies are drawn from the run's seed (TEST_SEED); the radii were chosen on other characters (see `Radii`).
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageOps

from datasets.characters import draw_character
from datasets.duplicate_groups import (
    Edge,
    Evidence,
    Kind,
    Verdict,
    connected_parts,
    find_edges,
    group_images,
    pair_of,
)
from datasets.hash_index import ENGINES, HashIndex, choose_engine, has_faiss
from datasets.perceptual_hash import HASH_BYTES, distance, hash_picture, mirrored, packed, pixel_digest
from datasets.pictures import to_rgba

NUM_CHARACTERS = 60
# What the radii were chosen on ends below; a test's characters are drawn from above.
FIRST_TEST_CHARACTER = 10_000_000
THE_ENGINES = [
    pytest.param(name, marks=pytest.mark.skipif(name != "numpy" and not has_faiss(), reason="faiss-cpu not installed"))
    for name in ENGINES
]


def a_drawing(number: int = 1, background: str = "drawn") -> Image.Image:
    return Image.fromarray(draw_character(number, background=background).rgba)


def on(colour: str, picture: Image.Image) -> Image.Image:
    behind = Image.new("RGBA", picture.size, colour)
    behind.alpha_composite(picture)
    return behind


def as_jpeg(picture: Image.Image, quality: int) -> Image.Image:
    out = io.BytesIO()
    on("white", picture).convert("RGB").save(out, "JPEG", quality=quality)
    return to_rgba(out.getvalue())


def recoloured(picture: Image.Image, turn: int) -> Image.Image:
    hsv = np.array(picture.convert("RGB").convert("HSV"))
    hsv[..., 0] += np.uint8(turn)
    turned = Image.frombytes("HSV", picture.size, hsv.tobytes()).convert("RGBA")
    turned.putalpha(picture.getchannel("A"))
    return turned


def cropped(picture: Image.Image, share: float, left: float, top: float) -> Image.Image:
    """The picture without `share` of its width and height; left, top in 0..1 say on which side it goes."""
    width, height = picture.size
    x, y = round(width * share * left), round(height * share * top)
    return picture.crop((x, y, x + round(width * (1 - share)), y + round(height * (1 - share))))


def resized(picture: Image.Image, scale: float) -> Image.Image:
    return picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.BICUBIC)


PLANTED: dict[str, Callable[[Image.Image, random.Random], Image.Image]] = {
    "resized": lambda picture, rng: resized(picture, rng.uniform(0.4, 1.6)),
    "recompressed": lambda picture, rng: as_jpeg(picture, rng.randint(25, 80)),
    "recoloured": lambda picture, rng: recoloured(picture, rng.randint(40, 215)),
    "mirrored": lambda picture, rng: ImageOps.mirror(picture),
    "cropped": lambda picture, rng: cropped(picture, 0.05, rng.random(), rng.random()),
}


def evidence(**pictures: Image.Image) -> list[Evidence]:
    return [Evidence(key, hashes=hash_picture(picture)) for key, picture in pictures.items()]


def kinds(edges: list[Edge]) -> dict[tuple[str, str], str]:
    return {edge.pair: edge.kind for edge in edges}


# --- hashes -----------------------------------------------------------------------------------------------------------


def test_the_same_pixels_have_the_same_digest_in_another_format():
    picture = a_drawing(3, "transparent")
    saved = io.BytesIO()
    picture.save(saved, "WEBP", lossless=True, exact=True)

    assert pixel_digest(to_rgba(saved.getvalue())) == pixel_digest(picture)


def test_what_hides_under_alpha_0_changes_nothing():
    picture = np.array(a_drawing(3, "transparent"))
    other = picture.copy()
    other[other[..., 3] == 0, :3] = (250, 10, 90)

    assert (picture != other).any()
    assert hash_picture(picture) == hash_picture(other)


def test_one_pixel_or_another_shape_is_another_digest():
    picture = np.zeros((4, 6, 4), np.uint8)
    changed = picture.copy()
    changed[3, 5] = (0, 0, 1, 255)

    assert len({pixel_digest(picture), pixel_digest(changed), pixel_digest(picture.reshape(6, 4, 4))}) == 3


def test_the_mirrored_hash_is_the_hash_of_the_mirrored_picture():
    # A picture of 64 x 64 is hashed without being shrunk, so that not one bit is left to rounding.
    rng = np.random.default_rng(7)
    picture = np.full((64, 64, 4), 255, np.uint8)
    picture[..., :3] = rng.integers(0, 256, (64, 64, 1))

    here, there = hash_picture(picture), hash_picture(np.ascontiguousarray(picture[:, ::-1]))

    assert here.brightness is not None
    assert mirrored(packed([here.brightness]))[0].tobytes() == there.brightness
    assert (mirrored(mirrored(packed([here.brightness]))) == packed([here.brightness])).all()


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(Image.new("RGBA", (40, 60), "white"), id="white"),
        pytest.param(Image.new("RGBA", (40, 60), (200, 30, 30, 255)), id="one colour"),
        pytest.param(Image.new("RGBA", (40, 60), (0, 0, 0, 0)), id="empty"),
        pytest.param(Image.new("RGBA", (1, 1), "black"), id="one pixel"),
    ],
)
def test_a_blank_picture_has_no_hash_to_be_near_by(picture):
    hashes = hash_picture(picture)

    assert hashes.is_blank
    assert (hashes.brightness, hashes.alpha, hashes.windows) == (None, None, ())
    assert hashes.pixel_digest


def test_blank_pictures_of_several_sizes_are_nobodys_duplicates():
    blanks = evidence(**{f"b{side}": Image.new("RGBA", (side, side), "white") for side in (8, 64, 200)})

    assert find_edges([*blanks, *evidence(drawing=a_drawing())]) == []


def test_white_lines_on_nothing_are_known_by_their_silhouette():
    lines = Image.new("RGBA", (200, 300), (255, 255, 255, 0))
    ImageDraw.Draw(lines).line([(20, 30), (160, 90), (60, 280)], "white", width=12)

    hashes = hash_picture(lines)

    assert hashes.is_blank
    assert hashes.alpha is not None


@pytest.mark.parametrize("mode", ["RGB", "L", "P"])
def test_pixels_that_are_not_rgba_are_refused(mode):
    with pytest.raises(ValueError, match="expected RGBA"):
        hash_picture(Image.new(mode, (8, 8)))
    with pytest.raises(ValueError, match="uint8"):
        hash_picture(np.zeros((8, 8, 3), np.uint8))


# --- search -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", THE_ENGINES)
@pytest.mark.parametrize("num_bytes", [8, 32], ids=["64 bits", "256 bits"])
def test_every_hash_within_the_radius_is_found_with_its_distance(engine, num_bytes, seed):
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 256, (3000, num_bytes), dtype=np.uint8)
    queries = hashes[:200].copy()
    queries[:, 1] ^= 0b101
    queries[:, -1] ^= 0b1000

    found = HashIndex(hashes, engine).search(queries, radius=3)

    # By hand: among random hashes none but the one it was made of lies within three bits.
    assert found.queries.tolist() == found.members.tolist() == list(range(200))
    assert set(found.distances.tolist()) == {3}
    assert len(HashIndex(hashes, engine).search(queries, radius=2)) == 0


@pytest.mark.parametrize("engine", THE_ENGINES)
def test_nothing_is_found_in_an_empty_index_or_for_no_query(engine):
    some, none = np.ones((5, 8), np.uint8), np.empty((0, 8), np.uint8)

    assert len(HashIndex(none, engine).search(some, 64)) == 0
    assert len(HashIndex(some, engine).search(none, 64)) == 0
    assert len(HashIndex(some, engine).search(some, 0)) == 25


@pytest.mark.skipif(not has_faiss(), reason="faiss-cpu not installed")
def test_the_exact_engines_agree_to_the_last_match(seed):
    hashes = np.random.default_rng(seed).integers(0, 256, (2000, 32), dtype=np.uint8)

    by_numpy, by_faiss = (HashIndex(hashes, engine).search(hashes[:300], 100) for engine in ("numpy", "flat"))

    assert len(by_numpy) > 300
    for column in ("queries", "members", "distances"):
        assert (getattr(by_numpy, column) == getattr(by_faiss, column)).all()


@pytest.mark.skipif(not has_faiss(), reason="faiss-cpu not installed")
def test_the_index_of_bands_never_invents_a_match(seed):
    hashes = np.random.default_rng(seed).integers(0, 256, (2000, 32), dtype=np.uint8)

    exact, quick = (HashIndex(hashes, engine).search(hashes[:300], 100) for engine in ("flat", "multihash"))

    def triples(found):
        return set(zip(found.queries.tolist(), found.members.tolist(), found.distances.tolist(), strict=True))

    assert triples(quick) <= triples(exact)


def test_wrong_hashes_and_unknown_engines_are_refused():
    with pytest.raises(ValueError, match="engine is 'quick'"):
        HashIndex(np.zeros((1, 8), np.uint8), "quick")
    with pytest.raises(ValueError, match="multiple of 8"):
        HashIndex(np.zeros((1, 7), np.uint8), "numpy")
    with pytest.raises(ValueError, match=r"expected \(N, 8\)"):
        HashIndex(np.zeros((1, 8), np.uint8), "numpy").search(np.zeros((1, 16), np.uint8), 1)
    with pytest.raises(ValueError, match=f"expected {HASH_BYTES}"):
        packed([b"short"])


def test_few_are_compared_one_by_one_and_millions_by_an_index():
    assert choose_engine(2000, 40_000) == ("flat" if has_faiss() else "numpy")
    assert choose_engine(10**6, 2 * 10**7) == ("multihash" if has_faiss() else "numpy")


# --- edges ------------------------------------------------------------------------------------------------------------


def test_each_planted_copy_is_joined_by_its_own_kind_of_evidence():
    picture = a_drawing(12)
    pictures = {
        "a": picture,
        "b_same": picture.copy(),
        "c_small": resized(picture, 0.5),
        "d_mirrored": ImageOps.mirror(picture),
        "e_cropped": cropped(picture, 0.05, 1.0, 1.0),
        "f_other": a_drawing(13),
    }

    found = kinds(find_edges(evidence(**pictures)))

    assert found[("a", "c_small")] == "perceptual"
    assert found[("a", "d_mirrored")] == "mirrored"
    assert found[("a", "e_cropped")] in ("cropped", "perceptual")
    assert not [pair for pair in found if "f_other" in pair]
    same = [edge.kind for edge in find_edges(evidence(**pictures)) if edge.pair == ("a", "b_same")]
    assert same == ["perceptual", "pixel"]


def test_a_transparent_character_is_found_on_white_and_in_other_colours():
    picture = a_drawing(21, "transparent")
    black = Image.new("RGBA", picture.size, "black")
    black.putalpha(picture.getchannel("A"))

    found = find_edges(evidence(a_cut_out=picture, b_on_white=on("white", picture), c_shadow=black))

    assert Edge("a_cut_out", "b_on_white", "perceptual", 0) in found
    assert Edge("a_cut_out", "c_shadow", "alpha", 0) in found


def test_files_parents_and_sources_are_evidence_without_a_picture():
    images = [
        Evidence("danbooru:1", digest="x"),
        Evidence("danbooru:2", digest="x", parent="danbooru:1"),
        Evidence("danbooru:3", parent="danbooru:1", source="pixiv:7"),
        Evidence("danbooru:4", parent="danbooru:999"),
        Evidence("danbooru:5", parent="danbooru:999", source="pixiv:7"),
        Evidence("danbooru:6"),
    ]

    assert find_edges(images) == [
        Edge("danbooru:1", "danbooru:2", "digest"),
        Edge("danbooru:1", "danbooru:2", "parent"),
        Edge("danbooru:1", "danbooru:3", "parent"),
        Edge("danbooru:2", "danbooru:3", "parent"),
        Edge("danbooru:3", "danbooru:5", "source"),
        Edge("danbooru:4", "danbooru:5", "parent"),
    ]
    assert group_images((image.key for image in images), find_edges(images)).duplicates == (
        ("danbooru:1", "danbooru:2", "danbooru:3", "danbooru:4", "danbooru:5"),
    )


def test_a_child_that_a_person_parts_from_its_parent_stays_with_its_siblings_and_is_named():
    images = [Evidence("a"), Evidence("b", parent="a"), Evidence("c", parent="a")]

    grouping = group_images("abc", find_edges(images), {("a", "b"): "unrelated"})

    assert grouping.groups == (("a", "b", "c"),)
    assert grouping.still_joined == (("a", "b"),)


def test_a_thousand_equal_pictures_are_joined_by_a_thousand_edges():
    hashes = hash_picture(a_drawing(2))
    images = [Evidence(f"{number:04}", hashes=hashes) for number in range(1000)]

    found = find_edges(images)

    assert len([edge for edge in found if edge.kind == "perceptual"]) == 999
    assert len(group_images((image.key for image in images), found, max_members=1000).groups) == 1


def test_what_comes_later_makes_the_same_groups_as_everything_anew(seed):
    rng = random.Random(seed)
    images = []
    for number in range(8):
        picture = a_drawing(FIRST_TEST_CHARACTER + number)
        versions = {kind: plant(picture, rng) for kind, plant in PLANTED.items()} | {"again": picture}
        images += evidence(**{f"{rng.random():.9f} {number} {kind}": version for kind, version in versions.items()})
    rng.shuffle(images)
    old, new = images[:30], {image.key for image in images[30:]}

    before, later = find_edges(old), find_edges(images, new=new)

    keys = [image.key for image in images]
    assert all({edge.a, edge.b} & new for edge in later)
    assert group_images(keys, before + later).groups == group_images(keys, find_edges(images)).groups
    assert find_edges(images, new=()) == []


def test_an_image_that_comes_twice_is_refused():
    with pytest.raises(ValueError, match="'a' comes twice"):
        find_edges([Evidence("a"), Evidence("b"), Evidence("a")])


# --- verdicts and groups ----------------------------------------------------------------------------------------------


def edge(pair: str, kind: Kind = "perceptual", bits: int = 5) -> Edge:
    return Edge(*pair_of(*pair), kind, bits)


def test_a_persons_word_stands_over_the_evidence():
    edges = [edge("ab"), edge("bc"), edge("bc", "alpha")]
    verdicts: dict[tuple[str, str], Verdict] = {("b", "c"): "unrelated", ("c", "d"): "variant"}

    grouping = group_images("abcde", edges, verdicts)

    assert grouping.groups == (("a", "b"), ("c", "d"), ("e",))
    assert grouping.overridden == (edge("bc", "alpha"), edge("bc"))
    assert grouping.still_joined == ()


def test_a_pair_judged_unrelated_that_others_still_join_is_named():
    grouping = group_images("abc", [edge("ab"), edge("bc"), edge("ac")], {("a", "c"): "unrelated"})

    assert grouping.groups == (("a", "b", "c"),)
    assert grouping.still_joined == (("a", "c"),)


def test_a_verdict_out_of_order_or_unknown_is_refused():
    with pytest.raises(ValueError, match="expected a < b"):
        group_images("ab", [], {("b", "a"): "same"})
    with pytest.raises(ValueError, match="'perhaps'"):
        group_images("ab", [], {("a", "b"): "perhaps"})  # type: ignore[dict-item]


def test_a_chain_over_the_limit_is_cut_at_its_weakest_edge_and_said_to_be():
    edges = [edge("ab", bits=3), edge("bc", bits=9), edge("cd", bits=40), edge("de", bits=2), edge("ef", bits=9)]

    grouping = group_images("abcdef", edges, max_members=3)

    assert grouping.groups == (("a", "b", "c"), ("d", "e", "f"))
    (cut,) = grouping.cuts
    assert (cut.members, cut.parts, cut.edges) == (tuple("abcdef"), grouping.groups, (edge("cd", bits=40),))
    assert cut.is_enough
    assert cut.reason == "6 images in one chain, expected at most 3: cut into 2 at 1 edges"


def test_a_silhouette_gives_way_before_a_parent():
    edges = [edge("ab", "parent", 0), edge("bc", "alpha", 1), edge("cd", "perceptual", 30)]

    assert group_images("abcd", edges, max_members=2).groups == (("a", "b"), ("c", "d"))


def test_equal_files_are_never_cut_and_the_rest_that_is_over_the_limit_is_said():
    edges = [edge("ab", "digest", 0), edge("bc", "digest", 0), edge("cd", "verdict", 0)]

    grouping = group_images("abcd", edges, max_members=2)

    assert grouping.groups == (tuple("abcd"),)
    assert not grouping.cuts[0].is_enough
    assert "a part of 4 stays" in grouping.cuts[0].reason


@given(
    st.lists(
        st.tuples(
            st.integers(0, 11),
            st.integers(0, 11),
            st.sampled_from(["digest", "parent", "perceptual"]),
            st.integers(0, 9),
        ),
        max_size=25,
    ),
    st.integers(1, 6),
)
def test_no_edge_is_lost_silently(drawn, max_members):
    """Every edge lies within a group or is in a cut, and what is not cut is connected as a simple oracle says."""
    keys = [f"{number:02}" for number in range(12)]
    edges = [Edge(*pair_of(keys[a], keys[b]), kind, bits) for a, b, kind, bits in drawn if a != b]

    grouping = group_images(keys, edges, max_members=max_members)

    group_of = {key: group for group in grouping.groups for key in group}
    cut_edges = {edge for cut in grouping.cuts for edge in cut.edges}
    assert sorted(group_of) == keys
    assert all((group_of[edge.a] != group_of[edge.b]) == (edge in cut_edges) for edge in edges)
    assert all(edge.kind != "digest" for edge in cut_edges)
    in_cuts = {key for cut in grouping.cuts for key in cut.members}
    for part in flooded(keys, edges):
        assert (part in grouping.groups) if not in_cuts & set(part) else len(part) > max_members
    too_large = [group for group in grouping.groups if len(group) > max_members]
    assert len(too_large) == sum(
        len(part) > max_members for cut in grouping.cuts if not cut.is_enough for part in cut.parts
    )


def flooded(keys: list[str], edges: list[Edge]) -> list[tuple[str, ...]]:
    """The oracle: connected parts by spreading labels until nothing changes."""
    label = {key: key for key in keys}
    for _ in keys:
        for edge in edges:
            label[edge.a] = label[edge.b] = min(label[edge.a], label[edge.b])
    return [tuple(key for key in keys if label[key] == name) for name in sorted(set(label.values()))]


def test_a_chain_of_a_hundred_thousand_is_one_part():
    keys = [f"{number:06}" for number in range(100_000)]

    assert connected_parts(reversed(keys), pairwise(keys)) == [tuple(keys)]


# --- planted copies ---------------------------------------------------------------------------------------------------


def test_planted_copies_are_found_and_strangers_are_left_alone(seed, capsys):
    """The bounds lie below what the radii gave on their own seeds; what this run gave is printed."""
    rng = random.Random(seed)
    numbers = rng.sample(range(FIRST_TEST_CHARACTER, 2 * FIRST_TEST_CHARACTER), NUM_CHARACTERS)
    images = []
    for number in numbers:
        picture = Image.fromarray(draw_character(number).rgba)
        images.append(Evidence(f"{number}/original", hashes=hash_picture(picture)))
        images += [
            Evidence(f"{number}/{kind}", hashes=hash_picture(plant(picture, rng))) for kind, plant in PLANTED.items()
        ]

    grouping = group_images((image.key for image in images), find_edges(images))

    group_of = {key: number for number, group in enumerate(grouping.groups) for key in group}
    recall = {
        kind: sum(group_of[f"{number}/{kind}"] == group_of[f"{number}/original"] for number in numbers) / len(numbers)
        for kind in PLANTED
    }
    joined = [pair for group in grouping.duplicates for pair in combinations(group, 2)]
    right = sum(a.partition("/")[0] == b.partition("/")[0] for a, b in joined)
    of_all = len(numbers) * len(list(combinations(range(1 + len(PLANTED)), 2)))
    with capsys.disabled():
        shown = ", ".join(f"{kind} {share:.3f}" for kind, share in recall.items())
        print(f"\nplanted copies, seed {seed}, {NUM_CHARACTERS} characters: recall {shown};", end=" ")
        print(f"pairs in groups: recall {right / of_all:.4f}, precision {right / len(joined):.4f}")

    assert recall["resized"] == recall["recompressed"] == recall["mirrored"] == 1.0
    assert recall["cropped"] >= 0.95
    assert recall["recoloured"] >= 0.85
    assert right / of_all >= 0.90
    assert right / len(joined) >= 0.95


def test_distance_counts_bits():
    assert distance(b"\x00\xff", b"\x01\x0f") == 5
