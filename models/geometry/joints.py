"""What `geometry` reads of a drawing, as arrays: eight joints, the labelled face keypoints, the box.

The one place that knows the caller's order of points and spelling of states; behind it unknown is NaN. Which frame a
head gets is `frames`' subject.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from datasets.skeleton import FACE_KEYPOINTS, INDEX, NUM_KEYPOINTS

# The joints read, in this order; the last three exist as ADD's extra points only.
JOINTS: Final = (
    "nose", "left_shoulder", "right_shoulder", "left_hip", "right_hip", "nose_root", "neck", "head",
)  # fmt: skip
NOSE, L_SHOULDER, R_SHOULDER, L_HIP, R_HIP, ROOT, NECK, HEAD = range(len(JOINTS))
_COCO_JOINTS: Final = tuple(INDEX[name] for name in JOINTS[:5])
_EXTRA_JOINTS: Final = JOINTS[5:]
_FACE: Final = tuple(INDEX[name] for name in FACE_KEYPOINTS)

FAR: Final = 1e6  # pixels; a coordinate beyond it is a mistake, and counts as unknown


@dataclass(frozen=True)
class Known:
    """What is known of N drawings, unknown as NaN.

    joints: (N, 8, 2) image pixels, in the order of `JOINTS`. faces: (N, 4, 2). boxes_xywh: (N, 4).
    is_visible: (N, 4), true where the state of a face keypoint is visible; means nothing where `faces` is NaN.
    """

    joints: np.ndarray
    faces: np.ndarray
    boxes_xywh: np.ndarray
    is_visible: np.ndarray

    def __len__(self) -> int:
        return len(self.joints)

    def rows(self, index: np.ndarray) -> "Known":
        """Some of the drawings, in the order of `index`."""
        return Known(self.joints[index], self.faces[index], self.boxes_xywh[index], self.is_visible[index])


Points = Sequence[Sequence[float] | None]
Drawing = tuple[Points, Mapping[str, Sequence[float]], Sequence[float] | None, str | None]


def known(drawings: Sequence[Drawing]) -> Known:
    """Read drawings (points, extras, bbox_xywh, states) into arrays.

    A coordinate that is not finite or beyond a million pixels counts as unknown, so does a point marked absent. Of the
    face keypoints only those marked visible or hidden are taken; where `states` is None, every one that has a place.
    Where there is no box, the spread of the known joints stands in.

    Raises:
        ValueError: not 17 points, or not 17 letters of states.
    """
    count = len(drawings)
    values = np.full((count, len(JOINTS) + 4, 2), np.nan)
    boxes_xywh = np.full((count, 4), np.nan)
    is_visible = np.ones((count, 4), dtype=bool)
    for row, (points, extras, box, states) in enumerate(drawings):
        if len(points) != NUM_KEYPOINTS:
            raise ValueError(f"got {len(points)} points, expected {NUM_KEYPOINTS}")
        if states is not None and len(states) != NUM_KEYPOINTS:
            raise ValueError(f"got {len(states)} states, expected {NUM_KEYPOINTS}")
        found: list[Sequence[float] | None] = [None] * (len(JOINTS) + 4)
        for place, index in enumerate(_COCO_JOINTS):
            if states is None or states[index] != "a":
                found[place] = points[index]
        for place, name in enumerate(_EXTRA_JOINTS, 5):
            found[place] = extras.get(name)
        for place, index in enumerate(_FACE):
            if states is None or states[index] in "vh":
                found[len(JOINTS) + place] = points[index]
                is_visible[row, place] = states is None or states[index] == "v"
        for place, point in enumerate(found):
            if point is not None:
                values[row, place] = point[0], point[1]
        if box is not None:
            boxes_xywh[row] = box[0], box[1], box[2], box[3]
        else:
            boxes_xywh[row] = _spread_xywh(points)
    values[~(np.abs(values) < FAR).all(-1)] = np.nan
    boxes_xywh[~(np.abs(boxes_xywh) < FAR).all(-1)] = np.nan
    return Known(values[:, : len(JOINTS)], values[:, len(JOINTS) :], boxes_xywh, is_visible)


def _spread_xywh(points: Points) -> tuple[float, float, float, float]:
    places = [p for p in points if p is not None and abs(p[0]) < FAR and abs(p[1]) < FAR]
    if len(places) < 2:
        return (math.nan,) * 4
    xs, ys = [p[0] for p in places], [p[1] for p in places]
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)
