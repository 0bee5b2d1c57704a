"""Home, export and removed in a real browser over a real served project; nothing may stand in its console.

With CURATOR_PICTURES=1 the pages are also photographed into docs/pictures.
"""

import hashlib
import itertools
import json
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from curator.project import init_project

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
SCREENS = {"light": {"width": 1280, "height": 800}, "dark": {"width": 1920, "height": 1080}}
REASONS = ("several characters", "duplicate")


@pytest.fixture
def visits(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open an address in a browser of its own: `visits(url)`, `visits(url, scheme="dark")`."""
    contexts, complaints = [], []

    def open_page(url: str, *, scheme: str = "light", **options: Any) -> Any:
        context = browser.new_context(viewport=SCREENS[scheme], color_scheme=scheme, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: message.type in ("error", "warning") and complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(error.message))
        page.goto(url)
        return page

    open_page.complaints = complaints  # type: ignore[attr-defined]
    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def half_done(workplace: Any) -> Any:
    """The drawn project after some work: five confirmed, one set aside, two removed, one without its picture."""
    store = workplace.store
    tasks = store.get("/api/queues/face/tasks?limit=8")["tasks"]
    for task in tasks[:5]:
        proposed = task["prediction"]["keypoints"]
        keypoints = {
            name: {key: proposed[name][key] for key in ("x", "y", "state")} | {"source": "confirmed"}
            for name in task["wanted"]
        }
        answer = {"change_id": str(uuid.uuid4()), "base_version": task["annotation"]["version"], "queue": "face"}
        store.send(
            "POST",
            f"/api/annotations/{task['annotation']['id']}/confirmations",
            answer | {"changes": {"keypoints": keypoints}, "shown": task["prediction"], "active_ms": 3000},
        )
    skip = {"change_id": str(uuid.uuid4()), "queue": "face", "reason": "hard to see"}
    store.send("POST", f"/api/annotations/{tasks[5]['annotation']['id']}/skips", skip)
    for task, reason in zip(tasks[6:], REASONS, strict=True):
        removal = {"change_id": str(uuid.uuid4()), "reason": reason}
        store.send("POST", f"/api/images/{task['image']['id']}/removal", removal)
    return workplace


def photograph(page: Any, name: str) -> None:
    """Keep a picture of the page for docs/, if pictures are wanted; the test's own long path gets a short name."""
    if os.environ.get("CURATOR_PICTURES") == "1":
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.evaluate(
            """short => {
                const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
                while (walker.nextNode()) {
                    walker.currentNode.data = walker.currentNode.data.replace(/\\/[^ ]*\\/(project|new)\\b/, short);
                }
                scrollTo(0, 0);
            }""",
            "/data/drawings",
        )
        page.screenshot(path=PICTURES / f"{name}.png", animations="disabled")


def rows_of(page: Any, heading: str) -> list[list[str]]:
    """The body of the table in the card with this heading, as text."""
    return page.eval_on_selector_all(
        f"section:has(h2:text('{heading}')) tbody tr",
        "rows => rows.map(row => [...row.children].map(cell => cell.innerText.trim()))",
    )


@pytest.mark.parametrize("scheme", SCREENS)
def test_the_home_page_says_where_the_work_stands(half_done: Any, visits: Callable[..., Any], scheme: str) -> None:
    page = visits(half_done.server.url, scheme=scheme)

    assert page.inner_text("h1") == "project"
    stats = page.locator(".stat-value").all_inner_texts()
    assert stats == ["13", "12", "13", "2"]
    assert rows_of(page, "Queues")[0][2:6] == ["4", "5", "1", "1"]
    keypoints = {row[0]: row[2:] for row in rows_of(page, "Keypoints")}
    assert len(keypoints) == 17
    counted = half_done.store.get("/api/status")["keypoints"]
    for words, (visible, hidden, absent, undecided, decided) in keypoints.items():
        counts = counted[words.replace(" ", "_")]
        shown = {"visible": visible, "hidden": hidden, "absent": absent, "undecided": undecided}
        assert {state: int(number) for state, number in shown.items()} == counts
        assert decided == f"{100 * (11 - counts['undecided']) // 11} %"
    assert "1 drawing waits for its picture" in page.inner_text("main")
    latest = page.locator(".recent li")
    assert latest.count() == 8
    assert "removed" in latest.first.inner_text()
    photograph(page, f"home-{scheme}")


def test_the_bars_are_drawn_in_proportion_and_differ_by_more_than_hue(
    half_done: Any, visits: Callable[..., Any]
) -> None:
    page = visits(half_done.server.url)
    widths = page.eval_on_selector_all(
        "tr:has(th:text-is('left eye')) .bar-part", "parts => parts.map(part => part.getBoundingClientRect().width)"
    )
    track = page.eval_on_selector(
        "tr:has(th:text-is('left eye')) .bar-track", "bar => bar.getBoundingClientRect().width"
    )
    counts = half_done.store.get("/api/status")["keypoints"]["left_eye"]
    wanted = [track * counts[state] / 11 for state in ("visible", "hidden", "absent", "undecided") if counts[state]]
    assert widths == pytest.approx(wanted, abs=0.5)
    lightness = page.eval_on_selector_all(
        ".legend rect",
        """parts => parts.map(part => {
            const [r, g, b] = getComputedStyle(part).fill.match(/\\d+/g).map(Number);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        })""",
    )
    assert all(lighter - darker > 8 for darker, lighter in itertools.pairwise(sorted(lightness))), lightness


def test_every_link_of_the_home_page_opens(half_done: Any, visits: Callable[..., Any]) -> None:
    page = visits(half_done.server.url)
    paths = page.eval_on_selector_all("a[href^='/']", "links => [...new Set(links.map(a => a.getAttribute('href')))]")
    assert {"/label/face", "/label/face?skipped=1", "/export", "/removed", "/help"} <= set(paths)
    for path in paths:
        assert page.request.get(half_done.server.url + path).status == 200, path


@pytest.mark.parametrize("scheme", SCREENS)
def test_an_empty_project_says_what_to_do_first(
    tmp_path: Path, served: Callable[..., Any], visits: Callable[..., Any], scheme: str
) -> None:
    init_project(tmp_path / "new").close()
    server = served(tmp_path / "new")

    page = visits(server.url, scheme=scheme)

    assert page.inner_text("h1") == "This project is empty"
    assert f"curator -p {tmp_path / 'new'} import add data.json --images DIR" in page.inner_text("main")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    photograph(page, f"home-empty-{scheme}")
    page.goto(f"{server.url}/export")
    assert page.inner_text("h2") == "Nothing to export yet"
    page.goto(f"{server.url}/removed")
    assert page.inner_text("h2") == "Nothing is removed"


@pytest.mark.parametrize("scheme", SCREENS)
def test_an_export_is_chosen_written_and_downloaded(half_done: Any, visits: Callable[..., Any], scheme: str) -> None:
    page = visits(f"{half_done.server.url}/export", scheme=scheme)

    page.fill("#export-name", "spring")
    page.check("input[name=with_midpoints][value='1']")
    page.check("input[name=undecided][value='1']")
    assert page.inner_text("[data-command-line]").endswith("export coco --with-midpoints --undecided 1 --out spring")
    page.click("button[type=submit]")
    page.wait_for_selector("[data-result] .notice-ok")

    assert "exports/spring" in page.inner_text("[data-result]")
    facts = dict(
        zip(page.locator(".facts dt").all_inner_texts(), page.locator(".facts dd").all_inner_texts(), strict=True)
    )
    assert (facts["images"], facts["annotations"]) == ("11", "11")
    photograph(page, f"export-{scheme}")
    with page.expect_download() as waiting:
        page.click("[data-result] a[download='annotations.json']")
    content = Path(waiting.value.path()).read_bytes()
    assert f"sha256 {hashlib.sha256(content).hexdigest()}" in page.inner_text("[data-result]")
    coco = json.loads(content)
    assert len(coco["annotations"]) == 11
    assert len(coco["categories"][0]["keypoints"]) == 25
    page.reload()
    earlier = page.locator("section:has(h2:text('Earlier exports'))")
    assert "spring" in earlier.inner_text()
    assert earlier.locator("a[download]").count() == 2


def test_an_export_by_keyboard_alone(half_done: Any, visits: Callable[..., Any]) -> None:
    page = visits(f"{half_done.server.url}/export")
    page.focus("#export-name")
    page.keyboard.press("Control+A")
    page.keyboard.type("by-hand")
    page.keyboard.press("Tab")  # the radio group: arrows choose
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.type") == "submit"
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-result] .notice-ok")
    manifest = half_done.store.get("/exports/by-hand/manifest.json")
    assert manifest["options"] == {"with_midpoints": True, "unconfirmed": "drop", "undecided": 2}


