"""The README and the pages in docs/ are true: commands and options exist, pictures and linked pages are there."""

import re
import shlex
from pathlib import Path

import click
import pytest

from curator.cli import cli

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)#\s]+)[^)]*\)")


def _commands(text: str) -> list[str]:
    """Command lines: indented or fenced lines that begin with `curator`, and code in the text that does."""
    lines = [line.strip().lstrip("$ ") for line in text.splitlines() if line.startswith("    ")]
    lines += re.findall(r"`(curator [^`]+)`", text)
    return [re.split(r"  +#|   +", line)[0] for line in lines if line.startswith("curator ")]


def _walk(command_line: str) -> str | None:
    """What is wrong with a command line, or None."""
    words = [word for word in shlex.split(command_line.replace("[", " ").replace("]", " ")) if word != "..."]
    command: click.Command = cli
    context = click.Context(cli, info_name="curator")
    for word in words[1:]:
        if word.startswith("-"):
            known = {option for parameter in command.params for option in getattr(parameter, "opts", [])}
            if word.partition("=")[0] not in known | {"-h", "--help"}:
                return f"{command_line!r}: {command.name} has no option {word}"
        elif isinstance(command, click.Group):
            if word.isupper() or word == "my-project" or "|" in word:
                continue
            found = command.get_command(context, word)
            if found is None:
                return f"{command_line!r}: no command is called {word}"
            command = found
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_exists_with_its_options(page):
    wrong = [problem for line in _commands(page.read_text()) if (problem := _walk(line))]

    assert wrong == []


def test_the_readme_shows_commands_at_all():
    assert len(_commands((ROOT / "README.md").read_text())) >= 5


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page):
    targets = [target for target in LINK.findall(page.read_text()) if "://" not in target]

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_a_wrong_command_would_be_noticed():
    assert _walk("curator dance") is not None
    assert _walk("curator -p DIR import add FILE --sideways") is not None
    assert _walk("curator -p my-project import add data.json --images DIR") is None
