"""What observers are told of keys: outside of every lock, so that they may ask for tokens, and counted exactly."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bearergate.core.events import Event, KeysRefreshed, StaleKeysUsed
from bearergate.core.reasons import Reason
from bearergate.key_notes import KeyNotes
from bearergate.testing import FakeIssuer
from tests.core.rings import SNAPSHOT
from tests.figures import tell
from tests.keys.hanging import LATE, Hanging, in_time, let_it_become_overdue, validator_over
from tests.keys.patient import START, Clock, reason_of


@pytest.fixture
def hanging(issuer: FakeIssuer) -> Any:
    fetch = Hanging(issuer, issuer)
    yield fetch
    fetch.let_go.set()


def test_an_observer_may_ask_for_a_token_when_it_is_told_that_a_flight_was_given_up(
    issuer: FakeIssuer, clock: Clock, hanging: Hanging
) -> None:
    said: list[object] = []

    def observer(event: Event) -> None:
        if isinstance(event, KeysRefreshed) and not event.succeeded:
            said.extend([reason_of(validator, issuer.mint()), validator.health()[issuer.issuer].problem])

    validator = validator_over(hanging, issuer, clock, observers=[observer])
    reason_of(validator, issuer.mint())
    let_it_become_overdue(validator, issuer)
    in_time(lambda: reason_of(validator, issuer.mint()))
    assert said == [Reason.KEYS_UNAVAILABLE, LATE]


def test_an_observer_may_ask_for_a_token_when_it_is_told_that_there_was_no_thread(
    issuer: FakeIssuer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[object] = []

    def observer(event: Event) -> None:
        if isinstance(event, KeysRefreshed) and not event.succeeded:
            said.extend([reason_of(validator, issuer.mint()), event.problem])

    validator = validator_over(issuer.fetch, issuer, clock, observers=[observer])
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "bearergate-keys":
            raise RuntimeError("can't start new thread")
        start(thread)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        in_time(lambda: said.append(reason_of(validator, issuer.mint())))
    assert said == [
        Reason.KEYS_UNAVAILABLE,
        "no thread could be started to fetch the keys",
        Reason.KEYS_UNAVAILABLE,
    ]
    clock.advance(1)
    assert reason_of(validator, issuer.mint()) is None


def test_an_observer_may_ask_for_a_token_when_it_is_told_of_old_keys(issuer: FakeIssuer, clock: Clock) -> None:
    said: list[object] = []

    def observer(event: Event) -> None:
        if isinstance(event, StaleKeysUsed):
            said.append(reason_of(validator, issuer.mint()))

    validator = validator_over(issuer.fetch, issuer, clock, observers=[observer])
    validator.warm()
    issuer.down = True
    clock.advance(700)
    in_time(lambda: said.append(reason_of(validator, issuer.mint())))
    assert said == [None, None]
    assert validator.health()[issuer.issuer].stale_uses == 2


def test_uses_of_old_keys_are_counted_exactly(clock: Clock) -> None:
    events: list[Event] = []
    notes = KeyNotes("https://issuer.test", clock, events.append)
    together = threading.Barrier(32)

    def use(_: int) -> None:
        together.wait(10)
        for _ in range(1000):
            notes.stale(SNAPSHOT, START)

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(use, range(32)))
    assert notes.stale_uses == 32_000
    assert len(events) == 1


def test_old_keys_are_logged_once_a_minute_also_where_nobody_observes(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    notes = KeyNotes("https://issuer.test", clock, None)
    for moment in (0, 59, 60, 119, 120):
        notes.stale(SNAPSHOT, SNAPSHOT.fetched_at + 700 + moment)
    assert [entry.getMessage() for entry in caplog.records] == [
        f"https://issuer.test does not answer; its keys are {age} s old and used {uses} times past their time"
        for age, uses in ((700, 1), (760, 3), (820, 5))
    ]


def test_uses_of_old_keys_are_counted_exactly_through_a_validator(issuer: FakeIssuer, clock: Clock) -> None:
    events: list[Event] = []
    validator = validator_over(issuer.fetch, issuer, clock, observers=[events.append])
    validator.warm()
    issuer.down = True
    clock.advance(700)
    token = issuer.mint()
    together = threading.Barrier(32)

    def use(_: int) -> set[Reason | None]:
        together.wait(10)
        return {reason_of(validator, token) for _ in range(20)}

    with ThreadPoolExecutor(32) as pool:
        assert set().union(*pool.map(use, range(32))) == {None}
    tell("640 tokens verified with old keys by 32 threads, counted", validator.health()[issuer.issuer].stale_uses)
    assert validator.health()[issuer.issuer].stale_uses == 640
    assert len([event for event in events if isinstance(event, StaleKeysUsed)]) == 1
