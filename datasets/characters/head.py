"""The head: its frame, the outline of skull and face at any turn, ears and neck.

Head units: half the width of the head; x to the own left, y up, z forward, from the middle of the head. The chin lies
at -1.15, the crown at 1.15. Features hang on places in this frame, so the truth is exact in profile and from behind
too; the outline is blended from outlines drawn by hand at four turns, because anime faces are no projection of any
solid.
"""

import math

import numpy as np

from datasets.characters.body import Figure
from datasets.characters.geometry import Numbers, mix, stadium
from datasets.characters.palette import blended, shade
from datasets.characters.rig import Rig

EYE = (0.43, -0.20, 0.60)
NOSE_TIP = (0.0, -0.53, 0.98)
NOSE_ROOT = (0.0, -0.20, 0.80)
MOUTH = (0.0, -0.80, 0.80)
EAR = (0.97, -0.26, -0.04)
# Past these turns of the head, in degrees from facing us, a part is on the far side.
EYE_NEAR_LIMIT, EYE_FAR_LIMIT = 107.0, 60.0
NOSE_LIMIT = 100.0

# Outlines facing right, from the crown clockwise: forehead, face, chin, jaw, nape, back of the skull.
_OUTLINES = {
    0: [(0, 1.08), (0.5, 0.98), (0.83, 0.65), (0.96, 0.2), (0.955, -0.2), (0.90, -0.48), (0.78, -0.72), (0.58,
        -0.92), (0.30, -1.08),
        (0, -1.16), (-0.30, -1.08), (-0.58, -0.92), (-0.78, -0.72), (-0.90, -0.48), (-0.955, -0.2), (-0.96, 0.2),
        (-0.83, 0.65), (-0.5, 0.98)],
    40: [(0, 1.08), (0.47, 0.98), (0.77, 0.68), (0.905, 0.28), (0.84, -0.10), (0.875, -0.40), (0.84, -0.66), (0.72,
        -0.90), (0.52, -1.10),
         (0.32, -1.155), (0.06, -1.06), (-0.26, -0.88), (-0.54, -0.68), (-0.76, -0.45), (-0.92, -0.15), (-0.99,
             0.22), (-0.87, 0.66), (-0.5, 0.99)],
    90: [(0, 1.08), (0.5, 0.96), (0.83, 0.62), (0.95, 0.22), (0.885, -0.16), (1.055, -0.53), (0.90, -0.66), (0.90,
        -0.84), (0.80, -1.08),
         (0.62, -1.14), (0.36, -1.01), (0.06, -0.80), (-0.16, -0.62), (-0.52, -0.62), (-0.92, -0.22), (-1.04, 0.22),
         (-0.92, 0.66), (-0.5, 0.99)],
    140: [(0, 1.08), (0.48, 0.97), (0.80, 0.64), (0.93, 0.22), (0.93, -0.14), (0.93, -0.42), (0.80, -0.72), (0.55,
        -0.92), (0.38, -0.95),
          (0.16, -0.86), (-0.10, -0.80), (-0.35, -0.78), (-0.58, -0.68), (-0.80, -0.46), (-0.95, -0.15), (-1.0,
              0.22), (-0.88, 0.66), (-0.5, 0.99)],
    180: [(0, 1.08), (0.5, 0.98), (0.83, 0.65), (0.96, 0.2), (0.95, -0.2), (0.87, -0.48), (0.70, -0.70), (0.46,
        -0.84), (0.22, -0.88),
          (0, -0.89), (-0.22, -0.88), (-0.46, -0.84), (-0.70, -0.70), (-0.87, -0.48), (-0.95, -0.2), (-0.96, 0.2),
          (-0.83, 0.65), (-0.5, 0.98)],
}  # fmt: skip
# How far forward each outline point lies: it moves when the head nods.
_REACH = np.array([0, 0.1, 0.25, 0.35, 0.45, 0.5, 0.6, 0.7, 0.75, 0.75, 0.7, 0.55, 0.4, 0.2, 0, -0.1, -0.1, 0])


class HeadFrame:
    """Where things on a head come to lie on the picture."""

    def __init__(self, rig: Rig):
        self.radius = rig.size.head_radius
        self.centre = rig.at("head")
        self.depth = float(rig.joints["head"][2])
        self.turn, self.nod = rig.head_yaw, rig.head_nod
        roll = math.radians(rig.head_roll)
        self.right = np.array([math.cos(roll), -math.sin(roll)])
        self.up = np.array([-math.sin(roll), -math.cos(roll)])
        self._cy, self._sy = math.cos(math.radians(self.turn)), math.sin(math.radians(self.turn))
        self._cn, self._sn = math.cos(math.radians(self.nod)), math.sin(math.radians(self.nod))

    @property
    def away(self) -> float:
        """Degrees between the face and us: 0 front, 90 profile, 180 from behind."""
        return abs(self.turn)

    @property
    def way(self) -> float:
        """+1 when the face turns to the right of the picture."""
        return 1.0 if self.turn >= 0 else -1.0

    def in_plane(self, x: Numbers, y: Numbers, z: Numbers) -> np.ndarray:
        """Head places to the plane of the picture, upright head: (..., 3) right, up, towards us; in head units."""
        x, y, z = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float), np.asarray(z, float))
        right, near = x * self._cy + z * self._sy, z * self._cy - x * self._sy
        return np.stack([right, y * self._cn - near * self._sn, near * self._cn + y * self._sn], axis=-1)

    def place(self, right: Numbers, up: Numbers) -> np.ndarray:
        """From the plane to the picture: (..., 2)."""
        right, up = np.asarray(right, float)[..., None], np.asarray(up, float)[..., None]
        return self.centre + (right * self.right + up * self.up) * self.radius

    def project(self, x: Numbers, y: Numbers, z: Numbers) -> np.ndarray:
        """Head places to the picture: (..., 2)."""
        plane = self.in_plane(x, y, z)
        return self.place(plane[..., 0], plane[..., 1])

    def feature(self, place: tuple[float, float, float], side: float = 1.0) -> np.ndarray:
        """A named place, on the own left (1) or right (-1)."""
        return self.project(place[0] * side, place[1], place[2])

    def sees_eye(self, side: float) -> bool:
        """Whether the eye of that side (own left 1) is on the near side of the face."""
        near = side * self.turn <= 0  # turned to the picture's right, the own right side is near
        return self.away <= (EYE_NEAR_LIMIT if near else EYE_FAR_LIMIT)

    def sees_ear(self, side: float) -> bool:
        """Whether the ear of that side is not behind the skull."""
        return float(self.in_plane(EAR[0] * side, EAR[1], EAR[2])[2]) > -0.5

    def outline(self) -> np.ndarray:
        """Skull and face at this turn, flat: (18, 2)."""
        turns = sorted(_OUTLINES)
        high = next(t for t in turns if t >= min(self.away, 180))
        low = max((t for t in turns if t <= self.away), default=0)
        t = 0.0 if high == low else (self.away - low) / (high - low)
        points = mix(np.array(_OUTLINES[low], float), np.array(_OUTLINES[high], float), t)
        reach = _REACH * math.cos(math.radians(min(self.away, 120)))
        x = points[:, 0] * self.way
        return self.place(x, points[:, 1] * self._cn - reach * self._sn)


