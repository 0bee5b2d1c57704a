"""Files over HTTP: pictures by their digest, exports as downloads, and the sign of life.

A picture never changes under its digest, so browsers may keep it for ever. Only raster image types are shown; whatever
else lies in a project (an SVG can carry script) is handed out as an attachment of bytes.
"""

from typing import Final

import msgspec
from flask import Response, send_file

from annotator_ui import downloads
from annotator_ui.current import project
from annotator_ui.openapi import Operation, blueprint
from curator.media import picture_file

SHOWN_TYPES: Final = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif", "image/avif", "image/bmp"})
BYTES: Final = "application/octet-stream"
A_YEAR_S: Final = 31_536_000


class Health(msgspec.Struct, frozen=True):
    """The server answers and can open its project."""

    ok: bool = True


def picture(digest: str) -> Response:
    """The stored picture with this SHA-256, byte for byte."""
    path, media_type = picture_file(project(), digest)
    shown = media_type in SHOWN_TYPES
    response = send_file(
        path,
        mimetype=media_type if shown else BYTES,
        as_attachment=not shown,
        download_name=None if shown else digest,
        etag=digest,
        last_modified=None,
    )
    response.headers["Cache-Control"] = f"private, max-age={A_YEAR_S}, immutable"
    return response


def exported_file(name: str, file_name: str) -> Response:
    """A file of an export, to be saved."""
    path = downloads.exported_file(project(), name, file_name)
    return send_file(path, mimetype=BYTES, as_attachment=True, download_name=file_name)


def health() -> Health:
    _ = project().db
    return Health()


OPERATIONS: Final = (
    Operation("GET", "/media/<digest>", picture, "A picture by its SHA-256.", "image/*", fails=(404,)),
    Operation(
        "GET", "/exports/<name>/<file_name>", exported_file, "A file of an export, to be saved.", BYTES, fails=(404,)
    ),
    Operation("GET", "/healthz", health, "Whether the server answers.", Health),
)

bp = blueprint("media", OPERATIONS)
