"""Proving that a project is whole: the database, the chain of revisions, the pictures behind their digests.

Each finding is one sentence. `repair` mends what is safe to mend (leftovers of a killed write, a repeated fact that
disagrees with what it repeats) and never touches a person's work.
"""

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curator.media import picture_path
from curator.project import FOLDERS, Project
from curator.store import images, integrity
from curator.store import posts as post_store


@dataclass(slots=True)
class CheckReport:
    """Sentences: problems (none when the project is whole), notes (seen, no fault), what was repaired."""

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)
    checked: dict[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {
            "ok": not self.problems,
            "problems": self.problems,
            "notes": self.notes,
            "repaired": self.repaired,
            "checked": self.checked,
        }


def check_project(project: Project, *, repair: bool = False, quick: bool = False) -> CheckReport:
    """Look at everything.

    Args:
        repair: mend what is safe; what was mended is not a problem any more.
        quick: do not read every picture's bytes, only whether they are there.
    """
    report = CheckReport()
    db = project.db
    report.problems += integrity.database_problems(db)
    report.problems += integrity.annotation_problems(db)
    report.problems += integrity.revision_problems(db)
    report.problems += integrity.state_count_problems(db)
    if stale := integrity.stale_availability(db):
        if repair:
            with db.atomic():
                for image_id in stale:
                    images.refresh_availability(db, image_id)
            report.repaired.append(f"{len(stale)} images: whether they can be dealt was recorded wrongly")
        else:
            report.problems.append(
                f"{len(stale)} images: whether they can be dealt is recorded wrongly (curator check --repair)"
            )
    _check_rulebook(project, report, repair=repair, quick=quick)
    known: set[Path] = set()
    for image in images.all_images(db):
        path = picture_path(project, image)
        if path is None:
            continue
        known.add(path)
        report.checked["pictures"] = report.checked.get("pictures", 0) + 1
        if not path.is_file():
            report.problems.append(f"{image.record.file_name}: its picture is gone ({_where(project, path)})")
        elif not quick and _digest(path) != image.record.digest:
            report.problems.append(f"{image.record.file_name}: its picture changed, the digest differs")
    _check_strays(project, known, report, repair=repair)
    for name, count in integrity.row_counts(db).items():
        report.checked[name] = count
    return report


def _check_rulebook(project: Project, report: CheckReport, *, repair: bool, quick: bool) -> None:
    """Posts in their chunks, the index in the cache, the rulebook's log replayed, versions and their files."""
    from curator import posts, rulebook_log, rulebook_publishing

    db = project.db
    broken = post_store.chunk_problems(db)
    report.problems += broken
    report.checked["posts"] = post_store.count_posts(db)
    if not broken and not quick and posts.is_cache_wrong(project):
        if repair:
            posts.index_cache_path(project).unlink(missing_ok=True)
            report.repaired.append("cache: the index of the posts was not theirs, deleted")
        else:
            report.problems.append("cache: the index of the posts is not theirs (curator check --repair)")
    if chain := integrity.rulebook_chain_problems(db):
        report.problems += chain
    else:
        report.problems += rulebook_log.log_problems(db)
    for version in rulebook_publishing.missing_publications(project):
        if repair:
            rulebook_publishing.published_files(project, version)
            report.repaired.append(f"exports/rulebook-{version.number}: written again from the store")
        else:
            report.notes.append(f"exports/rulebook-{version.number}: is not there as published (--repair writes it)")


def _check_strays(project: Project, known: set[Path], report: CheckReport, *, repair: bool) -> None:
    """What killed writes left: files that never got their name, pictures that the store never heard of."""
    for path in sorted(path for folder in FOLDERS for path in (project.root / folder).rglob(".*.part")):
        if repair:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
            report.repaired.append(f"{_where(project, path)}: a write that never ended, deleted")
        else:
            report.notes.append(f"{_where(project, path)}: a write that never ended (curator check --repair)")
    orphans = sum(path not in known and path.suffix != ".part" for path in _blob_files(project))
    if orphans:
        report.notes.append(f"{orphans} pictures in blobs/ belong to no image; they do no harm")


def _blob_files(project: Project) -> Iterator[Path]:
    return (path for path in sorted(project.blobs.rglob("*")) if path.is_file())


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _where(project: Project, path: Path) -> str:
    return path.relative_to(project.root).as_posix() if path.is_relative_to(project.root) else path.name
