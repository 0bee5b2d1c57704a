"""Small geometry of the drawn characters: rotations, smooth closed curves, hulls, inside tests.

Body frame: x to the character's own left, y up, z forward. View frame: x to the right of the picture, y up, z towards
the viewer. At yaw 0 both are the same, so that a character who looks at us has its left on our right. Flat points are
(x, y) with y down, as pictures have it. Lengths are in torso lengths (middle of the hips to the base of the neck).
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

Numbers = Any  # a number, or a nested sequence or an array of numbers: what numpy broadcasts
Profile = list[tuple[float, float]]  # (t, radius) along a limb, t from 0 to 1
Inflate = float | tuple[float, float]  # how far cloth stands off a surface: everywhere, or at its low and high end


def rotation_x(degrees: float) -> np.ndarray:
    """Turn y towards z: a body leans forward, a camera rises."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def rotation_y(degrees: float) -> np.ndarray:
    """Turn z towards x: a body that faces us turns to the right of the picture."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def rotation_z(degrees: float) -> np.ndarray:
    """Turn x towards y: counter-clockwise in the picture."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def unit(vector: np.ndarray, fallback: np.ndarray | None = None) -> np.ndarray:
    """The vector at length 1; a vector of no length takes the fallback, else stays."""
    length = math.sqrt(float(vector @ vector))
    if length < 1e-9:
        return vector if fallback is None else fallback
    return vector / length


def flat(points: np.ndarray) -> np.ndarray:
    """Project (..., 3) view points to (..., 2) picture points: y turns down, depth is dropped."""
    points = np.asarray(points, dtype=float)
    return points[..., :2] * np.array([1.0, -1.0])


def mix(a: np.ndarray | float, b: np.ndarray | float, t: float) -> Any:
    """Linear blend: a at t = 0, b at t = 1."""
    return a + (b - a) * t


def smooth_closed(points: np.ndarray, corners: tuple[int, ...] = (), tension: float = 1 / 6) -> np.ndarray:
    """Join points by a closed chain of cubic Bézier curves (Catmull-Rom), sharp where told.

    Args:
        points: (N, 2), at least 3.
        corners: indices of points that stay sharp, as the tip of a lock of hair.
    Returns:
        (N, 4, 2): start, two controls and end of each curve.
    """
    points = np.asarray(points, dtype=float)
    ring = np.concatenate([points[-1:], points, points[:1]])
    tangents = (ring[2:] - ring[:-2]) * tension
    if corners:
        tangents[[corner % len(points) for corner in corners]] = 0.0
    curves = np.empty((len(points), 4, 2))
    curves[:, 0] = points
    curves[:, 1] = points + tangents
    curves[:, 3] = ring[2:]
    curves[:-1, 2] = points[1:] - tangents[1:]
    curves[-1, 2] = points[0] - tangents[0]
    return curves


def smooth_open(points: np.ndarray, tension: float = 1 / 6) -> np.ndarray:
    """Join points by an open chain of cubic Bézier curves: (N - 1, 4, 2)."""
    points = np.asarray(points, dtype=float)
    tangents = np.empty_like(points)
    tangents[1:-1] = (points[2:] - points[:-2]) * tension
    tangents[0], tangents[-1] = (points[1] - points[0]) * tension, (points[-1] - points[-2]) * tension
    return np.stack([points[:-1], points[:-1] + tangents[:-1], points[1:] - tangents[1:], points[1:]], axis=1)


_STEPS = np.array([0.0, 0.34, 0.67])
_WEIGHTS = np.stack([(1 - _STEPS) ** 3, 3 * _STEPS * (1 - _STEPS) ** 2, 3 * _STEPS**2 * (1 - _STEPS), _STEPS**3], 1)


def bezier_polygon(curves: np.ndarray) -> np.ndarray:
    """Sample a chain of curves as a polygon: (N, 4, 2) -> (3 N, 2)."""
    return (_WEIGHTS @ curves).reshape(-1, 2)


def signed_area(points: np.ndarray) -> float:
    """Twice the area of a polygon, positive when it runs clockwise on a picture."""
    x, y = points[:, 0], points[:, 1]
    return float(x[:-1] @ y[1:] - y[:-1] @ x[1:] + x[-1] * y[0] - y[-1] * x[0])


def oriented(points: np.ndarray) -> np.ndarray:
    """The polygon, always running the same way round: parts of one path then add up instead of cutting holes."""
    return points if signed_area(points) >= 0 else points[::-1]


