"""The rulebook as TOML text: what people read, review and commit, with one canonical spelling.

    [[class]]                              [[exclude]]
    name = "tail"                          reason = "contextual"
    category = "body"                      tags = [
    any = [                                  "alternate_costume",
      "cat_tail",                          ]
      "tail",
    ]

`tomllib` reads the values; the writer is ours, because a formatter must be idempotent, must put one member a line (a
diff by line is then a diff by member) and must not lose comments. Comments belong to the table that they stand in or
above, and are written above it; those before the first table, set off by a blank line, are the file's own. Classes keep
their order.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from rulebook.records import FLAGS, Exclusion, Rulebook, RuleClass, RuleError, exclusion, rule_class

_CLASS_KEYS: Final = ("name", "category", "family", "shared", *FLAGS, "any", "formerly", "note")
_EXCLUDE_KEYS: Final = ("reason", "tags", "note")
_TOKENS: Final = re.compile(
    r'"""(?:\\.|[^\\])*?"""'
    r"|'''.*?'''"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|\n|[\[\]{}]|[^\S\n]+|[^\s\"'#\[\]{}]+",
    re.DOTALL,
)


@dataclass
class _Table:
    """Where a table begins and the comment lines that belong to it."""

    line: int
    comments: list[str] = field(default_factory=list)


def read_rulebook(text: str, file_name: str = "rulebook") -> Rulebook:
    """The rulebook that a TOML text says.

    Raises:
        RuleError: no TOML, an unknown key, a missing one, a value of the wrong kind; with file, line and class.
    """
    text = text.removeprefix("\ufeff")
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RuleError(file_name, f"no TOML: {error}") from error
    for key in said:
        if key not in ("class", "exclude"):
            raise RuleError(file_name, f"unknown key or table {key!r}", "[[class]] or [[exclude]]")
    for key in ("class", "exclude"):
        if not isinstance(said.get(key, []), list) or not all(isinstance(t, dict) for t in said.get(key, [])):
            raise RuleError(file_name, f"{key} is no array of tables", f"[[{key}]] above each")
    comments, tables = _layout(text)
    places = {kind: [table for name, table in tables if name == kind] for kind in ("class", "exclude")}
    classes = tuple(
        _class_of(said_class, _place(places["class"], k), file_name)
        for k, said_class in enumerate(said.get("class", []))
    )
    exclusions = tuple(
        _exclusion_of(said_out, _place(places["exclude"], k), file_name)
        for k, said_out in enumerate(said.get("exclude", []))
    )
    return Rulebook(classes, exclusions, tuple(comments))


def write_rulebook(rulebook: Rulebook) -> str:
    """The canonical TOML text of a rulebook; reading it gives the rulebook back, comments included."""
    blocks = ["\n".join(rulebook.comments)] if rulebook.comments else []
    blocks += [_class_text(rule) for rule in rulebook.classes]
    blocks += [_exclusion_text(out) for out in rulebook.exclusions]
    return "\n\n".join(blocks) + "\n" if blocks else ""


def format_text(text: str, file_name: str = "rulebook") -> str:
    """A rulebook's text in its canonical spelling; formatting twice changes nothing more."""
    return write_rulebook(read_rulebook(text, file_name))


# --- reading ----------------------------------------------------------------------------------------------------------


def _place(tables: list[_Table], position: int) -> _Table:
    # Tables written as an inline array (`class = [{...}]`) are TOML too; they have no header to point at.
    return tables[position] if position < len(tables) else _Table(0)


def _class_of(said: dict[str, Any], table: _Table, file_name: str) -> RuleClass:
    where = _where(file_name, table, "class", said.get("name"))
    _refuse_unknown(where, said, _CLASS_KEYS)
    for key in ("name", "category", "any"):
        if key not in said:
            raise RuleError(where, f"has no {key}", f"{key} = ...")
    fields: dict[str, Any] = {
        flag: _typed(where, flag, said[flag], bool, "true or false") for flag in ("shared", *FLAGS) if flag in said
    }
    fields |= {key: _typed(where, key, said[key], str, "text in quotes") for key in ("family", "note") if key in said}
    fields["formerly"] = _typed(where, "formerly", said.get("formerly", []), list, "a list of tags")
    members = _typed(where, "any", said["any"], list, "a list of tags")
    category = _typed(where, "category", said["category"], str, "body, clothing or misc")
    return rule_class(where, said["name"], category, members, comments=tuple(table.comments), **fields)


def _exclusion_of(said: dict[str, Any], table: _Table, file_name: str) -> Exclusion:
    where = _where(file_name, table, "exclude", said.get("reason"))
    _refuse_unknown(where, said, _EXCLUDE_KEYS)
    for key in ("reason", "tags"):
        if key not in said:
            raise RuleError(where, f"has no {key}", f"{key} = ...")
    tags = _typed(where, "tags", said["tags"], list, "a list of tags")
    note = _typed(where, "note", said.get("note", ""), str, "text in quotes")
    return exclusion(where, said["reason"], tags, note, tuple(table.comments))


