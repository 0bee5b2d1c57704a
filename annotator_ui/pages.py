"""The pages. Each view reads, puts what the template shows into one dataclass, and renders; no page writes anything."""

import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from flask import Blueprint, render_template

from annotator_ui.api import TasksQuery
from annotator_ui.bodies import read_query
from annotator_ui.current import project, workbench
from annotator_ui.downloads import PastExport, past_exports
from annotator_ui.openapi import MAX_ID
from curator.payloads import REMOVAL_REASONS, Activity, Overview, RemovedImage, TaskPage

BAR_WIDTH: Final = 240  # of a completeness bar, in the units of its viewBox
BAR_STATES: Final = ("visible", "hidden", "absent", "undecided")
MAX_REMOVED_SHOWN: Final = 500
ACTION_WORDS: Final = {
    "change": "changed",
    "confirm": "confirmed",
    "skip": "set aside",
    "unskip": "put back into the queue",
    "remove": "removed",
    "restore": "restored",
    "import": "imported",
}

bp = Blueprint("pages", __name__)


class LabelQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to start: at one annotation, or with those that were set aside."""

    at: int | None = None
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class BarPart:
    """One part of a stacked bar, in the units of its viewBox."""

    state: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class KeypointRow:
    """One keypoint's completeness: how many annotations have it in which state."""

    words: str
    counts: dict[str, int]
    parts: tuple[BarPart, ...]
    percent_decided: int


@dataclass(frozen=True, slots=True)
class RecentChange:
    """One line of the recent activity."""

    words: str
    file_name: str
    url: str | None
    by: str
    at: str
    ago: str


@dataclass(frozen=True, slots=True)
class HomePage:
    overview: Overview
    keypoints: tuple[KeypointRow, ...]
    recent: tuple[RecentChange, ...]
    num_characters: int  # those that the keypoints are counted over
    folder: str
    command: str  # `curator -p DIR`, to be continued


@dataclass(frozen=True, slots=True)
class RemovedRow:
    image: RemovedImage
    ago: str


@dataclass(frozen=True, slots=True)
class RemovedPage:
    rows: tuple[RemovedRow, ...]
    num_removed: int


@dataclass(frozen=True, slots=True)
class ExportPage:
    suggested_name: str
    is_empty: bool
    past: tuple[PastExport, ...]
    command: str


@bp.app_context_processor
def every_page() -> dict[str, Any]:
    return {"project_name": project().name}


@bp.app_template_filter("thousands")
def thousands(number: int) -> str:
    """1234567 -> 1,234,567."""
    return f"{number:,}"


@bp.app_template_filter("bytes")
def bytes_in_words(num_bytes: int) -> str:
    """2,500,000 -> 2.5 MB."""
    size = float(num_bytes)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{num_bytes} bytes" if unit == "bytes" else f"{size:.1f} {unit}"


@bp.get("/")
def home() -> str:
    overview = workbench().overview()
    now = datetime.now(UTC)
    page = HomePage(
        overview=overview,
        keypoints=tuple(keypoint_row(name, counts) for name, counts in overview.keypoints.items()),
        recent=tuple(recent_change(activity, now) for activity in overview.recent),
        num_characters=max((sum(counts.values()) for counts in overview.keypoints.values()), default=0),
        folder=str(project().root),
        command=command(),
    )
    return render_template("home.html", page=page, states=BAR_STATES)


@bp.get("/label/<queue>")
def label(queue: str) -> str:
    """The editor, with its first tasks in the page."""
    query = read_query(LabelQuery)
    task_page = workbench().tasks(queue, limit=TasksQuery().limit, skipped=query.skipped)
    if query.at is not None:
        first = workbench().task(queue, max(0, min(query.at, MAX_ID)))
        behind = workbench().tasks(queue, after=first.position, limit=TasksQuery().limit - 1, skipped=query.skipped)
        task_page = TaskPage(task_page.queue, [first, *behind.tasks])
    return render_template(
        "editor.html", task_page=task_page, removal_reasons=REMOVAL_REASONS, is_skipped=query.skipped
    )


@bp.get("/help")
def help_page() -> str:
    return render_template("help.html")


@bp.get("/removed")
def removed() -> str:
    images = workbench().removed()
    now = datetime.now(UTC)
    rows = tuple(RemovedRow(image, ago(image.removed_at, now)) for image in images[:MAX_REMOVED_SHOWN])
    return render_template("removed.html", page=RemovedPage(rows, len(images)))


@bp.get("/export")
def export() -> str:
    page = ExportPage(
        suggested_name=f"coco-{datetime.now(UTC):%Y%m%d-%H%M}",
        is_empty=workbench().overview().annotations == 0,
        past=tuple(past_exports(project())),
        command=command(),
    )
    return render_template("export.html", page=page)


def command() -> str:
    """How the command line reaches this project, from anywhere."""
    return f"curator -p {shlex.quote(str(project().root))}"


def keypoint_row(name: str, counts: dict[str, int]) -> KeypointRow:
    """A keypoint's counts as a stacked bar."""
    total = sum(counts[state] for state in BAR_STATES)
    parts, x = [], 0.0
    for state in BAR_STATES:
        width = BAR_WIDTH * counts[state] / total if total else 0.0
        if counts[state]:
            parts.append(BarPart(state, round(x, 2), round(width, 2)))
        x += width
    decided = total - counts["undecided"]
    return KeypointRow(
        words=name.replace("_", " "),
        counts=counts,
        parts=tuple(parts),
        percent_decided=100 * decided // total if total else 0,  # rounded down: 100 % means all
    )


def recent_change(activity: Activity, now: datetime) -> RecentChange:
    """A revision as a line to read, with the page where its drawing can be opened again."""
    can_open = activity.annotation_id is not None and activity.action in ("change", "confirm", "skip", "unskip")
    return RecentChange(
        words=ACTION_WORDS.get(activity.action, activity.action),
        file_name=activity.file_name,
        url=f"/label/face?at={activity.annotation_id}" if can_open else None,
        by=activity.by,
        at=activity.at,
        ago=ago(activity.at, now),
    )


def ago(at: str, now: datetime) -> str:
    """How long before now an ISO 8601 time was, as people say it; the date where it was days ago."""
    then = datetime.fromisoformat(at)
    seconds = (now - then).total_seconds()
    for limit_s, unit_s, unit in ((60, 1, ""), (3600, 60, "minute"), (86_400, 3600, "hour")):
        if seconds < limit_s:
            if not unit:
                return "just now"
            number = int(seconds // unit_s)
            return f"{number} {unit}{'' if number == 1 else 's'} ago"
    return f"{then.day} {then:%B %Y}"
