"""`curator export`: the dataset for other tools."""

from pathlib import Path

import click

from curator.cli.common import answer, finish, json_option, project_of


@click.group(name="export")
def export_group() -> None:
    """Write the dataset for other tools."""


@export_group.command(name="coco")
@click.option("--out", "out_dir", type=click.Path(path_type=Path), required=True, help="The folder to write into.")
@click.option("--with-midpoints", is_flag=True, help="25 keypoints: COCO's 17 and eight limb midpoints.")
@click.option(
    "--unconfirmed",
    type=click.Choice(["drop", "keep"]),
    default="drop",
    show_default=True,
    help="Keypoints that only a model placed.",
)
@click.option(
    "--undecided",
    type=click.Choice(["2", "1"]),
    default="2",
    show_default=True,
    help="COCO's v for imported joints whose visibility nobody judged.",
)
@json_option
@click.pass_context
def coco(
    ctx: click.Context, out_dir: Path, with_midpoints: bool, unconfirmed: str, undecided: str, as_json: bool
) -> None:
    """COCO person keypoints as one JSON file, read back and compared with the store."""
    from curator.exports import CocoExport, export_coco

    options = CocoExport(
        with_midpoints=with_midpoints,
        unconfirmed="keep" if unconfirmed == "keep" else "drop",
        undecided=2 if undecided == "2" else 1,
    )
    report = export_coco(project_of(ctx), out_dir, options)
    for dropped in report.dropped:
        click.echo(f"dropped: {dropped['reason']}", err=True)

    def words() -> str:
        lines = [f"{report.images} images, {report.annotations} annotations, {len(report.dropped)} dropped"]
        lines += [f"  {file['sha256'][:12]}  {report.folder / file['path']}" for file in report.files]
        return "\n".join(lines)

    answer(report.to_dict(), as_json, words)
    finish(bool(report.dropped))


@export_group.command(name="tag-matrix")
@click.option("--out", "out_dir", type=click.Path(path_type=Path), required=True, help="A new folder.")
@click.option("--filter", "chosen", default="paper", show_default=True, help="A preset, or a JSON file of steps.")
@click.option("--drop-constant", is_flag=True, help="Leave out classes that no post has, or every one.")
@json_option
@click.pass_context
def tag_matrix(ctx: click.Context, out_dir: Path, chosen: str, drop_constant: bool, as_json: bool) -> None:
    """The tagger's dataset: a sparse matrix of posts and rulebook classes, with weights."""
    from curator.rulebook_bench import find_filter
    from curator.tag_matrix import export_tag_matrix

    report = export_tag_matrix(project_of(ctx), out_dir, find_filter(chosen), drop_constant=drop_constant)
    for dropped in report.dropped:
        click.echo(f"dropped {dropped['record']}: {dropped['reason']}", err=True)

    def words() -> str:
        lines = [f"{report.images} posts, {report.classes} classes, {len(report.dropped)} dropped"]
        lines += [f"  {file['sha256'][:12]}  {report.folder / file['path']}" for file in report.files]
        return "\n".join(lines)

    answer(report.to_dict(), as_json, words)
    finish(bool(report.dropped))
