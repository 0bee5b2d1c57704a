"""Where an editor looks: the part of the picture that holds the head.

It stands on the shipped coefficients alone, so that the view of a drawing does not move while a person labels.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from models.geometry.frames import frame_of, length_of
from models.geometry.joints import FAR, L_SHOULDER, NOSE, R_SHOULDER, ROOT, Drawing, Points, known
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
    return head_views([(points, extras, bbox_xywh, None)], [(width, height)])[0]


def head_views(
    drawings: Sequence[Drawing], sizes_wh: Sequence[tuple[float, float]]
) -> list[tuple[float, float, float, float]]:
    """`head_view` for many (points, extras, bbox_xywh, states) and their pictures' sizes; states are not read.

    Twenty take little more than one.
    """
    model = GeometryModel.shipped()
    seen = known([(points, extras, bbox_xywh, None) for points, extras, bbox_xywh, _ in drawings])
    places, _, _, tier_index = model.predict_arrays(seen)
    unit = np.zeros(len(seen))
    for index in np.unique(tier_index[tier_index >= 0]):
        rows, tier = np.flatnonzero(tier_index == index), model.tiers[index]
        unit[rows] = frame_of(tier.name, seen.rows(rows)).unit * tier.nose_to_neck
    # Seen from above or below, nose and neck nearly meet; shoulders are about two such lengths apart, and tell better.
    shoulders = np.nan_to_num(length_of(seen.joints[:, L_SHOULDER] - seen.joints[:, R_SHOULDER]))
    unit = np.maximum(np.maximum(unit, 0.3 * shoulders), 3.0)
    face = np.concatenate([places, seen.faces, seen.joints[:, [NOSE, ROOT]]], axis=1)  # (N, 10, 2)
    has = np.isfinite(face).all(-1, keepdims=True)
    low, high = np.where(has, face, np.inf).min(1), np.where(has, face, -np.inf).max(1)
    half = np.maximum(2.2 * unit, (high - low).max(1) / 2 + 1.2 * unit)
    with np.errstate(invalid="ignore"):  # where nothing is known; such rows are not used
        corner = (low + high) / 2 - half[:, None]
    return [
        _upper_part(seen.boxes_xywh[row], *sizes_wh[row])
        if tier_index[row] < 0
        else (float(corner[row, 0]), float(corner[row, 1]), 2 * float(half[row]), 2 * float(half[row]))
        for row in range(len(seen))
    ]


def _upper_part(box_xywh: np.ndarray, width: float, height: float) -> tuple[float, float, float, float]:
    if np.isfinite(box_xywh).all():
        x, y, w, h = box_xywh.tolist()
    else:
        x, y, w, h = 0.0, 0.0, width, height
    w, h = (size if 0 < size < FAR else 1.0 for size in (w, h))
    return x, y, w, min(h, max(w, h / 3))
