"""Boxes as [x, y, width, height] in image pixels: enclosing points, growing, clipping.

A box of joints is a proposal: joints lie inside the drawing, so the box grows by a share of its longest side. What a
person drew is never clipped; only proposals are.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from datasets.skeleton import INDEX

# On 240 procedural characters this share of the longest side brings the box of the joints closest to the box of the
# drawing (mean IoU 0.87; 0.77 without the circle of the head; `python -m benchmarks.boxes`).
JOINT_MARGIN: Final = 0.03
# Hair reaches far above the joints: a circle around the head, its centre beyond the neck and its radius both in lengths
# from nose to neck. Fitted by the same benchmark.
HEAD_CENTRE: Final = 1.9
HEAD_RADIUS: Final = 1.2


def enclose(points: Iterable[Sequence[float] | None]) -> list[float] | None:
    """The smallest box around the points given; None without any. May have no width or no height."""
    given = [point for point in points if point is not None]
    if not given:
        return None
    xs, ys = [float(point[0]) for point in given], [float(point[1]) for point in given]
    return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]


def grow(bbox_xywh: Sequence[float], margin: float) -> list[float]:
    """The box with `margin` times its longest side added on every side; at least one pixel wide and high."""
    x, y, width, height = bbox_xywh
    by = max(margin * max(width, height), 0.5)
    return [x - by, y - by, width + 2 * by, height + 2 * by]


def clip(bbox_xywh: Sequence[float], size_wh: tuple[int | None, int | None]) -> list[float] | None:
    """The part of the box inside the picture; None where there is no such part. An unknown size clips nothing."""
    x, y, width, height = bbox_xywh
    image_width, image_height = size_wh
    if image_width is None or image_height is None:
        return [x, y, width, height]
    left, top = max(x, 0.0), max(y, 0.0)
    right, bottom = min(x + width, float(image_width)), min(y + height, float(image_height))
    return [left, top, right - left, bottom - top] if right > left and bottom > top else None


def box_of_joints(
    points: Sequence[Sequence[float] | None],
    extras: Mapping[str, Sequence[float]],
    size_wh: tuple[int | None, int | None],
) -> list[float] | None:
    """A proposal for the character's box from its joints and its head, inside the picture, to 0.01 px.

    Args:
        points: 17 in COCO's order, None where unknown. extras: named points, of which `neck` and `head` show the head.
    Returns:
        None where no point is known or all lie outside the picture.
    """
    known = [*points, *extras.values()]
    nose, neck = points[INDEX["nose"]], extras.get("neck")
    if nose is not None and neck is not None:
        known += _head_corners(nose, neck, extras.get("head", nose))
    tight = enclose(known)
    box = None if tight is None else clip(grow(tight, JOINT_MARGIN), size_wh)
    return None if box is None else [round(value, 2) for value in box]


def _head_corners(nose: Sequence[float], neck: Sequence[float], head: Sequence[float]) -> list[list[float]]:
    """Two corners of the box around the circle of the head; none where neck and head are one point."""
    unit = math.dist(nose, neck)
    length = math.dist(head, neck)
    if unit == 0 or length == 0:
        return []
    x = neck[0] + HEAD_CENTRE * unit * (head[0] - neck[0]) / length
    y = neck[1] + HEAD_CENTRE * unit * (head[1] - neck[1]) / length
    radius = HEAD_RADIUS * unit
    return [[x - radius, y - radius], [x + radius, y + radius]]
