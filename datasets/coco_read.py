"""Read a COCO person-keypoints file of any origin into records, one image at a time.

The file's bytes are split into undecoded pieces, annotations are grouped by image by their ids alone, and each piece is
decoded when its image's turn comes: a file of 100,000 annotations costs little more than its own bytes. Each piece is
decoded straight into typed fields; only what does not fit takes the slow way, which finds the sentence to refuse it
with, or the fields of other programs to keep in `.other`.

Keypoints are matched by the names in their category, in whatever order (`left_eye` and `eye_left` alike; a category
without names is taken to be in COCO's order). Names beyond COCO's 17 become extra points; limb midpoints are dropped,
they are derived. In files of other programs v = 0 means "not labelled": such a point is undecided and has no place, so
that a person can be asked; v = 1 and 2 arrive hidden and visible, source `imported`.

Flags: `size_unknown`, `point_outside` (a labelled point with x > width, y > height or negative), `point_on_edge`.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from msgspec import UNSET

from datasets.coco_layout import (
    ANNOTATION_FIELDS,
    ATTRIBUTION,
    IMAGE_FIELDS,
    AnnotationExtra,
    AnnotationFields,
    AnnotationHead,
    FilePieces,
    ImageFields,
)
from datasets.json_files import Item, check_finite, decode_plain, shown, split_object
from datasets.masks import check_segmentation
from datasets.names import post_id_of, why_unsafe
from datasets.records import (
    LETTER_SOURCE,
    LETTER_STATE,
    NO_SOURCES,
    NO_STATES,
    AnnotationRecord,
    FormatError,
    ImageRecord,
    Number,
    Point,
    Read,
    Refusal,
)
from datasets.skeleton import COCO_KEYPOINTS, MIDPOINTS, NUM_KEYPOINTS, SOURCES

T = TypeVar("T")

_PIECES: Final = msgspec.json.Decoder(FilePieces)
_IMAGE: Final = msgspec.json.Decoder(ImageFields)
_ANNOTATION: Final = msgspec.json.Decoder(AnnotationFields)
_HEAD: Final = msgspec.json.Decoder(AnnotationHead)

_CHARACTER_NAMES: Final = frozenset({"person", "character", "human", "anime", "people"})
_STATE_LETTERS: Final = frozenset(LETTER_STATE)
_SOURCE_LETTERS: Final = frozenset(LETTER_SOURCE)
# Seventeen slices at once: twice as quick as a loop over x and y.
_PAIRS: Final = itemgetter(*(slice(3 * index, 3 * index + 2) for index in range(NUM_KEYPOINTS)))
# Which v a state may have been written as; anything else was changed by another program since.
_WRITTEN: Final = frozenset({("v", 2), ("v", 0), ("h", 1), ("h", 0), ("u", 2), ("u", 1), ("u", 0), ("a", 0)})


def _spellings(name: str) -> tuple[str, ...]:
    side, _, part = name.partition("_")
    return (name, f"{part}_{side}") if part else (name,)


_KNOWN: Final = {spelling: name for name in COCO_KEYPOINTS + MIDPOINTS for spelling in _spellings(name)}


_IN_ORDER: Final = tuple(range(NUM_KEYPOINTS))


@dataclass(frozen=True, slots=True)
class _Category:
    """How one category lays out its keypoints.

    places: for each of the 17 its position in the file's list, or None. extras: (position, name) of the file's own
    points. size: names in the list. refusal: why its annotations cannot be taken, as the rest of a sentence. is_plain:
    COCO's 17 come first, in COCO's order, and nothing but midpoints follows.
    """

    places: tuple[int | None, ...] = _IN_ORDER
    extras: tuple[tuple[int, str], ...] = ()
    size: int = NUM_KEYPOINTS
    refusal: str | None = None
    is_plain: bool = True


def read_coco(path: str | Path, *, source: str = "file") -> Iterator[Read]:
    """Read a file, one image with its annotations after the other, and a Refusal for each record that is no good.

    Args:
        source: where the pictures of another program's file are from. "file": an image is known by its file name.
            "danbooru": by the post that the name says (`1154928.jpg`); a name that says none stays a "file".
            Anything else: by its file name, within that source. Our own files say it themselves.
    Raises:
        FormatError: the file as a whole cannot be read: truncated, not UTF-8, no object with a list of images.
    """
    path = Path(path)
    what = "a COCO object with images, annotations and categories"
    pieces = split_object(path, _PIECES, what)
    if "images" not in pieces:
        raise FormatError(f"{path.name}: has no list of images, expected {what}")
    return _records(path.name, pieces, source)


def _records(file: str, pieces: dict[str, list[Item]], source: str) -> Iterator[Read]:
    def refusal(record: str, reason: object) -> Refusal:
        return Refusal(record, f"{file}: {record}: {reason}")

    categories: dict[int, _Category] = {}
    for record, error in _read_categories(pieces.get("categories", []), categories):
        yield refusal(record, error)
    licences = _read_licences(pieces.get("licenses", []))

    by_image: dict[int, Item | list[Item]] = {}
    for record, error in _group_by_image(pieces.pop("annotations", []), by_image):
        yield refusal(record, error)

    image_ids: set[int] = set()
    first_with: defaultdict[str, dict[str, int]] = defaultdict(dict)  # source -> its id there -> the file's
    for position, item in enumerate(pieces.pop("images")):
        try:
            image, image_id, is_ours = _image(item, licences, source)
            if image_id in image_ids:
                raise _Refused("has an id that an image before it has, expected each id once", image_id)
            image_ids.add(image_id)
            first = first_with[image.source].setdefault(image.source_id, image_id)
            if first != image_id:
                raise _Refused(
                    f"is {image.source} {image.source_id!r}, as image {first} is already, expected each picture once",
                    image_id,
                )
        except _Refused as error:
            if error.id is not None:
                image_ids.add(error.id)
            yield refusal(_named("image", error.id, position), error)
            continue
        items = by_image.pop(image_id, None)
        frame_wh = None if is_ours else (image.width or 0, image.height or 0)
        is_inside = bool(image.width and image.height)
        for annotation_item in () if items is None else items if type(items) is list else (items,):
            try:
                annotation, all_inside = _annotation(annotation_item, categories, frame_wh)
            except FormatError as error:
                yield refusal(f"annotation {_head(annotation_item).id}", error)
                continue
            image.annotations.append(annotation)
            is_inside = is_inside and all_inside
        if not is_ours and not is_inside:
            image.flags = _flags(image)
        yield image

    for image_id, items in by_image.items():
        fate = "was refused" if image_id in image_ids else "is not in the file's list of images"
        for item in items if isinstance(items, list) else (items,):
            reason = f"its image {_short(image_id)} {fate}, expected one that was read"
            yield refusal(f"annotation {_head(item).id}", reason)


def _short(number: int) -> str:
    """A number in a sentence: one of hundreds of digits by its first forty."""
    digits = str(number)
    return digits if len(digits) <= 40 else f"{digits[:40]}..."


def _group_by_image(items: list[Item], by_image: dict[int, Item | list[Item]]) -> Iterator[tuple[str, FormatError]]:
    """Fill `by_image`: image id -> its annotation, or the list of them; yield what has no good ids.

    Most images of ours have one annotation, and 100,000 lists of one cost as much as the annotations.
    """
    try:
        heads = list(map(_HEAD.decode, items))
    except (msgspec.DecodeError, UnicodeDecodeError, TypeError):
        heads = [_head(item) for item in items]
    ids, image_ids = [head.id for head in heads], [head.image_id for head in heads]
    is_plain = set(map(type, chain(ids, image_ids))) <= {int}
    if is_plain and len(set(ids)) == len(ids) == len(set(image_ids)):
        by_image.update(zip(image_ids, items, strict=True))
        return
    seen: set[int] = set()
    for position, (item, head) in enumerate(zip(items, heads, strict=True)):
        if type(head.id) is int and type(head.image_id) is int and head.id not in seen:
            seen.add(head.id)
            before = by_image.setdefault(head.image_id, item)
            if before is not item:
                if type(before) is list:
                    before.append(item)
                else:
                    by_image[head.image_id] = [before, item]
            continue
        try:
            _object(item)
            if type(head.id) is not int:
                raise FormatError(f"id is {_missing_or(head.id)}, expected a whole number")
            if head.id in seen:
                raise FormatError("has an id that an annotation before it has, expected each id once")
            raise FormatError(f"image_id is {_missing_or(head.image_id)}, expected a whole number")
        except FormatError as error:
            yield _named("annotation", head.id if type(head.id) is int else None, position), error


def _head(item: Item) -> AnnotationHead:
    try:
        return _HEAD.decode(item) if isinstance(item, msgspec.Raw) else msgspec.convert(item, AnnotationHead)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return AnnotationHead()


class _Refused(FormatError):
    """A FormatError of a piece, with its id where that could be read, so that the sentence can name it."""

    def __init__(self, reason: object, id: int | None) -> None:
        super().__init__(str(reason))
        self.id = id


def _named(kind: str, id: int | None, position: int) -> str:
    """A record by its id, or by its place in the file where it has none."""
    return f"{kind}s[{position}]" if id is None else f"{kind} {id}"


def _missing_or(value: Any) -> str:
    return "missing" if value is UNSET else shown(value)


# --- categories and licences ------------------------------------------------------------------------------------------


def _read_categories(items: list[Item], categories: dict[int, _Category]) -> Iterator[tuple[str, FormatError]]:
    """Fill `categories` with each category's layout; yield what is refused."""
    for position, item in enumerate(items):
        name = f"categories[{position}]"
        try:
            fields = _object(item)
            check_finite(fields)
            category_id = fields.get("id", UNSET)
            if type(category_id) is not int:
                raise FormatError(f"id is {_missing_or(category_id)}, expected a whole number")
            name = f"category {category_id}"
            if category_id in categories:
                raise FormatError("has an id that a category before it has, expected each id once")
            categories[category_id] = _category(fields, is_only=len(items) == 1)
        except FormatError as error:
            yield name, error


