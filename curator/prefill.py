"""Pre-fill: what the models propose for what nobody has decided yet, kept apart from the annotations.

`propose` says it of one annotation, with what `curator.proposer` (the live side) or the batch knows. `prefill` is the
batch: it stores the proposals as predictions, which an export can then use.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from curator.errors import BadInput
from curator.payloads import PredictedBox, PredictedKeypoint, Prediction
from curator.project import Project
from curator.proposer import Faces, Proposer
from curator.store import annotations, work
from curator.store.annotations import StoredAnnotation
from curator.store.images import StoredImage, all_images
from curator.store.work import ALPHA, StoredPrediction
from datasets.boxes import box_of_joints
from datasets.skeleton import FACE_KEYPOINTS
from models.geometry import GeometryModel

GEOMETRY = "geometry"


def propose(
    model: GeometryModel,
    annotation: StoredAnnotation,
    size_wh: tuple[int | None, int | None],
    alpha: StoredPrediction | None,
    faces: Faces | None = None,
) -> Prediction | None:
    """What to show for one annotation: face keypoints nobody decided, and a box; None when nothing can be said.

    Args:
        size_wh: of the image, for the box of the joints.
        alpha: the box measured from the picture's alpha, when there is one.
        faces: what the model says of it, where it was asked already.
    """
    record = annotation.record
    if faces is None:
        faces = model.predict(record.points, record.extras, record.bbox_xywh, record.states) or {}
    keypoints = {
        name: PredictedKeypoint(x=point.x, y=point.y, state=point.state, score=point.score)  # type: ignore[arg-type]
        for name, point in faces.items()
        if record.state(name) == "undecided"
    }
    box = None
    if record.bbox_xywh is None:
        box = propose_box(record.points, record.extras, size_wh, alpha)
    if not keypoints and box is None:
        return None
    return Prediction(model=GEOMETRY, model_version=model.version, keypoints=keypoints, box=box)


def propose_box(
    points: Sequence[Any],
    extras: Mapping[str, Any],
    size_wh: tuple[int | None, int | None],
    alpha: StoredPrediction | None,
) -> PredictedBox | None:
    """A box from the cut-out's alpha where it has one, else from the joints."""
    if alpha is not None and alpha.box is not None:
        return PredictedBox(bbox_xywh=alpha.box["bbox_xywh"], source="alpha")
    bbox_xywh = box_of_joints(points, extras, size_wh)
    return None if bbox_xywh is None else PredictedBox(bbox_xywh=bbox_xywh, source="joints")


@dataclass(slots=True)
class PrefillReport:
    """images: looked at; predicted: predictions stored now (an unchanged one is not stored again)."""

    model: str
    images: int = 0
    predicted: int = 0
    skipped: list[dict[str, str]] = field(default_factory=list)
    seconds: float = 0.0


def prefill(project: Project, *, model: str = GEOMETRY, missing_only: bool = False) -> PrefillReport:
    """Propose for every annotation and store what is new.

    Args:
        model: `geometry`; networks come with the models.
        missing_only: leave out annotations in which nothing is missing.
    Raises:
        BadInput: no such model.
    """
    if model != GEOMETRY:
        raise BadInput(f"no model is called {model!r}, expected {GEOMETRY!r}")
    begun = time.perf_counter()
    db = project.db
    fitted = Proposer().model(db)
    report = PrefillReport(GEOMETRY)
    sizes = {image.id: image for image in all_images(db)}
    known = work.latest_predictions(db)
    rows: list[tuple[int, StoredPrediction]] = []
    seen: set[int] = set()
    for annotation in annotations.available_annotations(db):
        is_missing = any(annotation.record.state(name) == "undecided" for name in FACE_KEYPOINTS)
        if missing_only and not is_missing and annotation.record.bbox_xywh is not None:
            continue
        seen.add(annotation.image_id)
        image = sizes[annotation.image_id]
        mine = known.get(annotation.id, {})
        proposal = propose(fitted, annotation, (image.record.width, image.record.height), mine.get(ALPHA))
        if is_missing and (proposal is None or not proposal.keypoints):
            reason = "no joint of the head or the shoulders is known, so that the face cannot be placed"
            report.skipped.append({"record": record_name(image), "reason": reason})
        if proposal is None:
            continue
        stored = to_stored(annotation.id, proposal)
        if mine.get(GEOMETRY) != stored:
            rows.append((annotation.image_id, stored))
    with db.atomic():
        report.predicted = work.insert_predictions(db, rows) if rows else 0
    report.images = len(seen)
    report.seconds = round(time.perf_counter() - begun, 3)
    return report


def to_stored(annotation_id: int, proposal: Prediction) -> StoredPrediction:
    """A proposal as the store keeps it."""
    return StoredPrediction(
        annotation_id,
        proposal.model,
        proposal.model_version,
        {name: {"x": p.x, "y": p.y, "state": p.state, "score": p.score} for name, p in proposal.keypoints.items()},
        None if proposal.box is None else {"bbox_xywh": proposal.box.bbox_xywh, "source": proposal.box.source},
    )


def record_name(image: StoredImage) -> str:
    """How reports call an image."""
    return image.record.file_name or f"image {image.id}"
