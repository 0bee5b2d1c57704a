"""`curator import`: annotations and pictures in."""

from pathlib import Path
from typing import Any

import click

from curator.cli.common import answer, finish, json_option, progress, project_of

MAX_LINES = 20  # refusals and flags told in words; --json has all


@click.group(name="import")
def import_group() -> None:
    """Take in annotations or pictures."""


def _images_option(function: Any) -> Any:
    return click.option(
        "--images", "images_dir", type=click.Path(path_type=Path), help="Then tie the pictures of this folder to them."
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
