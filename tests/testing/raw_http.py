"""A client that sends one GET over a plain socket and returns what came, byte for byte."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from bearergate.testing import FakeIssuer


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float
    pieces: int

    def json(self) -> Any:
        return json.loads(self.body)


def connect(issuer: FakeIssuer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", issuer.port), timeout=5)


def get(url: str, *, patience: float = 5.0, **headers: str) -> Answer:
    """Ask once on a connection of its own; raises OSError for one that is cut or refused."""
    parts = urlsplit(url)
    began = time.monotonic()
    with socket.create_connection((parts.hostname, parts.port), timeout=patience) as client:
        fields = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        client.sendall(
            f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n{fields}\r\n".encode()
        )
        pieces = []
        while piece := client.recv(65536):
            pieces.append(piece)
    return _answer(b"".join(pieces), time.monotonic() - began, len(pieces))


def _answer(raw: bytes, seconds: float, pieces: int) -> Answer:
    if not raw:
        raise ConnectionResetError("closed without an answer")
    head, _, body = raw.partition(b"\r\n\r\n")
    status, *fields = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}
    assert int(headers["content-length"]) == len(body)
    return Answer(int(status.split()[1]), headers, body, seconds, pieces)


def refuses(url: str) -> None:
    with pytest.raises(ConnectionRefusedError):
        get(url)
