"""The body under the clothes: the torso as a surface that things can be laid on, limbs as tapered tubes, hands, feet.

A `Figure` carries what every drawing module needs: recipe, solved rig and sheet. Depths are view z in torso lengths
with small biases that settle who is in front where bodies touch; `limb_depths` is the one place for them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from datasets.characters.geometry import Inflate, Numbers, Profile, convex_hull, flat, mix, resampled, stadium, unit
from datasets.characters.palette import Rgb, ink, shade
from datasets.characters.recipe import CharacterRecipe
from datasets.characters.rig import SPINE_BEND_AT, Rig
from datasets.characters.sheet import Sheet

SIDES = (("left", 1.0), ("right", -1.0))

# Torso stations: height over the hips, half width, half depth, forward shift; in torso lengths.
_GIRL = np.array([
    (-0.20, 0.12, 0.09, 0.0), (-0.10, 0.230, 0.130, -0.01), (0.04, 0.250, 0.140, -0.015), (0.20, 0.205, 0.120, 0.0),
    (0.38, 0.156, 0.098, 0.012), (0.52, 0.166, 0.106, 0.015), (0.68, 0.192, 0.130, 0.03), (0.80, 0.202, 0.120, 0.02),
    (0.89, 0.212, 0.098, 0.0), (0.945, 0.178, 0.082, -0.01), (0.98, 0.108, 0.070, -0.01), (1.03, 0.07, 0.06, 0.0),
])  # fmt: skip
_BOY = np.array([
    (-0.20, 0.12, 0.09, 0.0), (-0.10, 0.205, 0.122, -0.01), (0.04, 0.218, 0.130, -0.01), (0.20, 0.196, 0.118, 0.0),
    (0.38, 0.182, 0.106, 0.008), (0.52, 0.190, 0.112, 0.012), (0.68, 0.214, 0.124, 0.016), (0.80, 0.230, 0.120, 0.012),
    (0.89, 0.240, 0.102, 0.0), (0.945, 0.205, 0.086, -0.01), (0.98, 0.120, 0.074, -0.01), (1.03, 0.078, 0.066, 0.0),
])  # fmt: skip
_CHIBI = np.array([
    (-0.20, 0.12, 0.11, 0.0), (-0.10, 0.245, 0.185, 0.0), (0.04, 0.268, 0.20, 0.0), (0.20, 0.262, 0.195, 0.005),
    (0.38, 0.250, 0.180, 0.01), (0.52, 0.240, 0.168, 0.01), (0.68, 0.232, 0.155, 0.01), (0.80, 0.228, 0.140, 0.005),
    (0.90, 0.222, 0.118, 0.0), (0.955, 0.18, 0.095, 0.0), (1.0, 0.10, 0.08, 0.0), (1.03, 0.085, 0.07, 0.0),
])  # fmt: skip


class Torso:
    """The trunk as a bent tube of elliptic stations. `at(theta, v)` is a place on its surface.

    theta: degrees around, 0 the middle of the chest, 90 the own left. v: 0 at the hips, 1 at the base of the neck.
    """

    def __init__(self, recipe: CharacterRecipe, rig: Rig):
        table = mix(_BOY if recipe.gender == "boy" else _GIRL, _CHIBI, rig.size.chibi**0.8)
        widen = mix(1.0, recipe.build, 0.5)
        self.rig = rig
        self.v, self.a, self.b, self.forward = table[:, 0], table[:, 1] * widen, table[:, 2] * widen, table[:, 3]
        self.toward = np.array([0.0, 0.0, 1.0])

    def frame(self, v: Numbers) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Centre, left and forward of stations: (N, 3) each."""
        v = np.atleast_1d(np.asarray(v, dtype=float))
        t = np.clip((v - 0.14) / 0.44, 0, 1)[:, None]
        w = t * t * (3 - 2 * t)
        pelvis, chest = self.rig.pelvis, self.rig.chest
        low = v[:, None] * pelvis[:, 1]
        high = SPINE_BEND_AT * pelvis[:, 1] + (v[:, None] - SPINE_BEND_AT) * chest[:, 1]
        left, forward = mix(pelvis[:, 0], chest[:, 0], w), mix(pelvis[:, 2], chest[:, 2], w)
        return mix(low, high, w) + forward * np.interp(v, self.v, self.forward)[:, None], left, forward

    def ring(self, theta: Numbers, v: Numbers, inflate: float = 0.0) -> np.ndarray:
        """Places on the surface in view space, (N, 3); theta and v broadcast."""
        theta, v = np.broadcast_arrays(np.asarray(theta, dtype=float), np.asarray(v, dtype=float))
        centre, left, forward = self.frame(v.ravel())
        a = np.interp(v.ravel(), self.v, self.a) + inflate
        b = np.interp(v.ravel(), self.v, self.b) + inflate
        turn = np.radians(theta.ravel())
        return centre + left * (a * np.sin(turn))[:, None] + forward * (b * np.cos(turn))[:, None]

    @cached_property
    def facing(self) -> float:
        """The theta that looks straight at the viewer, at the chest."""
        chest = self.rig.chest
        return float(np.degrees(np.arctan2(chest[2, 0] * 0.62, chest[2, 2])))

    def seen(self, theta: Numbers) -> np.ndarray:
        """Angles pulled to the nearer horizon where they lie on the far side: a patch ends at the silhouette."""
        offset = (np.asarray(theta, dtype=float) - self.facing + 180) % 360 - 180
        return self.facing + np.clip(offset, -90, 90)

    def patch(self, places: Numbers, inflate: float = 0.0, dense: int = 3) -> np.ndarray:
        """A polygon or line of (theta, v) places laid on the surface and cut at the silhouette, flat: (N, 2)."""
        places = np.asarray(places, dtype=float)
        if dense > 1:
            steps = np.linspace(0, len(places) - 1, (len(places) - 1) * dense + 1)
            index = np.arange(len(places))
            places = np.stack([np.interp(steps, index, places[:, 0]), np.interp(steps, index, places[:, 1])], axis=1)
        return flat(self.ring(self.seen(places[:, 0]), places[:, 1], inflate))

    def outline(self, low: float, high: float, inflate: Inflate = 0.0, count: int = 9) -> np.ndarray:
        """The silhouette between two heights, flat: (N, 2). `inflate` is a number or one for low and one for high."""
        v = np.linspace(low, high, count)
        centre, left, forward = self.frame(v)
        grow = np.linspace(inflate[0], inflate[1], count) if isinstance(inflate, tuple) else inflate
        a = (np.interp(v, self.v, self.a) + grow)[:, None]
        b = (np.interp(v, self.v, self.b) + grow)[:, None]
        middle, wide, deep = flat(centre), flat(left * a), flat(forward * b)
        way = np.gradient(middle, axis=0)
        length = np.hypot(way[:, 0], way[:, 1])
        if length.sum() < 0.5 * (high - low):
            # Seen along the spine: the stations overlap, their common hull is what shows.
            turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
            rings = middle[:, None] + wide[:, None] * np.cos(turn)[:, None] + deep[:, None] * np.sin(turn)[:, None]
            return resampled(convex_hull(rings.reshape(-1, 2)), 20)
        across = np.stack([-way[:, 1], way[:, 0]], axis=1) / np.maximum(length, 1e-9)[:, None]
        extent = np.sqrt((across * wide).sum(1) ** 2 + (across * deep).sum(1) ** 2)[:, None]
        # The ends bulge by what the end ellipse shows of itself.
        ends = []
        for at, sign in ((0, -1.0), (-1, 1.0)):
            along = way[at] / max(length[at], 1e-9)
            bulge = np.sqrt((along @ wide[at]) ** 2 + (along @ deep[at]) ** 2)
            ends.append(middle[at] + along * sign * max(bulge, 0.012))
        return np.vstack([middle + across * extent, ends[1][None], (middle - across * extent)[::-1], ends[0][None]])


