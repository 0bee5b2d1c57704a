"""The OpenAPI 3.1 document, made from the same rows that make the routes, so that the two cannot drift apart.

An `Operation` is one row: method, Flask rule, view, and the types of what goes in and out. `api.py` and `media.py` hold
their rows in plain sight; `blueprint` makes routes of them, `document` describes them. Schemas are msgspec's own; what
its types cannot say (`curator.payloads.check_changes` does) is added in `_add_rules`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from importlib import metadata
from typing import Any, Final

import msgspec
from flask import Blueprint, Response

from annotator_ui.bodies import json_response, read_body, read_query
from annotator_ui.errors import Failure
from curator.payloads import COCO_KEYPOINTS, REMOVAL_REASONS, AnnotationView

MAX_ID: Final = 2**63 - 1  # SQLite's largest integer; a longer number in a path is no route
ID: Final = f"int(min=1, max={MAX_ID})"

_REF: Final = "#/components/schemas/{name}"
_VARIABLE: Final = re.compile(r"<(?:(?P<converter>\w+)(?:\([^)]*\))?:)?(?P<name>\w+)>")
_PATH_SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    "int": {"type": "integer", "minimum": 1, "maximum": MAX_ID},
    "string": {"type": "string", "minLength": 1},
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One route and what is said of it.

    `answer` is the type of a 200's JSON, or the media type of a file. `fails` are the statuses that this operation can
    answer by itself; every other failure has the same shape and is the document's `default`.
    """

    method: str
    rule: str
    view: Callable[..., Any]
    summary: str
    answer: Any
    body: Any = None
    query: Any = None
    fails: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        return self.view.__name__

    @property
    def path(self) -> str:
        """The rule as OpenAPI writes it: `/api/images/{image_id}/removal`."""
        return _VARIABLE.sub(r"{\g<name>}", self.rule)


class StaleFailure(Failure, frozen=True, kw_only=True):
    """Somebody saved in between: merge with `annotation`, then send again with `version` as the base."""

    version: int
    annotation: AnnotationView


FAILURES: Final[dict[int, type[Failure]]] = {400: Failure, 404: Failure, 409: StaleFailure, 503: Failure}


def blueprint(name: str, operations: Sequence[Operation]) -> Blueprint:
    """The routes of these rows."""
    routes = Blueprint(name, __name__)
    for operation in operations:
        routes.add_url_rule(operation.rule, operation.name, _http_view(operation), methods=[operation.method])
    return routes


def _http_view(operation: Operation) -> Callable[..., Response]:
    """The HTTP side of a view: its body and query read, its answer written."""
    decoder = msgspec.json.Decoder(operation.body) if operation.body is not None else None

    def view(**arguments: Any) -> Response:
        if decoder is not None:
            arguments["body"] = read_body(decoder)
        if operation.query is not None:
            arguments["query"] = read_query(operation.query)
        answer = operation.view(**arguments)
        return answer if isinstance(answer, Response) else json_response(answer)

    return view


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """Describe the rows as an OpenAPI 3.1 document."""
    types = [kind for row in operations for kind in (row.answer, row.body) if _is_type(kind)]
    types += [*FAILURES.values()]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    _add_rules(components)
    schema_of = {id(kind): schema for kind, schema in zip(types, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for row in operations:
        paths.setdefault(row.path, {})[row.method.lower()] = _describe(row, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Curator",
            "version": _version(),
            "description": "The API behind the pages. Writes need `Content-Type: application/json`.",
        },
        "paths": paths,
        "components": {"schemas": components},
    }


def _describe(row: Operation, schema_of: dict[int, dict[str, Any]]) -> dict[str, Any]:
    content = {"application/json": {"schema": schema_of[id(row.answer)]}} if _is_type(row.answer) else {row.answer: {}}
    responses: dict[str, Any] = {"200": {"description": "Done.", "content": content}}
    for status in row.fails:
        responses[str(status)] = _failure(HTTPStatus(status).phrase, schema_of[id(FAILURES[status])])
    responses["default"] = _failure("Any other failure.", schema_of[id(Failure)])
    described: dict[str, Any] = {"operationId": row.name, "summary": row.summary, "responses": responses}
    if parameters := [*_path_parameters(row), *_query_parameters(row)]:
        described["parameters"] = parameters
    if row.body is not None:
        content = {"application/json": {"schema": schema_of[id(row.body)]}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _failure(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _path_parameters(row: Operation) -> list[dict[str, Any]]:
    return [
        {"name": match["name"], "in": "path", "required": True, "schema": _PATH_SCHEMAS[match["converter"] or "string"]}
        for match in _VARIABLE.finditer(row.rule)
    ]


def _query_parameters(row: Operation) -> list[dict[str, Any]]:
    if row.query is None:
        return []
    record = msgspec.json.schema(row.query)["$defs"][row.query.__name__]
    return [
        {"name": name, "in": "query", "required": name in record["required"], "schema": schema}
        for name, schema in record["properties"].items()
    ]


def _add_rules(components: dict[str, Any]) -> None:
    """What curator refuses although the types let it through."""
    number, null, positive = {"type": "number"}, {"type": "null"}, {"exclusiveMinimum": 0}
    components["Changes"]["properties"]["keypoints"]["propertyNames"] = {"enum": list(COCO_KEYPOINTS)}
    components["Keypoint"]["anyOf"] = [
        {"properties": {"x": number, "y": number}},
        {"properties": {"x": null, "y": null, "state": {"enum": ["undecided", "absent"]}}},
    ]
    bbox_xywh = components["Box"]["properties"]["bbox_xywh"]
    next(kind for kind in bbox_xywh["anyOf"] if kind["type"] == "array")["prefixItems"] = [{}, {}, positive, positive]
    components["Removal"]["properties"]["reason"] = {"enum": list(REMOVAL_REASONS)}


def _is_type(kind: Any) -> bool:
    return kind is not None and not isinstance(kind, str)


def _version() -> str:
    try:
        return metadata.version("character-curator")
    except metadata.PackageNotFoundError:  # run from a checkout
        return "0"
