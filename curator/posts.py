"""Posts: taken in from dumps, generated for the demo, ready as one index, and tied to the project's images.

The store keeps packed chunks; joining them takes seconds for millions of posts, so the joined index lies in `cache/`
under a name that changes with the chunks. A post and an image with the same Danbooru id are one record: an image's
tags are its post's.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from curator.errors import BadInput
from curator.imports import ImportReport
from curator.project import Project
from curator.store import images, posts, tags, work
from curator.store.posts import StoredPost
from curator.store.users import IMPORT_ACTOR_ID
from curator.tags import categories_of, relations_of, tag_table_of
from datasets.output import write_whole
from rulebook.filters import Facts, Filter, Size
from rulebook.generator import generate_columns, vocabulary
from rulebook.index_building import IndexBuilder, pack
from rulebook.index_bytes import index_from_bytes, index_to_bytes
from rulebook.post_index import PostIndex
from rulebook.posts import MAX_NAMED, PostReader
from rulebook.records import RuleError
from rulebook.tag_table import TagTable

SOURCE: Final = "danbooru"  # the source of images that are posts
MAX_GENERATED: Final = 20_000_000


@dataclass(slots=True)
class PostImportReport(ImportReport):
    """Counts of distinct posts. `reasons` and `flags` count every line, `refused` and `flagged` name the first."""

    posts: int = 0  # in the store now
    lines: int = 0  # posts read, repeated ones too
    reasons: dict[str, int] = field(default_factory=dict)
    flags: dict[str, int] = field(default_factory=dict)
    forms: dict[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def import_posts(
    project: Project,
    paths: Iterable[Path],
    *,
    rating_scheme: str | None = None,
    numbering: Mapping[int, str] | None = None,
) -> PostImportReport:
    """Take in dumps of posts, all files in one transaction; of two lines of one post the later counts.

    Args:
        rating_scheme: "sqe" or "gsqe" where the caller knows it for every line; None goes by each line's form.
        numbering: what the legacy form's category numbers mean; None detects it.
    Raises:
        BadInput: a file cannot be read; nothing was stored.
    """
    listed = list(paths)
    try:
        reader = PostReader(rating_scheme, numbering)
    except RuleError as error:
        raise BadInput(str(error)) from error
    builder = IndexBuilder()
    for path in listed:
        since = len(builder)
        try:
            builder.add_all(reader.read_file(path))
        except OSError as error:
            raise BadInput(f"{path}: cannot be read ({error.strerror or error})") from error
        if path.name in reader.tally.undecided_forms:
            builder.undecide(since)
    report = PostImportReport()
    tally = reader.tally
    try:
        categories = reader.categories()
    except RuleError as error:
        categories = {}
        report.flag("posts", f"tag categories are not known: {error}; give --numbering, or import a tag table")
    report.lines, report.forms = tally.posts, dict(tally.forms)
    report.reasons, report.flags = dict(tally.reasons), dict(tally.flags)
    for refused in tally.refused:
        report.refuse(refused.record, refused.reason)
    if (unnamed := sum(tally.reasons.values()) - len(tally.refused)) > 0:
        report.refuse("more", f"{unnamed} more were refused; the first {MAX_NAMED} are named")
    for flagged in tally.flagged:
        report.flag(flagged.record, flagged.reason)
    for file_name, forms in tally.undecided_forms.items():
        report.flag(file_name, f"ratings of both schemes in the form {', '.join(sorted(forms))}: s is left undecided")
    name = listed[0].name if len(listed) == 1 else f"{len(listed)} files"
    return _store(project, builder.finish(), categories, name, report)


def generate_posts(project: Project, num_posts: int, seed: int, first_id: int = 1) -> PostImportReport:
    """Put generated posts into the store, the same on every machine for the same number, seed and tag table.

    Raises:
        BadInput: a number out of range.
    """
    columns, categories = _generated(num_posts, seed, tag_table_of(project), first_id)
    report = PostImportReport(lines=num_posts, forms={"generated": num_posts})
    return _store(project, columns, categories, f"generated {num_posts}, seed {seed}", report)


def generated_index(num_posts: int, seed: int, table: TagTable | None = None) -> PostIndex:
    """Generated posts in memory only, for trials without a project."""
    index, categories = _generated(num_posts, seed, table, 1)
    return index.with_categories(categories)


def _generated(num_posts: int, seed: int, table: TagTable | None, first_id: int) -> tuple[PostIndex, Mapping[str, str]]:
    from curator.rulebook_log import shipped_rulebook

    if not 0 < num_posts <= MAX_GENERATED or seed < 0 or not 0 < first_id < 1 << 40:
        raise BadInput(f"generated posts: {num_posts} with seed {seed}, expected 1 to {MAX_GENERATED} and a seed >= 0")
    words = vocabulary(table, shipped_rulebook().classes_of_tag)
    return pack(generate_columns(num_posts, seed, words, first_id)), words.categories


def _store(
    project: Project, index: PostIndex, categories: Mapping[str, str], file_name: str, report: PostImportReport
) -> PostImportReport:
    db = project.db
    with db.atomic():
        import_id = work.insert_import(db, "posts", file_name, IMPORT_ACTOR_ID)
        done = posts.store_posts(db, index)
        tags.set_categories(db, {name: said for name, said in categories.items() if name in index.tag_ids})
        report.added, report.updated, report.unchanged = done.added, done.updated, done.unchanged
        report.posts = posts.count_posts(db)
        counts = {"added": done.added, "updated": done.updated, "unchanged": done.unchanged}
        counts |= {"refused": sum(report.reasons.values()), "flagged": len(report.flagged)}
        work.finish_import(db, import_id, counts)
    return report


# --- the index --------------------------------------------------------------------------------------------------------


def posts_version(project: Project) -> str:
    """A word that changes with the posts, the tag tables and the relations: what an index in memory is good for."""
    db = project.db
    return f"{posts.posts_stamp(db)}-{tags.last_import_id(db)}"


def load_index(project: Project) -> PostIndex:
    """All posts with their tags' categories, from the cache where it is of today's chunks."""
    db = project.db
    index: PostIndex | None = None
    with suppress(OSError, RuleError):  # no cache, a cut one, one of an older release: the store is the truth
        index = index_from_bytes(index_cache_path(project).read_bytes())
    if index is None or len(index) != posts.count_posts(db):
        stamp, index = posts.read_index(db)
        _write_cache(_cache_path(project, stamp), index)
    return index.with_categories(categories_of(project))


def index_cache_path(project: Project) -> Path:
    """Where the joined index of today's chunks lies, or would."""
    return _cache_path(project, posts.posts_stamp(project.db))


