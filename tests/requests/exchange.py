"""A client that sends bytes and reads what comes back, so that nothing is normalised on the way.

Knows how answers are framed (RFC 9112 section 6) and nothing of what they should be.
"""

from __future__ import annotations

import contextlib
import socket
import time
from dataclasses import dataclass

PATIENCE = 20.0
_END = b"\r\n\r\n"


class NoAnswer(Exception):
    """What came back is no answer, or half of one."""


@dataclass(frozen=True)
class Answer:
    """One answer as it came; header names in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for field, value in self.headers if field == name]

    def header(self, name: str) -> str | None:
        values = self.all(name)
        assert len(values) < 2, f"{name} stands there {len(values)} times"
        return values[0] if values else None


def exchange(port: int, request: bytes, *, is_head: bool = False, ends: bool = False) -> tuple[Answer, ...]:
    """Every final answer on one connection; none when it was closed without any.

    `ends`: close our half after the request, for one that a server may take for unfinished.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        # A server that has read enough answers and closes; its answer is what counts.
        with contextlib.suppress(ConnectionError):
            client.sendall(request)
            if ends:
                client.shutdown(socket.SHUT_WR)
        return _answers(_received(client), is_head=is_head)


def _received(client: socket.socket) -> bytes:
    deadline = time.monotonic() + PATIENCE
    received = b""
    with contextlib.suppress(ConnectionError):
        while piece := client.recv(65536):
            received += piece
            if time.monotonic() > deadline:
                raise NoAnswer("it has no end")
            # What follows is another protocol, which nobody here speaks.
            if received.startswith(b"HTTP/1.1 101") and _END in received:
                break
    return received


def _answers(received: bytes, *, is_head: bool) -> tuple[Answer, ...]:
    answers = []
    while received:
        head, end, received = received.partition(_END)
        status, *fields = head.decode("latin-1").split("\r\n")
        if not end or not status.startswith("HTTP/1."):
            raise NoAnswer(f"no head: {head[:80]!r}")
        code = int(status.split()[1])
        if code // 100 == 1 and code != 101:
            continue
        pairs = (field.partition(":") for field in fields)
        headers = tuple((name.lower(), value.strip()) for name, _, value in pairs)
        if code == 101:
            received = b""
        body, received = (b"", received) if is_head else _body(dict(headers), received)
        answers.append(Answer(code, headers, body))
    return tuple(answers)


def _body(headers: dict[str, str], received: bytes) -> tuple[bytes, bytes]:
    """The body of an answer, and what follows it."""
    if headers.get("transfer-encoding") == "chunked":
        return _chunks(received)
    # Only servers that close afterwards send a body without its length.
    length = int(headers.get("content-length", len(received)))
    if len(received) < length:
        raise NoAnswer(f"{received[:80]!r} is cut")
    return received[:length], received[length:]


def _chunks(received: bytes) -> tuple[bytes, bytes]:
    body = b""
    while True:
        size, _, received = received.partition(b"\r\n")
        length = int(size, 16)
        body, end, received = body + received[:length], received[length : length + 2], received[length + 2 :]
        if end != b"\r\n":
            raise NoAnswer(f"{body[:80]!r} is cut")
        if not length:
            return body, received
