"""Pre-fill: what the models propose for what nobody has decided yet, kept apart from the annotations.

`Proposer` is the live side: it holds the `geometry` model refitted with the labels of this project, follows the
revision log, and proposes for the drawings a person is about to see. `prefill` is the batch side: it stores the
proposals as predictions, which an export can then use.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from curator.errors import BadInput
from curator.payloads import PredictedBox, PredictedKeypoint, Prediction
from curator.project import Project
from curator.store import annotations, revisions, work
from curator.store.annotations import StoredAnnotation
from curator.store.database import Database
from curator.store.images import StoredImage, all_images
from curator.store.work import ALPHA, StoredPrediction
from datasets.boxes import box_of_joints
from datasets.skeleton import FACE_KEYPOINTS
from models.geometry import FaceKeypoint, GeometryFit, GeometryModel, head_view

GEOMETRY = "geometry"
MAX_LABELS = 5000  # the newest ones; beyond that the fit hardly moves
PAUSE_S = 0.05  # without a request for drawings: then a fit is in nobody's way
PATIENCE_S = 1.0  # the longest that a change waits for such a pause
MAX_KEPT = 4096  # drawings whose proposals are remembered

Faces = Mapping[str, FaceKeypoint]  # the four face keypoints by name; empty where nothing can be said
View = tuple[float, float, float, float]


class Proposer:
    """Live proposals of `geometry`, refitted with this project's labels as they come. Safe between threads.

    A fit takes up to 50 ms and a request for the next drawings 1 ms: `recent_model` answers at once, and what was saved
    since is learned in the background, when the requests pause for `PAUSE_S` or `PATIENCE_S` have gone by.
    """

    def __init__(self) -> None:
        self._fit = GeometryFit(GeometryModel.shipped())
        self._fitted: GeometryModel | None = None
        self._fitting = threading.Lock()  # held while the fit works
        self._seen: int | None = None
        self._news: list[StoredAnnotation] = []
        self._learner: threading.Thread | None = None
        self._noting = threading.Lock()  # held for the three above, never for long
        self._asked_at = 0.0
        self._faces: tuple[GeometryModel, dict[tuple[int, int], Faces]] = (self._fit.prior, {})
        self._views: dict[tuple[int, int], View] = {}

    def model(self, db: Database) -> GeometryModel:
        """Today's model: everything that the revision log holds is in it."""
        self._note(db)
        return self._learn()

    def recent_model(self, db: Database) -> GeometryModel:
        """The model without waiting for a fit: the last changes may be missing for a moment."""
        self._asked_at = time.monotonic()
        has_news = self._note(db)
        if self._fitted is None:
            return self._learn()
        if has_news:
            with self._noting:
                if self._learner is None:
                    self._learner = threading.Thread(target=self._learn_later, name="learns", daemon=True)
                    self._learner.start()
        return self._fitted

    def faces(
        self,
        model: GeometryModel,
        dealt: Sequence[StoredAnnotation],
        ahead: Callable[[], Sequence[StoredAnnotation]],
    ) -> list[Faces]:
        """What the model says of each. Where one is new, `ahead` is asked for more: twenty cost what one costs."""
        said_by, said = self._faces
        if said_by is not model or len(said) > MAX_KEPT:
            _, said = self._faces = (model, {})
        if any((one.id, one.version) not in said for one in dealt):
            batch = [one for one in (*dealt, *ahead()) if (one.id, one.version) not in said]
            records = [one.record for one in batch]
            found = model.predict_many([(r.points, r.extras, r.bbox_xywh, r.states) for r in records])
            said.update(((one.id, one.version), faces or {}) for one, faces in zip(batch, found, strict=True))
        return [said[one.id, one.version] for one in dealt]

    def view(self, annotation: StoredAnnotation, size_wh: tuple[int | None, int | None]) -> View:
        """`head_rectangle`, remembered: a drawing is dealt several times before its turn comes."""
        key, views = (annotation.id, annotation.version), self._views
        if key not in views:
            if len(views) > MAX_KEPT:
                views = self._views = {}
            views[key] = head_rectangle(annotation, size_wh)
        return views[key]

    def _note(self, db: Database) -> bool:
        """Read what the revision log holds since the last time; whether anything waits to be learned."""
        with self._noting:
            newest = revisions.last_revision_id(db)
            if newest != self._seen:
                self._news += annotations.decided_faces(db, self._seen, MAX_LABELS)
                self._seen = newest
            return bool(self._news)

    def _learn(self) -> GeometryModel:
        with self._fitting:
            with self._noting:
                news, self._news = self._news, []
            for annotation in news:
                self._put(annotation)
            self._fitted = self._fit.model()
            return self._fitted

    def _learn_later(self) -> None:
        begun = time.monotonic()
        try:
            while self._news:
                time.sleep(PAUSE_S)
                now = time.monotonic()
                if now - self._asked_at >= PAUSE_S or now - begun >= PATIENCE_S:
                    self._learn()
                    begun = now
        finally:
            with self._noting:
                self._learner = None  # what came in the last moment is taken up at the next request

    def _put(self, annotation: StoredAnnotation) -> None:
        record = annotation.record
        if any(record.state(name) != "undecided" and record.source(name) != "predicted" for name in FACE_KEYPOINTS):
            self._fit.put(annotation.id, record.points, record.extras, record.states, record.bbox_xywh)
        else:
            self._fit.drop(annotation.id)


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


def head_rectangle(
    annotation: StoredAnnotation, size_wh: tuple[int | None, int | None]
) -> tuple[float, float, float, float]:
    """Where the editor looks for face keypoints: (x, y, width, height) in image pixels."""
    record = annotation.record
    width, height = size_wh
    return head_view(record.points, record.extras, record.bbox_xywh, width or 800, height or 600)


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
