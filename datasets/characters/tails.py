"""Bound hair: ponytails, twintails and buns, hung on places of the skull."""

import math

import numpy as np

from datasets.characters.body import Figure
from datasets.characters.geometry import ellipse, mix, tail, unit
from datasets.characters.head import HeadFrame
from datasets.characters.palette import Rgb, shade


def draw_tails(figure: Figure, head: HeadFrame, *, behind: bool, depth: float) -> None:
    """Ponytails, twintails and buns, those behind the head or those before it."""
    recipe, sheet = figure.recipe, figure.sheet
    style, colour = recipe.hair_style, recipe.hair_rgb
    line = figure.ink(colour)
    anchors = {
        "ponytail": [(180, 0.62, 1.0)], "side_ponytail": [(112 if recipe.seed % 2 else -112, 0.45, 0.8)],
        "twintails": [(104, 0.66, 1.0), (-104, 0.66, 1.0)], "low_twintails": [(118, -0.55, 0.8), (-118, -0.55, 0.8)],
        "two_side_up": [(98, 0.78, 0.5), (-98, 0.78, 0.5)],
        "double_bun": [(92, 0.98, 0.0), (-92, 0.98, 0.0)], "single_bun": [(180, 0.98, 0.0)],
    }.get(style, [])  # fmt: skip
    for azimuth, height, amount in anchors:
        angle = math.radians(azimuth)
        r = 1.06 * math.sqrt(max(0.1, 1 - (height / 1.3) ** 2))
        plane = head.in_plane(r * math.sin(angle), height, r * math.cos(angle))
        is_behind = plane[2] < 0.22
        if is_behind != behind:
            continue
        place = head.place(plane[0], plane[1])
        middle = abs(azimuth) == 180
        # A tail from the back of the head falls behind the body; one from the side falls beside it.
        d = (min(-0.49, head.depth - 0.34) if middle and head.away < 60 else depth - 0.012) if behind else depth
        if amount == 0.0:
            bun = ellipse(head.place(plane[0] * 1.08, plane[1] + 0.12), 0.42 * head.radius, 0.40 * head.radius, 10)
            sheet.paint(bun, shade(colour, 0.5) if behind else colour, d, ink=line, parts=("hair",))
            sheet.line(ellipse(bun.mean(0), 0.22 * head.radius, 0.2 * head.radius, 10)[1:8], line, d, weight=0.6)
            sheet.line(ellipse(bun.mean(0), 0.31 * head.radius, 0.3 * head.radius, 10)[5:10], line, d, weight=0.5)
            continue
        length = {"medium": 2.4, "long": 4.0, "very_long": 5.6}.get(recipe.hair_length, 2.0) * amount
        length = min(length, 1.5 / head.radius * (1 if recipe.hair_length != "medium" else 0.6))
        _tail_shape(figure, head, place, plane, length, colour, d, middle)


def _tail_shape(
    figure: Figure,
    head: HeadFrame,
    place: np.ndarray,
    plane: np.ndarray,
    length: float,
    colour: Rgb,
    depth: float,
    middle: bool,
) -> None:
    sheet, line = figure.sheet, figure.ink(colour)
    outward = head.right * (
        math.copysign(1.0, plane[0]) if abs(plane[0]) > 0.12 else (1.0 if figure.recipe.seed % 2 else -1.0)
    )
    swing = 0.75 if not middle else (0.25 + 0.6 * min(1.0, abs(plane[0])))
    t = np.linspace(0, 1, 8)[:, None]
    down = unit(mix(-head.up, figure.down, 0.8), figure.down)
    swung = outward * swing * np.sin(t * 2.0) * (0.75 if length < 3 else 1.0)
    lifted = head.up * 0.22 * np.sin(t * math.pi * 0.9)
    path = place + head.radius * (swung + lifted + down * length * t**1.25)
    widths = np.array([0.10, 0.25, 0.34, 0.37, 0.35, 0.29, 0.18, 0.0]) * head.radius * (1.15 if length > 3 else 1.0)
    outline, tips = tail(path, widths)
    # Two smaller points beside the tip.
    extra = [
        tail(
            path[:6] + side * head.radius * 0.14 * np.array([down[1], -down[0]]) * t[:6],
            widths[:6] * np.array([1, 1, 0.9, 0.7, 0.45, 0.0]),
        )
        for side in (1, -1)
    ]
    outlines, corners = [outline, *(e[0] for e in extra)], [tips, *(e[1] for e in extra)]
    sheet.paint(outlines, colour, depth, ink=line, corners=corners, parts=("hair",))
    normal = np.array([down[1], -down[0]])
    sheet.line(path[1:7] + normal * widths[1:7, None] * 0.35, shade(colour, 1.3), depth, weight=0.7)
    sheet.line(path[1:6] - normal * widths[1:6, None] * 0.3, shade(colour, 1.3), depth, weight=0.6)
    band = figure.recipe.accent_rgb
    sheet.detail(
        ellipse(mix(path[0], path[1], 0.25), 0.15 * head.radius, 0.13 * head.radius, 8),
        band,
        depth,
        ink=figure.ink(band),
        weight=0.7,
    )
