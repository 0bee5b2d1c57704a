"""Hair: a cap over the skull, locks that hang from it, and what falls behind.

The cap is a dome around the head; locks are blades whose roots and tips lie on the dome at an azimuth (0 the middle of
the forehead, 90 the own left) and a height, so a fringe turns with the head. Cap and near locks are painted as one
shape: one outline around all, fine lines between. Length hangs down the picture, or along a lying body.
"""

import math
import random
from collections.abc import Sequence

import numpy as np

from datasets.characters.body import Figure
from datasets.characters.geometry import Numbers, blade, mix, unit
from datasets.characters.head import HeadFrame
from datasets.characters.palette import light, shade, toned

Behind = tuple[list[np.ndarray], list[tuple[int, ...]]]  # outlines and their sharp points
Lock = tuple[float, float, float, float]  # root azimuths, tip azimuth, tip height

LENGTHS = {"short": 1.0, "medium": 1.95, "long": 4.3, "very_long": 6.6}
EAR_COVERING = ("bob", "hime", "wavy")
_BOUND = ("ponytail", "twintails", "double_bun", "single_bun", "side_ponytail", "low_twintails")


def fringe(kind: str, rng: random.Random) -> Sequence[Lock]:
    """Locks over the forehead. None reaches an eye's middle, but the one of `over_one_eye`."""
    wobble = lambda amount: rng.uniform(-amount, amount)  # noqa: E731
    if kind == "blunt":
        return [(a, a + 27, a + 13.5 - a * 0.03, 0.05 + wobble(0.03)) for a in range(-78, 60, 22)]
    if kind == "swept":
        locks = [(-6, 30, -14, 0.06), (-32, 4, -42, -0.02), (-58, -22, -66, -0.16), (-80, -50, -84, -0.42)]
        return [*locks, (16, 46, 52, 0.06), (38, 70, 78, -0.22)]
    if kind == "parted":
        side = [(0, 30, 30, 0.34), (14, 50, 54, 0.12), (40, 74, 80, -0.32)]
        return side + [(-b, -a, -tip, y) for a, b, tip, y in side]
    if kind == "messy":
        return [
            (a + wobble(3), a + 32 + wobble(4), a + 16 + wobble(15), 0.05 + wobble(0.09)) for a in range(-80, 56, 19)
        ]
    if kind == "over_one_eye":
        locks = [(-36, -4, -32, 0.12), (-60, -28, -60, 0.02), (-80, -52, -80, -0.24), (42, 76, 76, -0.76), (-16, 34,
            16, -0.62),
                 (6, 62, 42, -1.0)]  # fmt: skip
        return locks if rng.random() < 0.5 else [(-b, -a, -tip, y) for a, b, tip, y in locks]
    side = [(6, 36, 27, 0.10 + wobble(0.03)), (26, 58, 52, 0.0 + wobble(0.03)), (50, 78, 78, -0.28)]
    return [(-15, 15, wobble(5), -0.34), *side, *((-b, -a, -tip, y) for a, b, tip, y in side)]


def side_hair(style: str, length: str, sidelocks: bool, rng: random.Random) -> list[Lock]:
    """Locks before, over and behind the ears, and down to the nape."""
    locks: list[Lock] = []
    low = -1.25 - rng.uniform(0, 0.3) if sidelocks else -0.42
    if style == "hime":
        low = -1.2
    for sign in (1, -1):
        a, b, tip = 62, 86, 74 if sidelocks else 82
        locks.append((min(sign * a, sign * b), max(sign * a, sign * b), sign * tip, low))
        if style in EAR_COVERING or (style in ("straight", "two_side_up") and rng.random() < 0.5):
            deep = {"bob": -1.12, "hime": -1.1}.get(style, -1.0)
            # Wide ones: seen from the front, what lies at the side is seen edge-on.
            for k, (near, far, tip) in enumerate(((42, 100, 78), (84, 124, 104))):
                ends = sorted((sign * near, sign * far))
                locks.append((ends[0], ends[1], sign * tip, deep + k * 0.05))
    nape = {"bob": -1.15, "short": -0.92, "spiky": -0.98}.get(style, -0.72 if style in _BOUND else -1.0)
    for a in range(112, 248, 22):
        locks.append((a, a + 24, a + 12 + rng.uniform(-5, 5), nape + rng.uniform(-0.08, 0.06)))
    return locks


