"""Drawn backgrounds from a seed: skies, hills, rooms, patterns and gradients. Opaque, no character in them."""

import random

import numpy as np

from datasets.characters.palette import Rgb, blended, to_hex, toned
from datasets.characters.raster import svg_to_rgba

KINDS = ("plain", "gradient", "pattern", "sky", "hills", "room")
_PLAIN: tuple[Rgb, ...] = ((255, 255, 255), (255, 255, 255), (246, 244, 240), (232, 236, 244), (250, 232, 232), (228, 240, 232), (210, 214, 226))


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
    body = {"gradient": _gradient, "pattern": _pattern, "sky": _sky, "hills": _hills, "room": _room}[kind](rng, width, height)
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">{body}</svg>'
    return np.ascontiguousarray(svg_to_rgba(svg)[..., :3])


def _pastel(rng: random.Random, low: float = 0.10, high: float = 0.32) -> Rgb:
    return toned((255, 120, 120), hue=rng.random(), saturation=rng.uniform(low, high) / 0.53, value=rng.uniform(0.92, 1.0))


def _fill(width: int, height: int, colours, vertical: bool = True, name: str = "b") -> str:
    stops = "".join(f'<stop offset="{i / (len(colours) - 1):.3f}" stop-color="{to_hex(c)}"/>' for i, c in enumerate(colours))
    x2, y2 = (0, 1) if vertical else (1, 1)
    return (f'<defs><linearGradient id="{name}" x1="0" y1="0" x2="{x2}" y2="{y2}">{stops}</linearGradient></defs>'
            f'<rect width="{width}" height="{height}" fill="url(#{name})"/>')  # fmt: skip


def _gradient(rng: random.Random, w: int, h: int) -> str:
    parts = [_fill(w, h, [_pastel(rng, 0.15, 0.5), _pastel(rng, 0.05, 0.3)], rng.random() < 0.6)]
    for _ in range(rng.randint(0, 14)):
        r = rng.uniform(0.01, 0.09) * min(w, h)
        parts.append(f'<circle cx="{rng.uniform(0, w):.1f}" cy="{rng.uniform(0, h):.1f}" r="{r:.1f}" fill="#fff" opacity="{rng.uniform(0.15, 0.5):.2f}"/>')
    return "".join(parts)


def _pattern(rng: random.Random, w: int, h: int) -> str:
    base, mark = _pastel(rng), _pastel(rng, 0.25, 0.5)
    parts = [f'<rect width="{w}" height="{h}" fill="{to_hex(base)}"/>']
    step = rng.uniform(0.06, 0.13) * min(w, h)
    kind = rng.choice(("dots", "stripes", "checks", "stars"))
    tone = to_hex(mark)
    if kind == "stripes":
        slope = rng.choice((0.0, 1.0, -1.0))
        x = -float(h)
        while x < w + h:
            parts.append(f'<path d="M{x:.1f} 0h{step:.1f}l{slope * h:.1f} {h}h{-step:.1f}Z" fill="{tone}"/>')
            x += 2 * step
        return "".join(parts)
    for row in range(int(h / step) + 2):
        for column in range(int(w / step) + 2):
            x, y = column * step + (row % 2) * step / 2, row * step
            if kind == "dots":
                parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{step * 0.2:.1f}" fill="{tone}"/>')
            elif kind == "checks" and column % 2 == 0:
                parts.append(f'<rect x="{column * step + (row % 2) * step:.1f}" y="{y:.1f}" width="{step:.1f}" height="{step:.1f}" fill="{tone}"/>')
            elif kind == "stars" and (row + column) % 2 == 0:
                s = step * 0.32
                parts.append(f'<path d="M{x:.1f} {y - s:.1f}q{s * 0.15:.1f} {s * 0.85:.1f} {s:.1f} {s:.1f}q{-s * 0.85:.1f} {s * 0.15:.1f} {-s:.1f} {s:.1f}'
                             f'q{-s * 0.15:.1f} {-s * 0.85:.1f} {-s:.1f} {-s:.1f}q{s * 0.85:.1f} {-s * 0.15:.1f} {s:.1f} {-s:.1f}Z" fill="{tone}"/>')
    return "".join(parts)


def _cloud(rng: random.Random, x: float, y: float, size: float, colour: str, opacity: float) -> str:
    puffs = "".join(f'<ellipse cx="{x + (k - 2) * size * 0.5:.1f}" cy="{y - rng.uniform(0, 0.35) * size * (2.2 - abs(k - 2)):.1f}" '
                    f'rx="{size * rng.uniform(0.4, 0.6):.1f}" ry="{size * rng.uniform(0.28, 0.45):.1f}"/>' for k in range(5))  # fmt: skip
    return f'<g fill="{colour}" opacity="{opacity}">{puffs}<rect x="{x - size * 1.35:.1f}" y="{y - size * 0.1:.1f}" width="{size * 2.7:.1f}" height="{size * 0.36:.1f}" rx="{size * 0.18:.1f}"/></g>'


