"""An environment that is short of memory and threads, or that forks at a bad moment, costs a refusal and no issuer."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from bearergate.core.errors import BadSignature, Unavailable
from bearergate.core.jwt import JoseHeader
from bearergate.core.policy import KeySource
from bearergate.keys import Keys
from bearergate.testing import FakeIssuer
from tests.keys.patient import Clock, validator_for


@pytest.mark.parametrize("error", [RuntimeError, MemoryError])
def test_a_flight_that_cannot_start_is_a_failed_one(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    issuer = FakeIssuer(clock=clock)
    validator = validator_for(issuer, clock=clock)

    def start(_thread: threading.Thread) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        with pytest.raises(Unavailable, match="no thread could be started"):
            validator.validate(issuer.mint())
    clock.advance(2)
    assert validator.validate(issuer.mint()).issuer == issuer.issuer


@pytest.mark.parametrize("alg", ["ES384", "ES512"])
def test_a_slow_algorithm_is_verified_where_no_thread_can_be_started(alg: str, monkeypatch: pytest.MonkeyPatch) -> None:
    issuer = FakeIssuer(alg=alg)
    validator = validator_for(issuer)
    validator.warm()

    def submit(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(ThreadPoolExecutor, "submit", submit)
    assert asyncio.run(validator.validate_async(issuer.mint())).issuer == issuer.issuer
    with pytest.raises(BadSignature):
        asyncio.run(validator.validate_async(issuer.forge()))


def test_a_child_process_does_not_trust_what_another_thread_was_writing() -> None:
    clock = Clock()
    issuer = FakeIssuer(clock=clock)
    keys = Keys({issuer.issuer: KeySource()}, fetch=issuer.fetch, monotonic=clock, wall=clock)
    keys.find(issuer.issuer, JoseHeader("RS256", "unknown", None))
    station = keys._configured[issuer.issuer]
    assert len(station._negatives) == 1
    keys.reset_after_fork()
    assert len(station._negatives) == 0
