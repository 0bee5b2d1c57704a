"""The cast of the stories: three drawn characters whose joints are known by heart.

Mika stands and faces us. Ren sits, her right side half hidden. Noa is a bust: below the elbows there is no picture.
Each is a record as a file would bring it, and a picture of the same size, drawn plainly: the stories are about the
records; the art is in `datasets.characters`.
"""

import io
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageDraw

from datasets.records import AnnotationRecord, ImageRecord, Point
from datasets.skeleton import COCO_KEYPOINTS, FACE_KEYPOINTS

SIZE_WH: Final = (240, 320)


@dataclass(frozen=True)
class Character:
    """A member of the cast. joints: COCO name -> (x, y); face: where eyes and ears truly are."""

    name: str
    post_id: int
    colour: str
    joints: dict[str, tuple[float, float]]
    face: dict[str, tuple[float, float]]
    extras: dict[str, tuple[float, float]]

    @property
    def file_name(self) -> str:
        return f"{self.post_id}.png"

    def record(self) -> ImageRecord:
        """As AnimeDrawingsDataset would bring it: joints undecided, no eyes, no ears, no box."""
        points: list[Point | None] = [list(self.joints[n]) if n in self.joints else None for n in COCO_KEYPOINTS]
        return ImageRecord(
            file_name=f"data/images/{self.file_name}",
            width=SIZE_WH[0],
            height=SIZE_WH[1],
            source="danbooru",
            source_id=str(self.post_id),
            fit_wh=(800, 600),
            annotations=[
                AnnotationRecord(
                    points=points,
                    sources="".join("-" if point is None else "i" for point in points),
                    extras={name: list(point) for name, point in self.extras.items()},
                )
            ],
        )

    def picture(self) -> bytes:
        """A PNG of the character on white."""
        image = Image.new("RGB", SIZE_WH, "white")
        draw = ImageDraw.Draw(image)
        for x, y in self.joints.values():
            draw.ellipse((x - 9, y - 9, x + 9, y + 9), fill=self.colour)
        for x, y in self.face.values():
            draw.ellipse((x - 2, y - 2, x + 2, y + 2), fill="black")
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        return buffer.getvalue()


def _standing(dx: float, dy: float) -> dict[str, tuple[float, float]]:
    places = {
        "nose": (120, 60), "left_shoulder": (145, 95), "right_shoulder": (95, 95), "left_elbow": (155, 130.5),
        "right_elbow": (85, 130), "left_wrist": (160, 165), "right_wrist": (80, 165), "left_hip": (135, 170),
        "right_hip": (105, 170), "left_knee": (137, 225), "right_knee": (103, 225), "left_ankle": (138, 280),
        "right_ankle": (102, 280),
    }  # fmt: skip
    return {name: (x + dx, y + dy) for name, (x, y) in places.items()}


def _face(dx: float, dy: float) -> dict[str, tuple[float, float]]:
    places = {"left_eye": (130, 50), "right_eye": (110, 50), "left_ear": (142, 56), "right_ear": (98, 56)}
    return {name: (places[name][0] + dx, places[name][1] + dy) for name in FACE_KEYPOINTS}


def _extras(dx: float, dy: float) -> dict[str, tuple[float, float]]:
    places = {
        "nose_root": (120, 48), "neck": (120, 82), "head": (120, 45), "body_upper": (120, 130),
        "thumb_left": (158, 175), "thumb_right": (82, 175), "tiptoe_left": (148, 295), "tiptoe_right": (92, 295),
    }  # fmt: skip
    return {name: (x + dx, y + dy) for name, (x, y) in places.items()}


MIKA: Final = Character("mika", 1000001, "#c8553d", _standing(0, 0), _face(0, 0), _extras(0, 0))
REN: Final = Character("ren", 1000002, "#2f6690", _standing(-12, 20), _face(-12, 20), _extras(-12, 20))
NOA: Final = Character(
    "noa",
    1000003,
    "#588157",
    {
        name: place
        for name, place in _standing(8, 120).items()
        if name.rpartition("_")[2] in ("nose", "shoulder", "elbow")
    },
    _face(8, 120),
    _extras(8, 120),
)
CAST: Final = (MIKA, REN, NOA)
