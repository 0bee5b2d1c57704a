"""What hangs from the waist: skirts, the skirts of dresses, coats and yukatas.

A skirt is a chain of rings from the waist along the legs to the hem. Each ring is wide enough for the legs inside it,
so that the same few lines dress someone standing, running or sitting. Its back, seen from inside, is drawn behind the
legs.
"""

from itertools import pairwise

import numpy as np

from datasets.characters.body import Figure, leg_profiles
from datasets.characters.geometry import Numbers, convex_hull, flat, resampled, unit
from datasets.characters.palette import Rgb, light, shade
from datasets.characters.sheet import Sheet

_TURN = np.linspace(0, 2 * np.pi, 24, endpoint=False)
# Hem (in thighs, 2 is the ankle), flare beyond the legs, folds to half a turn.
CUTS = {"pleated_skirt": (0.52, 0.10, 11), "flared_skirt": (0.72, 0.14, 5), "long_skirt": (1.55, 0.15, 4),
        "yukata": (1.80, 0.015, 0), "coat": (1.05, 0.09, 0)}  # fmt: skip


class Skirt:
    """Rings of a skirt: `rings[i]` are 24 view points around; angle 0 is forward, a quarter turn the own left."""

    def __init__(self, figure: Figure, hem: float, flare: float, waist: float = 0.34):
        rig, torso = figure.rig, figure.torso
        self.figure = figure
        turn = np.degrees(_TURN)
        bends = [float(unit(rig.joints[f"{s}_knee"] - rig.joints[f"{s}_hip"])
                       @ unit(rig.joints[f"{s}_ankle"] - rig.joints[f"{s}_knee"])) for s in ("left",
                           "right")]  # fmt: skip
        thighs = [unit(rig.joints[f"{s}_knee"] - rig.joints[f"{s}_hip"]) for s in ("left", "right")]
        if float(thighs[0] @ thighs[1]) < 0.35:
            hem = min(hem, 0.78)  # a long skirt between legs so far apart would be a sail
        if min(bends) < 0.35 and hem > 1.0:
            hem = 1.06 if min(bends) < -0.3 else min(hem, 1.45)
        flare *= 1 + 0.25 * rig.size.chibi
        self.hem = hem
        # The second ring clears the roots of the thighs, which stand out beyond the hips.
        hips = rig.size.hip + leg_profiles(rig)[0][0][1] * 1.02 + 0.012
        clear = max(0.03, hips - float(np.interp(0.06, torso.v, torso.a)))
        self.rings = [torso.ring(turn, waist, 0.014), torso.ring(turn, 0.06, clear + flare * 0.2)]
        steps = [hem * 0.55, hem] if hem <= 1.0 else [0.55, 1.0, hem]
        previous = rig.pelvis[:, 1] * 0.2
        for step in steps:
            ring, previous = self._ring(step, flare * (0.35 + 0.65 * step / hem), previous)
            self.rings.append(ring)

    def _ring(self, step: float, flare: float, previous: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rig = self.figure.rig
        profiles = leg_profiles(rig)
        places = []
        for side in ("left", "right"):
            hip, knee, ankle = (rig.joints[f"{side}_{name}"] for name in ("hip", "knee", "ankle"))
            places.append(hip + (knee - hip) * step if step <= 1 else knee + (ankle - knee) * (step - 1))
        table = profiles[0] if step <= 1 else profiles[1]
        radius = float(np.interp(step if step <= 1 else step - 1, [p[0] for p in table], [p[1] for p in table]))
        centre = (places[0] + places[1]) / 2
        way = unit(centre - previous, -rig.pelvis[:, 1])
        left = unit(rig.pelvis[:, 0] - (rig.pelvis[:, 0] @ way) * way, rig.pelvis[:, 2])
        forward = np.cross(left, -way)
        offset = places[0] - centre
        wide = abs(offset @ left) + radius + flare
        deep = abs(offset @ forward) + radius + flare * 0.8
        ring = centre + np.outer(np.sin(_TURN) * wide, left) + np.outer(np.cos(_TURN) * deep, forward)
        return ring, centre

    def outlines(self) -> list[np.ndarray]:
        """The silhouette, flat, as hulls of neighbouring rings."""
        flats = [flat(ring) for ring in self.rings]
        return [resampled(convex_hull(np.vstack([a, b])), 26) for a, b in pairwise(flats)]

    def at(self, turn_degrees: Numbers, w: Numbers) -> tuple[np.ndarray, np.ndarray]:
        """Places on the skirt, flat, w from 0 (waist) to 1 (hem), and whether each faces us."""
        turn = np.atleast_1d(np.asarray(turn_degrees, dtype=float)) % 360
        w = np.broadcast_to(np.asarray(w, dtype=float), turn.shape)
        index = turn / 360 * 24
        i0 = np.floor(index).astype(int) % 24
        f = (index - np.floor(index))[:, None]
        rows = np.stack([ring[i0] * (1 - f) + ring[(i0 + 1) % 24] * f for ring in self.rings])  # (R, N, 3)
        place = w * (len(self.rings) - 1)
        r0 = np.minimum(place.astype(int), len(self.rings) - 2)
        g = (place - r0)[:, None]
        n = np.arange(len(turn))
        points = rows[r0, n] * (1 - g) + rows[r0 + 1, n] * g
        # It faces us where its edge there runs the way of the near half of the hem.
        hem = self.rings[-1]
        centre = hem.mean(0)
        ahead = rows[-1] - centre
        return flat(points), ahead[:, 2] > -0.02


def draw_skirt(figure: Figure, cut: str, colour: Rgb, *, depth: float, trim: Rgb | None = None, waist: float = 0.34,
               hem: float | None = None) -> Skirt:  # fmt: skip
    """Draw a skirt: its inside behind the legs, its front with folds and hem over them."""
    sheet = figure.sheet
    length, flare, folds = CUTS[cut]
    skirt = Skirt(figure, hem or length, flare, waist)
    thighs = [figure.depths["left_thigh"], figure.depths["right_thigh"]]
    inside = shade(colour, 1.7)
    hem_ring = flat(skirt.rings[-1])
    sheet.paint(resampled(convex_hull(np.vstack([hem_ring, flat(skirt.rings[-2])])), 22), inside, min(thighs) - 0.03,
                ink=figure.ink(colour), parts=("skirt",))  # fmt: skip
    depth = max(depth, max(thighs) + 0.012)
    outlines = skirt.outlines()
    if (folds and not figure.rig.pose.lying) or cut == "pleated_skirt":
        outlines.append(_hem_points(skirt, folds * 2))
    corners = [() for _ in outlines]
    sheet.paint(outlines, colour, depth, ink=figure.ink(colour), parts=("skirt",), corners=corners)
    _folds(figure, skirt, colour, folds, depth, cut)
    if trim is not None:
        turn = np.linspace(0, 360, 40, endpoint=False)
        points, near = skirt.at(turn, 0.88)
        _near_line(sheet, points, near, trim, depth, 1.4)
    return skirt


def _near_line(sheet: Sheet, points: np.ndarray, near: np.ndarray, colour: Rgb, depth: float, weight: float) -> None:
    """The near part of a ring of points, as one line."""
    if not near.any() or near.all():
        return
    start = int(np.flatnonzero(near & ~np.roll(near, 1))[0])
    order = (start + np.arange(len(points))) % len(points)
    run = order[: int(near.sum())]
    sheet.line(points[run], colour, depth, weight=weight)


def _hem_points(skirt: Skirt, folds: int) -> np.ndarray:
    """The hem ring with pleats: every second point stands out a little."""
    turn = np.linspace(0, 360, folds * 2, endpoint=False)
    points, _ = skirt.at(turn, 1.0)
    waist, _ = skirt.at(turn, 0.7)
    out = points + (points - waist) * np.where(np.arange(len(turn)) % 2 == 0, 0.10, -0.02)[:, None]
    return out


def _folds(figure: Figure, skirt: Skirt, colour: Rgb, folds: int, depth: float, cut: str) -> None:
    sheet, line = figure.sheet, figure.ink(colour)
    if not sheet.wants_details:
        return
    dark = shade(colour)
    if folds:
        edges = np.linspace(0, 360, folds * 2, endpoint=False) + 4
        top, _ = skirt.at(edges, 0.16 if cut == "pleated_skirt" else 0.45)
        middle, _ = skirt.at(edges, 0.62)
        low, near = skirt.at(edges, 1.0)
        side, _ = skirt.at(edges + 360 / folds * (0.2 if cut == "pleated_skirt" else 0.14), 1.0)
        for i in np.flatnonzero(near):
            sheet.detail(np.array([top[i], middle[i], low[i], side[i]]), dark, depth, corners=(0, 2, 3), opacity=0.85)
            sheet.line(np.array([top[i], middle[i], low[i]]), line, depth, weight=0.5, opacity=0.8)
    elif cut == "yukata":
        fold, near = skirt.at(np.array([12.0, 10.0, 6.0]), np.array([0.0, 0.5, 1.0]))
        if near[-1]:
            sheet.line(fold, line, depth, weight=0.8)


def ribbon_bow(figure: Figure, place: np.ndarray, size: float, colour: Rgb, depth: float, angle: float = 0.0,
               parts: tuple[str, ...] = ("torso", "skirt")) -> None:  # fmt: skip
    """A tied bow, flat: two loops, a knot, two tails. It may stand out from the figure, so it is no detail."""
    sheet = figure.sheet
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    turn = np.array([[c, -s], [s, c]]) * size
    line, dark = figure.ink(colour), shade(colour)
    for sign in (-1.0, 1.0):
        strip = [(0.02 * sign, 0), (0.30 * sign, 0.05), (0.75 * sign, 1.15), (0.5 * sign, 1.02), (0.32 * sign, 1.22)]
        sheet.paint(strip @ turn.T + place, colour, depth, ink=line, weight=0.7, corners=(0, 2, 3, 4), parts=parts)
    for sign in (-1.0, 1.0):
        loop = np.array([(0.05 * sign, -0.12), (0.55 * sign, -0.52), (1.0 * sign, -0.42), (1.06 * sign, 0.05),
                         (0.92 * sign, 0.42), (0.5 * sign, 0.30), (0.05 * sign, 0.12)])  # fmt: skip
        sheet.paint(loop @ turn.T + place, colour, depth, ink=line, weight=0.8, corners=(0, 6), parts=parts)
        fold = np.array([(0.15 * sign, 0.0), (0.6 * sign, -0.12), (0.62 * sign, 0.12)])
        sheet.detail(fold @ turn.T + place, dark, depth)
    knot = np.array([(-0.16, -0.2), (0.16, -0.2), (0.19, 0.2), (-0.19, 0.2)])
    sheet.paint(knot @ turn.T + place, light(colour, 0.15), depth, ink=line, weight=0.8, parts=parts)