def draw_neck(figure: Figure) -> None:
    """From between the shoulders into the head; the head's shadow lies on it."""
    rig, skin = figure.rig, figure.recipe.skin_rgb
    thick = mix(0.068, 0.085, rig.size.chibi) * (1.12 if figure.recipe.gender == "boy" else 1.0)
    start = rig.at("neck") + (rig.at("neck") - rig.at("head_pivot")) * 0.5
    end = rig.at("head")
    outline = stadium(start, end, [(0.0, thick * 1.35), (0.3, thick * 1.02), (1.0, thick)], False)
    sheet, depth = figure.sheet, min(0.002, figure.depths["head"] - 0.004)
    sheet.paint(outline, skin, depth, parts=("neck", "torso"))
    for chain in (outline[0:3], outline[4:7]):
        sheet.line(chain, figure.ink(skin), depth, weight=0.9)
    if rig.head_yaw > -120 and rig.head_yaw < 120:
        low, high = stadium(start, end, [(0.38, thick), (1.0, thick)], False), shade(skin)
        sheet.detail(low, high, depth)


def draw_skull(figure: Figure, head: HeadFrame, depth: float) -> None:
    """Face and skull in skin colour, the near ear upon it, the far ear behind."""
    skin, sheet = figure.recipe.skin_rgb, figure.sheet
    line = figure.ink(skin)
    for side in (1.0, -1.0):
        if float(head.in_plane(EAR[0] * side, EAR[1], EAR[2])[2]) < 0.1 and head.sees_ear(side):
            _draw_ear(figure, head, side, depth)
    outline = head.outline()
    sheet.paint(outline, skin, depth, ink=line, parts=("head",))
    if sheet.wants_details and head.away < 50:
        # Shade under the fringe and along the side of the face away from the light.
        brow = head.place(np.array([-0.86, -0.4, 0.0, 0.4, 0.86, 0.9, 0.0,
                                    -0.9]) + 0.15 * math.sin(math.radians(head.turn)),
                          np.array([0.16, 0.26, 0.22, 0.26, 0.16, 0.6, 0.9, 0.6]))  # fmt: skip
        sheet.detail(brow, shade(skin, 0.9), depth, opacity=0.6)
    for side in (1.0, -1.0):
        if float(head.in_plane(EAR[0] * side, EAR[1], EAR[2])[2]) >= 0.1:
            _draw_ear(figure, head, side, depth)


def _draw_ear(figure: Figure, head: HeadFrame, side: float, depth: float) -> None:
    skin = figure.recipe.skin_rgb
    line = figure.ink(skin)
    plane = head.in_plane(EAR[0] * side, EAR[1], EAR[2])
    open_to_us = abs(math.sin(math.radians(head.turn)))
    # The shell points away from the face: outwards in a front view, backwards in profile.
    out = math.copysign(1.0, plane[0]) if open_to_us < 0.5 else -head.way
    wide = mix(0.17, 0.25, open_to_us)
    shell = np.array(
        [
            (-0.55, 0.6),
            (-0.1, 1.0),
            (0.65, 0.92),
            (0.98, 0.35),
            (0.7, -0.35),
            (0.25, -0.92),
            (-0.35, -0.85),
            (-0.6, -0.2),
        ]
    )
    right, up = plane[0] + shell[:, 0] * wide * out, plane[1] + shell[:, 1] * 0.30
    figure.sheet.paint(head.place(right, up), skin, depth, ink=line, parts=("head",), weight=0.9)
    inner = np.array([(0.55, 0.55), (0.05, 0.6), (-0.1, 0.1), (0.2, -0.45)])
    figure.sheet.line(
        head.place(plane[0] + inner[:, 0] * wide * out, plane[1] + inner[:, 1] * 0.30), line, depth, weight=0.55
    )
    figure.sheet.detail(head.place(plane[0] + 0.1 * out * wide + shell[3:7, 0] * wide * 0.5 * out,
                                   plane[1] + shell[3:7, 1] * 0.16),
                        blended(skin, (220, 110, 100), 0.3), depth, opacity=0.6)  # fmt: skip
