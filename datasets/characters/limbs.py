"""Arms, legs, hands and feet with what is worn on them: sleeves and stockings follow the bones that they dress.

A limb is two tubes. The nearer one flows into the farther at the joint without a line; where a limb leaves the body in
front of it, it flows out of it the same way. Where a layer of cloth ends, its end is a hem.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from datasets.characters.body import (
    SIDES,
    Figure,
    arm_profiles,
    draw_hand,
    foot_points,
    leg_profiles,
    part_of,
    scaled,
    tube,
)
from datasets.characters.geometry import Profile, convex_hull, ellipse, flat, resampled, unit
from datasets.characters.palette import CLOTH, Rgb, light, shade


@dataclass(frozen=True)
class Layer:
    """Cloth on a limb from `start` to `end`: 0 at its root, 1 at the middle joint, 2 at its end."""

    start: float
    end: float
    colour: Rgb
    factor: float = 1.0
    extra: float = 0.004
    flare: float = 0.0  # widening towards its end
    band: Rgb | None = None  # colour of its lower hem
    top_band: Rgb | None = None


def draw_limb(figure: Figure, names: tuple[str, str], points: Sequence[np.ndarray], profiles: tuple[Profile,
    Profile], layers: list[Layer], rooted: bool,
              hand: str | None = None) -> None:  # fmt: skip
    """Draw two bones with their layers, the farther bone first.

    Args:
        names: parts of the upper and the lower bone; their depths are the figure's.
        points: root, middle joint and end, flat.
        rooted: the root flows into a body drawn before it.
        hand: the side whose hand is drawn with the lower bone.
    """
    skin = figure.recipe.skin_rgb
    depth = [figure.depths[name] for name in names]
    order = (0, 1) if depth[0] <= depth[1] else (1, 0)
    base = Layer(0.0, 2.0, skin, 1.0, 0.0)
    for turn, index in enumerate(order):
        near = turn == 1
        if index == 1 and hand:
            figure.extras_thumb[hand] = draw_hand(figure, hand, depth[1])
        for layer in (base, *layers):
            _draw_stretch(figure, index, layer, points, profiles[index], depth[index], (names[index],), near, rooted)


def _draw_stretch(
    figure: Figure,
    index: int,
    layer: Layer,
    points: Sequence[np.ndarray],
    profile: Profile,
    depth: float,
    parts: Sequence[str],
    near: bool,
    rooted: bool,
) -> None:
    start, end = max(0.0, layer.start - index), min(1.0, layer.end - index)
    if end - start < 0.03:
        return
    a, b = points[index], points[index + 1]
    stretch = scaled(part_of(profile, start, end), layer.factor, layer.extra)
    if layer.flare:
        stretch = [(t, r * (1 + layer.flare * ((start + t * (end - start)) + index) / 2)) for t, r in stretch]
    p, q = a + (b - a) * start, a + (b - a) * end
    is_last = layer.end - index <= 1.0 and layer.end < 2.0
    open_start = (start == 0.0 and (rooted if index == 0 else near)) and layer.start < index + 0.001
    open_end = index == 0 and near and layer.end > 1.0
    tube(figure, p, q, stretch, layer.colour, depth, parts, open_start=open_start, open_end=open_end,
         round_end=not is_last, trim=1 if open_start and index == 0 else 0)  # fmt: skip
    if is_last and layer.band is not None:
        _hem(figure, p, q, stretch[-1][1], layer.band, depth, 0.86)
    if layer.top_band is not None and start > 0:
        _hem(figure, q, p, stretch[0][1], layer.top_band, depth, 0.86)


def _hem(figure: Figure, p: np.ndarray, q: np.ndarray, radius: float, colour: Rgb, depth: float, inner: float) -> None:
    """A coloured band at the end of a layer, as wide as half its radius."""
    along = unit(q - p, np.array([0.0, 1.0]))
    across = np.array([-along[1], along[0]]) * radius
    back = along * min(radius * 0.75, float(np.hypot(*(q - p))) * 0.5)
    points = np.array([q + across, q + along * radius * 0.18, q - across, q - across - back,
                       q + along * radius * 0.16 - back,
                       q + across - back])  # fmt: skip
    figure.sheet.detail(points, colour, depth, ink=figure.ink(colour), weight=0.6, corners=(0, 2, 3, 5))


def draw_arms(figure: Figure, sleeve_layers: list[Layer]) -> None:
    """Both arms; each copies its shoulder under the torso, so that the outline runs on where it flows into it."""
    profiles = arm_profiles(figure.rig)
    for side, _ in SIDES:
        points = [figure.rig.at(f"{side}_{joint}") for joint in ("shoulder", "elbow", "wrist")]
        names = (f"{side}_upper_arm", f"{side}_forearm")
        before_body = figure.depths[names[0]] > figure.depths["torso"]
        if before_body:
            under = next(
                (layer for layer in sleeve_layers if layer.start == 0), Layer(0.0, 2.0, figure.recipe.skin_rgb)
            )
            end = min(1.0, under.end)
            stretch = scaled(part_of(profiles[0], 0.0, end), under.factor, under.extra)
            tube(figure, points[0], points[0] + (points[1] - points[0]) * end, stretch, under.colour, -0.02, names[:1])
        draw_limb(figure, names, points, profiles, sleeve_layers, before_body, hand=side)


def leg_layers(figure: Figure) -> list[Layer]:
    """Stockings and trousers of the recipe, inner first."""
    recipe = figure.recipe
    colour = recipe.legwear_rgb
    starts = {"socks": 1.74, "kneehighs": 1.16, "thighhighs": 0.62, "pantyhose": 0.0, "tabi": 1.85}
    layers = []
    if recipe.legwear in starts:
        white = CLOTH["white"] if recipe.legwear == "tabi" else colour
        band = shade(white, 0.7) if recipe.legwear == "thighhighs" else None
        layers.append(Layer(starts[recipe.legwear], 2.0, white, 1.02, 0.003, top_band=band))
    if recipe.bottom == "trousers":
        layers.append(Layer(0.0, 1.93, recipe.bottom_rgb, 1.08, 0.016, flare=0.1))
    elif recipe.bottom == "shorts":
        layers.append(Layer(0.0, 0.52, recipe.bottom_rgb, 1.12, 0.014, flare=0.1, band=shade(recipe.bottom_rgb, 0.5)))
    return layers


def draw_legs(figure: Figure) -> None:
    """Both legs with feet."""
    profiles, layers = leg_profiles(figure.rig), leg_layers(figure)
    for side, _ in SIDES:
        points = [figure.rig.at(f"{side}_{joint}") for joint in ("hip", "knee", "ankle")]
        # The tube starts a little inside the hip joint, where the leg really leaves the body.
        names = (f"{side}_thigh", f"{side}_shin")
        rooted = figure.depths[names[0]] > figure.depths["pelvis"]
        draw_limb(figure, names, points, profiles, layers, rooted)
        _draw_foot(figure, side, points, profiles[1])


def _draw_foot(figure: Figure, side: str, points: Sequence[np.ndarray], shin_profile: Profile) -> None:
    recipe, sheet, rig = figure.recipe, figure.sheet, figure.rig
    depth = figure.depths[f"{side}_foot"]
    heel, ball, tip, sole = foot_points(figure, side)
    g = 0.5 + 0.5 * rig.size.girth
    ankle = rig.joints[f"{side}_ankle"]
    figure.extras_tiptoe[side] = flat(tip)
    worn = recipe.footwear
    bare = worn in ("barefoot", "sandals")
    sock = next((layer.colour for layer in leg_layers(figure) if layer.end == 2.0), None)
    colour = (sock or recipe.skin_rgb) if bare else recipe.footwear_rgb
    bulk = {"boots": 1.12, "sneakers": 1.12}.get(worn, 0.96 if bare else 1.04) * g

    def disc(place: np.ndarray, radius: float) -> np.ndarray:
        return ellipse(flat(place), radius * bulk, radius * bulk, 9)

    upper = np.vstack([disc(heel, 0.052), disc(ankle, 0.046), disc(ball, 0.060), disc(tip, 0.040)])
    parts = (f"{side}_foot", f"{side}_shin")
    if not bare or worn == "sandals":
        drop = flat(sole) * (0.030 if worn != "sandals" else 0.022)
        base = np.vstack([disc(heel, 0.052), disc(ball, 0.062), disc(tip, 0.043)])
        rubber = CLOTH["white"] if worn == "sneakers" else shade(recipe.footwear_rgb, 1.6)
        sheet.paint(resampled(convex_hull(base + drop), 16), rubber, depth, ink=figure.ink(rubber), parts=parts)
    sheet.paint(resampled(convex_hull(upper), 18), colour, depth, ink=figure.ink(colour), parts=parts)
    if worn == "boots":
        stretch = scaled(part_of(shin_profile, 0.42, 1.0), 1.12, 0.016)
        top = points[1] + (points[2] - points[1]) * 0.42
        leg = max(depth, figure.depths[f"{side}_shin"] + 0.001)  # a foot that points away lies behind its own leg
        tube(figure, points[2], top, [(1 - t, r) for t, r in reversed(stretch)], colour, leg, parts, open_start=True,
             round_end=False)  # fmt: skip
        _hem(figure, points[2], top, stretch[0][1], light(colour, 0.25), leg, 0.8)
    _foot_details(figure, worn, colour, depth, heel, ball, tip, ankle, sole, bulk)


def _foot_details(
    figure: Figure,
    worn: str,
    colour: Rgb,
    depth: float,
    heel: np.ndarray,
    ball: np.ndarray,
    tip: np.ndarray,
    ankle: np.ndarray,
    sole: np.ndarray,
    bulk: float,
) -> None:
    sheet, line = figure.sheet, figure.ink(colour)
    up, toe, front = flat(-sole), flat(tip), flat(ball)
    if worn == "sneakers":
        cap = ellipse(toe - (toe - front) * 0.12, 0.040 * bulk, 0.034 * bulk, 8)
        sheet.detail(cap, CLOTH["white"], depth, ink=line, weight=0.5)
        middle = (flat(ankle) + front) / 2 + up * 0.03
        across = unit(np.array([-(front - flat(ankle))[1], (front - flat(ankle))[0]]), np.array([1.0, 0.0])) * 0.028
        for step in (-0.02, 0.02):
            place = middle + unit(front - flat(ankle), np.array([0.0, 1.0])) * step
            sheet.line(np.array([place - across, place + across]), CLOTH["white"], depth, weight=1.2)
    elif worn in ("loafers", "shoes"):
        place = (flat(ankle) * 0.42 + front * 0.58) + up * 0.012
        across = (
            unit(np.array([-(front - flat(ankle))[1], (front - flat(ankle))[0]]), np.array([1.0, 0.0])) * 0.045 * bulk
        )
        sheet.line(np.array([place - across, place + up * 0.01, place + across]), light(colour,
            0.3) if worn == "shoes" else line,
                   depth, weight=1.3)  # fmt: skip
        sheet.detail(
            ellipse(toe + up * 0.018 - (toe - front) * 0.2, 0.016, 0.009, 6), light(colour, 0.55), depth, opacity=0.8
        )
    elif worn == "sandals":
        across = unit(np.array([-(toe - front)[1], (toe - front)[0]]), np.array([1.0, 0.0])) * 0.052 * bulk
        strap = figure.recipe.footwear_rgb
        sheet.line(np.array([front - across, toe + up * 0.02, front + across]), strap, depth, weight=2.0)
    elif worn == "barefoot":
        for step in (-0.018, 0.0, 0.018):
            across = unit(np.array([-(toe - front)[1], (toe - front)[0]]), np.array([1.0, 0.0])) * step
            sheet.line(
                np.array([toe + across - (toe - front) * 0.1, toe + across + (toe - front) * 0.2]),
                line,
                depth,
                weight=0.4,
            )
