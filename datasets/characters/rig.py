"""Solve a pose into a rig: every joint in view space, and the frames of pelvis, chest and head.

Pure geometry: what is drawn over the bones is the business of body, head, hair and clothes. Lengths in torso lengths.
Proportions follow AnimeDrawingsDataset's joints (medians over its 2,000 records: shoulders 0.47 apart, hips 0.37,
upper arm 0.51, forearm 0.43, thigh 0.81, shin 0.84, `body_upper` at 0.41, `head` 0.12 above the neck) at about six
heads, and shrink the legs towards a chibi's.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from datasets.characters.geometry import flat, mix, rotation_x, rotation_y, rotation_z, unit
from datasets.characters.pose import FACING_YAW, POSES, Limb, Pose, Reach
from datasets.characters.recipe import CharacterRecipe

SPINE_BEND_AT = 0.36
# The unit of the head is its half width; chin to crown is 2.3 of them.
HEAD_UNITS = 2.3


@dataclass(frozen=True)
class Proportions:
    """Bone lengths and half widths of one body, in torso lengths."""

    head_radius: float
    neck: float
    shoulder: float
    hip: float
    upper_arm: float
    forearm: float
    thigh: float
    shin: float
    foot: float
    hand: float
    girth: float  # thickness of limbs, 1 for a slim teenager
    chibi: float  # 0 for an adult, 1 at two and a half heads


@dataclass(frozen=True)
class Rig:
    """A solved body. Points are (3,) view coordinates (y up, z towards the viewer); frames have columns left, up,
    forward."""

    pose: Pose
    size: Proportions
    joints: dict[str, np.ndarray]  # left_shoulder ... right_ankle, neck, pelvis, body_upper, head_pivot, head
    pelvis: np.ndarray
    chest: np.ndarray
    skull: np.ndarray
    head_yaw: float  # of the head as the picture shows it: 0 at us, 90 to the right, 180 away
    head_nod: float  # towards the viewer's down
    head_roll: float  # counter-clockwise in the picture
    foot_dirs: dict[str, np.ndarray]
    hand_dirs: dict[str, np.ndarray]
    thumb_dirs: dict[str, np.ndarray]

    def at(self, name: str) -> np.ndarray:
        """A joint as a flat picture point."""
        return flat(self.joints[name])


def proportions(recipe: CharacterRecipe) -> Proportions:
    """Bone lengths for a character so many heads tall: shorter legs, wider hips and a big head towards chibi."""
    tall = min(1.0, max(0.0, (recipe.heads - 2.4) / 4.6))
    ease = 1 - (1 - tall) ** 1.5
    legs = mix(0.92, 1.84, ease) * recipe.leg_length
    gap = mix(1.0, 1.1, ease)
    head_height = (legs + gap) / (recipe.heads - 1)
    boy = recipe.gender == "boy"
    chibi = max(0.0, 1 - (recipe.heads - 2.4) / 2.6)
    arms = mix(0.76, 1.0, ease)
    return Proportions(
        head_radius=head_height / HEAD_UNITS,
        neck=mix(0.05, 0.125, ease),
        shoulder=(0.25 if boy else 0.225) + 0.04 * chibi,
        hip=(0.155 if boy else 0.168) + 0.02 * chibi,
        upper_arm=0.5 * arms,
        forearm=0.45 * arms,
        thigh=(legs - 0.13) * 0.495,
        shin=(legs - 0.13) * 0.505,
        foot=mix(0.31, 0.39, ease),
        hand=mix(0.17, 0.2, ease),
        girth=(1.08 if boy else 1.0) * recipe.build * mix(1.55, 1.0, ease**0.7),
        chibi=min(1.0, chibi),
    )


def solve(recipe: CharacterRecipe) -> Rig:
    """Place every joint of a recipe's character in view space."""
    pose, size = POSES[recipe.pose], proportions(recipe)
    root = _root(recipe, pose)
    bend = rotation_z(-pose.side * recipe.energy) @ rotation_x(pose.bend * recipe.energy) @ rotation_y(pose.twist)
    chest = root @ bend
    joints: dict[str, np.ndarray] = {"pelvis": np.zeros(3)}
    joints["body_upper"] = root @ np.array([0.0, SPINE_BEND_AT, 0.0]) + chest @ np.array([0.0, 0.045, 0.0])
    joints["neck"] = root @ np.array([0.0, SPINE_BEND_AT, 0.0]) + chest @ np.array([0.0, 1 - SPINE_BEND_AT, 0.0])

    skull = (
        chest
        @ rotation_y(pose.head[0] + recipe.head_turn)
        @ rotation_x(pose.head[1] + recipe.head_nod)
        @ rotation_z(pose.head[2] + recipe.head_tilt)
    )
    skull = _kept_readable(skull)
    neck_way = unit(chest[:, 1] + 0.5 * skull[:, 1] + 0.12 * chest[:, 2])
    joints["head_pivot"] = joints["neck"] + neck_way * size.neck
    joints["head"] = joints["head_pivot"] + skull[:, 1] * size.head_radius * 1.0

    foot_dirs, hand_dirs, thumb_dirs = {}, {}, {}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        joints[f"{side}_hip"] = root @ np.array([sign * size.hip, 0.0, 0.0])
        joints[f"{side}_shoulder"] = joints["neck"] + chest @ np.array([sign * size.shoulder, -0.065, 0.0])
        leg = pose.left_leg if side == "left" else pose.right_leg
        knee, ankle = _limb(leg, joints[f"{side}_hip"], root, sign, (size.thigh, size.shin),
                            recipe.swing_of("leg" + side), None)  # fmt: skip
        joints[f"{side}_knee"], joints[f"{side}_ankle"] = knee, ankle
        foot_dirs[side] = _foot(joints, side, sign, root, pose.toes[0 if side == "left" else 1])
    for side, sign in (("left", 1.0), ("right", -1.0)):
        arm = pose.left_arm if side == "left" else pose.right_arm
        target = _target(arm, joints, chest, skull, side, sign, size.head_radius)
        elbow, wrist = _limb(arm, joints[f"{side}_shoulder"], chest, sign, (size.upper_arm, size.forearm),
                             recipe.swing_of("arm" + side), target)  # fmt: skip
        joints[f"{side}_elbow"], joints[f"{side}_wrist"] = elbow, wrist
        way = unit(wrist - elbow)
        hand_dirs[side] = unit(way + 0.12 * chest[:, 2])
        hint = chest[:, 2] * 0.8 + chest[:, 1] * 0.5 - chest[:, 0] * sign * 0.35
        thumb_dirs[side] = unit(hint - (hint @ way) * way, chest[:, 2])

    nod = math.degrees(math.asin(max(-1.0, min(1.0, skull[2, 1]))))
    roll = math.degrees(math.atan2(-skull[0, 1], skull[1, 1]))
    level = rotation_x(-nod) @ rotation_z(-roll) @ skull
    yaw = math.degrees(math.atan2(level[0, 2], level[2, 2]))
    return Rig(pose, size, joints, root, chest, skull, yaw, nod, roll, foot_dirs, hand_dirs, thumb_dirs)


