"""A fake issuer on a loopback port: a threading HTTP server that answers, and misbehaves byte by byte when told to.

Counts at the socket. Decides nothing about documents: it asks the issuer for the reply and sends it.
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import struct
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, Final, cast

from bearergate.testing.faults import HEALTHY, Fault
from bearergate.testing.replies import NOT_FOUND, Publisher, Reply

_HOST: Final = "127.0.0.1"
_POLL: Final = 0.02
_CUT: Final = struct.pack("ii", 1, 0)
"""SO_LINGER of zero seconds: close answers with a reset."""


class Loopback:
    """The running server of one issuer."""

    def __init__(self, issuer: Publisher, port: int = 0) -> None:
        """`port`: 0 for any free one."""
        self._server = _Server((_HOST, port), issuer)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL,), name=f"fake-issuer-{self.port}", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Refuse new connections and cut those that are open."""
        self._server.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._server.cut_all()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    # A burst of cold callers must be counted, not dropped by the kernel.
    request_queue_size = 1024

    def __init__(self, address: tuple[str, int], issuer: Publisher) -> None:
        self.issuer = issuer
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as socketserver types it
        self.issuer.traffic.connected()
        if self.issuer.down:
            _cut(request)
            return
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - as socketserver types it
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def cut_all(self) -> None:
        with self._lock:
            for request in self._open:
                # The other side may have been faster.
                with contextlib.suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as socketserver types it
        # A client that gives up is what half of these tests are about.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def _cut(request: socket.socket) -> None:
    request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CUT)
    request.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def _server(self) -> _Server:
        return cast("_Server", self.server)

    def do_GET(self) -> None:
        issuer = self._server.issuer
        headers = {name.lower(): value for name, value in self.headers.items()}
        endpoint = issuer.endpoint_at(f"http://{_HOST}:{issuer.port}{self.path}")
        issuer.traffic.asked(endpoint, self.path, headers)
        fault = HEALTHY if endpoint is None else issuer.fault_of(endpoint)
        self._pause(fault.delay)
        if fault.reset:
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CUT)
            return
        if fault.hang:
            self._hang()
            return
        etag = headers.get("if-none-match")
        self._send(NOT_FOUND if endpoint is None else issuer.reply(endpoint, fault, etag), fault)

    def _send(self, reply: Reply, fault: Fault) -> None:
        fields = {"content-length": str(len(reply.body)), **reply.headers}
        lines = [f"HTTP/1.1 {reply.status} {_phrase(reply.status)}", *(f"{n.title()}: {v}" for n, v in fields.items())]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        if fault.drip_headers or fault.drip_body:
            self._drip(head, fault.drip_headers)
            self._drip(reply.body, fault.drip_body)
        else:
            self.wfile.write(head + reply.body)

    def _drip(self, raw: bytes, interval: float) -> None:
        for piece in (bytes([byte]) for byte in raw) if interval else [raw]:
            self.wfile.write(piece)
            self._pause(interval)

    def _pause(self, seconds: float) -> None:
        if seconds and self._server.closing.wait(seconds):
            raise ConnectionAbortedError

    def _hang(self) -> None:
        self.close_connection = True
        while not (self._server.closing.wait(_POLL) or self._is_abandoned()):
            pass

    def _is_abandoned(self) -> bool:
        self.connection.settimeout(_POLL)
        try:
            return not cast("bytes", self.connection.recv(1, socket.MSG_PEEK))
        except TimeoutError:
            return False

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as http.server names it
        """Say nothing: what was asked is in the issuer's record."""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
