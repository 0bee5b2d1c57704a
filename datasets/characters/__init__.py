"""Procedural characters: anime drawings from a seed, with everything about them known.

The promise: the same seed or recipe gives the same bytes in every process; 25 keypoints, their states, ADD's extra
points, the mask, the box and Danbooru-style tags come with the picture and are exact by construction; nothing here is
read from files or the network. Drawings are safe for work. Networks, stores and file formats know nothing of this room.

    drawn = draw_character(7)                       # pixels and truth
    drawn = draw_character(recipe_from_seed(7, pose="wariza", hair_colour="pink"), background="transparent")
    truth = pose_only(7)                            # the same truth without pixels
    record = add_item(truth, "data/images/7.png")   # as AnimeDrawingsDataset writes it

Within: `choices` decide a `recipe`, `pose` and `rig` place the bones; `body`, `limbs`, `clothes`, `skirts`, `outfits`,
`dresses`, `head`, `face`, `hair`, `tails`, `headwear` draw on a `sheet`; `scene` puts them together and frames them,
`truth` and `tags` say what is there, `raster` makes pixels, `background` what is behind, `records` the doors.
"""

from datasets.characters.background import random_background
from datasets.characters.choices import recipe_from_seed
from datasets.characters.pose import FACINGS, POSES
from datasets.characters.recipe import (
    AGES,
    BACKGROUNDS,
    EXPRESSIONS,
    FRAMINGS,
    HAIR_STYLES,
    OUTFITS,
    CharacterRecipe,
)
from datasets.characters.records import CharacterTruth, DrawnCharacter, add_item, draw_character, pose_only

__all__ = [
    "AGES",
    "BACKGROUNDS",
    "EXPRESSIONS",
    "FACINGS",
    "FRAMINGS",
    "HAIR_STYLES",
    "OUTFITS",
    "POSES",
    "CharacterRecipe",
    "CharacterTruth",
    "DrawnCharacter",
    "add_item",
    "draw_character",
    "pose_only",
    "random_background",
    "recipe_from_seed",
]  # fmt: skip
