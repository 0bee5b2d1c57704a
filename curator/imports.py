"""Taking files in: records of a format merged into the store, pictures tied to their records.

The same file twice changes nothing. What a person decided is never overwritten by a file: a keypoint, box or removal
with a human source stays, and the record is flagged when the file disagrees. A file is one transaction: killed in the
middle, it left nothing; a refused record never stops the others.
"""

import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from curator.errors import BadInput
from curator.project import Project
from curator.removals import set_removal
from curator.store import annotations, images, revisions, work
from curator.store.annotations import StoredAnnotation
from curator.store.database import Database
from curator.store.images import StoredImage
from curator.store.users import IMPORT_ACTOR_ID
from curator.store.work import StoredPrediction
from datasets.add import read_add
from datasets.coco import read_coco
from datasets.records import AnnotationRecord, FormatError, ImageRecord, Read, Refusal
from datasets.skeleton import COCO_KEYPOINTS, HUMAN_SOURCES, NUM_KEYPOINTS

DIGEST = re.compile(r"[0-9a-f]{64}")
HUMAN_LETTERS = frozenset("pcj")
MACHINE_LETTER = "m"
# What the store's encoders raise for values that JSON lets through and SQLite cannot hold.
UNSTORABLE = (OverflowError, UnicodeEncodeError, orjson.JSONEncodeError)
KEPT = "kept_human_work"  # the flag of a record whose file disagrees with what a person decided


@dataclass(slots=True)
class ImportReport:
    """Counts of image records: every record is in exactly one of added, updated, unchanged, refused."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: list[dict[str, str]] = field(default_factory=list)
    flagged: list[dict[str, str]] = field(default_factory=list)

    def refuse(self, record: str, reason: str) -> None:
        self.refused.append({"record": printable(record), "reason": printable(reason)})

    def flag(self, record: str, flag: str) -> None:
        self.flagged.append({"record": printable(record), "flag": flag})

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def printable(text: str) -> str:
    """Text from a stranger's file as it can be told: what is no Unicode is escaped."""
    return text.encode("utf-8", "backslashreplace").decode()


def import_add(project: Project, path: Path) -> ImportReport:
    """Take in one of AnimeDrawingsDataset's annotation files.

    Raises:
        BadInput: the file as a whole cannot be read; nothing was stored.
    """
    return _import_file(project, path, "add", read_add)


def import_coco(project: Project, path: Path) -> ImportReport:
    """Take in a COCO person-keypoints file.

    Raises:
        BadInput: the file as a whole cannot be read; nothing was stored.
    """
    return _import_file(project, path, "coco", read_coco)


def _import_file(
    project: Project, path: Path, format_name: str, read: Callable[[Path], Iterator[Read]]
) -> ImportReport:
    try:
        return import_records(project, read(path), format_name=format_name, file_name=printable(path.name))
    except FormatError as error:
        raise BadInput(str(error)) from error
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror or error})") from error


def import_records(project: Project, reads: Iterable[Read], *, format_name: str, file_name: str) -> ImportReport:
    """Merge records into the store, all in one transaction.

    Raises:
        FormatError: the source broke off; nothing was stored.
    """
    db = project.db
    report = ImportReport()
    with db.atomic():
        import_id = work.insert_import(db, format_name, file_name, IMPORT_ACTOR_ID)
        for read in reads:
            if isinstance(read, Refusal):
                report.refuse(read.record, read.reason)
                continue
            name = read.file_name or "/".join(read.key)
            try:
                with db.savepoint():
                    outcome = _take(db, read, import_id)
            except FormatError as error:
                report.refuse(name, f"{file_name}: {name}: {error}")
                continue
            except UNSTORABLE:
                what = "holds a number beyond 64 bits or text that is no Unicode, expected plain values"
                report.refuse(name, f"{file_name}: {name}: {what}")
                continue
            report.added += outcome.added
            report.updated += outcome.updated
            report.unchanged += not (outcome.added or outcome.updated)
            for flag in (*read.flags, *((KEPT,) if outcome.kept else ())):
                report.flag(name, flag)
        work.finish_import(
            db,
            import_id,
            {
                "added": report.added,
                "updated": report.updated,
                "unchanged": report.unchanged,
                "refused": len(report.refused),
                "flagged": len(report.flagged),
            },
        )
    return report


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of one image record; kept: a person's work stayed although the file says otherwise."""

    added: bool = False
    updated: bool = False
    kept: bool = False


