"""What every test may ask for: a project, a served one, a browser, AnimeDrawingsDataset's own files.

Also here: how a run is made repeatable (one seed, printed at the top), which tests share a worker, and the rule that a
run which promised a browser or the shared data may not skip their tests:

    CHROMIUM           the browser to use; else the first that tools/find_chromium.py finds
    REQUIRE_BROWSER=1  a skipped browser test is a failure, and so is a run without any
    REQUIRE_SHARED=1   the same for tests that read ../shared/data
    TEST_SEED          the seed of everything random, hypothesis included
    SOAK_ROUNDS        how many rounds the tests with `fault_round` run (1 unless said)
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from tools.find_chromium import ADVICE, find_chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from curator.project import Project

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"
DEFAULT_SEED = 20220104
SEED = int(os.environ.get("TEST_SEED") or DEFAULT_SEED)
SOAK_ROUNDS = int(os.environ.get("SOAK_ROUNDS") or 1)
REQUIRED = {"browser": "REQUIRE_BROWSER", "shared_data": "REQUIRE_SHARED"}

# --headless is there although Playwright adds one of its own: newer Chromiums have no old headless mode to fall into.
CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SERVE_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0

# What the caller's shell says of projects must not reach the tests.
os.environ.pop("CURATOR_PROJECT", None)


# --- repeatable -------------------------------------------------------------------------------------------------------

hypothesis.settings.register_profile("house", deadline=None, print_blob=True)
hypothesis.settings.register_profile("ci", deadline=None, print_blob=True, database=None)
hypothesis.settings.register_profile("soak", deadline=None, print_blob=True, max_examples=5000)
hypothesis.settings.load_profile("house")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Give hypothesis our seed, before its plugin reads the option."""
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = str(SEED)


def pytest_report_header(config: pytest.Config) -> str:
    """Name the seed, so that any run can be repeated."""
    return f"seed: {config.option.hypothesis_seed} (repeat with TEST_SEED={config.option.hypothesis_seed})"


