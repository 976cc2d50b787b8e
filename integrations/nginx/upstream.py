"""An application that answers every request with what reached it.

Knows HTTP and nothing else: no token, no gate, no nginx.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        received = {
            "method": self.command,
            "target": self.path,
            # Pairs and not a mapping: a header that arrives twice is exactly what a test wants to see.
            "headers": [[name, value] for name, value in self.headers.items()],
            "body": self.rfile.read(length).decode("utf-8", errors="replace"),
        }
        content = json.dumps(received).encode()
        self.send_response(self._wanted_status())
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815 - names that http.server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Say nothing: a test's output belongs to the test."""

    def _wanted_status(self) -> int:
        """`/status/418` answers 418, so that a test can tell the application's refusal from the gate's."""
        _, _, wanted = self.path.partition("/status/")
        return int(wanted) if wanted.isdecimal() else 200


@contextmanager
def running_upstream() -> Iterator[int]:
    """The port of an echoing application on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
