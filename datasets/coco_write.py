"""Write records as a COCO person-keypoints file, in one pass over them and in constant memory.

COCO puts all images before all annotations: images go straight into the file, annotations into a nameless file beside
it that is appended at the end. The file appears under its name only when it is complete and on the disk. Equal records
under equal options make equal bytes: no date is written unless the caller gives one.

What a triple cannot say goes into the extra field `curator`, see `datasets.coco`. A record that COCO cannot hold (a
coordinate that is not finite, 16 points) is listed in the report, and the others are written.
"""

import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from math import isfinite
from pathlib import Path
from typing import IO, Any, Final, Literal, NamedTuple

import orjson

from datasets.coco_layout import ANNOTATION_FIELDS, CATEGORY_ID, FORMAT, IMAGE_FIELDS
from datasets.masks import mask_area
from datasets.names import why_unsafe
from datasets.output import write_whole
from datasets.records import LETTER_SOURCE, AnnotationRecord, FormatError, ImageRecord, Number, Point, Refusal
from datasets.skeleton import ALL_KEYPOINTS, COCO_KEYPOINTS, INDEX, MIDPOINT_ENDS, NUM_KEYPOINTS, SOURCES, coco_skeleton

_SOURCE_LETTERS: Final = frozenset(LETTER_SOURCE)
_NUMBER_TYPES: Final = frozenset({int, float})
_SPOOL_BUFFER: Final = 1 << 18
_COPY_CHUNK: Final = 1 << 20
# Each midpoint's two ends, by their position among the 17.
_ENDS: Final = tuple((INDEX[start], INDEX[end]) for start, end in MIDPOINT_ENDS.values())
_NOWHERE: Final[Point] = [0, 0]
# How sure a state is; a midpoint takes the least sure of its ends.
_SURENESS: Final = {"a": 0, "u": 1, "h": 2, "v": 3}


@dataclass(frozen=True, slots=True)
class CocoOptions:
    """How records become COCO.

    with_midpoints: 25 keypoints, the eight derived limb midpoints after COCO's 17.
    unconfirmed: what becomes of points that a model placed and no person confirmed (source predicted): "drop" writes
        them as 0, 0, 0, "keep" like any other. undecided: v of a point that has a place and no judged visibility.
    curator: write the extra field that makes import the inverse of export.
    description, version, date_created: for `info`; no date unless given, so that equal data makes equal files.
    """

    with_midpoints: bool = False
    unconfirmed: Literal["drop", "keep"] = "drop"
    undecided: Literal[1, 2] = 2
    curator: bool = True
    description: str = "Illustrated characters with keypoints"
    version: str = "1"
    date_created: str | None = None

    def __post_init__(self) -> None:
        if self.unconfirmed not in ("drop", "keep"):
            raise ValueError(f"unconfirmed is {self.unconfirmed!r}, expected 'drop' or 'keep'")
        if self.undecided not in (1, 2):
            raise ValueError(f"undecided is {self.undecided!r}, expected 1 or 2")


class CocoRow(NamedTuple):
    """One image with the ids that it and its annotations have in the file, in the order of `image.annotations`."""

    image_id: int
    image: ImageRecord
    annotation_ids: Sequence[int]


@dataclass(slots=True)
class CocoReport:
    """What was written, counted for the manifest of an export.

    keypoints: v -> number of written keypoints. unconfirmed_boxes: boxes that no person confirmed, made ones included.
    boxes_from_points, boxes_from_image: boxes made because a record had none. areas_from_masks, areas_from_boxes: what
    `area` was taken from. undecided_written: keypoints with a place but no judged visibility, written as
    `CocoOptions.undecided`. dropped_points: a model's unconfirmed points left out. dropped: records left out.
    sha256: of the file.
    """

    images: int = 0
    annotations: int = 0
    keypoints: dict[int, int] = field(default_factory=lambda: {0: 0, 1: 0, 2: 0})
    unconfirmed_boxes: int = 0
    boxes_from_points: int = 0
    boxes_from_image: int = 0
    areas_from_masks: int = 0
    areas_from_boxes: int = 0
    undecided_written: int = 0
    dropped_points: int = 0
    dropped: list[Refusal] = field(default_factory=list)
    sha256: str = ""


def number_rows(images: Iterable[ImageRecord]) -> Iterator[CocoRow]:
    """Give images and annotations the ids 1, 2, 3, ... in the order they come: for callers without ids of their own."""
    next_id = count(1)
    for image_id, image in enumerate(images, start=1):
        yield CocoRow(image_id, image, [next(next_id) for _ in image.annotations])


