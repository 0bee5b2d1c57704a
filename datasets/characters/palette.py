"""Colours of the drawn characters: named hair, eye, skin and cloth colours, and the shades a cel painter mixes from
them.

Names are Danbooru's colour words, so that a tag can be made of them.
"""

import colorsys
import random
from functools import lru_cache
from typing import Final

Rgb = tuple[int, int, int]

HAIR: Final[dict[str, Rgb]] = {
    "black": (52, 50, 66), "brown": (134, 88, 64), "blonde": (246, 212, 128), "pink": (248, 168, 196),
    "blue": (92, 138, 216), "purple": (150, 112, 200), "red": (206, 72, 70), "green": (108, 180, 132),
    "aqua": (124, 212, 222), "silver": (204, 210, 226), "white": (242, 240, 248), "orange": (242, 148, 84),
    "grey": (146, 150, 166), "light_brown": (196, 150, 106),
}  # fmt: skip
EYES: Final[dict[str, Rgb]] = {
    "blue": (58, 134, 226), "green": (56, 168, 108), "red": (214, 56, 70), "purple": (142, 88, 210),
    "brown": (146, 88, 52), "yellow": (232, 178, 46), "aqua": (52, 188, 204), "pink": (232, 96, 152),
    "orange": (236, 126, 50), "black": (60, 58, 78),
}  # fmt: skip
SKIN: Final[dict[str, Rgb]] = {
    "fair": (255, 232, 218), "light": (254, 222, 200), "warm": (248, 208, 180), "tan": (226, 170, 130),
    "dark": (160, 110, 82),
}  # fmt: skip
CLOTH: Final[dict[str, Rgb]] = {
    "white": (248, 248, 252), "black": (54, 54, 68), "blue": (84, 124, 198), "red": (208, 70, 76),
    "green": (98, 156, 116), "pink": (246, 172, 192), "purple": (136, 108, 184), "yellow": (248, 212, 110),
    "brown": (146, 104, 78), "grey": (156, 162, 176), "orange": (240, 148, 84), "aqua": (142, 212, 214),
}  # fmt: skip
NAVY: Final[Rgb] = (58, 72, 116)

GREY_WEIGHTS: Final = (0.299, 0.587, 0.114)


def jittered(colour: Rgb, rng: random.Random, amount: int = 10) -> Rgb:
    """A neighbour of a colour: the same word still names it."""
    r, g, b = (max(0, min(255, c + rng.randint(-amount, amount))) for c in colour)
    return r, g, b


@lru_cache(maxsize=4096)
def toned(colour: Rgb, hue: float = 0.0, saturation: float = 1.0, value: float = 1.0) -> Rgb:
    """Turn the hue (in turns) and scale saturation and value."""
    h, s, v = colorsys.rgb_to_hsv(*(c / 255 for c in colour))
    r, g, b = colorsys.hsv_to_rgb((h + hue) % 1.0, min(1.0, s * saturation), min(1.0, v * value))
    return round(r * 255), round(g * 255), round(b * 255)


def blended(a: Rgb, b: Rgb, t: float) -> Rgb:
    """a at t = 0, b at t = 1."""
    return round(a[0] + (b[0] - a[0]) * t), round(a[1] + (b[1] - a[1]) * t), round(a[2] + (b[2] - a[2]) * t)


def shade(colour: Rgb, depth: float = 1.0) -> Rgb:
    """The cel shadow of a colour: darker, cooler and a little richer, as anime painters mix it, never plain grey."""
    darker = toned(colour, saturation=1 + 0.22 * depth, value=1 - 0.17 * depth)
    return blended(darker, (96, 84, 150), 0.13 * depth)


def light(colour: Rgb, amount: float = 0.5) -> Rgb:
    """A highlight of a colour: towards a warm white."""
    return blended(colour, (255, 252, 244), amount)


@lru_cache(maxsize=4096)
def ink(colour: Rgb, outline: Rgb) -> Rgb:
    """The outline of a part: the drawing's ink, tinted by what it surrounds."""
    return blended(outline, toned(colour, saturation=1.3, value=0.5), 0.42)


def to_hex(colour: Rgb) -> str:
    """A colour as SVG writes it, `#rrggbb`."""
    r, g, b = colour
    return f"#{r:02x}{g:02x}{b:02x}"


def greyed(colour: Rgb) -> Rgb:
    """The colour as a monochrome print has it."""
    level = round(sum(c * w for c, w in zip(colour, GREY_WEIGHTS, strict=True)))
    return level, level, level
