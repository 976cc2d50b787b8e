"""Sockets and HTTP servers of the demo: each server runs in a thread of its own and stops when told to.

Knows no application: it is handed one.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from werkzeug.serving import make_server

from bearergate.asgi import App

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

HOST: Final = "127.0.0.1"
_PATIENCE: Final = 5.0
"""Seconds that a server may take to end its last answers."""


class PortTaken(Exception):
    """Somebody else listens on a port that the demo needs."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.port = port


@contextmanager
def listening(ports: tuple[int, ...]) -> Generator[list[socket.socket], None, None]:
    """Sockets that accept connections from now on, before any server is up; 0 stands for any free port."""
    with ExitStack() as stack:
        yield [stack.enter_context(contextlib.closing(_listen(port))) for port in ports]


def _listen(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # The connections of a demo that just ended do not hold its ports.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((HOST, port))
        sock.listen()
    except OSError as error:
        sock.close()
        if error.errno in {errno.EADDRINUSE, errno.EACCES}:
            raise PortTaken(port) from error
        raise
    return sock


@contextmanager
def serving_asgi(app: App, sock: socket.socket) -> Generator[None, None, None]:
    """Serve an ASGI application with uvicorn until the end of the block."""
    config = uvicorn.Config(_typed(app), lifespan="auto", log_config=None, access_log=False, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([sock],), name="demo-asgi", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(_PATIENCE)


@contextmanager
def serving_wsgi(app: WSGIApplication, sock: socket.socket) -> Generator[None, None, None]:
    """Serve a WSGI application with werkzeug's server until the end of the block."""
    # It writes a line per request, and a warning not to use it in production.
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = make_server(HOST, sock.getsockname()[1], app, threaded=True, fd=sock.fileno())
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="demo-wsgi", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(_PATIENCE)


def _typed(app: App) -> Any:  # noqa: ANN401 - uvicorn spells the ASGI types in its own way
    return app
