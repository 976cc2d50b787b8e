"""Real servers as processes, each with one application behind one adapter, on a loopback port that the test opened.

The port is opened here and handed over, so no port is ever raced for, and a request that comes before the server is
ready waits in the queue of the port. Knows no request and no verdict.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from tests.requests.applications import REACHED

ROOT: Final = Path(__file__).resolve().parents[2]
BELOW: Final = "/public"
"""A mount point that is named like an exempt folder."""

_MODULE: Final = "tests.requests.applications"
_OURS: Final = ("OIDC_", "BEARERGATE_", "GUNICORN_", "UVICORN_", "WEB_CONCURRENCY", "SCRIPT_NAME", "FORWARDED_")


@dataclass(frozen=True)
class Lane:
    """One server with one adapter behind it."""

    server: str
    adapter: str
    command: tuple[str, ...]
    prefix: str = ""
    """What stands in front of every path on the wire."""
    script_name: str = ""
    note: str = ""
    needs: str = ""
    """A package that may be missing."""

    @property
    def name(self) -> str:
        return f"{self.server} {self.adapter} {self.note}".rstrip()

    @property
    def names(self) -> tuple[str, ...]:
        """How a row may name it, the most exact first. A server that answers itself does so before any adapter."""
        return self.name, f"{self.server} {self.adapter}", self.server, self.adapter

    @property
    def is_gate(self) -> bool:
        return self.adapter == "gate"

    @property
    def upgrades(self) -> bool:
        """Whether a handshake makes a WebSocket, and is not just a GET."""
        return self.adapter == "asgi"


def _uvicorn(parser: str, adapter: str, *, ws: str = "auto", root_path: str = "", prefix: str = "") -> Lane:
    factory = "gate" if adapter == "gate" else f"{adapter}_application"
    command = ("uvicorn", "--http", parser, "--ws", ws, "--root-path", root_path, "--no-access-log", "--fd", "{fd}")
    # Or else it depends on how a long head is cut into packets whether the adapter sees it.
    room = ("--h11-max-incomplete-event-size", "200000")
    note = f"below {root_path}" if root_path else ""
    arguments = (*command, *room, "--factory", f"{_MODULE}:{factory}")
    return Lane(f"uvicorn-{parser}", adapter, arguments, prefix, note=note, needs=parser)


def _gunicorn(worker: str, adapter: str, *, script_name: str = "") -> Lane:
    command = ("gunicorn", "--worker-class", worker, "--no-control-socket", "--graceful-timeout", "2")
    server = "gunicorn" if worker == "sync" else f"gunicorn-{worker}"
    note = f"below {script_name}" if script_name else ""
    arguments = (*command, "--bind", "fd://{fd}", f"{_MODULE}:{adapter}_application()")
    return Lane(server, adapter, arguments, script_name, script_name, note)


def _lanes() -> Iterator[Lane]:
    for parser in ("h11", "httptools"):
        yield _uvicorn(parser, "asgi")
        # The gate is asked at a path of its own, and by GET whatever the client wanted to upgrade to.
        yield _uvicorn(parser, "gate", ws="none", prefix="/verify")
    yield _uvicorn("h11", "asgi", root_path=BELOW)
    yield _gunicorn("sync", "wsgi")
    yield _gunicorn("sync", "flask")
    yield _gunicorn("sync", "flask", script_name=BELOW)
    yield _gunicorn("asgi", "asgi")


ALL_LANES: Final = tuple(_lanes())
LANES: Final = tuple(lane for lane in ALL_LANES if not lane.needs or find_spec(lane.needs))
"""Those that can be run here."""


@dataclass(frozen=True)
class Running:
    """A server that was started."""

    lane: Lane
    port: int
    output: Path
    """What it wrote to standard output and standard error."""
    reached: Path
    """What its application wrote down."""


@contextmanager
def running(lane: Lane, folder: Path, settings: Mapping[str, str]) -> Iterator[Running]:
    """The server of one lane, until the end of the block."""
    name = lane.name.replace(" ", "-").replace("/", "")
    output, reached = folder / f"{name}.log", folder / f"{name}.reached"
    reached.touch()
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener, output.open("ab") as log:
        number, port = listener.fileno(), listener.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, "-m", *(part.replace("{fd}", str(number)) for part in lane.command)],
            cwd=ROOT,
            env=_environment(lane, reached, settings),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=[number],
        )
    try:
        yield Running(lane, port, output, reached)
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def _environment(lane: Lane, reached: Path, settings: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    paths = (os.environ.get("PYTHONPATH", ""), str(ROOT))
    found = {"PYTHONPATH": os.pathsep.join(path for path in paths if path), REACHED: str(reached)}
    if lane.script_name:
        found["SCRIPT_NAME"] = lane.script_name
    return {**inherited, **found, **settings}
