"""What Danbooru says of tags on one day: name, category, count, aliases. Dated, because names change.

A table comes as CSV (`name,category,post_count,aliases`, with or without that first line) or as JSON lines
(`{"name", "category", "post_count", "is_deprecated"}`). Category numbers differ between sites, so they are asked for or
detected from tags whose category nobody disputes, and never assumed. An alias that is itself a current name stays that
name; an alias with two targets decides nothing; both are listed.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import msgspec

from rulebook.records import RuleError, check_name, digest_of

TAG_CATEGORIES: Final = ("general", "artist", "copyright", "character", "meta", "unknown")
DANBOORU_NUMBERING: Final[Mapping[int, str]] = {0: "general", 1: "artist", 3: "copyright", 4: "character", 5: "meta"}
# Tags of undisputed category, old and frequent enough to be in any table: what `detect_numbering` looks at.
ANCHORS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("1girl", "solo", "long_hair", "smile", "blush", "open_mouth"), "general"),
    **dict.fromkeys(("touhou", "original", "vocaloid", "kantai_collection"), "copyright"),
    **dict.fromkeys(("hatsune_miku", "hakurei_reimu", "kirisame_marisa", "artoria_pendragon_(fate)"), "character"),
    **dict.fromkeys(("highres", "absurdres", "translated", "commentary_request"), "meta"),
}


@dataclass(frozen=True, slots=True)
class Tag:
    """One current tag."""

    name: str
    category: str
    count: int = 0
    is_deprecated: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that was not taken in, where it stood, and why."""

    record: str
    reason: str


@dataclass(frozen=True)
class TagTable:
    """The tags of one day by name, with the aliases that lead to them."""

    tags: Mapping[str, Tag]
    aliases: Mapping[str, str] = field(default_factory=dict)
    date: str = ""  # ISO 8601, of the table, as its source says
    unclear_aliases: tuple[str, ...] = ()  # also a current name, or with several targets
    refused: tuple[Refused, ...] = ()

    def __len__(self) -> int:
        return len(self.tags)

    def __contains__(self, name: str) -> bool:
        return name in self.tags

    def category_of(self, name: str) -> str:
        """The category of a tag, by its current name or an alias; "unknown" where the table is silent."""
        tag = self.tags.get(name) or self.tags.get(self.aliases.get(name, ""))
        return tag.category if tag else "unknown"

    @cached_property
    def digest(self) -> str:
        """SHA-256 of names, categories, counts and aliases; neither order nor date counts."""
        rows = sorted([tag.name, tag.category, tag.count, tag.is_deprecated] for tag in self.tags.values())
        return digest_of({"tags": rows, "aliases": sorted(self.aliases.items())})


@dataclass(frozen=True, slots=True)
class Renames:
    """What became of the names of an older table in a newer one."""

    renamed: tuple[tuple[str, str], ...]  # (old, current)
    gone: tuple[str, ...]
    new: tuple[str, ...]


def read_tag_csv(
    text: str, numbering: Mapping[int, str] | None = None, date: str = "", file_name: str = "tags"
) -> TagTable:
    """A tag table from CSV text.

    Args:
        numbering: what each category number means; None detects it.
    Raises:
        RuleError: no row at all, or a numbering that the table does not tell.
    """
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    taken: list[tuple[str, int, int, bool, list[str]]] = []
    refused: list[Refused] = []
    for row in rows:
        if not row or (rows.line_num == 1 and row[:2] == ["name", "category"]):
            continue
        where = f"{file_name}: line {rows.line_num}"
        try:
            if len(row) < 3:
                raise RuleError(where, f"{len(row)} cells", "name, category, post_count and aliases")
            check_name(where, "name", row[0])
            number, count = _whole(where, "category", row[1]), _whole(where, "post_count", row[2])
        except RuleError as error:
            refused.append(Refused(where, str(error)))
            continue
        aliases = [alias for alias in (row[3].split(",") if len(row) > 3 else []) if alias]
        taken.append((row[0], number, count, False, aliases))
    return _table(taken, refused, numbering, date, file_name)


