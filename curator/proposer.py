"""The live side of pre-fill: what `geometry`, refitted with this project's labels, says of the next drawings.

It follows the revision log, so that labels of any process count. Requests for drawings must not wait for a fit; see
`Proposer`.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from curator.store import annotations, revisions
from curator.store.annotations import StoredAnnotation
from curator.store.database import Database
from datasets.skeleton import FACE_KEYPOINTS
from models.geometry import FaceKeypoint, GeometryFit, GeometryModel, head_views

MAX_LABELS = 5000  # the newest ones; beyond that the fit hardly moves
PAUSE_S = 0.05  # without a request for drawings: then a fit is in nobody's way
PATIENCE_S = 1.0  # the longest that a change waits for such a pause
MAX_KEPT = 4096  # drawings whose proposals are remembered
View = tuple[float, float, float, float]  # x, y, width, height in image pixels
Sight = tuple[StoredAnnotation, tuple[int | None, int | None]]  # an annotation and its image's (width, height)

Faces = Mapping[str, FaceKeypoint]  # the four face keypoints by name; empty where nothing can be said


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
        self._looks: tuple[GeometryModel, dict[tuple[int, int], tuple[Faces, View]]] = (self._fit.prior, {})

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

    def look(
        self,
        model: GeometryModel,
        dealt: Sequence[Sight],
        ahead: Callable[[], Sequence[Sight]],
    ) -> list[tuple[Faces, View]]:
        """What the model says of each, and where to look. Where one is new, those `ahead` are asked for as well: 20
        cost what one costs, and their turn comes."""
        seen_by, looks = self._looks
        if seen_by is not model or len(looks) > MAX_KEPT:
            _, looks = self._looks = (model, {})
        if any((one.id, one.version) not in looks for one, _ in dealt):
            batch = [(one, wh) for one, wh in (*dealt, *ahead()) if (one.id, one.version) not in looks]
            drawings = [
                (one.record.points, one.record.extras, one.record.bbox_xywh, one.record.states) for one, _ in batch
            ]
            views = head_views(drawings, [(width or 800, height or 600) for _, (width, height) in batch])
            for (one, _), faces, view in zip(batch, model.predict_many(drawings), views, strict=True):
                looks[one.id, one.version] = (faces or {}, view)
        return [looks[one.id, one.version] for one, _ in dealt]

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
