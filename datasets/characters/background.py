"""Drawn backgrounds from a seed: skies, hills, rooms, patterns and gradients. Opaque, no character in them."""

import random
from itertools import pairwise

import numpy as np

from datasets.characters.palette import Rgb, blended, to_hex, toned
from datasets.characters.raster import svg_to_rgba

KINDS = ("plain", "gradient", "pattern", "sky", "hills", "room")
_WHITE: Rgb = (255, 255, 255)
_PLAIN: tuple[Rgb, ...] = (
    _WHITE, _WHITE, (246, 244, 240), (232, 236, 244), (250, 232, 232), (228, 240, 232), (210, 214, 226),
)  # fmt: skip
_GREENS: tuple[Rgb, ...] = ((132, 190, 118), (112, 176, 132), (164, 194, 104), (196, 178, 112))
_FLOORS: tuple[Rgb, ...] = ((206, 164, 122), (184, 142, 108), (220, 204, 184), (170, 176, 190))


def random_background(seed: int, size_wh: tuple[int, int], kind: str | None = None) -> np.ndarray:
    """Draw a background: (H, W, 3) uint8.

    Args:
        kind: one of KINDS; None lets the seed choose.
    Raises:
        ValueError: an unknown kind.
    """
    rng = random.Random(f"{seed}/background")
    chosen = rng.choice(KINDS)
    kind = kind or chosen
    if kind not in KINDS:
        raise ValueError(f"background: kind is {kind!r}, expected one of {', '.join(KINDS)}")
    width, height = size_wh
    if kind == "plain":
        return np.broadcast_to(np.array(rng.choice(_PLAIN), np.uint8), (height, width, 3)).copy()
    draw = {"gradient": _gradient, "pattern": _pattern, "sky": _sky, "hills": _hills, "room": _room}[kind]
    body = "".join(draw(rng, float(width), float(height)))
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">{body}</svg>'
    return np.ascontiguousarray(svg_to_rgba(svg)[..., :3])


def _element(name: str, fill: Rgb | str, opacity: float = 1.0, **numbers: float) -> str:
    """One SVG element; numbers become its attributes."""
    attributes = "".join(f' {key.replace("_", "-")}="{value:.1f}"' for key, value in numbers.items())
    colour = fill if isinstance(fill, str) else to_hex(fill)
    shine = f' fill-opacity="{opacity:.2f}"' if opacity < 1 else ""
    return f'<{name} fill="{colour}"{shine}{attributes}/>'


def _path(commands: list[tuple], fill: Rgb | str, stroke: Rgb | None = None, stroke_width: float = 0.0) -> str:
    """A path from (letter, numbers...) commands."""
    data = "".join(letter + " ".join(f"{number:.1f}" for number in numbers) for letter, *numbers in commands)
    line = f' stroke="{to_hex(stroke)}" stroke-width="{stroke_width:.1f}"' if stroke else ""
    return f'<path d="{data}" fill="{fill if isinstance(fill, str) else to_hex(fill)}"{line}/>'


def _pastel(rng: random.Random, low: float = 0.10, high: float = 0.32) -> Rgb:
    saturation = rng.uniform(low, high) / 0.53
    return toned((255, 120, 120), hue=rng.random(), saturation=saturation, value=rng.uniform(0.92, 1.0))


def _wash(w: float, h: float, colours: list[Rgb], vertical: bool = True) -> list[str]:
    """The whole picture in a run of colours."""
    offsets = np.linspace(0, 1, len(colours))
    marks = "".join(f'<stop offset="{t:.3f}" stop-color="{to_hex(c)}"/>' for t, c in zip(offsets, colours, strict=True))
    x2, y2 = (0, 1) if vertical else (1, 1)
    defs = f'<defs><linearGradient id="b" x1="0" y1="0" x2="{x2}" y2="{y2}">{marks}</linearGradient></defs>'
    return [defs, _element("rect", "url(#b)", width=w, height=h)]


