"""Handing the dataset out as COCO JSON, and proving that the file says what the store says.

The records are streamed from the store into the writer; then the file is read back by pycocotools and compared with the
store, read a second time. Everything lands in a folder `exports/<name>` (or where asked) with a manifest of digests.
"""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from msgspec import Meta, Struct

from curator.blobs import describe_disk_error
from curator.errors import BadInput, CuratorError, ExportMismatch
from curator.prefill import propose_box
from curator.project import Project
from curator.store import annotations, images, work
from curator.store.annotations import StoredAnnotation
from curator.store.database import Database
from curator.store.work import ALPHA, StoredPrediction
from datasets.coco import CocoOptions, verify_coco, write_coco
from datasets.output import write_whole
from datasets.records import SOURCE_LETTER, STATE_LETTER, AnnotationRecord, ImageRecord
from datasets.skeleton import COCO_KEYPOINTS

COCO_FILE = "annotations.json"
MANIFEST_FILE = "manifest.json"


class CocoExport(Struct, frozen=True, forbid_unknown_fields=True):
    """What to write. `unconfirmed`: keypoints that only a model placed; `undecided`: the v of imported joints that
    nobody judged."""

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}(?!\n)$")] = "coco"
    with_midpoints: bool = False
    unconfirmed: Literal["drop", "keep"] = "drop"
    undecided: Literal[1, 2] = 2


@dataclass(slots=True)
class ExportReport:
    """files: path (relative to the folder) and sha256 each; dropped: records the format could not take."""

    folder: Path
    files: list[dict[str, str]] = field(default_factory=list)
    images: int = 0
    annotations: int = 0
    per_split: dict[str, int] = field(default_factory=dict)
    dropped: list[dict[str, str]] = field(default_factory=list)
    manifest: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {
            "files": self.files,
            "images": self.images,
            "annotations": self.annotations,
            "per_split": self.per_split,
            "dropped": self.dropped,
            "manifest": self.manifest,
        }


def export_coco(project: Project, out_dir: Path | None, options: CocoExport) -> ExportReport:
    """Write everything that is not removed as one COCO file with a manifest.

    Args:
        out_dir: where to; None for the project's own `exports/<name>`.
    Raises:
        BadInput: the folder is none, or holds files of these names that are not an export of ours. ExportMismatch: the
            file read back differs from the store. CuratorError: the disk is full or cannot be written. After any of
            them the folder holds what it held before.
    """
    folder = out_dir if out_dir is not None else project.exports / options.name
    path = folder / COCO_FILE
    # Both files get their names at the end, the manifest first: an export that was killed can simply run again.
    part = folder / f".{COCO_FILE}.{secrets.token_hex(4)}.part"
    try:
        _prepare(folder)
        report = _write_and_compare(project.db, part, options)
        with write_whole(folder / MANIFEST_FILE) as file:
            file.write(orjson.dumps(report.manifest, option=orjson.OPT_INDENT_2))
        os.replace(part, path)
        report.files = [*report.files, {"path": MANIFEST_FILE, "sha256": _sha256(folder / MANIFEST_FILE)}]
    except OSError as error:
        raise CuratorError(describe_disk_error(path, error)) from error
    finally:
        with suppress(OSError):
            part.unlink()
    return report


