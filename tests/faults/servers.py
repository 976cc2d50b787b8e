"""Application servers with two worker processes, on a loopback port that the test opened, and a client of them.

The port is opened here and handed over, so that none is raced for. Knows no keys and no verdict.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bearergate.testing import FakeIssuer

ROOT: Final = Path(__file__).resolve().parents[2]
READY: Final = "/ready"
WORKERS: Final = 2
PATIENCE: Final = 30.0
_OURS: Final = ("OIDC_", "BEARERGATE_", "GUNICORN_", "UVICORN_", "WEB_CONCURRENCY")
_MODULE: Final = "tests.faults.applications"


def gunicorn(worker: str, *more: str) -> tuple[str, ...]:
    common = ("--workers", str(WORKERS), "--bind", "fd://{fd}", "--no-control-socket", "--graceful-timeout", "2")
    return ("gunicorn", "--worker-class", worker, *common, *more, f"{_MODULE}:wsgi_application")


def uvicorn(*more: str) -> tuple[str, ...]:
    common = ("--workers", str(WORKERS), "--fd", "{fd}", "--lifespan", "off", "--no-access-log")
    return ("uvicorn", *common, *more, f"{_MODULE}:asgi_application")


@dataclass(frozen=True)
class Answer:
    """What a client was told; `process`: who served it, where it was let in."""

    status: int
    process: str
    retry_after: str | None
    seconds: float


@dataclass(frozen=True)
class Running:
    """A server that was started."""

    port: int
    output: Path

    def ask(self, token: str | None = None) -> Answer:
        started = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            fields = {} if token is None else {"Authorization": f"Bearer {token}"}
            connection.request("GET", READY if token is None else "/", headers={**fields, "Connection": "close"})
            answer = connection.getresponse()
            body = answer.read().decode()
            who = body if answer.status == 200 else ""
            return Answer(answer.status, who, answer.headers.get("Retry-After"), time.monotonic() - started)

    def ask_many(self, tokens: Sequence[str]) -> list[Answer]:
        with ThreadPoolExecutor(16) as pool:
            return list(pool.map(self.ask, tokens))

    def ask_every_worker(self, token: str) -> list[Answer]:
        """Present a token until each worker has accepted it; every answer on the way."""
        answers: list[Answer] = []
        end = time.monotonic() + PATIENCE
        while len({answer.process for answer in answers if answer.process}) < WORKERS:
            assert time.monotonic() < end, f"not every worker has accepted it:\n{self.output.read_text()[-3000:]}"
            answers += self.ask_many([token] * 8)
        return answers


@contextmanager
def running(command: Sequence[str], issuer: FakeIssuer, folder: Path, **settings: str) -> Iterator[Running]:
    """A server that trusts the issuer, until the end of the block."""
    output = folder / "server.log"
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener, output.open("ab") as log:
        number, port = listener.fileno(), listener.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, "-m", *(part.replace("{fd}", str(number)) for part in command)],
            cwd=ROOT,
            env=environment(issuer, **settings),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=[number],
        )
    try:
        yield Running(port, output)
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def environment(*issuers: FakeIssuer, **settings: str) -> Mapping[str, str]:
    """This process's environment, and what makes an application trust the issuers."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    paths = (os.environ.get("PYTHONPATH", ""), str(ROOT))
    trusted = ",".join(issuer.issuer for issuer in issuers)
    return {
        **inherited,
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "OIDC_ISSUERS": trusted,
        "OIDC_AUDIENCES": issuers[0].audience,
        **settings,
    }
