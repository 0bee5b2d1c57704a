"""The web side over a real project: answers and failures of the API, the guard, pictures and downloads, the pages."""

import hashlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from cast import CAST, MIKA, NOA, REN
from flask.testing import FlaskClient
from werkzeug.test import TestResponse
from workshop import Workshop, new_id

from annotator_ui.app import create_app
from annotator_ui.pages import BAR_WIDTH, ago, keypoint_row
from annotator_ui.security import CONTENT_SECURITY_POLICY, Settings
from curator.project import Project, init_project

PAGES = ("/", "/export", "/removed", "/help", "/label/face", "/label/face?skipped=1")
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def workshop(project: Project, tmp_path: Path) -> Workshop:
    """A project with the whole cast and their pictures."""
    workshop = Workshop(project, tmp_path)
    workshop.receives(*CAST)
    return workshop


@pytest.fixture
def client(workshop: Workshop) -> Iterator[FlaskClient]:
    """A browser-less client that calls the server http://localhost."""
    with create_app(workshop.project, Settings(port=80)).test_client() as client:
        yield client


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """One project for all tests whose requests must change nothing; they assert so by its first character."""
    folder = tmp_path_factory.mktemp("untouched")
    workshop = Workshop(init_project(folder / "project"), folder)
    workshop.receives(*CAST)
    yield workshop
    assert workshop.annotation_of(MIKA).version == 1
    workshop.project.close()


@pytest.fixture
def visitor(untouched: Workshop) -> Iterator[FlaskClient]:
    """A client of the project that nothing changes."""
    with create_app(untouched.project, Settings(port=80)).test_client() as visitor:
        yield visitor


def put(x: Any = 1.5, y: Any = 2.5, state: str = "visible", source: str = "placed") -> dict[str, Any]:
    """A keypoint as JSON."""
    return {"x": x, "y": y, "state": state, "source": source}


def edit(base_version: int = 1, change_id: str | None = None, **keypoints: Any) -> dict[str, Any]:
    """The body of an edit."""
    return {"change_id": change_id or new_id(), "base_version": base_version, "changes": {"keypoints": keypoints}}


def failure(response: TestResponse, status: int, field: str | None = None) -> str:
    """Check that an answer is a failure in the house's shape; its sentence."""
    assert response.status_code == status, response.text
    assert response.mimetype == "application/json"
    body = response.get_json()
    assert body["ok"] is False
    assert body["field"] == field
    assert isinstance(body["error"], str)
    assert body["error"]
    assert "Traceback" not in response.text
    return body["error"]


# --- changes ----------------------------------------------------------------------------------------------------------


def test_a_placed_eye_is_stored_and_read_back(client: FlaskClient, workshop: Workshop) -> None:
    annotation = workshop.annotation_of(MIKA)

    saved = client.patch(f"/api/annotations/{annotation.id}", json=edit(left_eye=put(131.25, 50)))

    assert saved.status_code == 200
    assert saved.get_json() | {"change_id": ""} == {"ok": True, "version": 2, "change_id": "", "repeated": False}
    task = client.get(f"/api/queues/face/tasks/{annotation.id}").get_json()
    assert task["annotation"]["version"] == 2
    assert task["annotation"]["keypoints"]["left_eye"] == put(131.25, 50)
    assert task["annotation"]["keypoints"]["right_eye"]["state"] == "undecided"


def test_a_repeated_change_answers_the_same_200_and_changes_nothing(client: FlaskClient, workshop: Workshop) -> None:
    path = f"/api/annotations/{workshop.annotation_of(MIKA).id}"
    body = edit(left_eye=put())
    first = client.patch(path, json=body).get_json()
    client.patch(path, json=edit(2, left_eye=put(9.5, 9.5)))

    again = client.patch(path, json=body)

    assert again.status_code == 200
    assert again.get_json() == first | {"repeated": True}
    assert workshop.annotation_of(MIKA).version == 3


def test_a_stale_change_is_409_with_the_record_as_it_stands(client: FlaskClient, workshop: Workshop) -> None:
    path = f"/api/annotations/{workshop.annotation_of(MIKA).id}"
    client.patch(path, json=edit(left_eye=put(7.5, 8.5)))

    late = client.patch(path, json=edit(1, right_eye=put()))

    sentence = failure(late, 409)
    assert "version 2" in sentence
    assert late.get_json()["version"] == 2
    assert late.get_json()["annotation"]["keypoints"]["left_eye"] == put(7.5, 8.5)
    assert workshop.annotation_of(MIKA).version == 2


