"""A real server that is stopped, suspended, full, a replica or forgetful: a line in the log, and nobody is refused."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from bearergate.redis_store import RedisStore
from bearergate.testing import FakeIssuer
from integrations.redis.server import RunningRedis, running_redis, until_synchronized
from tests.figures import tell
from tests.keys.fleet import fleet, machine, settle
from tests.keys.patient import Clock, reason_of


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [entry.getMessage() for entry in caplog.records if entry.levelno >= logging.WARNING]


CALL_SECONDS = "bearergate.redis_store.CALL_SECONDS"
"""Longer where the server answers: a machine that is busy with others must not look like a server that is slow."""


@contextmanager
def full(redis: RunningRedis) -> Iterator[None]:
    redis.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
    redis.ask("CONFIG", "SET", "maxmemory", "1")
    try:
        yield
    finally:
        redis.ask("CONFIG", "SET", "maxmemory", "0")


@contextmanager
def failing_over(redis: RunningRedis) -> Iterator[None]:
    # Reads are answered, and writes wait, as while another server takes over.
    redis.ask("CLIENT", "PAUSE", 60_000, "WRITE")
    try:
        yield
    finally:
        redis.ask("CLIENT", "UNPAUSE")


TROUBLE: dict[str, tuple[Callable[[RunningRedis], AbstractContextManager[None]], str]] = {
    "stopped": (RunningRedis.stopped, "it could not be asked (ConnectionRefusedError)"),
    "suspended": (RunningRedis.suspended, "it did not answer within 100 ms"),
    "failing over": (failing_over, "it did not answer within 100 ms"),
    "full": (full, "it could not be asked (OutOfMemoryError)"),
}


@pytest.mark.parametrize("how", TROUBLE)
def test_a_server_in_trouble_costs_a_warning_and_no_token(
    how: str,
    redis: RunningRedis,
    issuer: FakeIssuer,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begin, why = TROUBLE[how]
    if "100 ms" not in why:
        monkeypatch.setattr(CALL_SECONDS, 5.0)
    first, second = fleet(issuer, RedisStore(redis.url), clock, 2)
    with begin(redis):
        started = time.monotonic()
        assert reason_of(first, issuer.mint()) is None
        took = time.monotonic() - started
        tell(f"a cold flight beside a Redis server that is {how}", f"{took * 1000:.0f} ms")
        assert took < 1.0
        assert warnings_in(caplog) == [f"the store of shared keys is not used: {why}"]
        for _ in range(3):
            clock.advance(11)
            issuer.rotate()
            assert reason_of(first, issuer.mint()) is None
        assert len(warnings_in(caplog)) == 1
        clock.advance(60)
        issuer.rotate()
        assert reason_of(first, issuer.mint()) is None
        assert len(warnings_in(caplog)) == 2
        asked = issuer.jwks_requests
    monkeypatch.setattr(CALL_SECONDS, 5.0)
    clock.advance(700)
    assert [reason_of(one, issuer.mint()) for one in (first, second)] == [None, None]
    settle([first, second])
    assert issuer.jwks_requests == asked + 1, "once it is well again, it is used again"
    assert len(warnings_in(caplog)) == 2


@pytest.mark.usefixtures("unhurried")
def test_a_server_that_was_stopped_in_the_middle_of_a_flight_costs_no_token(
    redis: RunningRedis, issuer: FakeIssuer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    fetch = issuer.fetch

    def stopping(url: str, *, etag: str | None, deadline: float, max_bytes: int) -> object:
        redis.process.stop()
        return fetch(url, etag=etag, deadline=deadline, max_bytes=max_bytes)

    validator = machine(issuer, RedisStore(redis.url), clock, fetch=stopping)
    try:
        assert reason_of(validator, issuer.mint()) is None
        settle([validator])
        assert validator.health()[issuer.issuer].origin == "issuer"
        assert len(warnings_in(caplog)) == 1
    finally:
        redis.process.start()


@pytest.mark.usefixtures("unhurried")
def test_a_server_that_forgot_everything_is_filled_again(
    redis: RunningRedis, issuer: FakeIssuer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = fleet(issuer, RedisStore(redis.url), clock, 2)
    for forget in (lambda: redis.ask("FLUSHALL"), lambda: redis.ask("SCRIPT", "FLUSH"), redis.process.stop):
        before = issuer.jwks_requests
        assert [reason_of(one, issuer.mint(exp=clock.now + 60)) for one in (first, second)] == [None, None]
        settle([first, second])
        assert issuer.jwks_requests == before + 1
        forget()
        if redis.process.pid is None:
            redis.process.start()
        clock.advance(700)
    assert [reason_of(one, issuer.mint()) for one in (first, second)] == [None, None]
    assert warnings_in(caplog) == []


@pytest.mark.usefixtures("unhurried")
def test_a_read_only_replica_is_no_store(
    redis: RunningRedis, program: str, issuer: FakeIssuer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with running_redis("--replicaof", "127.0.0.1", str(redis.port), program=program) as replica:
        until_synchronized(replica)
        started = time.monotonic()
        assert reason_of(machine(issuer, RedisStore(replica.url), clock), issuer.mint()) is None
        tell("a cold flight beside a read-only replica", f"{(time.monotonic() - started) * 1000:.0f} ms")
    assert warnings_in(caplog) == ["the store of shared keys is not used: it could not be asked (ReadOnlyError)"]


def test_a_server_that_fails_beside_an_issuer_that_is_down_is_the_outage_of_the_issuer(
    redis: RunningRedis, issuer: FakeIssuer, clock: Clock
) -> None:
    validator = machine(issuer, RedisStore(redis.url), clock)
    assert reason_of(validator, issuer.mint()) is None
    issuer.down = True
    clock.advance(3000)
    with redis.stopped():
        assert reason_of(validator, issuer.mint()) is None
    assert validator.health()[issuer.issuer].state == "backoff"