def _take(db: Database, record: ImageRecord, import_id: int) -> _Outcome:
    if record.digest is not None and not DIGEST.fullmatch(record.digest):
        raise FormatError(f"digest is {record.digest[:80]!r}, expected 64 hexadecimal digits")
    existing = images.find_image(db, *record.key)
    if existing is None:
        _add(db, record, import_id)
        return _Outcome(added=True)
    changed, kept = _merge(db, existing, record, import_id)
    return _Outcome(updated=changed, kept=kept)


def _add(db: Database, record: ImageRecord, import_id: int) -> None:
    image_id = images.insert_image(db, record, import_id)
    for position, incoming in enumerate(record.annotations):
        _add_annotation(db, image_id, position, incoming, import_id, is_available=False)
    if record.removal is not None:
        _remove(db, image_id, record.removal)


def _add_annotation(
    db: Database, image_id: int, position: int, incoming: AnnotationRecord, import_id: int, *, is_available: bool
) -> None:
    """Store a character; what is still a machine's becomes a prediction, apart from the annotation."""
    annotation, machine = _split_machine(incoming)
    annotation_id = annotations.insert_annotation(
        db, image_id, position, annotation, import_id, is_available=is_available
    )
    if machine is not None:
        keypoints, box = machine
        prediction = StoredPrediction(annotation_id, "imported", f"import-{import_id}", keypoints, box)
        work.insert_predictions(db, [(image_id, prediction)])


Machine = tuple[dict[str, dict[str, Any]], dict[str, Any] | None]


def _split_machine(incoming: AnnotationRecord) -> tuple[AnnotationRecord, Machine | None]:
    """Part a record into what people and sources say, and what only a model said: its keypoints and its box."""
    is_machine_box = incoming.box_source == "predicted" and not incoming.box_confirmed
    if MACHINE_LETTER not in incoming.sources and not is_machine_box:
        return incoming, None
    points, states, sources = list(incoming.points), list(incoming.states), list(incoming.sources)
    keypoints: dict[str, dict[str, Any]] = {}
    for index, name in enumerate(COCO_KEYPOINTS):
        point = points[index]
        if sources[index] != MACHINE_LETTER:
            continue
        if point is not None:
            keypoints[name] = {"x": point[0], "y": point[1], "state": incoming.state(name), "score": 0.0}
        points[index], states[index], sources[index] = None, "u", "-"
    rest = replace(incoming, points=points, states="".join(states), sources="".join(sources))
    box = None
    if is_machine_box:
        if incoming.bbox_xywh is not None:
            box = {"bbox_xywh": [float(value) for value in incoming.bbox_xywh], "source": "joints"}
        rest = replace(rest, bbox_xywh=None, box_source="none")
    return rest, (keypoints, box)


def _remove(db: Database, image_id: int, reason: str) -> None:
    image = images.image_by_id(db, image_id)
    assert image is not None
    set_removal(db, image, reason, change_id=f"import-{uuid.uuid4()}", actor_id=IMPORT_ACTOR_ID)


def _merge(db: Database, existing: StoredImage, incoming: ImageRecord, import_id: int) -> tuple[bool, bool]:
    """Bring an image up to date with a file. Returns whether anything changed, and whether human work was kept."""
    changed = _fit_frame(db, existing, incoming)
    merged = _merge_facts(existing.record, incoming)
    if merged != existing.record:
        images.update_image(db, existing.id, merged)
        changed = True
    if incoming.removal is not None and existing.record.removal is None:
        _remove(db, existing.id, incoming.removal)
        changed = True
    stored = annotations.annotations_of(db, existing.id)
    is_available = existing.media_type is not None and existing.record.removal is None and incoming.removal is None
    kept_any = False
    for position, record in enumerate(incoming.annotations):
        match = _match(stored, record, position, len(incoming.annotations))
        if match is None:
            _add_annotation(db, existing.id, len(stored), record, import_id, is_available=is_available)
            stored.append(annotations.annotations_of(db, existing.id)[-1])
            changed = True
            continue
        annotation_changed, kept = _merge_annotation(db, match, _split_machine(record)[0], existing.id)
        changed |= annotation_changed
        kept_any |= kept
    return changed, kept_any