def _sky(rng: random.Random, w: int, h: int) -> str:
    dusk = rng.random() < 0.3
    colours = [(92, 96, 170), (236, 150, 150), (255, 214, 160)] if dusk else [(96, 164, 232), (160, 208, 246), (230, 244, 252)]
    parts = [_fill(w, h, colours)]
    white = "#ffe9dc" if dusk else "#ffffff"
    for _ in range(rng.randint(4, 8)):
        size = rng.uniform(0.06, 0.18) * w
        parts.append(_cloud(rng, rng.uniform(0, w), rng.uniform(0.05, 0.95) * h, size, white, round(rng.uniform(0.55, 0.95), 2)))
    return "".join(parts)


def _ridge(rng: random.Random, w: int, h: int, base: float, rise: float, colour: Rgb) -> str:
    points = [(w * k / 5, h * (base - rng.uniform(0, rise))) for k in range(6)]
    path = f"M0 {h}L{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False):
        middle = (x0 + x1) / 2
        path += f"C{middle:.1f} {y0:.1f} {middle:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"
    return f'<path d="{path}L{w} {h}Z" fill="{to_hex(colour)}"/>'


def _hills(rng: random.Random, w: int, h: int) -> str:
    parts = [_sky(rng, w, h)]
    green = rng.choice(((132, 190, 118), (112, 176, 132), (164, 194, 104), (196, 178, 112)))
    for k, (base, rise) in enumerate(((0.62, 0.14), (0.72, 0.10), (0.84, 0.06))):
        parts.append(_ridge(rng, w, h, base, rise, blended((176, 212, 226), green, 0.45 + 0.27 * k)))
    for _ in range(rng.randint(3, 9)):
        x, y, s = rng.uniform(0, w), h * rng.uniform(0.66, 0.8), rng.uniform(0.02, 0.05) * h
        parts.append(f'<rect x="{x - s * 0.1:.1f}" y="{y:.1f}" width="{s * 0.2:.1f}" height="{s * 0.8:.1f}" fill="#7c5c48"/>'
                     f'<ellipse cx="{x:.1f}" cy="{y - s * 0.3:.1f}" rx="{s * 0.7:.1f}" ry="{s:.1f}" fill="{to_hex(toned(green, value=0.8))}"/>')  # fmt: skip
    for _ in range(rng.randint(10, 40)):
        x, y = rng.uniform(0, w), h * rng.uniform(0.87, 0.99)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{h * 0.004:.1f}" fill="{to_hex(_pastel(rng, 0.1, 0.5))}"/>')
    return "".join(parts)


def _room(rng: random.Random, w: int, h: int) -> str:
    wall, floor = _pastel(rng, 0.06, 0.2), rng.choice(((206, 164, 122), (184, 142, 108), (220, 204, 184), (170, 176, 190)))
    line = h * rng.uniform(0.70, 0.80)
    parts = [f'<rect width="{w}" height="{h}" fill="{to_hex(wall)}"/><rect y="{line:.1f}" width="{w}" height="{h - line:.1f}" fill="{to_hex(floor)}"/>']
    for k in range(9):
        x = w * (k - 0.5) / 7
        parts.append(f'<path d="M{x:.1f} {line:.1f}L{w / 2 + (x - w / 2) * 2.2:.1f} {h}" stroke="{to_hex(toned(floor, value=0.88))}" stroke-width="1.2"/>')
    parts.append(f'<rect y="{line - h * 0.022:.1f}" width="{w}" height="{h * 0.022:.1f}" fill="{to_hex(toned(wall, value=0.84))}"/>')
    ww, wh = w * rng.uniform(0.3, 0.5), h * rng.uniform(0.26, 0.38)
    x, y = rng.uniform(0.05, 0.95) * (w - ww), h * rng.uniform(0.08, 0.2)
    frame = "#faf6ee"
    parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{ww:.1f}" height="{wh:.1f}" fill="#bfe2f6"/>')
    parts.append(_cloud(rng, x + ww * 0.55, y + wh * 0.55, ww * 0.13, "#ffffff", 0.9))
    bars = f"M{x:.1f} {y:.1f}h{ww:.1f}v{wh:.1f}h{-ww:.1f}ZM{x + ww / 2:.1f} {y:.1f}v{wh:.1f}M{x:.1f} {y + wh / 2:.1f}h{ww:.1f}"
    parts.append(f'<path d="{bars}" fill="none" stroke="{frame}" stroke-width="{h * 0.014:.1f}"/>')
    cloth = to_hex(_pastel(rng, 0.25, 0.45))
    for sign, edge in ((1, x - ww * 0.06), (-1, x + ww * 1.06)):
        parts.append(f'<path d="M{edge:.1f} {y - 8:.1f}h{sign * ww * 0.26:.1f}q{-sign * ww * 0.04:.1f} {wh * 0.6:.1f} {-sign * ww * 0.14:.1f} {wh * 1.12:.1f}h{-sign * ww * 0.12:.1f}Z" fill="{cloth}"/>')
    rx = w * rng.uniform(0.3, 0.45)
    parts.append(f'<ellipse cx="{w / 2:.1f}" cy="{(line + h) / 2 + h * 0.03:.1f}" rx="{rx:.1f}" ry="{(h - line) * 0.34:.1f}" fill="{to_hex(_pastel(rng, 0.2, 0.4))}"/>')
    return "".join(parts)