def _where(file_name: str, table: _Table, kind: str, name: Any) -> str:
    place = f"{file_name}: line {table.line}" if table.line else file_name
    return f"{place}: {kind}" + (f" {name!r}" if isinstance(name, str) else "")


def _refuse_unknown(where: str, said: dict[str, Any], known: tuple[str, ...]) -> None:
    for key in said:
        if key not in known:
            raise RuleError(where, f"unknown key {key!r}", "one of " + ", ".join(known))


def _typed(where: str, key: str, value: Any, kind: type, expected: str) -> Any:
    if not isinstance(value, kind):
        raise RuleError(where, f"{key} is {value!r}", expected)
    return value


def _layout(text: str) -> tuple[list[str], list[tuple[str, _Table]]]:
    """The file's own comments, and each table's kind, line and comments, in the order of the text."""
    head: list[str] = []
    tables: list[tuple[str, _Table]] = []
    waiting: list[str] = []  # lines of nothing but a comment, "" for a gap: whose they are, the next line tells
    for number, line in enumerate(_lines(text), 1):
        if line.header:
            if not tables:
                head, waiting = _split_head([*head, *waiting])
            tables.append((line.header, _Table(number, waiting)))
            waiting = []
        elif line.has_value:
            (tables[-1][1].comments if tables else head).extend(waiting)
            waiting = []
        if line.comment and (line.header or line.has_value):
            (tables[-1][1].comments if tables else head).extend([line.comment])
        elif line.comment or waiting:
            waiting.append(line.comment)
    (tables[-1][1].comments if tables else head).extend(waiting)
    return _trimmed(head), [(kind, _Table(table.line, _trimmed(table.comments))) for kind, table in tables]


@dataclass
class _Line:
    header: str = ""
    comment: str = ""
    has_value: bool = False


def _lines(text: str) -> list[_Line]:
    """What stands on each line. The text is known to be TOML: strings, comments and brackets are all to tell apart."""
    lines = [_Line()]
    depth = 0
    for token in (match.group(0) for match in _TOKENS.finditer(text.replace("\r\n", "\n"))):
        line = lines[-1]
        if token == "\n":
            lines.append(_Line())
        elif token.startswith("#"):
            line.comment = token.rstrip()
        elif token.isspace():
            continue
        elif depth == 0 and token == "[" and not line.has_value and not line.header:
            line.header, depth = "[", 1
        elif line.header:
            depth += (token == "[") - (token == "]")
            if token not in "[]":
                line.header = token
        else:
            depth += (token in "[{") - (token in "]}")
            line.has_value = True
            for _ in range(token.count("\n")):
                lines.append(_Line(has_value=True))
    return lines


def _split_head(waiting: list[str]) -> tuple[list[str], list[str]]:
    """Comments before the first table: those above the last gap are the file's, those below are the table's."""
    last_gap = max((k for k, comment in enumerate(waiting) if not comment), default=-1)
    return waiting[: last_gap + 1], waiting[last_gap + 1 :]


def _trimmed(comments: list[str]) -> list[str]:
    """Without gaps at the ends, and one gap for several."""
    kept = [c for k, c in enumerate(comments) if c or (k and comments[k - 1])]
    return kept[: len(kept) - (bool(kept) and not kept[-1])]


# --- writing ----------------------------------------------------------------------------------------------------------


def _class_text(rule: RuleClass) -> str:
    lines = [*rule.comments, "[[class]]", f"name = {quoted(rule.name)}", f"category = {quoted(rule.category)}"]
    if rule.family:
        lines.append(f"family = {quoted(rule.family)}")
    lines += [f"{flag} = true" for flag in ("shared", *FLAGS) if getattr(rule, flag)]
    lines += _list_lines("any", rule.members)
    if rule.formerly:
        lines += _list_lines("formerly", rule.formerly)
    if rule.note:
        lines.append(f"note = {quoted(rule.note)}")
    return "\n".join(lines)


def _exclusion_text(out: Exclusion) -> str:
    lines = [*out.comments, "[[exclude]]", f"reason = {quoted(out.reason)}", *_list_lines("tags", out.tags)]
    if out.note:
        lines.append(f"note = {quoted(out.note)}")
    return "\n".join(lines)


def _list_lines(key: str, tags: Iterable[str]) -> list[str]:
    lines = [f"  {quoted(tag)}," for tag in tags]
    return [f"{key} = [", *lines, "]"] if lines else [f"{key} = []"]


def quoted(text: str) -> str:
    """A TOML basic string on one line: JSON's spelling, plus DEL, which TOML wants escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
