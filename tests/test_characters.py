"""The drawn characters keep their promise: same seed, same bytes, and a truth that agrees with the pixels."""

import dataclasses
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from datasets.characters import (
    BACKGROUNDS,
    EXPRESSIONS,
    FACINGS,
    HAIR_STYLES,
    OUTFITS,
    POSES,
    add_item,
    draw_character,
    pose_only,
    random_background,
    recipe_from_seed,
)
from datasets.skeleton import ADD_EXTRAS, ADD_NAMES, ADD_TO_COCO, ALL_KEYPOINTS, INDEX, MIDPOINT_ENDS

ROOT = Path(__file__).resolve().parents[1]
UNUSUAL_IRIS = (40, 220, 40)
BODY = [name for name in ALL_KEYPOINTS[:17] if name.split("_")[-1] not in ("nose", "eye", "ear")]


def digest_of(seed: int) -> str:
    drawn = draw_character(seed)
    state = hashlib.sha256(drawn.rgba.tobytes())
    state.update(drawn.points.tobytes() + repr((drawn.states, drawn.tags, drawn.extras, drawn.bbox_xywh)).encode())
    return state.hexdigest()


def a_plain_girl(**choices):
    """Someone whose face and limbs nothing covers, unless told."""
    usual = {"gender": "girl", "age": "teen", "pose": "standing", "facing": "front", "hair_style": "short",
             "bangs": "parted", "hat": "none",
                 "glasses": False, "expression": "neutral", "framing": "full_body", "monochrome": False,
                 "head_turn": 0.0, "yaw_offset": 0.0,
                 "outfit": "casual", "sleeves": "short", "bottom": "shorts", "sidelocks": False,
                 "animal_ears": "none", "ornament": "none",
                 "legwear": "none", "limb_noise": (0.0,) * 16}  # fmt: skip
    return recipe_from_seed(11, **{**usual, **choices})


def test_the_same_seed_gives_the_same_bytes_in_another_process():
    tests = str(ROOT / "tests")
    script = f"import sys; sys.path.insert(0, {tests!r})\nfrom test_characters import digest_of as d\nprint(d(3), d(8))"
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
        told = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment
        )
        assert told.stdout.split() == [digest_of(3), digest_of(8)]


def test_different_seeds_give_different_pictures():
    assert len({digest_of(seed) for seed in range(6)}) == 6


def test_an_overridden_field_leaves_the_other_choices_as_they_were():
    plain, changed = recipe_from_seed(5), recipe_from_seed(5, hair_colour="pink")
    differing = {
        field.name for field in dataclasses.fields(plain) if getattr(plain, field.name) != getattr(changed, field.name)
    }
    assert differing <= {"hair_colour", "hair_rgb"}
    assert changed.hair_colour == "pink"


@pytest.mark.parametrize("choice", [{"pose": "flying"}, {"hair_colour": "plaid"}, {"wings": 2}, {"heads": 40.0},
                                    {"outfit": "none"}],
                         ids=["unknown pose", "unknown colour", "unknown field", "too tall",
                              "unknown outfit"])  # fmt: skip
def test_a_choice_that_does_not_exist_is_refused_with_a_sentence(choice):
    with pytest.raises(ValueError, match="recipe: "):
        recipe_from_seed(1, **choice)


def test_midpoints_lie_exactly_between_their_ends():
    for seed in range(12):
        truth = pose_only(seed)
        for middle, (start, end) in MIDPOINT_ENDS.items():
            assert (truth.point(middle) == (truth.point(start) + truth.point(end)) / 2).all()


def test_seen_from_the_front_the_own_left_lies_on_the_right_and_from_behind_on_the_left():
    front, behind = pose_only(a_plain_girl()), pose_only(a_plain_girl(facing="behind"))
    for part in ("shoulder", "hip", "knee", "ankle", "ear", "eye"):
        assert front.point(f"left_{part}")[0] > front.point(f"right_{part}")[0], part
        assert behind.point(f"left_{part}")[0] < behind.point(f"right_{part}")[0], part


def test_a_profile_to_the_right_puts_the_nose_right_of_the_ears_and_hides_the_far_left_eye():
    truth = pose_only(a_plain_girl(facing="profile_right"))
    assert truth.point("nose")[0] > truth.point("right_eye")[0] > truth.point("right_ear")[0]
    assert (truth.state("right_eye"), truth.state("left_eye"), truth.state("left_ear")) == (
        "visible",
        "hidden",
        "hidden",
    )
    assert (truth.state("nose"), truth.state("left_shoulder")) == ("visible", "hidden")


