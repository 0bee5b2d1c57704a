"""The guard in front of every view: who may speak to this server, and what a browser may do with its answers.

On 127.0.0.1 there is no login, so the guard is what keeps other web pages out of a person's project. A page of a
stranger can reach a local server in three ways, and each is shut here:

- DNS rebinding: the stranger's name is made to point to 127.0.0.1. The Host header then carries that name: refused.
- Cross-site requests: forms, images, `fetch` without reading. Origin and Sec-Fetch-Site say where they come from:
  writes from elsewhere are refused, and reads from elsewhere unless a person follows a link to a page. Another port of
  localhost is another origin and "same-site" only: refused too.
- Reading what was loaded: Cross-Origin-Resource-Policy and -Opener-Policy keep answers from foreign pages.

A client that sends neither Origin nor Sec-Fetch-Site is no browser, and could open the files on the disk as well.
"""

from dataclasses import dataclass
from typing import Final

from flask import Flask, Response, request

from annotator_ui.errors import Refused

LOCAL_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")
READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
PAGES: Final = frozenset({"/", "/help", "/removed", "/export"})  # and /label/<queue>: a link may lead here

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "font-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

HEADERS: Final = (
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """How this server may be called.

    `port` is the one that it listens on; `names` are further names under which a person reaches it (the end of a
    tunnel, a name in /etc/hosts), with their port where it differs: `curator.test`, `curator.test:8443`.
    """

    port: int = 8750
    names: tuple[str, ...] = ()
    max_body_bytes: int = 1 << 20  # a confirmation of 17 keypoints is 4 KiB

    def hosts(self) -> frozenset[str]:
        """Every value of the Host header that means this server."""
        with_port = {_with_port(name, self.port) for name in (*LOCAL_NAMES, *self.names)}
        return frozenset(with_port | ({name.removesuffix(":80") for name in with_port} if self.port == 80 else set()))


def register(app: Flask, settings: Settings) -> None:
    """Install the guard; called once by `create_app`, before any blueprint."""
    hosts = settings.hosts()
    origins = frozenset(f"{scheme}://{host}" for scheme in ("http", "https") for host in hosts)

    @app.before_request
    def guard() -> None:
        host = request.environ.get("HTTP_HOST", "").lower()
        if host not in hosts:
            raise Refused(421, f"this server is not called {host!r}, expected {_first(settings)}")
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None and site not in ("same-origin", "none"):
            follows_link = request.method in READS and request.headers.get("Sec-Fetch-Mode") == "navigate"
            is_page = request.path in PAGES or request.path.startswith("/label/")
            if not (follows_link and is_page and request.headers.get("Sec-Fetch-Dest") == "document"):
                raise Refused(403, f"a request from another site (Sec-Fetch-Site: {site}) is not answered")
        origin = request.headers.get("Origin")
        if origin is not None and (origin not in origins or origin.split("://", 1)[1] != host):
            raise Refused(403, f"a request from {origin!r} is not answered, expected http://{host}")

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in HEADERS:
            response.headers[name] = value
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def _with_port(name: str, port: int) -> str:
    has_port = ":" in name.rpartition("]")[2]
    return name.lower() if has_port else f"{name.lower()}:{port}"


def _first(settings: Settings) -> str:
    return f"{LOCAL_NAMES[0]}:{settings.port}"
