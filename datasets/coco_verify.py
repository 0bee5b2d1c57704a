"""Read a written COCO file back through pycocotools and compare it with the records it was made from.

The expected numbers come from the records by the rules in words, not from the writer's code: a mistake there must not
excuse itself.
"""

import contextlib
import io
import math
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from pycocotools.coco import COCO

from datasets.coco_write import CocoOptions
from datasets.masks import mask_area
from datasets.records import AnnotationRecord, ImageRecord, Number, Refusal
from datasets.skeleton import ALL_KEYPOINTS, COCO_KEYPOINTS, State, coco_skeleton, with_midpoints

MAX_MISMATCHES: Final = 100


def verify_coco(
    path: str | Path,
    rows: Iterable[tuple[int, ImageRecord, Sequence[int]]],
    *,
    options: CocoOptions | None = None,
    dropped: Collection[Refusal] = (),
) -> list[str]:
    """What differs between a file and the rows it should hold, a sentence each; empty where all is equal.

    Keypoint triples, boxes, counts, areas, sizes and names are compared, and that nothing is missing or more. At most
    MAX_MISMATCHES sentences, then one that counts the rest.

    Args:
        rows: as given to write_coco. options: the same. dropped: of the report; these must not be in the file.
    """
    path, options = Path(path), options or CocoOptions()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            coco = COCO(str(path))
    except (OSError, ValueError, KeyError, TypeError, AssertionError) as error:
        return [f"{path.name}: pycocotools cannot load it ({type(error).__name__}: {error}), expected a COCO file"]
    mismatches = _Sentences(path.name)
    names = ALL_KEYPOINTS if options.with_midpoints else COCO_KEYPOINTS
    category: dict[str, Any] = next(iter(coco.cats.values()), {})
    mismatches.compare("category", "keypoints", category.get("keypoints"), list(names))
    mismatches.compare("category", "skeleton", category.get("skeleton"), coco_skeleton(options.with_midpoints))

    left_out = {refusal.record for refusal in dropped}
    num_images = num_annotations = 0
    for image_id, image, annotation_ids in rows:
        if f"image {image_id}" in left_out:
            continue
        num_images += 1
        found = coco.imgs.get(image_id)
        if found is None:
            mismatches.add(f"image {image_id}: is not in the file, expected {image.file_name}")
            continue
        record = f"image {image_id}"
        mismatches.compare(record, "file_name", found.get("file_name"), image.file_name)
        mismatches.compare(record, "width", found.get("width"), image.width or 0)
        mismatches.compare(record, "height", found.get("height"), image.height or 0)
        for annotation_id, annotation in zip(annotation_ids, image.annotations, strict=False):
            record = f"annotation {annotation_id}"
            if record in left_out:
                continue
            num_annotations += 1
            written = coco.anns.get(annotation_id)
            if written is None:
                mismatches.add(f"{record}: is not in the file, expected it on image {image_id}")
                continue
            mismatches.compare(record, "image_id", written.get("image_id"), image_id)
            for key, value in _expected(annotation, image, options).items():
                mismatches.compare(record, key, written.get(key), value)
    # len(coco.anns) would hide an id that is there twice.
    mismatches.compare("file", "number of images", len(coco.dataset.get("images", [])), num_images)
    mismatches.compare("file", "number of annotations", len(coco.dataset.get("annotations", [])), num_annotations)
    return mismatches.all()


class _Sentences:
    def __init__(self, file: str) -> None:
        self.file = file
        self.sentences: list[str] = []
        self.num_more = 0

    def compare(self, record: str, what: str, found: Any, expected: Any) -> None:
        if found != expected:
            self.add(f"{record}: {what} is {_short(found)}, expected {_short(expected)}")

    def add(self, sentence: str) -> None:
        if len(self.sentences) < MAX_MISMATCHES:
            self.sentences.append(f"{self.file}: {sentence}")
        else:
            self.num_more += 1

    def all(self) -> list[str]:
        more = [f"{self.file}: {self.num_more} more differences, not listed"] if self.num_more else []
        return self.sentences + more


def _expected(annotation: AnnotationRecord, image: ImageRecord, options: CocoOptions) -> dict[str, Any]:
    """What the rules say of an annotation: keypoints, num_keypoints, bbox, area, iscrowd."""
    points = list(annotation.points)
    states: list[State] = [annotation.state(name) for name in COCO_KEYPOINTS]
    if options.unconfirmed == "drop":
        for index, letter in enumerate(annotation.sources):
            if letter == "m":
                points[index] = None
    if options.with_midpoints:
        points, states = with_midpoints(points, states)  # type: ignore[assignment]
    triples: list[tuple[Number, ...]] = []
    for point, state in zip(points, states, strict=True):
        if point is None or state == "absent":
            triples.append((0, 0, 0))
        else:
            triples.append((*point, {"visible": 2, "hidden": 1, "undecided": options.undecided}[state]))
    labelled = [triple for triple in triples[: len(COCO_KEYPOINTS)] if triple[2] > 0]
    if annotation.bbox_xywh is not None:
        box = annotation.bbox_xywh
    elif labelled:
        left, top = min(x for x, _, _ in labelled), min(y for _, y, _ in labelled)
        box = [left, top, max(x for x, _, _ in labelled) - left, max(y for _, y, _ in labelled) - top]
    else:
        box = [0, 0, image.width or 0, image.height or 0]
    area = mask_area(annotation.segmentation, (image.width, image.height)) if annotation.segmentation else None
    return {
        "keypoints": [value for triple in triples for value in triple],
        "num_keypoints": sum(triple[2] > 0 for triple in triples),
        "bbox": box,
        "area": math.prod(box[2:]) if area is None else area,
        "iscrowd": int(annotation.is_crowd),
    }


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:100]}... ({len(text)} characters)"