def _gradient(rng: random.Random, w: float, h: float) -> list[str]:
    parts = _wash(w, h, [_pastel(rng, 0.15, 0.5), _pastel(rng, 0.05, 0.3)], rng.random() < 0.6)
    for _ in range(rng.randint(0, 14)):
        radius = rng.uniform(0.01, 0.09) * min(w, h)
        place = {"cx": rng.uniform(0, w), "cy": rng.uniform(0, h)}
        parts.append(_element("circle", _WHITE, rng.uniform(0.15, 0.5), r=radius, **place))
    return parts


def _pattern(rng: random.Random, w: float, h: float) -> list[str]:
    base, mark = _pastel(rng), _pastel(rng, 0.25, 0.5)
    parts = [_element("rect", base, width=w, height=h)]
    step = rng.uniform(0.06, 0.13) * min(w, h)
    kind = rng.choice(("dots", "stripes", "checks", "stars"))
    if kind == "stripes":
        slope = rng.choice((0.0, 1.0, -1.0))
        for k in range(int((w + 2 * h) / (2 * step)) + 1):
            x = -h + 2 * step * k
            parts.append(_path([("M", x, 0), ("h", step), ("l", slope * h, h), ("h", -step), ("Z",)], mark))
        return parts
    for row in range(int(h / step) + 2):
        for column in range(int(w / step) + 2):
            x, y = column * step + (row % 2) * step / 2, row * step
            if kind == "dots":
                parts.append(_element("circle", mark, cx=x, cy=y, r=step * 0.2))
            elif kind == "checks" and column % 2 == 0:
                parts.append(_element("rect", mark, x=(column + row % 2) * step, y=y, width=step, height=step))
            elif kind == "stars" and (row + column) % 2 == 0:
                parts.append(_star(x, y, step * 0.32, mark))
    return parts


def _star(x: float, y: float, size: float, colour: Rgb) -> str:
    """Four points with hollow sides."""
    a, b = size * 0.15, size * 0.85
    return _path([("M", x, y - size), ("q", a, b, size, size), ("q", -b, a, -size, size), ("q", -a, -b, -size, -size),
                  ("q", b, -a, size, -size), ("Z",)], colour)  # fmt: skip


def _cloud(rng: random.Random, x: float, y: float, size: float, colour: Rgb, opacity: float) -> str:
    parts = []
    for k in range(5):
        rise = rng.uniform(0, 0.35) * size * (2.2 - abs(k - 2))
        parts.append(_element("ellipse", colour, cx=x + (k - 2) * size * 0.5, cy=y - rise,
                              rx=size * rng.uniform(0.4, 0.6), ry=size * rng.uniform(0.28, 0.45)))  # fmt: skip
    base = {"x": x - size * 1.35, "y": y - size * 0.1, "width": size * 2.7, "height": size * 0.36}
    parts.append(_element("rect", colour, rx=size * 0.18, **base))
    return f'<g opacity="{opacity:.2f}">{"".join(parts)}</g>'


def _sky(rng: random.Random, w: float, h: float) -> list[str]:
    dusk = rng.random() < 0.3
    day: list[Rgb] = [(96, 164, 232), (160, 208, 246), (230, 244, 252)]
    parts = _wash(w, h, [(92, 96, 170), (236, 150, 150), (255, 214, 160)] if dusk else day)
    for _ in range(rng.randint(4, 8)):
        size = rng.uniform(0.06, 0.18) * w
        x, y = rng.uniform(0, w), rng.uniform(0.05, 0.95) * h
        parts.append(_cloud(rng, x, y, size, (255, 233, 220) if dusk else _WHITE, rng.uniform(0.55, 0.95)))
    return parts


