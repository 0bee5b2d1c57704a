"""The face: eyes, brows, nose, mouth, blush, glasses, by expression and turn of the head.

An eye is drawn around its keypoint: the middle of its opening, closed or not. Past the turns given in `head.py` a
feature lies on the far side and is not drawn, and its keypoint is hidden.
"""

import math

import numpy as np

from datasets.characters.body import Figure
from datasets.characters.geometry import Numbers, ellipse, unit
from datasets.characters.head import EYE, MOUTH, NOSE_LIMIT, NOSE_TIP, HeadFrame
from datasets.characters.palette import Rgb, blended, light, shade, toned

_LASH: Rgb = (52, 36, 46)
_WHITE: Rgb = (255, 254, 252)
# Which eyes are open and which mouth belongs to an expression: (own left open, own right open, mouth).
EXPRESSION_PARTS = {
    "smile": (True, True, "smile"), "open_smile": (True, True, "open"), "neutral": (True, True, "line"),
    "closed_smile": (False, False, "open"), "closed_calm": (False, False, "line"), "wink": (True, False, "open"),
    "surprised": (True, True, "o"), "frown": (True, True, "frown"), "cat_smile": (True, True, "cat"), "shy": (True,
        True, "wavy"),
}  # fmt: skip


class EyeBox:
    """Where an eye lies on the picture, and how its turn narrows it."""

    def __init__(self, figure: Figure, head: HeadFrame, side: float):
        self.head = head
        plane = head.in_plane(EYE[0] * side, EYE[1], EYE[2])
        self.right, self.up = float(plane[0]), float(plane[1])
        near = side * head.turn <= 0
        angle = max(0.0, head.away - 30.0) if near else min(89.0, head.away * 1.18)
        boy = figure.recipe.gender == "boy"
        grown = min(1.0, max(0.0, (figure.recipe.heads - 3.0) / 4.5))
        scale = figure.recipe.eye_scale * (1.14 - 0.17 * grown)
        self.half_w = 0.30 * scale * max(0.25, math.cos(math.radians(angle))) * (0.94 if boy else 1.0)
        self.half_h = 0.345 * scale * (0.80 if boy else 1.0)
        self.outer = side * (1.0 if abs(head.turn) <= 90 else -1.0)
        if abs(head.turn) > 60:
            self.outer = -head.way  # the one eye that a profile shows has its outer corner towards the ear
        tilt = {"sharp": 0.16, "drooping": -0.14}.get(figure.recipe.eye_shape, 0.03)
        self.tilt = tilt * (1 + 0.4 * boy)

    def at(self, points: Numbers) -> np.ndarray:
        """Eye units (outwards, up) to the picture."""
        points = np.asarray(points, float)
        across = points[:, 0] * self.half_w * self.outer
        up = points[:, 1] * self.half_h + points[:, 0] * self.tilt * self.half_h
        return self.head.place(self.right + across, self.up + up)


def draw_face(figure: Figure, head: HeadFrame, depth: float) -> None:
    """All features that this turn of the head shows."""
    if not figure.sheet.wants_details or head.away > 125:
        return
    left_open, right_open, mouth = EXPRESSION_PARTS[figure.recipe.expression]
    if figure.recipe.blush or figure.recipe.expression == "shy":
        _blush(figure, head, depth)
    if head.away <= NOSE_LIMIT:
        _nose(figure, head, depth)
    if head.away <= 108:
        _mouth(figure, head, mouth, depth)
    for side, is_open in ((1.0, left_open), (-1.0, right_open)):
        if head.sees_eye(side):
            box = EyeBox(figure, head, side)
            (_open_eye if is_open else _closed_eye)(figure, box, depth)