def _root(recipe: CharacterRecipe, pose: Pose) -> np.ndarray:
    """The pelvis frame: lean, then yaw, then the camera's height, then the turn in the picture."""
    yaw = FACING_YAW[recipe.facing] + recipe.yaw_offset
    roll = recipe.roll
    if pose.lying:
        # Along the picture, head to the left or right; seen from the side, a back lies face up and a stomach face down.
        to_right = 1.0 if recipe.mirrored else -1.0
        roll += -90.0 * to_right
        if recipe.facing in ("profile_left", "profile_right"):
            faces_right = recipe.facing == "profile_right"
            up = pose.lying != "stomach"
            roll = (90.0 if faces_right == up else -90.0) + recipe.roll * 0.3
    return (
        rotation_z(roll)
        @ rotation_x(pose.elevation + recipe.camera)
        @ rotation_y(yaw)
        @ rotation_x(pose.lean * (recipe.energy if abs(pose.lean) < 60 else 1.0))
    )


def _kept_readable(skull: np.ndarray) -> np.ndarray:
    """Limit how far a head tips towards or away from us: a face drawn from its top or its chin cannot be read."""
    nod = math.degrees(math.asin(max(-1.0, min(1.0, skull[2, 1]))))
    if -24.0 <= nod <= 26.0:
        return skull
    roll = math.degrees(math.atan2(-skull[0, 1], skull[1, 1]))
    level = rotation_x(-nod) @ rotation_z(-roll) @ skull
    return rotation_z(roll) @ rotation_x(max(-24.0, min(26.0, nod))) @ level


