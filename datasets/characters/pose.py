"""The pose library: how limbs, spine and head are held, as plain data in the body frame.

A limb is either swung, by angles of its two bones, or reaches for a place, its joint found by two-bone inverse
kinematics. `skeleton.py`'s names are not used here: solving a pose into points is the rig's work.

Angles in degrees. A bone's (out, fore): (0, 0) hangs down, out = 90 points sideways away from the body, fore = 90
points forward, fore = 180 points up. A reach is written for the left side and mirrored for the right.
"""

from dataclasses import dataclass
from typing import Any, Final

Angles = tuple[float, float]

FACINGS: Final[tuple[str, ...]] = (
    "front", "three_quarter_left", "three_quarter_right", "profile_left", "profile_right", "behind",
)  # fmt: skip
# Positive yaw turns to the right of the picture.
FACING_YAW: Final[dict[str, float]] = {
    "front": 0.0, "three_quarter_left": -38.0, "three_quarter_right": 38.0,
    "profile_left": -90.0, "profile_right": 90.0, "behind": 180.0,
}  # fmt: skip
PROFILES: Final = ("profile_left", "profile_right")
TURNED: Final = ("three_quarter_left", "three_quarter_right")


@dataclass(frozen=True)
class Swing:
    """Two bones held at given angles."""

    upper: Angles
    lower: Angles


@dataclass(frozen=True)
class Reach:
    """A wrist at a place; the elbow bends towards `pole` (body frame, left side).

    `anchor` names the frame of `place`: "body" in torso lengths from the middle of the hips, "head" in head radii from
    the middle of the head, "knee" in torso lengths from the knee of the same side.
    """

    place: tuple[float, float, float]
    pole: tuple[float, float, float] = (0.8, -0.6, -0.4)
    anchor: str = "body"


Limb = Swing | Reach


@dataclass(frozen=True)
class Pose:
    """One way to hold a body. Tags are Danbooru's; `facings` are those from which the pose can be read."""

    name: str
    left_arm: Limb
    right_arm: Limb
    left_leg: Limb
    right_leg: Limb
    tags: tuple[str, ...] = ("standing",)
    lean: float = 0.0  # whole body, forward
    bend: float = 0.0  # chest over pelvis, forward
    side: float = 0.0  # chest over pelvis, to the own left
    twist: float = 0.0  # chest over pelvis, to the own left
    head: tuple[float, float, float] = (0.0, 0.0, 0.0)  # yaw to the own left, nod down, tilt to the own right
    toes: tuple[float, float] = (24.0, 24.0)  # left, right: how far the toes point down from square
    lying: str = ""  # "", "side", "back", "stomach": drawn along the picture
    facings: tuple[str, ...] = FACINGS
    weight: float = 1.0  # how often it is drawn
    elevation: float = 6.0  # how far the camera stands above


def _both(limb: Limb) -> dict[str, Any]:
    return {"left_arm": limb, "right_arm": limb}


_HANG: Final = Swing((13, -4), (7, 12))
_STRAIGHT: Final = Swing((4, 2), (2, -4))
_LEGS: Final[dict[str, Any]] = {"left_leg": _STRAIGHT, "right_leg": _STRAIGHT}
_WEIGHT_ON_RIGHT: Final[dict[str, Any]] = {"left_leg": Swing((9, 9), (5, -5)), "right_leg": Swing((2, -1), (1, -3))}
_ON_HIP: Final = Reach((0.25, 0.16, 0.03), (1.0, -0.1, -0.45))
_CHAIR: Final[dict[str, Any]] = {"left_leg": Swing((7, 82), (3, 2)), "right_leg": Swing((7, 84), (4, -3))}
_ON_LAP: Final = Reach((0.0, 0.13, -0.3), (0.8, 0.0, -0.8), "knee")
_NOT_FRONT: Final = TURNED + PROFILES

