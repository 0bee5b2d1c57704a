"""The outfits, each one function of the figure, put together from the pieces in `clothes.py`; see also `dresses.py`."""

import numpy as np

from datasets.characters.body import Figure
from datasets.characters.clothes import (
    ON_TOP,
    ROUND,
    SCOOP,
    TOP,
    WHITE,
    band,
    bodice,
    bow_at,
    buttons,
    collar_wings,
    is_front,
    neckline,
    necktie,
    skin,
    skirted,
)  # fmt: skip
from datasets.characters.dresses import maid, pinafore, sailor, sundress, yukata
from datasets.characters.geometry import flat, unit
from datasets.characters.palette import Rgb, light, shade
from datasets.characters.skirts import Skirt


def draw_outfit(figure: Figure) -> None:
    """Everything on torso and hips. Draw legs before or after: depths settle the order."""
    recipe, sheet, torso = figure.recipe, figure.sheet, figure.torso
    hips = recipe.bottom_rgb if recipe.bottom in ("trousers", "shorts") else shade(recipe.bottom_rgb)
    sheet.paint(
        torso.outline(-0.2, 0.36, 0.012), hips, figure.depths["pelvis"], ink=figure.ink(hips), parts=("pelvis", "torso")
    )
    _OUTFITS[recipe.outfit](figure)


def _blazer(figure: Figure) -> None:
    recipe, sheet, torso = figure.recipe, figure.sheet, figure.torso
    depth = ON_TOP + 0.004
    skirted(figure, over=False)
    bodice(figure, recipe.top_rgb, 0.0, 0.99, (0.04, 0.02), ON_TOP)
    if is_front(figure, 120):
        sheet.detail(torso.patch(((-58, 1.02), (-30, 0.93), (0, 0.5), (30, 0.93), (58, 1.02)), 0.024), WHITE, depth,
                     ink=figure.ink(WHITE), weight=0.6)  # fmt: skip
        for sign in (-1, 1):
            lapel = np.array([(0, 0.48), (sign * 26, 0.74), (sign * 40, 0.84), (sign * 54, 0.86), (sign * 52, 0.95),
                              (sign * 56, 1.02), (sign * 30, 0.93)])  # fmt: skip
            tone = light(recipe.top_rgb, 0.16)
            sheet.detail(
                torso.patch(lapel, 0.03, 2), tone, depth, ink=figure.ink(tone), weight=0.8, corners=(0, 6, 8, 12)
            )
        sheet.line(torso.patch(((0, 0.48), (2, 0.2), (12, 0.0)), 0.034), figure.ink(recipe.top_rgb), depth, weight=0.8)
        buttons(figure, (0.40, 0.24), (236, 200, 100), depth, 6, 0.016, 0.034)
        for sign in (-1, 1):
            pocket = np.array([(sign * 24, 0.16), (sign * 52, 0.17)])
            sheet.line(torso.patch(pocket, 0.036), figure.ink(recipe.top_rgb), depth, weight=0.9)
        collar_wings(figure, WHITE, depth, 0.89, 26)
        if recipe.seed % 3 and recipe.gender == "girl":
            bow_at(figure, 0.90, 0.085, recipe.accent_rgb, depth)
        else:
            necktie(figure, recipe.accent_rgb, depth, 0.56)
    else:
        sheet.line(torso.patch(((180, 0.0), (180, 0.3)), 0.04), figure.ink(recipe.top_rgb), depth, weight=0.7)


