"""The web server: waitress on this machine's own address, until it is told to stop.

There is one person and no login, so only loopback addresses are served; any other waits for accounts. The socket is
opened first and the application made for its port: the Host header is compared with the port that was really given.
"""

import contextlib
import errno
import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from types import FrameType
from typing import Final

import waitress

from annotator_ui.app import create_app
from annotator_ui.security import Settings
from curator.errors import BadInput, Busy
from curator.project import Project

THREADS: Final = 8
BACKLOG: Final = 128
# Bodies above the application's own limit (Settings.max_body_bytes) get its JSON answer up to here, then waitress's.
MAX_BODY_BYTES: Final = 1 << 24


def serve(
    project: Project,
    host: str = "127.0.0.1",
    port: int = 8750,
    announce: Callable[[str], None] = print,
    names: tuple[str, ...] = (),
) -> None:
    """Serve a project until SIGINT or SIGTERM; returns when the requests under way are answered.

    Args:
        port: 0 picks a free one.
        announce: called once with the address, `http://127.0.0.1:8750`, when connections are accepted.
        names: further names of this server, see `Settings`.
    Raises:
        BadInput: not a loopback address, or not one of this machine.
        Busy: another program listens on that port.
    """
    listener = _listen(host, port)
    port = listener.getsockname()[1]
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a full queue of eight is no news
    app = create_app(project, Settings(port=port, names=names))
    server = waitress.create_server(
        app,
        sockets=[listener],
        threads=THREADS,
        backlog=BACKLOG,
        connection_limit=500,
        max_request_body_size=MAX_BODY_BYTES,
        ident=None,
        clear_untrusted_proxy_headers=True,
    )
    with _stopped_by_signals():
        announce(f"http://{'[::1]' if ':' in host else host}:{port}")
        server.run()
    server.close()


def _listen(host: str, port: int) -> socket.socket:
    if not _is_loopback(host):
        raise BadInput(
            f"--host {host}: other machines could reach it and there are no accounts yet,"
            " expected 127.0.0.1, localhost or ::1",
            "host",
        )
    address = "127.0.0.1" if host == "localhost" else host
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return socket.create_server((address, port), family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Busy(f"--port {port}: another program listens there; choose another, or 0 for any free one") from None
        raise BadInput(f"--host {host} --port {port}: cannot listen there ({error.strerror})", "host") from error


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """SIGTERM ends the server as Ctrl+C does: waitress takes SystemExit as the wish to finish what is under way."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(signum: int, frame: FrameType | None) -> None:
        raise SystemExit(0)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