def _open_eye(figure: Figure, box: EyeBox, depth: float) -> None:
    sheet, iris = figure.sheet, figure.recipe.eye_rgb
    wide = 1.10 if figure.recipe.expression == "surprised" else 1.0
    upper = [(-0.98, -0.05), (-0.72, 0.52), (-0.2, 0.86 * wide), (0.35, 0.84 * wide), (0.80, 0.45), (1.0, -0.12)]
    lower = [(0.84, -0.62), (0.42, -0.90), (-0.15, -0.94), (-0.66, -0.70)]
    sheet.detail(box.at(upper + lower), _WHITE, depth)
    sheet.detail(box.at([(-0.96, 0.0), (-0.7, 0.52), (-0.2, 0.86), (0.35, 0.84), (0.8, 0.45), (0.95, 0.0), (0.5,
        0.42), (-0.1, 0.5), (-0.6, 0.3)]),
                 (206, 200, 222), depth)  # fmt: skip
    # The iris: dark above, bright below; its middle stays on the keypoint whatever the gaze.
    shift = figure.recipe.gaze * 0.16 * box.outer
    rx, ry = 0.60, 0.84
    if figure.recipe.expression == "surprised":
        rx, ry = 0.46, 0.64
    dark, bright = toned(iris, saturation=1.12, value=0.50), light(toned(iris, saturation=0.95, value=1.12), 0.18)
    low, high = box.at([(shift, -ry)])[0], box.at([(shift, ry)])[0]
    fill = sheet.gradient([(0, dark), (0.42, toned(iris, value=0.82)), (0.75, iris), (1, bright)], high, low)
    circle = ellipse(np.array([shift, -0.03]), rx, ry, 10)
    sheet.detail(box.at(circle), fill, depth, ink=toned(iris, saturation=1.1, value=0.38), weight=0.55)
    sheet.detail(
        box.at(ellipse(np.array([shift, 0.02]), rx * 0.44, ry * 0.46, 8)),
        toned(iris, saturation=1.1, value=0.26),
        depth,
    )
    sheet.detail(
        box.at(ellipse(np.array([shift, -0.56 * ry]), rx * 0.56, ry * 0.26, 8)), light(bright, 0.45), depth, opacity=0.8
    )
    glint = -box.outer  # highlights lie on the light's side in both eyes
    sheet.detail(box.at(ellipse(np.array([shift + glint * 0.26, 0.42]), 0.21, 0.22, 8)), _WHITE, depth)
    sheet.detail(box.at(ellipse(np.array([shift - glint * 0.28, -0.36]), 0.10, 0.10, 7)), _WHITE, depth, opacity=0.9)
    lash = blended(_LASH, toned(figure.recipe.hair_rgb, value=0.35), 0.25)
    boy = figure.recipe.gender == "boy"
    flick = 1.12 if boy else 1.3
    top = [
        (-1.06, -0.10),
        (-0.80, 0.62),
        (-0.22, 1.05 * wide),
        (0.38, 1.06 * wide),
        (0.92, 0.66),
        (flick, 0.28 if boy else 0.34),
    ]
    under = [(1.10, 0.08), (1.02, -0.20), (0.88, 0.22), (0.33, 0.78 * wide), (-0.2, 0.82 * wide), (-0.70, 0.46)]
    sheet.detail(box.at(top + under), lash, depth, corners=(0, 5, 7))
    if not boy:
        sheet.line(box.at([(0.78, -0.66), (0.42, -0.93), (-0.05, -0.98)]), lash, depth, weight=0.7)
        sheet.line(
            box.at([(-0.62, 0.95), (-0.1, 1.26), (0.45, 1.26), (0.88, 0.98)]),
            blended(lash, figure.recipe.skin_rgb, 0.35),
            depth,
            weight=0.45,
        )
    else:
        sheet.line(box.at([(0.66, -0.78), (0.1, -0.98)]), lash, depth, weight=0.5)


def _closed_eye(figure: Figure, box: EyeBox, depth: float) -> None:
    sheet = figure.sheet
    lash = blended(_LASH, toned(figure.recipe.hair_rgb, value=0.35), 0.25)
    if figure.recipe.expression == "closed_calm":
        top = [(-1.0, 0.12), (-0.5, -0.22), (0.1, -0.34), (0.66, -0.18), (1.15, 0.22)]
        low = [(1.02, -0.02), (0.62, -0.36), (0.1, -0.52), (-0.5, -0.38)]
        flicks = [((0.72, -0.2), (1.05, -0.46)), ((0.3, -0.36), (0.46, -0.68))]
    else:
        top = [(-1.05, -0.30), (-0.6, 0.18), (0.0, 0.36), (0.6, 0.18), (1.15, -0.34)]
        low = [(0.92, -0.14), (0.55, 0.0), (0.0, 0.15), (-0.55, 0.0)]
        flicks = [((0.9, -0.1), (1.28, -0.02))]
    sheet.detail(box.at(top + low), lash, depth, corners=(0, 4), ink=lash, weight=0.3)
    for flick in flicks:
        sheet.line(box.at(flick), lash, depth, weight=0.7)


