"""What the commands share: finding the project, answering as JSON or in words, exit codes, progress on stderr."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
import orjson

from curator.cli import AS_JSON
from curator.project import Project, find_project, open_project

F = TypeVar("F", bound=Callable[..., Any])


def json_option(function: F) -> F:
    """`--json`: one machine-readable object on stdout."""

    def remember(ctx: click.Context, _: click.Parameter, value: bool) -> bool:
        if value:
            ctx.meta[AS_JSON] = True  # so that a failure is told as an object as well
        return value

    return click.option(
        "--json", "as_json", is_flag=True, callback=remember, help="Answer with one JSON object on stdout."
    )(function)


def project_of(ctx: click.Context) -> Project:
    """The project that `-p`, CURATOR_PROJECT or the working folder names.

    Raises:
        ProjectError: there is none.
    """
    given = ctx.find_root().obj
    return open_project(Path(given) if given else find_project(Path.cwd()))


def answer(value: Any, as_json: bool, words: Callable[[], str]) -> None:
    """Print a result for machines or for people."""
    if as_json:
        try:
            text = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
        except orjson.JSONEncodeError:  # a path that is no Unicode
            text = json.dumps(value, indent=2)
        sys.stdout.write(text + "\n")
    else:
        click.echo(words())


def finish(has_refused: bool) -> NoReturn:
    """End the command: 0 if all was done, 1 if some records were refused."""
    raise SystemExit(1 if has_refused else 0)


def progress(label: str) -> Callable[[int, int], None]:
    """Show progress on stderr when a person is looking; at most a hundred updates."""
    if not sys.stderr.isatty():
        return lambda done, total: None
    last = [-1]

    def show(done: int, total: int) -> None:
        percent = 100 * done // max(total, 1)
        if percent != last[0] or done == total:
            last[0] = percent
            end = "\n" if done == total else ""
            sys.stderr.write(f"\r{label}: {done} of {total} ({percent} %){end}")
            sys.stderr.flush()

    return show
