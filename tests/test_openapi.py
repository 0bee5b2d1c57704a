"""The OpenAPI document: it names exactly the routes there are, says of them what the server does, and a fuzzer that
believes it finds no failure of ours."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from cast import CAST, NOA, REN
from flask.testing import FlaskClient
from test_web import BAD_BODIES, BAD_EXPORTS, edit, put
from workshop import Workshop, new_id

from annotator_ui.api import ALL_OPERATIONS
from annotator_ui.app import create_app
from annotator_ui.security import Settings
from curator.project import Project

# Left out of the pass: a 400 for a body that fits its schema is right where the project's state decides (a change id
# that another record has used, a confirmation that leaves a wanted keypoint undecided).
LEFT_OUT = "positive_data_acceptance"
EXAMPLES = 20
BUDGET_S = 240


@pytest.fixture
def client(project: Project) -> Iterator[FlaskClient]:
    with create_app(project, Settings(port=80)).test_client() as client:
        yield client


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    """The document as it is served."""
    answer = client.get("/api/openapi.json")
    assert answer.mimetype == "application/json"
    return answer.get_json()


def test_the_document_names_exactly_the_routes_there_are(client: FlaskClient, document: dict[str, Any]) -> None:
    routes = {
        (method, re.sub(r"<(?:[^<>:]+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in client.application.url_map.iter_rules()
        if rule.endpoint != "static" and not rule.endpoint.startswith("pages.")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert described == routes
    assert len(described) == len(ALL_OPERATIONS)


def test_every_operation_says_what_it_takes_and_answers(document: dict[str, Any]) -> None:
    names = []
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            names.append(described["operationId"])
            assert described["summary"].endswith("."), path
            assert {"200", "default"} <= set(described["responses"])
            assert ("requestBody" in described) == (method != "get"), path
            in_path = [one["name"] for one in described.get("parameters", []) if one["in"] == "path"]
            assert in_path == re.findall(r"{(\w+)}", path)
    assert len(set(names)) == len(names)


def test_every_reference_of_the_document_leads_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    references = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)))
    assert {reference.removeprefix("#/components/schemas/") for reference in references} <= set(schemas)
    for name in schemas:
        jsonschema_rs.validator_for(_standing_alone(document, name))


def _standing_alone(document: dict[str, Any], name: str) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": f"#/components/schemas/{name}",
        "components": document["components"],
    }


GOOD_CHANGES = {
    "nothing": edit(),
    "a visible eye": edit(left_eye=put()),
    "outside the picture": edit(left_eye=put(-20.5, 900)),
    "absent without a place": edit(left_ear=put(None, None, "absent")),
    "absent with a place": edit(left_ear=put(3, 4, "absent")),
    "back to undecided": edit(left_ear=put(None, None, "undecided", "none")),
    "with an undo": edit(nose=put()) | {"undoes": new_id()},
    "a box": edit() | {"changes": {"box": {"bbox_xywh": [-1, 2, 3, 4.5], "source": "placed", "confirmed": True}}},
    "no box": edit() | {"changes": {"box": {"bbox_xywh": None, "source": "none", "confirmed": False}}},
}


@pytest.mark.parametrize("body", GOOD_CHANGES.values(), ids=GOOD_CHANGES)
def test_what_the_document_allows_is_taken(
    client: FlaskClient, project: Project, tmp_path: Path, document: dict[str, Any], body: dict[str, Any]
) -> None:
    Workshop(project, tmp_path).receives(*CAST)
    assert jsonschema_rs.validator_for(_standing_alone(document, "Change")).is_valid(body)
    assert client.patch("/api/annotations/1", json=body).status_code == 200


def test_what_the_server_refuses_the_document_forbids(document: dict[str, Any]) -> None:
    change = jsonschema_rs.validator_for(_standing_alone(document, "Change"))
    for name, (body, _) in BAD_BODIES.items():
        try:
            read = json.loads(body, parse_constant=lambda word: pytest.fail(word))
        except (ValueError, RecursionError, pytest.fail.Exception):
            continue  # not JSON: no schema is asked
        if name != "place beyond numbers":  # infinity has no place in JSON
            assert not change.is_valid(read), name
    export = jsonschema_rs.validator_for(_standing_alone(document, "CocoExport"))
    for name, (body, _) in BAD_EXPORTS.items():
        assert not export.is_valid(body), name


def test_a_fuzzer_that_reads_the_document_finds_no_failure_of_ours(
    project: Project, tmp_path: Path, served: Callable[..., Any], seed: int
) -> None:
    workshop = Workshop(project, tmp_path)
    workshop.receives(*CAST)
    workshop.skips(REN)
    workshop.removes(NOA)
    server = served(project.root)

    run = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/api/openapi.json"),
            *("--exclude-checks", LEFT_OUT, "--max-examples", str(EXAMPLES), "--seed", str(seed)),
            *("--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off", "--no-color"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=BUDGET_S,
    )

    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
    # schemathesis does not test the address that it was given
    assert re.search(rf"Tested:\s+{len(ALL_OPERATIONS) - 1}\b", run.stdout), run.stdout
    assert "Traceback" not in server.output
    checked = subprocess.run(
        [sys.executable, "-m", "curator", "-p", str(project.root), "check"],
        cwd=Path(__file__).resolve().parent.parent,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