def draw_brows(figure: Figure, head: HeadFrame, depth: float) -> None:
    """Brows, drawn upon the fringe as anime does."""
    sheet, recipe = figure.sheet, figure.recipe
    if not sheet.wants_details or head.away > 100:
        return
    colour = toned(recipe.hair_rgb, saturation=1.15, value=0.62 if sum(recipe.hair_rgb) > 240 else 0.8)
    rise = {"surprised": 0.20, "frown": -0.10, "shy": 0.06}.get(recipe.expression, 0.0)
    slope = {"frown": 0.26, "shy": -0.30, "surprised": -0.05}.get(recipe.expression, -0.04)
    thick = 0.075 if recipe.gender == "girl" else 0.12
    for side in (1.0, -1.0):
        if head.sees_eye(side):
            box = EyeBox(figure, head, side)
            y = 1.50 + rise * 2
            arc = [
                (-0.80, y - slope),
                (-0.2, y + 0.13),
                (0.4, y + slope * 0.6 + 0.10),
                (0.98, y + slope - 0.26 - box.tilt),
                (0.4, y + slope * 0.6 + 0.10 - thick),
                (-0.2, y + 0.13 - thick * 1.9),
                (-0.80, y - slope - thick * 1.5),
            ]
            sheet.detail(box.at(arc), colour, depth, corners=(0, 3, 6), opacity=0.85)


def _nose(figure: Figure, head: HeadFrame, depth: float) -> None:
    sheet, skin = figure.sheet, figure.recipe.skin_rgb
    tip = head.in_plane(*NOSE_TIP)
    line = shade(figure.ink(skin), 0.3)
    if head.away > 70:
        return  # the outline draws it
    lean = head.way if head.away > 12 else 1.0
    grown = figure.recipe.heads > 5.2
    size = 0.07 if grown else 0.045
    shadow = [
        (tip[0] - 0.02 * lean, tip[1] - 0.03),
        (tip[0] + size * 0.9 * lean, tip[1] - 0.035),
        (tip[0] + 0.01 * lean, tip[1] - 0.085),
    ]
    points = np.array(shadow)
    sheet.detail(head.place(points[:, 0], points[:, 1]), shade(skin, 1.4), depth)
    if grown and head.away > 12:
        bridge = np.array(
            [
                (tip[0] - 0.01 * lean, tip[1] + 0.14),
                (tip[0] + 0.055 * lean, tip[1] + 0.0),
                (tip[0] - 0.02 * lean, tip[1] - 0.05),
            ]
        )
        sheet.line(head.place(bridge[:, 0], bridge[:, 1]), line, depth, weight=0.6)
    else:
        dot = np.array([(tip[0] - 0.02, tip[1] - 0.01), (tip[0] + 0.025, tip[1] - 0.035)])
        sheet.line(head.place(dot[:, 0], dot[:, 1]), line, depth, weight=0.7)