def test_a_whole_task_is_answered_skipped_and_taken_up_again(client: FlaskClient, workshop: Workshop) -> None:
    task = client.get("/api/queues/face/tasks?limit=1").get_json()["tasks"][0]
    path = f"/api/annotations/{task['annotation']['id']}"

    skipped = client.post(f"{path}/skips", json={"change_id": new_id(), "queue": "face", "reason": "unsure"})
    assert skipped.status_code == 200
    queue = client.get("/api/queues").get_json()["queues"][0]
    assert (queue["size"], queue["skipped"]) == (len(CAST) - 1, 1)
    set_aside = client.get("/api/queues/face/tasks?skipped=1").get_json()["tasks"]
    assert [one["position"] for one in set_aside] == [task["position"]]
    assert client.delete(f"{path}/skips", json={"change_id": new_id(), "queue": "face"}).status_code == 200

    proposed = task["prediction"]["keypoints"]
    answers = {
        name: {key: proposed[name][key] for key in ("x", "y", "state")} | {"source": "confirmed"}
        for name in task["wanted"]
    }
    confirmed = client.post(
        f"{path}/confirmations",
        json=edit(task["annotation"]["version"], **answers)
        | {"queue": "face", "shown": task["prediction"], "active_ms": 4200},
    )
    assert confirmed.status_code == 200, confirmed.text
    queue = client.get("/api/queues").get_json()["queues"][0]
    assert (queue["size"], queue["skipped"], queue["done"]) == (len(CAST) - 1, 0, 1)


def test_a_removed_image_leaves_the_queue_and_comes_back(client: FlaskClient, workshop: Workshop) -> None:
    image_id = workshop.annotation_of(REN).image_id
    path = f"/api/images/{image_id}/removal"

    assert client.post(path, json={"change_id": new_id(), "reason": "duplicate"}).status_code == 200
    removed = client.get("/api/removed").get_json()["removed"]
    assert [(one["image_id"], one["reason"]) for one in removed] == [(image_id, "duplicate")]
    assert "duplicate" in client.get("/removed").text
    assert client.get("/api/queues").get_json()["queues"][0]["size"] == len(CAST) - 1

    assert client.delete(path, json={"change_id": new_id()}).status_code == 200
    assert client.get("/api/removed").get_json() == {"removed": []}
    assert client.get("/api/queues").get_json()["queues"][0]["size"] == len(CAST)


