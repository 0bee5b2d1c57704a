"""Small pictures and AnimeDrawingsDataset records of them: enough to import, deal and export, made in no time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageDraw

SIZE_WH: Final = (150, 200)
FIRST_POST: Final = 7_000_001
JOINTS: Final[dict[str, tuple[float, float]]] = {
    "head": (75, 20), "nose_root": (75, 39), "nose_tip": (76, 45.5), "neck": (75, 62), "body_upper": (75, 85),
    "arm_left": (92, 70), "elbow_left": (102, 95), "wrist_left": (106, 119.5), "thumb_left": (105, 123),
    "arm_right": (58, 70), "elbow_right": (48, 95), "wrist_right": (44, 119), "thumb_right": (45, 123),
    "leg_left": (84, 120), "knee_left": (86, 152), "ankle_left": (87, 182), "tiptoe_left": (92, 190),
    "leg_right": (66, 120), "knee_right": (64, 152), "ankle_right": (63, 182), "tiptoe_right": (58, 190),
}  # fmt: skip


def add_record(number: int) -> dict[str, Any]:
    """The record of drawing `number` (from 0) as AnimeDrawingsDataset's files have it."""
    points = {name: [x + number % 7, y] for name, (x, y) in JOINTS.items()}
    width, height = SIZE_WH
    return {"file_name": f"data/images/{FIRST_POST + number}.png", "width": width, "height": height, "points": points}


def draw(number: int) -> Image.Image:
    """The picture of drawing `number`: a figure on transparent ground, no two alike."""
    picture = Image.new("RGBA", SIZE_WH)
    pen = ImageDraw.Draw(picture)
    at = {name: (x + number % 7, y) for name, (x, y) in JOINTS.items()}
    colour = (60 + number * 37 % 190, 60 + number * 91 % 190, 60 + number * 13 % 190, 255)
    pen.polygon([at["arm_left"], at["arm_right"], at["leg_right"], at["leg_left"]], fill=colour)
    for limb in ("arm elbow wrist thumb", "leg knee ankle tiptoe"):
        for side in ("left", "right"):
            pen.line([at[f"{joint}_{side}"] for joint in limb.split()], fill=colour, width=10)
    x, y = at["nose_tip"]
    pen.ellipse((x - 24, y - 30, x + 24, y + 20), fill=(247, 217, 189, 255))
    # Something of every picture's own, and noise enough that it does not shrink to nothing.
    pen.text((2, 180), str(number), fill=(0, 0, 0, 255))
    noise = Image.effect_noise((SIZE_WH[0], 40), 90)
    picture.paste(noise.convert("RGBA"), (0, 160), noise.point(lambda value: 255 if value > 200 else 0))
    return picture


def write_records(path: Path, count: int) -> Path:
    """An AnimeDrawingsDataset file of so many drawings."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([add_record(number) for number in range(count)]))
    return path


def write_pictures(folder: Path, count: int) -> Path:
    """The pictures of the first so many drawings."""
    folder.mkdir(parents=True)
    for number in range(count):
        draw(number).save(folder / f"{FIRST_POST + number}.png", compress_level=1)
    return folder