def _category(fields: dict[str, Any], is_only: bool) -> _Category:
    title = fields.get("name")
    names = fields.get("keypoints") or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise FormatError(f"keypoints is {shown(names)}, expected a list of names")
    if not names:
        if is_only or (isinstance(title, str) and title.lower() in _CHARACTER_NAMES):
            return _Category()
        return _Category(refusal=f"({title}) has no keypoints and is not called person, expected a person")
    positions: dict[str, int] = {}
    extras = []
    for position, spelling in enumerate(names):
        name = _KNOWN.get(spelling.strip().lower().replace(" ", "_").replace("-", "_"))
        if name is None:
            extras.append((position, spelling))
        elif name in positions:
            raise FormatError(f"keypoints names {name} twice, expected each name once")
        else:
            positions[name] = position
    if len({name for _, name in extras}) != len(extras):
        raise FormatError("keypoints has a name twice, expected each name once")
    places = tuple(positions.get(name) for name in COCO_KEYPOINTS)
    if not any(place is not None for place in places):
        refusal = f"({title}) has keypoints {', '.join(names[:3])}, ..., expected names like nose and left_eye"
        return _Category(places, tuple(extras), len(names), refusal)
    return _Category(places, tuple(extras), len(names), is_plain=places == _IN_ORDER and not extras)


