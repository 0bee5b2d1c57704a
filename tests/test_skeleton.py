"""The skeleton against COCO's own words: its published category and pycocotools' constants."""

import pytest
from pycocotools.cocoeval import Params

from datasets.skeleton import (
    ADD_EXTRAS,
    ADD_NAMES,
    ADD_TO_COCO,
    ALL_KEYPOINTS,
    COCO_KEYPOINTS,
    FLIP_PAIRS,
    INDEX,
    MIDPOINT_ENDS,
    OKS_SIGMAS,
    coco_skeleton,
    mirror_name,
    weaker_state,
    with_midpoints,
)

# From person_keypoints_val2017.json, `categories[0]`.
COCO_NAMES = [
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
]  # fmt: skip
COCO_EDGES = [
    [16, 14], [14, 12], [17, 15], [15, 13], [12, 13], [6, 12], [7, 13], [6, 7], [6, 8], [7, 9], [8, 10], [9, 11],
    [2, 3], [1, 2], [1, 3], [2, 4], [3, 5], [4, 6], [5, 7],
]  # fmt: skip


def test_names_and_edges_are_cocos_own_in_cocos_order():
    assert list(COCO_KEYPOINTS) == COCO_NAMES
    assert coco_skeleton() == COCO_EDGES


def test_sigmas_are_those_that_pycocotools_evaluates_with():
    assert list(OKS_SIGMAS[:17]) == pytest.approx(list(Params(iouType="keypoints").kpt_oks_sigmas))


def test_a_midpoints_sigma_is_the_mean_of_its_two_ends():
    assert OKS_SIGMAS[INDEX["left_upper_arm"]] == pytest.approx((0.079 + 0.072) / 2)
    assert OKS_SIGMAS[INDEX["right_shin"]] == pytest.approx((0.087 + 0.089) / 2)


def test_the_eight_midpoints_follow_the_seventeen():
    assert len(ALL_KEYPOINTS) == len(set(ALL_KEYPOINTS)) == 25
    assert ALL_KEYPOINTS[17:] == tuple(MIDPOINT_ENDS)


def test_with_midpoints_each_limb_has_two_halves_more():
    edges = coco_skeleton(with_midpoints=True)

    assert edges[:19] == COCO_EDGES
    assert len(edges) == 19 + 16
    assert [6, 18] in edges, "left shoulder to left upper arm"
    assert [18, 8] in edges, "left upper arm to left elbow"
    assert {index for edge in edges for index in edge} == set(range(1, 26))


def test_flipping_twice_is_no_flip_and_the_nose_stays():
    assert mirror_name("nose") == "nose"
    assert mirror_name("thumb_left") == "thumb_right"
    assert mirror_name("left_eye") == "right_eye"
    assert all(mirror_name(mirror_name(name)) == name for name in ALL_KEYPOINTS + ADD_NAMES)
    assert len(FLIP_PAIRS) == 12


def test_adds_21_names_are_13_of_cocos_and_8_of_its_own():
    assert sorted(ADD_NAMES) == sorted([*ADD_TO_COCO, *ADD_EXTRAS])
    assert len(ADD_TO_COCO) == 13
    assert ADD_TO_COCO["nose_tip"] == "nose"
    assert ADD_TO_COCO["arm_left"] == "left_shoulder"
    assert ADD_TO_COCO["leg_right"] == "right_hip"
    assert set(ADD_TO_COCO.values()) == set(COCO_KEYPOINTS) - {"left_eye", "right_eye", "left_ear", "right_ear"}


@pytest.mark.parametrize(
    ("a", "b", "weaker"),
    [
        ("visible", "visible", "visible"),
        ("visible", "hidden", "hidden"),
        ("hidden", "undecided", "undecided"),
        ("undecided", "absent", "absent"),
        ("visible", "absent", "absent"),
    ],
)
def test_the_weaker_of_two_states(a, b, weaker):
    assert weaker_state(a, b) == weaker_state(b, a) == weaker


def test_a_midpoint_is_the_average_of_its_ends_and_as_certain_as_the_weaker():
    points = [None] * 17
    states = ["undecided"] * 17
    points[INDEX["left_shoulder"]], states[INDEX["left_shoulder"]] = (10.0, 20.0), "visible"
    points[INDEX["left_elbow"]], states[INDEX["left_elbow"]] = (13, 40), "hidden"
    points[INDEX["left_wrist"]], states[INDEX["left_wrist"]] = (20, 60), "visible"

    all_points, all_states = with_midpoints(points, states)

    assert all_points[INDEX["left_upper_arm"]] == (11.5, 30.0)
    assert all_states[INDEX["left_upper_arm"]] == "hidden"
    assert all_points[INDEX["left_forearm"]] == (16.5, 50.0)
    assert all_points[INDEX["right_thigh"]] is None
    assert len(all_points) == len(all_states) == 25


def test_sixteen_points_are_refused():
    with pytest.raises(ValueError, match="got 16 points and 17 states, expected 17 of each"):
        with_midpoints([None] * 16, ["undecided"] * 17)
