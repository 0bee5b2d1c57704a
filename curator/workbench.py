"""Labelling: deal tasks, apply what a person does, say where things stand. What the pages and the API call.

Reading writes nothing. Every change is one durable transaction with a revision: the client's change id makes a repeated
request harmless (the same answer again), the base version makes a stale one a 409 instead of an overwrite.
"""

from collections.abc import Callable
from typing import Any

from curator.errors import BadInput, NotFound, Stale
from curator.media import media_url
from curator.payloads import (
    REMOVAL_REASONS,
    Activity,
    Change,
    Confirmation,
    Overview,
    QueueSummary,
    Rectangle,
    RemovedImage,
    Saved,
    Skip,
    Task,
    TaskPage,
    check_changes,
    to_builtins,
)
from curator.prefill import propose
from curator.project import Project
from curator.proposer import Proposer, Sight
from curator.removals import set_removal
from curator.store import annotations, images, queues, revisions, work
from curator.store.annotations import StoredAnnotation
from curator.store.database import Database
from curator.store.images import StoredImage
from curator.store.queues import Queue
from curator.store.revisions import Revision
from curator.store.work import ALPHA
from curator.views import annotation_view, distances_moved, image_view, write_changes
from datasets.records import AnnotationRecord
from models.geometry import GeometryModel

MAX_TASKS = 50
AHEAD = 16  # drawings behind those dealt whose proposals are made in the same breath


