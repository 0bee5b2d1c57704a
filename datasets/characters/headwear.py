"""What a head wears: hats, ribbons, hairbands, hairclips, flowers, and animal ears (extras: the human ears stay the
keypoints)."""

import math

import numpy as np

from datasets.characters.body import Figure
from datasets.characters.geometry import Numbers, ellipse, mix
from datasets.characters.hair import Dome
from datasets.characters.head import HeadFrame
from datasets.characters.palette import CLOTH, Rgb, blended, light, shade
from datasets.characters.skirts import ribbon_bow


def draw_animal_ears(figure: Figure, head: HeadFrame, dome: Dome, depth: float) -> None:
    """Two ears on top, behind the cap's outline or before it as the head turns."""
    kind = figure.recipe.animal_ears
    if kind == "none":
        return
    colour = figure.recipe.hair_rgb if kind != "rabbit" else CLOTH["white"]
    pink = blended(colour, (250, 150, 160), 0.62)
    tall, wide = {"cat": (0.72, 0.36), "fox": (0.95, 0.40), "rabbit": (1.75, 0.24)}[kind]
    for side in (1.0, -1.0):
        root = head.in_plane(0.62 * side, 0.98, 0.0)
        tip = head.in_plane(0.86 * side if kind != "rabbit" else 0.72 * side, 0.98 + tall, -0.1)
        a, b = head.place(root[0], root[1] - 0.1), head.place(tip[0], tip[1])
        narrow = max(0.55, abs(math.cos(math.radians(head.turn))))
        across = head.right * wide * head.radius * narrow
        if kind == "rabbit":
            outline = np.array([a - across * 0.7, mix(a, b, 0.5) - across * 1.1, mix(a, b, 0.85) - across * 0.8, b,
                                mix(a, b, 0.85) + across * 0.8,
                                mix(a, b, 0.5) + across * 1.1, a + across * 0.7])  # fmt: skip
            corners: tuple[int, ...] = ()
        else:
            outline = np.array(
                [a - across, mix(a, b, 0.55) - across * 0.66, b, mix(a, b, 0.55) + across * 0.66, a + across]
            )
            corners = (2,)
        figure.sheet.paint(outline, colour, depth, ink=figure.ink(colour), corners=corners, parts=("hair",))
        if head.away < 110:
            inner = mix(a, b, 0.42) + (outline - mix(a, b, 0.42)) * 0.62
            figure.sheet.detail(inner, pink, depth, corners=corners)


def draw_ornament(figure: Figure, head: HeadFrame, dome: Dome, depth: float) -> None:
    """A ribbon, hairband, clips or a flower in the hair."""
    recipe, sheet = figure.recipe, figure.sheet
    kind, colour = recipe.ornament, recipe.accent_rgb
    if recipe.outfit == "maid" and recipe.hat == "none":
        kind, colour = "hairband", CLOTH["white"]
    if kind == "none":
        return
    if kind == "hairband":
        if recipe.hat != "none":
            return
        azimuth = np.linspace(-98, 98, 23)
        near = dome.near(azimuth) > 0.0
        ring = [(azimuth[i], 1.18 - 1.35 * (abs(azimuth[i]) / 98) ** 2.4) for i in np.flatnonzero(near)]
        if len(ring) > 2:
            places = np.array(ring)
            band = np.vstack(
                [
                    dome.place(places[:, 0], places[:, 1] + 0.07, 1.03),
                    dome.place(places[:, 0], places[:, 1] - 0.09, 1.03)[::-1],
                ]
            )
            corners = (0, len(ring) - 1, len(ring), 2 * len(ring) - 1)
            sheet.paint(band, colour, depth, ink=figure.ink(colour), weight=0.8, corners=corners, parts=("hair",))
            if recipe.outfit == "maid":
                for place in dome.place(places[::2, 0], places[::2, 1] + 0.06, 1.05):
                    bump = ellipse(place, 0.12 * head.radius, 0.10 * head.radius, 7)
                    sheet.paint(bump, colour, depth, ink=figure.ink(colour), weight=0.6, parts=("hair",))
        return
    turn, height = {"ribbon": (62.0, 0.86), "hairclip": (48.0, 0.42), "flower": (66.0, 0.55)}[kind]
    turn *= 1 if recipe.seed % 2 else -1
    if recipe.hat != "none" and height > 0.7:
        height = 0.3
    if float(dome.near(turn)) < 0.12:
        return
    place = dome.place(turn, height, 1.02)
    tilt = float(np.degrees(math.atan2(*(-(place - head.centre))[::-1]))) - 90
    if kind == "ribbon":
        ribbon_bow(figure, place, 0.40 * head.radius, colour, depth, tilt * 0.5, parts=("hair",))
    elif kind == "hairclip":
        for k in (0.0, 0.17):
            a, b = dome.place(turn - 9, height - k, 1.02), dome.place(turn + 9, height - k - 0.10, 1.02)
            sheet.line(np.array([a, b]), figure.ink(colour), depth, weight=3.2)
            sheet.line(np.array([a, b]), colour, depth, weight=2.1)
    else:
        for petal in range(5):
            angle = math.radians(petal * 72 + 15)
            spot = place + 0.19 * head.radius * np.array([math.cos(angle), math.sin(angle)])
            shape = ellipse(spot, 0.15 * head.radius, 0.13 * head.radius, 7)
            sheet.paint(shape, light(colour, 0.3), depth, ink=figure.ink(colour), weight=0.6, parts=("hair",))
        sheet.detail(
            ellipse(place, 0.10 * head.radius, 0.10 * head.radius, 7),
            (250, 206, 96),
            depth,
            ink=figure.ink(colour),
            weight=0.5,
        )


