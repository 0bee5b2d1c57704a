"""The command line inside the test's own process: as quick as a function, as strict as a shell.

An exception that the command does not turn into a sentence fails the test at once; in a shell it would be a traceback.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from click.testing import CliRunner

ROOT: Final = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it said."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


def curator(root: Path | None, *arguments: str) -> Ran:
    """Run `curator [-p root] arguments`."""
    from curator.cli import cli

    project = [] if root is None else ["-p", str(root)]
    result = CliRunner().invoke(cli, [*project, *arguments], prog_name="curator")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise AssertionError(f"curator {' '.join(arguments)}: ended with a traceback") from result.exception
    assert "Traceback" not in result.stderr
    return Ran(result.exit_code, result.stdout, result.stderr)