def _fit_frame(db: Database, existing: StoredImage, incoming: ImageRecord) -> bool:
    """See that a picture which came before its record lies in the record's frame; else set the picture free.

    Set free, it waits to be brought again, and is then shrunk or refused as if it had come after the record.

    Raises:
        FormatError: the frames differ and there are annotations in the stored one already.
    """
    old = existing.record
    if existing.media_type is None or old.width is None or old.height is None or not incoming.annotations:
        return False
    fits = incoming.fit_wh is None or (old.width <= incoming.fit_wh[0] and old.height <= incoming.fit_wh[1])
    size_wh = (incoming.width or old.width, incoming.height or old.height)
    if fits and size_wh == (old.width, old.height):
        return False
    if annotations.annotations_of(db, existing.id):
        raise FormatError(
            f"is annotated in a frame of {size_wh[0]} x {size_wh[1]}, expected that of the picture here,"
            f" {old.width} x {old.height}"
        )
    images.forget_bytes(db, existing.id)
    old.width, old.height, old.digest, old.original_md5, old.original_wh = (
        incoming.width,
        incoming.height,
        None,
        None,
        None,
    )
    old.flags = sorted({*old.flags, "bring_picture_again"})
    images.update_image(db, existing.id, old)
    existing.media_type = None
    return True


def _merge_facts(old: ImageRecord, new: ImageRecord) -> ImageRecord:
    """What a file says of an image, over what is known; None never erases, and bytes in place keep their facts."""
    merged = replace(old, annotations=[], flags=sorted({*old.flags, *new.flags}), other={**old.other, **new.other})
    for name in ("artist", "licence", "rating", "rating_scheme", "fit_wh"):
        if getattr(new, name) is not None:
            setattr(merged, name, getattr(new, name))
    has_bytes = old.digest is not None
    for name in ("width", "height", "digest", "original_md5", "original_wh"):
        if getattr(new, name) is not None and not (has_bytes and getattr(old, name) is not None):
            setattr(merged, name, getattr(new, name))
    return replace(old, annotations=[]) if merged == replace(old, annotations=[]) else merged


def _match(
    stored: list[StoredAnnotation], record: AnnotationRecord, position: int, count: int
) -> StoredAnnotation | None:
    """The stored character that a file's annotation speaks of: by the file's id, else by its place in the order."""
    if record.source_id is not None:
        for annotation in stored:
            if annotation.record.source_id == record.source_id:
                return annotation
        if any(annotation.record.source_id is not None for annotation in stored) and count > 1:
            return None
    return stored[position] if position < len(stored) else None


def _merge_annotation(
    db: Database, annotation: StoredAnnotation, incoming: AnnotationRecord, image_id: int
) -> tuple[bool, bool]:
    old = annotation.record
    merged, kept = _merged(old, incoming)
    if merged == old:
        return False, kept
    before, after = _difference(old, merged)
    base_version = annotation.version
    annotation.record = merged
    version = annotations.write_annotation(db, annotation)
    revisions.insert_revision(
        db,
        change_id=f"import-{uuid.uuid4()}",
        image_id=image_id,
        annotation_id=annotation.id,
        action="import",
        base_version=base_version,
        version=version,
        actor_id=IMPORT_ACTOR_ID,
        before=before,
        after=after,
    )
    return True, kept


def _merged(old: AnnotationRecord, new: AnnotationRecord) -> tuple[AnnotationRecord, bool]:
    """The file's values over the stored ones, except where a person decided. Also: did it disagree there?"""
    points, states, sources = list(old.points), list(old.states), list(old.sources)
    kept = False
    for index in range(NUM_KEYPOINTS):
        theirs = (new.points[index], new.states[index], new.sources[index])
        if theirs == (points[index], states[index], sources[index]) or new.sources[index] == "-":
            continue
        if sources[index] in HUMAN_LETTERS:
            kept |= theirs[:2] != (points[index], states[index])
            continue
        points[index], states[index], sources[index] = theirs
    merged = replace(
        old,
        points=points,
        states="".join(states),
        sources="".join(sources),
        extras={**old.extras, **new.extras},
        other={**old.other, **new.other},
        is_crowd=new.is_crowd,
    )
    for name in ("segmentation", "area"):
        if getattr(new, name) is not None:
            setattr(merged, name, getattr(new, name))
    if old.source_id is None:
        merged.source_id = new.source_id
    if new.bbox_xywh is not None and new.bbox_xywh != old.bbox_xywh:
        if old.box_confirmed or old.box_source in HUMAN_SOURCES:
            kept = True
        else:
            merged.bbox_xywh, merged.box_source = new.bbox_xywh, new.box_source
            merged.box_confirmed = new.box_confirmed
    return merged, kept


def _difference(old: AnnotationRecord, new: AnnotationRecord) -> tuple[dict[str, Any], dict[str, Any]]:
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for name in AnnotationRecord.__dataclass_fields__:
        was, becomes = getattr(old, name), getattr(new, name)
        if was != becomes:
            before[name], after[name] = was, becomes
    return before, after
