"""Where an editor looks: the part of the picture that holds the head.

It stands on the shipped coefficients alone, so that the view of a drawing does not move while a person labels.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from models.geometry.frames import frame_of, length_of
from models.geometry.joints import FAR, L_SHOULDER, NOSE, R_SHOULDER, ROOT, Points, known
from models.geometry.model import GeometryModel


def head_view(
    points: Points,
    extras: Mapping[str, Sequence[float]],
    bbox_xywh: Sequence[float] | None,
    width: float,
    height: float,
) -> tuple[float, float, float, float]:
    """The square of the picture around the head: (x, y, w, h) in image pixels, to which an editor zooms.

    2.2 nose-to-neck lengths to each side of the head's middle, more where a face keypoint, known or predicted, would be
    near the edge. May extend beyond the image; never empty. Where nothing of a head is known: the upper part of the
    box, else of the picture.

    Args:
        width, height: of the image in pixels; 0 where unknown.
    Raises:
        ValueError: not 17 points.
    """
    seen = known([(points, extras, bbox_xywh, None)])
    places, _, _, tier_index = GeometryModel.shipped().predict_arrays(seen)
    if tier_index[0] < 0:
        return _upper_part(seen.boxes_xywh[0], width, height)
    tier = GeometryModel.shipped().tiers[tier_index[0]]
    unit = float(frame_of(tier.name, seen).unit[0]) * tier.nose_to_neck
    # Seen from above or below, nose and neck nearly meet; shoulders are about two such lengths apart, and tell better.
    shoulders = float(length_of(seen.joints[0, L_SHOULDER] - seen.joints[0, R_SHOULDER]))
    unit = max(unit, 0.3 * shoulders if math.isfinite(shoulders) else 0.0, 3.0)
    face = np.concatenate([places[0], seen.faces[0], seen.joints[0, [NOSE, ROOT]]])
    face = face[np.isfinite(face).all(-1)]
    low, high = face.min(0), face.max(0)
    middle = (low + high) / 2
    half = max(2.2 * unit, float((high - low).max()) / 2 + 1.2 * unit)
    return float(middle[0] - half), float(middle[1] - half), 2 * half, 2 * half


def _upper_part(box_xywh: np.ndarray, width: float, height: float) -> tuple[float, float, float, float]:
    if np.isfinite(box_xywh).all():
        x, y, w, h = box_xywh.tolist()
    else:
        x, y, w, h = 0.0, 0.0, width, height
    w, h = (size if 0 < size < FAR else 1.0 for size in (w, h))
    return x, y, w, min(h, max(w, h / 3))
