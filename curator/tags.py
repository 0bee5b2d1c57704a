"""Tag tables, aliases and implications: taken in from files, and ready to be followed.

A dump of one day and a dump of another both count: names and categories come from the newest table that knows them,
aliases from the newest table and, above it, from imported alias files.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from curator.errors import BadInput
from curator.imports import ImportReport
from curator.project import Project
from curator.store import tags, work
from curator.store.database import Database
from curator.store.users import IMPORT_ACTOR_ID
from rulebook.line_stream import LineStream
from rulebook.records import RuleError
from rulebook.resolution import Relation, Resolution, read_relations, resolution
from rulebook.tag_table import (
    TAG_CATEGORIES,
    Refused,
    TagTable,
    json_objects,
    read_tag_csv,
    read_tag_lines,
    renames_between,
)


@dataclass(slots=True)
class TagImportReport(ImportReport):
    """Counts of tags or relations; for tables what became of the names of the table before, for relations the loops."""

    date: str = ""
    renamed: list[tuple[str, str]] = field(default_factory=list)  # (older name, current name)
    gone: list[str] = field(default_factory=list)
    loops: list[list[str]] = field(default_factory=list)
    retired: int = 0  # relations that a file says are no longer active

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


_NO_NUMBERING: Final = "a list such as 0=general,1=artist,3=copyright,4=character,5=meta"


def parse_numbering(text: str | None) -> dict[int, str] | None:
    """What "0=general,1=artist" says; None for None.

    Raises:
        BadInput: it says nothing of the sort.
    """
    if text is None:
        return None
    meanings = {}
    for part in text.split(","):
        number, _, category = (word.strip() for word in part.partition("="))
        if not number.isdigit() or category not in TAG_CATEGORIES:
            raise BadInput(f"--numbering: {part.strip()!r}, expected {_NO_NUMBERING}")
        meanings[int(number)] = category
    return meanings


def import_tag_table(
    project: Project, path: Path, *, date: str | None = None, numbering: Mapping[int, str] | None = None
) -> TagImportReport:
    """Take in a tag table: CSV, or JSON lines (plain, gzip, zstd). The same table again changes nothing.

    Args:
        date: ISO 8601, of the table; None takes the file's own date, and flags that.
    Raises:
        BadInput: the file cannot be read, holds no tags, or does not tell what its category numbers mean.
    """
    report = TagImportReport(date=_checked_date(date) or "")
    cut: Refused | None = None
    try:
        if date is None:
            report.date = datetime.fromtimestamp(path.stat().st_mtime, UTC).date().isoformat()
            report.flag(path.name, f"date taken from the file: {report.date}")
        stream = LineStream(path)
        lines = list(stream)
        first = next((line for line in lines if line.strip()), b"")
        if first.lstrip().startswith(b"{"):
            table = read_tag_lines(lines, numbering, report.date, path.name)
        else:
            table = read_tag_csv(b"\n".join(lines).decode(), numbering, report.date, path.name)
        cut = stream.cut
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path.name}: is no UTF-8 text ({error.reason})") from error
    except RuleError as error:
        raise BadInput(str(error)) from error
    for refused in (*table.refused, *([cut] if cut else [])):
        report.refuse(refused.record, refused.reason)
    for name in table.unclear_aliases:
        report.flag(name, "alias decides nothing: a current name too, or of several tags")
    db = project.db
    with db.atomic():
        import_id = work.insert_import(db, "tags", path.name, IMPORT_ACTOR_ID)
        before = _newest(db)
        if tags.insert_tag_table(db, table, path.name, import_id) is None:
            report.unchanged = len(table)
        else:
            _compare(before, table, report)
        work.finish_import(db, import_id, _counts(report))
    return report


def import_relations(project: Project, path: Path, kind: tags.RelationKind) -> TagImportReport:
    """Take in aliases or implications: JSON lines (plain, gzip, zstd). Rows no longer active are forgotten.

    Raises:
        BadInput: the file cannot be read.
    """
    report = TagImportReport()
    try:
        stream = LineStream(path)
        lines = list(stream)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror or error})") from error
    active, refused = read_relations(lines, path.name)
    retired = _retired(lines, path.name) - set(active)
    for one in (*refused, *([stream.cut] if stream.cut else [])):
        report.refuse(one.record, one.reason)
    db = project.db
    with db.atomic():
        import_id = work.insert_import(db, kind, path.name, IMPORT_ACTOR_ID)
        known = set(tags.relations(db, kind))
        report.retired = len(retired & known)
        report.added = len(set(active) - known)
        report.unchanged = len(set(active) & known)
        report.updated = report.retired
        tags.insert_relations(db, kind, active, import_id)
        tags.delete_relations(db, kind, retired & known)
        work.finish_import(db, import_id, _counts(report))
    found = relations_of(project)
    loops = found.alias_loops if kind == "alias" else found.implication_loops
    report.loops = [list(loop) for loop in loops]
    for loop in loops:
        report.flag(loop[0], f"{kind} loop: {' -> '.join((*loop, loop[0]))}")
    for name in found.ambiguous if kind == "alias" else ():
        report.flag(name, "alias of several tags, followed nowhere")
    return report


def tag_table_of(project: Project) -> TagTable | None:
    """The newest tag table by its date; None where there is none."""
    return _newest(project.db)


def categories_of(project: Project) -> dict[str, str]:
    """The category of each known tag: the newest table's word, then older tables', then what posts told."""
    db = project.db
    found = tags.categories_of_tags(db)
    for stored in tags.tag_tables(db):
        table = tags.read_tag_table(db, stored.id)
        if table is not None:
            found |= {name: tag.category for name, tag in table.tags.items() if tag.category != "unknown"}
    return found


def relations_of(project: Project) -> Resolution:
    """Aliases and implications, ready to be followed."""
    db = project.db
    said = tags.relations(db, "alias")
    table = _newest(db)
    if table is not None:
        known = {relation.antecedent for relation in said}
        said += [Relation(*pair) for pair in sorted(table.aliases.items()) if pair[0] not in known]
    return resolution(said, tags.relations(db, "implication"))


def _newest(db: Database) -> TagTable | None:
    stored = tags.tag_tables(db)
    return tags.read_tag_table(db, stored[-1].id) if stored else None


def _compare(before: TagTable | None, table: TagTable, report: TagImportReport) -> None:
    if before is None:
        report.added = len(table)
        return
    older, newer = (table, before) if table.date < before.date else (before, table)
    renames = renames_between(older, newer)
    report.renamed, report.gone = list(renames.renamed), list(renames.gone)
    for name, tag in table.tags.items():
        known = before.tags.get(name)
        if known is None:
            report.added += 1
        elif known == tag:
            report.unchanged += 1
        else:
            report.updated += 1


def _retired(lines: list[bytes], file_name: str) -> set[Relation]:
    found = set()
    for _, said in json_objects(lines, file_name, []):
        names = said.get("antecedent_name"), said.get("consequent_name")
        if (
            isinstance(said.get("status"), str)
            and said["status"] != "active"
            and all(isinstance(n, str) for n in names)
        ):
            found.add(Relation(str(names[0]), str(names[1])))
    return found


def _checked_date(date: str | None) -> str | None:
    if date is not None:
        try:
            datetime.fromisoformat(date)
        except ValueError as error:
            raise BadInput(f"--date: is {date!r}, expected a date such as 2019-06-30") from error
    return date


def _counts(report: ImportReport) -> dict[str, int]:
    return {
        "added": report.added,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "refused": len(report.refused),
        "flagged": len(report.flagged),
    }