def _cache_path(project: Project, stamp: str) -> Path:
    return project.cache / f"posts-{stamp[:16]}.index"


def is_cache_wrong(project: Project) -> bool:
    """Whether an index lies in the cache that says other than the chunks do; none there is not wrong."""
    try:
        index = index_from_bytes(index_cache_path(project).read_bytes())
    except FileNotFoundError:
        return False
    except (OSError, RuleError):
        return True
    return index.digest != posts.read_index(project.db)[1].digest


def load_facts(project: Project, chosen: Filter | None = None, index: PostIndex | None = None) -> Facts:
    """What filters need beside the index: relations, and for a filter that asks, the sizes of the project's images."""
    facts = Facts(relations_of(project))
    asks = chosen is not None and any(isinstance(step, Size) and step.of == "stored" for step in chosen.steps)
    if not asks or index is None:
        return facts
    widths, heights = (np.zeros(len(index), dtype=np.int32) for _ in range(2))
    for source_id, (width, height) in posts.sizes_of_source(project.db, SOURCE).items():
        post_id = post_id_of(SOURCE, source_id)
        row = None if post_id is None else index.row_of(post_id)
        if row is not None:
            widths[row], heights[row] = width, height
    return replace(facts, stored_sizes_wh=(widths, heights))


def _write_cache(path: Path, index: PostIndex) -> None:
    with suppress(OSError):  # a cache that cannot be written costs time and nothing else
        path.parent.mkdir(exist_ok=True)
        for old in path.parent.glob("posts-*.index"):
            old.unlink(missing_ok=True)
        if len(index):
            with write_whole(path) as file:
                file.write(index_to_bytes(index))


# --- posts and images -------------------------------------------------------------------------------------------------


def post_of(project: Project, post_id: int) -> StoredPost | None:
    """One post, or None where it was never imported."""
    return posts.posts_by_id(project.db, [post_id]).get(post_id)


def post_of_image(project: Project, image_id: int) -> StoredPost | None:
    """The post that an image is, with its tags; None where the image is no post, or its post was not imported."""
    image = images.image_by_id(project.db, image_id)
    post_id = None if image is None else post_id_of(image.record.source, image.record.source_id)
    return None if post_id is None else post_of(project, post_id)


def posts_of_images(project: Project) -> dict[int, StoredPost]:
    """The post of every image that is one, by image id."""
    by_post = {}
    for image in images.all_images(project.db):
        post_id = post_id_of(image.record.source, image.record.source_id)
        if post_id is not None:
            by_post[post_id] = image.id
    found = posts.posts_by_id(project.db, by_post)
    return {by_post[post_id]: post for post_id, post in found.items()}


def images_of_posts(project: Project, post_ids: Iterable[int]) -> dict[int, int]:
    """The image ids of those of these posts that are images here, by post id: what the page shows as thumbnails."""
    found = {}
    for post_id in post_ids:
        image = images.find_image(project.db, SOURCE, str(post_id))
        if image is not None:
            found[post_id] = image.id
    return found


def post_id_of(source: str, source_id: str) -> int | None:
    """The post that an image of that origin is."""
    return int(source_id) if source == SOURCE and source_id.isascii() and source_id.isdigit() else None