def write_coco(
    path: str | Path, rows: Iterable[tuple[int, ImageRecord, Sequence[int]]], *, options: CocoOptions | None = None
) -> CocoReport:
    """Write a COCO file from rows of (image id, record, annotation ids); see CocoRow.

    Raises:
        OSError: the folder is not writable or the disk is full; nothing is left under the file's name.
    """
    path, options, report = Path(path), options or CocoOptions(), CocoReport()
    licence_ids: dict[str, int] = {}
    with write_whole(path) as raw_out, tempfile.TemporaryFile(dir=path.parent, buffering=_SPOOL_BUFFER) as spool:
        out = _Hashed(raw_out)
        out.write(b'{"info":' + orjson.dumps(_info(options)) + b',\n"images":[')
        for image_id, image, annotation_ids in rows:
            name = f"image {image_id}"
            try:
                if len(annotation_ids) != len(image.annotations):
                    raise FormatError(
                        f"came with {len(annotation_ids)} annotation ids, expected {len(image.annotations)}"
                    )
                line = _dumps(_image_fields(image_id, image, options, licence_ids))
            except FormatError as error:
                report.dropped.append(Refusal(name, f"{path.name}: {name}: {error}"))
                continue
            out.write(b",\n" + line if report.images else b"\n" + line)
            report.images += 1
            for annotation_id, annotation in zip(annotation_ids, image.annotations, strict=True):
                try:
                    written = _Annotation(annotation_id, image_id, annotation, image, options)
                    line = _dumps(written.fields)
                except (FormatError, OverflowError) as error:
                    name = f"annotation {annotation_id}"
                    report.dropped.append(Refusal(name, f"{path.name}: {name}: {error}"))
                    continue
                spool.write(b",\n" + line if report.annotations else b"\n" + line)
                written.count_in(report)
        out.write(b'\n],\n"annotations":[')
        spool.seek(0)
        while chunk := spool.read(_COPY_CHUNK):
            out.write(chunk)
        licences = [{"id": number, "name": name, "url": ""} for name, number in licence_ids.items()]
        tail = b'\n],\n"categories":%b,\n"licenses":%b}\n'
        out.write(tail % (orjson.dumps([_category(options)]), orjson.dumps(licences)))
    report.sha256 = out.digest.hexdigest()
    return report


class _Hashed:
    """A file that is written and digested at once."""

    def __init__(self, out: IO[bytes]) -> None:
        self.out = out
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> None:
        self.out.write(data)
        self.digest.update(data)


def _info(options: CocoOptions) -> dict[str, Any]:
    info: dict[str, Any] = {
        "description": options.description,
        "version": options.version,
        "url": "",
        "contributor": "",
        "coordinates": "pixels of the record's image, x right, y down, continuous, verbatim: not rounded, not shifted",
        "unconfirmed": options.unconfirmed,
        "undecided": options.undecided,
    }
    if options.date_created is not None:
        info["date_created"] = options.date_created
    return info


def _category(options: CocoOptions) -> dict[str, Any]:
    return {
        "id": CATEGORY_ID,
        "name": "person",
        "supercategory": "person",
        "keypoints": ALL_KEYPOINTS if options.with_midpoints else COCO_KEYPOINTS,
        "skeleton": coco_skeleton(options.with_midpoints),
    }


def _image_fields(
    image_id: int, image: ImageRecord, options: CocoOptions, licence_ids: dict[str, int]
) -> dict[str, Any]:
    if type(image_id) is not int:
        raise FormatError(f"has the id {image_id!r}, expected a whole number")
    if problem := why_unsafe(image.file_name):
        raise FormatError(f"file_name {problem}")
    for side in (image.width, image.height):
        if side is not None and (type(side) is not int or side <= 0):
            raise FormatError(f"has a size of {image.width} x {image.height}, expected whole pixels or None")
    fields: dict[str, Any] = {
        "id": image_id,
        "file_name": image.file_name,
        "width": image.width or 0,
        "height": image.height or 0,
    }
    if image.artist is not None:
        fields["artist"] = image.artist
    if image.source != "file":
        fields["source"] = image.source
    if image.source_id != image.file_name:
        fields["source_id"] = image.source_id
    if image.rating is not None:
        fields["rating"] = image.rating
    if image.rating_scheme is not None:
        fields["rating_scheme"] = image.rating_scheme
    if options.curator:
        extra: dict[str, Any] = {"format": FORMAT}
        for key in ("fit_wh", "original_wh", "original_md5", "digest", "removal"):
            if (value := getattr(image, key)) is not None:
                extra[key] = value
        if image.flags:
            extra["flags"] = image.flags
        fields["curator"] = extra
    if image.other:
        _add_other(fields, image.other, IMAGE_FIELDS)
    if image.licence is not None:
        _dumps(image.licence)  # it is written after the last image, too late to refuse this one
        fields["license"] = licence_ids.setdefault(image.licence, len(licence_ids) + 1)
    return fields