def test_the_status_of_the_api_is_the_status_of_the_command(client: FlaskClient, workshop: Workshop) -> None:
    command = subprocess.run(
        [sys.executable, "-m", "curator", "-p", str(workshop.project.root), "status", "--json"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    assert client.get("/api/status").get_json() == json.loads(command.stdout)


# --- bad requests -----------------------------------------------------------------------------------------------------

ANNOTATION = "/api/annotations/1"
BAD_BODIES = {
    "empty": (b"", None),
    "truncated": (b'{"change_id": "abcdefgh", "base', None),
    "not utf-8": (b'{"change_id": "\xff\xfe"}', None),
    "not an object": (b"[]", None),
    "not a number": (b'{"base_version": NaN}', None),
    "deep": (b"[" * 200_000, None),
    "unknown field": (json.dumps(edit() | {"colour": "red"}).encode(), "colour"),
    "missing field": (b'{"change_id": "abcdefgh", "changes": {}}', "base_version"),
    "version as text": (json.dumps(edit() | {"base_version": "1"}).encode(), "base_version"),
    "version zero": (json.dumps(edit(0)).encode(), "base_version"),
    "short change id": (json.dumps(edit(change_id="abc")).encode(), "change_id"),
    "change id with a space": (json.dumps(edit(change_id="a b c d e f g")).encode(), "change_id"),
    "place as text": (
        json.dumps(edit(nose=put(), left_eye=put(x="12"), right_eye=put())).encode(),
        "changes.keypoints.left_eye.x",
    ),
    "place too far": (json.dumps(edit(left_eye=put(x=1e7))).encode(), "changes.keypoints.left_eye.x"),
    "place beyond numbers": (
        json.dumps(edit(left_eye=put(x=0))).replace('"x": 0', '"x": 1e999').encode(),
        "changes.keypoints.left_eye.x",
    ),
    "half a place": (json.dumps(edit(left_eye=put(x=None))).encode(), "changes.keypoints.left_eye"),
    "visible nowhere": (json.dumps(edit(left_eye=put(None, None))).encode(), "changes.keypoints.left_eye"),
    "unknown state": (json.dumps(edit(left_ear=put(state="seen"))).encode(), "changes.keypoints.left_ear.state"),
    "unknown field deep": (
        json.dumps(edit(left_eye=put() | {"z": 1})).encode(),
        "changes.keypoints.left_eye.z",
    ),
    "unknown keypoint": (json.dumps(edit(tail=put())).encode(), "changes.keypoints.tail"),
    "box of three numbers": (
        json.dumps(
            edit() | {"changes": {"box": {"bbox_xywh": [1, 2, 3], "source": "placed", "confirmed": True}}}
        ).encode(),
        "changes.box.bbox_xywh",
    ),
    "box without width": (
        json.dumps(
            edit() | {"changes": {"box": {"bbox_xywh": [1, 2, 0, 3], "source": "placed", "confirmed": True}}}
        ).encode(),
        "changes.box.bbox_xywh",
    ),
}


@pytest.mark.parametrize(("body", "field"), BAD_BODIES.values(), ids=BAD_BODIES)
def test_a_bad_body_is_refused_with_the_path_of_the_wrong_part(
    visitor: FlaskClient, untouched: Workshop, body: bytes, field: str | None
) -> None:
    failure(visitor.patch(ANNOTATION, data=body, content_type="application/json"), 400, field)
    assert untouched.annotation_of(MIKA).version == 1


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None]
)
def test_a_write_must_be_json_by_its_content_type(
    visitor: FlaskClient, untouched: Workshop, content_type: str | None
) -> None:
    sentence = failure(visitor.patch(ANNOTATION, data=json.dumps(edit()), content_type=content_type), 415)
    assert "application/json" in sentence


def test_a_body_over_a_megabyte_is_refused(visitor: FlaskClient) -> None:
    body = json.dumps(edit(change_id="a" * (1 << 20)))
    assert "1,048,576" in failure(visitor.patch(ANNOTATION, data=body, content_type="application/json"), 413)


BAD_QUERIES = {
    "text": ("after=soon", "after"),
    "negative": ("after=-1", "after"),
    "too long a number": (f"after={10**30}", "after"),
    "too many": ("limit=51", "limit"),
    "none at all": ("limit=0", "limit"),
    "twice": ("limit=1&limit=2", "limit"),
    "not yes or no": ("skipped=maybe", "skipped"),
    "unknown": ("before=3", "before"),
}


@pytest.mark.parametrize(("query", "field"), BAD_QUERIES.values(), ids=BAD_QUERIES)
def test_a_bad_query_is_refused_by_name(visitor: FlaskClient, query: str, field: str) -> None:
    failure(visitor.get(f"/api/queues/face/tasks?{query}"), 400, field)


UNKNOWN = (
    "/api/queues/elbows/tasks",
    "/api/queues/face/tasks/999",
    "/api/queues/face/tasks/0",
    "/api/queues/face/tasks/-1",
    "/api/queues/face/tasks/one",
    f"/api/queues/face/tasks/{2**63}",
    "/api/nothing",
    "/api",
)


@pytest.mark.parametrize("path", UNKNOWN)
def test_what_does_not_exist_is_404_as_a_sentence(visitor: FlaskClient, path: str) -> None:
    failure(visitor.get(path), 404)


def test_changes_of_unknown_records_are_404(visitor: FlaskClient) -> None:
    failure(visitor.patch("/api/annotations/999", json=edit()), 404)
    failure(visitor.post("/api/images/999/removal", json={"change_id": new_id(), "reason": "duplicate"}), 404)
    failure(visitor.delete("/api/images/999/removal", json={"change_id": new_id()}), 404)
    skip = {"change_id": new_id(), "queue": "elbows", "reason": "unsure"}
    failure(visitor.post("/api/annotations/1/skips", json=skip), 404)


