"""What the rulebook pages and commands look at: the rulebook over the project's posts, and what an edit would do.

`RulebookBench` keeps what is costly between calls (index, applied rulebook, dry run) and asks the store before each use
whether it is still of today: edits made since, here or by another process, are carried over, new posts make it anew.
Changes themselves are `curator.rulebooks`. What it answers is builtins, ready for JSON.
"""

import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from pyroaring import BitMap

from curator import rulebook_publishing, rulebooks
from curator.errors import BadInput, NotFound
from curator.posts import generated_index, images_of_posts, load_facts, load_index, post_of, posts_version
from curator.project import Project
from curator.rulebook_files import export_file
from curator.rulebook_publishing import Publication
from curator.store.posts import StoredPost
from curator.store.rulebooks import changes_after
from curator.tags import tag_table_of
from rulebook.apply import FLOOR_FREQUENCY, Applied, apply_rulebook, class_posts, why_dropped
from rulebook.bitmaps import rows_of
from rulebook.dry_run import DryRun
from rulebook.edits import Edit, edit_from_json
from rulebook.effects import effect_to_json
from rulebook.filters import PRESETS, Facts, Filter, filter_from_json, filter_to_builtins
from rulebook.lint import Finding, lint
from rulebook.lint_posts import Limits, lint_posts
from rulebook.measures import classes_per_image, disagreements, parent_pairs
from rulebook.members import members_of, sampled, suggestions
from rulebook.post_index import PostIndex
from rulebook.records import Rulebook, RuleError
from rulebook.resolution import why
from rulebook.tag_table import TagTable, read_tag_csv

DEFAULT_FILTER: Final = "paper"
THUMBNAILS: Final = 12  # posts shown for a member
TWINS: Final = 20
ONLY_TWINS: Final = Limits(odd_min_posts=1 << 62)  # the surroundings of each member are most of the work
CARRIED_EDITS: Final = 16  # more, and a dry run made anew is as quick
DISPUTED: Final = 20


@contextmanager
def told() -> Iterator[None]:
    """The pure room's refusals, as the application tells them."""
    try:
        yield
    except RuleError as error:
        raise BadInput(str(error)) from error


def find_filter(reference: str) -> Filter:
    """The filter that a word means: a preset, or a JSON file.

    Raises:
        BadInput: it means none.
    """
    if reference in PRESETS:
        return PRESETS[reference]
    path = Path(reference)
    try:
        text = path.read_bytes()
    except OSError as error:
        known = ", ".join(PRESETS)
        raise BadInput(f"{reference}: no preset ({known}), and no file ({error.strerror or error})") from error
    with told():
        return filter_from_json(text)


