"""`curator import`: annotations, pictures, posts and what is known of their tags, in."""

from pathlib import Path
from typing import Any

import click

from curator.cli.common import answer, finish, json_option, progress, project_of

MAX_LINES = 20  # refusals and flags told in words; --json has all


@click.group(name="import")
def import_group() -> None:
    """Take in annotations, pictures, posts, tags."""


def _images_option(function: Any) -> Any:
    return click.option(
        "--images", "images_dir", type=click.Path(path_type=Path), help="Then tie the pictures of this folder to them."
    )(function)


def _numbering_option(function: Any) -> Any:
    return click.option(
        "--numbering", metavar="0=general,...", help="What the category numbers mean; else told from well-known tags."
    )(function)


@import_group.command(name="add")
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True)
@_images_option
@json_option
@click.pass_context
def import_add(ctx: click.Context, files: tuple[Path, ...], images_dir: Path | None, as_json: bool) -> None:
    """Take in AnimeDrawingsDataset's annotation FILES."""
    _import(ctx, "add", files, images_dir, as_json)


@import_group.command(name="coco")
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True)
@_images_option
@json_option
@click.pass_context
def import_coco(ctx: click.Context, files: tuple[Path, ...], images_dir: Path | None, as_json: bool) -> None:
    """Take in COCO person-keypoints FILES."""
    _import(ctx, "coco", files, images_dir, as_json)


@import_group.command(name="images")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--link", is_flag=True, help="Leave the files where they are instead of copying them.")
@json_option
@click.pass_context
def import_images(ctx: click.Context, folder: Path, link: bool, as_json: bool) -> None:
    """Tie the pictures below FOLDER to their records, by post id or file name."""
    from curator.picture_import import import_images as take_images

    report = take_images(project_of(ctx), folder, link=link, progress=progress("pictures"))
    _tell(report.to_dict(), as_json)


@import_group.command(name="posts")
@click.argument("files", type=click.Path(path_type=Path), nargs=-1)
@click.option(
    "--rating-scheme",
    type=click.Choice(["auto", "sqe", "gsqe"]),
    default="auto",
    show_default=True,
    help="What s means: safe (sqe) or sensitive (gsqe); auto goes by each line's form.",
)
@_numbering_option
@click.option("--generate", type=click.IntRange(1), metavar="N", help="Instead of FILES: N generated posts.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="For --generate.")
@click.option("--first-id", type=click.IntRange(1), default=1, show_default=True, help="For --generate.")
@json_option
@click.pass_context
def import_posts(
    ctx: click.Context,
    files: tuple[Path, ...],
    rating_scheme: str,
    numbering: str | None,
    generate: int | None,
    seed: int,
    first_id: int,
    as_json: bool,
) -> None:
    """Take in FILES of posts: JSON lines (plain, gzip, zstd) of the legacy dump, the 2021 dump, or the API."""
    if bool(files) == bool(generate):
        raise click.UsageError("expected FILES or --generate N, one of them")
    from curator import posts
    from curator.tags import parse_numbering

    project = project_of(ctx)
    if generate:
        report = posts.generate_posts(project, generate, seed, first_id)
    else:
        report = posts.import_posts(
            project,
            files,
            rating_scheme=None if rating_scheme == "auto" else rating_scheme,
            numbering=parse_numbering(numbering),
        )
    for reason, count in report.reasons.items():
        click.echo(f"{count} lines refused: {reason}", err=True)
    _tell(report.to_dict(), as_json)


@import_group.command(name="tags")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--date", metavar="YYYY-MM-DD", help="The day of the table; else the file's own date.")
@_numbering_option
@json_option
@click.pass_context
def import_tags(ctx: click.Context, file: Path, date: str | None, numbering: str | None, as_json: bool) -> None:
    """Take in a tag table: CSV (name,category,post_count,aliases) or JSON lines."""
    from curator.tags import import_tag_table, parse_numbering

    report = import_tag_table(project_of(ctx), file, date=date, numbering=parse_numbering(numbering))
    for old, current in report.renamed[:MAX_LINES]:
        click.echo(f"renamed: {old} is {current}", err=True)
    if len(report.renamed) > MAX_LINES:
        click.echo(f"... and {len(report.renamed) - MAX_LINES} more renamed (--json lists all)", err=True)
    _tell(report.to_dict(), as_json)


@import_group.command(name="aliases")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@click.pass_context
def import_aliases(ctx: click.Context, file: Path, as_json: bool) -> None:
    """Take in tag aliases: JSON lines with antecedent_name, consequent_name, status."""
    from curator.tags import import_relations

    _tell(import_relations(project_of(ctx), file, "alias").to_dict(), as_json)


@import_group.command(name="implications")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@click.pass_context
def import_implications(ctx: click.Context, file: Path, as_json: bool) -> None:
    """Take in tag implications: JSON lines with antecedent_name, consequent_name, status."""
    from curator.tags import import_relations

    _tell(import_relations(project_of(ctx), file, "implication").to_dict(), as_json)


def _import(
    ctx: click.Context, format_name: str, files: tuple[Path, ...], images_dir: Path | None, as_json: bool
) -> None:
    from curator import imports
    from curator.picture_import import import_images as take_images

    take = {"add": imports.import_add, "coco": imports.import_coco}[format_name]
    project = project_of(ctx)
    total = imports.ImportReport()
    for file in files:
        _sum(total, take(project, file))
    found = total.to_dict()
    if images_dir is not None:
        found["pictures"] = take_images(project, images_dir, progress=progress("pictures")).to_dict()
    _tell(found, as_json)


def _sum(total: Any, report: Any) -> None:
    total.added += report.added
    total.updated += report.updated
    total.unchanged += report.unchanged
    total.refused += report.refused
    total.flagged += report.flagged


def _tell(found: dict[str, Any], as_json: bool) -> None:
    parts = [found, *([found["pictures"]] if "pictures" in found else [])]
    for part in parts:
        for refusal in part["refused"][:MAX_LINES]:
            click.echo(f"refused: {refusal['reason']}", err=True)
        if len(part["refused"]) > MAX_LINES:
            click.echo(f"... and {len(part['refused']) - MAX_LINES} more refused (--json lists all)", err=True)

    def words() -> str:
        lines = []
        for part in parts:
            label = "pictures: " if part is not found else ""
            lines.append(
                f"{label}{part['added']} added, {part['updated']} updated, {part['unchanged']} unchanged,"
                f" {len(part['refused'])} refused, {len(part['flagged'])} flagged"
            )
            lines += [f"  flagged {flag['record']}: {flag['flag']}" for flag in part["flagged"][:MAX_LINES]]
        return "\n".join(lines)

    answer(found, as_json, words)
    finish(any(part["refused"] for part in parts))
