"""The two doors of the drawn characters: a picture with its truth, or the truth alone; and the truth as an ADD
record."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from datasets.characters.background import random_background
from datasets.characters.choices import recipe_from_seed
from datasets.characters.palette import GREY_WEIGHTS
from datasets.characters.raster import composite, sheet_to_svg, svg_to_rgba
from datasets.characters.recipe import CharacterRecipe
from datasets.characters.scene import Scene, build_scene
from datasets.characters.tags import tags_of
from datasets.characters.truth import extras_of, keypoints_of
from datasets.skeleton import ADD_NAMES, ADD_TO_COCO, INDEX, State

ALPHA_THRESHOLD = 127


@dataclass(frozen=True)
class CharacterTruth:
    """What is known of a drawn character, without its pixels. Coordinates in pixels, x right, y down, continuous."""

    recipe: CharacterRecipe
    size_wh: tuple[int, int]
    points: np.ndarray  # (25, 2) float64, ALL_KEYPOINTS order; an absent point keeps its place outside of the picture
    states: tuple[State, ...]  # 25 of visible, hidden, absent
    extras: dict[str, tuple[float, float]]  # ADD_EXTRAS
    tags: tuple[str, ...]
    bbox_xywh: tuple[
        float, float, float, float
    ]  # from pose_only: of the curves, within about two pixels of the pixels'

    def point(self, name: str) -> np.ndarray:
        """(2,) one keypoint by name."""
        return self.points[INDEX[name]]

    def state(self, name: str) -> State:
        return self.states[INDEX[name]]


@dataclass(frozen=True)
class DrawnCharacter(CharacterTruth):
    """A drawn character with its pixels."""

    rgba: np.ndarray  # (H, W, 4) uint8, straight alpha
    alpha: np.ndarray  # (H, W) uint8, the character's own mask, also where there is a background


def draw_character(recipe_or_seed: CharacterRecipe | int, *, size_wh: tuple[int, int] | None = None,
                   background: str | None = None) -> DrawnCharacter:  # fmt: skip
    """Draw a character.

    Args:
        size_wh: the picture's size in pixels; None: 600 tall, or up to 800 wide, as the figure asks for.
        background: "transparent", "plain", "drawn" (the recipe's, or one of its seed where it has none), or None: the
            recipe's choice.
    Returns:
        Pixels and truth; `bbox_xywh` is the tight box of alpha > 127.
    Raises:
        ValueError: an unknown background, or a size below 16 px.
    """
    recipe = _recipe(recipe_or_seed)
    kind = _background_kind(recipe, background)
    scene = build_scene(recipe, _checked_size(size_wh))
    window = scene.window
    rgba = svg_to_rgba(sheet_to_svg(scene.sheet, window.size_wh, window.scale, window.shift, window.line_px))
    alpha = rgba[..., 3].copy()
    if kind != "transparent":
        behind = random_background(recipe.background_seed, window.size_wh, kind)
        if recipe.monochrome:
            grey = (behind @ np.array(GREY_WEIGHTS)).round().astype(np.uint8)
            behind = np.repeat(grey[..., None], 3, axis=2)
        rgba = composite(rgba, behind)
    truth = _truth(scene, kind)
    return DrawnCharacter(**{**vars(truth), "bbox_xywh": mask_to_bbox_xywh(alpha)}, rgba=rgba, alpha=alpha)


def pose_only(recipe_or_seed: CharacterRecipe | int, *, size_wh: tuple[int, int] | None = None,
              background: str | None = None) -> CharacterTruth:  # fmt: skip
    """The truth that `draw_character` gives for the same arguments, without drawing: about three times as quick."""
    recipe = _recipe(recipe_or_seed)
    return _truth(build_scene(recipe, _checked_size(size_wh), details=False), _background_kind(recipe, background))


def add_item(drawn: CharacterTruth, file_name: str) -> dict[str, Any]:
    """The character as a record of AnimeDrawingsDataset's JSON: 21 named points, whole or half pixels as ADD's are."""
    places = {**drawn.extras, **{name: drawn.points[INDEX[coco]] for name, coco in ADD_TO_COCO.items()}}
    points = {name: [_half_pixel(places[name][0]), _half_pixel(places[name][1])] for name in ADD_NAMES}
    return {"file_name": file_name, "points": points, "width": drawn.size_wh[0], "height": drawn.size_wh[1]}


def mask_to_bbox_xywh(alpha: np.ndarray) -> tuple[float, float, float, float]:
    """Tight box of alpha > 127 in continuous pixels; four zeros when there is none."""
    mask = alpha > ALPHA_THRESHOLD
    columns, rows = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    if not len(rows):
        return (0.0, 0.0, 0.0, 0.0)
    x, y = int(columns[0]), int(rows[0])
    return (float(x), float(y), float(columns[-1] + 1 - x), float(rows[-1] + 1 - y))


def _half_pixel(value: float) -> int | float:
    rounded = round(float(value) * 2) / 2
    return int(rounded) if rounded.is_integer() else rounded


def _recipe(recipe_or_seed: CharacterRecipe | int) -> CharacterRecipe:
    return recipe_or_seed if isinstance(recipe_or_seed, CharacterRecipe) else recipe_from_seed(int(recipe_or_seed))


def _background_kind(recipe: CharacterRecipe, background: str | None) -> str:
    if background is None:
        return recipe.background
    if background in ("transparent", "plain"):
        return background
    if background == "drawn":
        return recipe.background if recipe.background not in ("transparent", "plain") else "hills"
    raise ValueError(f"background is {background!r}, expected transparent, plain, drawn or None")


def _checked_size(size_wh: tuple[int, int] | None) -> tuple[int, int] | None:
    if size_wh is None:
        return None
    width, height = int(size_wh[0]), int(size_wh[1])
    if width < 16 or height < 16:
        raise ValueError(f"size_wh is {width} x {height}, expected at least 16 x 16")
    return width, height


def _truth(scene: Scene, background: str) -> CharacterTruth:
    points, states = keypoints_of(scene)
    return CharacterTruth(scene.figure.recipe, scene.window.size_wh, points, states, extras_of(scene),
                          tags_of(scene, states, background), _curve_bbox(scene))  # fmt: skip


def _curve_bbox(scene: Scene) -> tuple[float, float, float, float]:
    """Box of the drawn curves with their outlines, as far as they lie in the picture."""
    width, height = scene.window.size_wh
    line = scene.window.line_px
    box = scene.window.to_pixels(scene.sheet.bounds().reshape(2, 2)) + np.array([[-line], [line]])
    if box[0].min() < 0 or box[1, 0] > width or box[1, 1] > height:
        # A part outside must not widen the box: only what is cut to the picture counts.
        inside = [_clipped(scene.window.to_pixels(polygon), line, width, height)
                  for shape in scene.sheet.shapes for polygon in shape.polygons]  # fmt: skip
        points = np.vstack([polygon for polygon in inside if len(polygon)])
        box = np.stack([points.min(0) - line, points.max(0) + line])
    (x0, y0), (x1, y1) = np.clip(box, 0.0, np.array([width, height], float)).tolist()
    return (x0, y0, x1 - x0, y1 - y0)


def _clipped(polygon: np.ndarray, margin: float, width: int, height: int) -> np.ndarray:
    """A polygon cut to the picture and a margin around it (Sutherland and Hodgman 1974)."""
    limits = ((0, 1.0, -margin), (0, -1.0, -width - margin), (1, 1.0, -margin), (1, -1.0, -height - margin))
    for axis, sign, limit in limits:
        if not len(polygon):
            break
        room = polygon[:, axis] * sign - limit  # negative outside
        if room.min() >= 0:
            continue
        following, after = np.roll(polygon, -1, 0), np.roll(room, -1)
        crosses = (room >= 0) != (after >= 0)
        t = (room / np.where(crosses, room - after, 1.0))[:, None]
        both = np.stack([polygon, polygon + (following - polygon) * t], axis=1)
        keep = np.stack([room >= 0, crosses], axis=1)
        polygon = both[keep]
    return polygon
