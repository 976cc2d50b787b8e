"""Starting from the keys of an earlier run: while the issuer is down, without any network, with keys that are old."""

from __future__ import annotations

import json

import pytest

from bearergate.core.events import Event, StaleKeysUsed
from bearergate.core.key_record import Seed
from bearergate.core.key_snapshot import read_snapshot, write_snapshot
from bearergate.core.keyring import KeyLifecycle
from bearergate.core.policy import KeySource
from bearergate.core.reasons import Reason
from bearergate.key_supply import KeySupply
from bearergate.keys import Keys
from bearergate.shared_keys import SharedKeys
from bearergate.testing import FakeIssuer
from tests.keys.fleet import SECRET, MemoryStore, put, record_for
from tests.keys.patient import START, Clock, reason_of, validator_for, wait_until
from tests.keys.seeding import aged, no_network, seeded


def test_what_was_kept_of_one_run_starts_the_next_without_any_network(issuer: FakeIssuer, clock: Clock) -> None:
    before = validator_for(issuer, clock=clock)
    before.warm()
    file = write_snapshot(before.key_records())
    clock.advance(300)
    after = seeded(issuer, *read_snapshot(file), clock=clock, fetch=no_network)
    assert reason_of(after, issuer.mint()) is None
    told = after.health()[issuer.issuer]
    assert (told.state, told.origin, told.last_success, told.problem) == ("fresh", "snapshot", START, None)
    assert told.expires_in == pytest.approx(3900)
    assert told.sha256 == before.health()[issuer.issuer].sha256
    assert write_snapshot(after.key_records()) == file


def test_within_the_ttl_nothing_at_all_is_asked(issuer: FakeIssuer, clock: Clock) -> None:
    issuer.down = True
    validator = seeded(issuer, aged(issuer, 0), clock=clock)
    for _ in range(43):
        assert reason_of(validator, issuer.mint()) is None
        clock.advance(10)
    assert validator.warm()[issuer.issuer].state == "fresh"
    assert issuer.connections == 0


def test_a_refresh_is_due_when_it_would_have_been_without_a_restart(issuer: FakeIssuer, clock: Clock) -> None:
    validator = seeded(issuer, aged(issuer, 432), clock=clock)
    assert reason_of(validator, issuer.mint()) is None
    wait_until(lambda: validator.health()[issuer.issuer].origin == "issuer")
    assert issuer.jwks_requests == 1


def test_old_keys_are_used_after_a_failed_attempt(issuer: FakeIssuer, clock: Clock) -> None:
    issuer.down = True
    events: list[Event] = []
    validator = seeded(issuer, aged(issuer, 4000), clock=clock, observers=[events.append])
    assert validator.health()[issuer.issuer].state == "stale"
    assert reason_of(validator, issuer.mint()) is None
    assert issuer.connections == 2
    assert [event.age_s for event in events if isinstance(event, StaleKeysUsed)] == [4000]
    told = validator.health()[issuer.issuer]
    assert (told.state, told.stale_uses, told.expires_in) == ("backoff", 1, 200)
    clock.advance(200)
    assert reason_of(validator, issuer.mint()) == Reason.KEYS_EXPIRED


def test_old_keys_are_not_used_where_the_issuer_answers(issuer: FakeIssuer, clock: Clock) -> None:
    record = aged(issuer, 4000)
    issuer.rotate(keep_old=False)
    validator = seeded(issuer, record, clock=clock)
    assert reason_of(validator, issuer.mint()) is None
    assert validator.health()[issuer.issuer].stale_uses == 0


def test_a_key_that_was_removed_since_dies_at_the_next_refresh(issuer: FakeIssuer, clock: Clock) -> None:
    validator = seeded(issuer, aged(issuer, 0), clock=clock)
    token = issuer.mint(exp=START + 7200)
    issuer.rotate(keep_old=False)
    assert reason_of(validator, token) is None
    clock.advance(600)
    assert reason_of(validator, token) == Reason.KEY_UNKNOWN


def test_a_key_that_is_new_since_is_fetched_at_its_first_use(issuer: FakeIssuer, clock: Clock) -> None:
    validator = seeded(issuer, aged(issuer, 0), clock=clock)
    issuer.rotate()
    assert reason_of(validator, issuer.mint()) is None
    assert reason_of(validator, issuer.mint(header={"kid": "nobody's"})) == Reason.KEY_UNKNOWN
    issuer.down = True
    assert reason_of(validator, issuer.mint(header={"kid": "nobody else's"})) == Reason.KEYS_UNAVAILABLE


def test_an_unchanged_document_is_asked_for_with_its_tag(clock: Clock) -> None:
    issuer = FakeIssuer(clock=clock)
    with issuer.serve():
        first = validator_for(issuer, clock=clock)
        first.warm()
        clock.advance(700)
        validator = seeded(issuer, *first.key_records(), clock=clock, fetch=None)
        assert reason_of(validator, issuer.mint()) is None
        assert issuer.traffic.requests[-1].headers["if-none-match"]
    told = validator.health()[issuer.issuer]
    assert (told.origin, told.last_success) == ("issuer", START + 700)


