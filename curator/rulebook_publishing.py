"""Published versions: text and lock in one row of the store, then a folder of files, whole or not there at all.

Where a process died between row and folder, the version is published and `published_files` writes its folder: after
`publish_rulebook` was asked again, or by `curator check --repair`.
"""

import hashlib
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from curator.blobs import describe_disk_error
from curator.errors import BadInput, CuratorError
from curator.project import Project
from curator.rulebook_log import checked_base, parsed, rulebook_at_version
from curator.rulebooks import working
from curator.store import rulebooks as store
from curator.store.database import Database
from curator.store.rulebooks import RulebookVersion
from rulebook.diff import renames
from rulebook.edits import Edit, MergeClasses, RenameClass, Several, edit_from_json
from rulebook.lock import Lock, next_lock, publish, read_lock
from rulebook.records import Rulebook, RuleError

TOML_FILE: Final = "rulebook.toml"
LOCK_FILE: Final = "rulebook.lock"
MANIFEST_FILE: Final = "manifest.json"


@dataclass(frozen=True)
class Publication:
    """A published version and where its files lie."""

    version: RulebookVersion
    folder: Path
    files: tuple[dict[str, str], ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "version": self.version.number,
            "author": self.version.actor,
            "message": self.version.message,
            "digest": self.version.digest,
            "created_at": self.version.created_at,
            "folder": str(self.folder),
            "files": list(self.files),
        }


def publish_rulebook(
    project: Project,
    message: str,
    *,
    change_id: str,
    base_version: int,
    actor_id: int,
    counts: Mapping[str, int] | None = None,
    num_posts: int | None = None,
    tag_table: tuple[str, str] = ("", ""),
) -> Publication:
    """Make a version of the working rulebook: text and lock in one row, then as files in `exports/rulebook-<n>/`.

    Args:
        counts: positives of each class when last counted, among `num_posts`.
        tag_table: digest and date of the tag table that the members are names of.
    Raises:
        BadInput: no message, a class twice, or nothing changed since the last version. StaleRulebook: as for `change`.
    """
    if not message.strip():
        raise BadInput("message: is empty, expected a sentence on what changed", "message")
    db = project.db
    with db.atomic():
        known = store.version_by_change(db, change_id)
        if known is None:
            at_version = checked_base(db, base_version, ())
            rulebook = rulebook_at_version(db, at_version)
            earlier = store.versions(db)
            if earlier and earlier[-1].digest == rulebook.digest:
                raise BadInput(f"rulebook: nothing changed since version {earlier[-1].number}")
            lock, moved = _renamed(db, earlier[-1] if earlier else None, rulebook)
            try:
                made = publish(
                    rulebook,
                    lock,
                    renames=moved,
                    tag_table_digest=tag_table[0],
                    tag_table_date=tag_table[1],
                    counts=counts,
                    posts=num_posts,
                )
            except RuleError as error:
                raise BadInput(str(error)) from error
            number = store.insert_version(
                db,
                change_id=change_id,
                at_version=at_version,
                actor_id=actor_id,
                message=message.strip(),
                digest=rulebook.digest,
                toml_text=made.toml_text,
                lock_text=made.lock_text,
            )
            known = next(one for one in store.versions(db) if one.number == number)
    return published_files(project, known)


def published_files(project: Project, version: RulebookVersion) -> Publication:
    """The files of a version; written now where they are not there or not what the store says.

    Raises:
        CuratorError: they cannot be written; the version itself is safe in the store.
    """
    folder = project.exports / f"rulebook-{version.number}"
    contents = _files_of(project, version)
    files = tuple({"path": name, "sha256": hashlib.sha256(said).hexdigest()} for name, said in contents.items())
    try:
        if not _holds(folder, contents):
            write_folder(folder, contents)
    except OSError as error:
        raise CuratorError(describe_disk_error(folder, error)) from error
    return Publication(version, folder, files)


def missing_publications(project: Project) -> list[RulebookVersion]:
    """Versions whose files are not there or changed: a process died between store and files, or somebody edited."""
    return [
        version
        for version in store.versions(project.db)
        if not _holds(project.exports / f"rulebook-{version.number}", _files_of(project, version))
    ]


def write_folder(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write files as one folder that is there whole or not at all; what was there under its name goes.

    Raises:
        OSError: it cannot be written; nothing half-written stays.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary, old = (folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part") for _ in range(2))
    try:
        temporary.mkdir()
        for name, content in contents.items():
            with open(temporary / name, "xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        if folder.exists():
            os.replace(folder, old)
        os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def lock_of_working(project: Project) -> Lock:
    """The output indexes that a publish now would give: those of the last version, new classes behind them."""
    db = project.db
    rulebook = working(project).rulebook
    earlier = store.versions(db)
    lock, moved = _renamed(db, earlier[-1] if earlier else None, rulebook)
    return next_lock(rulebook, lock, renames=moved)


def _renamed(db: Database, last: RulebookVersion | None, rulebook: Rulebook) -> tuple[Lock | None, dict[str, str]]:
    """The last version's lock, and which of its classes has which name now: as the edits say, else as content tells."""
    if last is None:
        return None, {}
    texts = store.version_texts(db, last.number)
    assert texts is not None
    before = parsed(texts[0])
    said: dict[str, str] = {}
    since = store.changes_after(db, last.at_version)
    standing: dict[str, bool] = {}
    for one in since:
        if one.about is not None:
            standing[one.about] = one.action != "undo"
    for one in since:
        if one.action == "edit" and one.edit is not None and standing.get(one.change_id, True):
            _follow(edit_from_json(one.edit), said)
    old, new = before.by_name, rulebook.by_name
    moved = {name: now for name, now in said.items() if name in old and name not in new and now in new}
    for name, now in renames(before, rulebook).items():
        if name not in moved and now not in moved.values():
            moved[name] = now
    return read_lock(texts[1], f"lock of version {last.number}"), moved


def _follow(edit: Edit, said: dict[str, str]) -> None:
    """Add what an edit renames to what was renamed before it: first name to last."""
    match edit:
        case Several():
            for one in edit.edits:
                _follow(one, said)
        case RenameClass():
            _rename(edit.class_name, edit.to, said)
        case MergeClasses() if edit.into not in edit.class_names and edit.class_names:
            _rename(edit.class_names[0], edit.into, said)
        case _:
            pass


def _rename(name: str, to: str, said: dict[str, str]) -> None:
    first = next((old for old, now in said.items() if now == name), name)
    said[first] = to


def _files_of(project: Project, version: RulebookVersion) -> dict[str, bytes]:
    texts = store.version_texts(project.db, version.number)
    assert texts is not None
    contents = {TOML_FILE: texts[0].encode(), LOCK_FILE: texts[1].encode()}
    manifest = {
        "format": "rulebook",
        "version": version.number,
        "author": version.actor,
        "message": version.message,
        "created_at": version.created_at,
        "digest": version.digest,
        "files": [{"path": name, "sha256": hashlib.sha256(said).hexdigest()} for name, said in contents.items()],
    }
    return contents | {MANIFEST_FILE: msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"}


def _holds(folder: Path, contents: Mapping[str, bytes]) -> bool:
    try:
        return all((folder / name).read_bytes() == said for name, said in contents.items())
    except OSError:
        return False
