"""Failures, in one shape: the only place that turns an exception into an answer.

For programs: `{"ok": false, "error": "one sentence", "field": "changes.keypoints.left_eye.x" or null}`; a stale change
also carries today's `version` and `annotation`. For people in a browser: the same sentence on a page.

    CuratorError      BadInput 400, NotFound 404, Stale 409, Busy 503; one caused by a full disk 507; others 500, each
                      with its own sentence
    Refused           what the web side itself refuses: wrong host, wrong origin, wrong content type
    HTTPException     Flask's and Werkzeug's own: no such route, wrong method, body too large
    OSError           a full disk 507
    anything else     500; the traceback goes to the log, never to the client
"""

import errno
from typing import Any, Final, Literal

import msgspec
from flask import Flask, Response, current_app, render_template, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from curator.errors import BadInput, Busy, CuratorError, NotFound, Stale

# Everything below these speaks JSON whatever the client says it accepts.
PROGRAM_PATHS: Final = ("/api/", "/healthz")
# Files: a person who follows a link to one that is gone gets a page, a program the JSON shape.
FILE_PATHS: Final = ("/media/", "/exports/")

TITLES: Final[dict[int, str]] = {
    400: "That request cannot be used",
    403: "Refused",
    404: "Not found",
    405: "Not possible here",
    409: "Somebody was faster",
    413: "Too large",
    415: "Wrong kind of content",
    421: "Wrong address",
    500: "Something broke on our side",
    503: "Busy",
    507: "The disk is full",
}


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Every failure of the API."""

    ok: Literal[False] = False
    error: str
    field: str | None = None


class Refused(Exception):
    """The web side says no before any room of the application was asked."""

    def __init__(self, status: int, error: str, field: str | None = None) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.field = field


def register(app: Flask) -> None:
    """Install the handlers; called once by `create_app`."""
    app.register_error_handler(CuratorError, _curator_error)
    app.register_error_handler(Refused, lambda refusal: answer(refusal.status, refusal.error, refusal.field))
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(OSError, _os_error)
    app.register_error_handler(Exception, _unexpected)


def answer(status: int, error: str, field: str | None = None, **more: Any) -> Response:
    """Give a failure the form that this client reads.

    Args:
        more: further keys of the JSON form (`version`, `annotation` of a stale change).
    """
    if wants_json():
        body = {"ok": False, "error": error, "field": field, **more}
        return Response(msgspec.json.encode(body), status, mimetype="application/json")
    page = render_template("error.html", title=TITLES.get(status, "That did not work"), sentence=error, status=status)
    return Response(page, status, mimetype="text/html")


def wants_json() -> bool:
    """Whether the client of this request is a program: by the path, else by what it accepts."""
    if request.path.startswith(PROGRAM_PATHS) or request.path == "/api":
        return True
    if request.path.startswith(FILE_PATHS):
        return "text/html" not in request.headers.get("Accept", "")
    return False


def _curator_error(error: CuratorError) -> Response:
    match error:
        case BadInput():
            return answer(400, str(error), error.field)
        case NotFound():
            return answer(404, str(error))
        case Stale():
            return answer(409, str(error), version=error.version, annotation=error.annotation)
        case Busy():
            response = answer(503, str(error))
            response.headers["Retry-After"] = "1"
            return response
    current_app.logger.error("%s %s: %s", request.method, request.path, error)
    return answer(507 if _is_full_disk(error.__cause__) else 500, str(error))


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    response = answer(status, _sentence(error, status))
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def _sentence(error: HTTPException, status: int) -> str:
    if status == 404:
        return f"there is nothing at {request.path}"
    if isinstance(error, MethodNotAllowed):
        possible = ", ".join(sorted(error.valid_methods or []))
        return f"{request.method} is not possible at {request.path}, expected one of {possible}"
    if status == 413:
        limit = current_app.config["MAX_CONTENT_LENGTH"]
        return f"the request body is larger than {limit:,} bytes"
    return error.description or error.name


def _is_full_disk(error: BaseException | None) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _os_error(error: OSError) -> Response:
    if _is_full_disk(error):
        current_app.logger.error("%s %s: %s", request.method, request.path, error)
        return answer(507, "the disk is full: nothing was changed; free some space and try again")
    return _unexpected(error)


def _unexpected(error: Exception) -> Response:
    current_app.logger.error("%s %s failed", request.method, request.path, exc_info=error)
    return answer(500, "something failed on our side; the server's log has the details")