def _read_licences(items: list[Item]) -> dict[int, str]:
    """Names of a file's licences by id; one that has no name or address is none."""
    licences = {}
    for item in items:
        try:
            fields = _object(item)
        except FormatError:
            continue
        if type(fields.get("id")) is int:
            name = next((fields[key] for key in ("name", "url") if isinstance(fields.get(key), str)), None)
            if name is not None:
                licences[fields["id"]] = name
    return licences


# --- images -----------------------------------------------------------------------------------------------------------


def _image_fields(item: Item) -> tuple[ImageFields, dict[str, Any]]:
    """The slow way: an image's typed fields and its unknown ones, or _Refused with the sentence."""
    image_id = None
    try:
        fields = _object(item)
        _check_id(fields, "id")
        image_id = fields["id"]
        check_finite(fields)
        if not isinstance(fields.get("file_name"), str):
            raise FormatError(f"file_name is {_missing_or(fields.get('file_name', UNSET))}, expected a relative path")
        _check_text(fields["file_name"])
        other = {key: value for key, value in fields.items() if key not in IMAGE_FIELDS}
        for side in ("width", "height"):
            value = fields.get(side)
            if isinstance(value, float) and value.is_integer():
                fields[side] = int(value)
            elif value is not None and type(value) is not int:
                raise FormatError(f"{side} is {shown(value)}, expected a whole number of pixels")
        curator = fields.get("curator")
        is_ours = isinstance(curator, dict) and "format" in curator
        for key in ("license", "curator", *ATTRIBUTION):
            if key in fields and not is_ours and (not _fits(fields[key], key) or key == "curator"):
                other[key] = fields.pop(key)
        known = {key: value for key, value in fields.items() if key not in other}
        return _convert(known, ImageFields), other
    except FormatError as error:
        raise _Refused(error, image_id) from None


