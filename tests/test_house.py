"""The house keeps its rooms: who imports whom, which door each dependency comes through, what loads when.

The map is the table of rooms in the README. import-linter (`make lint`) holds the same arrows over indirect imports;
this test reads the source itself, so that it names file and line, and holds what an import graph does not know: SQL in
strings, docstrings, names of machines.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# What may import what, rooms of ours.
MAY_IMPORT = {
    "rulebook": set(),
    "datasets": set(),
    "models": {"datasets"},
    "curator": {"rulebook", "datasets", "models"},
    "annotator_ui": {"curator"},
}
ROOMS = tuple(MAY_IMPORT)
PURE_ROOMS = ("rulebook", "datasets", "models")
# The one look upwards, and the one part of the store that pages may name: the local user's id.
EXCEPTIONS = (("curator.cli.", "annotator_ui"),)

# One door a dependency: the modules (or whole packages, with a dot behind) that may import it.
DOORS = {
    "sqlite3": ("curator.store.",),
    "sqlite_utils": ("curator.store.",),
    "flask": ("annotator_ui.",),
    "werkzeug": ("annotator_ui.",),
    "jinja2": ("annotator_ui.",),
    "waitress": ("annotator_ui.",),
    "requests": ("curator.http", "curator.client"),
    "urllib3": ("curator.http", "curator.client"),
    "urllib.request": ("curator.http", "curator.client"),
    "http.client": ("curator.http", "curator.client"),
    "socket": ("curator.http", "curator.client", "annotator_ui.", "curator.cli."),
    "torch": ("models.",),
    "torchvision": ("models.",),
    "click": ("curator.cli.",),
    "pycocotools": ("datasets.masks", "datasets.coco_verify", "models.coco_evaluation"),
}
HEAVY = {"torch", "torchvision", "lightning", "numpy", "scipy", "PIL", "pyvips", "pycocotools", "flask", "requests"}

SQL = re.compile(
    r"\s*(SELECT\s.+\sFROM|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+(TABLE|INDEX|TRIGGER)"
    r"|ALTER\s+TABLE|DROP\s+TABLE|BEGIN\s+IMMEDIATE|PRAGMA\s)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Module:
    """One source file of a room, parsed."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def room(self) -> str:
        return self.name.partition(".")[0]

    def at(self, node: ast.AST) -> str:
        return f"{self.path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"

    def lies_in(self, places: tuple[str, ...]) -> bool:
        return any(f"{self.name}.".startswith(place if place.endswith(".") else f"{place}.") for place in places)

    def imports(self) -> Iterator[tuple[str, ast.AST]]:
        """Every module named by an import, wherever in the file it stands; `from a import b` gives a and a.b."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield alias.name, node
            elif isinstance(node, ast.ImportFrom):
                base = self._base_of(node)
                yield base, node
                for alias in node.names:
                    yield f"{base}.{alias.name}", node

    def _base_of(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.name.split(".")
        parts = parts[: len(parts) - node.level + (self.path.name == "__init__.py")]
        return ".".join([*parts, *([node.module] if node.module else [])])


def modules_of(*rooms: str) -> list[Module]:
    found = []
    for room in rooms:
        for path in sorted((ROOT / room).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found.append(Module(name, path, ast.parse(path.read_text(encoding="utf-8"), str(path))))
    return found


# --- arrows and doors -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_the_rooms_below_it(room):
    wrong = [
        f"{module.at(node)}: {module.name} imports {imported}"
        for module in modules_of(room)
        for imported, node in module.imports()
        if (other := imported.partition(".")[0]) in (*ROOMS, "tests", "benchmarks", "tools")
        and other != room
        and other not in MAY_IMPORT[room]
        and not any(module.lies_in((above,)) and other == below for above, below in EXCEPTIONS)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("dependency", DOORS)
def test_a_dependency_comes_in_by_its_own_door(dependency):
    wrong = [
        f"{module.at(node)}: {module.name} imports {imported}; its door is {', '.join(DOORS[dependency])}"
        for module in modules_of(*ROOMS)
        for imported, node in module.imports()
        if f"{imported}.".startswith(f"{dependency}.") and not module.lies_in(DOORS[dependency])
    ]
    assert not wrong, "\n".join(dict.fromkeys(wrong))


def test_the_web_pages_reach_the_store_only_for_the_local_user():
    wrong = [
        f"{module.at(node)}: {module.name} imports {imported}"
        for module in modules_of("annotator_ui")
        for imported, node in module.imports()
        if imported.startswith("curator.store.") and not imported.startswith("curator.store.users")
    ]
    assert not wrong, "\n".join(wrong)


def test_sql_is_written_only_in_the_store():
    wrong = [
        f"{module.at(node)}: {node.value.strip().splitlines()[0]}"
        for module in modules_of(*ROOMS)
        if not module.lies_in(("curator.store.",))
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value)
    ]
    assert not wrong, "\n".join(wrong)


# --- what loads when --------------------------------------------------------------------------------------------------


def loaded_by(code: str) -> set[str]:
    """The names of all modules that a fresh Python holds after running `code`."""
    answer = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint('\\n'.join(sys.modules), file=sys.stderr)"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert answer.returncode == 0, answer.stderr
    return set(answer.stderr.split())


def test_importing_curator_loads_nothing_heavy():
    assert not loaded_by("import curator") & HEAVY


def test_the_help_of_the_command_loads_nothing_heavy():
    asks_for_help = (
        "from curator.cli import main\nsys.argv = ['curator', '--help']\ntry: main()\nexcept SystemExit: pass"
    )
    assert not loaded_by(asks_for_help) & (HEAVY | {"sqlite_utils"})


def test_the_web_pages_open_without_a_network():
    every_page = "\n".join(f"import {module.name}" for module in modules_of("annotator_ui"))
    assert not loaded_by(every_page) & {"torch", "torchvision", "lightning"}


@pytest.mark.parametrize("room", ROOMS)
def test_importing_does_nothing_but_define(room):
    """Statements at the top of a module are definitions; a bare call there would open or register something."""
    wrong = [
        f"{module.at(node)}: {ast.unparse(node)}"
        for module in modules_of(room)
        for node in module.tree.body
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and module.path.name != "__main__.py"
    ]
    assert not wrong, "\n".join(wrong)


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("room", ROOMS)
def test_a_package_promises_what_lives_there(room):
    silent = [
        f"{folder.relative_to(ROOT)}: no __init__.py with a docstring"
        for folder in {module.path.parent for module in modules_of(room)}
        if not (folder / "__init__.py").is_file() or ast.get_docstring(_parsed(folder / "__init__.py")) is None
    ]
    assert not silent, "\n".join(sorted(silent))


@pytest.mark.parametrize("room", PURE_ROOMS)
def test_every_public_function_of_a_pure_room_says_what_it_is_for(room):
    silent = [
        f"{module.at(node)}: {node.name}"
        for module in modules_of(room)
        for node in module.tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and ast.get_docstring(node) is None
    ]
    silent += [f"{module.at(module.tree)}: the module" for module in modules_of(room) if not _says(module.tree)]
    assert not silent, "\n".join(silent)


def test_modules_are_named_after_their_subject():
    nameless = ("utils", "util", "helpers", "misc")
    assert not [module.name for module in modules_of(*ROOMS) if module.path.stem in nameless]


def test_tests_stay_flat_and_are_no_package():
    assert not list((ROOT / "tests").rglob("__init__.py"))
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders <= {"browser", "faults"}


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _says(tree: ast.Module) -> bool:
    return ast.get_docstring(tree) is not None


# --- pins, machines ---------------------------------------------------------------------------------------------------


def test_the_pins_are_names_and_versions_only():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    wrong = [line for line in lines if not re.fullmatch(r"#.*|[a-z0-9][a-z0-9.-]*==[0-9][0-9a-z.]*", line)]
    assert not wrong


def test_everything_the_project_asks_for_is_pinned():
    described = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = list(described["project"]["dependencies"])
    for group in (*described["project"]["optional-dependencies"].values(), *described["dependency-groups"].values()):
        asked += group
    names = {re.match(r"[A-Za-z0-9._-]+", line).group(0).lower().replace("_", "-") for line in asked}
    pinned = {line.partition("==")[0] for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()}
    assert not names - pinned


# One letter of each stands in brackets, so that this file does not name what it looks for.
MACHINE_NAMES = re.compile(
    r"pyp[i]\.org|pythonhoste[d]\.org|registry\.np[m]js|deb\.debia[n]\.org|crate[s]\.io|conda\.anacond[a]\.org"
    r"|(?<![\w./~}\-])/(?:roo[t]|wor[k]|hom[e]|User[s])/\w|/opt/(?:pyp[i]|wheel[s])|/tm[p]/v/"
)
TEXT = {".py", ".toml", ".txt", ".md", ".sh", ".json", ".js", ".css", ".html", ".cfg", ".ini", ".yml", ".yaml", ""}
NOT_OURS = {".git", "build", "demo", "demo.part", "__pycache__", "node_modules"}


def test_no_file_names_a_package_registry_or_a_path_of_one_machine():
    wrong = []
    for path in _files(ROOT):
        text = path.read_text(encoding="utf-8", errors="replace")
        for number, line in enumerate(text.splitlines(), 1):
            if found := MACHINE_NAMES.search(line):
                wrong.append(f"{path.relative_to(ROOT)}:{number}: {found.group(0)}")
    assert not wrong, "\n".join(wrong[:50])


def _files(folder: Path) -> Iterator[Path]:
    """Text files of the checkout: hidden folders are tools' caches and environments, all but ours."""
    for path in sorted(folder.iterdir()):
        if path.name in NOT_OURS or path.is_symlink():
            continue
        if path.is_dir():
            if path.name == ".ci" or not (path.name.startswith(".") or path.suffix == ".egg-info"):
                yield from _files(path)
        elif path.suffix in TEXT:
            yield path
