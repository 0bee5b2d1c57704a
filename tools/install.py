"""Make the virtual environment .venv and install what a make target needs into it.

    python tools/install.py main|dev|bench      the project with its dependencies, and those of the extra
    python tools/install.py interop             other projects' libraries alone, in .venv-interop
    python tools/install.py pins                resolve constraints.txt anew

Run by the Makefile with any Python 3.11+ outside of the environment; needs the standard library only. Versions come
from constraints.txt. pip puts uv into the environment, and uv, about five times quicker, installs the rest; where uv
cannot be had or fails, pip does it all. uv does not read pip's configuration, so what pip was told of this machine's
indexes and certificates is handed on.
"""

from __future__ import annotations

import argparse
import ast
import fcntl
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "constraints.txt"
WHATS = ("main", "dev", "bench", "interop")

# pip's option -> uv's environment variable, and what joins several values there.
UV_VARIABLE = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "no-index": ("UV_NO_INDEX", " "),
    "cert": ("SSL_CERT_FILE", " "),
    "proxy": ("ALL_PROXY", " "),
    "timeout": ("UV_HTTP_TIMEOUT", " "),
}
# pip names these sections in the order in which the later one wins.
PIP_SECTIONS = ("global", "install", ":env:")

EDITABLE = ["--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
PINS_HEADER = """\
# The exact versions that the project is tested with, those of every extra and group together: names and versions only.
# Made by `make pins` from the ranges in pyproject.toml.
"""


class CannotInstall(Exception):
    """One sentence on what failed."""


def main() -> int:
    """Install one of WHATS; 1 with a sentence on stderr where that fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=(*WHATS, "pins"))
    what = parser.parse_args().what
    environment = ROOT / (".venv-interop" if what == "interop" else ".venv")
    started = time.monotonic()
    try:
        with _one_at_a_time():
            python = ensure_environment(environment)
            ensure_installer(python)
            if what == "pins":
                pin(python)
                return 0
            install(python, requirements_for(what))
            if what != "interop":
                install(python, EDITABLE)
    except CannotInstall as problem:
        print(f"install {what}: {problem}", file=sys.stderr)
        return 1
    say(f"{environment.name} has what `{what}` needs ({time.monotonic() - started:.1f} s)")
    return 0


def requirements_for(what: str) -> list[str]:
    """The requirement lines of pyproject.toml that belong to `main`, `dev`, `bench` or `interop`."""
    described = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    if what == "interop":
        return described["dependency-groups"]["interop"]
    extra = [] if what == "main" else described["project"]["optional-dependencies"][what]
    return described["project"]["dependencies"] + extra


def ensure_environment(environment: Path) -> Path:
    """Make the environment unless it is there, works and belongs to this folder; its Python."""
    python = environment / "bin" / "python"
    if _answers(python, "import pip") is not None and _was_made_for(environment):
        return python
    if environment.is_symlink():
        raise CannotInstall(f"{environment.name} is a link to an environment that does not work; remove the link")
    if environment.exists():
        say(f"{environment.name} does not work here (moved, or its Python is gone): making it anew")
        shutil.rmtree(environment)
    say(f"Making {environment.name} with Python {sys.version.split()[0]}")
    if _run([sys.executable, "-m", "venv", str(environment)]) != 0:
        raise CannotInstall(f"`{sys.executable} -m venv` failed, see above")
    return python


def ensure_installer(python: Path) -> None:
    """Put the pinned setuptools, and uv where it can be had, into the environment."""
    pins = _pins()
    have = _answers(python, "from importlib.metadata import version as v; print(v('uv'), v('setuptools'))")
    if have == f"{pins['uv']} {pins['setuptools']}":
        return
    pip_install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    setuptools, uv = f"setuptools=={pins['setuptools']}", f"uv=={pins['uv']}"
    if _run([*pip_install, setuptools, uv]) == 0:
        return
    say("uv cannot be installed here; pip will do its work, more slowly")
    if _run([*pip_install, setuptools]) != 0:
        raise CannotInstall("pip could not install setuptools, see above; is a package index reachable?")


def install(python: Path, arguments: list[str]) -> None:
    """Install by uv, or by pip where uv is absent or fails; versions from constraints.txt.

    Raises:
        CannotInstall: neither did it.
    """
    uv = python.parent / "uv"
    common = ["--constraint", str(CONSTRAINTS), *arguments]
    if uv.exists():
        command = [str(uv), "pip", "install", "--python", str(python), "--compile-bytecode", *common]
        command += ["--build-constraints", str(CONSTRAINTS)]
        if _run(command, env=uv_environment(python)) == 0:
            return
        say("uv failed, see above; trying pip")
    command = [str(python), "-m", "pip", "install", "--disable-pip-version-check", *common]
    if _run(command) != 0:
        raise CannotInstall("pip could not install the packages, see above; is a package index reachable?")


def pin(python: Path) -> None:
    """Resolve everything that pyproject.toml names, extras and groups together, for the oldest Python; write the pins.

    Raises:
        CannotInstall: uv is absent, or finds no set of versions that fits.
    """
    command = [str(python.parent / "uv"), "pip", "compile", "--python", str(python), "--python-version", "3.11"]
    command += ["--all-extras", "--group", "install", "--group", "interop", "--upgrade"]
    command += ["--no-header", "--no-annotate", "--quiet", str(ROOT / "pyproject.toml")]
    answer = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=uv_environment(python), cwd=ROOT
    )
    if answer.returncode != 0:
        raise CannotInstall("uv found no versions that fit together, see above")
    pins = [line.partition(";")[0].strip() for line in answer.stdout.splitlines() if "==" in line]
    CONSTRAINTS.write_text(PINS_HEADER + "\n".join(pins) + "\n", encoding="utf-8")


def uv_environment(python: Path) -> dict[str, str]:
    """This process's environment, with what pip's configuration says of indexes, certificates and proxies."""
    answer = subprocess.run(
        [str(python), "-m", "pip", "config", "list"], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    told = uv_variables(answer.stdout) if answer.returncode == 0 else {}
    # pip looks for the best version on all indexes; uv would stop at the first index that knows the name.
    return {"UV_INDEX_STRATEGY": "unsafe-best-match", **told, **os.environ}


def uv_variables(pip_config_list: str) -> Mapping[str, str]:
    """Translate what `pip config list` prints (`global.index-url='...'` a line) into uv's environment variables."""
    told: dict[str, dict[str, str]] = {section: {} for section in PIP_SECTIONS}
    for line in pip_config_list.splitlines():
        key, _, printed = line.partition("=")
        section, _, option = key.strip().rpartition(".")
        if section not in told or option not in UV_VARIABLE:
            continue
        values = ast.literal_eval(printed).split()  # pip prints Python's repr of the text
        variable, joint = UV_VARIABLE[option]
        if values:
            told[section][variable] = joint.join(values)
    return {variable: value for section in PIP_SECTIONS for variable, value in told[section].items()}


def say(sentence: str) -> None:
    """Tell progress, on stderr: stdout belongs to what runs after us."""
    print(sentence, file=sys.stderr, flush=True)


def _pins() -> dict[str, str]:
    lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))


def _was_made_for(environment: Path) -> bool:
    """Whether the environment was made where it lies: its commands begin with the full path of their Python."""
    try:
        return f"{environment}" in (environment / "bin" / "activate").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def _answers(python: Path, code: str) -> str | None:
    try:
        answer = subprocess.run([str(python), "-c", code], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except OSError:
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def _run(command: list[str], env: Mapping[str, str] | None = None) -> int:
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, env=env, cwd=ROOT).returncode


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Wait for another installation in this folder: `make demo` and `make test` may be started together."""
    lock = ROOT / "build" / "install.lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main())
