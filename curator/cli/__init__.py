"""The command line: `curator`. One table of commands in plain sight; each loads its code only when it runs.

Every command takes `--json` for one machine-readable object on stdout; progress and complaints go to stderr. Exit 0
only if all was done, 1 if something was refused or failed, 2 for bad use. Bad input never shows a traceback.
"""

import importlib
import os
from typing import Any, Final

import click

# command -> (module, attribute, one line for the list of commands)
COMMANDS: Final[dict[str, tuple[str, str, str]]] = {
    "init": ("curator.cli.projects", "init", "Make an empty project folder."),
    "demo": ("curator.cli.demo", "demo", "Build a demo project of drawn characters and serve it."),
    "serve": ("curator.cli.serve", "serve", "Serve a project's pages and API."),
    "status": ("curator.cli.projects", "status", "Where the project stands: images, keypoints, queues."),
    "check": ("curator.cli.projects", "check", "Prove that nothing is lost or damaged."),
    "import": ("curator.cli.imports", "import_group", "Take in annotations, pictures, posts, tags."),
    "prefill": ("curator.cli.prefill", "prefill", "Propose what nobody has decided yet."),
    "rulebook": ("curator.cli.rulebook", "rulebook_group", "Check, apply, change and publish the tag rulebook."),
    "posts": ("curator.cli.posts", "posts_group", "Look through the filter at the posts."),
    "export": ("curator.cli.exports", "export_group", "Write the dataset for other tools."),
    "backup": ("curator.cli.projects", "backup", "Write the whole project into one file."),
    "restore": ("curator.cli.projects", "restore", "Make a project from a backup."),
}

AS_JSON: Final = "curator.as_json"  # in the context's meta: the command was given --json


class CommandTable(click.Group):
    """A group whose help comes from `COMMANDS`, so that `curator --help` loads no command."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        from curator.errors import CuratorError

        try:
            return super().invoke(ctx)
        except CuratorError as error:
            raise Failure(str(error), as_json=bool(ctx.meta.get(AS_JSON))) from error
        except (OSError, RecursionError, MemoryError) as error:
            # What no door turned into its own sentence; a person still gets one instead of a traceback.
            sentence = f"{type(error).__name__}: {error or 'the input is nested too deeply or too large'}"
            raise Failure(sentence, as_json=bool(ctx.meta.get(AS_JSON))) from error


class Failure(click.ClickException):
    """A failure told as one sentence on stderr, and with `--json` as an object on stdout too; exit 1."""

    exit_code = 1

    def __init__(self, message: str, *, as_json: bool) -> None:
        super().__init__(message)
        self.as_json = as_json

    def show(self, file: Any = None) -> None:
        click.echo(f"curator: {self.message}", err=True)
        if self.as_json:
            import json

            click.echo(json.dumps({"ok": False, "error": self.message}))


@click.group(cls=CommandTable, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-p",
    "--project",
    "project_dir",
    metavar="DIR",
    envvar="CURATOR_PROJECT",
    help="The project folder; else the nearest folder above with a curator.db.",
)
@click.version_option(package_name="character-curator", message="%(version)s")
@click.pass_context
def cli(ctx: click.Context, project_dir: str | None) -> None:
    """Annotate and curate datasets of illustrated characters."""
    ctx.obj = project_dir


def main() -> None:
    """Entry point of the `curator` command."""
    # The fit of `geometry` is small: on busy cores, BLAS threads that wait for each other made it ten times slower.
    # OpenBLAS reads this when numpy loads, and sqlite-utils loads numpy.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    cli(prog_name="curator")
