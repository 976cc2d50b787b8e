"""The crew: the worker processes, how they are started, asked and stopped.

A worker that dies or does not answer ends the run with its name. Knows no library and no figure.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

ROOT: Final = Path(__file__).parents[1]
PATIENCE: Final = 120.0
"""Seconds for one answer."""


class WorkerFailed(Exception):
    """A worker ended, or said nothing for too long."""


class Worker:
    """One process; see worker.py for what it understands."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self.name = name
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
        )
        hello = self._read()
        self.jobs: list[str] = hello["jobs"]
        self.verifying: list[str] = hello["verifying"]
        """The jobs that verify tokens, and can be proven to."""
        self.versions: dict[str, str] = hello["versions"]

    def time(self, job: str, laps: int) -> list[float]:
        """Microseconds for one call, lap by lap."""
        answer: list[float] = self._ask({"do": "time", "job": job, "laps": laps})
        return answer

    def trials(self, job: str) -> list[dict[str, Any]]:
        """What it makes of every token that proves the job."""
        answer: list[dict[str, Any]] = self._ask({"do": "prove", "job": job})
        return answer

    def stop(self) -> None:
        """End it: it stops by itself when nobody asks any more."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _ask(self, request: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self._fail()
        return self._read()

    def _read(self) -> Any:  # noqa: ANN401 - JSON
        assert self._process.stdout is not None
        watch = threading.Timer(PATIENCE, self._process.kill)
        watch.start()
        try:
            line = self._process.stdout.readline()
        finally:
            watch.cancel()
        if not line:
            self._fail()
        return json.loads(line)

    def _fail(self) -> None:
        self._process.kill()
        self.stop()
        raise WorkerFailed(f"the worker {self.name!r} ended with {self._process.returncode}; see what it said above")


class Crew:
    """All workers of a run; stops them when the block ends."""

    def __init__(self) -> None:
        self.workers: dict[str, Worker] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self.workers.values():
            worker.stop()

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> Worker:
        self.workers[name] = worker = Worker(name, command, environment)
        return worker


def pin() -> int | None:
    """Keep this process and those it starts on one core; the core, or None where that cannot be done."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    return core
