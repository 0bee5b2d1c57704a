"""Store records as the API shows them, and a person's changes written into a record."""

import math
from typing import Any

from curator.media import media_url
from curator.payloads import (
    AnnotationView,
    Box,
    Changes,
    Confirmation,
    ImageView,
    Keypoint,
    to_builtins,
)
from curator.store.annotations import StoredAnnotation
from curator.store.images import StoredImage
from datasets.records import SOURCE_LETTER, STATE_LETTER, AnnotationRecord, replace_letter
from datasets.skeleton import COCO_KEYPOINTS, INDEX


def annotation_view(annotation: StoredAnnotation) -> AnnotationView:
    """An annotation as the API shows it."""
    record = annotation.record
    return AnnotationView(
        id=annotation.id,
        image_id=annotation.image_id,
        version=annotation.version,
        keypoints={name: keypoint_view(record, name) for name in COCO_KEYPOINTS},
        extras={name: [float(x), float(y)] for name, (x, y) in record.extras.items()},
        box=box_view(record),
    )


def image_view(image: StoredImage) -> ImageView:
    """An image as the API shows it."""
    record = image.record
    return ImageView(
        id=image.id,
        file_name=record.file_name,
        width=record.width,
        height=record.height,
        source=record.source,
        source_id=record.source_id,
        url=media_url(image),
    )


def keypoint_view(record: AnnotationRecord, name: str) -> Keypoint:
    """One keypoint as the API shows it."""
    point = record.point(name)
    return Keypoint(
        x=None if point is None else point[0],
        y=None if point is None else point[1],
        state=record.state(name),
        source=record.source(name),
    )


def box_view(record: AnnotationRecord) -> Box:
    """The box as the API shows it."""
    return Box(
        bbox_xywh=None if record.bbox_xywh is None else [float(value) for value in record.bbox_xywh],
        source=record.box_source,
        confirmed=record.box_confirmed,
    )


def write_changes(record: AnnotationRecord, changes: Changes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write the changes into the record; return the changed fields before and after."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    if changes.keypoints:
        before["keypoints"] = {name: to_builtins(keypoint_view(record, name)) for name in changes.keypoints}
        after["keypoints"] = to_builtins(changes.keypoints)
        for name, keypoint in changes.keypoints.items():
            place = None if keypoint.x is None or keypoint.y is None else [keypoint.x, keypoint.y]
            # A point left where it is keeps its number as it came: 337 does not become 337.0.
            if place != record.point(name):
                record.points[INDEX[name]] = place
            record.states = replace_letter(record.states, name, STATE_LETTER[keypoint.state])
            record.sources = replace_letter(record.sources, name, SOURCE_LETTER[keypoint.source])
    if changes.box is not None:
        before["box"] = to_builtins(box_view(record))
        after["box"] = to_builtins(changes.box)
        if changes.box.bbox_xywh != record.bbox_xywh:
            record.bbox_xywh = None if changes.box.bbox_xywh is None else list(changes.box.bbox_xywh)
        record.box_source = changes.box.source
        record.box_confirmed = changes.box.confirmed
    return before, after


def distances_moved(confirmation: Confirmation, record: AnnotationRecord, wanted: tuple[str, ...]) -> dict[str, float]:
    """How far each wanted point ended from where it was proposed, in image pixels; points without a place left out."""
    shown = confirmation.shown.keypoints if confirmation.shown is not None else {}
    moved = {}
    for name in wanted:
        point = record.point(name)
        if name in shown and point is not None:
            moved[name] = math.hypot(point[0] - shown[name].x, point[1] - shown[name].y)
    return moved
