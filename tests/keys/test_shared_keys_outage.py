"""A store that fails, at any step: every machine goes on alone, says so once a minute, and refuses nobody for it."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterable

import pytest

from bearergate.core.events import Event, KeysRefreshed
from bearergate.core.reasons import Reason
from bearergate.testing import FakeIssuer, fetch_from
from bearergate.validator import Validator
from tests.keys.fleet import CALLS, MemoryStore, fleet, machine, put, settle, supply_of
from tests.keys.patient import START, Clock, policy_for, reason_of, wait_until


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [entry.getMessage() for entry in caplog.records if entry.levelno >= logging.WARNING]


def steps(*calls: str) -> Iterable[frozenset[str]]:
    return [frozenset({call}) for call in calls] + [frozenset(calls)]


@pytest.mark.parametrize("failing", steps(*CALLS), ids=[*CALLS, "all"])
def test_whatever_step_fails_the_issuer_is_asked_and_the_keys_are_used(
    issuer: FakeIssuer, clock: Clock, store: MemoryStore, failing: frozenset[str], caplog: pytest.LogCaptureFixture
) -> None:
    store.failing = failing
    events: list[Event] = []
    validator = machine(issuer, store, clock, observers=[events.append])
    assert reason_of(validator, issuer.mint()) is None
    settle([validator])
    assert validator.health()[issuer.issuer].origin == "issuer"
    assert validator.health()[issuer.issuer].problem is None
    wait_until(lambda: [event.succeeded for event in events if isinstance(event, KeysRefreshed)] == [True])
    assert len(warnings_in(caplog)) == 1
    assert warnings_in(caplog)[0].startswith("the store of shared keys is not used: it cannot ")


@pytest.mark.parametrize("failing", ["open", "claim", "load", "save"])
def test_after_its_first_failure_a_store_is_not_asked_again_in_that_flight(
    issuer: FakeIssuer, clock: Clock, store: MemoryStore, failing: str
) -> None:
    store.failing = frozenset({failing})
    validator = machine(issuer, store, clock)
    assert reason_of(validator, issuer.mint()) is None
    asked = list(CALLS[: CALLS.index(failing) + 1])
    assert store.calls == (asked if failing == "open" else [*asked, "release"])
    assert store.closed == (failing != "open")
    # Others would wait for whoever keeps a claim.
    assert store.claims == {}


def test_a_store_that_is_down_is_told_once_a_minute(
    issuer: FakeIssuer, clock: Clock, store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.failing = frozenset({"open"})
    validator = machine(issuer, store, clock)
    moments: list[float] = []
    for moment in range(0, 180, 5):
        clock.now = START + moment
        before = len(warnings_in(caplog))
        # A new key each time: a flight each time that the bucket allows.
        issuer.rotate()
        assert reason_of(validator, issuer.mint()) in {None, Reason.KEY_UNKNOWN}
        settle([validator])
        moments += [moment] * (len(warnings_in(caplog)) - before)
    assert store.calls.count("open") > 10
    assert len(moments) == 3
    assert all(later - earlier >= 60 for earlier, later in itertools.pairwise(moments))


def test_one_store_that_is_down_is_one_warning_however_many_issuers_share_it(
    clock: Clock, store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.failing = frozenset({"open"})
    issuers = [FakeIssuer(f"https://issuer-{number}.test", clock=clock) for number in range(10)]
    policies = [policy_for(one) for one in issuers]
    validator = Validator(policies, fetch=fetch_from(*issuers), clock=clock, monotonic=clock, supply=supply_of(store))
    validator.warm()
    assert {told.state for told in validator.health().values()} == {"fresh"}
    assert len(warnings_in(caplog)) == 1


def test_a_store_that_comes_back_is_used_again(issuer: FakeIssuer, clock: Clock, store: MemoryStore) -> None:
    first, second = fleet(issuer, store, clock, 2)
    store.failing = frozenset({"open"})
    assert [reason_of(one, issuer.mint()) for one in (first, second)] == [None, None]
    assert issuer.jwks_requests == 2
    store.failing = frozenset()
    clock.advance(600)
    assert [reason_of(one, issuer.mint()) for one in (first, second)] == [None, None]
    assert issuer.jwks_requests == 3
    assert second.health()[issuer.issuer].origin == "shared"


def test_a_store_that_forgot_everything_is_filled_again(issuer: FakeIssuer, clock: Clock, store: MemoryStore) -> None:
    machines = fleet(issuer, store, clock, 5)
    assert [reason_of(one, issuer.mint()) for one in machines] == [None] * 5
    store.values.clear()
    store.claims.clear()
    assert [reason_of(one, issuer.mint()) for one in machines] == [None] * 5
    assert issuer.jwks_requests == 1
    clock.advance(600)
    assert [reason_of(one, issuer.mint()) for one in machines] == [None] * 5
    assert issuer.jwks_requests == 2
    assert len(store.values) == 1


def test_a_store_that_fails_while_one_waits_for_another_machine_ends_the_wait(
    issuer: FakeIssuer, clock: Clock, store: MemoryStore
) -> None:
    put(store, issuer, fetched_at=START - 1000)
    store.claims["bearergate:fetching:" + next(iter(store.values)).rpartition(":")[2]] = (object(), float("inf"))
    validator = machine(issuer, store, clock)
    loads = 0

    def called(call: str) -> None:
        nonlocal loads
        loads += call == "load"
        if loads == 2:
            store.failing = frozenset({"load", "claim"})
        MemoryStore.called(store, call)

    store.called = called  # type: ignore[method-assign]
    assert reason_of(validator, issuer.mint()) is None
    assert validator.health()[issuer.issuer].origin == "issuer"
    issuer.down = True
    clock.advance(700)
    assert reason_of(validator, issuer.mint()) is None


def test_what_was_found_before_the_store_failed_is_used_while_the_issuer_is_down_too(
    issuer: FakeIssuer, clock: Clock, store: MemoryStore
) -> None:
    put(store, issuer, fetched_at=START - 1000)
    store.failing = frozenset({"save", "release"})
    issuer.down = True
    validator = machine(issuer, store, clock)
    assert reason_of(validator, issuer.mint()) is None
    assert validator.health()[issuer.issuer].origin == "shared"


def test_a_store_and_an_issuer_that_are_both_down_are_an_outage_of_the_issuer(
    issuer: FakeIssuer, clock: Clock, store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.failing = frozenset(CALLS)
    issuer.down = True
    validator = machine(issuer, store, clock)
    assert reason_of(validator, issuer.mint()) == Reason.KEYS_UNAVAILABLE
    assert "no connection could be made" in (validator.health()[issuer.issuer].problem or "")
    # One says that the store is down, the other that the issuer is.
    wait_until(lambda: len(warnings_in(caplog)) == 2)