def _hoodie(figure: Figure) -> None:
    recipe, sheet, torso = figure.recipe, figure.sheet, figure.torso
    colour, depth = recipe.top_rgb, ON_TOP + 0.004
    skirted(figure, over=False)
    hood = torso.patch(
        [
            (t, v)
            for t, v in zip(
                np.linspace(-90, 90, 7) + figure.torso.facing, (0.93, 1.03, 1.1, 1.12, 1.1, 1.03, 0.93), strict=True
            )
        ],
        0.07,
        1,
    )
    sheet.paint(
        hood, shade(colour, 0.8), -0.05 if is_front(figure) else depth, ink=figure.ink(colour), parts=("torso",)
    )
    bodice(figure, colour, -0.04, 0.985, (0.05, 0.024), ON_TOP)
    turn = np.linspace(-90, 90, 9) + torso.facing
    sheet.line(torso.patch(np.stack([turn, np.full(9, 0.045)], 1), 0.05, 1), figure.ink(colour), depth, weight=0.6)
    if is_front(figure, 110):
        inner = ((-70, 1.04), (-52, 0.97), (-24, 0.925), (0, 0.905), (24, 0.925), (52, 0.97), (70, 1.04))
        sheet.detail(torso.patch(inner, 0.04), shade(colour, 1.5), depth, ink=figure.ink(colour), weight=0.8)
        pocket = np.array([(-38, 0.36), (38, 0.36), (56, 0.12), (-56, 0.12)])
        sheet.detail(
            torso.patch(pocket, 0.05, 2),
            light(colour, 0.12),
            depth,
            ink=figure.ink(colour),
            weight=0.7,
            corners=(0, 2, 4, 6),
        )
        for sign in (-1, 1):
            string = np.array([(sign * 13, 0.92), (sign * 15, 0.82), (sign * 13, 0.70)])
            sheet.line(
                torso.patch(string, 0.035, 2), WHITE if sum(colour) < 690 else shade(WHITE, 1.5), depth, weight=1.2
            )
    else:
        back = np.array([(105, 1.03), (255, 1.03), (240, 0.84), (205, 0.74), (180, 0.71), (155, 0.74), (120, 0.84)])
        sheet.detail(torso.patch(back, 0.06, 2), shade(colour, 0.6), depth, ink=figure.ink(colour), weight=0.9)


def _print(figure: Figure, depth: float) -> None:
    """A motif on a T-shirt: stripes, a star or a heart."""
    recipe, sheet, torso = figure.recipe, figure.sheet, figure.torso
    kind = recipe.seed % 4
    if kind == 0:
        turn = np.linspace(-90, 90, 9) + torso.facing
        for height in (0.22, 0.38, 0.54, 0.70):
            places = np.vstack(
                [np.stack([turn, np.full(9, height + 0.035)], 1), np.stack([turn, np.full(9, height - 0.035)], 1)[::-1]]
            )
            sheet.detail(torso.patch(places, 0.016, 1), recipe.accent_rgb, depth, opacity=0.9, corners=(0, 8, 9, 17))
    elif is_front(figure, 70):
        if kind == 1:
            turn = np.radians(np.arange(10) * 36 - 90)
            r = np.where(np.arange(10) % 2 == 0, 1.0, 0.45)
            shape, corners = np.stack([np.cos(turn) * r, -np.sin(turn) * r], 1), tuple(range(10))
        else:
            shape = np.array(
                [(0, -0.8), (0.75, 0.05), (0.8, 0.6), (0.4, 0.8), (0, 0.4), (-0.4, 0.8), (-0.8, 0.6), (-0.75, 0.05)]
            )
            corners = (0, 4)
        places = shape * (24, 0.115) + (0, 0.66)
        sheet.detail(torso.patch(places, 0.018, 1), recipe.accent_rgb, depth, corners=corners)


def _casual(figure: Figure) -> None:
    recipe = figure.recipe
    skin(figure)
    skirt = skirted(figure, over=True)
    bodice(figure, recipe.top_rgb, 0.30 if skirt else 0.04, 0.985 if recipe.sleeves != "none" else 0.95, (0.026, 0.012))
    _print(figure, TOP + 0.001)
    neckline(figure, ROUND if recipe.sleeves != "none" else SCOOP, TOP + 0.001)


def _shirt(figure: Figure) -> None:
    recipe, torso = figure.recipe, figure.torso
    skirt = skirted(figure, over=True)
    tucked = skirt is not None or recipe.seed % 2 == 0
    bodice(figure, recipe.top_rgb, 0.22 if tucked else 0.0, 0.99, (0.02, 0.014))
    depth = ON_TOP + 0.004
    if tucked and skirt is None:
        figure.sheet.paint(
            torso.outline(-0.06, 0.26, 0.02),
            recipe.bottom_rgb,
            TOP + 0.001,
            ink=figure.ink(recipe.bottom_rgb),
            parts=("torso", "pelvis"),
        )
        band(figure, 0.19, 0.245, shade(recipe.bottom_rgb, 2.2), TOP + 0.0015, 0.024)
        buttons(figure, (0.218,), (230, 196, 110), TOP + 0.0016, 0, 0.02, 0.03)
    if is_front(figure, 85):
        figure.sheet.line(
            torso.patch(((0, 0.93), (0, 0.3)), 0.018), figure.ink(recipe.top_rgb), TOP + 0.001, weight=0.6
        )
        buttons(figure, (0.80, 0.66, 0.52, 0.40), light(recipe.accent_rgb, 0.4), TOP + 0.001, 4, 0.011)
    collar_wings(figure, light(recipe.top_rgb, 0.35), depth)
    if recipe.seed % 3 == 0:
        necktie(figure, recipe.accent_rgb, depth)
    elif recipe.seed % 3 == 1 and recipe.gender == "girl":
        bow_at(figure, 0.90, 0.09, recipe.accent_rgb, depth)


