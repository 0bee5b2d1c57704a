"""`curator serve`: the one place that looks up, to the web application."""

import click

from curator.cli.common import json_option, project_of


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8750, show_default=True, type=click.IntRange(0, 65535), help="0 picks a free one.")
@json_option
@click.pass_context
def serve(ctx: click.Context, host: str, port: int, as_json: bool) -> None:
    """Serve the project's pages and API until interrupted."""
    run_server(project_of(ctx), host, port, as_json=as_json)


def run_server(project: object, host: str, port: int, *, as_json: bool) -> None:
    """Serve an opened project; returns when interrupted.

    Raises:
        Busy: it is served already. BadInput: the address cannot be used.
    """
    import json

    from annotator_ui.server import serve as serve_forever
    from curator.errors import BadInput
    from curator.project import Project, serving

    assert isinstance(project, Project)
    if host not in ("127.0.0.1", "localhost", "::1"):
        raise BadInput(f"--host: is {host}, expected 127.0.0.1: other addresses need accounts, which are not built yet")

    with serving(project) as lock:

        def announce(address: str) -> None:
            lock.announce(address)
            click.echo(
                json.dumps({"address": address, "project": str(project.root)})
                if as_json
                else f"Serving {project.name} at {address}"
            )

        serve_forever(project, host, port, announce)
