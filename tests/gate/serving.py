"""A real uvicorn in a thread around the gate, on loopback, and a client that sends exactly what it is told to."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn

from bearergate import Validator
from bearergate.core.keyring import KeyLifecycle
from bearergate.core.policy import GroupsFrom, IssuerPolicy
from bearergate.forward_auth import gate
from bearergate.testing import FakeIssuer

AUDIENCE = "https://api.test"
QUICK = KeyLifecycle(backoff_first=0.05, backoff_max=0.1)


@dataclass(frozen=True)
class Answer:
    status: int
    fields: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        values = self.all(name)
        assert len(values) < 2, f"{name} stands there {len(values)} times"
        return values[0] if values else None

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class RunningGate:
    port: int

    def ask(
        self,
        path: str = "/verify",
        token: str | None = None,
        *,
        method: str = "GET",
        headers: Sequence[tuple[str, str]] = (),
    ) -> Answer:
        fields = [*headers] if token is None else [("Authorization", f"Bearer {token}"), *headers]
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.putrequest(method, path)
            for name, value in fields:
                connection.putheader(name, value)
            connection.endheaders()
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    def send_raw(self, request: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(request)
            pieces = []
            while piece := connection.recv(65536):
                pieces.append(piece)
        return b"".join(pieces)


def policy_for(issuer: FakeIssuer, *, needs_groups: bool = False) -> IssuerPolicy:
    return IssuerPolicy(issuer=issuer.issuer, audiences=frozenset({AUDIENCE}), groups=GroupsFrom(required=needs_groups))


def validator_for(*issuers: FakeIssuer, needs_groups: bool = False, lifecycle: KeyLifecycle = QUICK) -> Validator:
    return Validator([policy_for(issuer, needs_groups=needs_groups) for issuer in issuers], lifecycle=lifecycle)


@contextmanager
def running_gate(validator: Validator, **options: Any) -> Iterator[RunningGate]:
    listener = socket.create_server(("127.0.0.1", 0))
    app = gate(validator, **{"warm_every": 0.05, **options})
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="on", ws="none"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        eventually(lambda: server.started)
        yield RunningGate(listener.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def eventually(condition: Callable[[], bool], *, within: float = 10.0) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"in vain for {within} s"
        time.sleep(0.02)
