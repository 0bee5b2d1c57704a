"""The working rulebook: begun from the shipped one, read at any version, changed one edit at a time, undone.

Undo takes back one's own last change and is itself a change, so it works across restarts; it is refused, never forced,
where somebody changed the same classes since. Merging is `curator.rulebook_merging`, versions are made by
`curator.rulebook_publishing`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from curator.errors import BadInput, NotFound
from curator.project import Project
from curator.rulebook_log import (
    Changed,
    apply_change,
    checked_base,
    classes_of,
    put_in_place,
    repeated_change,
    rulebook_at_version,
    shipped_rulebook,
    stacks,
    start_log,
)
from curator.store import rulebooks as store
from curator.store.rulebooks import RulebookChange, RulebookVersion
from rulebook.diff import Difference
from rulebook.edits import Edit, describe, edit_from_json
from rulebook.lock import Lock, read_lock
from rulebook.records import Rulebook, RuleError
from rulebook.tables import csv_to_rulebook, json_to_rulebook
from rulebook.toml_text import read_rulebook


@dataclass(frozen=True)
class Working:
    """The working rulebook as it stands."""

    version: int
    rulebook: Rulebook


# --- reading ---


def read_rulebook_file(path: Path) -> Rulebook:
    """A rulebook from a file: `.csv` and `.json` by their ending, all others as TOML.

    Raises:
        BadInput: it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: is no UTF-8 text ({error.reason})") from error
    read = {".csv": csv_to_rulebook, ".json": json_to_rulebook}.get(path.suffix.lower(), read_rulebook)
    try:
        return read(text, path.name)
    except RuleError as error:
        raise BadInput(str(error)) from error


def working(project: Project) -> Working:
    """The working rulebook; begun from the shipped one where nobody did yet."""
    db = project.db
    version = store.current_version(db)
    if version == 0:
        with db.atomic():
            start_log(db)
        version = store.current_version(db)
    return Working(version, rulebook_at_version(db, version))


def rulebook_at(project: Project, version: int) -> Rulebook:
    """The working rulebook as it was at a version of its log.

    Raises:
        NotFound: it never was.
    """
    if not 0 < version <= store.current_version(project.db):
        raise NotFound(f"rulebook: has no version {version} in its log")
    return rulebook_at_version(project.db, version)


def published(project: Project, number: int) -> tuple[Rulebook, Lock]:
    """A published version.

    Raises:
        NotFound: no such version.
    """
    texts = store.version_texts(project.db, number)
    if texts is None:
        raise NotFound(f"rulebook: there is no published version {number}")
    return read_rulebook(texts[0], f"version {number}"), read_lock(texts[1], f"lock of version {number}")


def versions(project: Project) -> list[RulebookVersion]:
    """All published versions, oldest first."""
    return store.versions(project.db)


def history(project: Project, limit: int = 50, before: int | None = None) -> list[RulebookChange]:
    """The newest changes of the log (below version `before`), newest first."""
    return store.latest_changes(project.db, limit, before)


def find_rulebook(project: Project | None, reference: str) -> Rulebook:
    """The rulebook that a word means: `working`, `shipped`, a published number (`3` or `v3`), or a file.

    Raises:
        NotFound, BadInput: it means none.
    """
    if reference == "shipped":
        return shipped_rulebook()
    if project is not None and reference == "working":
        return working(project).rulebook
    number = reference.removeprefix("v")
    if project is not None and number.isascii() and number.isdigit():
        return published(project, int(number))[0]
    return read_rulebook_file(Path(reference))


def parse_edit(text: bytes | str) -> Edit:
    """The edit that a request's JSON says.

    Raises:
        BadInput: it says none.
    """
    try:
        return edit_from_json(text)
    except RuleError as error:
        raise BadInput(str(error), "edit") from error


# --- changing ---


def change(project: Project, edit: Edit, *, change_id: str, base_version: int, actor_id: int) -> Changed:
    """Apply one edit to the working rulebook, durably.

    Raises:
        StaleRulebook: somebody changed it since `base_version`. BadInput: the edit cannot be applied.
    """
    db = project.db
    with db.atomic():
        if repeated := repeated_change(db, change_id):
            return repeated
        now_version = checked_base(db, base_version, classes_of(edit))
        return apply_change(db, edit, change_id, "edit", base_version, actor_id, describe(edit), now_version, None)


def undo(project: Project, *, change_id: str, base_version: int, actor_id: int) -> Changed:
    """Take back one's own last change that stands.

    Raises:
        NotFound: there is none. StaleRulebook: as for `change`. BadInput: others changed the same classes since.
    """
    return _step(project, "undo", change_id, base_version, actor_id)


def redo(project: Project, *, change_id: str, base_version: int, actor_id: int) -> Changed:
    """Do again what one's own last undo took back, where nothing new was done since.

    Raises:
        As `undo`.
    """
    return _step(project, "redo", change_id, base_version, actor_id)


def steps(project: Project, actor_id: int) -> tuple[RulebookChange | None, RulebookChange | None]:
    """What a person's next undo and next redo would be about; None where there is nothing."""
    done, undone = stacks(project.db, actor_id)
    return (done[-1][0] if done else None), (undone[-1][0] if undone else None)


def replace_rulebook(
    project: Project, incoming: Rulebook, *, change_id: str, base_version: int, actor_id: int, words: str
) -> Changed:
    """Put another rulebook in the place of the working one, as one step that can be undone.

    Raises:
        StaleRulebook: somebody changed it since `base_version`. BadInput: a class stands twice in it.
    """
    db = project.db
    with db.atomic():
        if repeated := repeated_change(db, change_id):
            return repeated
        version = checked_base(db, base_version, ())
        return put_in_place(
            db, incoming, change_id, "import", base_version, actor_id, words, rulebook_at_version(db, version)
        )


def _step(project: Project, action: store.Action, change_id: str, base_version: int, actor_id: int) -> Changed:
    db = project.db
    with db.atomic():
        if repeated := repeated_change(db, change_id):
            return repeated
        done, undone = stacks(db, actor_id)
        stack = done if action == "undo" else undone
        if not stack:
            raise NotFound(f"rulebook: there is nothing of yours to {action}")
        root, target = stack[-1]
        version = checked_base(db, base_version, root.touched)
        words = f"{action} {root.words}"
        if target.undo is not None:
            way_back = edit_from_json(target.undo)
            return apply_change(db, way_back, change_id, action, base_version, actor_id, words, version, root.change_id)
        before = rulebook_at_version(db, version)
        if before.digest != target.digest:
            raise BadInput(f"rulebook: was changed since {root.words!r}, so that cannot be taken back as a whole")
        earlier = rulebook_at_version(db, target.version - 1)
        return put_in_place(db, earlier, change_id, action, base_version, actor_id, words, before, root.change_id)


# --- as builtins ---


def version_to_json(version: RulebookVersion) -> dict[str, Any]:
    """A published version for lists of them."""
    return {
        "number": version.number,
        "at_version": version.at_version,
        "author": version.actor,
        "message": version.message,
        "digest": version.digest,
        "at": version.created_at,
    }


def difference_to_json(difference: Difference) -> dict[str, Any]:
    """A difference as lists, and in words."""
    said: dict[str, Any] = msgspec.to_builtins(difference)
    return {"same": difference.is_empty, "words": difference.words()} | said
