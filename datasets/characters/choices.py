"""How a seed decides a character: each field of the recipe from its own stream, with what suits what.

A stream is named by seed and field, so overriding one field leaves the others as they were, and a field added later
changes no other choice of an old drawing.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from datasets.characters import palette
from datasets.characters.palette import Rgb
from datasets.characters.pose import POSES
from datasets.characters.recipe import AGES, FIELD_NAMES, OUTFITS, CharacterRecipe, check_recipe

_BOY_OUTFITS: Final = ("blazer", "hoodie", "casual", "shirt", "coat", "yukata", "sweater", "tracksuit")
_BOY_STYLES: Final = ("short", "spiky", "short", "bob", "ponytail", "spiky")


class _Draw:
    """Choices by name, each from its own stream; an override wins."""

    def __init__(self, seed: int, overrides: Mapping[str, Any]):
        self.seed, self.overrides, self.values = seed, overrides, dict[str, Any](seed=seed)

    def stream(self, name: str) -> random.Random:
        # A text seed is hashed by SHA-512 in random.Random: the same in every process, unlike hash().
        return random.Random(f"{self.seed}/{name}")

    def put(self, name: str, make: Callable[[random.Random], Any]) -> Any:
        value = self.overrides[name] if name in self.overrides else make(self.stream(name))
        self.values[name] = value
        return value

    def pick(self, name: str, options: Sequence[str] | Mapping[str, float]) -> str:
        if isinstance(options, Mapping):
            return self.put(name, lambda rng: rng.choices(list(options), list(options.values()))[0])
        return self.put(name, lambda rng: rng.choice(options))

    def chance(self, name: str, probability: float) -> bool:
        return self.put(name, lambda rng: rng.random() < probability)

    def number(self, name: str, low: float, high: float) -> float:
        return self.put(name, lambda rng: round(rng.uniform(low, high), 4))

    def normal(self, name: str, sigma: float) -> float:
        return self.put(name, lambda rng: round(max(-2 * sigma, min(2 * sigma, rng.gauss(0, sigma))), 4))

    def colour(
        self, part: str, table: Mapping[str, Rgb], options: Mapping[str, float] | None = None, jitter: int = 9
    ) -> str:
        name = self.pick(f"{part}_colour" if part != "skin" else "skin", options or list(table))
        if name not in table:
            raise ValueError(f"recipe: {part} colour is {name!r}, expected one of {', '.join(table)}")
        self.put(f"{part}_rgb", lambda rng: palette.jittered(table[name], rng, jitter))
        return name


def recipe_from_seed(seed: int, **overrides: Any) -> CharacterRecipe:
    """Decide a whole character from a seed; fields given by name are taken as they are and what hangs on them follows.

    A lying or crawling pose keeps to facings that show it: another facing given beside it gives way to the nearest
    that does, and the recipe says which.

    Raises:
        ValueError: an unknown field, pose, colour or other choice.
    """
    unknown = set(overrides) - set(FIELD_NAMES)
    if unknown:
        raise ValueError(f"recipe: unknown field {', '.join(sorted(unknown))}")
    draw = _Draw(int(seed), overrides)
    _draw_body(draw)
    _draw_pose(draw)
    _draw_head(draw)
    _draw_clothes(draw)
    _draw_picture(draw)
    recipe = CharacterRecipe(**draw.values)
    check_recipe(recipe)
    return recipe


def _draw_body(draw: _Draw) -> None:
    draw.pick("gender", {"girl": 0.72, "boy": 0.28})
    age = draw.pick("age", {"chibi": 0.17, "child": 0.15, "teen": 0.42, "adult": 0.26})
    if age not in AGES:
        raise ValueError(f"recipe: age is {age!r}, expected one of {', '.join(AGES)}")
    draw.number("heads", *AGES[age])
    draw.number("build", 0.94, 1.16)
    draw.number("leg_length", 0.94, 1.10)
    draw.colour("skin", palette.SKIN, {"fair": 0.38, "light": 0.32, "warm": 0.15, "tan": 0.09, "dark": 0.06}, 4)


def _draw_pose(draw: _Draw) -> None:
    name = draw.pick("pose", {pose.name: pose.weight for pose in POSES.values()})
    if name not in POSES:
        raise ValueError(f"recipe: pose is {name!r}, expected one of {', '.join(POSES)}")
    pose = POSES[name]
    # More often to the left, as in AnimeDrawingsDataset: its median nose lies 0.05 torso lengths left of the neck.
    odds = {"front": 0.40, "three_quarter_left": 0.20, "three_quarter_right": 0.14, "profile_left": 0.075,
            "profile_right": 0.055, "behind": 0.13}  # fmt: skip
    facing = draw.pick("facing", {key: value for key, value in odds.items() if key in pose.facings})
    if facing not in odds:
        raise ValueError(f"recipe: facing is {facing!r}, expected one of {', '.join(odds)}")
    draw.values["facing"] = facing = facing if facing in pose.facings else _nearest_facing(facing, pose.facings)
    sigma = {"front": 7.0, "behind": 14.0}.get(facing, 5.0)
    yaw = draw.normal("yaw_offset", sigma)
    back = draw.chance("looking_back", 0.45)
    draw.values["looking_back"] = back = back and facing == "behind"

    def turn(rng: random.Random) -> float:
        if back:
            # Over the shoulder that needs the smaller turn, until the head shows its profile or a little more.
            return round((1 if yaw > 0 else -1) * (180 - abs(yaw) - rng.uniform(66, 86)), 3)
        return round(max(-26.0, min(26.0, rng.gauss(0, 9))), 3)

    draw.put("head_turn", turn)
    draw.normal("head_nod", 4)
    draw.normal("head_tilt", 4)
    draw.normal("roll", 2.0 if not pose.lying else 7.0)
    draw.number("camera", -3, 6)
    draw.number("energy", 0.75, 1.1)
    draw.chance("mirrored", 0.5)
    draw.put("limb_noise", lambda rng: tuple(round(max(-9.0, min(9.0, rng.gauss(0, 3.2))), 3) for _ in range(16)))


def _nearest_facing(facing: str, allowed: Sequence[str]) -> str:
    side = "right" if facing.endswith("right") else "left"
    wishes = {
        "front": (f"three_quarter_{side}", f"profile_{side}"), "behind": (f"profile_{side}", f"three_quarter_{side}"),
        f"three_quarter_{side}": ("front", f"profile_{side}"), f"profile_{side}": (f"three_quarter_{side}", "front"),
    }[facing]  # fmt: skip
    return next((wish for wish in wishes if wish in allowed), allowed[0])


def _draw_head(draw: _Draw) -> None:
    boy = draw.values["gender"] == "boy"
    style = draw.pick("hair_style", _BOY_STYLES if boy else {
        "straight": 3, "bob": 1.6, "spiky": 0.4, "ponytail": 1.4, "side_ponytail": 0.8, "twintails": 1.8,
        "low_twintails": 0.9, "double_bun": 0.9, "single_bun": 0.6, "hime": 1, "wavy": 1.5, "short": 1,
        "two_side_up": 1,
    })  # fmt: skip
    lengths = {
        "bob": ("short",), "spiky": ("short",), "short": ("short",), "double_bun": ("short",), "single_bun": ("short",),
        "hime": ("long", "very_long"), "two_side_up": ("medium", "long", "very_long"),
        "ponytail": ("medium", "long"), "side_ponytail": ("medium", "long"), "low_twintails": ("medium", "long"),
        "twintails": ("medium", "long", "very_long"), "wavy": ("medium", "long", "very_long"),
    }.get(style, ("medium", "long", "long", "very_long"))  # fmt: skip
    draw.pick("hair_length", ("medium",) if boy and style == "ponytail" else lengths)
    draw.pick(
        "bangs",
        ("swept", "messy", "between", "parted", "messy")
        if boy
        else ("blunt",)
        if style == "hime"
        else {"blunt": 2, "swept": 2, "parted": 1.3, "messy": 1.2, "over_one_eye": 0.8, "between": 1.6},
    )
    draw.colour("hair", palette.HAIR)
    draw.chance("ahoge", 0.25)
    draw.chance("sidelocks", 0.2 if boy else 0.65)
    draw.colour("eye", palette.EYES, {name: 0.4 if name == "black" else 1 for name in palette.EYES})
    draw.pick("eye_shape", ("sharp", "sharp", "round", "drooping") if boy else ("round", "round", "drooping", "sharp"))
    draw.number("eye_scale", 0.9, 1.1)
    draw.pick(
        "expression",
        {
            "smile": 3,
            "open_smile": 2.2,
            "neutral": 1.6,
            "closed_smile": 1,
            "closed_calm": 0.6,
            "wink": 0.9,
            "surprised": 0.8,
            "frown": 0.6,
            "cat_smile": 0.6,
            "shy": 0.8,
        },
    )
    draw.chance("blush", 0.45)
    draw.number("gaze", -0.5, 0.5)


def _draw_clothes(draw: _Draw) -> None:
    boy = draw.values["gender"] == "boy"
    outfit = draw.pick("outfit", _BOY_OUTFITS if boy else OUTFITS)
    draw.pick("sleeves", {
        "sailor": ("short", "long"), "sundress": ("none", "short"), "casual": ("short", "short", "none"),
        "maid": ("short", "long"), "pinafore": ("short", "long"), "yukata": ("long",), "shirt": ("short", "long"),
    }.get(outfit, ("long",)))  # fmt: skip
    bottoms = {
        "sailor": ("pleated_skirt",), "sundress": ("flared_skirt", "long_skirt"), "maid": ("flared_skirt",),
        "pinafore": ("flared_skirt", "pleated_skirt"), "yukata": ("yukata",), "tracksuit": ("trousers", "shorts"),
        "coat": ("trousers",) if boy else ("trousers", "shorts", "pleated_skirt"),
        "hoodie": ("shorts", "trousers") if boy else ("shorts", "pleated_skirt", "trousers"),
        "sweater": ("trousers",) if boy else ("long_skirt", "flared_skirt", "trousers"),
        "casual": ("shorts", "trousers") if boy else ("shorts", "flared_skirt", "trousers"),
        "shirt": ("trousers",) if boy else ("pleated_skirt", "long_skirt", "trousers"),
        "blazer": ("trousers",) if boy else ("pleated_skirt",),
    }.get(outfit, ("trousers",))  # fmt: skip
    bottom = draw.pick("bottom", bottoms)
    legwear: tuple[str, ...]
    if bottom in ("trousers", "yukata"):
        legwear = ("none",) if bottom == "trousers" else ("none", "tabi")
    elif bottom == "shorts" and boy:
        legwear = ("socks", "socks", "none")
    elif bottom == "long_skirt":
        legwear = ("none", "pantyhose", "socks")
    else:
        legwear = ("socks", "kneehighs", "thighhighs", "pantyhose", "none", "kneehighs")
    draw.pick("legwear", legwear)
    draw.pick("footwear", {
        "sailor": ("loafers", "loafers", "shoes"), "blazer": ("loafers",), "yukata": ("sandals",),
        "sundress": ("sandals", "shoes", "barefoot", "boots"), "maid": ("shoes", "boots"), "tracksuit": ("sneakers",),
        "coat": ("boots", "boots", "shoes"), "hoodie": ("sneakers", "sneakers", "boots"),
    }.get(outfit, ("sneakers", "shoes", "boots", "barefoot") if not boy else ("sneakers", "shoes")))  # fmt: skip
    tops = {
        "sailor": {"white": 4, "black": 1, "blue": 0.6}, "blazer": {"blue": 2, "black": 2, "brown": 1, "red": 0.6},
        "maid": {"black": 4, "blue": 1, "brown": 0.5}, "shirt": {"white": 4, "blue": 1, "pink": 0.7, "black": 0.8},
    }.get(outfit)  # fmt: skip
    top = draw.colour("top", palette.CLOTH, tops)
    one_piece = outfit in ("sundress", "yukata", "maid") or (outfit == "tracksuit" and bottom == "trousers")
    options = {top: 1.0} if one_piece else {name: 1.0 for name in palette.CLOTH if name != top}
    if bottom == "trousers" and not one_piece:
        options = {"blue": 1.6, "black": 1.5, "grey": 1, "brown": 1, "white": 0.5}
    draw.colour("bottom", palette.CLOTH, options)
    if one_piece and "bottom_rgb" not in draw.overrides and draw.values["bottom_colour"] == top:
        draw.values["bottom_rgb"] = draw.values["top_rgb"]
    draw.colour("accent", palette.CLOTH, {name: 1.0 for name in palette.CLOTH if name != top})
    draw.colour("legwear", palette.CLOTH, {"black": 3, "white": 3, "grey": 0.5, "brown": 0.3, "blue": 0.3})
    draw.colour("footwear", palette.CLOTH, {"brown": 3, "black": 3, "white": 1.4, "red": 1, "blue": 0.6, "pink": 0.4})
    draw.pick("hat", {"none": 8.6, "beret": 0.5, "cap": 0.5, "straw_hat": 0.5, "witch_hat": 0.5, "beanie": 0.4})
    if draw.values["hair_style"] in ("double_bun", "twintails", "two_side_up") and "hat" not in draw.overrides:
        draw.values["hat"] = "none"  # it would sit on the tails
    hat = draw.values["hat"]
    draw.pick("ornament", ("none",) if boy else {"none": 3, "ribbon": 1.5, "hairband": 1, "hairclip": 1, "flower": 0.8})
    draw.chance("glasses", 0.12)
    draw.pick("animal_ears", {"none": 8.8, "cat": 0.7, "rabbit": 0.35, "fox": 0.4} if hat == "none" else ("none",))


def _draw_picture(draw: _Draw) -> None:
    draw.put("ink_rgb", lambda rng: rng.choice([(66, 40, 48), (48, 36, 56), (40, 34, 40), (78, 52, 44), (44, 44, 70)]))
    draw.number("line_weight", 0.85, 1.25)
    draw.chance("monochrome", 0.05)
    draw.pick(
        "background",
        {"transparent": 1.2, "plain": 2, "gradient": 1.6, "pattern": 1.2, "sky": 1.2, "hills": 1.4, "room": 1.4},
    )
    draw.put("background_seed", lambda rng: rng.randrange(2**31))
    easy = not POSES[draw.values["pose"]].lying
    draw.pick("framing", {"full_body": 0.86, "knees_up": 0.08, "bust": 0.06} if easy else ("full_body",))
    draw.number("aspect", 1.0, 1.45)
    draw.put("offset", lambda rng: (round(rng.uniform(-1, 1), 3), round(rng.uniform(-1, 1), 3)))