def read_tag_lines(
    lines: Iterable[bytes | str], numbering: Mapping[int, str] | None = None, date: str = "", file_name: str = "tags"
) -> TagTable:
    """A tag table from JSON lines, one object a tag; numbers may be strings, as in the legacy dump."""
    taken: list[tuple[str, int, int, bool, list[str]]] = []
    refused: list[Refused] = []
    for number, said in json_objects(lines, file_name, refused):
        where = f"{file_name}: line {number}"
        try:
            check_name(where, "name", said.get("name"))
            category, count = (_whole(where, key, said.get(key)) for key in ("category", "post_count"))
        except RuleError as error:
            refused.append(Refused(where, str(error)))
            continue
        taken.append((said["name"], category, count, said.get("is_deprecated") is True, []))
    return _table(taken, refused, numbering, date, file_name)


def json_objects(
    lines: Iterable[bytes | str], file_name: str, refused: list[Refused]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The JSON object of each line with the line's number; lines that hold none are added to `refused`."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            said = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            refused.append(Refused(f"{file_name}: line {number}", f"no JSON: {error}"))
            continue
        if isinstance(said, dict):
            yield number, said
        else:
            refused.append(Refused(f"{file_name}: line {number}", "no JSON object"))


def detect_numbering(numbers: Mapping[str, int], file_name: str = "tags") -> dict[int, str]:
    """What each category number means, told by the anchors among these tags.

    Where the anchors of at least three categories agree with Danbooru's numbering, it is taken whole; else only what
    anchors tell is known, and a number that none tells is "unknown".

    Raises:
        RuleError: fewer than two categories are told, or two anchors of one number disagree.
    """
    told: dict[int, Counter[str]] = {}
    for name, category in ANCHORS.items():
        if name in numbers:
            told.setdefault(numbers[name], Counter())[category] += 1
    for number, seen in told.items():
        if len(seen) > 1:
            found = f"category {number} holds " + " and ".join(sorted(seen)) + " tags"
            raise RuleError(file_name, found, "a numbering that is given, as 0=general,1=artist")
    meanings = {number: next(iter(seen)) for number, seen in told.items()}
    if len(set(meanings.values())) < 2 or len(set(meanings.values())) < len(meanings):
        found = f"known tags tell {len(meanings)} of its category numbers"
        raise RuleError(file_name, found, "a numbering that is given, as 0=general,1=artist")
    if len(meanings) >= 3 and all(DANBOORU_NUMBERING.get(number) == said for number, said in meanings.items()):
        return dict(DANBOORU_NUMBERING)
    return meanings


def renames_between(older: TagTable, newer: TagTable) -> Renames:
    """What became of every name of the older table: renamed (an alias now), gone, and which names are new."""
    left = sorted(name for name in older.tags if name not in newer.tags)
    renamed = tuple((name, newer.aliases[name]) for name in left if name in newer.aliases)
    gone = tuple(name for name in left if name not in newer.aliases)
    came_from = {current for _, current in renamed}
    new = tuple(sorted(name for name in newer.tags if name not in older.tags and name not in came_from))
    return Renames(renamed, gone, new)


def _table(
    taken: list[tuple[str, int, int, bool, list[str]]],
    refused: list[Refused],
    numbering: Mapping[int, str] | None,
    date: str,
    file_name: str,
) -> TagTable:
    if not taken:
        raise RuleError(file_name, "no tags", "a line a tag: name, category, post_count, aliases")
    meanings = numbering or detect_numbering({row[0]: row[1] for row in taken}, file_name)
    tags: dict[str, Tag] = {}
    targets: dict[str, set[str]] = {}
    for name, number, count, is_deprecated, aliases in taken:
        if name in tags:
            refused.append(Refused(f"{file_name}: tag {name!r}", "stands twice; the first counts"))
            continue
        tags[name] = Tag(name, meanings.get(number, "unknown"), count, is_deprecated)
        for alias in aliases:
            targets.setdefault(alias, set()).add(name)
    clear = {alias: next(iter(names)) for alias, names in targets.items() if len(names) == 1 and alias not in tags}
    unclear = tuple(sorted(set(targets) - set(clear)))
    return TagTable(tags, clear, date, unclear, tuple(refused))


def _whole(where: str, key: str, value: Any) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise RuleError(where, f"{key} is {value!r}", "a whole number") from None