class Dome:
    """The volume of the hair around a head."""

    def __init__(self, figure: Figure, head: HeadFrame):
        self.head = head
        self.wide = 1.12 + (0.04 if figure.recipe.gender == "girl" else 0.02)
        self.high = 1.32

    def place(self, azimuth: Numbers, y: Numbers, out: float = 1.0) -> np.ndarray:
        """On the dome, flat."""
        azimuth, y = np.broadcast_arrays(np.radians(np.asarray(azimuth, float)), np.asarray(y, float))
        rise = np.clip(y / self.high, 0, 1)
        r = self.wide * out * (1 - rise**2.3) ** (1 / 2.1)
        r = r * np.where(y < -0.5, 1 + (y + 0.5) * 0.10, 1.0)
        return self.head.project(r * np.sin(azimuth), y * np.where(y > 0, out, 1.0), r * np.cos(azimuth))

    def near(self, azimuth: Numbers) -> np.ndarray:
        """How much a place faces us: 1 towards us, below 0 on the far side."""
        return np.cos(np.radians(np.asarray(azimuth, float) + self.head.turn))

    def cap(self) -> np.ndarray:
        """The part of the dome that covers the skull, flat: over the crown and back along the hairline."""
        turn = self.head.turn
        heights = np.array([0.0, 0.35, 0.66, 0.9, 1.08, 1.19])
        right = self.place(90 - turn, np.maximum(heights, self.hairline(90 - turn)))
        left = self.place(-90 - turn, np.maximum(heights, self.hairline(-90 - turn)))[::-1]
        crown = self.place(0.0, self.high)[None]
        across = np.linspace(-90, 90, 13) - turn
        front = self.place(across, self.hairline(across))
        return np.vstack([right, crown, left, front])

    @staticmethod
    def hairline(azimuth: Numbers) -> np.ndarray:
        """How low the cap itself reaches: brow, then over the ears to the nape."""
        azimuth = np.abs((np.asarray(azimuth, float) + 180) % 360 - 180)
        return np.asarray(np.interp(azimuth, [0, 58, 84, 104, 128, 180], [0.66, 0.58, 0.20, -0.02, -0.66, -0.72]))


def draw_back_hair(figure: Figure, head: HeadFrame, dome: Dome) -> tuple[list[np.ndarray], list[tuple[int, ...]]]:
    """What falls behind: painted behind the body, or handed back to be one shape with the cap when seen from behind."""
    recipe, sheet = figure.recipe, figure.sheet
    rng = random.Random(f"{recipe.seed}/back hair")
    outlines, corners = [], []
    if recipe.hair_style not in _BOUND:
        outline, sharp = _curtain(figure, head, dome, LENGTHS[recipe.hair_length], rng)
        outlines.append(outline)
        corners.append(sharp)
    if head.away > 102:
        return outlines, corners
    dark = shade(recipe.hair_rgb, 1.0)
    depth = min(-0.5, head.depth - 0.35)
    for outline, sharp in zip(outlines, corners, strict=True):
        sheet.paint(outline, dark, depth, ink=figure.ink(recipe.hair_rgb), corners=sharp, parts=("hair",))
        _strands(figure, outline, sharp, depth)
    return [], []


def _strands(figure: Figure, outline: np.ndarray, tips: Sequence[int], depth: float) -> None:
    """Fine lines from the tips upwards."""
    line = toned(figure.recipe.hair_rgb, saturation=1.2, value=0.58)
    top = outline[[0, -1]].mean(0)
    for tip in tips[::2]:
        end = outline[tip]
        start = mix(end, top, 0.62)
        figure.sheet.line(
            np.array([start, mix(start, end, 0.5) + np.array([0.01, 0.0]), mix(start, end, 0.92)]),
            line,
            depth,
            weight=0.6,
            opacity=0.6,
        )


