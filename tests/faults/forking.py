"""Running a function in a forked child, and what it returned; a child that hangs is killed and reported.

Knows no keys. Whatever the child does, it never returns into the test run.
"""

from __future__ import annotations

import json
import os
import select
import signal
import time
import traceback
import warnings
from collections.abc import Callable
from typing import Any

PATIENCE = 20.0


class ChildFailed(AssertionError):
    """The child hung or broke."""


def fork_by_python() -> int:
    with warnings.catch_warnings():
        # From Python 3.12 on a fork beside threads is warned of. That such forks work is what is tested here.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def in_child(work: Callable[[], Any], *, fork: Callable[[], int] = fork_by_python) -> Any:
    """What `work` returns, as JSON data, in a child process."""
    reading, writing = os.pipe()
    child = fork()
    if child == 0:
        _report(work, writing)
    os.close(writing)
    try:
        raw = _read(reading, time.monotonic() + PATIENCE)
    finally:
        os.close(reading)
        # A child that answered is about to end anyway.
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    told = json.loads(raw) if raw else {"failure": "the child hung, or ended without a word"}
    if "failure" in told:
        raise ChildFailed(told["failure"])
    return told["result"]


def _report(work: Callable[[], Any], writing: int) -> None:
    try:
        told = {"result": work()}
    except BaseException:  # noqa: BLE001 - the child has nobody else to tell
        told = {"failure": traceback.format_exc()}
    try:
        os.write(writing, json.dumps(told).encode())
        os.close(writing)
    finally:
        os._exit(0)


def _read(reading: int, deadline: float) -> bytes:
    pieces: list[bytes] = []
    while select.select([reading], [], [], max(0.0, deadline - time.monotonic()))[0]:
        piece = os.read(reading, 65536)
        if not piece:
            break
        pieces.append(piece)
    return b"".join(pieces)