def _coat(figure: Figure) -> None:
    recipe, sheet, torso = figure.recipe, figure.sheet, figure.torso
    colour, inner, depth = recipe.top_rgb, light(recipe.accent_rgb, 0.35), ON_TOP + 0.006
    skirted(figure, over=False)
    low = any(tag in figure.rig.pose.tags for tag in ("sitting", "squatting", "kneeling", "all_fours"))
    skirt = Skirt(figure, 0.5 if low else 1.12, 0.10, 0.34)
    thighs = [figure.depths["left_thigh"], figure.depths["right_thigh"]]
    sheet.paint(
        skirt.outlines(), shade(colour, 1.6), min(min(thighs), -0.27) - 0.04, ink=figure.ink(colour), parts=("skirt",)
    )
    bodice(figure, inner, 0.0, 0.99, 0.02, ON_TOP)
    front = max(max(thighs) + 0.02, depth)
    opening = 24
    for sign in (-1, 1):
        body = [(sign * opening, v) for v in (0.30, 0.5, 0.7, 0.86)] + [
            (sign * 34, 1.0),
            (sign * 90, 1.0),
            (sign * 135, 1.0),
            (sign * 180, 1.0),
        ]
        body += [(sign * 180, v) for v in (0.8, 0.6, 0.3)] + [(sign * 90, 0.30)]
        outline = torso.patch(body, 0.05, 2)
        turns = sign * np.array([opening - 8, 40, 60, 85, 110, 140, 180.0])
        hem = _seen_hem(skirt, turns)
        waist = torso.patch(np.stack([turns[::-1] * 1.0, np.full(7, 0.33)], 1), 0.05, 1)
        if len(hem):
            sheet.paint(
                np.vstack([hem, waist]),
                colour,
                front,
                ink=figure.ink(colour),
                parts=("skirt", "torso"),
                corners=(0, 6, 7, 13),
                tension=0.12,
            )
        sheet.paint(outline, colour, depth, ink=figure.ink(colour), parts=("torso",), corners=(0, 6, 14))
    band(figure, 0.30, 0.35, shade(colour, 1.3), max(front, depth) + 0.001, 0.055) if not is_front(figure, 60) else None
    if is_front(figure, 100):
        for sign in (-1, 1):
            lapel = np.array(
                [
                    (sign * opening, 0.55),
                    (sign * 30, 0.8),
                    (sign * 36, 1.01),
                    (sign * 62, 1.0),
                    (sign * 64, 0.84),
                    (sign * 52, 0.80),
                ]
            )
            tone = light(colour, 0.2)
            sheet.detail(
                torso.patch(lapel, 0.056, 2), tone, depth + 0.001, ink=figure.ink(tone), weight=0.8, corners=(0, 6, 10)
            )
    _scarf(figure, recipe.accent_rgb, depth + 0.004)


def _seen_hem(skirt: Skirt, turns: np.ndarray) -> np.ndarray:
    points, near = skirt.at(turns, 1.0)
    return points if near.sum() >= 2 else points[:0]


