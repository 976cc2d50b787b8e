"""Requests per second through real servers on loopback, one process each, by `wrk`; where it is on the machine.

The client shares the machine with the server, so that only large differences mean anything.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.crew import ROOT
from benchmarks.environments import Missing
from benchmarks.results import Figure
from benchmarks.rounds import spread
from benchmarks.scene import Scene, load

SERVERS: Final = {
    "uvicorn": ("asgi_bare", "asgi_warm", "asgi_cold"),
    "gunicorn with Flask": ("flask_bare", "flask_warm", "flask_cold"),
}
KINDS: Final = ("without", "token seen before", "every token new")
CONNECTIONS: Final = 16
START: Final = 20.0
"""Seconds until a server must listen."""

_SPEED: Final = re.compile(r"^Requests/sec:\s+([\d.]+)$", re.MULTILINE)


def figures(scenes: Path, *, seconds: int, rounds: int) -> list[Figure]:
    """Raises Missing where there is no wrk, or requests fail."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise Missing("needs wrk")
    script = scenes.with_name("requests.lua")
    script.write_text(_script(load(scenes)["RS256"]), encoding="ascii")
    found = []
    for server, applications in SERVERS.items():
        speeds: dict[str, list[float]] = {kind: [] for kind in KINDS}
        for _ in range(rounds):
            for kind, application in zip(KINDS, applications, strict=True):
                with _running(server, application, scenes) as url:
                    speeds[kind].append(_speed([wrk, "-t1", f"-c{CONNECTIONS}", "-s", str(script)], seconds, url))
        found += [_figure(server, kind, speeds) for kind in KINDS[1:]]
    return found


def speed_of(said: str) -> float:
    """Requests per second in what wrk printed; raises Missing when some were not answered with success."""
    if "Non-2xx" in said or "Socket errors" in said:
        raise Missing(f"some requests failed: {said}")
    match = _SPEED.search(said)
    if match is None:
        raise Missing(f"wrk said no speed: {said}")
    return float(match[1])


def _speed(command: Sequence[str], seconds: int, url: str) -> float:
    def run(duration: int) -> str:
        timed = [*command, f"-d{duration}s", url]
        return subprocess.run(timed, capture_output=True, text=True, check=True, timeout=duration + 30).stdout

    if seconds > 1:
        run(1)
    return speed_of(run(seconds))


def _script(scene: Scene) -> str:
    tokens = ",\n".join(f'"Bearer {token}"' for token in scene.tokens)
    return (
        f"local fields = {{\n{tokens}\n}}\nlocal requests, turn = {{}}, 0\n"
        'init = function() for i, f in ipairs(fields) do requests[i] = wrk.format("GET", "/orders", '
        '{["Authorization"] = f}) end end\n'
        "request = function() turn = turn % #requests + 1; return requests[turn] end\n"
    )


@contextmanager
def _running(server: str, application: str, scenes: Path) -> Generator[str, None, None]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        _command(server, application, port),
        cwd=ROOT,
        env={**os.environ, "BENCHMARK_SCENES": str(scenes)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(process, port)
        yield f"http://127.0.0.1:{port}/orders"
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _command(server: str, application: str, port: int) -> list[str]:
    if server == "uvicorn":
        quiet = ["--no-access-log", "--log-level", "warning"]
        named = ["--factory", f"benchmarks.served:{application}", "--host", "127.0.0.1", "--port", str(port)]
        return [sys.executable, "-m", "uvicorn", *quiet, *named]
    threads = ["--workers", "1", "--worker-class", "gthread", "--threads", "4"]
    return [
        sys.executable, "-m", "gunicorn", *threads, "--no-control-socket", "--bind", f"127.0.0.1:{port}",
        f"benchmarks.served:{application}()",
    ]  # fmt: skip


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise Missing(f"the server on port {port} did not start")


def _figure(server: str, kind: str, speeds: dict[str, list[float]]) -> Figure:
    ratios = [with_it / bare for with_it, bare in zip(speeds[kind], speeds[KINDS[0]], strict=True)]
    low, ratio, high = spread(ratios) if len(ratios) > 1 else ratios * 3
    return Figure(
        group="serving",
        name=server,
        column=kind,
        base="requests per second without it",
        ratio=round(ratio, 4),
        low=round(low, 4),
        high=round(high, 4),
        amount=round(sum(speeds[kind]) / len(speeds[kind])),
        unit="requests/s",
    )