class RulebookBench:
    """One project's rulebook over its posts. Safe to share between threads: one call at a time works on it."""

    def __init__(
        self,
        project: Project,
        chosen: Filter = PRESETS[DEFAULT_FILTER],
        splits: Mapping[str, Iterable[int]] | None = None,  # post ids of each split, each post in one at most
    ) -> None:
        self.project = project
        self._filter = chosen
        self._splits = {name: tuple(ids) for name, ids in (splits or {}).items()}
        self._lock = threading.RLock()
        self._posts: tuple[str, PostIndex, Facts, TagTable | None] | None = None
        self._applied: tuple[str, int, Applied] | None = None
        self._dry: tuple[str, int, DryRun] | None = None

    # --- what is kept ---

    def index(self) -> PostIndex:
        """All posts."""
        return self._data()[1]

    def facts(self) -> Facts:
        """Aliases and implications."""
        return self._data()[2]

    def table(self) -> TagTable | None:
        """The newest tag table, or None."""
        return self._data()[3]

    def applied(self) -> Applied:
        """The working rulebook and the filter over all posts.

        Raises:
            BadInput: the filter asks what nobody knows here.
        """
        with self._lock:
            stamp, index, facts, _ = self._data()
            now = rulebooks.working(self.project)
            if self._applied is None or self._applied[:2] != (stamp, now.version):
                with told():
                    self._applied = (stamp, now.version, apply_rulebook(index, now.rulebook, self._filter, facts))
            return self._applied[2]

    def _data(self) -> tuple[str, PostIndex, Facts, TagTable | None]:
        with self._lock:
            stamp = posts_version(self.project)
            if self._posts is None or self._posts[0] != stamp:
                self._applied = self._dry = None
                index = load_index(self.project)
                facts = load_facts(self.project, self._filter, index)
                self._posts = (stamp, index, facts, tag_table_of(self.project))
            return self._posts

    def _dry_run(self) -> tuple[rulebooks.Working, DryRun]:
        """The working rulebook, and the dry run that holds it: carried on over edits, whoever made them."""
        stamp, index, facts, _ = self._data()
        now = rulebooks.working(self.project)
        held, self._dry = self._dry, None  # an error in the middle leaves none behind
        with told():
            if held is not None and held[1] < now.version and held[0] == stamp:
                since = changes_after(self.project.db, held[1])
                edits = [
                    edit_from_json(one.edit) for one in since if one.edit is not None and one.version <= now.version
                ]
                if len(edits) == now.version - held[1] <= CARRIED_EDITS:
                    for edit in edits:
                        held[2].commit(edit)
                    held = (stamp, now.version, held[2])
            if held is None or held[:2] != (stamp, now.version):
                held = (stamp, now.version, DryRun(index, now.rulebook, self._filter, facts, self._split_rows(index)))
        self._dry = held
        return now, held[2]

    # --- an edit, a version ---

    def preview(self, edit: Edit) -> dict[str, Any]:
        """What an edit would do, as `effect_to_json` says it, with the `version` that it was held against.

        Raises:
            BadInput: it cannot be applied.
        """
        with self._lock, told():
            now, dry = self._dry_run()
            return {"version": now.version} | effect_to_json(dry.preview(edit))

    def publish(self, message: str, *, change_id: str, base_version: int, actor_id: int) -> Publication:
        """Publish with the counts of today's posts and the newest tag table in the lock; see `publish_rulebook`."""
        with self._lock:
            has_posts = len(self.index()) > 0
            applied = self.applied() if has_posts else None
            table = self.table()
            return rulebook_publishing.publish_rulebook(
                self.project,
                message,
                change_id=change_id,
                base_version=base_version,
                actor_id=actor_id,
                counts=None if applied is None else applied.counts,
                num_posts=None if applied is None else applied.kept,
                tag_table=("", "") if table is None else (table.digest, table.date),
            )

    # --- looking ---

    def overview(self, actor_id: int) -> dict[str, Any]:
        """The editor's first answer: version, filter, every class in short, what undo and redo are about."""
        with self._lock:
            now, dry = self._dry_run()
            counts, kept = dry.counts(), len(dry.kept)
            marks = self._marks(now.rulebook)
            last_undo, next_redo = rulebooks.steps(self.project, actor_id)
            return {
                "version": now.version,
                "digest": now.rulebook.digest,
                "filter": filter_to_builtins(self._filter),
                "posts": len(self.index()),
                "kept": kept,
                "floor": FLOOR_FREQUENCY,
                "undo": None if last_undo is None else last_undo.words,
                "redo": None if next_redo is None else next_redo.words,
                "classes": [
                    {
                        "name": rule.name,
                        "category": rule.category,
                        "family": rule.family,
                        "members": len(rule.members),
                        "count": counts[rule.name],
                        "frequency": counts[rule.name] / kept if kept else 0.0,
                        "marks": marks.get(rule.name, []),
                    }
                    for rule in now.rulebook.classes
                ],
            }

    def class_page(self, name: str) -> dict[str, Any]:
        """One class: its fields, every spelling in numbers with posts that only it brings, and suggestions.

        Raises:
            NotFound: no such class.
        """
        with self._lock:
            now, dry = self._dry_run()
            rule = now.rulebook.by_name.get(name)
            if rule is None:
                raise NotFound(f"rulebook: there is no class {name!r}")
            index, facts = self.index(), self.facts()
            members = members_of(index, rule, facts)
            shown = {one.tag: index.ids[rows_of(sampled(one.unique, THUMBNAILS))].tolist() for one in members}
            pictures = images_of_posts(self.project, {post for ids in shown.values() for post in ids})
            return {
                "version": now.version,
                "class": rule.facts(),
                "count": dry.counts()[name],
                "all_posts": len(class_posts(index, rule, facts)),
                "members": [
                    {
                        "tag": one.tag,
                        "is_former": one.is_former,
                        "count": one.count,
                        "coverage": one.coverage,
                        "overlap": one.overlap,
                        "unique_gain": one.unique_gain,
                        "posts": [{"post": post, "image": pictures.get(post)} for post in shown[one.tag]],
                    }
                    for one in members
                ],
                "suggestions": [
                    {"tag": one.tag, "why": one.why, "count": one.count, "score": one.score}
                    for one in suggestions(index, now.rulebook, rule, facts)
                ],
            }

    def lint(self, with_posts: bool = False) -> list[Finding]:
        """What is wrong with the working rulebook; with posts, what they say against it too."""
        with self._lock:
            rulebook = rulebooks.working(self.project).rulebook
            found = lint(rulebook, self.table(), self.facts().relations)
            if with_posts and len(self.index()):
                found += lint_posts(
                    self.index(), rulebook, self.applied(), self.facts(), self._split_rows(self.index())
                )
            return found

    def statistics(self) -> dict[str, Any]:
        """The statistics page: funnel, class frequencies before and after the filter, classes per image, twins,
        disagreement of duplicate posts."""
        with self._lock:
            applied, index = self.applied(), self.index()
            bitmaps = applied.truths.bitmaps
            rulebook = rulebooks.working(self.project).rulebook
            found = lint_posts(index, rulebook, applied, self.facts(), limits=ONLY_TWINS) if len(index) else []
            twins = [one for one in found if one.code == "R204"]
            twins.sort(key=lambda one: -one.numbers["jaccard"])
            disputed = disagreements(len(index), bitmaps, parent_pairs(index))
            return applied.to_json() | {
                "frequencies": [
                    {"name": name, "before": len(posts) / max(len(index), 1), "after": count / max(applied.kept, 1)}
                    for (name, posts), count in zip(bitmaps.items(), applied.counts.values(), strict=True)
                ],
                "classes_per_image": classes_per_image(applied.truths, applied.sieved.kept).tolist(),
                "twins": [{"classes": list(one.classes), **one.numbers} for one in twins[:TWINS]],
                "disagreements": [
                    {"name": one.name, "pairs": one.said, "differing": one.differing, "share": one.share}
                    for one in disputed[:DISPUTED]
                ],
            }

    def why(self, post_id: int, class_name: str | None = None) -> dict[str, Any]:
        """Why a post is in its classes, and whether the filter keeps it.

        Raises:
            NotFound: no such post or class.
        """
        with self._lock:
            rulebook = rulebooks.working(self.project).rulebook
            post = post_of(self.project, post_id)
            if post is None:
                raise NotFound(f"post {post_id}: was never imported")
            if class_name is not None and class_name not in rulebook.by_name:
                raise NotFound(f"rulebook: there is no class {class_name!r}")
            applied = self.applied()
            row = self.index().row_of(post_id)
            assert row is not None
            dropped = why_dropped(applied, self._filter, row)
            return explain(post, rulebook, self.facts(), class_name) | {
                "kept": not dropped,
                "dropped_by": list(dropped),
            }

    def _split_rows(self, index: PostIndex) -> dict[str, BitMap]:
        return {name: index.rows_of_ids(ids) for name, ids in self._splits.items()}

    def _marks(self, rulebook: Rulebook) -> dict[str, list[str]]:
        marks: dict[str, list[str]] = {}
        for one in lint(rulebook, self.table(), self.facts().relations):
            if one.severity != "note":
                for name in one.classes:
                    marks.setdefault(name, []).append(one.code)
        return marks


