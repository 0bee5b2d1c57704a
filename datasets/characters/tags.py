"""Danbooru-style tags that are true of a drawing: made from the recipe and from what the window shows."""

from collections.abc import Callable

from datasets.characters.face import EXPRESSION_PARTS
from datasets.characters.pose import FACING_YAW
from datasets.characters.recipe import CharacterRecipe
from datasets.characters.scene import Scene
from datasets.skeleton import INDEX, State

Seen = Callable[[str], bool]  # of a keypoint by name

_HAIR_TAGS = {
    "bob": ("bob_cut",), "spiky": ("spiked_hair",), "ponytail": ("ponytail",), "side_ponytail": ("side_ponytail",),
    "twintails": ("twintails",), "low_twintails": ("low_twintails", "twintails"), "double_bun": ("double_bun",
        "hair_bun"),
    "single_bun": ("single_hair_bun", "hair_bun"), "hime": ("hime_cut",), "wavy": ("wavy_hair",),
    "straight": ("straight_hair",),
    "two_side_up": ("two_side_up",),
}  # fmt: skip
_BANGS_TAGS = {"blunt": "blunt_bangs", "swept": "swept_bangs", "parted": "parted_bangs",
               "over_one_eye": "hair_over_one_eye",
               "between": "hair_between_eyes"}  # fmt: skip
_MOUTH_TAGS = {"smile": ("smile", "closed_mouth"), "open": ("open_mouth", "smile"), "line": ("closed_mouth",),
               "o": ("open_mouth",),
               "frown": ("frown", "closed_mouth"), "cat": (":3", "smile", "closed_mouth"), "wavy": ("wavy_mouth",
                   "closed_mouth")}  # fmt: skip
_OUTFIT_TAGS = {
    "sailor": ("school_uniform", "serafuku", "sailor_collar"), "blazer": ("school_uniform", "blazer", "jacket"),
    "sundress": ("dress", "sundress"), "hoodie": ("hoodie",), "casual": ("shirt", "t-shirt"), "shirt": ("shirt",
        "collared_shirt"),
    "coat": ("coat", "scarf", "open_clothes"), "yukata": ("japanese_clothes", "yukata", "obi", "sash"),
    "sweater": ("sweater", "turtleneck"),
    "tracksuit": ("track_jacket", "jacket"), "maid": ("maid", "dress", "apron"), "pinafore": ("pinafore_dress",
        "dress", "shirt"),
}  # fmt: skip
_BOTTOM_TAGS = {"pleated_skirt": ("skirt", "pleated_skirt"), "flared_skirt": ("skirt",), "long_skirt": ("skirt",
    "long_skirt"),
                "shorts": ("shorts",), "trousers": ("pants",)}  # fmt: skip
_LEG_TAGS = {
    "socks": ("socks",),
    "kneehighs": ("kneehighs", "socks"),
    "thighhighs": ("thighhighs",),
    "pantyhose": ("pantyhose",),
    "tabi": ("tabi",),
}
_FOOT_TAGS = {"shoes": ("shoes",), "loafers": ("loafers", "shoes"), "sneakers": ("sneakers", "shoes"),
              "boots": ("boots",), "sandals": ("sandals",),
              "barefoot": ("barefoot",)}  # fmt: skip
_HAT_TAGS = {"beret": ("hat", "beret"), "cap": ("hat", "baseball_cap"), "straw_hat": ("hat", "straw_hat"),
             "witch_hat": ("hat", "witch_hat"),
             "beanie": ("hat", "beanie")}  # fmt: skip
_EAR_TAGS = {
    "cat": ("animal_ears", "cat_ears"),
    "rabbit": ("animal_ears", "rabbit_ears"),
    "fox": ("animal_ears", "fox_ears"),
}
_ORNAMENT_TAGS = {"ribbon": "hair_ribbon", "hairband": "hairband", "hairclip": "hairclip", "flower": "hair_flower"}
_LENGTH_TAGS = {"short": "short_hair", "medium": "medium_hair", "long": "long_hair", "very_long": "very_long_hair"}
_BACKGROUND_TAGS = {"transparent": ("transparent_background", "simple_background"), "plain": ("simple_background",),
                    "gradient": ("gradient_background", "simple_background"), "pattern": ("patterned_background",),
                    "sky": ("outdoors", "sky", "day"), "hills": ("outdoors", "sky", "hill", "day"),
                    "room": ("indoors",)}  # fmt: skip

# What cannot be told of a picture that shows no legs.
_LEG_POSES = frozenset({
    "standing", "walking", "running", "jumping", "standing_on_one_leg", "leg_up", "kicking", "crossed_legs", "sitting",
    "wariza", "seiza", "indian_style", "knees_up", "hugging_own_legs", "hands_on_own_knees", "squatting", "kneeling",
    "on_one_knee", "all_fours",
})  # fmt: skip


