"""Ground truth of a scene: 25 keypoints with states, and AnimeDrawingsDataset's extra points.

A limb joint is hidden when a shape painted later, of another part, covers its place; what is worn on the joint is the
same part. Loose cloth (a skirt over a knee, a coat) does hide. A shoulder or hip on the far side of a turned torso is
hidden, and so are eyes and nose on the far side of the head, and ears under hair. A closed eye is visible.
"""

from collections.abc import Sequence

import numpy as np

from datasets.characters.geometry import flat, is_inside
from datasets.characters.head import EAR, EYE, NOSE_LIMIT, NOSE_ROOT, NOSE_TIP
from datasets.characters.scene import Scene
from datasets.characters.sheet import Shape
from datasets.skeleton import ALL_KEYPOINTS, COCO_KEYPOINTS, INDEX, XY, State, with_midpoints

# A far shoulder or hip shows until the torso has turned this far (sine of the turn).
FAR_SIDE = 0.83
_LIMB_PARTS = {
    "shoulder": ("{}_upper_arm", "torso", "neck"), "elbow": ("{}_upper_arm", "{}_forearm"),
    "wrist": ("{}_forearm", "{}_hand"), "hip": ("{}_thigh", "pelvis", "torso", "skirt"),
    "knee": ("{}_thigh", "{}_shin"), "ankle": ("{}_shin", "{}_foot"),
}  # fmt: skip
_EXTRA_ORDER = ("nose_root", "body_upper", "neck", "head", "thumb_left", "thumb_right", "tiptoe_left", "tiptoe_right")


def keypoints_of(scene: Scene) -> tuple[np.ndarray, tuple[State, ...]]:
    """The 25 keypoints in ALL_KEYPOINTS order: (25, 2) float64 in pixels, and their states."""
    rig, head = scene.figure.rig, scene.head
    places = {"nose": head.feature(NOSE_TIP)}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        places[f"{side}_eye"], places[f"{side}_ear"] = head.feature(EYE, sign), head.feature(EAR, sign)
        for joint in _LIMB_PARTS:
            places[f"{side}_{joint}"] = rig.at(f"{side}_{joint}")
    width, height = scene.window.size_wh
    coverings = _Coverings(scene.sheet.ordered())
    points: list[XY | None] = []
    states: list[State] = []
    for name in COCO_KEYPOINTS:
        pixel = scene.window.to_pixels(places[name])
        points.append((float(pixel[0]), float(pixel[1])))
        if not (0 <= pixel[0] <= width and 0 <= pixel[1] <= height):
            states.append("absent")
        elif _is_on_far_side(scene, name) or coverings.hide(places[name], _own_parts(name)):
            states.append("hidden")
        else:
            states.append("visible")
    all_points, all_states = with_midpoints(points, states)
    # A midpoint is certain only as its ends are, but it lies where it lies: outside is absent.
    for name in ALL_KEYPOINTS[len(COCO_KEYPOINTS) :]:
        x, y = all_points[INDEX[name]] or (0.0, 0.0)
        if not (0 <= x <= width and 0 <= y <= height):
            all_states[INDEX[name]] = "absent"
    return np.array(all_points, dtype=np.float64), tuple(all_states)


def extras_of(scene: Scene) -> dict[str, tuple[float, float]]:
    """ADD's eight points that COCO lacks, in pixels: `head` is the root of the skull, as ADD's `head` is."""
    figure, head = scene.figure, scene.head
    rig = figure.rig
    places = {
        "nose_root": head.feature(NOSE_ROOT), "body_upper": rig.at("body_upper"), "neck": rig.at("neck"),
        "head": flat(rig.joints["head_pivot"]),
        **{f"thumb_{side}": figure.extras_thumb[side] for side in ("left", "right")},
        **{f"tiptoe_{side}": figure.extras_tiptoe[side] for side in ("left", "right")},
    }  # fmt: skip
    pixels = {name: scene.window.to_pixels(places[name]) for name in _EXTRA_ORDER}
    return {name: (float(pixel[0]), float(pixel[1])) for name, pixel in pixels.items()}


def _own_parts(name: str) -> frozenset[str]:
    side, _, joint = name.partition("_")
    if joint in _LIMB_PARTS:
        return frozenset(part.format(side) for part in _LIMB_PARTS[joint])
    return frozenset({"head"})


def _is_on_far_side(scene: Scene, name: str) -> bool:
    head, rig = scene.head, scene.figure.rig
    side, _, joint = name.partition("_")
    sign = 1.0 if side == "left" else -1.0
    if name == "nose":
        return head.away > NOSE_LIMIT
    if joint == "eye":
        return not head.sees_eye(sign)
    if joint == "ear":
        return not head.sees_ear(sign)
    if joint == "shoulder":
        return sign * rig.chest[2, 0] < -FAR_SIDE
    if joint == "hip":
        return sign * rig.pelvis[2, 0] < -FAR_SIDE
    return False


class _Coverings:
    """All covering polygons of a painted sheet, with their boxes, so that a point meets only those around it."""

    def __init__(self, painted: Sequence[Shape]):
        entries = [(index, shape.parts, polygon) for index, shape in enumerate(painted) for polygon in shape.polygons]
        self.entries = entries
        self.low = np.array([polygon.min(0) for _, _, polygon in entries])
        self.high = np.array([polygon.max(0) for _, _, polygon in entries])

    def hide(self, place: np.ndarray, own: frozenset[str]) -> bool:
        """Whether another part is painted over the last of the own shapes that reach the place."""
        last_own = last_other = -1
        for i in np.flatnonzero(((self.low <= place) & (place <= self.high)).all(1)).tolist():
            index, parts, polygon = self.entries[i]
            if is_inside(place, polygon):
                if parts & own:
                    last_own = index
                else:
                    last_other = index
        if last_own < 0:
            # The place lies off its own part (an ear beyond the skull): what counts is what comes after that part.
            last_own = max((index for index, parts, _ in self.entries if parts & own), default=-1)
        return last_other > last_own
