"""Pieces that outfits are made of: bodices, necklines, collars, belts, ties, bows, sleeves.

Patterns and collars are laid on the torso's surface by angle and height, so they turn with the body and show their back
from behind. A garment's torso shape draws the part "torso": it dresses the shoulders and hips under it, hides nothing
there.
"""

from collections.abc import Sequence

import numpy as np

from datasets.characters.body import Figure
from datasets.characters.geometry import Inflate, Numbers, ellipse, flat
from datasets.characters.limbs import Layer
from datasets.characters.palette import CLOTH, Rgb, shade
from datasets.characters.skirts import Skirt, draw_skirt, ribbon_bow

TOP = 0.0
ON_TOP = 0.004
WHITE = CLOTH["white"]


def sleeve_layers(figure: Figure) -> list[Layer]:
    """Sleeves of the outfit, inner first."""
    recipe = figure.recipe
    colour, accent = recipe.top_rgb, recipe.accent_rgb
    outfit = recipe.outfit
    if outfit == "pinafore":
        colour = WHITE
    if recipe.sleeves == "none":
        return []
    if recipe.sleeves == "short":
        puff = 1.42 if outfit in ("maid", "pinafore", "sundress") else 1.28
        bands = {"sailor": sailor_collar_colour(figure), "maid": WHITE, "tracksuit": accent}
        band: Rgb | None = bands.get(outfit, shade(colour, 0.6))
        return [Layer(0.0, 0.58, colour, puff, 0.006, flare=0.12, band=band)]
    thick = {"hoodie": 1.32, "sweater": 1.28, "coat": 1.34, "blazer": 1.22, "tracksuit": 1.24}.get(outfit, 1.16)
    bands = {"sailor": sailor_collar_colour(figure), "maid": WHITE, "shirt": shade(colour, 0.5)}
    band = None if outfit == "blazer" else bands.get(outfit, shade(colour, 0.7))
    end = 1.98 if outfit in ("hoodie", "sweater") else 1.9
    layers = [Layer(0.0, end, colour, thick, 0.01, flare=0.2 if outfit in ("sweater", "hoodie") else 0.08, band=band)]
    if outfit == "blazer":
        layers.insert(0, Layer(1.5, 1.98, WHITE, 1.14, 0.004))
    return layers


def sailor_collar_colour(figure: Figure) -> Rgb:
    """The colour of a sailor collar: one that stands out from the top."""
    top = figure.recipe.top_colour
    return figure.recipe.bottom_rgb if top in ("white", "black") else shade(figure.recipe.top_rgb, 2.0)


def bodice(
    figure: Figure, colour: Rgb, low: float, high: float = 1.0, inflate: Inflate = 0.014, depth: float = TOP
) -> None:
    """The torso in one colour, with its shadow side."""
    torso, sheet = figure.torso, figure.sheet
    sheet.paint(torso.outline(low, high, inflate, 10), colour, depth, ink=figure.ink(colour), parts=("torso",))
    side = np.linspace(max(low, 0.02), min(high, 0.9), 6)
    grow = inflate[0] if isinstance(inflate, tuple) else inflate
    edge = torso.facing + 89
    inner = np.array([62, 70, 58, 48, 56, 66]) + torso.facing
    places = np.vstack([np.stack([np.full(6, edge), side], 1), np.stack([inner, side], 1)[::-1]])
    # On the right of the picture, wherever the body turns: the light stands at the upper left.
    points = torso.patch(places, grow * 0.9, 1)
    mirrored = torso.patch(np.stack([2 * torso.facing - places[:, 0], places[:, 1]], 1), grow * 0.9, 1)
    chosen = points if points[:, 0].mean() >= mirrored[:, 0].mean() else mirrored
    sheet.detail(chosen, shade(colour), depth)


def skin(figure: Figure, low: float = 0.5) -> None:
    """Draw the bare torso and neck that clothes are laid over."""
    recipe = figure.recipe
    figure.sheet.paint(figure.torso.outline(low, 1.0, 0.0), recipe.skin_rgb, TOP - 0.002,
                       ink=figure.ink(recipe.skin_rgb),
                       parts=("torso",))  # fmt: skip


def neckline(figure: Figure, places: Numbers, depth: float = TOP) -> None:
    """A window of skin at the neck."""
    tone = figure.recipe.skin_rgb
    figure.sheet.detail(figure.torso.patch(places, 0.016), tone, depth, ink=figure.ink(tone), weight=0.7)


ROUND = ((-62, 0.985), (-48, 0.965), (-28, 0.94), (0, 0.93), (28, 0.94), (48, 0.965), (62, 0.985))
SCOOP = ((-60, 0.985), (-46, 0.945), (-26, 0.90), (0, 0.885), (26, 0.90), (46, 0.945), (60, 0.985))
VEE = ((-60, 0.99), (-38, 0.955), (0, 0.76), (38, 0.955), (60, 0.99))


