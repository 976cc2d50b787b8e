"""Every test here runs against each server that is installed; with none of them it fails and says what to install."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bearergate.testing import FakeIssuer
from integrations.redis.server import PROGRAMS, RunningRedis, running_redis
from tests.keys.patient import Clock


@pytest.fixture(scope="session", params=PROGRAMS or ("redis-server",))
def program(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def running(program: str) -> Iterator[RunningRedis]:
    with running_redis(program=program) as redis:
        yield redis


@pytest.fixture
def redis(running: RunningRedis) -> RunningRedis:
    """An empty one that has counted nothing yet."""
    running.ask("FLUSHALL")
    running.ask("SCRIPT", "FLUSH")
    running.ask("CONFIG", "SET", "maxmemory", "0")
    running.forget_commands()
    return running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer(clock: Clock) -> FakeIssuer:
    issuer = FakeIssuer(clock=clock)
    # Making a key takes time that nobody should be seen waiting for.
    issuer.mint()
    return issuer


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what is counted: a machine that is busy with others must not look like a server that is slow."""
    monkeypatch.setattr("bearergate.redis_store.CALL_SECONDS", 5.0)
