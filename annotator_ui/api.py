"""The JSON API: what each page action calls, and what scripts may call too.

`OPERATIONS` at the end is the table of routes; the OpenAPI document is made from the same rows. A view takes what its
row reads from the request (`body`, `query`), calls one function of curator, and returns the record that answers.
"""

from functools import cache
from typing import Annotated, Any, Final, Literal

from flask import Response
from msgspec import Meta, Struct

from annotator_ui import downloads, media
from annotator_ui.bodies import json_response
from annotator_ui.current import actor_id, current, project, workbench
from annotator_ui.openapi import ID, MAX_ID, Operation, blueprint, document
from curator.errors import Busy
from curator.exports import CocoExport, export_coco
from curator.payloads import (
    Change,
    Confirmation,
    QueueSummary,
    Removal,
    RemovedImage,
    Restoration,
    Saved,
    Skip,
    Task,
    TaskPage,
    Unskip,
)
from curator.status import status as project_status
from curator.workbench import MAX_TASKS


class QueueList(Struct, frozen=True):
    """Every queue with its sizes."""

    queues: list[QueueSummary]


class RemovedList(Struct, frozen=True):
    """The images that are out of the dataset, newest removal first."""

    removed: list[RemovedImage]


class TasksQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which tasks: those behind position `after`, at most `limit`; with `skipped` those that were set aside."""

    after: Annotated[int, Meta(ge=0, le=MAX_ID)] = 0
    limit: Annotated[int, Meta(ge=1, le=MAX_TASKS)] = 4
    skipped: bool = False


class Status(Struct, frozen=True):
    """Where the project stands: keypoints by name and state, queues by name. More keys may follow."""

    project: str
    images: int
    images_with_bytes: int
    removed: int
    annotations: int
    keypoints: dict[str, dict[str, int]]
    queues: dict[str, int]
    waiting_for_bytes: dict[str, int]
    skipped: dict[str, int]


def status() -> dict[str, Any]:
    return project_status(project())


def queues() -> QueueList:
    return QueueList(workbench().queues())


def tasks(queue: str, query: TasksQuery) -> TaskPage:
    return workbench().tasks(queue, after=query.after, limit=query.limit, skipped=query.skipped)


def task(queue: str, annotation_id: int) -> Task:
    return workbench().task(queue, annotation_id)


def change_annotation(annotation_id: int, body: Change) -> Saved:
    return workbench().change(annotation_id, body, actor_id=actor_id())


def confirm(annotation_id: int, body: Confirmation) -> Saved:
    return workbench().confirm(annotation_id, body, actor_id=actor_id())


def skip(annotation_id: int, body: Skip) -> Saved:
    return workbench().skip(annotation_id, body, actor_id=actor_id())


def unskip(annotation_id: int, body: Unskip) -> Saved:
    return workbench().unskip(annotation_id, body.queue, body.change_id, actor_id=actor_id())


def remove(image_id: int, body: Removal) -> Saved:
    return workbench().remove(image_id, body.change_id, body.reason, actor_id=actor_id())


def restore(image_id: int, body: Restoration) -> Saved:
    return workbench().restore(image_id, body.change_id, actor_id=actor_id())


def removed() -> RemovedList:
    return RemovedList(workbench().removed())


class ExportFile(Struct, frozen=True):
    """One written file. `url` is where it is downloaded."""

    path: str
    sha256: str
    num_bytes: int
    url: str


class ExportAnswer(Struct, frozen=True):
    """What `curator export coco --json` says, with addresses. `dropped`: records that the format could not take."""

    name: str
    files: list[ExportFile]
    images: int
    annotations: int
    per_split: dict[str, int]
    dropped: list[dict[str, str]]
    manifest: dict[str, Any]
    ok: Literal[True] = True


def export(body: CocoExport) -> ExportAnswer:
    exporting = current().exporting
    if not exporting.acquire(blocking=False):
        raise Busy("another export is being written, try again when it is done")
    try:
        report = export_coco(project(), None, body)
    finally:
        exporting.release()
    files = [
        ExportFile(
            path=file["path"],
            sha256=file["sha256"],
            num_bytes=(report.folder / file["path"]).stat().st_size,
            url=downloads.file_url(report.folder.name, file["path"]),
        )
        for file in report.files
    ]
    return ExportAnswer(
        body.name, files, report.images, report.annotations, report.per_split, report.dropped, report.manifest
    )


def openapi() -> Response:
    return json_response(_document())


@cache
def _document() -> dict[str, Any]:
    return document(ALL_OPERATIONS)


_TASKS: Final = "/api/queues/<queue>/tasks"
_ANNOTATION: Final = f"/api/annotations/<{ID}:annotation_id>"
_IMAGE: Final = f"/api/images/<{ID}:image_id>"

OPERATIONS: Final = (
    Operation("GET", "/api/status", status, "What the project holds, as `curator status --json`.", Status),
    Operation("GET", "/api/queues", queues, "Every queue with its sizes.", QueueList),
    Operation(
        "GET",
        "/api/queues/<queue>/tasks",
        tasks,
        "The next tasks of a queue.",
        TaskPage,
        query=TasksQuery,
        fails=(400, 404),
    ),
    Operation("GET", f"{_TASKS}/<{ID}:annotation_id>", task, "One task, decided or not.", Task, fails=(404,)),
    Operation("PATCH", _ANNOTATION, change_annotation, "Apply one edit.", Saved, Change, fails=(400, 404, 409)),
    Operation(
        "POST", f"{_ANNOTATION}/confirmations", confirm, "Answer a task.", Saved, Confirmation, fails=(400, 404, 409)
    ),
    Operation("POST", f"{_ANNOTATION}/skips", skip, "Set a task aside.", Saved, Skip, fails=(400, 404)),
    Operation("DELETE", f"{_ANNOTATION}/skips", unskip, "Put a task back.", Saved, Unskip, fails=(400, 404)),
    Operation("POST", f"{_IMAGE}/removal", remove, "Take an image out.", Saved, Removal, fails=(400, 404)),
    Operation("DELETE", f"{_IMAGE}/removal", restore, "Put an image back.", Saved, Restoration, fails=(400, 404)),
    Operation("GET", "/api/removed", removed, "The images that are out of the dataset.", RemovedList),
    Operation("POST", "/api/exports", export, "Write a COCO file.", ExportAnswer, CocoExport, fails=(400, 503)),
    Operation("GET", "/api/openapi.json", openapi, "This document.", Any),
)
ALL_OPERATIONS: Final = OPERATIONS + media.OPERATIONS

bp = blueprint("api", OPERATIONS)