def test_a_name_that_cannot_be_is_told_beside_the_field(half_done: Any, visits: Callable[..., Any]) -> None:
    page = visits(f"{half_done.server.url}/export")
    page.eval_on_selector("#export-form", "form => { form.noValidate = true; }")  # past the browser's own check
    page.fill("#export-name", "../up")
    page.click("button[type=submit]")
    page.wait_for_selector("[data-result] .notice-danger")
    assert "Nothing was exported" in page.inner_text("[data-result]")
    assert page.is_visible("[data-error-for=name]")
    assert page.evaluate("document.activeElement.id") == "export-name"
    assert page.get_attribute("#export-name", "aria-invalid") == "true"
    forgive(visits, "400")

    page.fill("#export-name", "down")
    page.click("button[type=submit]")
    page.wait_for_selector("[data-result] .notice-ok")
    assert not page.is_visible("[data-error-for=name]")


def test_an_export_without_a_server_says_so_and_can_be_tried_again(half_done: Any, visits: Callable[..., Any]) -> None:
    page = visits(f"{half_done.server.url}/export")
    half_done.server.kill()
    page.click("button[type=submit]")
    page.wait_for_selector("[data-result] .notice-danger")
    assert "no answer" in page.inner_text("[data-result]")
    forgive(visits, "net::ERR_CONNECTION_")

    half_done.restart()
    page.click("button[type=submit]")
    page.wait_for_selector("[data-result] .notice-ok")


