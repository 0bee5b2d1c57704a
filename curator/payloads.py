"""What goes in and out of the labelling API: strict types for requests, plain structs for answers.

Decoding refuses unknown fields and wrong types with the path of the part; what types cannot say (a finite place, a
state that needs one) is checked in `check_changes`. Answers are encoded by msgspec as they stand.
"""

import math
from typing import Annotated, Any, Literal, TypeVar, cast

import msgspec
from msgspec import Meta, Struct

from curator.errors import BadInput
from datasets.skeleton import COCO_KEYPOINTS, State

MAX_COORDINATE = 1e6
REMOVAL_REASONS = ("several characters", "not full body", "not a character", "duplicate")

ChangeId = Annotated[str, Meta(min_length=8, max_length=100, pattern=r"^[A-Za-z0-9._:-]+(?!\n)$")]
Coordinate = Annotated[float, Meta(ge=-MAX_COORDINATE, le=MAX_COORDINATE)]
Reason = Annotated[str, Meta(min_length=1, max_length=200)]
Version = Annotated[int, Meta(ge=1, le=2**53)]
PersonSource = Literal["none", "imported", "predicted", "placed", "confirmed", "adjudicated"]


class Keypoint(Struct, frozen=True, forbid_unknown_fields=True):
    """One keypoint: a place in image pixels (None: no place), its state, and who says so."""

    x: Coordinate | None
    y: Coordinate | None
    state: State
    source: PersonSource


class Box(Struct, frozen=True, forbid_unknown_fields=True):
    """The character's box in image pixels: x, y of the corner, width, height."""

    bbox_xywh: Annotated[list[Coordinate], Meta(min_length=4, max_length=4)] | None
    source: PersonSource
    confirmed: bool


class Changes(Struct, frozen=True, forbid_unknown_fields=True):
    """What changes: the keypoints by name and the box, each only if it changes."""

    keypoints: dict[str, Keypoint] = {}
    box: Box | None = None


class Change(Struct, frozen=True, forbid_unknown_fields=True):
    """One edit. `change_id` is made by the client: repeated, it changes nothing and answers the same."""

    change_id: ChangeId
    base_version: Version
    changes: Changes
    undoes: ChangeId | None = None


class PredictedKeypoint(Struct, frozen=True, forbid_unknown_fields=True):
    x: Coordinate
    y: Coordinate
    state: State
    score: Annotated[float, Meta(ge=0, le=1)]


class PredictedBox(Struct, frozen=True, forbid_unknown_fields=True):
    bbox_xywh: Annotated[list[Coordinate], Meta(min_length=4, max_length=4)]
    source: Annotated[str, Meta(max_length=40)]


class Prediction(Struct, frozen=True, forbid_unknown_fields=True):
    """What a model proposes; shown, never edited."""

    model: Annotated[str, Meta(max_length=100)]
    model_version: Annotated[str, Meta(max_length=100)]
    keypoints: dict[str, PredictedKeypoint] = {}
    box: PredictedBox | None = None


class Confirmation(Struct, frozen=True, forbid_unknown_fields=True):
    """A person's answer to a whole task: the values decided, what was shown, and how long it took."""

    change_id: ChangeId
    base_version: Version
    queue: str
    changes: Changes
    shown: Prediction | None = None
    active_ms: Annotated[int, Meta(ge=0, le=24 * 3600 * 1000)] = 0


class Skip(Struct, frozen=True, forbid_unknown_fields=True):
    change_id: ChangeId
    queue: str
    reason: Reason


class Unskip(Struct, frozen=True, forbid_unknown_fields=True):
    change_id: ChangeId
    queue: str


class Removal(Struct, frozen=True, forbid_unknown_fields=True):
    change_id: ChangeId
    reason: Reason


class Restoration(Struct, frozen=True, forbid_unknown_fields=True):
    change_id: ChangeId


class Saved(Struct, frozen=True):
    """The change is on the disk. `repeated`: it was there already."""

    version: int
    change_id: str
    repeated: bool = False
    ok: bool = True


class AnnotationView(Struct, frozen=True):
    id: int
    image_id: int
    version: int
    keypoints: dict[str, Keypoint]
    extras: dict[str, list[float]]
    box: Box


class ImageView(Struct, frozen=True):
    id: int
    file_name: str
    width: int | None
    height: int | None
    source: str
    source_id: str
    url: str | None


class Rectangle(Struct, frozen=True):
    x: float
    y: float
    width: float
    height: float


class Task(Struct, frozen=True):
    """One drawing put to a person: what is known, what is proposed, what is asked, where to look."""

    position: int
    queue: str
    image: ImageView
    annotation: AnnotationView
    prediction: Prediction | None
    wanted: tuple[str, ...]
    wants_box: bool
    view: Rectangle


class QueueSummary(Struct, frozen=True):
    name: str
    title: str
    size: int
    done: int
    skipped: int
    waiting_for_bytes: int


class TaskPage(Struct, frozen=True):
    queue: QueueSummary
    tasks: list[Task]


class RemovedImage(Struct, frozen=True):
    image_id: int
    file_name: str
    url: str | None
    reason: str
    removed_at: str
    by: str


class Activity(Struct, frozen=True):
    """One recent change, for the home page."""

    action: str
    file_name: str
    by: str
    at: str
    annotation_id: int | None


class Overview(Struct, frozen=True):
    images: int
    images_with_bytes: int
    annotations: int
    removed: int
    keypoints: dict[str, dict[str, int]]
    queues: list[QueueSummary]
    recent: list[Activity]


_T = TypeVar("_T")
_DECODERS: dict[type, msgspec.json.Decoder[Any]] = {}


def decode(body: bytes, kind: type[_T]) -> _T:
    """Read a request body strictly.

    Raises:
        BadInput: not JSON, or not of that form; `field` is the path of the wrong part.
    """
    if kind not in _DECODERS:
        _DECODERS[kind] = msgspec.json.Decoder(kind)
    try:
        return cast(_T, _DECODERS[kind].decode(body))
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        field = path.rstrip("`").lstrip(".") or None
        raise BadInput(f"{field or 'request body'}: {message}", field) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"request body: not valid JSON ({error})") from error


def check_changes(changes: Changes) -> None:
    """What the types cannot say.

    Raises:
        BadInput: an unknown keypoint, a place that is half given, visible or hidden without a place, an empty box.
    """
    for name, keypoint in changes.keypoints.items():
        field = f"changes.keypoints.{name}"
        if name not in COCO_KEYPOINTS:
            raise BadInput(f"{field}: no keypoint is called {name[:60]!r}, expected one of COCO's 17 names", field)
        if (keypoint.x is None) != (keypoint.y is None):
            raise BadInput(f"{field}: has only one of x and y, expected both or neither", field)
        if keypoint.x is None and keypoint.state in ("visible", "hidden"):
            raise BadInput(f"{field}: is {keypoint.state} without a place, expected x and y", field)
        if any(value is not None and not math.isfinite(value) for value in (keypoint.x, keypoint.y)):
            raise BadInput(f"{field}: x and y must be finite", field)
    if changes.box is not None and changes.box.bbox_xywh is not None:
        _, _, width, height = changes.box.bbox_xywh
        if width <= 0 or height <= 0:
            raise BadInput(
                f"changes.box.bbox_xywh: is {width:g} wide and {height:g} high, expected more than 0 of both",
                "changes.box.bbox_xywh",
            )


def to_builtins(value: Any) -> Any:
    """An answer as plain dicts and lists, for templates and for `--json`."""
    return msgspec.to_builtins(value)
