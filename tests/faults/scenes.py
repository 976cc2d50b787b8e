"""What the fault scenarios share: many callers at once, how long each took, and what a client read from its sockets.

Knows no scenario. Issuers are served on loopback, so that requests are counted where they arrive.
"""

from __future__ import annotations

import asyncio
import math
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from bearergate.core.errors import Refusal
from bearergate.core.reasons import Reason
from bearergate.testing import FakeIssuer
from bearergate.validator import Validator


@dataclass(frozen=True)
class Answered:
    """What one caller was told, and after how many seconds. No reason: its token was accepted."""

    reason: Reason | None
    seconds: float


def ask(validator: Validator, token: str) -> Answered:
    started = time.monotonic()
    try:
        validator.validate(token)
    except Refusal as error:
        return Answered(error.reason, time.monotonic() - started)
    return Answered(None, time.monotonic() - started)


async def ask_async(validator: Validator, token: str) -> Answered:
    started = time.monotonic()
    try:
        await validator.validate_async(token)
    except Refusal as error:
        return Answered(error.reason, time.monotonic() - started)
    return Answered(None, time.monotonic() - started)


def in_threads(calls: Sequence[Callable[[], Any]], *, over: float = 0.0) -> list[Any]:
    """Every call in a thread of its own; all at once, or their starts spread evenly `over` so many seconds."""
    results: list[Any] = [None] * len(calls)
    together = threading.Barrier(len(calls))

    def run(index: int) -> None:
        together.wait(30)
        # Not time.sleep in a loop over one thread: a late caller must not delay those after it.
        threading.Event().wait(over * index / len(calls))
        results[index] = calls[index]()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


@contextmanager
def going_on(count: int, work: Callable[[], object]) -> Iterator[None]:
    """Threads that do `work` over and over while the block runs."""
    over = threading.Event()

    def run() -> None:
        while not over.is_set():
            work()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(30)


def in_tasks(validator: Validator, tokens: Sequence[str]) -> list[Answered]:
    """Every token in a task of its own, in one event loop of the calling thread."""

    async def all_of_them() -> list[Answered]:
        return await asyncio.gather(*(ask_async(validator, token) for token in tokens))

    return asyncio.run(all_of_them())


def reasons(answers: Sequence[Answered]) -> Counter[Reason | None]:
    return Counter(answer.reason for answer in answers)


def percentile(seconds: Sequence[float], share: float) -> float:
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def traffic_of(issuer: FakeIssuer) -> str:
    return f"{issuer.discovery_requests} discovery + {issuer.jwks_requests} JWKS requests"


class Received:
    """Bytes that this process read from sockets."""

    def __init__(self) -> None:
        self.total = 0


@contextmanager
def counted_reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[Received]:
    """Count what is read inside the block; a fake issuer's own reading of small requests is in it too."""
    received = Received()
    original = socket.SocketIO.readinto

    def readinto(self: socket.SocketIO, buffer: Any) -> int | None:
        read = original(self, buffer)
        received.total += read or 0
        return read

    with monkeypatch.context() as patched:
        patched.setattr(socket.SocketIO, "readinto", readinto)
        yield received
