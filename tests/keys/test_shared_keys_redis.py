"""A Redis server that is absent, silent, slow or odd costs a flight 100 ms and a warning, and no caller a verdict.

What a real one does is for integrations/redis.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import pytest

from bearergate.redis_store import RedisStore
from bearergate.shared_keys import StoreFailed
from bearergate.testing import FakeIssuer
from tests.figures import tell
from tests.keys.canned import Canned, black_hole, refused
from tests.keys.fleet import machine, settle
from tests.keys.patient import Clock, reason_of, wait_until

PONG, OK, NOTHING = b"+PONG\r\n", b"+OK\r\n", b"$-1\r\n"


@contextmanager
def canned(*answers: bytes, **more: Any) -> Iterator[str]:
    with Canned(list(answers), **more).serve() as server:
        yield server.url


ABSENT: dict[str, Callable[[], AbstractContextManager[str]]] = {
    "refused": lambda: nullcontext(refused()),
    "black-holed": black_hole,
    "no socket file": lambda: nullcontext("unix:///nowhere/redis.sock"),
    "hanging after accept": canned,
    "dripping its greeting": lambda: canned(PONG, pause=0.02),
    "dripping for ever": lambda: canned(b"+" + b"P" * 1000, pause=0.02),
    "hanging up": lambda: canned(hang_up=True),
    "speaking another protocol": lambda: canned(b"HTTP/1.1 400 Bad Request\r\n\r\n", hang_up=True),
    "still loading": lambda: canned(b"-LOADING Redis is loading the dataset in memory\r\n"),
    "wanting a password": lambda: canned(b"-NOAUTH Authentication required.\r\n"),
    "hanging at the claim": lambda: canned(PONG),
    "a read-only replica": lambda: canned(PONG, b"-READONLY You can't write against a read only replica.\r\n"),
    "full": lambda: canned(PONG, b"-OOM command not allowed when used memory > 'maxmemory'.\r\n"),
    "hanging at the record": lambda: canned(PONG, OK),
}


@pytest.mark.parametrize("how", ABSENT)
def test_no_server_refuses_a_token_or_holds_one_up(
    how: str, issuer: FakeIssuer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with ABSENT[how]() as url:
        validator = machine(issuer, RedisStore(url), clock)
        token = issuer.mint()
        started = time.monotonic()
        assert reason_of(validator, token) is None
        took = time.monotonic() - started
        tell(f"a cold flight beside a Redis server that is {how}", f"{took * 1000:.0f} ms")
        # Five calls of at most 100 ms each, and what a loaded machine adds.
        assert took < 1.0
        assert validator.health()[issuer.issuer].origin == "issuer"
        said = [entry.getMessage() for entry in caplog.records if entry.levelno >= logging.WARNING]
        assert len(said) == 1
        assert said[0].startswith("the store of shared keys is not used: it ")
        assert "127.0.0.1" not in said[0]
        assert "redis" not in said[0].lower().replace("rediss", "")
        for _ in range(3):
            issuer.rotate()
            assert reason_of(validator, issuer.mint()) is None
        assert len([entry for entry in caplog.records if entry.levelno >= logging.WARNING]) == 1


def test_a_server_that_is_slow_at_every_step_costs_no_more_than_half_a_second(issuer: FakeIssuer, clock: Clock) -> None:
    with canned(PONG, OK, NOTHING, OK, b":1\r\n", pause=0.012) as url:
        started = time.monotonic()
        assert reason_of(machine(issuer, RedisStore(url), clock), issuer.mint()) is None
        took = time.monotonic() - started
        tell("a cold flight beside a Redis server that drips every answer", f"{took * 1000:.0f} ms")
        assert took < 1.0


def test_nobody_waits_for_a_name_that_is_not_resolved(
    issuer: FakeIssuer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolved = threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        resolved.wait(20)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    validator = machine(issuer, RedisStore("redis://localhost:1/0"), clock)
    try:
        started = time.monotonic()
        assert reason_of(validator, issuer.mint()) is None
        took = time.monotonic() - started
        tell("a cold flight beside a Redis server whose name hangs", f"{took * 1000:.0f} ms")
        assert took < 0.6
    finally:
        resolved.set()
    wait_until(lambda: not any(thread.name == "bearergate-store" for thread in threading.enumerate()))


def test_a_password_is_in_no_representation_log_or_error(
    issuer: FakeIssuer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with Canned([b"-WRONGPASS invalid username-password pair hunter2\r\n"]).serve() as server:
        store = RedisStore(server.url.replace("127", "user:hunter2@127", 1))
        assert "hunter2" not in repr(store)
        with pytest.raises(StoreFailed) as caught:
            store.open()
        assert "hunter2" not in str(caught.value)
        validator = machine(issuer, store, clock)
        assert reason_of(validator, issuer.mint()) is None
        settle([validator])
        assert b"hunter2" in server.received
    assert "hunter2" not in caplog.text
    assert "hunter2" not in str(validator.health())
