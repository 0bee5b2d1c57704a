"""AnimeDrawingsDataset (ADD) in and out: 2,000 drawings with 21 joints each, one character a drawing.

A file is a list of {file_name, points: {21 names: [x, y]}, width, height}; the name holds the Danbooru post's id. The
coordinates live in the post's picture shrunk to fit 800 x 600 (`fit_wh`), never enlarged. ADD says nothing of eyes,
ears, boxes or visibility: its 13 joints that COCO has too arrive undecided, the other eight stay as named extra points.

Numbers are kept as they stand (836 drawings have half pixels, some points lie outside): odd ones are flagged, never
clipped. Flags: `size_unknown`, `point_outside` (x > width, y > height or negative), `point_on_edge` (none outside, one
at x = width or y = height exactly; 0 is inside, a canvas shows it).

Source: Khungurn & Chou 2016, "Pose estimation of anime/manga characters"; files of dragonmeteor/AnimeDrawingsDataset.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from datasets.json_files import Item, check_finite, decode_plain, shown, split_list, word_of
from datasets.names import post_id_of, why_unsafe
from datasets.output import write_whole
from datasets.records import AnnotationRecord, FormatError, ImageRecord, Point, Read, Refusal
from datasets.skeleton import ADD_EXTRAS, ADD_NAMES, ADD_TO_COCO, INDEX, NUM_KEYPOINTS

FIT_WH: Final = (800, 600)

_FIELDS: Final = frozenset({"file_name", "points", "width", "height"})
_NAMES: Final = frozenset(ADD_NAMES)
_PLACES: Final = tuple((name, INDEX[coco_name]) for name, coco_name in ADD_TO_COCO.items())
_STATES: Final = "u" * NUM_KEYPOINTS
_SOURCES: Final = "".join("i" if index in dict(_PLACES).values() else "-" for index in range(NUM_KEYPOINTS))


def read_add(path: str | Path) -> Iterator[Read]:
    """Read a file of ADD, one record after the other, each an ImageRecord with one annotation, or a Refusal.

    Raises:
        FormatError: the file as a whole cannot be read: truncated, not UTF-8, not a list.
    """
    path = Path(path)
    return _records(path.name, split_list(path, "ADD records (file_name, width, height, points)"))


def write_add(path: str | Path, images: Iterable[ImageRecord]) -> list[Refusal]:
    """Write records as ADD lays them out (21 points, size 0 where unknown); returns those that ADD cannot hold.

    The file appears under its name when it is complete. Read and written again, ADD's own files are the same bytes.
    """
    path = Path(path)
    items, refused = [], []
    for image in images:
        try:
            items.append(_item(image))
        except FormatError as error:
            refused.append(Refusal(image.file_name, f"{path.name}: {image.file_name}: {error}"))
    with write_whole(path) as out:
        out.write(json.dumps(items, indent=2, ensure_ascii=False, allow_nan=False).encode())
    return refused


def _records(file: str, items: list[Item]) -> Iterator[Read]:
    seen: dict[str, str] = {}
    for number, item in enumerate(items, start=1):
        name = f"record {number}"
        try:
            fields = decode_plain(item)
            if not isinstance(fields, dict):
                raise FormatError(f"is {shown(fields)}, expected an object with file_name, width, height and points")
            if isinstance(fields.get("file_name"), str) and fields["file_name"]:
                name = fields["file_name"]
            check_finite(fields)
            record = _image(fields)
            first = seen.setdefault(record.source_id, name)
            if first is not name:
                raise FormatError(f"has id {record.source_id}, which is already {first}, expected each id once")
        except FormatError as error:
            yield Refusal(name, f"{file}: {name}: {error}")
        else:
            yield record


def _image(fields: dict[str, Any]) -> ImageRecord:
    missing = next((name for name in ("file_name", "points", "width", "height") if name not in fields), None)
    if missing:
        raise FormatError(f"has no {missing}, expected file_name, points, width and height")
    file_name = fields["file_name"]
    if not isinstance(file_name, str):
        raise FormatError(f"file_name is {shown(file_name)}, expected a path like data/images/1154928.jpg")
    if problem := why_unsafe(file_name):
        raise FormatError(f"file_name {problem}")
    post_id = post_id_of(file_name)
    if post_id is None:
        raise FormatError(
            f"file_name is {file_name!r}, expected a Danbooru post's number, like data/images/1154928.jpg"
        )
    for side in ("width", "height"):
        if type(fields[side]) is not int or fields[side] < 0:
            raise FormatError(f"{side} is {shown(fields[side])}, expected a whole number of pixels, 0 if unknown")
    points = _points(fields["points"])
    width, height = fields["width"] or None, fields["height"] or None
    placed: list[Point | None] = [None] * NUM_KEYPOINTS
    for name, index in _PLACES:
        placed[index] = points[name]
    annotation = AnnotationRecord(
        points=placed, states=_STATES, sources=_SOURCES, extras={name: points[name] for name in ADD_EXTRAS}
    )
    return ImageRecord(
        file_name=file_name,
        width=width,
        height=height,
        source="danbooru",
        source_id=post_id,
        fit_wh=FIT_WH,
        flags=_flags(points, width, height),
        annotations=[annotation],
        other={key: value for key, value in fields.items() if key not in _FIELDS},
    )


def _points(points: Any) -> dict[str, Point]:
    if not isinstance(points, dict):
        raise FormatError(f"points is {shown(points)}, expected an object of {len(ADD_NAMES)} named points")
    for name in points.keys() - _NAMES:
        raise FormatError(f"has a point named {name!r}, expected ADD's {len(ADD_NAMES)} names only")
    for name in ADD_NAMES:
        if name not in points:
            raise FormatError(f"has no point {name}, expected all of ADD's {len(ADD_NAMES)}")
        point = points[name]
        if not isinstance(point, list):
            raise FormatError(f"point {name} is {shown(point)}, expected [x, y]")
        if len(point) != 2:
            raise FormatError(f"point {name} has {len(point)} numbers, expected 2 (x, y)")
        for value in point:
            if type(value) is not int and type(value) is not float:
                raise FormatError(f"point {name} holds {word_of(value)}, expected two numbers")
    return points


def _flags(points: dict[str, Point], width: int | None, height: int | None) -> list[str]:
    if width is None or height is None:
        return ["size_unknown"]
    if any(x < 0 or y < 0 or x > width or y > height for x, y in points.values()):
        return ["point_outside"]
    if any(x == width or y == height for x, y in points.values()):
        return ["point_on_edge"]
    return []


def _item(image: ImageRecord) -> dict[str, Any]:
    if len(image.annotations) != 1:
        raise FormatError(f"has {len(image.annotations)} annotations, expected one: ADD holds one character a drawing")
    annotation = image.annotations[0]
    points = {}
    for name in ADD_NAMES:
        point = annotation.point(ADD_TO_COCO[name]) if name in ADD_TO_COCO else annotation.extras.get(name)
        if point is None:
            raise FormatError(f"has no place for {name}, expected all of ADD's {len(ADD_NAMES)} points")
        points[name] = point
    item = {
        "file_name": image.file_name,
        "points": points,
        "width": image.width or 0,
        "height": image.height or 0,
    }
    item.update((key, value) for key, value in image.other.items() if key not in _FIELDS)
    try:
        json.dumps(item, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise FormatError(f"holds a value that JSON cannot say ({error}), expected plain finite values") from None
    return item
