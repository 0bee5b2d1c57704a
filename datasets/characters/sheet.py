"""The sheet a character is drawn on: an ordered list of filled and stroked curves, with what covers what.

Shapes live in torso lengths, y down. Depth (towards the viewer) orders the painter; at equal depth, the order of
drawing. A shape that `covers` hides keypoints under it, except those of the parts it belongs to. Details
(`Sheet.detail`) never cover and never widen the figure, and are skipped when only the pose is asked for: the truth
cannot depend on them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from datasets.characters.geometry import bezier_polygon, oriented, smooth_closed, smooth_open
from datasets.characters.palette import Rgb, greyed, to_hex


@dataclass(frozen=True)
class Shape:
    """One path: closed curves of one fill, its outline outside of the fill."""

    curves: tuple[np.ndarray, ...]  # each (N, 4, 2)
    fill: str
    stroke: str
    weight: float  # outline in lines, 1 is the drawing's normal line
    opacity: float
    depth: float
    order: int
    parts: frozenset[str]  # body parts that this shape draws or dresses
    polygons: tuple[np.ndarray, ...]  # what it covers, empty when it covers nothing
    is_open: bool
    edge: np.ndarray | None = None  # what to outline, when it is not the whole of the curves


@dataclass
class Sheet:
    """Collects shapes and gradients."""

    ink_rgb: Rgb
    monochrome: bool = False
    wants_details: bool = True
    shapes: list[Shape] = field(default_factory=list)
    gradients: list[str] = field(default_factory=list)

    def paint(self, outlines: np.ndarray | Sequence[np.ndarray], fill: Rgb | str, depth: float, *,
              ink: Rgb | None = None,
              weight: float = 1.0, corners: Sequence[Any] = (), parts: Sequence[str] = (),
              covers: bool = True, opacity: float = 1.0, tension: float = 1 / 6,
              edge: slice | None = None) -> None:  # fmt: skip
        """Draw closed smooth shapes as one: their union is filled and outlined together.

        Args:
            outlines: one (N, 2) outline or several.
            corners: sharp points of the outline, or of each.
            ink: outline colour; none when None.
            edge: which curves of a single outline carry the line, so that a limb can flow into a body without a seam.
        """
        chains, sharps = ([outlines], [corners]) if isinstance(outlines, np.ndarray) else (outlines, corners)
        line = None if edge is None else smooth_closed(chains[0], tuple(sharps[0]), tension)[edge]
        curves = []
        for points, sharp in zip(chains, sharps or [()] * len(chains), strict=True):
            turned = oriented(points)
            at = tuple(sharp) if turned is points else tuple(len(points) - 1 - corner for corner in sharp)
            curves.append(smooth_closed(turned, at, tension))
        polygons = tuple(bezier_polygon(chain) for chain in curves) if covers else ()
        self._add(curves, self.colour(fill), ink, weight, opacity, depth, parts, polygons, False, line)

    def detail(self, outline: np.ndarray, fill: Rgb | str | None, depth: float, *, ink: Rgb | None = None,
               weight: float = 0.6, corners: tuple[int, ...] = (), opacity: float = 1.0,
               tension: float = 1 / 6) -> None:  # fmt: skip
        """A closed mark upon a shape."""
        if self.wants_details and len(outline) > 2:
            curves = [smooth_closed(outline, corners, tension)]
            self._add(curves, "none" if fill is None else self.colour(fill), ink, weight, opacity, depth, (), (), False)

    def line(self, points: np.ndarray, ink: Rgb, depth: float, *, weight: float = 0.6, opacity: float = 1.0,
             smooth: bool = True) -> None:  # fmt: skip
        """An open line upon a shape."""
        if self.wants_details and len(points) > 1:
            curves = [smooth_open(points, 1 / 6 if smooth else 0.0)]
            self._add(curves, "none", ink, weight, opacity, depth, (), (), True)

    def gradient(self, stops: Sequence[tuple[float, Rgb]], start: np.ndarray, end: np.ndarray) -> str:
        """A fill that runs through colours from one point to another; returns what `fill` takes."""
        name = f"g{len(self.gradients)}"
        if self.wants_details:
            (x1, y1), (x2, y2) = (np.asarray([start, end]) * UNITS).round(1)
            marks = "".join(f'<stop offset="{at}" stop-color="{self.colour(rgb)}"/>' for at, rgb in stops)
            self.gradients.append(
                f'<linearGradient id="{name}" gradientUnits="userSpaceOnUse" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}">'
                f"{marks}</linearGradient>"
            )
        return f"url(#{name})"

    def colour(self, fill: Rgb | str) -> str:
        """A colour as SVG has it, grey in a monochrome drawing."""
        if isinstance(fill, str):
            return fill
        return to_hex(greyed(fill) if self.monochrome else fill)

    def ordered(self) -> list[Shape]:
        """Farthest first; as drawn at equal depth."""
        return sorted(self.shapes, key=lambda shape: (shape.depth, shape.order))

    def bounds(self) -> np.ndarray:
        """(4,) least x, least y, greatest x, greatest y of everything that covers, without outlines."""
        points = np.vstack([polygon for shape in self.shapes for polygon in shape.polygons])
        return np.concatenate([points.min(0), points.max(0)])

    def _add(
        self,
        curves: Sequence[np.ndarray],
        fill: str,
        ink: Rgb | None,
        weight: float,
        opacity: float,
        depth: float,
        parts: Sequence[str],
        polygons: tuple[np.ndarray, ...],
        is_open: bool,
        edge: np.ndarray | None = None,
    ) -> None:
        stroke = "" if ink is None else self.colour(ink)
        shape = Shape(tuple(curves), fill, stroke, weight, opacity, depth, len(self.shapes), frozenset(parts), polygons,
                      is_open, edge)  # fmt: skip
        self.shapes.append(shape)


# Path coordinates are written as whole numbers, this many to a torso length: short to write and quick to parse.
UNITS = 4000
