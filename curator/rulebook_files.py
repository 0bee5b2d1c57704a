"""Rulebooks as files: formatted in place, taken into the working rulebook, written as TOML, CSV, JSON or lock."""

import hashlib
import json
import uuid
from importlib import resources
from pathlib import Path
from typing import Any

from curator import rulebook_log, rulebook_publishing, rulebooks
from curator.blobs import describe_disk_error
from curator.errors import BadInput, CuratorError
from curator.project import Project
from datasets.output import write_whole
from rulebook.lock import Lock, next_lock, write_lock
from rulebook.records import RuleError
from rulebook.tables import rulebook_to_csv, rulebook_to_json
from rulebook.toml_text import format_text, write_rulebook


def format_file(path: Path | None, *, check: bool = False) -> dict[str, Any]:
    """Write a TOML rulebook (None: the shipped one) in its canonical spelling, where it is not spelled so already.

    Raises:
        BadInput: it cannot be read. CuratorError: it cannot be written; it is as it was.
    """
    if path is None:
        path = Path(str(resources.files("rulebook").joinpath(rulebook_log.SHIPPED_NAME)))
    try:
        before = path.read_bytes()
        after = format_text(before.decode("utf-8-sig"), path.name).encode()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: is no UTF-8 text ({error.reason})") from error
    except RuleError as error:
        raise BadInput(str(error)) from error
    if after != before and not check:
        export_file(path, after.decode())
    return {"file": str(path), "changed": after != before}


def import_file(project: Project, path: Path, *, actor_id: int) -> dict[str, Any]:
    """Put a file's rulebook in the place of the working one, as one change; the same content changes nothing.

    Raises:
        BadInput: it cannot be read, or a class stands twice in it.
    """
    incoming = rulebooks.read_rulebook_file(path)
    now = rulebooks.working(project)
    old, new = now.rulebook.by_name, incoming.by_name
    if write_rulebook(incoming) == write_rulebook(now.rulebook):
        version = now.version
    else:
        changed = rulebooks.replace_rulebook(
            project,
            incoming,
            change_id=str(uuid.uuid4()),
            base_version=now.version,
            actor_id=actor_id,
            words=f"import {path.name}",
        )
        version = changed.version
    return {
        "added": sum(name not in old for name in new),
        "updated": sum(name in old and old[name] != rule for name, rule in new.items()),
        "unchanged": sum(old.get(name) == rule for name, rule in new.items()),
        "removed": sum(name not in new for name in old),
        "refused": [],
        "flagged": [],
        "version": version,
    }


def export_text(project: Project | None, source: str | None, kind: str) -> tuple[str, int]:
    """A rulebook as text, and how many classes it has.

    Args:
        source: as `rulebooks.find_rulebook`; None for the working one, or outside a project the shipped one.
        kind: toml, csv, json (a list in output order) or lock.
    """
    lock: Lock | None = None
    if source is None and project is not None:
        rulebook, lock = rulebooks.working(project).rulebook, rulebook_publishing.lock_of_working(project)
    else:
        rulebook = rulebooks.find_rulebook(project, source or "shipped")
        number = (source or "").removeprefix("v")
        if project is not None and number.isascii() and number.isdigit():
            lock = rulebooks.published(project, int(number))[1]
    try:
        if kind == "toml":
            text = write_rulebook(rulebook)
        elif kind == "csv":
            text = rulebook_to_csv(rulebook)
        elif kind == "json":
            text = json.dumps(rulebook_to_json(rulebook, lock), ensure_ascii=False, indent=1) + "\n"
        else:
            text = write_lock(lock or next_lock(rulebook))
    except RuleError as error:
        raise BadInput(str(error)) from error
    return text, len(rulebook)


def export_file(path: Path, text: str) -> dict[str, str]:
    """Write a text as a file that is there whole or as it was; its path and SHA-256.

    Raises:
        CuratorError: it cannot be written.
    """
    content = text.encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_whole(path) as file:
            file.write(content)
    except OSError as error:
        raise CuratorError(describe_disk_error(path, error)) from error
    return {"path": str(path), "sha256": hashlib.sha256(content).hexdigest()}