def _limb(limb: Limb, start: np.ndarray, frame: np.ndarray, sign: float, bones: tuple[float, float],
          noise: Sequence[float], target: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """The middle joint and the end of a limb; `target` is where a reach wants to be, `noise` loosens a swing."""
    if isinstance(limb, Reach):
        assert target is not None
        return _bent(start, target, bones[0], bones[1], frame @ (np.array(limb.pole) * (sign, 1.0, 1.0)))
    middle = start + frame @ _direction(limb.upper, sign, noise[:2]) * bones[0]
    return middle, middle + frame @ _direction(limb.lower, sign, noise[2:]) * bones[1]


def _target(limb: Limb, joints: dict[str, np.ndarray], chest: np.ndarray, skull: np.ndarray, side: str, sign: float,
            head_radius: float) -> np.ndarray | None:  # fmt: skip
    """The place that a hand reaches for, in view space."""
    if not isinstance(limb, Reach):
        return None
    place = np.array(limb.place) * (sign, 1.0, 1.0)
    if limb.anchor == "head":
        return joints["head"] + skull @ place * head_radius
    if limb.anchor == "knee":
        return joints[f"{side}_knee"] + chest @ place
    return joints["neck"] + chest @ (place - (0.0, 1.0, 0.0))


def _direction(angles: Sequence[float], sign: float, offset: Sequence[float] = (0.0, 0.0)) -> np.ndarray:
    out, fore = math.radians(angles[0] + offset[0]), math.radians(angles[1] + offset[1])
    return np.array([sign * math.sin(out), -math.cos(out) * math.cos(fore), math.cos(out) * math.sin(fore)])


def _bent(
    start: np.ndarray, target: np.ndarray, first: float, second: float, pole: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Two-bone inverse kinematics: the middle joint bends towards `pole`; a place out of reach is reached for."""
    way = target - start
    distance = min(max(math.sqrt(float(way @ way)), abs(first - second) + 0.05, 0.30 * (first + second)),
                   0.995 * (first + second))  # fmt: skip
    way = unit(way, np.array([0.0, -1.0, 0.0]))
    along = (first * first - second * second + distance * distance) / (2 * distance)
    out = math.sqrt(max(first * first - along * along, 0.0))
    sideways = unit(pole - (pole @ way) * way, np.array([0.0, 0.0, 1.0]))
    middle = start + way * along + sideways * out
    return middle, middle + unit(start + way * distance - middle) * second


def _foot(joints: dict[str, np.ndarray], side: str, sign: float, root: np.ndarray, toes_down: float) -> np.ndarray:
    """Where the toes point: square to the shin on the side that the knee opens to, then down by so much."""
    thigh = unit(joints[f"{side}_knee"] - joints[f"{side}_hip"])
    shin = unit(joints[f"{side}_ankle"] - joints[f"{side}_knee"])
    straight = max(0.0, float(thigh @ shin))
    front = thigh - (thigh @ shin) * shin
    forward = root[:, 2] - (root[:, 2] @ shin) * shin
    down = -root[:, 1] + (root[:, 1] @ shin) * shin
    front = unit(front + forward * (0.1 + straight) + down * 0.2 + root[:, 0] * sign * 0.22 * straight, root[:, 2])
    tilt = math.radians(toes_down)
    return unit(front * math.cos(tilt) + shin * math.sin(tilt))