def _fits(value: Any, key: str) -> bool:
    return type(value) is int if key == "license" else isinstance(value, str)


def _image(item: Item, licences: dict[int, str], source: str) -> tuple[ImageRecord, int, bool]:
    """An image's record, its id in the file, and whether the file is ours. Raises _Refused."""
    try:
        if type(item) is not msgspec.Raw:
            raise msgspec.ValidationError
        fields = _IMAGE.decode(item)
        other: dict[str, Any] = {}
    except (msgspec.DecodeError, UnicodeDecodeError):
        fields, other = _image_fields(item)
    file_name = fields.file_name
    if problem := why_unsafe(file_name):
        raise _Refused(f"file_name {problem}", fields.id)
    width, height = fields.width or None, fields.height or None
    if (width is not None and width < 0) or (height is not None and height < 0):
        raise _Refused(f"is {width} x {height} pixels, expected a positive size, 0 if unknown", fields.id)
    extra = fields.curator
    if extra is UNSET:
        known_by, source_id = source, file_name
        if source == "danbooru":
            post_id = post_id_of(file_name)
            known_by, source_id = ("file", file_name) if post_id is None else ("danbooru", post_id)
        record = ImageRecord(file_name, width, height, known_by, source_id, other=other)
        if fields.source is not UNSET:
            other["source"] = fields.source
        if fields.source_id is not UNSET:
            other["source_id"] = fields.source_id
        if fields.rating_scheme is not UNSET:
            other["rating_scheme"] = fields.rating_scheme
    else:
        record = ImageRecord(
            file_name,
            width,
            height,
            "file" if fields.source is UNSET else fields.source,
            file_name if fields.source_id is UNSET else fields.source_id,
            extra.fit_wh,
            extra.digest,
            extra.original_md5,
            extra.original_wh,
            flags=extra.flags,
            removal=extra.removal,
            other=other,
        )
        other.update(extra.other)
        if fields.rating_scheme is not UNSET:
            record.rating_scheme = fields.rating_scheme
    if fields.artist is not UNSET:
        record.artist = fields.artist
    if fields.rating is not UNSET:
        record.rating = fields.rating
    if fields.license is not UNSET:
        record.licence = licences.get(fields.license)
        if record.licence is None:
            other["license"] = fields.license
    return record, fields.id, extra is not UNSET


def _flags(image: ImageRecord) -> list[str]:
    """What is odd about an image of another program."""
    width, height = image.width, image.height
    if width is None or height is None:
        return ["size_unknown"]
    places = [point for annotation in image.annotations for point in annotation.points if point is not None]
    if any(x < 0 or y < 0 or x > width or y > height for x, y in places):
        return ["point_outside"]
    if any(x == width or y == height for x, y in places):
        return ["point_on_edge"]
    return []


# --- annotations ------------------------------------------------------------------------------------------------------