def test_a_removal_needs_one_of_the_reasons(visitor: FlaskClient) -> None:
    sentence = failure(
        visitor.post("/api/images/1/removal", json={"change_id": new_id(), "reason": "ugly"}), 400, "reason"
    )
    assert "not full body" in sentence


def test_a_change_id_of_another_record_is_refused(client: FlaskClient) -> None:
    body = edit(left_eye=put())
    assert client.patch("/api/annotations/1", json=body).status_code == 200
    failure(client.patch("/api/annotations/2", json=body), 400, "change_id")


def test_a_wrong_method_is_405_and_names_the_right_ones(visitor: FlaskClient) -> None:
    response = visitor.post("/api/status", json={})
    assert "GET" in failure(response, 405)
    assert "GET" in response.headers["Allow"]
    assert visitor.put(ANNOTATION, json={}).status_code == 405


def test_an_unexpected_error_is_a_sentence_in_the_answer_and_a_traceback_in_the_log(
    client: FlaskClient, workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    workshop.project.db.conn.execute("ALTER TABLE annotations RENAME TO annotations_gone")
    sentence = failure(client.get("/api/queues/face/tasks"), 500)
    assert "annotations" not in sentence
    assert "no such table" in caplog.text
    page = client.get("/")
    assert page.status_code == 500
    assert "Something broke" in page.text
    assert page.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY


# --- the guard --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST", "localhost:80"])
def test_this_server_answers_to_its_own_names(visitor: FlaskClient, host: str) -> None:
    assert visitor.get("/api/status", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "localhost:81", "localhost@evil.example", ""]
)
@pytest.mark.parametrize("path", ["/", "/api/status", "/media/x", "/nothing", "/static/css/app.css"])
def test_another_name_in_the_host_header_is_refused_everywhere(visitor: FlaskClient, path: str, host: str) -> None:
    response = visitor.get(path, headers={"Host": host}, environ_overrides={"HTTP_HOST": host})
    assert response.status_code == 421
    assert response.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY


def test_a_configured_name_is_answered_with_its_port(workshop: Workshop) -> None:
    client = create_app(workshop.project, Settings(port=8750, names=("curator.test", "far.test:8443"))).test_client()
    answered = {
        host: client.get("/healthz", headers={"Host": host}).status_code
        for host in (
            "curator.test:8750",
            "far.test:8443",
            "localhost:8750",
            "curator.test",
            "far.test:8750",
            "localhost",
        )
    }
    assert list(answered.values()) == [200, 200, 200, 421, 421, 421]


FOREIGN = {
    "origin": {"Origin": "https://evil.example"},
    "no origin to speak of": {"Origin": "null"},
    "another port": {"Origin": "http://localhost:3000"},
    "another name of ours": {"Origin": "http://127.0.0.1"},
    "cross-site": {"Sec-Fetch-Site": "cross-site"},
    "same-site": {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"},
    "a form sent here": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
}


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
def test_a_write_from_another_site_is_403_and_nothing_changes(
    visitor: FlaskClient, untouched: Workshop, headers: dict[str, str]
) -> None:
    failure(visitor.patch(ANNOTATION, json=edit(left_eye=put()), headers=headers), 403)
    failure(visitor.post("/api/exports", json={}, headers=headers), 403)
    assert untouched.annotation_of(MIKA).version == 1
    assert not list(untouched.project.exports.iterdir())


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}],
    ids=["a script", "our own page", "the person"],
)
def test_a_write_from_here_is_taken(client: FlaskClient, headers: dict[str, str]) -> None:
    assert client.patch(ANNOTATION, json=edit(left_eye=put()), headers=headers).status_code == 200


def test_a_link_from_another_site_opens_pages_and_nothing_else(visitor: FlaskClient) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    frame = link | {"Sec-Fetch-Dest": "iframe"}
    picture = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    assert visitor.get("/", headers=link).status_code == 200
    assert visitor.get("/label/face?at=1", headers=link).status_code == 200
    assert visitor.get("/", headers=frame).status_code == 403
    assert visitor.get("/api/status", headers=link).status_code == 403
    url = visitor.get("/api/queues/face/tasks").get_json()["tasks"][0]["image"]["url"]
    assert visitor.get(url, headers=picture).status_code == 403


