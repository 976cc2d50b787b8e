"""Flights that hang where no deadline reaches: given up by whoever asks next, and never heard of again."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bearergate.core.events import Event, KeysRefreshed
from bearergate.core.reasons import Reason
from bearergate.testing import FakeIssuer
from tests.figures import tell
from tests.keys.hanging import LATE, OVERDUE, Hanging, let_it_become_overdue, validator_over
from tests.keys.patient import Clock, reason_of, wait_until


@pytest.fixture
def stranger(clock: Clock) -> FakeIssuer:
    return FakeIssuer(clock=clock)


@pytest.fixture
def hanging(issuer: FakeIssuer, stranger: FakeIssuer) -> Any:
    fetch = Hanging(issuer, stranger)
    yield fetch
    fetch.let_go.set()


def test_waiters_of_a_flight_that_hangs_wait_no_longer_than_their_patience(
    issuer: FakeIssuer, clock: Clock, hanging: Hanging
) -> None:
    validator = validator_over(hanging, issuer, clock)
    token = issuer.mint()
    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: reason_of(validator, token), range(8))) == {Reason.KEYS_UNAVAILABLE}
    assert 0.75 < time.monotonic() - started < 2.5
    assert hanging.calls == 1


def test_whoever_asks_after_its_time_gives_it_up_and_the_next_attempt_succeeds(
    issuer: FakeIssuer, clock: Clock, hanging: Hanging
) -> None:
    validator = validator_over(hanging, issuer, clock)
    assert reason_of(validator, issuer.mint()) == Reason.KEYS_UNAVAILABLE
    assert validator.health()[issuer.issuer].state == "never"
    let_it_become_overdue(validator, issuer)
    started = time.monotonic()
    assert reason_of(validator, issuer.mint()) == Reason.KEYS_UNAVAILABLE
    assert time.monotonic() - started < 0.3
    told = validator.health()[issuer.issuer]
    assert (told.state, told.problem) == ("backoff", LATE)
    clock.advance(1)
    assert reason_of(validator, issuer.mint()) is None
    assert validator.health()[issuer.issuer].problem is None


def test_it_is_not_given_up_before_its_time(issuer: FakeIssuer, clock: Clock, hanging: Hanging) -> None:
    validator = validator_over(hanging, issuer, clock, numbers={"max_wait": 0.2})
    started = time.monotonic()
    assert reason_of(validator, issuer.mint()) == Reason.KEYS_UNAVAILABLE
    assert reason_of(validator, issuer.mint()) == Reason.KEYS_UNAVAILABLE
    if time.monotonic() - started < OVERDUE - 0.1:
        assert validator.health()[issuer.issuer].problem is None
        assert hanging.calls == 1
    hanging.let_go.set()
    wait_until(lambda: validator.health()[issuer.issuer].state == "fresh")


def test_what_it_brings_after_all_is_thrown_away(
    issuer: FakeIssuer, stranger: FakeIssuer, clock: Clock, hanging: Hanging
) -> None:
    events: list[Event] = []
    validator = validator_over(hanging, issuer, clock, observers=[events.append])
    reason_of(validator, issuer.mint())
    let_it_become_overdue(validator, issuer)
    reason_of(validator, issuer.mint())
    clock.advance(1)
    assert reason_of(validator, issuer.mint()) is None
    told = validator.health()[issuer.issuer]
    hanging.let_go.set()
    assert hanging.returned.wait(5)
    wait_until(lambda: not any(thread.name == "bearergate-keys" for thread in threading.enumerate()))
    assert stranger.jwks_requests == 1
    assert validator.health()[issuer.issuer] == told
    assert reason_of(validator, issuer.mint()) is None
    ends = [event.problem for event in events if isinstance(event, KeysRefreshed)]
    assert ends == [LATE, None]


def test_what_it_brings_is_thrown_away_although_nothing_came_after_it(
    issuer: FakeIssuer, clock: Clock, hanging: Hanging
) -> None:
    validator = validator_over(hanging, issuer, clock)
    reason_of(validator, issuer.mint())
    let_it_become_overdue(validator, issuer)
    reason_of(validator, issuer.mint())
    hanging.let_go.set()
    wait_until(lambda: not any(thread.name == "bearergate-keys" for thread in threading.enumerate()))
    assert validator.health()[issuer.issuer].keys == 0


def test_its_waiters_are_told_at_once_when_somebody_else_gives_it_up(
    issuer: FakeIssuer, clock: Clock, hanging: Hanging
) -> None:
    validator = validator_over(hanging, issuer, clock, numbers={"max_wait": 20.0})
    token = issuer.mint()
    started = time.monotonic()
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(reason_of, validator, token) for _ in range(3)]
        wait_until(lambda: hanging.calls == 1)
        let_it_become_overdue(validator, issuer)
        assert reason_of(validator, token) == Reason.KEYS_UNAVAILABLE
        assert {one.result(5) for one in waiting} == {Reason.KEYS_UNAVAILABLE}
    took = time.monotonic() - started
    tell("a flight of 0.2 s that hangs for ever, given up after", f"{took:.2f} s")
    assert took < 8


def test_an_event_loop_is_not_held_up_by_a_flight_that_hangs(
    issuer: FakeIssuer, clock: Clock, hanging: Hanging
) -> None:
    validator = validator_over(hanging, issuer, clock)

    async def ask() -> list[BaseException | Any]:
        waiting = [validator.validate_async(issuer.mint()) for _ in range(5)]
        return await asyncio.gather(*waiting, return_exceptions=True)

    started = time.monotonic()
    assert {getattr(error, "reason", None) for error in asyncio.run(ask())} == {Reason.KEYS_UNAVAILABLE}
    assert time.monotonic() - started < 2.5
    let_it_become_overdue(validator, issuer)
    asyncio.run(ask())
    clock.advance(1)
    principals = asyncio.run(ask())
    assert {getattr(principal, "subject", None) for principal in principals} == {"user-1"}


def test_old_keys_are_used_beside_a_flight_that_hangs(issuer: FakeIssuer, clock: Clock) -> None:
    hanging = Hanging(issuer, issuer, calls=1)
    validator = validator_over(hanging, issuer, clock, numbers={"stale_wait": 0.1})
    assert reason_of(validator, issuer.mint()) is None
    hanging.calls = 0
    clock.advance(700)
    try:
        started = time.monotonic()
        assert [reason_of(validator, issuer.mint()) for _ in range(3)] == [None] * 3
        assert time.monotonic() - started < 1.0
        let_it_become_overdue(validator, issuer)
        assert reason_of(validator, issuer.mint()) is None
        assert validator.health()[issuer.issuer].problem == LATE
        assert validator.health()[issuer.issuer].stale_uses == 4
    finally:
        hanging.let_go.set()


def test_warming_gives_it_up_too(issuer: FakeIssuer, clock: Clock, hanging: Hanging) -> None:
    validator = validator_over(hanging, issuer, clock)
    assert validator.warm()[issuer.issuer].state == "never"
    let_it_become_overdue(validator, issuer)
    assert validator.warm()[issuer.issuer].problem == LATE
    clock.advance(1)
    assert validator.warm()[issuer.issuer].state == "fresh"


def test_many_who_ask_at_once_give_it_up_once(issuer: FakeIssuer, clock: Clock, hanging: Hanging) -> None:
    events: list[Event] = []
    validator = validator_over(hanging, issuer, clock, observers=[events.append])
    token = issuer.mint()
    reason_of(validator, token)
    let_it_become_overdue(validator, issuer)
    together = threading.Barrier(32)

    def ask(_: int) -> Reason | None:
        together.wait(10)
        return reason_of(validator, token)

    with ThreadPoolExecutor(32) as pool:
        assert set(pool.map(ask, range(32))) == {Reason.KEYS_UNAVAILABLE}
    assert [event.problem for event in events if isinstance(event, KeysRefreshed)] == [LATE]
