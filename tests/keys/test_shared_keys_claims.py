"""Who waits for whom: machines that fetch for the others, slowly, in vain, or until they die."""

from __future__ import annotations

import time

from bearergate.core.keyring import KeyLifecycle
from bearergate.core.reasons import Reason
from bearergate.testing import FakeIssuer
from bearergate.testing.faults import Fault
from tests.figures import tell
from tests.keys.fleet import MemoryStore, all_at_once, claim_by_nobody, fleet, machine, settle
from tests.keys.patient import Clock, reason_of


def test_a_machine_that_died_while_fetching_delays_the_others_by_two_seconds_at_most(
    issuer: FakeIssuer, clock: Clock, store: MemoryStore
) -> None:
    claim_by_nobody(store, issuer)
    machines = fleet(issuer, store, clock, 5)
    started = time.monotonic()
    assert all_at_once(machines, issuer.mint()) == [None] * 5
    took = time.monotonic() - started
    tell("cold machines beside a claim of a dead one", f"{took:.2f} s, {issuer.jwks_requests} fetches")
    assert 1.5 < took < 3.5


def test_a_claim_that_ends_is_taken_over_at_once(issuer: FakeIssuer, clock: Clock, store: MemoryStore) -> None:
    claim_by_nobody(store, issuer, seconds=0.3)
    machines = fleet(issuer, store, clock, 5)
    started = time.monotonic()
    assert all_at_once(machines, issuer.mint()) == [None] * 5
    assert time.monotonic() - started < 1.5
    assert issuer.jwks_requests == 1


def test_nobody_waits_for_a_dead_machine_while_the_keys_are_fresh(
    issuer: FakeIssuer, clock: Clock, store: MemoryStore
) -> None:
    validator = machine(issuer, store, clock)
    assert reason_of(validator, issuer.mint()) is None
    claim_by_nobody(store, issuer)
    clock.advance(590)
    started = time.monotonic()
    assert reason_of(validator, issuer.mint()) is None
    assert time.monotonic() - started < 0.3
    settle([validator])
    assert issuer.jwks_requests == 2


def test_a_fetch_that_fails_releases_the_claim(issuer: FakeIssuer, clock: Clock, store: MemoryStore) -> None:
    first, second = fleet(issuer, store, clock, 2)
    issuer.down = True
    assert reason_of(first, issuer.mint()) == Reason.KEYS_UNAVAILABLE
    assert store.claims == {}
    issuer.down = False
    started = time.monotonic()
    assert reason_of(second, issuer.mint()) is None
    assert time.monotonic() - started < 1


def test_a_fetch_that_breaks_releases_the_claim(issuer: FakeIssuer, clock: Clock, store: MemoryStore) -> None:
    def broken(*_: object, **__: object) -> object:
        raise ZeroDivisionError

    assert reason_of(machine(issuer, store, clock, fetch=broken), issuer.mint()) == Reason.KEYS_UNAVAILABLE
    assert store.claims == {}
    assert store.closed == 1


def test_a_slow_fetch_is_waited_for_and_not_repeated(clock: Clock, store: MemoryStore) -> None:
    issuer = FakeIssuer(clock=clock)
    issuer.jwks_fault = Fault(delay=1.2)
    machines = fleet(issuer, store, clock, 8)
    started = time.monotonic()
    assert all_at_once(machines, issuer.mint()) == [None] * 8
    tell("8 cold machines and an answer that takes 1.2 s", f"{time.monotonic() - started:.2f} s")
    assert issuer.jwks_requests == 1


def test_who_asked_in_vain_beside_a_slow_fetch_takes_what_it_brought(clock: Clock, store: MemoryStore) -> None:
    issuer = FakeIssuer(clock=clock)
    token = issuer.mint()
    # Too slow for those who begin to ask when half of their time is over.
    issuer.jwks_fault = Fault(delay=1.5)
    machines = fleet(issuer, store, clock, 4, lifecycle=KeyLifecycle(flight_budget=2.0, max_wait=4.0))
    assert all_at_once(machines, token) == [None] * 4
    assert [one.health()[issuer.issuer].problem for one in machines] == [None] * 4


def test_a_hanging_issuer_holds_up_no_machine_longer_than_it_would_alone(clock: Clock, store: MemoryStore) -> None:
    issuer = FakeIssuer(clock=clock)
    issuer.jwks_fault = Fault(hang=True)
    machines = fleet(issuer, store, clock, 5, lifecycle=KeyLifecycle(flight_budget=1.0, max_wait=1.5))
    started = time.monotonic()
    assert all_at_once(machines, issuer.mint()) == [Reason.KEYS_UNAVAILABLE] * 5
    assert time.monotonic() - started < 2.5
    settle(machines)
    assert store.claims == {}