def test_every_answer_carries_the_strict_headers(visitor: FlaskClient) -> None:
    task = visitor.get("/api/queues/face/tasks").get_json()["tasks"][0]
    paths = (*PAGES, "/api/status", "/api/nothing", "/nothing", task["image"]["url"], "/static/css/app.css", "/healthz")
    answers = [visitor.get(path) for path in paths]
    answers += [
        visitor.options("/api/status"),
        visitor.head("/"),
        visitor.put("/"),
        visitor.patch(ANNOTATION, data="x"),
    ]
    for answer in answers:
        assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY, answer.request.path
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Set-Cookie" not in answer.headers
    assert CONTENT_SECURITY_POLICY == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self';"
        " font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def test_head_and_options_answer_without_a_body(visitor: FlaskClient) -> None:
    for path in ("/", "/api/status", "/healthz"):
        head, get = visitor.head(path), visitor.get(path)
        assert (head.status_code, head.data, head.mimetype) == (200, b"", get.mimetype)
    options = visitor.options(ANNOTATION)
    assert options.status_code == 200
    assert "PATCH" in options.headers["Allow"]


# --- pictures and downloads -------------------------------------------------------------------------------------------


def test_a_picture_is_served_byte_for_byte_and_kept_by_the_browser(visitor: FlaskClient) -> None:
    task = visitor.get("/api/queues/face/tasks").get_json()["tasks"][0]
    url = task["image"]["url"]

    picture = visitor.get(url)

    assert picture.data == MIKA.picture()
    assert url == f"/media/{hashlib.sha256(picture.data).hexdigest()}"
    assert picture.mimetype == "image/png"
    assert "immutable" in picture.headers["Cache-Control"]
    assert "max-age=31536000" in picture.headers["Cache-Control"]
    again = visitor.get(url, headers={"If-None-Match": picture.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    part = visitor.get(url, headers={"Range": "bytes=0-7"})
    assert (part.status_code, part.data) == (206, picture.data[:8])
    assert visitor.head(url).headers["Content-Length"] == str(len(picture.data))


PATH_TRICKS = (
    "../curator.db",
    "..%2fcurator.db",
    "%2e%2e%2fcurator.db",
    "..\\curator.db",
    "....//curator.db",
    "%00",
    "a" * 63,
    "A" * 64,
    "g" * 64,
    "a" * 64,
    "a" * 64 + "%0a",
    "x" * 5000,
)


@pytest.mark.parametrize("name", PATH_TRICKS)
def test_no_name_leads_out_of_the_pictures(visitor: FlaskClient, name: str) -> None:
    failure(visitor.get(f"/media/{name}"), 404)


def test_a_picture_of_a_type_that_could_run_is_saved_and_not_shown(client: FlaskClient, workshop: Workshop) -> None:
    url = client.get("/api/queues/face/tasks").get_json()["tasks"][0]["image"]["url"]
    workshop.project.db.conn.execute("UPDATE images SET media_type = 'image/svg+xml'")
    answer = client.get(url)
    assert answer.mimetype == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_a_picture_whose_file_is_gone_is_404(client: FlaskClient, workshop: Workshop) -> None:
    url = client.get("/api/queues/face/tasks").get_json()["tasks"][0]["image"]["url"]
    for path in workshop.project.blobs.rglob("*"):
        if path.is_file():
            path.unlink()
    failure(client.get(url), 404)


def test_an_export_is_written_listed_and_downloaded(client: FlaskClient, workshop: Workshop) -> None:
    workshop.removes(NOA)

    report = client.post("/api/exports", json={"name": "spring", "with_midpoints": True, "undecided": 1})

    assert report.status_code == 200, report.text
    answer = report.get_json()
    assert (answer["ok"], answer["name"], answer["images"], answer["annotations"]) == (True, "spring", 2, 2)
    for file in answer["files"]:
        download = client.get(file["url"])
        assert hashlib.sha256(download.data).hexdigest() == file["sha256"]
        assert len(download.data) == file["num_bytes"]
        assert download.mimetype == "application/octet-stream"
        assert download.headers["Content-Disposition"] == f"attachment; filename={file['path']}"
        assert file["url"] in client.get("/export").text
    coco = json.loads(client.get("/exports/spring/annotations.json").data)
    assert len(coco["categories"][0]["keypoints"]) == 25
    assert {v for annotation in coco["annotations"] for v in annotation["keypoints"][2::3]} == {0, 1}


BAD_EXPORTS = {
    "a way out": ({"name": "../x"}, "name"),
    "a hidden name": ({"name": ".x"}, "name"),
    "an empty name": ({"name": ""}, "name"),
    "another word": ({"unconfirmed": "maybe"}, "unconfirmed"),
    "a third v": ({"undecided": 0}, "undecided"),
    "an unknown option": ({"zip": True}, "zip"),
}


@pytest.mark.parametrize(("body", "field"), BAD_EXPORTS.values(), ids=BAD_EXPORTS)
def test_a_bad_export_writes_nothing(client: FlaskClient, workshop: Workshop, body: dict[str, Any], field: str) -> None:
    failure(client.post("/api/exports", json=body), 400, field)
    assert not list(workshop.project.exports.iterdir())


def test_no_name_leads_out_of_the_exports(client: FlaskClient, workshop: Workshop) -> None:
    client.post("/api/exports", json={"name": "spring"})
    (workshop.project.exports / "spring" / "link.json").symlink_to(workshop.project.root / "curator.db")
    (workshop.project.exports / "elsewhere").symlink_to(workshop.project.root)
    for name in (
        "spring/link.json",
        "elsewhere/curator.db",
        "../curator.db",
        "..%2f/curator.db",
        "spring/../../curator.db",
        "spring/..%2f..%2fcurator.db",
        "spring/.hidden",
        "spring/nothing.json",
        "nothing/annotations.json",
        "spring/",
        "%00/%00",
    ):
        failure(client.get(f"/exports/{name}"), 404)
    page = client.get("/exports/spring/nothing.json", headers={"Accept": "text/html"})
    assert (page.status_code, page.mimetype) == (404, "text/html")
    listed = client.get("/export").text
    assert "link.json" not in listed
    assert "elsewhere" not in listed


def test_what_cannot_be_read_in_the_exports_does_not_break_their_page(
    client: FlaskClient, workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.post("/api/exports", json={"name": "spring"})
    (workshop.project.exports / "spring" / "broken.json").symlink_to(tmp_path / "nowhere")
    (workshop.project.exports / "broken").symlink_to(tmp_path / "nowhere")
    locked = workshop.project.exports / "locked"
    locked.mkdir()
    real = os.listdir

    def listdir(path: Any = ".") -> list[str]:  # by chmod this could not be tested as root
        if Path(path) == locked:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "listdir", listdir)
    with pytest.raises(PermissionError):
        list(locked.iterdir())

    page = client.get("/export")

    assert page.status_code == 200
    assert "/exports/spring/annotations.json" in page.text
    assert "broken" not in page.text
    assert "locked" not in page.text


# --- pages ------------------------------------------------------------------------------------------------------------


class Inline(HTMLParser):
    """Collects what a strict Content-Security-Policy forbids, and every address that a page names."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forbidden: list[str] = []
        self.addresses: list[str] = []
        self.script_type: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag in ("style", "base", "iframe", "object", "embed"):
            self.forbidden.append(tag)
        if tag == "script":
            self.script_type = named.get("type", "") if "src" not in named else None
        for name, value in attrs:
            if name == "style" or name.startswith("on") or (value or "").lower().startswith("javascript:"):
                self.forbidden.append(f"<{tag} {name}={value!r}>")
            if name in ("src", "href", "action"):
                self.addresses.append(value or "")

    def handle_data(self, data: str) -> None:
        if self.script_type is not None and self.script_type != "application/json" and data.strip():
            self.forbidden.append(f"<script>{data[:40]}")

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self.script_type = None


@pytest.mark.parametrize("path", [*PAGES, "/nothing", "/label/elbows"])
def test_no_page_has_inline_script_or_style_and_every_file_it_names_is_there(
    client: FlaskClient, workshop: Workshop, path: str
) -> None:
    workshop.removes(NOA)
    workshop.skips(REN)
    page = client.get(path)
    assert page.mimetype == "text/html"
    found = Inline(page.text)
    assert found.forbidden == []
    for address in found.addresses:
        assert address.startswith(("/", "#")), address
        if not address.startswith("#"):
            assert client.get(address).status_code == 200, address


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_on_an_empty_project(project: Project, path: str) -> None:
    client = create_app(project, Settings(port=80)).test_client()
    assert client.get(path).status_code == 200


def test_the_empty_home_page_says_what_to_do_first(project: Project) -> None:
    home = create_app(project, Settings(port=80)).test_client().get("/").text
    assert "This project is empty" in home
    assert f"curator -p {project.root} import add data.json --images DIR" in home


def test_the_home_page_counts_what_waits_for_its_picture(project: Project, tmp_path: Path) -> None:
    workshop = Workshop(project, tmp_path)
    workshop.imports(*(character.record() for character in CAST))
    workshop.receives_pictures(MIKA)
    home = create_app(project, Settings(port=80)).test_client().get("/").text
    assert "2 drawings wait for their pictures" in home
    assert f"curator -p {project.root} import images DIR" in home


def test_opening_pages_and_tasks_writes_nothing(client: FlaskClient, workshop: Workshop) -> None:
    def everything() -> list[Any]:
        return list(workshop.project.db.conn.iterdump())

    before = [tuple(row) if isinstance(row, tuple) else row for row in everything()]
    files = sorted(path for path in workshop.project.root.rglob("*") if not path.name.startswith("curator.db"))
    for path in (*PAGES, "/label/face?at=2", "/api/status", "/api/queues/face/tasks?limit=50", "/api/removed"):
        assert client.get(path).status_code == 200
    assert everything() == before
    assert files == sorted(path for path in workshop.project.root.rglob("*") if not path.name.startswith("curator.db"))


def task_page(page: str) -> dict[str, Any]:
    """The JSON that the editor page carries."""
    start = page.index("{", page.index('id="task-page"'))
    return json.loads(page[start : page.index("</script>", start)])


def test_the_editor_page_carries_its_first_tasks(client: FlaskClient, workshop: Workshop) -> None:
    assert task_page(client.get("/label/face").text) == client.get("/api/queues/face/tasks").get_json()
    at_ren = task_page(client.get(f"/label/face?at={workshop.annotation_of(REN).id}").text)
    assert workshop.names_of(_as_tasks(workshop, at_ren)) == ["ren", "noa"]
    workshop.skips(MIKA)
    skipped = task_page(client.get("/label/face?skipped=1").text)
    assert workshop.names_of(_as_tasks(workshop, skipped)) == ["mika"]
    for bad in ("at=99", "at=0", "at=-1", f"at={10**30}", "at=x", "skipped=maybe", "where=1"):
        assert client.get(f"/label/face?{bad}").status_code in (400, 404), bad


def _as_tasks(workshop: Workshop, page: dict[str, Any]) -> list[Any]:
    return [workshop.bench.task("face", task["position"]) for task in page["tasks"]]


def test_a_file_name_with_markup_stays_text(client: FlaskClient, workshop: Workshop) -> None:
    trick = "</script><script>alert(1)</script><img src=x onerror=alert(1)>.png"
    workshop.project.db.conn.execute("UPDATE images SET file_name = ?", (trick,))
    workshop.removes(NOA)
    workshop.skips(REN)
    for path in PAGES:
        page = client.get(path).text
        assert "<script>alert" not in page
        assert Inline(page).forbidden == []
    assert task_page(client.get("/label/face").text)["tasks"][0]["image"]["file_name"] == trick


def test_a_bar_is_as_long_as_its_numbers() -> None:
    row = keypoint_row("left_eye", {"visible": 3, "hidden": 1, "absent": 0, "undecided": 4})
    assert [(part.state, part.x, part.width) for part in row.parts] == [
        ("visible", 0.0, BAR_WIDTH * 3 / 8),
        ("hidden", BAR_WIDTH * 3 / 8, BAR_WIDTH / 8),
        ("undecided", BAR_WIDTH / 2, BAR_WIDTH / 2),
    ]
    assert (row.words, row.percent_decided) == ("left eye", 50)
    assert keypoint_row("nose", {"visible": 0, "hidden": 0, "absent": 0, "undecided": 0}).parts == ()
    assert keypoint_row("nose", {"visible": 1999, "hidden": 0, "absent": 0, "undecided": 1}).percent_decided == 99


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=60), "1 minute ago"),
        (timedelta(minutes=59), "59 minutes ago"),
        (timedelta(hours=2), "2 hours ago"),
        (timedelta(days=3), "7 March 2026"),
    ],
)
def test_a_time_is_said_as_people_say_it(before: timedelta, words: str) -> None:
    now = datetime(2026, 3, 10, 12, tzinfo=UTC)
    assert ago((now - before).isoformat(), now) == words


# --- the real server --------------------------------------------------------------------------------------------------


def ask(
    port: int, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """One request to a served project, its path untouched."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def test_the_served_project_keeps_the_same_guard(workshop: Workshop, served: Callable[..., Any]) -> None:
    server = served(workshop.project.root)

    status, headers, body = ask(server.port, "GET", "/api/status")
    assert (status, json.loads(body)["images"]) == (200, len(CAST))
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert "server" not in headers
    assert ask(server.port, "GET", "/", Host="evil.example")[0] == 421
    assert ask(server.port, "GET", "/", Host=f"evil.example:{server.port}")[0] == 421
    assert ask(server.port, "GET", "/", Host="localhost")[0] == 421  # the right port belongs to it
    assert ask(server.port, "GET", "/", Host=f"localhost:{server.port}")[0] == 200
    foreign = {"Content_Type": "application/json", "Origin": "http://127.0.0.1:1"}
    assert ask(server.port, "PATCH", ANNOTATION, json.dumps(edit()).encode(), **foreign)[0] == 403
    for path in ("/media/../curator.db", "/media/..%2fcurator.db", "/static/../app.py", "/static/..%2fapp.py"):
        assert ask(server.port, "GET", path)[0] == 404, path
    assert server.stop() == 0


def test_the_served_project_refuses_bodies_that_are_too_large(workshop: Workshop, served: Callable[..., Any]) -> None:
    server = served(workshop.project.root)
    for size, is_json in ((1 << 20) + 1, True), (1 << 25, False):
        try:
            status, headers, body = ask(server.port, "PATCH", ANNOTATION, b" " * size, Content_Type="application/json")
        except (BrokenPipeError, ConnectionResetError):  # refused while it was still being sent
            assert not is_json
            continue
        assert status == 413
        assert headers["content-type"].startswith("application/json" if is_json else "text/plain")
        assert b"Traceback" not in body
    assert ask(server.port, "GET", "/healthz")[0] == 200


def test_one_connection_serves_many_requests(workshop: Workshop, served: Callable[..., Any]) -> None:
    server = served(workshop.project.root)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    for number in range(20):
        body = json.dumps(edit(number + 1, left_eye=put(x=number)))
        connection.request("PATCH", ANNOTATION, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["version"]) == (200, number + 2)
    connection.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_the_server_ends_cleanly_when_told_to(workshop: Workshop, served: Callable[..., Any], number: int) -> None:
    server = served(workshop.project.root)
    idle = socket.create_connection(("127.0.0.1", server.port))  # a browser that keeps its connection open
    server.process.send_signal(number)
    assert server.process.wait(10) == 0
    idle.close()
    assert "Traceback" not in server.output
    again = served(workshop.project.root, port=server.port)
    assert again.port == server.port


def test_a_second_server_is_refused_and_told_of_the_first(workshop: Workshop, served: Callable[..., Any]) -> None:
    server = served(workshop.project.root)
    second = subprocess.run(
        [sys.executable, "-m", "curator", "-p", str(workshop.project.root), "serve", "--port", "0"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert second.returncode != 0
    assert server.url in second.stderr
    assert "Traceback" not in second.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("--host", "0.0.0.0"), "accounts"), (("--host", "example.org"), "accounts"), (("--port", "PORT"), "listens")],
    ids=["every address", "somebody else's name", "a port that is taken"],
)
def test_an_address_that_cannot_be_served_is_a_sentence(
    project: Project, arguments: tuple[str, ...], words: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        given = [str(taken.getsockname()[1]) if one == "PORT" else one for one in arguments]
        refused = subprocess.run(
            [sys.executable, "-m", "curator", "-p", str(project.root), "serve", *given],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert refused.returncode in (1, 2)
    assert words in refused.stderr
    assert "Traceback" not in refused.stderr