def _annotation(
    item: Item, categories: dict[int, _Category], frame_wh: tuple[int, int] | None
) -> tuple[AnnotationRecord, bool]:
    """An annotation's record, and whether all its places are inside a frame, on no far edge (most are)."""
    try:
        if type(item) is not msgspec.Raw:
            raise msgspec.ValidationError
        fields = _ANNOTATION.decode(item)
        other: dict[str, Any] = {}
    except (msgspec.DecodeError, UnicodeDecodeError):
        fields, other = _annotation_fields(item)
    category = categories.get(fields.category_id)
    if category is None:
        raise FormatError(f"category_id is {fields.category_id}, expected a category of the file")
    if category.refusal is not None:
        raise FormatError(f"its category {fields.category_id} {category.refusal}")
    bbox, keypoints, curator = fields.bbox, fields.keypoints, fields.curator
    if bbox is not None:
        if len(bbox) != 4:
            raise FormatError(f"bbox has {len(bbox)} numbers, expected 4 (x, y, width, height)")
        if bbox[2] < 0 or bbox[3] < 0:
            raise FormatError(f"bbox is {bbox[2]} wide and {bbox[3]} high, expected no negative size")
    if fields.iscrowd not in (0, 1, None):
        raise FormatError(f"iscrowd is {shown(fields.iscrowd)}, expected 0 or 1")
    if fields.segmentation is not None:
        check_segmentation(fields.segmentation)
    all_inside = True
    if keypoints:
        points, states, sources, extras = _keypoints(keypoints, category)
        if frame_wh is not None:
            xs, ys = keypoints[0::3], keypoints[1::3]
            xs.sort()  # for so few floats quicker than min and max
            ys.sort()
            all_inside = xs[-1] < frame_wh[0] and ys[-1] < frame_wh[1] and xs[0] >= 0 and ys[0] >= 0
    else:
        points, states, sources, extras = [None] * NUM_KEYPOINTS, NO_STATES, NO_SOURCES, {}
    record = AnnotationRecord(
        points,
        states,
        sources,
        extras,
        bbox,
        "none" if bbox is None else "imported",
        False,
        fields.segmentation,
        fields.area,
        bool(fields.iscrowd),
        str(fields.id),
        other,
    )
    if curator is not UNSET:
        _apply_extra(record, curator, keypoints or [], category)
    return record, all_inside


def _keypoints(keypoints: list[Number], category: _Category) -> tuple[list[Point | None], str, str, dict[str, Point]]:
    """Points, states, sources and extras of the triples, as another program's file means them."""
    if len(keypoints) != 3 * category.size:
        raise FormatError(f"keypoints has {len(keypoints)} numbers, expected {3 * category.size} ({category.size} x 3)")
    vs = tuple(keypoints[2::3])
    states, sources, all_placed = _letters(vs)
    points: list[Point | None]
    if category.is_plain:
        if all_placed:
            points = list(_PAIRS(keypoints))
        else:
            points = [pair if v else None for pair, v in zip(_PAIRS(keypoints), vs, strict=False)]
        return points, states[:NUM_KEYPOINTS], sources[:NUM_KEYPOINTS], {}
    pairs = [keypoints[3 * k : 3 * k + 2] if v else None for k, v in enumerate(vs)]
    places = category.places
    points = [None if place is None else pairs[place] for place in places]
    extras = {name: pair for place, name in category.extras if (pair := pairs[place]) is not None}
    states = "".join("u" if place is None else states[place] for place in places)
    sources = "".join("-" if place is None else sources[place] for place in places)
    return points, states, sources, extras


@lru_cache(maxsize=4096)
def _letters(vs: tuple[Number, ...]) -> tuple[str, str, bool]:
    """States and sources that another program's v stand for, and whether none is 0.

    Raises FormatError for anything but 0, 1, 2 (or 2.0, as some programs write).
    """
    for index, v in enumerate(vs):
        if v not in (0, 1, 2):
            raise FormatError(f"keypoints[{3 * index + 2}] is a visibility of {v}, expected 0, 1 or 2")
    states = "".join("uhv"[int(v)] for v in vs)
    return states, "".join("i" if v else "-" for v in vs), all(vs)