def _ridge(rng: random.Random, w: float, h: float, base: float, rise: float, colour: Rgb) -> str:
    points = [(w * k / 5, h * (base - rng.uniform(0, rise))) for k in range(6)]
    commands: list[tuple] = [("M", 0, h), ("L", *points[0])]
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (x0 + x1) / 2
        commands.append(("C", middle, y0, middle, y1, x1, y1))
    return _path([*commands, ("L", w, h), ("Z",)], colour)


def _hills(rng: random.Random, w: float, h: float) -> list[str]:
    parts = _sky(rng, w, h)
    green = rng.choice(_GREENS)
    for k, (base, rise) in enumerate(((0.62, 0.14), (0.72, 0.10), (0.84, 0.06))):
        parts.append(_ridge(rng, w, h, base, rise, blended((176, 212, 226), green, 0.45 + 0.27 * k)))
    for _ in range(rng.randint(3, 9)):
        x, y, s = rng.uniform(0, w), h * rng.uniform(0.66, 0.8), rng.uniform(0.02, 0.05) * h
        parts.append(_element("rect", (124, 92, 72), x=x - s * 0.1, y=y, width=s * 0.2, height=s * 0.8))
        parts.append(_element("ellipse", toned(green, value=0.8), cx=x, cy=y - s * 0.3, rx=s * 0.7, ry=s))
    for _ in range(rng.randint(10, 40)):
        place = {"cx": rng.uniform(0, w), "cy": h * rng.uniform(0.87, 0.99)}
        parts.append(_element("circle", _pastel(rng, 0.1, 0.5), r=h * 0.004, **place))
    return parts


def _room(rng: random.Random, w: float, h: float) -> list[str]:
    wall, floor = _pastel(rng, 0.06, 0.2), rng.choice(_FLOORS)
    line = h * rng.uniform(0.70, 0.80)
    parts = [_element("rect", wall, width=w, height=h), _element("rect", floor, y=line, width=w, height=h - line)]
    for k in range(9):
        x = w * (k - 0.5) / 7
        board: list[tuple] = [("M", x, line), ("L", w / 2 + (x - w / 2) * 2.2, h)]
        parts.append(_path(board, "none", toned(floor, value=0.88), 1.2))
    skirting = h * 0.022
    parts.append(_element("rect", toned(wall, value=0.84), y=line - skirting, width=w, height=skirting))
    parts += _window(rng, w, h)
    rug = {"cx": w / 2, "cy": (line + h) / 2 + h * 0.03, "rx": w * rng.uniform(0.3, 0.45), "ry": (h - line) * 0.34}
    return [*parts, _element("ellipse", _pastel(rng, 0.2, 0.4), **rug)]


def _window(rng: random.Random, w: float, h: float) -> list[str]:
    """A window with a cloud and two curtains."""
    wide, tall = w * rng.uniform(0.3, 0.5), h * rng.uniform(0.26, 0.38)
    x, y = rng.uniform(0.05, 0.95) * (w - wide), h * rng.uniform(0.08, 0.2)
    parts = [_element("rect", (191, 226, 246), x=x, y=y, width=wide, height=tall)]
    parts.append(_cloud(rng, x + wide * 0.55, y + tall * 0.55, wide * 0.13, _WHITE, 0.9))
    frame: list[tuple] = [("M", x, y), ("h", wide), ("v", tall), ("h", -wide), ("Z",)]
    bars: list[tuple] = [*frame, ("M", x + wide / 2, y), ("v", tall), ("M", x, y + tall / 2), ("h", wide)]
    parts.append(_path(bars, "none", (250, 246, 238), h * 0.014))
    cloth = _pastel(rng, 0.25, 0.45)
    for sign, edge in ((1, x - wide * 0.06), (-1, x + wide * 1.06)):
        fall = (-sign * wide * 0.04, tall * 0.6, -sign * wide * 0.14, tall * 1.12)
        top, bottom = ("h", sign * wide * 0.26), ("h", -sign * wide * 0.12)
        parts.append(_path([("M", edge, y - 8), top, ("q", *fall), bottom, ("Z",)], cloth))
    return parts
