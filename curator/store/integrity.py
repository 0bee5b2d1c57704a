"""What the rows must agree on, as queries: SQLite's own checks, packed fields, the chain of revisions."""

from typing import Any

import orjson

from curator.store.annotations import all_annotations
from curator.store.database import Database
from curator.store.rulebooks import walk_changes
from datasets.records import LETTER_SOURCE, LETTER_STATE
from datasets.skeleton import HUMAN_SOURCES, NUM_KEYPOINTS

_TABLES = (
    "images",
    "annotations",
    "revisions",
    "predictions",
    "confirmations",
    "removals",
    "tags",
    "tag_tables",
    "rulebook_changes",
    "rulebook_versions",
)


def database_problems(db: Database) -> list[str]:
    """SQLite's own integrity check and its foreign keys."""
    problems = [row[0] for row in db.all("PRAGMA integrity_check") if row[0] != "ok"]
    problems += [
        f"{row['table']} row {row['rowid']}: points to a row of {row['parent']} that is not there"
        for row in db.all("PRAGMA foreign_key_check")
    ]
    return [f"curator.db: {problem}" for problem in problems]


def annotation_problems(db: Database) -> list[str]:
    """Packed fields that cannot be: a letter unknown, points that are not 17, a sure state without a place."""
    problems = []
    for annotation in all_annotations(db):
        record = annotation.record
        name = f"annotation {annotation.id}"
        if len(record.points) != NUM_KEYPOINTS:
            problems.append(f"{name}: has {len(record.points)} points, expected {NUM_KEYPOINTS}")
        elif not set(record.states) <= set(LETTER_STATE) or not set(record.sources) <= set(LETTER_SOURCE):
            problems.append(f"{name}: states {record.states!r} or sources {record.sources!r} have an unknown letter")
        elif any(s in "vh" and p is None for s, p in zip(record.states, record.points, strict=True)):
            problems.append(f"{name}: a keypoint is visible or hidden without a place")
    return problems


def revision_problems(db: Database) -> list[str]:
    """Every annotation's version is where its last revision left it, and each change began where one before ended."""
    rows = db.all(
        "SELECT a.id, a.version, (SELECT max(version) FROM revisions r WHERE r.annotation_id = a.id) AS last"
        " FROM annotations a WHERE a.version <> coalesce((SELECT max(version) FROM revisions r"
        " WHERE r.annotation_id = a.id), 1)"
    )
    problems = [
        f"annotation {row['id']}: is at version {row['version']}, its revisions end at {row['last'] or 1}"
        for row in rows
    ]
    rows = db.all(
        "SELECT id, annotation_id, base_version, version, lag(version, 1, 1) OVER"
        " (PARTITION BY annotation_id ORDER BY id) AS earlier FROM revisions WHERE annotation_id IS NOT NULL"
    )
    problems += [
        f"revision {row['id']}: begins at version {row['base_version']} of annotation {row['annotation_id']},"
        f" the one before ended at {row['earlier']}"
        for row in rows
        if row["base_version"] != row["earlier"]
    ]
    problems += _unlike_last_revision(db)
    return problems


def _unlike_last_revision(db: Database) -> list[str]:
    """Keypoints that do not stand where the newest change by a person put them (imports may fill others later)."""
    newest: dict[int, dict[str, Any]] = {}
    for row in db.stream(
        "SELECT annotation_id, after FROM revisions WHERE action IN ('change', 'confirm') ORDER BY id"
    ):
        newest.setdefault(row["annotation_id"], {}).update(orjson.loads(row["after"]).get("keypoints", {}))
    problems = []
    for annotation in all_annotations(db):
        for name, keypoint in newest.get(annotation.id, {}).items():
            record = annotation.record
            point = record.point(name)
            place = None if keypoint["x"] is None else [keypoint["x"], keypoint["y"]]
            if keypoint["source"] in HUMAN_SOURCES and (place != point or keypoint["state"] != record.state(name)):
                problems.append(
                    f"annotation {annotation.id}: {name} is {record.state(name)} at {point}, its last revision says"
                    f" {keypoint['state']} at {place}"
                )
    return problems


def rulebook_chain_problems(db: Database) -> list[str]:
    """The log of the rulebook counts without a gap, looks back and never ahead, and takes back each change once."""
    problems = []
    standing: dict[str, bool] = {}
    for expected, change in enumerate(walk_changes(db), 1):
        where = f"rulebook change {change.version}"
        if change.version != expected:
            problems.append(f"{where}: follows change {expected - 1}, something between them is gone")
            break
        if (change.version == 1) != (change.action == "start") or change.base_version != change.version - 1:
            problems.append(f"{where}: begins at version {change.base_version}, expected {change.version - 1}")
        if change.action in ("undo", "redo"):
            if change.about is None or standing.get(change.about) is not (change.action == "undo"):
                problems.append(f"{where}: is the {change.action} of a change for which there was none to do")
            else:
                standing[change.about] = change.action == "redo"
        else:
            standing[change.change_id] = True
    return problems


def stale_availability(db: Database) -> list[int]:
    """Images whose annotations repeat wrongly whether they can be dealt."""
    rows = db.all(
        "SELECT DISTINCT a.image_id FROM annotations a JOIN images i ON i.id = a.image_id LEFT JOIN removals r"
        " ON r.image_id = i.id WHERE a.is_available <> (i.media_type IS NOT NULL AND r.image_id IS NULL)"
    )
    return [row["image_id"] for row in rows]


def state_count_problems(db: Database) -> list[str]:
    """Whether the counts that the triggers keep are those of the rows."""
    rows = db.all(
        "SELECT states, is_crowd, is_available, sum(n) AS off FROM (SELECT states, is_crowd, is_available, n"
        " FROM state_counts UNION ALL SELECT states, is_crowd, is_available, -1 FROM annotations)"
        " GROUP BY states, is_crowd, is_available HAVING off <> 0"
    )
    return [f"state_counts: the pattern {row['states']} is counted {row['off']:+d} beside the rows" for row in rows]


def row_counts(db: Database) -> dict[str, int]:
    """How many rows were looked at."""
    counts = {}
    for table in _TABLES:
        row = db.one(f"SELECT count(*) AS n FROM {table}")
        assert row is not None
        counts[table] = row["n"]
    return counts
