"""Outfits with a skirt of their own: sailor uniform, sundress, yukata, maid's dress, pinafore."""

import numpy as np

from datasets.characters.body import Figure
from datasets.characters.clothes import (
    ON_TOP,
    TOP,
    VEE,
    WHITE,
    band,
    bodice,
    bow_at,
    buttons,
    collar_wings,
    is_front,
    neckline,
    sailor_collar_colour,
    skin,
    skirted,
)  # fmt: skip
from datasets.characters.geometry import ellipse
from datasets.characters.palette import light
from datasets.characters.skirts import Skirt


def sailor(figure: Figure) -> None:
    """A sailor uniform: collar with stripes, its square flap behind, a bow."""
    recipe, sheet, torso = figure.recipe, figure.sheet, figure.torso
    collar, depth = sailor_collar_colour(figure), ON_TOP + 0.004
    skirted(figure, over=False, trim=light(recipe.bottom_rgb, 0.75) if recipe.seed % 2 else None)
    bodice(figure, recipe.top_rgb, 0.24, 0.99, (0.034, 0.014), ON_TOP)
    if is_front(figure, 125):
        neckline(figure, VEE, depth)
        for sign in (-1, 1):
            lapel = np.array([(0, 0.745), (sign * 30, 0.90), (sign * 55, 1.0), (sign * 90, 1.0), (sign * 88, 0.93),
                              (sign * 62, 0.86), (sign * 30, 0.78), (0, 0.685)])  # fmt: skip
            sheet.detail(
                torso.patch(lapel, 0.026, 2), collar, depth, ink=figure.ink(collar), weight=0.8, corners=(0, 14)
            )
            stripe = np.array([(sign * 84, 0.945), (sign * 60, 0.885), (sign * 30, 0.808), (sign * 4, 0.718)])
            sheet.line(
                torso.patch(stripe, 0.03, 2),
                WHITE if recipe.top_colour != "white" else light(collar, 0.8),
                depth,
                weight=0.7,
            )
    if not is_front(figure, 55):
        flap = np.array(
            [(100, 0.99), (180, 1.02), (260, 0.99), (258, 0.88), (238, 0.70), (180, 0.69), (122, 0.70), (102, 0.88)]
        )
        sheet.detail(torso.patch(flap, 0.028, 2), collar, depth, ink=figure.ink(collar), weight=0.8)
        line = np.array([(114, 0.95), (132, 0.735), (180, 0.728), (228, 0.735), (246, 0.95)])
        sheet.line(torso.patch(line, 0.03, 2), light(collar, 0.8), depth, weight=0.7)
    bow_at(figure, 0.69, 0.115, recipe.accent_rgb, depth + 0.002)


def sundress(figure: Figure) -> None:
    """A dress on two straps, a ribbon at the waist."""
    recipe = figure.recipe
    skin(figure)
    skirted(figure, over=True, waist=0.42)
    bodice(figure, recipe.top_rgb, 0.38, 0.84, 0.012)
    depth = ON_TOP + 0.006
    for sign in (-1, 1):
        for strap in (
            ((sign * 32, 0.83), (sign * 40, 0.92), (sign * 52, 1.0)),
            ((sign * 148, 0.83), (sign * 140, 0.92), (sign * 128, 1.0)),
        ):
            if abs((strap[1][0] - figure.torso.facing + 180) % 360 - 180) < 88:
                figure.sheet.line(figure.torso.patch(strap, 0.012, 2), recipe.top_rgb, depth, weight=4.0)
    frill = [(figure.torso.facing + t, 0.825 + 0.022 * (i % 2)) for i, t in enumerate(range(-84, 85, 14))]
    figure.sheet.line(figure.torso.patch(frill, 0.02, 2), light(recipe.top_rgb, 0.6), depth, weight=2.0)
    band(figure, 0.385, 0.45, recipe.accent_rgb, depth)
    bow_at(figure, 0.415, 0.10, recipe.accent_rgb, depth + 0.001, 0 if recipe.seed % 2 else 180)


def yukata(figure: Figure) -> None:
    """Crossed collars, a flowered skirt to the ankles, an obi tied behind."""
    recipe, sheet, torso = figure.recipe, figure.sheet, figure.torso
    colour, depth = recipe.top_rgb, ON_TOP + 0.006
    skirt = skirted(figure, over=True, waist=0.40)
    bodice(figure, colour, 0.34, 0.985, 0.022)
    neckline(figure, ((-60, 1.03), (-34, 0.965), (2, 0.80), (36, 0.965), (60, 1.03)), TOP + 0.001)
    trim = light(recipe.accent_rgb, 0.55)
    for first, last in (((-52, 1.02), (24, 0.52)), ((52, 1.02), (-22, 0.52))):
        t = np.linspace(0, 1, 6)
        line = np.stack([first[0] + (last[0] - first[0]) * t, first[1] + (last[1] - first[1]) * t], 1)
        if is_front(figure, 110):
            sheet.line(torso.patch(line, 0.03, 1), figure.ink(trim), TOP + 0.001, weight=5.2)
            sheet.line(torso.patch(line, 0.03, 1), trim, TOP + 0.001, weight=3.8)
    _flowers(figure, skirt, depth)
    band(figure, 0.33, 0.56, recipe.accent_rgb, depth, 0.032)
    band(figure, 0.43, 0.46, light(recipe.accent_rgb, 0.55), depth, 0.036)
    bow_at(figure, 0.47, 0.19, recipe.accent_rgb, depth + 0.001, 180)