@pytest.fixture(scope="session")
def seed() -> int:
    """The seed for whatever a test draws by itself."""
    return SEED


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests with `fault_round` run once, and SOAK_ROUNDS times in a soak; the round belongs into their seed."""
    if "fault_round" in metafunc.fixturenames:
        metafunc.parametrize("fault_round", range(SOAK_ROUNDS), ids=[f"round{k}" for k in range(SOAK_ROUNDS)])


# --- which tests share a worker, and which may not be skipped ---------------------------------------------------------


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the fixtures they use, and keep all that watch a clock or a browser on one worker.

    With two cores, two browsers or a browser beside a killing test would fight for time; `--dist loadgroup` gives a
    group to one worker, and the other takes the rest.
    """
    for item in items:
        names = getattr(item, "fixturenames", ())
        if "browser" in names:
            item.add_marker("browser")
        if "shared_data" in names:
            item.add_marker("shared_data")
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker("fuzz")
        if item.get_closest_marker("browser") or item.get_closest_marker("faults"):
            item.add_marker(pytest.mark.xdist_group("processes"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where the run promised not to skip."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        for marker, variable in REQUIRED.items():
            if item.get_closest_marker(marker) and _is_required(marker):
                reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
                report.outcome = "failed"
                report.longrepr = f"{item.nodeid}: skipped although {variable}=1: {reason}"
    return report


def _is_required(marker: str) -> bool:
    return os.environ.get(REQUIRED[marker]) == "1"


class Tally:
    """How many tests of each promised kind ran; lives on the process that reports, not on xdist's workers."""

    def __init__(self) -> None:
        self.ran = dict.fromkeys(REQUIRED, 0)
        self.skipped = dict.fromkeys(REQUIRED, 0)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for marker in REQUIRED:
            if marker in report.keywords:
                self.ran[marker] += report.when == "call" and not report.skipped
                self.skipped[marker] += report.skipped

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if any(_is_required(marker) and not self.ran[marker] for marker in REQUIRED):
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for marker, variable in REQUIRED.items():
            terminalreporter.write_line(f"{marker}: {self.ran[marker]} ran, {self.skipped[marker]} skipped")
            if _is_required(marker) and not self.ran[marker]:
                terminalreporter.write_line(f"ERROR {variable}=1, but no {marker} test ran", red=True)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Count on the reporting process only."""
    if not hasattr(session.config, "workerinput"):
        session.config.pluginmanager.register(Tally(), "tally")


# --- a browser --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The Chromium of this machine; skips where there is none (and fails where CHROMIUM names a broken one)."""
    path = find_chromium()
    if path is None:
        pytest.skip(ADVICE)
    return path


@pytest.fixture(scope="session")
def browser(chromium_path: str) -> Iterator[Browser]:
    """A running headless Chromium, one a worker. Open a context of your own and close it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium_path, args=CHROMIUM_ARGUMENTS)
        yield running
        running.close()


# --- AnimeDrawingsDataset's own files ---------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder `../shared/data` beside the checkout; skips where it is absent."""
    if not (SHARED_DATA / "add" / "data.json").is_file():
        pytest.skip("no ../shared/data beside this checkout: AnimeDrawingsDataset's files are not part of it")
    return SHARED_DATA


# --- a project, and the real command serving it -----------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A fresh, empty project in a folder of its own (`.root`), opened through curator's own interface."""
    from curator.project import init_project

    made = init_project(tmp_path / "project")
    yield made
    made.close()


class Served:
    """`curator serve` as people run it: a process of its own, its address read from what it printed."""

    def __init__(self, root: Path, port: int = 0, arguments: tuple[str, ...] = ()) -> None:
        self.root = root
        self.lines: list[str] = []
        self.url = ""
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-u",
                "-m",
                "curator",
                "-p",
                str(root),
                "serve",
                "--json",
                "--port",
                str(port),
                *arguments,
            ],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        # Read to the end all the time: a server whose output nobody reads stops at a full pipe.
        self._reader = threading.Thread(target=self._read, name=f"reads server {self.pid}", daemon=True)
        self._reader.start()
        try:
            self._wait_for_address()
        except BaseException:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    @property
    def output(self) -> str:
        """What the server has printed so far, both streams."""
        return "".join(self.lines)

    def stop(self) -> int:
        """Ask it to end, as Ctrl+C does; its exit status. One that does not end in time is killed, and that fails."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            status = self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            pytest.fail(f"the server did not end within {STOP_TIMEOUT_S:.0f} s of SIGINT:\n{self.output}")
        self._close()
        return status

    def kill(self) -> None:
        """End it at once, as a power cut would: no handler of its own runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._close()

    def _close(self) -> None:
        self._reader.join(STOP_TIMEOUT_S)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line)
                self.url = self.url or _announced_in(line)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def _wait_for_address(self) -> None:
        until = time.monotonic() + SERVE_TIMEOUT_S
        with self._changed:
            while not self.url:
                left = until - time.monotonic()
                if self.process.poll() is not None or left <= 0:
                    self._changed.wait(0.2)  # the last lines may still be on their way
                    if self.url:
                        break
                    what = "ended" if self.process.poll() is not None else f"said nothing for {SERVE_TIMEOUT_S:.0f} s"
                    raise AssertionError(f"`curator serve` {what} before it printed an address:\n{self.output}")
                self._changed.wait(min(left, 0.1))


def _announced_in(line: str) -> str:
    """The address in a line like {"address": "http://127.0.0.1:8750", ...}; empty for any other line."""
    try:
        return str(json.loads(line)["address"])
    except (ValueError, KeyError, TypeError):
        return ""


@pytest.fixture
def served() -> Iterator[Callable[..., Served]]:
    """Serve a project folder: `served(root)`; again on the same address after a kill: `served(root, port=old.port)`."""
    running: list[Served] = []

    def serve(root: Path, *, port: int = 0, arguments: tuple[str, ...] = ()) -> Served:
        server = Served(Path(root), port, arguments)
        running.append(server)
        return server

    yield serve
    for server in running:
        server.kill()