def test_a_profile_to_the_left_hides_the_far_right_eye():
    truth = pose_only(a_plain_girl(facing="profile_left"))
    assert truth.point("nose")[0] < truth.point("left_eye")[0]
    assert (truth.state("left_eye"), truth.state("right_eye")) == ("visible", "hidden")


def test_a_three_quarter_view_shows_both_eyes():
    for facing in ("three_quarter_left", "three_quarter_right"):
        truth = pose_only(a_plain_girl(facing=facing))
        assert {truth.state("left_eye"), truth.state("right_eye"), truth.state("nose")} == {"visible"}


def test_seen_from_behind_eyes_nose_are_hidden_and_shoulders_are_not():
    truth = pose_only(a_plain_girl(facing="behind", looking_back=False))
    assert {truth.state(name) for name in ("left_eye", "right_eye", "nose")} == {"hidden"}
    assert {truth.state(name) for name in ("left_shoulder", "right_shoulder", "left_ankle")} == {"visible"}
    assert "from_behind" in truth.tags
    assert "facing_away" in truth.tags
    assert "looking_back" not in truth.tags


def test_who_looks_back_from_behind_shows_one_eye_and_the_nose():
    recipe = recipe_from_seed(
        11, pose="standing", facing="behind", looking_back=True, bangs="parted", hat="none", framing="full_body"
    )
    truth = pose_only(recipe)
    assert sorted((truth.state("left_eye"), truth.state("right_eye"))) == ["hidden", "visible"]
    assert truth.state("nose") == "visible"
    assert "looking_back" in truth.tags


def test_hands_behind_the_back_are_hidden_from_the_front_and_seen_from_behind():
    for facing, state in (("front", "hidden"), ("behind", "visible")):
        truth = pose_only(a_plain_girl(pose="hands_behind_back", facing=facing))
        assert (truth.state("left_wrist"), truth.state("right_wrist")).count(state) >= 1, facing
        assert truth.state("left_wrist" if facing == "front" else "right_wrist") == state or facing == "behind"


def test_hair_covers_the_ears_of_a_bob_and_a_lock_covers_one_eye():
    assert pose_only(a_plain_girl(hair_style="bob")).state("left_ear") == "hidden"
    assert pose_only(a_plain_girl(hair_style="short")).state("left_ear") == "visible"
    covered = pose_only(a_plain_girl(bangs="over_one_eye"))
    assert sorted((covered.state("left_eye"), covered.state("right_eye"))) == ["hidden", "visible"]


def test_clothes_worn_on_a_joint_do_not_hide_it_but_a_long_skirt_hides_the_knees():
    trousers = pose_only(a_plain_girl(bottom="trousers", sleeves="long", outfit="sweater"))
    assert {
        trousers.state(name) for name in ALL_KEYPOINTS if name.split("_")[-1] in ("knee", "hip", "elbow", "shoulder")
    } == {"visible"}
    skirt = pose_only(a_plain_girl(bottom="long_skirt", outfit="sweater"))
    assert (skirt.state("left_knee"), skirt.state("left_hip")) == ("hidden", "visible")


def test_closed_eyes_are_visible():
    truth = pose_only(a_plain_girl(expression="closed_smile"))
    assert (truth.state("left_eye"), truth.state("right_eye")) == ("visible", "visible")
    assert "closed_eyes" in truth.tags
    assert not any(tag.endswith("_eyes") and tag != "closed_eyes" for tag in truth.tags)


def test_a_cropped_picture_makes_parts_absent_that_keep_their_places_outside():
    for seed in range(4):
        truth = pose_only(recipe_from_seed(seed, pose="standing", framing="bust"))
        for name in ("left_ankle", "right_ankle", "left_knee"):
            assert truth.state(name) == "absent"
            assert truth.point(name)[1] > truth.size_wh[1]
        assert truth.state("left_shin") == "absent"
        assert "full_body" not in truth.tags
        assert "upper_body" in truth.tags
        assert "standing" not in truth.tags


def test_absent_means_outside_and_only_that():
    for seed in range(60):
        truth = pose_only(seed)
        width, height = truth.size_wh
        for (x, y), state, name in zip(truth.points, truth.states, ALL_KEYPOINTS, strict=True):
            outside = not (0 <= x <= width and 0 <= y <= height)
            if name not in MIDPOINT_ENDS:
                assert (state == "absent") == outside, (seed, name)
            else:
                assert state == "absent" or not outside, (seed, name)


