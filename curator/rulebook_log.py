"""The log of the working rulebook: replayed into a rulebook, appended to one change at a time, and proven.

Every change is a row with the version that its author was looking at. One that looked at an older version is refused
with what happened since (`StaleRulebook`), a repeated one gets the answer of the first time. These functions work
within the caller's transaction; what people do is `curator.rulebooks`, `rulebook_merging` and `rulebook_publishing`.
"""

import functools
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Final

from curator.errors import BadInput, CuratorError, Stale
from curator.store import rulebooks as store
from curator.store.database import Database
from curator.store.rulebooks import RulebookChange
from curator.store.users import IMPORT_ACTOR_ID
from rulebook.editing import apply_edit
from rulebook.edits import Edit, Several, edit_from_json, edit_to_json
from rulebook.lock import read_lock
from rulebook.records import Rulebook, RuleError
from rulebook.toml_text import read_rulebook, write_rulebook

SNAPSHOT_EVERY: Final = 32  # edits replayed at most when the rulebook is opened
SHIPPED_NAME: Final = "danbooru.toml"


class StaleRulebook(Stale):
    """Somebody changed the rulebook in between: `changes` since, newest last, and whether they touched the same.

    `annotation` carries the same as builtins, so that every door that can tell a `Stale` can tell this one.
    """

    def __init__(self, version: int, changes: list[RulebookChange], same: tuple[str, ...]) -> None:
        who = ", ".join(dict.fromkeys(change.actor for change in changes))
        what = "; ".join(change.words for change in changes[-3:])
        about = f" ({', '.join(same)} too)" if same else ""
        super().__init__(
            f"rulebook: is at version {version} now: {who} changed it since{about}: {what}",
            version,
            {"changes": [change_to_json(change) for change in changes], "same_classes": list(same)},
        )
        self.changes, self.same = changes, same