def skirted(figure: Figure, over: bool, waist: float = 0.36, trim: Rgb | None = None) -> Skirt | None:
    """The recipe's skirt, over the top's hem or under it; nothing for trousers and shorts."""
    recipe = figure.recipe
    if recipe.bottom not in ("pleated_skirt", "flared_skirt", "long_skirt", "yukata"):
        return None
    skirt = draw_skirt(
        figure, recipe.bottom, recipe.bottom_rgb, depth=ON_TOP if over else TOP - 0.003, waist=waist, trim=trim
    )
    if over and recipe.bottom != "yukata":
        band(figure, waist - 0.035, waist + 0.03, shade(recipe.bottom_rgb, 0.7), ON_TOP + 0.002)
    return skirt


def band(figure: Figure, low: float, high: float, colour: Rgb, depth: float, inflate: float = 0.022) -> None:
    """A belt around the visible side of the torso."""
    turn = np.linspace(-90, 90, 9) + figure.torso.facing
    places = np.vstack([np.stack([turn, np.full(9, high)], 1), np.stack([turn, np.full(9, low)], 1)[::-1]])
    figure.sheet.detail(
        figure.torso.patch(places, inflate, 1), colour, depth, ink=figure.ink(colour), weight=0.8, corners=(0, 8, 9, 17)
    )


def buttons(
    figure: Figure,
    heights: Sequence[float],
    colour: Rgb,
    depth: float,
    theta: float = 0.0,
    size: float = 0.014,
    inflate: float = 0.02,
) -> None:
    """Buttons down the front; not drawn where the surface turns away."""
    if abs((theta - figure.torso.facing + 180) % 360 - 180) > 78:
        return
    for height in heights:
        place = flat(figure.torso.ring([theta], height, inflate))[0]
        figure.sheet.detail(ellipse(place, size, size, 6), colour, depth, ink=figure.ink(colour), weight=0.4)


def is_front(figure: Figure, limit: float = 80) -> bool:
    """Whether the torso faces us closely enough (degrees) for what is worn on the chest to show."""
    return abs((figure.torso.facing + 180) % 360 - 180) < limit


def collar_wings(figure: Figure, colour: Rgb, depth: float, tip: float = 0.87, spread: float = 30) -> None:
    """Draw the two wings of a shirt collar."""
    for sign in (-1, 1):
        wing = np.array(
            [(sign * 4, 0.955), (sign * 20, 1.02), (sign * 80, 1.025), (sign * 70, 0.98), (sign * spread, tip)]
        )
        if is_front(figure, 100):
            figure.sheet.detail(figure.torso.patch(wing, 0.03, 2), colour, depth, ink=figure.ink(colour), weight=0.7,
                                corners=(0, 2, 4, 8))  # fmt: skip
    if not is_front(figure, 75):
        back = np.array([(110, 1.03), (180, 1.045), (250, 1.03), (250, 0.975), (180, 0.965), (110, 0.975)])
        figure.sheet.detail(figure.torso.patch(back, 0.03, 2), colour, depth, ink=figure.ink(colour), weight=0.7)


def necktie(figure: Figure, colour: Rgb, depth: float, low: float = 0.48) -> None:
    """Draw a necktie hanging from the collar."""
    if not is_front(figure):
        return
    strip = np.array([(-5, 0.93), (5, 0.93), (9, low + 0.06), (0, low), (-9, low + 0.06)])
    figure.sheet.detail(
        figure.torso.patch(strip, 0.03, 2), colour, depth, ink=figure.ink(colour), weight=0.7, corners=(0, 2, 4, 6, 8)
    )
    knot = np.array([(-9, 0.955), (9, 0.955), (6, 0.905), (-6, 0.905)])
    figure.sheet.detail(
        figure.torso.patch(knot, 0.032, 1), shade(colour, 0.5), depth, ink=figure.ink(colour), weight=0.7
    )


def bow_at(figure: Figure, height: float, size: float, colour: Rgb, depth: float, theta: float = 0.0) -> None:
    """Draw a bow on the torso, at a height along it and an angle around it."""
    offset = (theta - figure.torso.facing + 180) % 360 - 180
    if abs(offset) < 84:
        place = flat(figure.torso.ring([theta], height, 0.04))[0]
        up = flat(figure.rig.chest[:, 1])
        angle = float(np.degrees(np.arctan2(up[0], -up[1])))
        ribbon_bow(figure, place, size * (0.75 + 0.25 * np.cos(np.radians(offset))), colour, depth, angle)
