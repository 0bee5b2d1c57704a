"""The records that file formats are read into and written from: one image with its annotations, nothing of the store.

A door (ADD, COCO, later YOLO, CVAT and others) turns a file into `ImageRecord`s, each with its `AnnotationRecord`s, and
into `Refusal`s for what it could not read; one bad record never stops the others. States and sources travel as one
letter a keypoint ("u" undecided, "v" visible, "h" hidden, "a" absent), which keeps 100,000 annotations light; the words
are in `datasets.skeleton`. Numbers are kept as they were read: an int stays an int, .5 stays .5, nothing is clipped.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from datasets.skeleton import COCO_KEYPOINTS, INDEX, NUM_KEYPOINTS, SOURCES, STATES, Source, State

Number: TypeAlias = int | float
Point: TypeAlias = list[Number]  # [x, y] in image pixels, x right, y down, continuous

STATE_LETTER: Final[dict[State, str]] = {state: state[0] for state in STATES}
LETTER_STATE: Final[dict[str, State]] = {letter: state for state, letter in STATE_LETTER.items()}
# "placed" and "predicted" share a first letter: the machine's is "m".
SOURCE_LETTER: Final[dict[Source, str]] = {
    "none": "-", "imported": "i", "predicted": "m", "placed": "p", "confirmed": "c", "adjudicated": "j",
}  # fmt: skip
LETTER_SOURCE: Final[dict[str, Source]] = {letter: source for source, letter in SOURCE_LETTER.items()}
assert set(SOURCE_LETTER) == set(SOURCES)

NO_STATES: Final = "u" * NUM_KEYPOINTS
NO_SOURCES: Final = "-" * NUM_KEYPOINTS


class FormatError(ValueError):
    """A file or a record cannot be read; the message says where, what was found and what was expected."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One record that was not taken, by its name in the source, and why."""

    record: str
    reason: str


@dataclass(frozen=True, slots=True)
class Flag:
    """One record that was taken although something about it is odd, by its name in the source, and what."""

    record: str
    flag: str


@dataclass(slots=True)
class AnnotationRecord:
    """One character on one image, as a file says it.

    points: 17 of [x, y] or None (no place given). states, sources: 17 letters each, see the module.
    extras: named extra points, name -> [x, y]. bbox_xywh: None where the file has none.
    segmentation: COCO polygons or RLE, verbatim. source_id: the annotation's id in the file, as text.
    other: fields of the file that we do not know, verbatim, so that they can be written again.
    """

    points: list[Point | None] = field(default_factory=lambda: [None] * NUM_KEYPOINTS)
    states: str = NO_STATES
    sources: str = NO_SOURCES
    extras: dict[str, Point] = field(default_factory=dict)
    bbox_xywh: list[Number] | None = None
    box_source: Source = "none"
    box_confirmed: bool = False
    segmentation: Any = None
    area: Number | None = None
    is_crowd: bool = False
    source_id: str | None = None
    other: dict[str, Any] = field(default_factory=dict)

    def point(self, name: str) -> Point | None:
        return self.points[INDEX[name]]

    def state(self, name: str) -> State:
        return LETTER_STATE[self.states[INDEX[name]]]

    def source(self, name: str) -> Source:
        return LETTER_SOURCE[self.sources[INDEX[name]]]


@dataclass(slots=True)
class ImageRecord:
    """One picture, as a file says it, with the characters on it.

    width, height: pixels of the frame the coordinates live in; None where the file does not say (ADD writes 0).
    source, source_id: where it is from, e.g. ("danbooru", "1154928"); a file of unknown origin has source "file" and
    its name as id. fit_wh: the frame the original was shrunk into (ADD: 800 x 600), None where it was not.
    digest: SHA-256 of the stored picture, when known. removal: reason, when it was taken out of the dataset.
    """

    file_name: str
    width: int | None = None
    height: int | None = None
    source: str = "file"
    source_id: str = ""
    fit_wh: tuple[int, int] | None = None
    digest: str | None = None
    original_md5: str | None = None
    original_wh: tuple[int, int] | None = None
    artist: str | None = None
    licence: str | None = None
    rating: str | None = None
    rating_scheme: str | None = None
    flags: list[str] = field(default_factory=list)
    removal: str | None = None
    annotations: list[AnnotationRecord] = field(default_factory=list)
    other: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        """What makes two records the same image: where it is from, and its id there."""
        return (self.source, self.source_id)


Read: TypeAlias = ImageRecord | Refusal


def letters(words: Iterable[str], table: Mapping[Any, str]) -> str:
    """Pack states or sources, one letter a keypoint: `letters(("visible", "absent"), STATE_LETTER) == "va"`."""
    return "".join(table[word] for word in words)


def replace_letter(packed: str, name: str, letter: str) -> str:
    """The same packed states or sources with one keypoint's letter changed."""
    index = COCO_KEYPOINTS.index(name)
    return packed[:index] + letter + packed[index + 1 :]