@dataclass(frozen=True)
class Changed:
    """The answer to a change: the same for a repeated request as for the first."""

    version: int  # that the change made
    words: str
    touched: tuple[str, ...]
    digest: str
    is_repeat: bool = field(default=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        return {"version": self.version, "words": self.words, "touched": list(self.touched), "digest": self.digest}


def change_to_json(one: RulebookChange) -> dict[str, Any]:
    """A change for lists of them."""
    return {
        "version": one.version,
        "change_id": one.change_id,
        "action": one.action,
        "base_version": one.base_version,
        "actor": one.actor,
        "words": one.words,
        "touched": list(one.touched),
        "about": one.about,
        "at": one.created_at,
    }


@functools.cache
def shipped_text() -> str:
    """The text of the rulebook that comes with the program."""
    return resources.files("rulebook").joinpath(SHIPPED_NAME).read_text(encoding="utf-8")


@functools.cache
def shipped_rulebook() -> Rulebook:
    """The rulebook that comes with the program."""
    return read_rulebook(shipped_text(), SHIPPED_NAME)


def start_log(db: Database) -> None:
    if store.current_version(db):
        return
    rulebook = shipped_rulebook()
    store.append_change(
        db,
        change_id="start",
        action="start",
        base_version=0,
        actor_id=IMPORT_ACTOR_ID,
        words="begun from the shipped rulebook",
        edit=None,
        undo=None,
        touched=(),
        about=None,
        digest=rulebook.digest,
        snapshot=write_rulebook(rulebook),
    )


def rulebook_at_version(db: Database, version: int) -> Rulebook:
    """The rulebook at a version: the snapshot before it, and the edits since."""
    if version == 0:
        start_log(db)
        version = 1
    found = store.snapshot_at(db, version)
    if found is None:
        raise CuratorError("rulebook: its log has no beginning; `curator check` says more")
    rulebook = parsed(found[1])
    for one in store.changes_after(db, found[0]):
        if one.version <= version and one.edit is not None:
            rulebook = apply_edit(rulebook, edit_from_json(one.edit)).rulebook
    return rulebook


@functools.lru_cache(maxsize=4)
def parsed(text: str) -> Rulebook:
    """Parsing takes 0.2 s, and the same snapshot is asked for again and again."""
    return read_rulebook(text, "the project's rulebook")


def repeated_change(db: Database, change_id: str) -> Changed | None:
    if not change_id or len(change_id) > 200:
        raise BadInput(f"change_id: has {len(change_id)} characters, expected 1 to 200", "change_id")
    known = store.change_by_id(db, change_id)
    return None if known is None else Changed(known.version, known.words, known.touched, known.digest, True)


def checked_base(db: Database, base_version: int, classes: tuple[str, ...]) -> int:
    start_log(db)
    version = store.current_version(db)
    if base_version == version:
        return version
    if not 0 < base_version <= version:
        raise BadInput(f"base_version: is {base_version}, expected 1 to {version}", "base_version")
    since = store.changes_after(db, base_version)
    touched = {name for one in since for name in one.touched}
    raise StaleRulebook(version, since, tuple(name for name in classes if name in touched))


def classes_of(edit: Edit) -> tuple[str, ...]:
    """Names of the classes that an edit speaks of."""
    if isinstance(edit, Several):
        return tuple(dict.fromkeys(name for one in edit.edits for name in classes_of(one)))
    names = [getattr(edit, key) for key in ("class_name", "to", "into") if hasattr(edit, key)]
    return tuple(dict.fromkeys([*names, *getattr(edit, "class_names", ())]))


def apply_change(
    db: Database,
    edit: Edit,
    change_id: str,
    action: store.Action,
    base_version: int,
    actor_id: int,
    words: str,
    now_version: int,
    about: str | None,
) -> Changed:
    before = rulebook_at_version(db, now_version)
    try:
        edited = apply_edit(before, edit)
    except RuleError as error:
        raise BadInput(str(error)) from error
    touched = tuple(dict.fromkeys(rule.name for rule in edited.before + edited.after))
    latest = store.snapshot_at(db, now_version)
    is_due = latest is None or now_version + 1 - latest[0] >= SNAPSHOT_EVERY
    version = store.append_change(
        db,
        change_id=change_id,
        action=action,
        base_version=base_version,
        actor_id=actor_id,
        words=words,
        edit=edit_to_json(edit).decode(),
        undo=edit_to_json(edited.undo).decode(),
        touched=touched,
        about=about,
        digest=edited.rulebook.digest,
        snapshot=write_rulebook(edited.rulebook) if is_due else None,
    )
    return Changed(version, words, touched, edited.rulebook.digest)


def put_in_place(
    db: Database,
    incoming: Rulebook,
    change_id: str,
    action: store.Action,
    base_version: int,
    actor_id: int,
    words: str,
    before: Rulebook,
    about: str | None = None,
) -> Changed:
    names = [rule.name for rule in incoming.classes]
    if len(incoming.by_name) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BadInput(f"rulebook: class {twice!r} stands twice, expected each name once")
    touched = tuple(
        name
        for name in dict.fromkeys([*before.by_name, *incoming.by_name])
        if before.by_name.get(name) != incoming.by_name.get(name)
    )
    version = store.append_change(
        db,
        change_id=change_id,
        action=action,
        base_version=base_version,
        actor_id=actor_id,
        words=words,
        edit=None,
        undo=None,
        touched=touched,
        about=about,
        digest=incoming.digest,
        snapshot=write_rulebook(incoming),
    )
    return Changed(version, words, touched, incoming.digest)


_Stack = list[tuple[RulebookChange, RulebookChange]]


def stacks(db: Database, actor_id: int) -> tuple[_Stack, _Stack]:
    """A person's changes that stand, and those taken back that may be done again; the next one last.

    Each with the row that the step would take back: the change itself, its newest redo, or its newest undo.
    """
    done: _Stack = []
    undone: _Stack = []
    for one in store.walk_changes(db):
        if one.actor_id != actor_id or one.action == "start":
            continue
        if one.action == "undo":
            undone.append((done.pop()[0], one))
        elif one.action == "redo":
            done.append((undone.pop()[0], one))
        else:
            done.append((one, one))
            undone.clear()
    return done, undone


def log_problems(db: Database) -> list[str]:
    """Where the log, replayed from its beginning, does not give what its rows say."""
    problems = []
    rulebook: Rulebook | None = None
    for one in store.walk_changes(db):
        where = f"rulebook change {one.version} ({one.words})"
        try:
            if one.edit is not None and rulebook is not None:
                rulebook = apply_edit(rulebook, edit_from_json(one.edit)).rulebook
            if one.has_snapshot:
                found = store.snapshot_at(db, one.version)
                assert found is not None
                said = parsed(found[1])
                if one.edit is not None and rulebook is not None and said.digest != rulebook.digest:
                    problems.append(f"{where}: its snapshot is not what its edits make")
                rulebook = said
        except RuleError as error:
            problems.append(f"{where}: cannot be replayed ({error})")
            return problems
        if rulebook is None:
            problems.append(f"{where}: the log does not begin with a rulebook")
            return problems
        if rulebook.digest != one.digest:
            problems.append(f"{where}: gives another rulebook than its digest says")
    for version in store.versions(db):
        texts = store.version_texts(db, version.number)
        assert texts is not None
        try:
            book, lock = parsed(texts[0]), read_lock(texts[1])
        except RuleError as error:
            problems.append(f"rulebook version {version.number}: cannot be read ({error})")
            continue
        if book.digest != version.digest or lock.rulebook_digest != version.digest:
            problems.append(f"rulebook version {version.number}: text, lock and digest do not belong together")
    return problems
