"""A recipe becomes a scene: the figure drawn on its sheet, and the window of the picture that looks at it.

Details are optional. The big shapes, and with them depths, coverings and the window, are the same with and without
them, so that a pose asked for alone has the truth of the drawing.
"""

from dataclasses import dataclass

import numpy as np

from datasets.characters.body import Figure, Torso
from datasets.characters.clothes import sleeve_layers
from datasets.characters.face import draw_brows, draw_face, draw_glasses
from datasets.characters.hair import Dome, draw_back_hair, draw_front_hair
from datasets.characters.head import HeadFrame, draw_neck, draw_skull
from datasets.characters.headwear import draw_animal_ears, draw_hat, draw_ornament
from datasets.characters.limbs import draw_arms, draw_legs
from datasets.characters.outfits import draw_outfit
from datasets.characters.recipe import CharacterRecipe
from datasets.characters.rig import solve
from datasets.characters.sheet import Sheet
from datasets.characters.tails import draw_tails

# AnimeDrawingsDataset keeps pictures that fit 800 x 600.
LONGEST_WH = (800, 600)
LINE_PX = 1.5  # a line of weight 1 in a picture 600 px tall


@dataclass(frozen=True)
class Window:
    """Where the sheet lies in the picture: pixel = sheet * scale + shift."""

    size_wh: tuple[int, int]
    scale: float
    shift: tuple[float, float]
    line_px: float

    def to_pixels(self, points: np.ndarray) -> np.ndarray:
        return np.asarray(points, float) * self.scale + np.array(self.shift)


@dataclass(frozen=True)
class Scene:
    """A figure with everything drawn of it, before it is placed in a picture."""

    figure: Figure
    head: HeadFrame
    window: Window

    @property
    def sheet(self) -> Sheet:
        return self.figure.sheet


def build_scene(recipe: CharacterRecipe, size_wh: tuple[int, int] | None = None, details: bool = True) -> Scene:
    """Draw a recipe's figure and choose its window.

    Args:
        size_wh: the picture's size; None takes the one that suits recipe and figure, 600 px tall or up to 800 wide.
        details: whether marks that cover nothing are drawn.
    """
    rig = solve(recipe)
    sheet = Sheet(recipe.ink_rgb, recipe.monochrome, details)
    figure = Figure(recipe, rig, sheet, Torso(recipe, rig))
    head = HeadFrame(rig)
    dome = Dome(figure, head)
    depth = figure.depths["head"]
    behind_hair = draw_back_hair(figure, head, dome)
    draw_tails(figure, head, behind=True, depth=depth)
    if head.away > 102:
        draw_animal_ears(figure, head, dome, depth)
    draw_legs(figure)
    draw_outfit(figure)
    draw_neck(figure)
    draw_arms(figure, sleeve_layers(figure))
    draw_skull(figure, head, depth)
    draw_face(figure, head, depth)
    if head.away <= 102:
        draw_animal_ears(figure, head, dome, depth)
    draw_front_hair(figure, head, dome, depth, behind_hair)
    draw_brows(figure, head, depth)
    draw_glasses(figure, head, depth)
    draw_tails(figure, head, behind=False, depth=depth)
    draw_ornament(figure, head, dome, depth)
    draw_hat(figure, head, dome, depth)
    return Scene(figure, head, _window(figure, head, size_wh))


def _window(figure: Figure, head: HeadFrame, size_wh: tuple[int, int] | None) -> Window:
    recipe = figure.recipe
    x0, y0, x1, y1 = figure.sheet.bounds()
    pad = 0.035
    if recipe.framing != "full_body":
        x0, y0, x1, y1 = _close_up(figure, head, (x0, y0, x1, y1))
        pad = 0.0
    wide, tall = (x1 - x0) * (1 + 2 * pad), (y1 - y0) * (1 + 2 * pad)
    if size_wh is None:
        size_wh = _fitting_size(wide * recipe.aspect / tall)
    width, height = size_wh
    scale = min(width / wide, height / tall)
    free = (width - wide * scale, height - tall * scale)
    shift = (
        width / 2 - (x0 + x1) / 2 * scale + free[0] / 2 * recipe.offset[0] * 0.7,
        height / 2 - (y0 + y1) / 2 * scale + free[1] / 2 * recipe.offset[1] * 0.7,
    )
    # A hand draws a close or a large figure with somewhat heavier lines, not with magnified ones.
    line_px = LINE_PX * recipe.line_weight * (head.radius * scale / 42) ** 0.45
    return Window(size_wh, scale, shift, line_px)


def _fitting_size(ratio: float) -> tuple[int, int]:
    widest, tallest = LONGEST_WH
    if ratio > widest / tallest:
        return widest, max(240, round(widest / ratio))
    return max(240, round(tallest * ratio)), tallest


def _close_up(figure: Figure, head: HeadFrame, bounds: tuple[float, ...]) -> tuple[float, float, float, float]:
    """The window of a cropped picture: from above the head to the chest or the knees, the rest is cut off."""
    rig = figure.rig
    r = head.radius
    if figure.recipe.framing == "bust":
        places = [rig.at("left_shoulder"), rig.at("right_shoulder"), rig.at("body_upper")]
    else:
        places = [rig.at(f"{side}_{name}") for side in ("left", "right") for name in ("shoulder", "hip")]
        places += [(rig.at(f"{side}_hip") * 0.35 + rig.at(f"{side}_knee") * 0.65) for side in ("left", "right")]
    places += [head.centre + np.array(step) * r for step in ((-1.5, 0), (1.5, 0), (0, -1.7), (0, 1.2))]
    low, high = np.min(places, axis=0), np.max(places, axis=0)
    return float(low[0]), float(max(low[1], bounds[1])), float(high[0]), float(high[1])