@pytest.mark.parametrize("scheme", SCREENS)
def test_a_removed_drawing_is_restored_by_its_button(half_done: Any, visits: Callable[..., Any], scheme: str) -> None:
    page = visits(f"{half_done.server.url}/removed", scheme=scheme)
    rows = page.locator("tr[data-image-id]")
    assert rows.count() == 2
    assert [rows.nth(number).locator(".badge").inner_text() for number in range(2)] == list(reversed(REASONS))
    page.evaluate("Promise.all([...document.querySelectorAll('img.thumb')].map(image => image.decode()))")
    photograph(page, f"removed-{scheme}")

    page.locator("[data-restore]").first.click()
    expect(page.locator("tr[data-image-id]")).to_have_count(1)
    assert len(half_done.store.get("/api/removed")["removed"]) == 1
    assert page.evaluate("document.activeElement.matches('[data-restore]')")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-removed-empty]:not([hidden])")
    assert half_done.store.get("/api/removed") == {"removed": []}
    assert half_done.store.actions()[-2:] == ["restore", "restore"]
    photograph(page, f"removed-empty-{scheme}")


def test_a_restore_without_a_server_keeps_the_row_and_works_later_once(
    half_done: Any, visits: Callable[..., Any]
) -> None:
    page = visits(f"{half_done.server.url}/removed")
    half_done.server.kill()
    page.locator("[data-restore]").first.click()
    page.wait_for_selector("tr .field-error:not([hidden])")
    forgive(visits, "net::ERR_CONNECTION_")
    assert page.locator("tr[data-image-id]").count() == 2

    half_done.restart()
    page.locator("[data-restore]").first.click()
    expect(page.locator("tr[data-image-id]")).to_have_count(1)
    assert half_done.store.actions().count("restore") == 1


def test_a_page_that_is_not_there_is_a_sentence_with_a_way_home(half_done: Any, visits: Callable[..., Any]) -> None:
    page = visits(f"{half_done.server.url}/label/elbows")
    assert page.inner_text("h1") == "Not found"
    assert "no queue is called 'elbows'".lower() in page.inner_text("main").lower()
    forgive(visits, "404")
    page.click("main a.button")
    assert page.url == f"{half_done.server.url}/"


def test_a_foreign_page_cannot_reach_the_project(
    half_done: Any, static_server: str, visits: Callable[..., Any]
) -> None:
    page = visits(static_server)  # another port of the same machine
    reached = page.evaluate(
        """async (url) => {
            const tries = {
                read: () => fetch(url + "/api/status"),
                write: () => fetch(url + "/api/exports", {
                    method: "POST", body: "{}", headers: { "Content-Type": "application/json" },
                }),
                blind: () => fetch(url + "/api/exports", { method: "POST", body: "{}", mode: "no-cors" }),
                picture: () => new Promise((done, failed) => {
                    const image = new Image();
                    image.onload = () => done({ ok: true });
                    image.onerror = () => failed(new Error("blocked"));
                    image.src = url + "/static/pictures/icon.svg";
                }),
            };
            const reached = [];
            for (const [name, attempt] of Object.entries(tries)) {
                try { if ((await attempt()).ok) reached.push(name); } catch { /* kept out */ }
            }
            return reached;
        }""",
        half_done.server.url,
    )
    assert reached == []
    assert not list((half_done.root / "exports").iterdir())
    visits.complaints.clear()  # type: ignore[attr-defined]  # the browser says what it kept out


def forgive(visits: Any, word: str) -> None:
    """Browsers write every failed request to the console; the one a test made on purpose is taken off the list."""
    assert all(word in complaint for complaint in visits.complaints), visits.complaints
    visits.complaints.clear()
