"""A fleet of machines and one issuer: who fetches, how often, and what is used while the issuer is down."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from bearergate.core.reasons import Reason
from bearergate.testing import FakeIssuer
from bearergate.testing.faults import Fault
from tests.figures import tell
from tests.keys.fleet import MemoryStore, all_at_once, fleet, machine, put, record_for, settle
from tests.keys.patient import START, Clock, reason_of

SIZE = 20


def test_a_cold_fleet_fetches_once() -> None:
    issuer, clock, store = FakeIssuer(), Clock(time.time()), MemoryStore()
    with issuer.serve():
        issuer.jwks_fault = Fault(delay=0.3)
        machines = fleet(issuer, store, clock, SIZE)
        assert all_at_once(machines, issuer.mint()) == [None] * SIZE
        seen = f"{issuer.discovery_requests} discovery and {issuer.jwks_requests} JWKS requests"
        tell(f"{SIZE} machines, cold together, one store", seen)
        assert (issuer.discovery_requests, issuer.jwks_requests) == (1, 1)
    assert sorted(one.health()[issuer.issuer].origin or "" for one in machines) == ["issuer", *["shared"] * (SIZE - 1)]
    assert {one.health()[issuer.issuer].state for one in machines} == {"fresh"}
    assert store.claims == {}


def test_a_warm_fleet_fetches_about_once_per_ttl(issuer: FakeIssuer, clock: Clock, store: MemoryStore) -> None:
    machines = fleet(issuer, store, clock, SIZE)
    assert all_at_once(machines, issuer.mint()) == [None] * SIZE
    step, ttl, ttls = 10.0, 600.0, 5
    for _ in range(int(ttls * ttl / step)):
        clock.advance(step)
        token = issuer.mint()
        for one in machines:
            one.validate(token)
        settle(machines)
    per_ttl = (issuer.jwks_requests - 1) / ttls
    tell(f"{SIZE} machines with traffic over {ttls} ttls, one store: fetches per ttl", f"{per_ttl:.2f}")
    assert issuer.discovery_requests <= SIZE
    assert 1.0 <= per_ttl <= 1.4
    assert {one.health()[issuer.issuer].ignored_records for one in machines} == {0}


def test_a_cold_machine_starts_from_the_shared_snapshot_while_the_issuer_is_down(
    issuer: FakeIssuer, clock: Clock, store: MemoryStore
) -> None:
    assert reason_of(machine(issuer, store, clock), issuer.mint()) is None
    issuer.down = True
    clock.advance(500)
    cold = machine(issuer, store, clock)
    asked = issuer.connections
    assert reason_of(cold, issuer.mint()) is None
    assert (cold.health()[issuer.issuer].state, issuer.connections) == ("fresh", asked)
    clock.advance(3000)
    colder = machine(issuer, store, clock)
    assert reason_of(colder, issuer.mint()) is None
    told = colder.health()[issuer.issuer]
    assert (told.state, told.origin, told.stale_uses) == ("backoff", "shared", 1)
    assert told.expires_in == pytest.approx(700)
    assert "no connection could be made" in (told.problem or "")
    asked = issuer.connections
    for _ in range(100):
        assert reason_of(colder, issuer.mint()) is None
    assert issuer.connections == asked
    assert reason_of(colder, issuer.mint(header={"kid": "unheard-of"})) == Reason.KEYS_UNAVAILABLE
    clock.advance(700)
    coldest = machine(issuer, store, clock)
    assert reason_of(coldest, issuer.mint()) == Reason.KEYS_UNAVAILABLE
    assert reason_of(colder, issuer.mint()) == Reason.KEYS_EXPIRED


def test_a_machine_that_started_from_an_old_snapshot_heals_with_the_issuer(
    issuer: FakeIssuer, clock: Clock, store: MemoryStore
) -> None:
    put(store, issuer, fetched_at=START - 3000)
    issuer.down = True
    validator = machine(issuer, store, clock)
    assert reason_of(validator, issuer.mint()) is None
    issuer.down = False
    clock.advance(2)
    assert reason_of(validator, issuer.mint()) is None
    told = validator.health()[issuer.issuer]
    assert (told.state, told.origin, told.problem) == ("fresh", "issuer", None)


def test_one_machine_s_recovery_is_everybody_s(issuer: FakeIssuer, clock: Clock, store: MemoryStore) -> None:
    issuer.down = True
    machines = fleet(issuer, store, clock, 5)
    assert all_at_once(machines, issuer.mint()) == [Reason.KEYS_UNAVAILABLE] * 5
    issuer.down = False
    clock.advance(2)
    assert all_at_once(machines, issuer.mint()) == [None] * 5
    assert issuer.jwks_requests == 1
    assert {one.health()[issuer.issuer].problem for one in machines} == {None}


def test_what_a_slower_machine_leaves_never_replaces_something_newer(
    issuer: FakeIssuer, clock: Clock, store: MemoryStore
) -> None:
    reader = machine(issuer, store, clock)
    before = record_for(issuer)
    clock.advance(10)
    revoked = issuer.mint(exp=clock.now + 7200)
    issuer.rotate(keep_old=False)
    assert reason_of(reader, issuer.mint()) is None
    # The slower one fetched before the rotation and is written last.
    put(store, issuer, document=before.document, fetched_at=START + 5, sequence=9)
    clock.advance(500)
    assert reason_of(reader, issuer.mint()) is None
    settle([reader])
    assert reason_of(reader, revoked) == Reason.KEY_UNKNOWN
    assert reader.health()[issuer.issuer].ignored_records == 1
    # At the same moment the number decides.
    held = reader._keys._configured[issuer.issuer]._ring.snapshot
    assert held is not None
    assert not replace(held, sequence=held.sequence - 1).is_newer_than(held)


def test_every_fetch_of_the_fleet_has_a_higher_number(issuer: FakeIssuer, clock: Clock, store: MemoryStore) -> None:
    machines = fleet(issuer, store, clock, 3)
    numbers = []
    for turn in range(6):
        one = machines[turn % 3]
        issuer.rotate()
        assert reason_of(one, issuer.mint(exp=clock.now + 60)) is None
        held = one._keys._configured[issuer.issuer]._ring.snapshot
        assert held is not None
        numbers.append(held.sequence)
        clock.advance(0 if turn % 2 else 700)
    assert numbers == [1, 2, 3, 4, 5, 6]
