"""Find a headless Chromium for the browser tests, and with --install try to get one.

Prints the path of the program. The order: the one that CHROMIUM names; one installed on this machine; Playwright's own,
already downloaded; and with --install a download by Playwright, then the system's package manager. A candidate counts
only when it answers `--version`: some systems ship a file of this name that merely says where to get a browser.

Used by the Makefile (to install) and by tests/conftest.py (to find); imports nothing outside of the standard library.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
APPLICATIONS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
# Commands by package manager, each run as root or through `sudo -n`. The font is for the screenshots: without any, a
# headless browser draws pages with no letters.
PACKAGE_MANAGERS = {
    "apt-get": (
        ("apt-get", "update", "-q"),
        ("apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium", "fonts-liberation"),
    ),
    "dnf": (("dnf", "install", "-y", "chromium", "liberation-fonts"),),
    "apk": (("apk", "add", "chromium", "font-liberation"),),
    "pacman": (("pacman", "-S", "--noconfirm", "chromium", "ttf-liberation"),),
}
VERSION_TIMEOUT_S = 30
DOWNLOAD_TIMEOUT_S = 600
ADVICE = (
    "No Chromium was found and none could be installed, and the browser tests need one. Install it with your system's "
    "package manager (Debian: `apt-get install chromium`), or run `.venv/bin/python -m playwright install chromium`, "
    "or name one that you have: `CHROMIUM=/path/to/chromium make test`."
)


class NamedBrowserFails(ValueError):
    """CHROMIUM names a program that does not run; silently taking another would test the wrong browser."""


def find_chromium() -> str | None:
    """The path of a Chromium that runs, or None.

    Raises:
        NamedBrowserFails: the environment variable CHROMIUM is set, but what it names does not run.
    """
    named = os.environ.get("CHROMIUM")
    if named:
        path = shutil.which(named)
        if path is None or not _runs(path):
            raise NamedBrowserFails(f"CHROMIUM={named}: this program does not answer --version")
        return path
    return next((path for path in _candidates() if _runs(path)), None)


def _candidates() -> Iterator[str]:
    for name in NAMES:
        path = shutil.which(name)
        if path is not None:
            yield path
    yield from (path for path in APPLICATIONS if Path(path).is_file())
    own = _playwrights_own()
    if own is not None:
        yield own


def _playwrights_own() -> str | None:
    """Where Playwright of this Python keeps its browser; None where it has none."""
    # A process of its own: Playwright's sync interface may run once at a time in a process, and the tests use it.
    code = (
        "from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as playwright: print(playwright.chromium.executable_path)"
    )
    answer = _ran([sys.executable, "-c", code], timeout_s=VERSION_TIMEOUT_S)
    path = answer.stdout.strip() if answer is not None and answer.returncode == 0 else ""
    return path if path and Path(path).is_file() else None


def _runs(path: str) -> bool:
    answer = _ran([path, "--version"], timeout_s=VERSION_TIMEOUT_S)
    return answer is not None and answer.returncode == 0 and "chrom" in answer.stdout.lower()


def _ran(command: list[str], *, timeout_s: float) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=timeout_s
        )
    except (OSError, subprocess.TimeoutExpired):
        return None


def install_chromium() -> str | None:
    """Try Playwright's download, then the system's package manager; the path, or None when neither gave a browser."""
    for what, commands in _ways_to_install():
        print(f"No Chromium found; trying {what}", file=sys.stderr)
        for command in commands:
            try:
                answer = subprocess.run(
                    command, stdin=subprocess.DEVNULL, stdout=sys.stderr, timeout=DOWNLOAD_TIMEOUT_S
                )
            except (OSError, subprocess.TimeoutExpired) as problem:
                print(f"  did not work: {problem}", file=sys.stderr)
                break
            if answer.returncode != 0:
                print(f"  did not work: {' '.join(command)} ended with {answer.returncode}", file=sys.stderr)
                # A failed refresh of the package lists is no reason to stop: the lists at hand may do.
                if command[-2:] != ["update", "-q"]:
                    break
        path = find_chromium()
        if path is not None:
            return path
    return None


def _ways_to_install() -> Iterator[tuple[str, list[list[str]]]]:
    yield "Playwright's download", [[sys.executable, "-m", "playwright", "install", "chromium"]]
    become_root = _become_root()
    if become_root is None:
        return
    for manager, commands in PACKAGE_MANAGERS.items():
        if shutil.which(manager) is not None:
            yield manager, [[*become_root, *command] for command in commands]


def _become_root() -> list[str] | None:
    """The words to put before a command to run it as root; None where this user may not."""
    if not hasattr(os, "geteuid"):
        return None
    if os.geteuid() == 0:
        return ["env", "DEBIAN_FRONTEND=noninteractive"]
    answer = _ran(["sudo", "-n", "true"], timeout_s=VERSION_TIMEOUT_S)
    if answer is None or answer.returncode != 0:
        return None
    return ["sudo", "-n", "env", "DEBIAN_FRONTEND=noninteractive"]


def main() -> int:
    """Print the path of a Chromium; 1 with advice where there is none."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--install", action="store_true", help="try to install one where none is found")
    options = parser.parse_args()
    try:
        path = find_chromium() or (install_chromium() if options.install else None)
    except NamedBrowserFails as problem:
        print(problem, file=sys.stderr)
        return 1
    if path is None:
        print(ADVICE, file=sys.stderr)
        return 1
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