@pytest.mark.parametrize("age", [601.0, 4200.0, 1e6, 1e9])
def test_an_operator_may_allow_them_for_as_long_as_an_outage_may_last(
    issuer: FakeIssuer, clock: Clock, age: float
) -> None:
    issuer.down = True
    record = aged(issuer, age)
    validator = seeded(issuer, record, clock=clock, allow_expired=True)
    told = validator.health()[issuer.issuer]
    assert (told.state, told.last_success, told.expires_in) == ("stale", START - age, 3600)
    assert reason_of(validator, issuer.mint()) is None
    assert issuer.connections == 2, "old keys are used only after the issuer was asked"
    assert validator.key_records() == (record,)
    clock.advance(3599)
    assert reason_of(validator, issuer.mint()) is None
    assert validator.health()[issuer.issuer].last_success == START - age
    clock.advance(1)
    assert reason_of(validator, issuer.mint()) == Reason.KEYS_EXPIRED
    assert validator.key_records() == ()
    issuer.down = False
    clock.advance(60)
    assert reason_of(validator, issuer.mint()) is None
    assert validator.health()[issuer.issuer].last_success == clock.now


def test_what_may_be_old_may_also_be_young(issuer: FakeIssuer, clock: Clock) -> None:
    validator = seeded(issuer, aged(issuer, 100), clock=clock, allow_expired=True, fetch=no_network)
    assert reason_of(validator, issuer.mint()) is None
    assert validator.health()[issuer.issuer].expires_in == pytest.approx(4100)


def test_where_nothing_old_is_ever_used_old_keys_are_not_allowed_either(issuer: FakeIssuer, clock: Clock) -> None:
    issuer.down = True
    closed = KeyLifecycle(stale_if_error=0)
    validator = seeded(issuer, aged(issuer, 1e6), clock=clock, allow_expired=True, lifecycle=closed)
    assert reason_of(validator, issuer.mint()) == Reason.KEYS_EXPIRED


def test_keys_given_by_the_operator_come_before_a_snapshot(issuer: FakeIssuer, clock: Clock) -> None:
    stranger = FakeIssuer(clock=clock)
    given = json.dumps(issuer.jwks()).encode()
    validator = seeded(issuer, aged(stranger, 0), clock=clock, source={"jwks": given}, fetch=no_network)
    assert reason_of(validator, issuer.mint()) is None
    assert reason_of(validator, stranger.mint()) == Reason.KEY_UNKNOWN
    assert validator.key_records() == ()


def test_an_issuer_added_at_run_time_starts_from_its_record_too(issuer: FakeIssuer, clock: Clock) -> None:
    supply = KeySupply(seed=Seed(records=(aged(issuer, 0),)))
    keys = Keys({}, fetch=no_network, monotonic=clock, wall=clock, supply=supply)
    keys.ensure(issuer.issuer, KeySource())
    header = validator_for(issuer)._validation.begin(issuer.mint())[0].header
    assert keys.find(issuer.issuer, header).decides(header)
    assert keys.records() == ()


def test_an_issuer_that_the_snapshot_does_not_know_is_fetched(issuer: FakeIssuer, clock: Clock) -> None:
    validator = seeded(issuer, record_for(FakeIssuer("https://other.test")), clock=clock)
    assert reason_of(validator, issuer.mint()) is None
    assert issuer.jwks_requests == 1


def test_what_others_fetched_since_replaces_a_snapshot(issuer: FakeIssuer, clock: Clock, store: MemoryStore) -> None:
    record = aged(issuer, 700)
    issuer.rotate(keep_old=False)
    put(store, issuer, fetched_at=START - 10, sequence=2)
    supply = KeySupply(seed=Seed(records=(record,)), shared=SharedKeys(store, SECRET))
    validator = seeded(issuer, clock=clock, supply=supply, fetch=no_network)
    assert reason_of(validator, issuer.mint()) is None
    assert validator.health()[issuer.issuer].origin == "shared"


def test_a_snapshot_is_not_handed_on_to_others(issuer: FakeIssuer, clock: Clock, store: MemoryStore) -> None:
    issuer.down = True
    supply = KeySupply(seed=Seed(records=(aged(issuer, 700),)), shared=SharedKeys(store, SECRET))
    validator = seeded(issuer, clock=clock, supply=supply)
    assert reason_of(validator, issuer.mint()) is None
    assert store.values == {}


def test_what_was_fetched_is_kept_for_a_snapshot_until_its_hard_maximum(issuer: FakeIssuer, clock: Clock) -> None:
    validator = validator_for(issuer, clock=clock)
    assert validator.key_records() == ()
    validator.warm()
    (record,) = validator.key_records()
    clock.advance(4199)
    assert validator.key_records() == (record,)
    assert record.fetched_at == START
    clock.advance(1)
    assert validator.key_records() == ()