class Workbench:
    """One project's labelling, for all threads of a server."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._proposer = Proposer()

    # ---- reading

    def queues(self) -> list[QueueSummary]:
        """Every queue with its sizes."""
        return [_summary(self.project.db, queue) for queue in queues.QUEUES.values()]

    def tasks(self, queue: str, *, after: int = 0, limit: int = 4, skipped: bool = False) -> TaskPage:
        """The next tasks behind position `after`, at most `MAX_TASKS`.

        Raises:
            NotFound: no such queue.
        """
        db = self.project.db
        question = queues.queue_by_name(queue)
        dealt = queues.deal(db, question, after=after, limit=max(1, min(limit, MAX_TASKS)), skipped=skipped)

        def ahead() -> list[Sight]:
            following = queues.deal(db, question, after=dealt[-1].id, limit=AHEAD, skipped=skipped)
            return [(annotation, _size_wh(images.image_by_id(db, annotation.image_id))) for annotation in following]

        model = self._proposer.recent_model(db)
        return TaskPage(_summary(db, question), self._tasks(db, question, dealt, model, ahead))

    def task(self, queue: str, annotation_id: int) -> Task:
        """One task whatever its state: decided ones can be opened again.

        Raises:
            NotFound: no such queue or annotation, or its picture has not arrived.
        """
        db = self.project.db
        question = queues.queue_by_name(queue)
        annotation = _annotation(db, annotation_id)
        image = images.image_by_id(db, annotation.image_id)
        if image is None or image.media_type is None:
            raise NotFound(f"annotation {annotation_id}: its picture has not arrived")
        return self._tasks(db, question, [annotation], self._proposer.model(db), list)[0]

    def _tasks(
        self,
        db: Database,
        question: Queue,
        dealt: list[StoredAnnotation],
        model: GeometryModel,
        ahead: Callable[[], list[Sight]],
    ) -> list[Task]:
        if not dealt:
            return []
        shown = [images.image_by_id(db, annotation.image_id) for annotation in dealt]
        sights = [(annotation, _size_wh(image)) for annotation, image in zip(dealt, shown, strict=True)]
        looks = self._proposer.look(model, sights, ahead)
        known = work.latest_predictions(db, [annotation.id for annotation in dealt])
        tasks = []
        for (annotation, size_wh), image, (faces, view) in zip(sights, shown, looks, strict=True):
            assert image is not None  # a foreign key says so
            tasks.append(
                Task(
                    position=annotation.id,
                    queue=question.name,
                    image=image_view(image),
                    annotation=annotation_view(annotation),
                    prediction=propose(model, annotation, size_wh, known.get(annotation.id, {}).get(ALPHA), faces),
                    wanted=question.wanted,
                    wants_box=True,
                    view=Rectangle(*view),
                )
            )
        return tasks

    def removed(self) -> list[RemovedImage]:
        """Images out of the dataset, newest removal first."""
        return [
            RemovedImage(image.id, image.record.file_name, media_url(image), image.record.removal or "", at, by)
            for image, at, by in images.removed_images(self.project.db)
        ]

    def overview(self) -> Overview:
        """What the home page shows."""
        db = self.project.db
        counts = images.count_images(db)
        return Overview(
            images=counts["images"],
            images_with_bytes=counts["with_bytes"],
            annotations=annotations.count_annotations(db),
            removed=counts["removed"],
            keypoints=annotations.keypoint_counts(db),
            queues=self.queues(),
            recent=[
                Activity(revision.action, file_name, by, revision.created_at, revision.annotation_id)
                for revision, file_name, by in revisions.recent_revisions(db, 8)
            ],
        )

    # ---- changing

    def change(self, annotation_id: int, change: Change, *, actor_id: int) -> Saved:
        """Apply one edit.

        Raises:
            BadInput: values that cannot be. NotFound: no such annotation. Stale: somebody saved in between.
        """
        check_changes(change.changes)
        return self._apply(annotation_id, change, "change", actor_id)[0]

    def confirm(self, annotation_id: int, confirmation: Confirmation, *, actor_id: int) -> Saved:
        """Apply a person's answer to a whole task, and keep what was shown, how long it took, how far points moved.

        Raises:
            BadInput: values that cannot be, or a wanted keypoint still undecided. NotFound, Stale: as for `change`.
        """
        check_changes(confirmation.changes)
        question = queues.queue_by_name(confirmation.queue)
        change = Change(confirmation.change_id, confirmation.base_version, confirmation.changes)

        def check(record: AnnotationRecord) -> None:
            for name in question.wanted:
                if record.state(name) == "undecided":
                    field = f"changes.keypoints.{name}"
                    raise BadInput(f"{field}: is still undecided, expected visible, hidden or absent", field)

        db = self.project.db
        with db.atomic():
            saved, revision_id, annotation = self._apply(annotation_id, change, "confirm", actor_id, check)
            if revision_id is not None and annotation is not None:
                work.insert_confirmation(
                    db,
                    revision_id=revision_id,
                    annotation_id=annotation_id,
                    queue=confirmation.queue,
                    actor_id=actor_id,
                    shown=to_builtins(confirmation.shown),
                    moved=distances_moved(confirmation, annotation.record, question.wanted),
                    active_ms=confirmation.active_ms,
                )
                work.delete_skip(db, annotation_id, confirmation.queue)
        return saved

    def _apply(
        self, annotation_id: int, change: Change, action: str, actor_id: int, check: Any = None
    ) -> tuple[Saved, int | None, StoredAnnotation | None]:
        db = self.project.db
        with db.atomic():
            if repeated := _repeated(db, change.change_id, annotation_id=annotation_id):
                return Saved(repeated.version, change.change_id, repeated=True), None, None
            annotation = _annotation(db, annotation_id)
            if annotation.version != change.base_version:
                raise Stale(
                    f"annotation {annotation_id}: somebody saved version {annotation.version} in between,"
                    f" expected version {change.base_version}",
                    annotation.version,
                    annotation_view(annotation),
                )
            before, after = write_changes(annotation.record, change.changes)
            if check is not None:
                check(annotation.record)
            version = annotations.write_annotation(db, annotation)
            revision_id = revisions.insert_revision(
                db,
                change_id=change.change_id,
                image_id=annotation.image_id,
                annotation_id=annotation_id,
                action=action,
                base_version=change.base_version,
                version=version,
                actor_id=actor_id,
                before=before,
                after=after,
                undoes=change.undoes,
            )
        return Saved(version, change.change_id), revision_id, annotation

    def skip(self, annotation_id: int, skip: Skip, *, actor_id: int) -> Saved:
        """Set a task aside with a reason; it stays undecided.

        Raises:
            NotFound: no such annotation or queue.
        """
        return self._set_aside(annotation_id, skip.queue, skip.change_id, skip.reason, actor_id)

    def unskip(self, annotation_id: int, queue: str, change_id: str, *, actor_id: int) -> Saved:
        """Put a task back into its queue.

        Raises:
            NotFound: no such annotation or queue.
        """
        return self._set_aside(annotation_id, queue, change_id, None, actor_id)

    def _set_aside(self, annotation_id: int, queue: str, change_id: str, reason: str | None, actor_id: int) -> Saved:
        db = self.project.db
        question = queues.queue_by_name(queue)
        with db.atomic():
            if repeated := _repeated(db, change_id, annotation_id=annotation_id):
                return Saved(repeated.version, change_id, repeated=True)
            annotation = _annotation(db, annotation_id)
            revision_id = revisions.insert_revision(
                db,
                change_id=change_id,
                image_id=annotation.image_id,
                annotation_id=annotation_id,
                action="unskip" if reason is None else "skip",
                base_version=annotation.version,
                version=annotation.version,
                actor_id=actor_id,
                before={},
                after={"queue": question.name, "skip": reason},
            )
            if reason is None:
                work.delete_skip(db, annotation_id, question.name)
            else:
                work.insert_skip(db, annotation_id, question.name, reason, revision_id)
        return Saved(annotation.version, change_id)

    def remove(self, image_id: int, change_id: str, reason: str, *, actor_id: int) -> Saved:
        """Take an image out of the dataset; `restore` puts it back.

        Raises:
            BadInput: not one of the reasons. NotFound: no such image.
        """
        if reason not in REMOVAL_REASONS:
            raise BadInput(f"reason: is {reason[:60]!r}, expected one of: {', '.join(REMOVAL_REASONS)}", "reason")
        return self._set_removal(image_id, change_id, reason, actor_id)

    def restore(self, image_id: int, change_id: str, *, actor_id: int) -> Saved:
        """Put a removed image back; one that is not removed stays as it is.

        Raises:
            NotFound: no such image.
        """
        return self._set_removal(image_id, change_id, None, actor_id)

    def _set_removal(self, image_id: int, change_id: str, reason: str | None, actor_id: int) -> Saved:
        db = self.project.db
        with db.atomic():
            if repeated := _repeated(db, change_id, image_id=image_id):
                return Saved(repeated.version, change_id, repeated=True)
            image = images.image_by_id(db, image_id)
            if image is None:
                raise NotFound(f"no image has the id {image_id}")
            set_removal(db, image, reason, change_id=change_id, actor_id=actor_id)
        return Saved(1, change_id)


def _size_wh(image: StoredImage | None) -> tuple[int | None, int | None]:
    return (None, None) if image is None else (image.record.width, image.record.height)


def _summary(db: Database, queue: Queue) -> QueueSummary:
    counts = queues.count_queue(db, queue)
    return QueueSummary(queue.name, queue.title, counts.size, counts.done, counts.skipped, counts.waiting_for_bytes)


def _annotation(db: Database, annotation_id: int) -> StoredAnnotation:
    annotation = annotations.annotation_by_id(db, annotation_id)
    if annotation is None:
        raise NotFound(f"no annotation has the id {annotation_id}")
    return annotation


def _repeated(
    db: Database, change_id: str, *, annotation_id: int | None = None, image_id: int | None = None
) -> Revision | None:
    revision = revisions.revision_by_change(db, change_id)
    if revision is None:
        return None
    if (annotation_id is not None and revision.annotation_id != annotation_id) or (
        image_id is not None and revision.image_id != image_id
    ):
        raise BadInput(f"change_id: {change_id!r} was used for another record, expected a new id", "change_id")
    return revision