def _curtain(
    figure: Figure, head: HeadFrame, dome: Dome, length: float, rng: random.Random
) -> tuple[np.ndarray, tuple[int, ...]]:
    """Loose hair from the sides and the back of the skull, to `length` head units below the middle of the head."""
    recipe = figure.recipe
    azimuths = np.linspace(78, 282, 13)
    xs = head.in_plane(dome.wide * np.sin(np.radians(azimuths)), 0.0, dome.wide * np.cos(np.radians(azimuths)))[:, 0]
    x0, x1 = float(xs.min()), float(xs.max())
    head_down = -head.up
    length = min(length, (6.0 if recipe.hair_length == "very_long" else 4.0) * 0.26 / head.radius + 0.6)
    if not {"standing", "walking", "running", "jumping", "lying"} & set(figure.rig.pose.tags):
        length = min(length, 0.78 / head.radius + 1.0)  # hair does not fall through the floor
    if recipe.hair_length == "short":
        length = {"bob": 1.18, "spiky": 1.0}.get(recipe.hair_style, 0.98)
    hang = figure.down

    def fall(x: float, d: float) -> np.ndarray:
        t = min(1.0, d / 1.6) * 0.85
        way = unit(mix(head_down, hang, t), hang)
        return head.place(x, -0.1) + way * d * head.radius

    waves = recipe.hair_style == "wavy"
    spread = {"short": 1.02, "medium": 1.06, "long": 1.12, "very_long": 1.16}[recipe.hair_length]
    middle, half = (x0 + x1) / 2, (x1 - x0) / 2
    steps = np.linspace(0, 1, 7 if waves else 5)[1:-1]
    body = length - 0.1

    def edge(sign: float) -> list[np.ndarray]:
        points = []
        for t in steps:
            # Narrow at the neck, full halfway, gathered towards the tips.
            bulge = 0.10 * math.sin(math.pi * t) - 0.26 * t**3 - 0.10 * math.exp(-((body * t - 1.0) ** 2) * 5)
            bulge += 0.09 * math.sin(t * 13) if waves else 0.0
            points.append(fall(middle + sign * half * (mix(1.0, spread, t) + bulge), body * t))
        return points

    count = 7 if half > 0.8 else 5
    bottom, sharp = [], []
    right = edge(1.0)
    start = [head.place(x1 * 0.86, 0.8), head.place(x1 + 0.02, 0.05)]
    for k in range(count):
        u = 1 - 2 * k / (count - 1)
        tip_depth = body * (1.0 - 0.14 * abs(u) ** 1.5) + rng.uniform(-0.16, 0.16) * min(1.5, body * 0.4)
        bottom.append(fall(middle + half * spread * (u * 0.86 + rng.uniform(-0.04, 0.04)), tip_depth))
        sharp.append(len(start) + len(right) + len(bottom) - 1)
        if k < count - 1:
            bottom.append(fall(middle + half * spread * (u - 1 / (count - 1)) * 0.86, body * rng.uniform(0.78, 0.88)))
    left = edge(-1.0)[::-1]
    end = [head.place(x0 - 0.02, 0.05), head.place(x0 * 0.86, 0.8), head.place(middle, 0.95)]
    return np.array([*start, *right, *bottom, *left, *end]), tuple(sharp)


def draw_front_hair(figure: Figure, head: HeadFrame, dome: Dome, depth: float, behind: Behind) -> None:
    """Cap and near locks as one shape, with shadow, lines and the ring of light."""
    recipe, sheet = figure.recipe, figure.sheet
    rng = random.Random(f"{recipe.seed}/fringe")
    locks = [*fringe(recipe.bangs, rng), *side_hair(recipe.hair_style, recipe.hair_length, recipe.sidelocks, rng)]
    outlines, corners = list(behind[0]), list(behind[1])
    outlines.append(dome.cap())
    corners.append(())
    blades = []
    for a0, a1, tip_azimuth, tip_y in locks:
        middle = (a0 + a1) / 2
        if dome.near(middle) < -0.05 or dome.near(tip_azimuth) < -0.25:
            continue
        root_y = 0.92 if abs(middle) < 62 else 0.72 if abs(middle) < 132 else 0.2
        roots = dome.place(np.array([a0, a1]), root_y)
        tip = dome.place(tip_azimuth, tip_y, 1.02)
        if tip_y < -0.9:
            hang = unit(mix(-head.up, figure.down, 0.7), figure.down)
            tip = dome.place(tip_azimuth, -0.9) + hang * (-0.9 - tip_y) * head.radius
        lean = 0.10 if middle + head.turn > 0 else -0.10
        blunt = 0.42 if recipe.bangs == "blunt" and abs(middle) < 62 else 0.20
        if recipe.hair_style in EAR_COVERING and 62 < abs(middle) < 110:
            blunt = 0.60  # wide enough to cover the ear
        shape = blade(roots[0], roots[1], tip, lean, blunt)
        blades.append(shape)
        outlines.append(shape)
        corners.append((3,))
    if recipe.hair_style in ("spiky", "short") or recipe.bangs == "messy":
        for shape in _spikes(head, dome, rng, 0.42 if recipe.hair_style == "spiky" else 0.16):
            outlines.append(shape)
            corners.append((3,))
    if recipe.ahoge:
        base = dome.place(0, dome.high)
        side = head.right * (1 if recipe.seed % 2 else -1) * head.radius
        root = head.right * 0.07 * head.radius
        shape = np.array([base - root, base + head.up * 0.3 * head.radius,
                          base + side * 0.25 + head.up * 0.52 * head.radius,
                          base + side * 0.62 + head.up * 0.36 * head.radius,
                          base + side * 0.28 + head.up * 0.38 * head.radius,
                          base + root + head.up * 0.2 * head.radius, base + root])  # fmt: skip
        outlines.append(shape)
        corners.append((3,))
    top, low = head.place(0.0, 1.2), head.place(0.0, -1.1)
    bright, tone = light(recipe.hair_rgb, 0.14), recipe.hair_rgb
    fill = sheet.gradient([(0, tone), (0.32, bright), (0.55, tone), (1, shade(tone, 0.8))], top, low)
    sheet.paint(outlines, fill, depth, ink=figure.ink(tone), corners=corners, parts=("hair",))
    _hair_details(figure, head, dome, blades, behind[0], depth)