@dataclass
class Figure:
    """One character being drawn."""

    recipe: CharacterRecipe
    rig: Rig
    sheet: Sheet
    torso: Torso
    extras_thumb: dict[str, np.ndarray] = field(default_factory=dict)  # noted while hands and feet are drawn, flat
    extras_tiptoe: dict[str, np.ndarray] = field(default_factory=dict)

    def ink(self, colour: Rgb) -> Rgb:
        return ink(colour, self.recipe.ink_rgb)

    @cached_property
    def depths(self) -> dict[str, float]:
        return limb_depths(self.rig)

    @cached_property
    def down(self) -> np.ndarray:
        """The way that loose things hang, flat: down the picture, along the body where it lies."""
        if self.rig.pose.lying:
            return unit(flat(-self.rig.chest[:, 1]), np.array([0.0, 1.0]))
        return np.array([0.0, 1.0])


def limb_depths(rig: Rig) -> dict[str, float]:
    """Painter's depth of each part. Legs start behind the top's hem, arms before it; a head stands over its neck."""
    z = {name: float(point[2]) for name, point in rig.joints.items()}
    depths = {"torso": 0.0, "pelvis": -0.25, "head": z["head"] + 0.14}
    for side, _ in SIDES:
        thigh = (z[f"{side}_hip"] + z[f"{side}_knee"]) / 2 - 0.2
        shin = (z[f"{side}_knee"] + z[f"{side}_ankle"]) / 2 - 0.2
        depths[f"{side}_thigh"] = thigh
        depths[f"{side}_shin"] = shin - 0.02
        depths[f"{side}_foot"] = (
            shin + 0.005 if abs(rig.foot_dirs[side][2]) < 0.9 or rig.foot_dirs[side][2] > 0 else shin - 0.03
        )
        upper = (z[f"{side}_shoulder"] + z[f"{side}_elbow"]) / 2 + 0.06
        fore = (z[f"{side}_elbow"] + z[f"{side}_wrist"] * 1.6) / 2.6 + 0.09
        depths[f"{side}_upper_arm"] = upper
        # A forearm parts from its upper arm only for a reason: an arm that hangs stays on one side of the body.
        depths[f"{side}_forearm"] = fore if abs(fore - upper) > 0.02 else upper + 0.01
    return depths