def tags_of(scene: Scene, states: tuple[State, ...], background: str) -> tuple[str, ...]:
    """The tags of one picture, in a fixed order, without repeats.

    Args:
        states: of the 25 keypoints; a part that is not in the picture or not seen gets no tag.
        background: the background as drawn, a name of BACKGROUNDS.
    """
    recipe, rig, head = scene.figure.recipe, scene.figure.rig, scene.head
    seen = lambda name: states[INDEX[name]] != "absent"  # noqa: E731
    visible = lambda name: states[INDEX[name]] == "visible"  # noqa: E731
    tags: list[str] = ["1boy", "male_focus"] if recipe.gender == "boy" else ["1girl"]
    tags.append("solo")
    if recipe.age == "chibi":
        tags.append("chibi")
    tags += _framing_tags(recipe.framing, seen)
    tags += _view_tags(scene)
    has_legs = any(seen(f"{side}_{joint}") for side in ("left", "right") for joint in ("knee", "ankle"))
    tags += [tag for tag in rig.pose.tags if has_legs or tag not in _LEG_POSES]
    tags += [f"{recipe.hair_colour}_hair", _LENGTH_TAGS[recipe.hair_length], *_HAIR_TAGS.get(recipe.hair_style, ())]
    if head.away < 90:
        tags += [_BANGS_TAGS[recipe.bangs]] if recipe.bangs in _BANGS_TAGS else []
        tags += ["sidelocks"] if recipe.sidelocks else []
    tags += ["ahoge"] if recipe.ahoge else []
    tags += _face_tags(scene, visible)
    tags += _clothes_tags(recipe, seen)
    tags += _HAT_TAGS.get(recipe.hat, ())
    if recipe.ornament != "none" and head.away < 70 and recipe.outfit != "maid":
        tags.append(_ORNAMENT_TAGS[recipe.ornament])
    tags += _EAR_TAGS.get(recipe.animal_ears, ())
    tags += ["monochrome", "greyscale"] if recipe.monochrome else []
    tags += _BACKGROUND_TAGS[background]
    return tuple(dict.fromkeys(tags))


def _framing_tags(framing: str, seen: Seen) -> list[str]:
    if all(seen(f"{side}_ankle") for side in ("left", "right")):
        return ["full_body"]
    return ["upper_body"] if framing == "bust" else ["cowboy_shot"]


def _view_tags(scene: Scene) -> list[str]:
    recipe, head = scene.figure.recipe, scene.head
    # Of the body as it was posed: a chest that leans over points elsewhere.
    turn = abs((FACING_YAW[recipe.facing] + recipe.yaw_offset + 180) % 360 - 180)
    tags = []
    if turn > 120:
        tags.append("from_behind")
        tags.append("looking_back" if head.away < 105 else "facing_away")
    elif turn > 62:
        tags.append("from_side")
    elif turn > 22:
        tags.append("three_quarter_view")
    if 62 < head.away <= 105:
        tags.append("profile")
    return tags


def _face_tags(scene: Scene, visible: Seen) -> list[str]:
    recipe, head = scene.figure.recipe, scene.head
    left_open, right_open, mouth = EXPRESSION_PARTS[recipe.expression]
    shown = {"left": visible("left_eye"), "right": visible("right_eye")}
    opened = {"left": left_open, "right": right_open}
    tags = []
    if any(shown[side] and opened[side] for side in shown):
        tags.append(f"{recipe.eye_colour}_eyes")
        if abs(head.turn) < 30:
            tags.append("looking_at_viewer")
    if left_open != right_open and all(shown.values()):
        tags += ["one_eye_closed", ";d"]
    elif any(shown.values()) and not any(opened[side] for side in shown if shown[side]):
        tags.append("closed_eyes")
    if head.away < 100:
        tags += _MOUTH_TAGS[mouth]
        tags += {"surprised": ["surprised", ":o"]}.get(recipe.expression, [])
        tags += ["blush"] if (recipe.blush or recipe.expression == "shy") and any(shown.values()) else []
        tags += ["glasses"] if recipe.glasses else []
    return tags


def _clothes_tags(recipe: CharacterRecipe, seen: Seen) -> list[str]:
    tags = list(_OUTFIT_TAGS[recipe.outfit])
    if recipe.outfit in ("sundress", "casual", "sweater", "hoodie", "shirt", "coat") and not recipe.monochrome:
        tags.append(f"{recipe.top_colour}_{tags[0]}")
    tags += {"short": ["short_sleeves"], "long": ["long_sleeves"], "none": ["sleeveless"]}[recipe.sleeves]
    if seen("left_knee") or seen("right_knee"):
        if recipe.outfit not in ("sundress", "maid"):
            tags += _BOTTOM_TAGS.get(recipe.bottom, ())
        if recipe.bottom in ("pleated_skirt", "shorts") and not recipe.monochrome:
            tags.append(f"{recipe.bottom_colour}_{_BOTTOM_TAGS[recipe.bottom][0]}")
        tags += _LEG_TAGS.get(recipe.legwear, ())
        if recipe.legwear in ("kneehighs", "thighhighs", "pantyhose") and not recipe.monochrome:
            tags.append(f"{recipe.legwear_colour}_{recipe.legwear}")
    if seen("left_ankle") and seen("right_ankle"):
        tags += _FOOT_TAGS[recipe.footwear]
    return tags