def test_the_box_is_the_tight_box_of_the_alpha_with_and_without_a_background():
    for seed in range(6):
        clear, full = draw_character(seed, background="transparent"), draw_character(seed, background="drawn")
        assert (clear.alpha == full.alpha).all()
        assert (clear.alpha == clear.rgba[..., 3]).all()
        assert (full.rgba[..., 3] == 255).all()
        rows, columns = np.nonzero(clear.alpha > 127)
        x, y = columns.min(), rows.min()
        assert clear.bbox_xywh == full.bbox_xywh == (x, y, columns.max() + 1 - x, rows.max() + 1 - y)
        # What is wholly the character's looks the same over any background.
        solid = clear.alpha == 255
        assert (clear.rgba[solid] == full.rgba[solid]).all()


@pytest.mark.parametrize("seed", range(16))
def test_the_pose_alone_tells_the_same_truth_as_the_drawing(seed):
    drawn, alone = draw_character(seed), pose_only(seed)
    assert (drawn.points == alone.points).all()
    assert (drawn.states, drawn.extras, drawn.tags, drawn.size_wh) == (
        alone.states,
        alone.extras,
        alone.tags,
        alone.size_wh,
    )
    assert drawn.recipe == alone.recipe
    assert np.abs(np.array(drawn.bbox_xywh) - np.array(alone.bbox_xywh)).max() <= 3.0


@pytest.mark.parametrize(
    "facing", ["front", "three_quarter_left", "three_quarter_right", "profile_left", "profile_right"]
)
@pytest.mark.parametrize("shape", ["round", "sharp", "drooping"])
def test_a_visible_eye_lies_on_pixels_of_the_eye(facing, shape):
    recipe = dataclasses.replace(a_plain_girl(facing=facing, eye_shape=shape), eye_rgb=UNUSUAL_IRIS, top_rgb=(200,
        60, 60),
                                 bottom_rgb=(60, 60, 200), accent_rgb=(200, 200, 60), hair_rgb=(200, 90,
                                     60))  # fmt: skip
    drawn = draw_character(recipe, background="transparent", size_wh=(800, 1200))
    r, g, b = (drawn.rgba[..., i].astype(int) for i in range(3))
    iris = (g > r + 25) & (g > b + 25) & (drawn.alpha > 200)
    seen = 0
    for side in ("left", "right"):
        if drawn.state(f"{side}_eye") == "visible":
            seen += 1
            x, y = drawn.point(f"{side}_eye")
            reach = 14
            around = iris[int(y) - reach : int(y) + reach, int(x) - reach : int(x) + reach]
            rows, columns = np.nonzero(around)
            assert len(rows) > 40, side
            # The iris is drawn around the keypoint: its green lies on all sides of it.
            assert rows.min() < reach < rows.max(), side
            assert columns.min() < reach < columns.max(), side
            # Right there is iris, or the dark pupil in its middle.
            is_iris = iris[int(y) - 2 : int(y) + 3, int(x) - 3 : int(x) + 4].any()
            assert is_iris or drawn.rgba[int(y), int(x), :3].max() < 120
    assert seen == (1 if "profile" in facing else 2)


def test_visible_body_points_lie_on_the_character():
    inside, total = 0, 0
    for seed in range(50):
        drawn = draw_character(seed, background="transparent")
        for name in ALL_KEYPOINTS:
            if drawn.state(name) == "visible":
                x, y = drawn.point(name)
                total += 1
                inside += drawn.alpha[min(int(y), drawn.size_wh[1] - 1), min(int(x), drawn.size_wh[0] - 1)] > 127
    assert total > 600
    assert inside / total >= 0.995, f"{inside} of {total}"


@pytest.mark.parametrize("pose", list(POSES))
def test_every_pose_is_drawn_from_every_facing(pose):
    for facing in FACINGS:
        drawn = draw_character(recipe_from_seed(21, pose=pose, facing=facing, framing="full_body"), size_wh=(90, 120))
        assert drawn.rgba.shape == (120, 90, 4)
        assert drawn.recipe.facing in POSES[pose].facings
        assert set(POSES[pose].tags) <= set(drawn.tags)
        assert (drawn.alpha > 127).mean() > 0.02
        assert np.isfinite(drawn.points).all()


