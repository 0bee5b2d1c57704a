"""The rulebook as CSV (for spreadsheets, both ways without loss) and as JSON (for who runs the tagger).

CSV has a line a class or exclusion, lists in one cell with a space between tags, which no tag can contain. A cell that
a spreadsheet would take for a formula (`=_=`, `+_+`, `-_-`, `@_@`) gets an apostrophe in front, and loses it on the way
back. JSON is a list of objects in the order of the output index, a retired slot kept as an empty class, so that the
list's index is the tagger's output.
"""

from __future__ import annotations

import csv
import io
import json
from typing import Any, Final

from rulebook.lock import Lock
from rulebook.records import FLAGS, Exclusion, Rulebook, RuleClass, RuleError, exclusion, rule_class

COLUMNS: Final = ("kind", "name", "category", "any", "formerly", "family", "shared", *FLAGS, "note", "comments")
_FORMULA: Final = ("=", "+", "-", "@", "'", "\t", "\r")
_TRUE: Final = ("yes", "true", "1", "x")
_FALSE: Final = ("", "no", "false", "0")


def rulebook_to_csv(rulebook: Rulebook) -> str:
    """Everything that the rulebook says, a line a class, exclusion, or the file's own comments."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    if rulebook.comments:
        writer.writerow({"kind": "file", "comments": _guarded("\n".join(rulebook.comments))})
    for rule in rulebook.classes:
        row = {"kind": "class", "name": rule.name, "category": rule.category, "any": " ".join(rule.members)}
        row |= {"formerly": " ".join(rule.formerly), "family": rule.family, "note": rule.note}
        row |= {flag: "yes" if getattr(rule, flag) else "" for flag in ("shared", *FLAGS)}
        row["comments"] = "\n".join(rule.comments)
        writer.writerow({key: _guarded(cell) for key, cell in row.items()})
    for one in rulebook.exclusions:
        row = {"kind": "exclude", "name": one.reason, "any": " ".join(one.tags), "note": one.note}
        row["comments"] = "\n".join(one.comments)
        writer.writerow({key: _guarded(cell) for key, cell in row.items()})
    return out.getvalue()


def csv_to_rulebook(text: str, file_name: str = "rulebook.csv") -> Rulebook:
    """The rulebook that a CSV text says; columns may be missing (but name, category, any) and in any order.

    Raises:
        RuleError: with the line, where a cell cannot be read.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    try:
        columns = [column.strip() for column in reader.fieldnames or ()]
        reader.fieldnames = columns
        for column in ("name", "category", "any"):
            if column not in columns:
                raise RuleError(file_name, f"has no column {column!r}", ", ".join(COLUMNS))
        for column in columns:
            if column not in COLUMNS:
                raise RuleError(file_name, f"unknown column {column!r}", ", ".join(COLUMNS))
        classes: list[RuleClass] = []
        exclusions: list[Exclusion] = []
        comments: tuple[str, ...] = ()
        for row in reader:
            where = f"{file_name}: line {reader.line_num}"
            if None in row:
                raise RuleError(where, "has more cells than the first line", f"{len(columns)} cells")
            cells = {key: _unguarded(cell or "") for key, cell in row.items()}
            kind = cells.get("kind", "") or "class"
            if kind == "class":
                classes.append(_class_of(where, cells))
            elif kind == "exclude":
                said = _lines(cells)
                exclusions.append(exclusion(where, cells["name"], cells["any"].split(), cells.get("note", ""), said))
            elif kind == "file":
                comments = _lines(cells)
            else:
                raise RuleError(where, f"kind is {kind!r}", "class, exclude or file")
    except csv.Error as error:
        raise RuleError(f"{file_name}: line {reader.line_num}", f"no CSV: {error}") from error
    return Rulebook(tuple(classes), tuple(exclusions), comments)


def rulebook_to_json(rulebook: Rulebook, lock: Lock | None = None) -> list[dict[str, Any]]:
    """A list of objects with `index`, `name`, `category`, `any` and the rest; a list's index is the output index.

    Without a lock the order of the rulebook counts. A retired slot has its old name, no members and `retired`.

    Raises:
        RuleError: the lock has no index for a class.
    """
    if lock is None:
        return [{"index": index} | rule.facts() for index, rule in enumerate(rulebook.classes)]
    index_of = lock.index_of
    for rule in rulebook.classes:
        if rule.name not in index_of:
            raise RuleError("lock", f"class {rule.name!r} has no output index", "a publish after the last edit")
    listed = []
    for index, slot in enumerate(lock.slots):
        rule_or_none = None if slot.is_retired else rulebook.by_name.get(slot.name)
        if rule_or_none is None:
            listed.append({"index": index, "name": slot.name, "any": [], "retired": True})
        else:
            listed.append({"index": index} | rule_or_none.facts())
    return listed


def json_to_rulebook(text: str | bytes, file_name: str = "rulebook.json") -> Rulebook:
    """The classes of a JSON list of objects with `name`, `any` and perhaps more; category is misc where unsaid."""
    try:
        said = json.loads(text)
    except (ValueError, UnicodeDecodeError) as error:
        raise RuleError(file_name, f"no JSON: {error}") from error
    if not isinstance(said, list) or not all(isinstance(one, dict) for one in said):
        raise RuleError(file_name, "is no list of objects", '[{"name": ..., "category": ..., "any": [...]}, ...]')
    classes = []
    for position, one in enumerate(said):
        where = f"{file_name}: [{position}]"
        if one.get("retired") is True:
            continue
        fields = {key: value for key, value in one.items() if key not in ("index", "name", "category", "any")}
        for key, value in fields.items():
            kind = {"formerly": list, "family": str, "note": str}.get(key, bool)
            if key not in ("formerly", "family", "note", "shared", *FLAGS) or not isinstance(value, kind):
                raise RuleError(where, f"{key} is {value!r}", "a key of a class, with a value of its kind")
        if not isinstance(one.get("any"), list):
            raise RuleError(where, f"any is {one.get('any')!r}", "a list of tags")
        classes.append(rule_class(where, one.get("name"), one.get("category", "misc"), one["any"], **fields))
    return Rulebook(tuple(classes))


def _class_of(where: str, cells: dict[str, str]) -> RuleClass:
    flags: dict[str, Any] = {}
    for flag in ("shared", *FLAGS):
        cell = cells.get(flag, "").strip().lower()
        if cell not in _TRUE + _FALSE:
            raise RuleError(where, f"{flag} is {cells[flag]!r}", "yes or nothing")
        flags[flag] = cell in _TRUE
    return rule_class(
        where,
        cells["name"],
        cells["category"],
        cells["any"].split(),
        formerly=cells.get("formerly", "").split(),
        family=cells.get("family", ""),
        note=cells.get("note", ""),
        comments=_lines(cells),
        **flags,
    )


def _lines(cells: dict[str, str]) -> tuple[str, ...]:
    return tuple(cells["comments"].split("\n")) if cells.get("comments") else ()


def _guarded(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _unguarded(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell
