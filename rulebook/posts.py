"""Danbooru's metadata in: JSON lines in the three forms that exist, into one record.

    form     tags                     numbers             rating (scheme)
    legacy   objects with a category  strings, "0" none   s|q|e    ("sqe": s is safe)
    dump     one `tag_string`         numbers, nulls      s|q|e    ("sqe")
    api      `tag_string_general`...  numbers, nulls      g|s|q|e  ("gsqe": s is sensitive, since May 2022)

The form of each line tells its scheme, unless the caller says it for the whole file. A line that contradicts its form
(a dump's line with rating g) is of the newer scheme; then the s of that file's other lines of that form can mean
either, so it is left undecided (`Tally.undecided_forms`) and not guessed.

What cannot be read is refused, counted by reason and named; the rest goes on. Files are `rulebook.line_stream`'s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from rulebook.line_stream import LineStream
from rulebook.records import RuleError
from rulebook.tag_table import TAG_CATEGORIES, Refused, detect_numbering

STATUSES: Final = ("deleted", "pending", "flagged", "banned")  # bit 0, 1, 2, 3 of a post's status
RATINGS: Final = {"sqe": ("s", "q", "e"), "gsqe": ("g", "s", "q", "e")}
FORM_SCHEMES: Final = {"legacy": "sqe", "dump": "sqe", "api": "gsqe"}
MAX_NAMED: Final = 10_000  # refused lines kept by name; all are counted, and handed to `on_refused`
_LONG_RATINGS: Final = {"general": "g", "sensitive": "s", "questionable": "q", "explicit": "e", "safe": "s"}


class Post(msgspec.Struct, frozen=True, gc=False):
    """What is kept of one post. Tags are as the line has them, each once; None and "" where the line is silent."""

    post_id: int
    tags: tuple[str, ...]
    rating: str = ""  # the letter, or "" where unknown
    rating_scheme: str = ""  # "sqe" or "gsqe"; "" where undecided
    width: int | None = None
    height: int | None = None
    file_ext: str = ""
    status: int = 0  # bits, as STATUSES
    parent_id: int | None = None
    form: str = ""
    md5: str = ""
    created_at: str = ""
    source: str = ""
    pixiv_id: int | None = None
    score: int | None = None


class _LegacyTag(msgspec.Struct, gc=False):
    name: str
    category: int | None = None


class LineOfAnyForm(msgspec.Struct, gc=False):
    """What is read of a line of any of the three forms; with `strict=False` a number may come as text."""

    id: int | None = None
    tags: list[_LegacyTag] | None = None
    tag_string: str | None = None
    tag_string_general: str | None = None
    tag_string_artist: str | None = None
    tag_string_copyright: str | None = None
    tag_string_character: str | None = None
    tag_string_meta: str | None = None
    rating: str | None = None
    image_width: int | None = None
    image_height: int | None = None
    file_ext: str | None = None
    is_deleted: bool | None = None
    is_pending: bool | None = None
    is_flagged: bool | None = None
    is_banned: bool | None = None
    parent_id: int | None = None
    md5: str | None = None
    created_at: str | None = None
    source: str | None = None
    pixiv_id: int | None = None
    score: int | None = None


@dataclass
class Tally:
    """What came of reading: counts, and names of what was refused or is odd."""

    posts: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    refused: list[Refused] = field(default_factory=list)  # the first MAX_NAMED
    flags: Counter[str] = field(default_factory=Counter)  # kept, but odd: "unknown rating", ...
    flagged: list[Refused] = field(default_factory=list)
    forms: Counter[str] = field(default_factory=Counter)
    cuts: list[Refused] = field(default_factory=list)  # streams that broke off
    undecided_forms: dict[str, set[str]] = field(default_factory=dict)  # file: forms whose s is of either scheme


class PostReader:
    """Reads lines into posts and keeps the tally. One reader for all files of an import.

    Args:
        rating_scheme: "sqe" or "gsqe" where the caller knows it for every line; None goes by each line's form.
        numbering: what the legacy form's category numbers mean; None detects it (`categories`).
        on_refused: called with every refused line, also beyond those that the tally names.
    """

    def __init__(
        self,
        rating_scheme: str | None = None,
        numbering: Mapping[int, str] | None = None,
        on_refused: Callable[[Refused], None] | None = None,
    ) -> None:
        if rating_scheme is not None and rating_scheme not in RATINGS:
            raise RuleError("rating scheme", repr(rating_scheme), "sqe (s is safe) or gsqe (s is sensitive)")
        self.tally = Tally()
        self._scheme, self._numbering, self._on_refused = rating_scheme, numbering, on_refused
        self._decoder = msgspec.json.Decoder(LineOfAnyForm, strict=False)
        self._numbers: dict[str, int | None] = {}  # tag: category number, of the legacy form
        self._categories: dict[str, set[str]] = {name: set() for name in TAG_CATEGORIES}  # of the API form

    def read_file(self, path: Path) -> Iterator[Post]:
        """The posts of one file, whatever its compression."""
        stream = LineStream(path)
        yield from self.read_lines(stream, path.name)
        for refused in stream.too_long:
            self._refuse(refused, "line too long")
        if stream.cut is not None:
            self.tally.cuts.append(stream.cut)
            self._refuse(stream.cut, "file is cut")

    def read_lines(self, lines: Iterable[bytes | str], file_name: str = "posts") -> Iterator[Post]:
        """The posts of lines that are there already."""
        tally, decode = self.tally, self._decoder.decode
        saw_general_in_dump = False
        for number, line in enumerate(lines, 1):
            if len(line) < 2 and not line.strip():
                continue
            try:
                said = decode(line)
            except msgspec.ValidationError as error:
                self._refuse(Refused(f"{file_name}: line {number}", str(error)), "wrong kind of value")
                continue
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                if line.strip():
                    self._refuse(Refused(f"{file_name}: line {number}", f"no JSON: {error}"), "no JSON")
                continue
            if said.id is None or said.id <= 0:
                self._refuse(Refused(f"{file_name}: line {number}", f"id is {said.id!r}"), "no id")
                continue
            post = self._post(said, file_name, number)
            if post is None:
                continue
            if post.form == "dump" and post.rating == "g":
                saw_general_in_dump = True
            tally.posts += 1
            tally.forms[post.form] += 1
            yield post
        if saw_general_in_dump and self._scheme is None:
            tally.undecided_forms.setdefault(file_name, set()).add("dump")

    def categories(self) -> dict[str, str]:
        """The category of each tag, as far as the lines told it.

        Raises:
            RuleError: legacy tags came with numbers whose meaning was neither given nor can be detected.
        """
        named = {name: category for category, names in self._categories.items() for name in sorted(names)}
        numbers = {name: number for name, number in self._numbers.items() if number is not None}
        if not numbers:
            return named
        meanings = self._numbering or detect_numbering(numbers, "posts")
        return {name: meanings.get(number, "unknown") for name, number in numbers.items()} | named

    def _post(self, said: LineOfAnyForm, file_name: str, number: int) -> Post | None:
        post_id = said.id or 0
        if said.tags is not None:
            form = "legacy"
            names = [tag.name for tag in said.tags]
            self._numbers.update({tag.name: tag.category for tag in said.tags})
        elif said.tag_string is not None or said.tag_string_general is not None:
            names, form = self._names_of(said)
        else:
            where = f"{file_name}: line {number}"
            self._refuse(Refused(where, f"post {post_id} has neither tags nor tag_string"), "no tags")
            return None
        if len(set(names)) < len(names) or (form == "legacy" and not all(names)):
            names = [name for name in dict.fromkeys(names) if name]
        rating = said.rating or ""
        scheme = self._scheme or ("gsqe" if rating == "g" else FORM_SCHEMES[form])
        if rating not in RATINGS[scheme]:
            rating = _LONG_RATINGS.get(rating, rating)
            if rating not in RATINGS[scheme]:
                self._flag(
                    f"{file_name}: line {number}", f"post {post_id}: rating is {said.rating!r}", "unknown rating"
                )
                rating = scheme = ""
        status = (
            (1 if said.is_deleted else 0)
            | (2 if said.is_pending else 0)
            | (4 if said.is_flagged else 0)
            | (8 if said.is_banned else 0)
        )
        return Post(
            post_id,
            tuple(names),
            rating,
            scheme,
            said.image_width or None,
            said.image_height or None,
            (said.file_ext or "").lower(),
            status,
            said.parent_id or None,
            form,
            said.md5 or "",
            said.created_at or "",
            said.source or "",
            said.pixiv_id or None,
            said.score,
        )

    def _names_of(self, said: LineOfAnyForm) -> tuple[list[str], str]:
        if said.tag_string_general is None:
            return (said.tag_string or "").split(), "dump"
        names: list[str] = []
        length = 0
        for category, text in (
            ("general", said.tag_string_general),
            ("artist", said.tag_string_artist),
            ("copyright", said.tag_string_copyright),
            ("character", said.tag_string_character),
            ("meta", said.tag_string_meta),
        ):
            if text:
                part = text.split()
                self._categories[category].update(part)
                names += part
                length += len(text) + 1
        # The whole string is split as well only where it is not just its parts: splitting is a third of the work.
        if said.tag_string is not None and len(said.tag_string) != length - 1:
            names = said.tag_string.split()
        return names, "api"

    def _refuse(self, refused: Refused, reason: str) -> None:
        self.tally.reasons[reason] += 1
        if len(self.tally.refused) < MAX_NAMED:
            self.tally.refused.append(refused)
        if self._on_refused is not None:
            self._on_refused(refused)

    def _flag(self, where: str, what: str, reason: str) -> None:
        self.tally.flags[reason] += 1
        if len(self.tally.flagged) < MAX_NAMED:
            self.tally.flagged.append(Refused(where, what))