def explain(post: StoredPost, rulebook: Rulebook, facts: Facts, class_name: str | None = None) -> dict[str, Any]:
    """A post's tags, and for each of its classes the raw tags that did it and the way they took."""
    classes = []
    for rule in rulebook.classes:
        if class_name in (None, rule.name) and (found := why(post.tags, rule, facts.relations)):
            because = [{"raw_tag": one.raw_tag, "how": one.how, "path": list(one.path)} for one in found]
            classes.append({"class": rule.name, "because": because})
    return {"post": post.post_id, "tags": list(post.tags), "rating": post.rating, "classes": classes}


# --- for the command line ---------------------------------------------------------------------------------------------


def apply_to(
    project: Project | None, rulebook: Rulebook, chosen: Filter, *, generate: int | None = None, seed: int = 1
) -> dict[str, Any]:
    """Any rulebook and filter over the project's posts, or over generated ones: the answer of `rulebook apply`.

    Raises:
        BadInput: the filter asks what nobody knows here, or there is neither a project nor generated posts.
    """
    if generate is not None:
        index = generated_index(generate, seed, None if project is None else tag_table_of(project))
    elif project is not None:
        index = load_index(project)
    else:
        raise BadInput("posts: no project here, expected one, or --generate N")
    facts = Facts() if project is None else load_facts(project, chosen, index)
    with told():
        return apply_rulebook(index, rulebook, chosen, facts).to_json()


