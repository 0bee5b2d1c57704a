"""Everything that is decided before a character is drawn, as one frozen record. How a seed decides it: `choices.py`."""

from dataclasses import dataclass, fields
from typing import Final

from datasets.characters.palette import Rgb

AGES: Final[dict[str, tuple[float, float]]] = {  # heads tall
    "chibi": (2.5, 3.1), "child": (4.3, 5.2), "teen": (5.5, 6.4), "adult": (6.5, 7.4),
}  # fmt: skip
HAIR_STYLES: Final[tuple[str, ...]] = (
    "straight", "bob", "spiky", "ponytail", "side_ponytail", "twintails", "low_twintails", "double_bun", "single_bun",
    "hime", "wavy", "short", "two_side_up",
)  # fmt: skip
HAIR_LENGTHS: Final = ("short", "medium", "long", "very_long")
BANGS: Final = ("blunt", "swept", "parted", "messy", "over_one_eye", "between")
EXPRESSIONS: Final = ("smile", "open_smile", "neutral", "closed_smile", "closed_calm", "wink", "surprised", "frown",
                      "cat_smile", "shy")  # fmt: skip
OUTFITS: Final = ("sailor", "blazer", "sundress", "hoodie", "casual", "shirt", "coat", "yukata", "sweater", "tracksuit",
                  "maid", "pinafore")  # fmt: skip
BACKGROUNDS: Final = ("transparent", "plain", "gradient", "pattern", "sky", "hills", "room")
FRAMINGS: Final = ("full_body", "knees_up", "bust")


@dataclass(frozen=True)
class CharacterRecipe:
    """All choices of one drawing. `recipe_from_seed` draws them; `dataclasses.replace` or its overrides change them."""

    seed: int
    gender: str  # girl, boy
    age: str  # a key of AGES
    heads: float  # total height in heads
    build: float  # thickness of limbs, 1 is slim
    leg_length: float  # 1 is the usual for so many heads

    pose: str  # a key of POSES
    facing: str  # one of FACINGS: of the body
    looking_back: bool  # the head turned back to us, when the body faces away
    yaw_offset: float  # degrees added to the facing's yaw
    head_turn: float  # degrees to the own left
    head_nod: float  # degrees down
    head_tilt: float  # degrees to the own right
    roll: float  # the whole figure, counter-clockwise in the picture
    camera: float  # degrees added to the pose's camera height
    energy: float  # how far lean and bend are carried
    mirrored: bool  # which way a lying character lies
    limb_noise: tuple[float, ...]  # 16 degrees: left arm, right arm, left leg, right leg; (out, fore) of both bones

    skin: str
    skin_rgb: Rgb
    hair_style: str
    hair_length: str
    bangs: str
    hair_colour: str
    hair_rgb: Rgb
    ahoge: bool
    sidelocks: bool
    eye_colour: str
    eye_rgb: Rgb
    eye_shape: str  # round, drooping, sharp
    eye_scale: float
    expression: str
    blush: bool
    gaze: float  # -1 to the picture's left, 1 to its right

    outfit: str
    sleeves: str  # none, short, long
    bottom: str  # none, pleated_skirt, flared_skirt, long_skirt, shorts, trousers
    legwear: str  # none, socks, kneehighs, thighhighs, pantyhose
    footwear: str  # shoes, loafers, sneakers, boots, sandals, barefoot
    top_colour: str
    top_rgb: Rgb
    bottom_colour: str
    bottom_rgb: Rgb
    accent_colour: str
    accent_rgb: Rgb
    legwear_colour: str
    legwear_rgb: Rgb
    footwear_colour: str
    footwear_rgb: Rgb
    hat: str  # none, beret, cap, straw_hat, witch_hat, beanie
    ornament: str  # none, ribbon, hairband, hairclip, flower
    glasses: bool
    animal_ears: str  # none, cat, rabbit, fox

    ink_rgb: Rgb
    line_weight: float
    monochrome: bool
    background: str
    background_seed: int
    framing: str
    aspect: float  # width of the picture over that of the figure
    offset: tuple[float, float]  # of the figure in the picture's free space, -1 to 1

    def swing_of(self, key: str) -> tuple[float, ...]:
        """The four noise angles of one limb: armleft, armright, legleft, legright."""
        start = 4 * ("armleft", "armright", "legleft", "legright").index(key)
        return self.limb_noise[start : start + 4]


FIELD_NAMES: Final = tuple(field.name for field in fields(CharacterRecipe))


CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "gender": ("girl", "boy"), "hair_style": HAIR_STYLES, "hair_length": HAIR_LENGTHS, "bangs": BANGS,
    "eye_shape": ("round", "drooping", "sharp"), "expression": EXPRESSIONS, "outfit": OUTFITS,
    "sleeves": ("none", "short", "long"),
    "bottom": ("none", "pleated_skirt", "flared_skirt", "long_skirt", "shorts", "trousers", "yukata"),
    "legwear": ("none", "socks", "kneehighs", "thighhighs", "pantyhose", "tabi"),
    "footwear": ("shoes", "loafers", "sneakers", "boots", "sandals", "barefoot"),
    "hat": ("none", "beret", "cap", "straw_hat", "witch_hat", "beanie"),
    "ornament": ("none", "ribbon", "hairband", "hairclip", "flower"),
    "animal_ears": ("none", "cat", "rabbit", "fox"), "background": BACKGROUNDS, "framing": FRAMINGS,
}  # fmt: skip


def check_recipe(recipe: CharacterRecipe) -> None:
    """Raise ValueError for a choice that nothing can draw."""
    for name, allowed in CHOICES.items():
        value = getattr(recipe, name)
        if value not in allowed:
            raise ValueError(f"recipe: {name} is {value!r}, expected one of {', '.join(allowed)}")
    if not 2.0 <= recipe.heads <= 9.0:
        raise ValueError(f"recipe: heads is {recipe.heads}, expected 2 to 9")