def convex_hull(points: np.ndarray) -> np.ndarray:
    """Convex hull of (N, 2) points, clockwise on a picture (Andrew's monotone chain)."""
    ordered = sorted(set(map(tuple, np.round(points, 6).tolist())))
    if len(ordered) < 3:
        return np.array(ordered)

    def half(sequence: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        chain: list[tuple[float, float]] = []
        for p in sequence:
            while (
                len(chain) > 1
                and (
                    (chain[-1][0] - chain[-2][0]) * (p[1] - chain[-2][1])
                    - (chain[-1][1] - chain[-2][1]) * (p[0] - chain[-2][0])
                )
                <= 0
            ):
                chain.pop()
            chain.append(p)
        return chain[:-1]

    return np.array(half(ordered) + half(ordered[::-1]))


def resampled(points: np.ndarray, count: int) -> np.ndarray:
    """A closed polygon as `count` points at even distances along it."""
    closed = np.vstack([points, points[:1]])
    steps = np.hypot(*np.diff(closed, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.linspace(0.0, along[-1], count, endpoint=False)
    return np.stack([np.interp(wanted, along, closed[:, 0]), np.interp(wanted, along, closed[:, 1])], axis=1)


def is_inside(point: np.ndarray, polygon: np.ndarray) -> bool:
    """Whether a point lies in a polygon by non-zero winding, as the rasteriser fills."""
    x, y = float(point[0]), float(point[1])
    x0, y0 = polygon[:, 0], polygon[:, 1]
    x1, y1 = np.concatenate([x0[1:], x0[:1]]), np.concatenate([y0[1:], y0[:1]])
    side = (x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)
    up = (y0 <= y) & (y1 > y) & (side > 0)
    down = (y0 > y) & (y1 <= y) & (side < 0)
    return int(up.sum()) != int(down.sum())


def ellipse(centre: np.ndarray, radius_x: float, radius_y: float, count: int = 12, angle: float = 0.0) -> np.ndarray:
    """Points around an ellipse, turned by `angle` degrees."""
    turn = np.linspace(0.0, 2 * math.pi, count, endpoint=False)
    x, y = radius_x * np.cos(turn), radius_y * np.sin(turn)
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return np.stack([x * c - y * s, x * s + y * c], axis=1) + centre


def stadium(start: np.ndarray, end: np.ndarray, profile: Profile, round_end: bool = True) -> np.ndarray:
    """Outline of a tapered limb between two points: radii along it, a round cap at the start and (if asked) the end.

    Args:
        profile: (t, radius) pairs, t from 0 (start) to 1 (end), rising.
    Returns:
        (N, 2) points, clockwise or not; smooth_closed rounds them.
    """
    axis = end - start
    length = math.hypot(axis[0], axis[1])
    along = axis / length if length > 1e-6 else np.array([0.0, 1.0])
    across = np.array([-along[1], along[0]])
    t = np.array([p[0] for p in profile])[:, None]
    r = np.array([p[1] for p in profile])[:, None]
    spine = start + axis * t
    left, right = spine + across * r, spine - across * r
    r0, r1 = profile[0][1], profile[-1][1]
    start_cap = [
        spine[0] + (-0.66 * along - 0.72 * across) * r0,
        spine[0] - along * r0 * 0.9,
        spine[0] + (0.72 * across - 0.66 * along) * r0,
    ]
    if round_end:
        end_cap = [
            spine[-1] + (along + across) * r1 * 0.72,
            spine[-1] + along * r1,
            spine[-1] + (along - across) * r1 * 0.72,
        ]
    else:
        end_cap = [spine[-1] + along * r1 * 0.18]
    return np.vstack([left, end_cap, right[::-1], start_cap])


def blade(root_a: np.ndarray, root_b: np.ndarray, tip: np.ndarray, bend: float = 0.0, belly: float = 0.0) -> np.ndarray:
    """A lock of hair: two roots, a belly and one sharp tip. Returns 7 points; the tip is point 3.

    Args:
        bend: sideways curve of the whole lock, in parts of its length, positive to the right of root-to-tip.
        belly: widening halfway, in parts of its width.
    """
    middle = (root_a + root_b) / 2
    axis = tip - middle
    across = np.array([-axis[1], axis[0]]) * bend
    half = (root_b - root_a) / 2
    p1, p2 = middle + axis * 0.38 + across * 0.7, middle + axis * 0.74 + across * 0.8
    w1, w2 = half * (0.86 + belly), half * (0.46 + belly * 0.8)
    return np.array([root_a, p1 - w1, p2 - w2, tip, p2 + w2, p1 + w1, root_b])


def tail(path: np.ndarray, widths: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]]:
    """A strip along a path with a sharp end: ponytails, ribbons, cat tails. Returns points and the tip's index."""
    steps = np.gradient(path, axis=0)
    steps /= np.maximum(np.hypot(steps[:, 0], steps[:, 1]), 1e-9)[:, None]
    across = np.stack([-steps[:, 1], steps[:, 0]], axis=1) * np.asarray(widths)[:, None]
    return np.vstack([path[:-1] + across[:-1], path[-1:], (path[:-1] - across[:-1])[::-1]]), (len(path) - 1,)