def lint_rulebook(
    rulebook: Rulebook, project: Project | None, *, tags_file: Path | None = None, with_posts: bool = False
) -> list[Finding]:
    """What is wrong with any rulebook, held against what the project knows of tags, or against a table's file.

    Raises:
        BadInput: the file is no tag table.
    """
    table = None if project is None else tag_table_of(project)
    relations = None if project is None else load_facts(project).relations
    if tags_file is not None:
        with told():
            try:
                table = read_tag_csv(tags_file.read_text(encoding="utf-8-sig"), file_name=tags_file.name)
            except (OSError, UnicodeDecodeError) as error:
                raise BadInput(f"{tags_file}: cannot be read ({error})") from error
        relations = None
    found = lint(rulebook, table, relations)
    if with_posts:
        if project is None:
            raise BadInput("--posts: no project here, expected one with posts")
        index, facts = load_index(project), load_facts(project)
        with told():
            applied = apply_rulebook(index, rulebook, PRESETS[DEFAULT_FILTER], facts)
            found += lint_posts(index, rulebook, applied, facts)
    return found


def filter_report(bench: RulebookBench) -> dict[str, Any]:
    """The answer of `posts filter`: funnel, and posts by first reason and by every reason."""
    applied = bench.applied()
    said = applied.to_json()
    steps = [step for step, _, _ in applied.sieved.funnel]
    return {key: said[key] for key in ("posts", "kept", "funnel", "digest")} | {
        "dropped": {step: len(posts) for step, posts in zip(steps, applied.sieved.first, strict=True)},
        "reasons": {step: len(posts) for step, posts in zip(steps, applied.sieved.reasons, strict=True)},
    }


def write_filtered(bench: RulebookBench, path: Path) -> dict[str, str]:
    """Write a JSON line a post: its id, whether it is kept, its first reason and all reasons.

    Raises:
        CuratorError: the file cannot be written.
    """
    applied = bench.applied()
    steps = [step for step, _, _ in applied.sieved.funnel]
    masks = [np.zeros(applied.posts, dtype=bool) for _ in steps]
    for mask, posts in zip(masks, applied.sieved.reasons, strict=True):
        mask[rows_of(posts)] = True
    table = np.array(masks, dtype=bool).reshape(len(steps), applied.posts).T
    lines = []
    for post_id, row in zip(bench.index().ids.tolist(), table.tolist(), strict=True):
        reasons = [step for step, is_dropped in zip(steps, row, strict=True) if is_dropped]
        first = reasons[0] if reasons else None
        lines.append(json.dumps({"post": post_id, "kept": not reasons, "first": first, "reasons": reasons}))
    return export_file(path, "\n".join([*lines, ""]))