def _spikes(head: HeadFrame, dome: Dome, rng: random.Random, reach: float) -> list[np.ndarray]:
    """Tufts that break the silhouette, around the crown and down the back of the skull."""
    shapes = []
    for angle in range(28, 160, 22):
        a = angle + rng.uniform(-6, 6)
        direction = 1 if a < 90 else -1

        def at(degrees: float, r: float) -> np.ndarray:
            turn = math.radians(degrees)
            return head.place(math.cos(turn) * r * dome.wide, math.sin(turn) * r * dome.high)

        tip = at(a - direction * (16 + rng.uniform(0, 10)), 1 + reach * rng.uniform(0.7, 1.15))
        shapes.append(blade(at(a + 17, 0.92), at(a - 17, 0.92), tip, 0.10 * direction, 0.12))
    return shapes


def _hair_details(
    figure: Figure, head: HeadFrame, dome: Dome, blades: list[np.ndarray], behind: list[np.ndarray], depth: float
) -> None:
    sheet, colour = figure.sheet, figure.recipe.hair_rgb
    if not sheet.wants_details:
        return
    dark, line = shade(colour, 1.15), toned(colour, saturation=1.25, value=0.6)
    for shape in blades:
        root, tip = (shape[0] + shape[6]) / 2, shape[3]
        half = np.array([mix(root, tip, 0.42), mix(shape[4], tip, 0.1), tip, mix(shape[4], shape[5], 0.4)])
        sheet.detail(half, dark, depth, corners=(0, 2), opacity=0.75)
        sheet.line(
            np.array([mix(shape[0], shape[1], 0.5), shape[1], shape[2], mix(shape[2], tip, 0.9)]),
            line,
            depth,
            weight=0.5,
            opacity=0.8,
        )
    for azimuth in (-52, -26, 0, 26, 52):
        at = azimuth - head.turn
        if head.away > 100:
            run = dome.place(np.full(4, at), np.array([1.0, 0.5, 0.0, -0.5]))
            sheet.line(run, line, depth, weight=0.5, opacity=0.55)
    for outline in behind:
        low = outline[len(outline) // 2]
        drop = low - mix(outline[1], outline[-3], 0.5)
        for k, begin, stop in (
            (0.12, 0.1, 0.7),
            (0.26, 0.25, 0.9),
            (0.4, 0.02, 0.6),
            (0.56, 0.3, 0.94),
            (0.7, 0.05, 0.72),
            (0.86, 0.2, 0.86),
        ):
            root = mix(outline[1], outline[-3], k)
            inward = (mix(outline[1], outline[-3], 0.5) - root) * 0.16
            run = np.array([root + drop * t + inward * math.sin(math.pi * t) for t in np.linspace(begin, stop, 5)])
            sheet.line(run, line, depth, weight=0.6, opacity=0.6)
            if k in (0.26, 0.7):
                wedge = np.array([run[0], run[2] + inward * 0.3, run[4], run[2] - inward * 0.25 + drop * 0.02])
                sheet.detail(wedge, dark, depth, corners=(0, 2), opacity=0.6)
    # The ring of light: a jagged band on the dome, brighter where it faces the light.
    across = np.linspace(-62, 46, 13) - head.turn
    teeth = np.where(np.arange(13) % 2 == 0, 0.05, -0.05)
    upper, lower = dome.place(across, 0.84 + 0 * teeth), dome.place(across, 0.70 + teeth)
    sheet.detail(np.vstack([upper, lower[::-1]]), light(colour, 0.55), depth, corners=tuple(range(26)), opacity=0.55)