def _flowers(figure: Figure, skirt: Skirt | None, depth: float) -> None:
    if skirt is None or not figure.sheet.wants_details:
        return
    tone = light(figure.recipe.accent_rgb, 0.35)
    for k in range(12):
        turn, w = (k * 137.5 + figure.recipe.seed % 90) % 360, 0.42 + 0.52 * ((k * 0.618) % 1.0)
        points, near = skirt.at(np.array([turn]), w)
        if near[0]:
            for petal in range(5):
                angle = np.radians(petal * 72 + k * 20)
                figure.sheet.detail(
                    ellipse(points[0] + 0.026 * np.array([np.cos(angle), np.sin(angle)]), 0.019, 0.019, 5),
                    tone,
                    depth - 0.0005,
                )


def maid(figure: Figure) -> None:
    """A dark dress under a white apron with frills."""
    recipe, sheet, torso = figure.recipe, figure.sheet, figure.torso
    skirt = skirted(figure, over=True, waist=0.40)
    bodice(figure, recipe.top_rgb, 0.34, 0.99, 0.014)
    depth = max(ON_TOP, figure.depths["left_thigh"] + 0.012, figure.depths["right_thigh"] + 0.012) + 0.001
    if skirt is not None and is_front(figure, 100):
        turns = np.array([-50, -30, -10, 10, 30, 50.0])
        low, _ = skirt.at(turns, 0.86)
        waist, _ = skirt.at(np.array([34.0, 0.0, -34.0]), 0.0)
        apron = np.vstack([low, waist])
        sheet.detail(apron, WHITE, depth, ink=figure.ink(WHITE), weight=0.8, corners=(0, 5, 6, 8))
        for turn in (-50, -30, -10, 10, 30, 50):
            place, _ = skirt.at(np.array([turn]), 0.86)
            sheet.detail(ellipse(place[0], 0.034, 0.026, 7), WHITE, depth, ink=figure.ink(WHITE), weight=0.6)
    depth = ON_TOP + 0.006
    bib = np.array(
        [
            (-32, 0.40),
            (-38, 0.72),
            (-60, 1.0),
            (-74, 1.0),
            (-56, 0.76),
            (0, 0.74),
            (56, 0.76),
            (74, 1.0),
            (60, 1.0),
            (38, 0.72),
            (32, 0.40),
        ]
    )
    if is_front(figure, 110):
        sheet.detail(torso.patch(bib, 0.022, 2), WHITE, depth, ink=figure.ink(WHITE), weight=0.7)
    band(figure, 0.37, 0.44, WHITE, depth)
    bow_at(figure, 0.41, 0.20, WHITE, depth, 180)
    collar_wings(figure, WHITE, depth, 0.9, 24)
    bow_at(figure, 0.91, 0.08, recipe.accent_rgb, depth + 0.001)


def pinafore(figure: Figure) -> None:
    """A skirt with a bib and straps over a white blouse."""
    recipe, sheet, torso = figure.recipe, figure.sheet, figure.torso
    skirted(figure, over=True, waist=0.40)
    bodice(figure, WHITE, 0.34, 0.99, 0.012)
    sheet.paint(
        torso.outline(0.36, 0.62, 0.02),
        recipe.bottom_rgb,
        TOP + 0.001,
        ink=figure.ink(recipe.bottom_rgb),
        parts=("torso",),
    )
    depth = ON_TOP + 0.005
    for sign in (-1, 1):
        for a, b in ((26, 52), (154, 128)):
            strap = np.array(
                [(sign * (a + 9), 0.6), (sign * (a - 9), 0.6), (sign * (b - 12), 1.0), (sign * (b + 6), 1.0)]
            )
            if abs((sign * a - torso.facing + 180) % 360 - 180) < 95:
                sheet.detail(
                    torso.patch(strap, 0.024, 2),
                    recipe.bottom_rgb,
                    depth,
                    ink=figure.ink(recipe.bottom_rgb),
                    weight=0.7,
                    corners=(0, 2, 4, 6),
                )
    buttons(figure, (0.56,), (240, 206, 120), depth, 26, 0.018, 0.03)
    buttons(figure, (0.56,), (240, 206, 120), depth, -26, 0.018, 0.03)
    collar_wings(figure, WHITE, depth)
    bow_at(figure, 0.91, 0.095, recipe.accent_rgb, depth + 0.001)