@pytest.mark.parametrize(("field", "values"), [("outfit", OUTFITS), ("hair_style", HAIR_STYLES), ("expression",
    EXPRESSIONS),
                                           ("hat", ("beret", "cap", "straw_hat", "witch_hat", "beanie")),
                                           ("animal_ears", ("cat", "rabbit", "fox")), ("background",
                                               BACKGROUNDS)])  # fmt: skip
def test_every_choice_is_drawn_and_shows(field, values):
    pictures = {draw_character(recipe_from_seed(9, **{"pose": "standing", "facing": "front", "ornament": "none",
                                                      field: value}),
                               size_wh=(120, 200)).rgba.tobytes() for value in values}  # fmt: skip
    assert len(pictures) == len(values)


def test_tags_agree_with_the_recipe():
    for seed in range(40):
        truth = pose_only(seed)
        recipe, tags = truth.recipe, set(truth.tags)
        assert ("1boy" in tags) == (recipe.gender == "boy")
        assert ("1girl" in tags) == (recipe.gender == "girl")
        assert "solo" in tags
        assert f"{recipe.hair_colour}_hair" in tags
        assert ("chibi" in tags) == (recipe.age == "chibi")
        assert ("from_behind" in tags) == (recipe.facing == "behind")
        assert ("full_body" in tags) == ("absent" not in (truth.state("left_ankle"), truth.state("right_ankle")))
        assert ("transparent_background" in tags) == (recipe.background == "transparent")
        if truth.state("left_eye") == truth.state("right_eye") == "hidden":
            assert not {"closed_eyes", "blush", "one_eye_closed"} & tags
        assert len(tags) == len(truth.tags)
    assert "transparent_background" in pose_only(4, background="transparent").tags


def test_an_add_record_has_all_names_in_whole_or_half_pixels():
    drawn = pose_only(2)
    record = add_item(drawn, "data/images/2.png")
    assert tuple(record["points"]) == ADD_NAMES
    assert record["file_name"] == "data/images/2.png"
    assert (record["width"], record["height"]) == drawn.size_wh
    for name, (x, y) in record["points"].items():
        assert float(x * 2).is_integer()
        assert float(y * 2).is_integer()
        known = drawn.points[INDEX[ADD_TO_COCO[name]]] if name in ADD_TO_COCO else drawn.extras[name]
        assert np.abs(np.array([x, y]) - known).max() <= 0.25
    assert tuple(drawn.extras) == ADD_EXTRAS


def test_the_extra_points_lie_where_anime_drawings_dataset_has_them():
    """Medians over ADD's 2,000 records, in hip-to-neck lengths up from the hips: head 1.12, body_upper 0.41, nose_root
    1.29."""
    heights = {name: [] for name in ("head", "body_upper", "nose_root", "neck")}
    for seed in range(80):
        truth = pose_only(recipe_from_seed(seed, pose="standing", facing="front", age="teen"))
        hips = (truth.point("left_hip") + truth.point("right_hip")) / 2
        up = np.array(truth.extras["neck"]) - hips
        for name, found in heights.items():
            found.append(float((np.array(truth.extras[name]) - hips) @ up / (up @ up)))
    medians = {name: float(np.median(found)) for name, found in heights.items()}
    assert medians == pytest.approx({"head": 1.12, "body_upper": 0.405, "nose_root": 1.294, "neck": 1.0}, abs=0.04)


def test_a_wanted_size_is_kept_and_a_nonsense_size_is_refused():
    assert draw_character(1, size_wh=(301, 173)).rgba.shape == (173, 301, 4)
    with pytest.raises(ValueError, match="size_wh"):
        draw_character(1, size_wh=(3, 400))
    with pytest.raises(ValueError, match="background"):
        draw_character(1, background="sea")


def test_lying_characters_make_landscape_pictures_and_standing_ones_portraits():
    lying = pose_only(recipe_from_seed(3, pose="lying_on_side"))
    standing = pose_only(recipe_from_seed(3, pose="standing", framing="full_body"))
    assert lying.size_wh[0] > lying.size_wh[1]
    assert standing.size_wh[0] < standing.size_wh[1]
    assert max(lying.size_wh) <= 800
    assert standing.size_wh[1] == 600


def test_backgrounds_are_opaque_pictures_that_a_seed_decides():
    for kind in (None, "plain", "gradient", "pattern", "sky", "hills", "room"):
        picture = random_background(12, (64, 48), kind)
        assert picture.shape == (48, 64, 3)
        assert picture.dtype == np.uint8
        assert (picture == random_background(12, (64, 48), kind)).all()
    with pytest.raises(ValueError, match="background"):
        random_background(1, (10, 10), "sea")
