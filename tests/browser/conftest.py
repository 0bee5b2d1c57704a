"""What the browser tests stand on: the modules alone on an empty page, a drawn project, a person at the editor."""

import functools
import http.server
import json
import shutil
import sqlite3
import tempfile
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

STATIC = Path(__file__).resolve().parents[2] / "annotator_ui" / "static"
WANTED = ("right_ear", "right_eye", "left_eye", "left_ear")
NUM_DRAWINGS = 13
PATIENCE_MS = 10_000
SCREEN = {"width": 1280, "height": 800}


# --- the modules by themselves ----------------------------------------------------------------------------------------


class _Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript"}

    def do_GET(self) -> None:
        if self.path != "/":
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>modules</title>")

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


@pytest.fixture(scope="session")
def static_server() -> Iterator[str]:
    """The browser modules, served with an empty page beside them."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(STATIC)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def empty_page(browser: Any, static_server: str) -> Iterator[Any]:
    """A page without anything, beside the modules."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(static_server)
    yield page
    context.close()


@pytest.fixture
def js(empty_page: Any) -> Callable[..., Any]:
    """Run an async function body on an empty page: `js("geometry", "return m.fitRect(...)")`; the module is `m`."""
    empty_page.evaluate("localStorage.clear()")

    def run(module: str, body: str, argument: Any = None) -> Any:
        return empty_page.evaluate(
            "async (given) => { 'use strict'; const [module, argument] = given;"
            "const m = await import(`/js/${module}.js`);\n" + body + "\n}",
            [module, argument],
        )

    return run


# --- a drawn project --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of drawn characters, as AnimeDrawingsDataset brings them; the last has no picture. Copy, never open."""
    from curator.demo import write_drawings
    from curator.imports import import_add
    from curator.picture_import import import_images
    from curator.project import init_project

    root = tmp_path_factory.mktemp("drawn") / "project"
    project = init_project(root)
    with tempfile.TemporaryDirectory() as scratch:
        write_drawings(Path(scratch), NUM_DRAWINGS, first_seed=2022)
        import_add(project, Path(scratch) / "data.json")
        sorted((Path(scratch) / "images").iterdir())[-1].unlink()
        import_images(project, Path(scratch) / "images")
    project.close()
    return root


class Store:
    """What was really kept, seen from outside of the page: through the API, and the database read-only."""

    def __init__(self, root: Path, url: str) -> None:
        self.root, self.url = root, url

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return json.load(answer)

    def send(self, method: str, path: str, body: dict[str, Any]) -> Any:
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def annotation(self, annotation_id: int) -> dict[str, Any]:
        return self.get(f"/api/queues/face/tasks/{annotation_id}")["annotation"]

    def keypoint(self, annotation_id: int, name: str) -> dict[str, Any]:
        return self.annotation(annotation_id)["keypoints"][name]

    def queue(self) -> dict[str, Any]:
        return self.get("/api/queues")["queues"][0]

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.root / 'curator.db'}?mode=ro", uri=True)) as db:
            return db.execute(query, values).fetchall()

    def actions(self) -> list[str]:
        """What people did, oldest first, imports left out."""
        return [row[0] for row in self.rows("SELECT action FROM revisions WHERE action != 'import' ORDER BY id")]


@pytest.fixture
def workplace(drawn: Path, tmp_path: Path, served: Callable[..., Any]) -> Any:
    """A copy of the drawn project, served."""

    class Workplace:
        root = tmp_path / "project"

        def __init__(self) -> None:
            shutil.copytree(drawn, self.root)
            self.server = served(self.root)
            self.store = Store(self.root, self.server.url)

        def restart(self) -> None:
            """Back on the same address, after a kill."""
            self.server = served(self.root, port=self.server.port)

    return Workplace()


# --- a person at the editor -------------------------------------------------------------------------------------------


class Person:
    """Somebody at the editor. Counts actions: a key, a click and a drag are one each."""

    def __init__(self, context: Any, url: str) -> None:
        self.context, self.url = context, url
        self.page = context.new_page()
        self.actions = 0
        self.complaints: list[str] = []
        self.page.on("console", lambda message: message.type in ("error", "warning") and self._complain(message.text))
        self.page.on("pageerror", lambda error: self._complain(f"{error.message}\n{error.stack}"))

    def _complain(self, text: str) -> None:
        self.complaints.append(text)

    def opens(self, path: str = "/label/face", *, ready: bool = True) -> "Person":
        self.page.goto(self.url + path)
        if ready:
            self.waits_for_drawing()
        return self

    def waits_for_drawing(self, *, other_than: int | None = None) -> None:
        unlike = "" if other_than is None else f":not([data-annotation-id='{other_than}'])"
        self.page.wait_for_selector(f"#drawing[data-ready=true]{unlike}", timeout=PATIENCE_MS)

    @property
    def drawing(self) -> int:
        return int(self.page.get_attribute("#drawing", "data-annotation-id") or 0)

    @property
    def active(self) -> str:
        return self.page.get_attribute("#drawing", "data-active") or ""

    @property
    def save_words(self) -> str:
        return self.page.inner_text("[data-save-words]")

    @property
    def message(self) -> str:
        return self.page.inner_text("[data-toast-words]") if self.page.is_visible("[data-toast]") else ""

    def presses(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.actions += 1

    def confirms(self) -> int:
        """Enter, and the next drawing is there. Returns the id of the confirmed one."""
        before = self.drawing
        self.presses("Enter")
        self.page.wait_for_selector(
            f"#drawing[data-ready=true]:not([data-annotation-id='{before}']), [data-stage=finished]",
            timeout=PATIENCE_MS,
        )
        return before

    def sees(self, name: str) -> dict[str, Any]:
        """A keypoint as it is shown."""
        return self.page.evaluate("name => window.editor.point(name)", name)

    def on_page(self, x: float, y: float) -> tuple[float, float]:
        at = self.page.evaluate("([x, y]) => window.editor.imageToPage(x, y)", [x, y])
        return at["x"], at["y"]

    def clicks(self, x: float, y: float) -> None:
        self.page.mouse.click(*self.on_page(x, y))
        self.actions += 1

    def drags(self, start: tuple[float, float], to: tuple[float, float]) -> None:
        """Press, move, release; places in image pixels."""
        mouse = self.page.mouse
        (ax, ay), (bx, by) = self.on_page(*start), self.on_page(*to)
        mouse.move(ax, ay)
        mouse.down()
        mouse.move((ax + bx) / 2, (ay + by) / 2)
        mouse.move(bx, by)
        mouse.up()
        self.actions += 1

    def waits_until_saved(self) -> None:
        self.page.wait_for_selector("[data-save-state=saved]", timeout=PATIENCE_MS)

    def waits_until_offline(self) -> None:
        self.page.wait_for_selector("[data-save-state=offline]", timeout=PATIENCE_MS)


@pytest.fixture
def person(browser: Any, workplace: Any) -> Iterator[Person]:
    """A person at the served project. At the end nothing may stand in the browser's console."""
    context = browser.new_context(viewport=SCREEN, color_scheme="light")
    somebody = Person(context, workplace.server.url)
    yield somebody
    context.close()
    assert somebody.complaints == []