def _scarf(figure: Figure, colour: Rgb, depth: float) -> None:
    """A scarf around the neck, one end down the front or the back."""
    rig, sheet = figure.rig, figure.sheet
    neck, up = rig.at("neck"), unit(flat(rig.chest[:, 1]), np.array([0.0, -1.0]))
    side = np.array([-up[1], up[0]])
    wide = 0.145 + 0.06 * rig.size.chibi
    end_theta = 24 if is_front(figure) else 160
    start = flat(figure.torso.ring(figure.torso.seen([end_theta]), 0.92, 0.05))[0]
    stop = flat(figure.torso.ring(figure.torso.seen([end_theta + 4]), 0.52, 0.07))[0]
    across = side * 0.058
    strip = np.array([start - across, start + across, stop + across * 1.25, stop - across * 1.25])
    sheet.paint(strip, colour, depth, ink=figure.ink(colour), parts=("torso",), corners=(0, 1, 2, 3))
    for k in (0.80, 0.9):
        a = strip[0] + (strip[3] - strip[0]) * k
        b = strip[1] + (strip[2] - strip[1]) * k
        sheet.line(np.array([a, b]), light(colour, 0.6), depth, weight=1.4)
    roll = np.array(
        [
            (-1.0, 0.15),
            (-0.85, 0.75),
            (-0.3, 0.42),
            (0.3, 0.42),
            (0.85, 0.75),
            (1.0, 0.15),
            (0.75, -0.42),
            (0.0, -0.72),
            (-0.75, -0.42),
        ]
    )
    sheet.paint(
        neck + np.outer(roll[:, 0] * wide, side) + np.outer(roll[:, 1] * 0.115, up),
        colour,
        depth,
        ink=figure.ink(colour),
        parts=("torso", "neck"),
    )
    fold = np.array([(-0.7, 0.2), (0.0, -0.12), (0.7, 0.25)])
    sheet.line(
        neck + np.outer(fold[:, 0] * wide, side) + np.outer(fold[:, 1] * 0.115, up),
        figure.ink(colour),
        depth,
        weight=0.7,
    )


def _sweater(figure: Figure) -> None:
    recipe, sheet, torso = figure.recipe, figure.sheet, figure.torso
    colour, depth = recipe.top_rgb, ON_TOP
    skirted(figure, over=False)
    bodice(figure, colour, -0.02, 0.99, (0.045, 0.02), depth)
    turn = np.linspace(-90, 90, 9) + torso.facing
    sheet.line(torso.patch(np.stack([turn, np.full(9, 0.06)], 1), 0.045, 1), figure.ink(colour), depth, weight=0.6)
    for theta in range(-80, 81, 16):
        rib = np.array([(theta + torso.facing, 0.05), (theta + torso.facing, -0.015)])
        sheet.line(torso.patch(rib, 0.045, 1), figure.ink(colour), depth, weight=0.35, opacity=0.7)
    for theta in (-22, 22):
        if is_front(figure, 80):
            cable = np.array([(theta + (3 if i % 2 else -3), 0.14 + 0.07 * i) for i in range(11)])
            sheet.line(torso.patch(cable, 0.03, 1), shade(colour), depth, weight=1.4)
    _turtleneck(figure, colour, depth + 0.006)


def _turtleneck(figure: Figure, colour: Rgb, depth: float) -> None:
    rig = figure.rig
    neck, up = rig.at("neck"), unit(flat(rig.chest[:, 1]), np.array([0.0, -1.0]))
    side, wide = np.array([-up[1], up[0]]), 0.092 + 0.035 * rig.size.chibi
    roll = np.array([(-1.15, -0.35), (-0.95, 0.75), (0, 0.6), (0.95, 0.75), (1.15, -0.35), (0, -0.75)])
    figure.sheet.paint(neck + np.outer(roll[:, 0] * wide, side) + np.outer(roll[:, 1] * 0.075, up), colour, depth,
                       ink=figure.ink(colour), parts=("torso", "neck"))  # fmt: skip


def _tracksuit(figure: Figure) -> None:
    recipe, sheet, torso = figure.recipe, figure.sheet, figure.torso
    bodice(figure, recipe.top_rgb, -0.02, 0.99, (0.04, 0.02), ON_TOP)
    depth = ON_TOP + 0.004
    band(figure, -0.015, 0.045, recipe.accent_rgb, depth, 0.042)
    if is_front(figure, 100):
        yoke = np.array([(-90, 0.80), (0, 0.72), (90, 0.80), (90, 0.85), (0, 0.77), (-90, 0.85)])
        sheet.detail(torso.patch(yoke, 0.026, 2), recipe.accent_rgb, depth)
        sheet.line(torso.patch(((0, 0.97), (0, 0.02)), 0.03), WHITE, depth, weight=1.0)
    _turtleneck(figure, recipe.accent_rgb, depth + 0.002)


_OUTFITS = {
    "sailor": sailor, "blazer": _blazer, "sundress": sundress, "hoodie": _hoodie, "casual": _casual, "shirt": _shirt,
    "coat": _coat, "yukata": yukata, "sweater": _sweater, "tracksuit": _tracksuit, "maid": maid, "pinafore": pinafore,
}  # fmt: skip
