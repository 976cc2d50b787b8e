"""How fast news of a key reaches every machine of a fleet: a new one at its first use, a removed one within the ttl."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from bearergate.core.jwt import JoseHeader
from bearergate.core.reasons import Reason
from bearergate.flights import Wait
from bearergate.testing import FakeIssuer, fetch_from
from bearergate.validator import Validator
from tests.figures import tell
from tests.keys.fleet import (
    MemoryStore,
    all_at_once,
    claim_by_nobody,
    fleet,
    machine,
    put,
    record_for,
    settle,
    supply_of,
)
from tests.keys.patient import START, Clock, policy_for, reason_of, wait_until

SIZE = 20


def header_of(validator: Validator, token: str) -> JoseHeader:
    return validator._validation.begin(token)[0].header


@pytest.mark.parametrize("together", [True, False])
def test_a_new_key_is_accepted_on_first_use_by_everybody_after_one_fetch(
    issuer: FakeIssuer, clock: Clock, store: MemoryStore, together: bool
) -> None:
    machines = fleet(issuer, store, clock, SIZE)
    assert all_at_once(machines, issuer.mint()) == [None] * SIZE
    clock.advance(100)
    issuer.rotate()
    token = issuer.mint()
    said = all_at_once(machines, token) if together else [reason_of(one, token) for one in machines]
    assert said == [None] * SIZE
    way = "all at once" if together else "one after another"
    tell(f"a new key used on {SIZE} machines, {way}: fetches", issuer.jwks_requests - 1)
    assert issuer.jwks_requests == 2


def test_a_new_key_that_the_shared_set_lacks_is_fetched_at_once(
    issuer: FakeIssuer, clock: Clock, store: MemoryStore
) -> None:
    first, second = fleet(issuer, store, clock, 2)
    assert reason_of(first, issuer.mint()) is None
    issuer.rotate()
    # The second machine is cold, and what it finds in the store is older than the key.
    assert reason_of(second, issuer.mint()) is None
    assert second.health()[issuer.issuer].origin == "issuer"
    assert issuer.jwks_requests == 2


def test_a_new_key_is_found_also_by_whoever_joins_a_refresh_that_was_due(clock: Clock, store: MemoryStore) -> None:
    issuer = FakeIssuer(clock=clock)
    first, second = fleet(issuer, store, clock, 2)
    assert [reason_of(one, issuer.mint()) for one in (first, second)] == [None, None]
    clock.advance(300)
    # A set that is younger than the second machine's, and older than the new key, is on its way into the store.
    record = record_for(issuer, fetched_at=clock.now, sequence=2)
    old = issuer.mint(exp=clock.now + 900)
    issuer.rotate()
    clock.advance(300 - 1)
    claim_by_nobody(store, issuer)
    assert reason_of(second, old) is None
    wait_until(lambda: second._keys._configured[issuer.issuer]._flight is not None)
    with ThreadPoolExecutor(1) as pool:
        news = pool.submit(reason_of, second, issuer.mint())
        put(store, issuer, document=record.document, fetched_at=record.fetched_at, sequence=2)
        store.claims.clear()
        assert news.result() is None


def test_who_joined_two_flights_for_others_in_a_row_still_has_the_issuer_asked(
    issuer: FakeIssuer, clock: Clock, store: MemoryStore
) -> None:
    validator = machine(issuer, store, clock)
    station = validator._keys._configured[issuer.issuer]
    old, first, second = (header_of(validator, issuer.mint(key=issuer.rotate())) for _ in range(3))
    keys = issuer.jwks()["keys"][-3:]
    claim_by_nobody(store, issuer)
    cold = station.ask(second)
    assert isinstance(cold, Wait)
    put(store, issuer, keys[0])
    store.claims.clear()
    assert cold.wait()
    claim_by_nobody(store, issuer)
    forced = station.ask(first)
    joined = station.settle(second, cold, arrived=True)
    assert isinstance(forced, Wait)
    assert isinstance(joined, Wait)
    put(store, issuer, *keys[:2], sequence=2)
    store.claims.clear()
    assert joined.wait()
    assert issuer.jwks_requests == 0
    again = station.settle(second, joined, arrived=True)
    assert isinstance(again, Wait), "refused although nobody asked the issuer"
    found = station.settle(second, again, arrived=again.wait())
    assert not isinstance(found, Wait)
    assert all(found.decides(header) for header in (old, first, second))


def test_a_kid_counts_as_unknown_only_once_the_issuer_was_asked(
    issuer: FakeIssuer, clock: Clock, store: MemoryStore
) -> None:
    validator = machine(issuer, store, clock)
    # The first of them is cold, and so forces nothing.
    for number in range(4):
        assert reason_of(validator, issuer.mint(header={"kid": f"nobody's {number}"})) == Reason.KEY_UNKNOWN
    clock.advance(9)
    news = issuer.mint(key=issuer.rotate(), exp=clock.now + 900)
    # Joins a refresh that brings what another machine fetched before; the bucket is empty by then.
    station = validator._keys._configured[issuer.issuer]
    header = header_of(validator, news)
    claim_by_nobody(store, issuer)
    with station._held():
        flight = station._fly(None)
    put(store, issuer, issuer.jwks()["keys"][0], fetched_at=clock.now, sequence=9)
    store.claims.clear()
    flight.ended.result(5)
    assert not isinstance(station.settle(header, Wait(flight.ended, 0.0, final=False), arrived=True), Wait)
    assert reason_of(validator, news) == Reason.KEY_UNKNOWN
    clock.advance(1)
    assert reason_of(validator, news) is None


def test_a_kid_that_nobody_has_is_refused_although_the_set_is_shared(
    issuer: FakeIssuer, clock: Clock, store: MemoryStore
) -> None:
    machines = fleet(issuer, store, clock, 3)
    assert all_at_once(machines, issuer.mint()) == [None] * 3
    for one in machines:
        assert reason_of(one, issuer.mint(header={"kid": "nobody's"})) == Reason.KEY_UNKNOWN
    assert issuer.jwks_requests == 4
    for one in machines:
        assert reason_of(one, issuer.mint(header={"kid": "nobody's"})) == Reason.KEY_UNKNOWN
    assert issuer.jwks_requests == 4


def test_kids_of_other_machines_cost_no_forced_fetch(issuer: FakeIssuer, clock: Clock, store: MemoryStore) -> None:
    first, second = fleet(issuer, store, clock, 2)
    assert [reason_of(one, issuer.mint()) for one in (first, second)] == [None, None]
    for _ in range(8):
        issuer.rotate()
        clock.advance(11)
        assert [reason_of(one, issuer.mint()) for one in (first, second)] == [None, None]
    assert issuer.jwks_requests == 9
    assert second._keys._configured[issuer.issuer]._ring.fetches_left(clock.now) == 3


def test_a_removed_key_dies_everywhere_within_the_ttl(issuer: FakeIssuer, clock: Clock, store: MemoryStore) -> None:
    machines = fleet(issuer, store, clock, SIZE)
    token = issuer.mint(exp=clock.now + 7200)
    assert all_at_once(machines, token) == [None] * SIZE
    clock.advance(30)
    issuer.rotate(keep_old=False)
    died: dict[int, float] = {}
    for _ in range(60):
        for number, one in enumerate(machines):
            if reason_of(one, token) == Reason.KEY_UNKNOWN:
                died.setdefault(number, clock.now - START - 30)
        settle(machines)
        clock.advance(10)
    tell(f"a removed key on {SIZE} machines, ttl 600 s: accepted for at most", f"{max(died.values()):.0f} s")
    assert len(died) == SIZE
    assert max(died.values()) <= 600


def test_a_removed_key_dies_at_once_where_a_new_one_is_seen(
    issuer: FakeIssuer, clock: Clock, store: MemoryStore
) -> None:
    machines = fleet(issuer, store, clock, 5)
    old = issuer.mint()
    assert all_at_once(machines, old) == [None] * 5
    clock.advance(20)
    issuer.rotate(keep_old=False)
    for one in machines:
        assert reason_of(one, issuer.mint()) is None
        assert reason_of(one, old) == Reason.KEY_UNKNOWN


def test_a_clock_that_is_ahead_does_not_make_the_same_record_news_again(
    issuer: FakeIssuer, clock: Clock, store: MemoryStore
) -> None:
    fetch, supply = fetch_from(issuer), supply_of(store)
    ahead = Validator([policy_for(issuer)], fetch=fetch, clock=lambda: clock() + 25, monotonic=clock, supply=supply)
    reader = machine(issuer, store, clock)
    token = issuer.mint(iat=clock.now, exp=clock.now + 7200)
    assert [reason_of(one, token) for one in (ahead, reader)] == [None, None]
    issuer.rotate(keep_old=False)
    clock.advance(601)
    assert reason_of(reader, token) == Reason.KEY_UNKNOWN