def _add_other(fields: dict[str, Any], other: dict[str, Any], known: frozenset[str]) -> None:
    """Other programs' fields as they were; those named like fields of ours go into `curator.other`."""
    _check_finite(other)
    clashing = {key: value for key, value in other.items() if key in known}
    if clashing and "curator" in fields:
        fields["curator"]["other"] = clashing
    fields.update((key, value) for key, value in other.items() if key not in known)


class _Annotation:
    """One annotation as COCO fields, and what there is to count about it."""

    __slots__ = (
        "area_is_from_mask", "box_made_from", "dropped_points", "fields", "is_box_confirmed", "undecided_written", "vs",
    )  # fmt: skip

    def __init__(
        self, annotation_id: int, image_id: int, record: AnnotationRecord, image: ImageRecord, options: CocoOptions
    ) -> None:
        if type(annotation_id) is not int or annotation_id < 1:
            # pycocotools takes a match with annotation 0 for no match
            raise FormatError(f"has the id {annotation_id!r}, expected a whole number from 1 up")
        if len(record.points) != NUM_KEYPOINTS:
            raise FormatError(f"has {len(record.points)} points, expected {NUM_KEYPOINTS}")
        if len(record.states) != NUM_KEYPOINTS or len(record.sources) != NUM_KEYPOINTS:
            raise FormatError(f"has states {record.states!r} and sources {record.sources!r}, expected 17 letters each")
        if not _SOURCE_LETTERS.issuperset(record.sources):
            raise FormatError(f"has sources {record.sources!r}, expected letters of {''.join(LETTER_SOURCE)}")
        keypoints, beside = self._triples(record, options)
        bbox = self._bbox(record, keypoints, image)
        area = self._area(record, bbox, image)
        self.fields: dict[str, Any] = {
            "id": annotation_id,
            "image_id": image_id,
            "category_id": CATEGORY_ID,
            "keypoints": keypoints,
            "num_keypoints": len(self.vs) - self.vs.count(0),
            "bbox": bbox,
            "area": area,
            "iscrowd": 1 if record.is_crowd else 0,
        }
        if record.segmentation is not None:
            _check_finite(record.segmentation)
            self.fields["segmentation"] = record.segmentation
        self.is_box_confirmed = record.box_confirmed
        if options.curator:
            self.fields["curator"] = self._extra(record, beside, str(annotation_id), bbox, area)
        if record.other:
            _add_other(self.fields, record.other, ANNOTATION_FIELDS)

    def count_in(self, report: CocoReport) -> None:
        report.annotations += 1
        num_hidden, num_visible = self.vs.count(1), self.vs.count(2)
        report.keypoints[0] += len(self.vs) - num_hidden - num_visible
        report.keypoints[1] += num_hidden
        report.keypoints[2] += num_visible
        report.unconfirmed_boxes += not self.is_box_confirmed
        report.boxes_from_points += self.box_made_from == "points"
        report.boxes_from_image += self.box_made_from == "image"
        report.areas_from_masks += self.area_is_from_mask
        report.areas_from_boxes += not self.area_is_from_mask
        report.undecided_written += self.undecided_written
        report.dropped_points += self.dropped_points

    def _triples(self, record: AnnotationRecord, options: CocoOptions) -> tuple[list[Number], dict[str, Point]]:
        """The flat keypoints list, and the places that it does not carry, by name."""
        states, points = record.states, record.points
        v_of = {"v": 2, "h": 1, "u": options.undecided, "a": 0}
        try:
            vs = [v_of[state] for state in states]
        except KeyError as error:
            raise FormatError(f"has the state {error}, expected u, v, h or a") from None
        beside: dict[str, Point] = {}
        self.undecided_written, self.dropped_points = states.count("u"), 0
        drops = options.unconfirmed == "drop" and "m" in record.sources
        if drops or 0 in vs or None in points:
            points = list(points)
            for index, point in enumerate(points):
                if point is not None and vs[index] and not (drops and record.sources[index] == "m"):
                    continue
                if point is not None:
                    beside[COCO_KEYPOINTS[index]] = point
                    self.dropped_points += vs[index] > 0
                self.undecided_written -= states[index] == "u"
                points[index], vs[index] = _NOWHERE, 0
        flat: list[Number] = []
        try:
            for (x, y), v in zip(points, vs, strict=True):  # type: ignore[misc]
                flat += (x, y, v)
        except (TypeError, ValueError):
            name, point = COCO_KEYPOINTS[len(flat) // 3], points[len(flat) // 3]
            raise FormatError(f"has the point {name} at {point!r}, expected [x, y]") from None
        _check_numbers(flat, "keypoints")
        for name, point in beside.items():
            _check_place(point, name)
        if options.with_midpoints:
            for a, b in _ENDS:
                if flat[3 * a + 2] and flat[3 * b + 2]:
                    state = min(record.states[a], record.states[b], key=_SURENESS.__getitem__)
                    x, y = (flat[3 * a] + flat[3 * b]) / 2, (flat[3 * a + 1] + flat[3 * b + 1]) / 2
                    if not (isfinite(x) and isfinite(y)):
                        raise FormatError("has points too far out for their midpoint to be a number")
                    flat += (x, y, v_of[state])
                else:
                    flat += (0, 0, 0)
        self.vs = flat[2::3]
        return flat, beside

    def _bbox(self, record: AnnotationRecord, keypoints: list[Number], image: ImageRecord) -> list[Number]:
        """The record's box, else what encloses its labelled points, else the whole picture."""
        bbox = record.bbox_xywh
        self.box_made_from: str | None = None
        if bbox is None:
            if any(self.vs):
                self.box_made_from = "points"
                xs = [x for x, v in zip(keypoints[0::3], self.vs, strict=True) if v]
                ys = [y for y, v in zip(keypoints[1::3], self.vs, strict=True) if v]
                bbox = [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]
            else:
                self.box_made_from = "image"
                bbox = [0, 0, image.width or 0, image.height or 0]
        if len(bbox) != 4:
            raise FormatError(f"has a box of {len(bbox)} numbers, expected 4 (x, y, width, height)")
        _check_numbers(bbox, "bbox")
        if bbox[2] < 0 or bbox[3] < 0:
            raise FormatError(f"has a box {bbox[2]} wide and {bbox[3]} high, expected no negative size")
        return bbox

    def _area(self, record: AnnotationRecord, bbox: list[Number], image: ImageRecord) -> Number:
        area: Number | None = None
        if record.segmentation is not None:
            area = mask_area(record.segmentation, (image.width, image.height))
        self.area_is_from_mask = area is not None
        if area is None:
            area = bbox[2] * bbox[3]
            if not isfinite(area):
                raise FormatError(f"has a box {bbox[2]} wide and {bbox[3]} high, expected an area that is a number")
        return area

    def _extra(
        self, record: AnnotationRecord, beside: dict[str, Point], id_text: str, bbox: list[Number], area: Number
    ) -> dict[str, Any]:
        extra: dict[str, Any] = {"states": record.states, "sources": record.sources}
        if beside:
            extra["points"] = beside
        if record.extras:
            for name, point in record.extras.items():
                _check_place(point, name)
            extra["extras"] = record.extras
        if record.bbox_xywh is None:
            extra["made_box"] = bbox
        if record.box_source != "none":
            if record.box_source not in SOURCES:
                raise FormatError(f"has a box source {record.box_source!r}, expected one of {', '.join(SOURCES)}")
            extra["box_source"] = record.box_source
        if record.box_confirmed:
            extra["box_confirmed"] = True
        if repr(record.area) != repr(area):  # 1 is not 1.0, nor 0.0 -0.0
            if record.area is not None:
                _check_numbers([record.area], "area")
            extra["area"] = record.area
        if record.source_id != id_text:
            extra["source_id"] = record.source_id
        return extra


def _check_numbers(numbers: Sequence[Any], what: str) -> None:
    """Raise FormatError unless all are plain finite ints and floats: orjson would write NaN as null."""
    if not _NUMBER_TYPES.issuperset(map(type, numbers)):
        index = next(index for index, value in enumerate(numbers) if type(value) not in _NUMBER_TYPES)
        raise FormatError(f"{what}[{index}] is {type(numbers[index]).__name__} {numbers[index]!r}, expected a number")
    with suppress(OverflowError):  # an int beyond every float
        if isfinite(sum(numbers)):
            return
    for index, value in enumerate(numbers):
        if type(value) is float and not isfinite(value):
            raise FormatError(f"{what}[{index}] is {value}, expected a finite number")


def _check_place(point: Any, name: str) -> None:
    if not isinstance(point, list) or len(point) != 2:
        raise FormatError(f"has the point {name} at {point!r}, expected [x, y]")
    _check_numbers(point, name)


def _check_finite(value: Any) -> None:
    """Raise FormatError where a value from another program's file holds a number that JSON has not."""
    if isinstance(value, float):
        if not isfinite(value):
            raise FormatError(f"holds the number {value}, expected finite numbers")
    elif isinstance(value, dict):
        for child in value.values():
            _check_finite(child)
    elif isinstance(value, list):
        for child in value:
            _check_finite(child)


def _dumps(value: Any) -> bytes:
    """One line of JSON; integers beyond 64 bits, which orjson does not write, take Python's own encoder."""
    try:
        return orjson.dumps(value)
    except TypeError:
        try:
            return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise FormatError(f"cannot be written as JSON ({error}), expected plain values") from None