def draw_hat(figure: Figure, head: HeadFrame, dome: Dome, depth: float) -> None:
    """The hat; it covers what lies under it."""
    kind = figure.recipe.hat
    if kind != "none":
        _HATS[kind](figure, head, dome, depth)


def _plane(head: HeadFrame, points: Numbers, dx: float = 0.0) -> np.ndarray:
    points = np.asarray(points, float)
    return head.place(points[:, 0] + dx, points[:, 1])


def _beret(figure: Figure, head: HeadFrame, dome: Dome, depth: float) -> None:
    colour = figure.recipe.accent_rgb
    lean = (1 if figure.recipe.seed % 2 else -1) * 0.14 - 0.22 * math.sin(math.radians(head.turn))
    shape = [
        (-1.18, 0.56),
        (-1.28, 0.95),
        (-0.85, 1.34),
        (0.0, 1.50),
        (0.85, 1.36),
        (1.28, 0.98),
        (1.18, 0.58),
        (0.6, 0.76),
        (0, 0.82),
        (-0.6, 0.76),
    ]
    figure.sheet.paint(_plane(head, shape, lean), colour, depth, ink=figure.ink(colour), parts=("hat",))
    figure.sheet.detail(
        _plane(head, [(0.2, 1.40), (0.85, 1.28), (1.2, 0.98), (1.12, 0.62), (0.6, 0.78), (0.75, 1.05)], lean),
        shade(colour),
        depth,
    )
    figure.sheet.line(_plane(head, [(0.0, 1.48), (0.04, 1.66)], lean), figure.ink(colour), depth, weight=1.8)


def _beanie(figure: Figure, head: HeadFrame, dome: Dome, depth: float) -> None:
    colour, sheet = figure.recipe.accent_rgb, figure.sheet
    lean = -0.10 * math.sin(math.radians(head.turn))
    sheet.paint(
        ellipse(head.place(lean, 1.62), 0.24 * head.radius, 0.24 * head.radius, 9),
        light(colour, 0.5),
        depth,
        ink=figure.ink(colour),
        parts=("hat",),
    )
    sheet.paint(_plane(head, [(-1.14, 0.44), (-1.10, 0.9), (-0.72, 1.36), (0, 1.54), (0.72, 1.36), (1.10, 0.9),
                              (1.14, 0.44), (0, 0.62)], lean), colour,
                depth, ink=figure.ink(colour), parts=("hat",))  # fmt: skip
    cuff = [
        (-1.18, 0.38),
        (-1.20, 0.72),
        (-0.6, 0.86),
        (0, 0.90),
        (0.6, 0.86),
        (1.20, 0.72),
        (1.18, 0.38),
        (0.6, 0.52),
        (0, 0.56),
        (-0.6, 0.52),
    ]
    sheet.paint(_plane(head, cuff, lean), shade(colour, 0.5), depth, ink=figure.ink(colour), parts=("hat",))
    for x in np.linspace(-0.95, 0.95, 9):
        sheet.line(
            _plane(head, [(x, 0.46 + 0.1 * (1 - x * x)), (x, 0.74 + 0.14 * (1 - x * x))], lean),
            figure.ink(colour),
            depth,
            weight=0.45,
            opacity=0.7,
        )