_ALL: Final[tuple[Pose, ...]] = (
    Pose("standing", _HANG, _HANG, **_LEGS, weight=3.0),
    Pose("hand_on_hip", _HANG, _ON_HIP, **_WEIGHT_ON_RIGHT, tags=("standing", "hand_on_own_hip"), side=-4,
         head=(4, 0, -5), weight=2.0),
    Pose("hands_on_hips", _ON_HIP, _ON_HIP, left_leg=Swing((13, 3), (8, -2)), right_leg=Swing((13, 0), (8, -2)),
         tags=("standing", "hands_on_own_hips")),
    Pose("hands_behind_back", **_both(Reach((0.03, 0.12, -0.24), (1.0, 0.0, -0.3))), **_WEIGHT_ON_RIGHT,
         tags=("standing", "arms_behind_back"), bend=6, head=(0, 4, 7)),
    Pose("waving", _HANG, Swing((68, 12), (18, 172)), **_WEIGHT_ON_RIGHT, tags=("standing", "arm_up", "waving"),
         side=3, head=(-4, 0, 6), weight=1.5),
    Pose("arms_up", Swing((34, 172), (16, 178)), Swing((30, 174), (12, 178)), left_leg=Swing((8, 2), (5, -4)),
         right_leg=Swing((8, 0), (5, -3)), tags=("standing", "arms_up"), bend=-4),
    Pose("outstretched_arms", Swing((80, 20), (82, 10)), Swing((84, 12), (78, 20)), left_leg=Swing((6, 10), (3, -8)),
         right_leg=_STRAIGHT, tags=("standing", "outstretched_arms"), side=4),
    Pose("hands_clasped", **_both(Reach((0.015, 0.64, 0.30), (0.9, -0.8, 0.0))), **_LEGS,
         tags=("standing", "own_hands_together", "own_hands_clasped"), head=(0, 6, 4)),
    Pose("hands_in_front", **_both(Reach((0.02, 0.05, 0.24), (1.0, 0.0, -0.2))), **_WEIGHT_ON_RIGHT,
         tags=("standing", "own_hands_together", "v_arms"), head=(0, 3, -5)),
    Pose("crossed_arms", Reach((-0.14, 0.66, 0.20), (0.9, -0.6, 0.1)), Reach((-0.15, 0.60, 0.24), (0.9, -0.6, 0.1)),
         left_leg=Swing((8, 4), (6, -4)), right_leg=_STRAIGHT, tags=("standing", "crossed_arms"), bend=-3),
    Pose("hands_on_cheeks", **_both(Reach((1.06, -1.42, 0.34), (0.9, -1.0, 0.1), "head")), **_LEGS,
         tags=("standing", "hands_on_own_cheeks", "hands_on_own_face"), head=(0, 4, 5)),
    Pose("crossed_legs", _HANG, _ON_HIP, left_leg=Swing((-7, 6), (-9, -1)), right_leg=Swing((-4, -3), (-7, -5)),
         tags=("standing", "crossed_legs"), side=-4),
    Pose("walking", Swing((9, -24), (6, -2)), Swing((9, 24), (4, 44)), left_leg=Swing((2, 27), (2, 12)),
         right_leg=Swing((2, -16), (2, -42)), tags=("walking",), toes=(8, 30), bend=3, weight=1.5),
    Pose("running", Swing((12, -48), (-6, 38)), Swing((12, 36), (-18, 122)), left_leg=Swing((2, 64), (0, -12)),
         right_leg=Swing((2, -20), (0, -98)), tags=("running",), lean=13, bend=6, head=(0, -12, 0), toes=(10, 40)),
    Pose("jumping", Swing((42, 160), (30, 170)), Swing((52, 150), (24, 172)), left_leg=Swing((10, 38), (6, -70)),
         right_leg=Swing((10, -4), (8, -78)), tags=("jumping", "arms_up"), bend=-5, toes=(40, 48)),
    Pose("leg_up", Swing((62, 20), (66, 30)), Swing((50, -10), (62, 30)), left_leg=_STRAIGHT,
         right_leg=Swing((8, 78), (4, -24)), tags=("standing", "standing_on_one_leg", "leg_up"), toes=(22, 46)),
    Pose("high_kick", Swing((50, -10), (30, 40)), Swing((46, 10), (20, 60)), left_leg=Swing((4, -6), (2, -10)),
         right_leg=Swing((38, 92), (36, 88)), tags=("standing", "standing_on_one_leg", "leg_up", "kicking"), lean=-12,
         toes=(22, 48), weight=0.6),
    Pose("stretch", **_both(Reach((0.04, 2.62, -0.02), (1.0, 0.1, 0.0))), left_leg=Swing((5, 0), (3, -2)),
         right_leg=Swing((5, 0), (3, -2)), tags=("standing", "stretching", "arms_up"), side=10, bend=-8, toes=(48, 48)),
    Pose("bent_over", **_both(Reach((0.02, 0.17, 0.06), (0.9, -0.1, -0.7), "knee")), left_leg=Swing((7, 30), (5, -22)),
         right_leg=Swing((6, 27), (4, -22)), tags=("standing", "bent_over", "hands_on_own_knees"), lean=22, bend=24,
         head=(0, -36, 4)),
    Pose("sitting", **_both(_ON_LAP), **_CHAIR, tags=("sitting",), weight=1.6, elevation=14),
    Pose("sitting_crossed_legs", _ON_LAP, Reach((0.34, 0.02, -0.12), (0.6, 0.2, -1.0)),
         left_leg=Swing((-11, 90), (-16, 16)), right_leg=Swing((5, 80), (3, -4)), tags=("sitting", "crossed_legs"),
         elevation=14, side=-3),
    Pose("sitting_floor", **_both(Reach((0.36, -0.06, -0.36), (0.5, 0.2, -1.0))), left_leg=Swing((10, 98), (7, 52)),
         right_leg=Swing((9, 86), (7, 76)), tags=("sitting", "arm_support"), lean=-16, head=(0, 10, 0), elevation=20,
         toes=(0, 0)),
    Pose("wariza", **_both(Reach((0.09, -0.02, 0.46), (0.9, 0.2, -0.4))), left_leg=Swing((24, 74), (38, -98)),
         right_leg=Swing((24, 74), (38, -98)), tags=("sitting", "wariza"), bend=5, toes=(70, 70), elevation=18),
    Pose("seiza", **_both(_ON_LAP), left_leg=Swing((7, 82), (2, -88)), right_leg=Swing((7, 82), (2, -88)),
         tags=("sitting", "seiza"), toes=(78, 78), elevation=16),
    Pose("indian_style", **_both(Reach((-0.10, 0.09, 0.08), (0.9, 0.1, -0.5), "knee")),
         left_leg=Swing((52, 74), (-64, -8)), right_leg=Swing((52, 78), (-62, 12)), tags=("sitting", "indian_style"),
         toes=(48, 48), bend=5, elevation=14),
    Pose("knees_up", **_both(Reach((-0.10, -0.20, 0.12), (1.0, -0.2, 0.0), "knee")), left_leg=Swing((4, 128), (3, -16)),
         right_leg=Swing((4, 126), (3, -14)), tags=("sitting", "knees_up", "hugging_own_legs"), bend=16, toes=(4, 4),
         head=(0, -4, 8), elevation=12),
    Pose("squatting", **_both(Reach((-0.03, 0.10, 0.06), (1.0, -0.1, -0.4), "knee")), left_leg=Swing((20, 108), (6,
        -36)),
         right_leg=Swing((20, 106), (6, -38)), tags=("squatting",), lean=12, bend=12, head=(0, -14, 0), toes=(8, 8),
         elevation=10),
    Pose("kneeling", _HANG, Reach((0.06, 0.62, 0.26), (0.9, -0.8, 0.0)), left_leg=Swing((7, 6), (5, -84)),
         right_leg=Swing((7, 4), (5, -86)), tags=("kneeling",), toes=(74, 74), elevation=10),
    Pose("one_knee", _ON_LAP, _HANG, left_leg=Swing((9, 84), (4, 2)), right_leg=Swing((6, -8), (4, -88)),
         tags=("kneeling", "on_one_knee"), toes=(6, 40), elevation=10),
    Pose("all_fours", **_both(Swing((8, 84), (6, 88))), left_leg=Swing((6, 84), (4, -8)),
         right_leg=Swing((6, 94), (4, -2)), tags=("all_fours",), lean=82, bend=-8, head=(0, -58, 0), toes=(74, 74),
         facings=_NOT_FRONT, elevation=10, weight=0.6),
    Pose("lying_on_side", Reach((0.10, 0.74, 0.34), (0.7, -0.8, 0.2)), Swing((58, 150), (20, 168)),
         left_leg=Swing((2, 46), (2, -14)), right_leg=Swing((4, 26), (3, -36)), tags=("lying", "on_side"), bend=6,
         head=(0, 4, 0), toes=(50, 50), lying="side", facings=("front", *TURNED, "behind"), elevation=0),
    Pose("lying_on_back", Swing((46, 4), (38, 20)), Swing((62, 150), (-14, 178)), left_leg=Swing((8, 10), (4, -8)),
         right_leg=Swing((14, 42), (6, -42)), tags=("lying", "on_back"), head=(8, 0, 6), toes=(48, 48), lying="back",
         facings=("front", *TURNED, *PROFILES), elevation=0, weight=1.2),
    Pose("lying_on_stomach", Reach((0.16, 0.66, 0.54), (0.5, -0.9, -0.2)), Reach((0.14, 0.62, 0.56), (0.5, -0.9, -0.2)),
         left_leg=Swing((5, -4), (3, -96)), right_leg=Swing((5, 0), (3, -52)), tags=("lying", "on_stomach"), bend=-24,
         head=(0, -16, 0), toes=(58, 58), lying="stomach", facings=(*PROFILES, "behind"), elevation=0, weight=1.2),
)  # fmt: skip
POSES: Final[dict[str, Pose]] = {pose.name: pose for pose in _ALL}
