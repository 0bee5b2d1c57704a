"""Sheets into pixels: SVG text, rendered by librsvg through pyvips. The only module here that rasterises.

An SVG renderer was chosen because its wheel is self-contained and its lines are antialiased; a 600 px character takes
about 20 ms. Filters and clip paths are avoided: they cost more than all the paths.
"""

import numpy as np
import pyvips

from datasets.characters.sheet import UNITS, Shape, Sheet


def sheet_to_svg(
    sheet: Sheet, size_wh: tuple[int, int], scale: float, shift: tuple[float, float], line_px: float
) -> str:
    """Write a sheet as SVG.

    Args:
        scale: pixels to a torso length.
        shift: where the sheet's origin lies in the picture, in pixels.
        line_px: width of a line of weight 1.
    """
    width, height = size_wh
    line = line_px / scale * UNITS
    paths = "".join(_path(shape, line) for shape in sheet.ordered())
    defs = f"<defs>{''.join(sheet.gradients)}</defs>" if sheet.gradients else ""
    k = scale / UNITS
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">{defs}'
        f'<g transform="matrix({k:.8f} 0 0 {k:.8f} {shift[0]:.4f} {shift[1]:.4f})" stroke-linejoin="round" '
        f'stroke-linecap="round" paint-order="stroke">{paths}</g></svg>'
    )


def _path(shape: Shape, line: float) -> str:
    outline = _data(shape.curves, shape.is_open)
    attributes = f' fill="{shape.fill}"'
    before = ""
    if shape.stroke:
        # Closed shapes are painted line first: only the outer half of the line stays, so it is drawn twice as wide.
        width = shape.weight * line * (2 if shape.fill != "none" else 1)
        stroke = f' stroke="{shape.stroke}" stroke-width="{width:.1f}"'
        if shape.edge is None:
            attributes += stroke
        else:
            before = f'<path d="{_data((shape.edge,), True)}" fill="none"{stroke}/>'
    if shape.opacity < 1:
        # Not `opacity`, which makes the renderer open a layer: twice the time of the path itself.
        attributes += f' fill-opacity="{shape.opacity:.3g}" stroke-opacity="{shape.opacity:.3g}"'
    return f'{before}<path d="{outline}"{attributes}/>'


def _data(chains: tuple[np.ndarray, ...], is_open: bool) -> str:
    pieces = []
    for chain in chains:
        numbers = np.rint(chain * UNITS).astype(int)
        start, rest = numbers[0, 0].tolist(), numbers[:, 1:].ravel().tolist()
        pieces.append(f"M{start[0]} {start[1]}C{' '.join(map(str, rest))}{'' if is_open else 'Z'}")
    return "".join(pieces)


def svg_to_rgba(svg: str) -> np.ndarray:
    """Render SVG text: (H, W, 4) uint8, straight alpha."""
    image = pyvips.Image.svgload_buffer(svg.encode(), access="sequential")
    return image.numpy().copy() if image.bands == 4 else image.bandjoin(255).numpy().copy()


def composite(rgba: np.ndarray, background_rgb: np.ndarray) -> np.ndarray:
    """Lay a straight-alpha picture over an opaque one of the same size: (H, W, 4) uint8, opaque."""
    alpha = rgba[..., 3:].astype(np.uint16)
    over = rgba[..., :3] * alpha + background_rgb * (255 - alpha)
    result = np.empty_like(rgba)
    result[..., :3] = (over + 127) // 255
    result[..., 3] = 255
    return result