def _prepare(folder: Path) -> None:
    """Make the folder, or see that what it holds may be written over."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise BadInput(f"{folder}: is a file or lies below one, expected a folder") from error
    for name in (COCO_FILE, MANIFEST_FILE):
        if (folder / name).is_dir():
            raise BadInput(f"{folder / name}: is a folder, expected {folder} to be a folder that can take such a file")
    for name in (COCO_FILE, MANIFEST_FILE):
        if os.path.lexists(folder / name) and not _is_ours(folder):
            raise BadInput(f"{folder / name}: is not of an export of ours, expected a new or an empty folder")


def _is_ours(folder: Path) -> bool:
    try:
        manifest = orjson.loads((folder / MANIFEST_FILE).read_bytes())
    except (FileNotFoundError, ValueError):
        return False
    return isinstance(manifest, dict) and manifest.get("format") == "coco"


def _write_and_compare(db: Database, part: Path, options: CocoExport) -> ExportReport:
    coco_options = CocoOptions(
        with_midpoints=options.with_midpoints, unconfirmed=options.unconfirmed, undecided=options.undecided
    )
    db.conn.execute("BEGIN")  # one snapshot for writing and comparing: labelling goes on meanwhile
    try:
        written = write_coco(part, _rows(db, options), options=coco_options)
        mismatches = verify_coco(part, _rows(db, options), options=coco_options, dropped=written.dropped)
    finally:
        db.conn.execute("ROLLBACK")
    if mismatches:
        mismatches = [mismatch.replace(part.name, COCO_FILE) for mismatch in mismatches]
        raise ExportMismatch(
            f"{part.with_name(COCO_FILE)}: differs from the store in {len(mismatches)} places, the first:"
            f" {mismatches[0]}",
            mismatches,
        )
    written.dropped = [replace(one, reason=one.reason.replace(part.name, COCO_FILE)) for one in written.dropped]
    report = ExportReport(
        part.parent, images=written.images, annotations=written.annotations, per_split={"all": written.annotations}
    )
    report.dropped = [{"record": refusal.record, "reason": refusal.reason} for refusal in written.dropped]
    report.files = [{"path": COCO_FILE, "sha256": written.sha256}]
    report.manifest = {
        "format": "coco",
        "options": {
            "with_midpoints": options.with_midpoints,
            "unconfirmed": options.unconfirmed,
            "undecided": options.undecided,
        },
        "coordinates": "pixels of the image, continuous, x right, y down; numbers as they came, never rounded",
        **asdict(written),
        "keypoints": {f"v{v}": count for v, count in written.keypoints.items()},
        "files": report.files,
    }
    return report


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _rows(db: Database, options: CocoExport) -> Iterator[tuple[int, ImageRecord, list[int]]]:
    """Images that are not removed with their annotations, by id, in constant memory."""
    characters = annotations.all_annotations(db)
    waiting = next(characters, None)
    has_predictions = work.has_predictions(db)
    for image in images.all_images(db):
        mine: list[StoredAnnotation] = []
        while waiting is not None and waiting.image_id == image.id:
            mine.append(waiting)
            waiting = next(characters, None)
        if image.record.removal is not None:
            continue
        record = image.record
        record.annotations = []
        for annotation in mine:
            said: dict[str, StoredPrediction] = {}
            if has_predictions and (options.unconfirmed == "keep" or annotation.record.bbox_xywh is None):
                said = work.latest_predictions(db, [annotation.id]).get(annotation.id, {})
            outgoing = annotation.record
            if outgoing.bbox_xywh is None:
                outgoing = _with_proposed_box(outgoing, (record.width, record.height), said)
            if options.unconfirmed == "keep" and said:
                outgoing = _with_machine_points(outgoing, said)
            record.annotations.append(outgoing)
        yield image.id, record, [annotation.id for annotation in mine]


def _with_machine_points(record: AnnotationRecord, said: dict[str, StoredPrediction]) -> AnnotationRecord:
    """The annotation with the newest prediction's points where nobody placed or judged one, marked as the machine's."""
    points, states, sources = list(record.points), list(record.states), list(record.sources)
    for prediction in said.values():
        for index, name in enumerate(COCO_KEYPOINTS):
            if name in prediction.keypoints and points[index] is None and record.states[index] == "u":
                proposed = prediction.keypoints[name]
                points[index] = [proposed["x"], proposed["y"]]
                states[index] = STATE_LETTER[proposed["state"]]
                sources[index] = SOURCE_LETTER["predicted"]
    return replace(record, points=points, states="".join(states), sources="".join(sources))


def _with_proposed_box(
    record: AnnotationRecord, size_wh: tuple[int | None, int | None], said: dict[str, StoredPrediction]
) -> AnnotationRecord:
    """The annotation with a box, proposed from the alpha or the joints; its source says that no person drew it."""
    box = propose_box(record.points, record.extras, size_wh, said.get(ALPHA))
    return record if box is None else replace(record, bbox_xywh=list(box.bbox_xywh), box_source="predicted")