def _mouth(figure: Figure, head: HeadFrame, kind: str, depth: float) -> None:
    sheet, skin = figure.sheet, figure.recipe.skin_rgb
    plane = head.in_plane(*MOUTH)
    narrow = max(0.35, math.cos(math.radians(head.away * 0.85)))
    base_x = plane[0] - (0.10 * head.way if head.away > 70 else 0.0)
    line = blended(figure.ink(skin), (150, 50, 50), 0.35)
    red, tongue = (176, 66, 70), (238, 136, 128)

    def at(points: Numbers) -> np.ndarray:
        points = np.asarray(points, float)
        return head.place(base_x + points[:, 0] * narrow, plane[1] + points[:, 1])

    if kind == "smile":
        sheet.line(
            at([(-0.20, 0.04), (-0.1, -0.025), (0, -0.04), (0.1, -0.025), (0.20, 0.04)]), line, depth, weight=1.0
        )
    elif kind == "line":
        sheet.line(at([(-0.11, 0.0), (0, 0.012), (0.11, 0.0)]), line, depth, weight=1.0)
    elif kind == "frown":
        sheet.line(at([(-0.14, -0.04), (0, 0.025), (0.14, -0.04)]), line, depth, weight=1.0)
    elif kind == "wavy":
        sheet.line(
            at([(-0.18, -0.01), (-0.09, 0.03), (0, -0.01), (0.09, 0.03), (0.18, -0.01)]), line, depth, weight=0.9
        )
    elif kind == "cat":
        sheet.line(
            at([(-0.22, 0.05), (-0.14, -0.03), (-0.04, -0.02), (0, 0.04), (0.04, -0.02), (0.14, -0.03), (0.22, 0.05)]),
            line,
            depth,
            weight=0.9,
        )
    elif kind == "o":
        sheet.detail(at(ellipse(np.array([0, -0.02]), 0.085, 0.11, 9)), red, depth, ink=line, weight=0.7)
        sheet.detail(at(ellipse(np.array([0, -0.075]), 0.055, 0.045, 7)), tongue, depth)
    else:
        sheet.detail(at([(-0.24, 0.08), (0, 0.045), (0.24, 0.08), (0.17, -0.10), (0, -0.17), (-0.17, -0.10)]), red,
                     depth, ink=line,
                     weight=0.7, corners=(0, 2))  # fmt: skip
        sheet.detail(
            at([(-0.11, -0.09), (0, -0.045), (0.11, -0.09), (0.06, -0.145), (0, -0.158), (-0.06, -0.145)]),
            tongue,
            depth,
        )
        sheet.detail(
            at([(-0.19, 0.066), (0, 0.04), (0.19, 0.066), (0.15, 0.025), (-0.15, 0.025)]), _WHITE, depth, corners=(0, 2)
        )


def _blush(figure: Figure, head: HeadFrame, depth: float) -> None:
    pink = blended(figure.recipe.skin_rgb, (246, 104, 110), 0.55)
    for side in (1.0, -1.0):
        plane = head.in_plane(0.60 * side, -0.56, 0.62)
        if head.sees_eye(side) and plane[2] > 0.1:
            wide = 0.19 * max(0.3, float(plane[2]))
            centre = np.array([plane[0] * 0.97, plane[1]])
            oval = ellipse(centre, wide, 0.085, 8)
            figure.sheet.detail(head.place(oval[:, 0], oval[:, 1]), pink, depth, opacity=0.5)
            for k in (-0.4, 0.1, 0.6):
                hatch = np.array(
                    [
                        (centre[0] + wide * (k + 0.12), centre[1] + 0.05),
                        (centre[0] + wide * (k - 0.12), centre[1] - 0.05),
                    ]
                )
                figure.sheet.line(
                    head.place(hatch[:, 0], hatch[:, 1]),
                    blended(pink, (200, 60, 70), 0.5),
                    depth,
                    weight=0.45,
                    opacity=0.7,
                )


def draw_glasses(figure: Figure, head: HeadFrame, depth: float) -> None:
    """Frames around both eyes, a bridge, and a bow to the near ear."""
    sheet = figure.sheet
    if not figure.recipe.glasses or head.away > 104 or not sheet.wants_details:
        return
    frame = figure.recipe.accent_rgb if sum(figure.recipe.accent_rgb) < 480 else (70, 56, 66)
    boxes = {}
    for side in (1.0, -1.0):
        if head.sees_eye(side):
            box = boxes[side] = EyeBox(figure, head, side)
            rim = ellipse(np.array([0.02, -0.12]), 1.30, 1.08, 10)
            sheet.detail(box.at(rim), _WHITE, depth, opacity=0.14)
            sheet.detail(box.at(rim), None, depth, ink=frame, weight=1.0)
    if len(boxes) == 2:
        ends = [boxes[side].at([(-1.28, 0.0)])[0] for side in (1.0, -1.0)]
        middle = (ends[0] + ends[1]) / 2 + unit(head.up) * head.radius * 0.04
        sheet.line(np.array([ends[0], middle, ends[1]]), frame, depth, weight=1.0)
    for side, box in boxes.items():
        if head.sees_ear(side) and head.away > 15 and side * head.turn <= 0:
            hinge = box.at([(1.28, 0.1)])[0]
            sheet.line(np.array([hinge, head.project(0.95 * side, -0.06, 0.05)]), frame, depth, weight=0.9)