def tube(figure: Figure, start: np.ndarray, end: np.ndarray, profile: Profile, fill: Rgb, depth: float,
         parts: Sequence[str], *, open_start: bool = False,
         open_end: bool = False, round_end: bool = True, weight: float = 1.0, trim: int = 0) -> None:  # fmt: skip
    """A limb segment or sleeve: tapered, outlined, with its shadow side. An open end flows into what lies under it."""
    sheet = figure.sheet
    outline = stadium(start, end, profile, round_end)
    n, caps = len(profile), 3 if round_end else 1
    edge = None
    if open_start and open_end:
        edge = None
        line = figure.ink(fill)
        sheet.paint(outline, fill, depth, parts=parts)
        for chain in (outline[trim:n], outline[n + caps : 2 * n + caps - trim]):
            sheet.line(chain, line, depth, weight=weight)
    else:
        if open_start:
            edge = slice(trim, len(outline) - 4 - trim)
        elif open_end:
            outline = np.roll(outline, n + caps, axis=0)  # right side, start cap, left side, end cap
            edge = slice(0, len(outline) - caps - 1)
        sheet.paint(outline, fill, depth, ink=figure.ink(fill), parts=parts, weight=weight, edge=edge)
    _shadow(figure, start, end, profile, fill, depth)


def _shadow(figure: Figure, start: np.ndarray, end: np.ndarray, profile: Profile, fill: Rgb, depth: float) -> None:
    """The cel shadow: a strip along the side away from the light, inside the tube by construction."""
    axis = end - start
    length = float(np.hypot(*axis))
    if length < 0.1 or not figure.sheet.wants_details:
        return
    across = np.array([-axis[1], axis[0]]) / length
    # Right and below are dark.
    if across @ np.array([0.8, 0.6]) < 0:
        across = -across
    t, r = np.array([p[0] for p in profile])[:, None], np.array([p[1] for p in profile])[:, None]
    spine = start + axis * t
    # It runs out at both ends: shadows of two bones then meet without a step.
    inner = np.interp(t, [0.0, 0.2, 0.85, 1.0], [0.9, 0.45, 0.45, 0.75])
    figure.sheet.detail(np.vstack([spine + across * r * 0.99, (spine + across * r * inner)[::-1]]), shade(fill), depth)


def arm_profiles(rig: Rig) -> tuple[list, list]:
    """Half-widths along upper arm and forearm, as (share of the length, half-width in units of the figure) pairs."""
    g = rig.size.girth
    return (
        [(0.0, 0.056 * g), (0.16, 0.066 * g), (0.45, 0.064 * g), (0.75, 0.056 * g), (1.0, 0.053 * g)],
        [(0.0, 0.053 * g), (0.28, 0.056 * g), (0.7, 0.046 * g), (1.0, 0.038 * g)],
    )


