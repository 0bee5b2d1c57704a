"""The Flask application of one project: the guard, the three blueprints, JSON by msgspec, failures in one shape."""

import mimetypes
from typing import Any, Final

import msgspec
from flask import Flask
from flask.json.provider import JSONProvider

from annotator_ui import api, current, errors, media, pages, security
from annotator_ui.security import Settings
from curator.project import Project

__all__ = ["Settings", "create_app"]

# Windows' registry and old systems call JavaScript text/plain, and `nosniff` makes browsers refuse such modules.
STATIC_TYPES: Final = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


class MsgspecJSON(JSONProvider):
    """JSON of curator's records, for `tojson` in templates."""

    def dumps(self, obj: Any, **_: Any) -> str:
        return msgspec.json.encode(obj).decode()

    def loads(self, s: str | bytes, **_: Any) -> Any:
        return msgspec.json.decode(s)


def create_app(project: Project, settings: Settings | None = None) -> Flask:
    """The application that serves one project."""
    settings = settings or Settings()
    for suffix, media_type in STATIC_TYPES.items():
        mimetypes.add_type(media_type, suffix)
    app = Flask("annotator_ui")
    app.json = MsgspecJSON(app)
    app.jinja_env.policies["json.dumps_function"] = app.json.dumps
    app.config.update(MAX_CONTENT_LENGTH=settings.max_body_bytes, PROPAGATE_EXCEPTIONS=False)
    app.url_map.merge_slashes = False
    current.attach(app, project)
    security.register(app, settings)
    errors.register(app)
    for routes in (pages.bp, api.bp, media.bp):
        app.register_blueprint(routes)
    return app