def _apply_extra(
    record: AnnotationRecord, extra: AnnotationExtra, keypoints: list[Number], category: _Category
) -> None:
    """Put into a record what our own files say beyond COCO; a triple that was changed since keeps its own word."""
    states, sources = extra.states, extra.sources
    if len(states) != NUM_KEYPOINTS or not _STATE_LETTERS.issuperset(states):
        raise FormatError(f"curator.states is {states!r}, expected {NUM_KEYPOINTS} of u, v, h, a")
    if len(sources) != NUM_KEYPOINTS or not _SOURCE_LETTERS.issuperset(sources):
        raise FormatError(f"curator.sources is {sources!r}, expected {NUM_KEYPOINTS} of {''.join(LETTER_SOURCE)}")
    if extra.box_source not in SOURCES:
        raise FormatError(f"curator.box_source is {extra.box_source!r}, expected one of {', '.join(SOURCES)}")
    places = category.places
    vs = [int(keypoints[3 * place + 2]) if keypoints and place is not None else 0 for place in places]
    is_stale = not _WRITTEN.issuperset(zip(states, vs, strict=True))
    if extra.points:
        for index, name in enumerate(COCO_KEYPOINTS):
            if name in extra.points:
                if vs[index]:
                    is_stale = True
                else:
                    record.points[index] = extra.points[name]
        for name in extra.points.keys() - set(COCO_KEYPOINTS):
            raise FormatError(f"curator.points has {name!r}, expected names of the {NUM_KEYPOINTS} keypoints")
    if is_stale:
        kept = [
            (state, v) in _WRITTEN and not (v and name in extra.points)
            for name, state, v in zip(COCO_KEYPOINTS, states, vs, strict=True)
        ]
        states = "".join(a if keep else b for keep, a, b in zip(kept, states, record.states, strict=True))
        sources = "".join(a if keep else b for keep, a, b in zip(kept, sources, record.sources, strict=True))
    record.states, record.sources = states, sources
    record.extras = {**record.extras, **extra.extras}
    if extra.made_box is None or extra.made_box == record.bbox_xywh:
        record.box_source = extra.box_source
        record.bbox_xywh = record.bbox_xywh if extra.made_box is None else None
    record.box_confirmed = extra.box_confirmed
    if extra.area is not UNSET:
        record.area = extra.area
    if extra.source_id is not UNSET:
        record.source_id = extra.source_id
    record.other.update(extra.other)


def _annotation_fields(item: Item) -> tuple[AnnotationFields, dict[str, Any]]:
    """The slow way: an annotation's typed fields and its unknown ones, or the FormatError that says what is wrong."""
    fields = _object(item)
    check_finite(fields)
    for key in ("id", "image_id", "category_id"):
        _check_id(fields, key)
    for key, meaning in (("keypoints", "x, y, v triples"), ("bbox", "x, y, width, height")):
        numbers = fields.get(key)
        if numbers is None:
            continue
        if not isinstance(numbers, list):
            raise FormatError(f"{key} is {shown(numbers)}, expected a list of numbers ({meaning})")
        for index, value in enumerate(numbers):
            if not _is_number(value):
                raise FormatError(f"{key}[{index}] is {shown(value)}, expected a number")
    if fields.get("area") is not None and not _is_number(fields["area"]):
        raise FormatError(f"area is {shown(fields['area'])}, expected a number")
    if fields.get("iscrowd") is not None and fields["iscrowd"] not in (0, 1):
        raise FormatError(f"iscrowd is {shown(fields['iscrowd'])}, expected 0 or 1")
    fields.pop("num_keypoints", None)
    other = {key: value for key, value in fields.items() if key not in ANNOTATION_FIELDS}
    curator = fields.get("curator", UNSET)
    if curator is not UNSET and not (isinstance(curator, dict) and "states" in curator):
        other["curator"] = curator
    known = {key: value for key, value in fields.items() if key not in other}
    if isinstance(known.get("iscrowd"), float):
        known["iscrowd"] = int(known["iscrowd"])
    return _convert(known, AnnotationFields), other


def _object(item: Item) -> dict[str, Any]:
    fields = decode_plain(item)
    if not isinstance(fields, dict):
        raise FormatError(f"is {shown(fields)}, expected an object")
    return fields


def _check_id(fields: dict[str, Any], key: str) -> None:
    value = fields.get(key, UNSET)
    if type(value) is not int:
        raise FormatError(f"{key} is {_missing_or(value)}, expected a whole number")


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise FormatError(f"file_name is {text!r}, which is not valid Unicode, expected a relative path") from None


def _is_number(value: Any) -> bool:
    return type(value) is int or type(value) is float


def _convert(fields: dict[str, Any], shape: type[T]) -> T:
    """Typed fields from plain ones; what the checks before did not name gets msgspec's sentence in our words."""
    try:
        return msgspec.convert(fields, shape)
    except msgspec.ValidationError as error:
        # "Expected `str`, got `int` - at `$.curator.digest`"
        expected, _, where = str(error).replace("`", "").partition(" - at $.")
        expected = expected[:1].lower() + expected[1:]
        raise FormatError(f"{where or 'it'} has the wrong type: {expected}") from None