def _cap(figure: Figure, head: HeadFrame, dome: Dome, depth: float) -> None:
    colour, sheet = figure.recipe.accent_rgb, figure.sheet
    s, c = math.sin(math.radians(head.turn)), math.cos(math.radians(head.turn))
    crown = [
        (-1.15, 0.52),
        (-1.10, 0.98),
        (-0.66, 1.40),
        (0, 1.52),
        (0.66, 1.40),
        (1.10, 0.98),
        (1.15, 0.52),
        (0.6, 0.64),
        (0, 0.68),
        (-0.6, 0.64),
    ]
    sheet.paint(_plane(head, crown), colour, depth, ink=figure.ink(colour), parts=("hat",))
    sheet.line(
        _plane(head, [(-0.1 * c + 0.5 * s, 0.66), (0.15 * s, 1.15), (0, 1.5)]), figure.ink(colour), depth, weight=0.6
    )
    if c > -0.35:
        # The brim lies before the forehead: an ellipse that swings to the side of the face.
        azimuth = np.radians(np.linspace(-62, 62, 9))
        far = head.in_plane(1.75 * np.sin(azimuth) * 0.72, 0.50, 1.62 * np.cos(azimuth))
        back = head.in_plane(1.1 * np.sin(azimuth[::-1]), 0.66, 1.1 * np.cos(azimuth[::-1]))
        brim = np.vstack([far[:, :2] - (0, 0.06), back[:, :2]])
        tone = shade(colour, 0.6)
        sheet.paint(_plane(head, brim), tone, depth, ink=figure.ink(colour), parts=("hat",), corners=(0, 8))
    sheet.detail(ellipse(head.place(0.0, 1.53), 0.08 * head.radius, 0.05 * head.radius, 6), shade(colour), depth)


def _brimmed(
    figure: Figure,
    head: HeadFrame,
    colour: Rgb,
    band: Rgb,
    crown: Numbers,
    brim_w: float,
    brim_y: float,
    tilt: float,
    depth: float,
) -> None:
    sheet = figure.sheet
    sheet.paint(_plane(head, crown), colour, depth, ink=figure.ink(colour), parts=("hat",))
    brim = ellipse(np.array([0.0, brim_y]), brim_w, 0.30 + tilt, 14)
    brim[:, 1] -= 0.10 * (brim[:, 0] / brim_w) ** 2
    sheet.paint(_plane(head, brim), shade(colour, 0.35), depth, ink=figure.ink(colour), parts=("hat",))
    top = [p for p in crown if p[1] > brim_y + 0.02]
    lip = [
        (1.10, brim_y + 0.06),
        (0.6, brim_y - 0.06),
        (0, brim_y - 0.1),
        (-0.6, brim_y - 0.06),
        (-1.10, brim_y + 0.06),
    ]
    sheet.detail(_plane(head, top + lip), colour, depth, ink=figure.ink(colour), weight=0.7)
    ribbon = [
        (1.11, brim_y + 0.24),
        (0.6, brim_y + 0.12),
        (0, brim_y + 0.08),
        (-0.6, brim_y + 0.12),
        (-1.11, brim_y + 0.24),
        *lip[::-1],
    ]
    sheet.detail(_plane(head, ribbon), band, depth, ink=figure.ink(band), weight=0.6, corners=(0, 4, 5, 9))


def _straw_hat(figure: Figure, head: HeadFrame, dome: Dome, depth: float) -> None:
    crown = [(-1.12, 0.56), (-1.05, 1.05), (-0.7, 1.42), (0, 1.52), (0.7, 1.42), (1.05, 1.05), (1.12, 0.56)]
    _brimmed(figure, head, (240, 212, 150), figure.recipe.accent_rgb, crown, 1.95, 0.66, 0.02, depth)


def _witch_hat(figure: Figure, head: HeadFrame, dome: Dome, depth: float) -> None:
    bend = 0.5 * (1 if figure.recipe.seed % 2 else -1)
    crown = [
        (-1.10, 0.56),
        (-0.86, 1.2),
        (-0.50 + bend * 0.1, 1.8),
        (bend * 0.9, 2.55),
        (0.42 + bend * 0.35, 1.85),
        (0.86, 1.2),
        (1.10, 0.56),
    ]
    colour = blended(figure.recipe.accent_rgb, (44, 36, 64), 0.75)
    _brimmed(figure, head, colour, figure.recipe.accent_rgb, crown, 2.05, 0.66, 0.04, depth)
    ribbon_bow(
        figure,
        head.place(0.7 * math.copysign(1, bend), 0.80),
        0.34 * head.radius,
        figure.recipe.accent_rgb,
        depth,
        parts=("hat",),
    )


_HATS = {"beret": _beret, "beanie": _beanie, "cap": _cap, "straw_hat": _straw_hat, "witch_hat": _witch_hat}