def leg_profiles(rig: Rig) -> tuple[list, list]:
    """Half-widths along thigh and shin, as (share of the length, half-width in units of the figure) pairs."""
    g = rig.size.girth
    return (
        [(0.0, 0.105 * g), (0.12, 0.121 * g), (0.35, 0.118 * g), (0.72, 0.092 * g), (1.0, 0.074 * g)],
        [(0.0, 0.073 * g), (0.26, 0.078 * g), (0.6, 0.060 * g), (1.0, 0.042 * g)],
    )


def scaled(profile: Profile, factor: float, extra: float = 0.0) -> list:
    """A sleeve's profile around a limb's."""
    return [(t, r * factor + extra) for t, r in profile]


def part_of(profile: Profile, start: float, end: float) -> list:
    """The stretch of a profile between two places, its own t running from 0 to 1 again."""
    ts, rs = [p[0] for p in profile], [p[1] for p in profile]
    inner = [t for t in ts if start < t < end]
    return [((t - start) / (end - start), float(np.interp(t, ts, rs))) for t in (start, *inner, end)]


def draw_hand(figure: Figure, side: str, depth: float) -> np.ndarray:
    """A mitten with a thumb. Returns the thumb's middle joint, flat: ADD's thumb point."""
    rig, skin = figure.rig, figure.recipe.skin_rgb
    size = rig.size.hand * (1 + 0.15 * rig.size.chibi)
    wrist = rig.at(f"{side}_wrist")
    way, thumb = flat(rig.hand_dirs[side]), flat(rig.thumb_dirs[side])
    length = float(np.hypot(*way))
    along = unit(way, figure.down)
    across = np.array([-along[1], along[0]])
    # The thumb sits on the side that its 3D direction shows; edge-on hands are narrower.
    turn = float(thumb @ across)
    side_sign = 1.0 if turn >= 0 else -1.0
    across = across * side_sign
    reach = size * mix(0.72, 1.0, length)
    half = size * mix(0.27, 0.36, min(1.0, abs(turn))) * (1 + 0.2 * rig.size.chibi)
    open_hand = np.array([(-0.12, -0.62), (0.18, -0.98), (0.55, -1.0), (0.86, -0.72), (1.0, -0.15), (0.94, 0.42),
                          (0.6, 0.86), (0.3, 0.96), (-0.12, 0.62)])  # fmt: skip
    palm = wrist + np.outer(open_hand[:, 0] * reach, along) + np.outer(open_hand[:, 1] * half, across)
    thumb_shape = np.array(
        [(0.02, 0.5), (0.26, 1.15), (0.48, 1.62), (0.66, 1.70), (0.66, 1.30), (0.46, 0.72), (0.2, 0.3)]
    )
    thumb_points = wrist + np.outer(thumb_shape[:, 0] * reach, along) + np.outer(thumb_shape[:, 1] * half, across)
    figure.sheet.paint(
        [palm, thumb_points], skin, depth, ink=figure.ink(skin), parts=(f"{side}_forearm", f"{side}_hand")
    )
    line = figure.ink(skin)
    for offset in (-0.36, 0.02, 0.40):
        start, end = (
            wrist + along * reach * 0.62 + across * half * offset,
            wrist + along * reach * 0.93 + across * half * offset * 0.9,
        )
        figure.sheet.line(np.array([start, end]), line, depth, weight=0.45, opacity=0.75)
    return wrist + along * reach * 0.44 + across * half * 1.1


def foot_points(figure: Figure, side: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Heel, ball and tip of a foot, and the way of its sole, in view space."""
    rig = figure.rig
    ankle, way = rig.joints[f"{side}_ankle"], rig.foot_dirs[side]
    shin = unit(ankle - rig.joints[f"{side}_knee"])
    sole = unit(shin - (shin @ way) * way, -rig.pelvis[:, 1])
    foot = rig.size.foot
    heel = ankle - way * 0.05 + sole * 0.075
    return heel, ankle + way * foot * 0.62 + sole * 0.075, ankle + way * foot * 0.92 + sole * 0.085, sole
