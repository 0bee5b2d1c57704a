"""`curator demo`: a project to try things on, served at once."""

from pathlib import Path

import click

from curator.cli.common import answer, json_option, progress


@click.command()
@click.argument("directory", type=click.Path(path_type=Path), default=Path("demo"))
@click.option("--no-serve", is_flag=True, help="Only build it.")
@click.option("--port", default=8750, show_default=True, type=click.IntRange(0, 65535), help="0 picks a free one.")
@json_option
def demo(directory: Path, no_serve: bool, port: int, as_json: bool) -> None:
    """Build a demo project of drawn characters in DIRECTORY, if it is not there yet, and serve it."""
    from curator.cli.serve import run_server
    from curator.demo import build_demo
    from curator.project import DATABASE_NAME, open_project

    is_new = not (directory / DATABASE_NAME).is_file()
    if is_new:
        click.echo("Drawing the demo characters ...", err=True)
        project = build_demo(directory, progress("drawings"))
    else:
        project = open_project(directory)
    if no_serve:
        answer(
            {"project": str(project.root), "built": is_new},
            as_json,
            lambda: f"{'Built' if is_new else 'Kept'} the demo project in {project.root}",
        )
        return
    run_server(project, "127.0.0.1", port, as_json=as_json)
