"""What a machine believes of a store that it shares with others: what they fetched, and nothing of what was forged."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bearergate.core.errors import ConfigError
from bearergate.core.keyring import KeyLifecycle
from bearergate.core.policy import KeySource
from bearergate.core.reasons import Reason
from bearergate.shared_keys import SharedKeys
from bearergate.testing import FakeIssuer, fetch_from
from bearergate.testing.signing import new_key
from bearergate.validator import Validator
from tests.figures import tell
from tests.keys.fleet import MemoryStore, machine, name_of, put, settle, supply_of
from tests.keys.patient import START, Clock, policy_for, reason_of

TENANT = "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0"


def test_what_one_machine_fetched_the_next_one_need_not(issuer: FakeIssuer, clock: Clock, store: MemoryStore) -> None:
    first, second = machine(issuer, store, clock), machine(issuer, store, clock)
    assert reason_of(first, issuer.mint()) is None
    clock.advance(100)
    assert reason_of(second, issuer.mint()) is None
    assert (issuer.discovery_requests, issuer.jwks_requests) == (1, 1)
    told = second.health()[issuer.issuer]
    assert (told.origin, told.last_success, told.sha256) == ("shared", START, first.health()[issuer.issuer].sha256)
    assert told.expires_in == pytest.approx(4100)
    assert first.health()[issuer.issuer].origin == "issuer"


def test_nothing_is_asked_of_the_store_while_the_keys_are_fresh(
    issuer: FakeIssuer, clock: Clock, store: MemoryStore
) -> None:
    validator = machine(issuer, store, clock)
    token = issuer.mint(exp=START + 7200)
    assert reason_of(validator, token) is None
    assert store.calls == ["open", "claim", "load", "save", "release"]
    store.calls.clear()
    for _ in range(2000):
        validator.validate(token)
        clock.advance(0.2)
    assert reason_of(validator, issuer.forge()) == Reason.SIGNATURE_INVALID
    assert reason_of(validator, issuer.mint(aud="another")) == Reason.AUDIENCE_MISMATCH
    assert reason_of(validator, FakeIssuer("https://unknown.test").mint()) == Reason.ISSUER_UNKNOWN
    tell("store calls during 2000 validations with a fresh set", len(store.calls))
    assert store.calls == []


def test_every_visit_ends(issuer: FakeIssuer, clock: Clock, store: MemoryStore) -> None:
    validator = machine(issuer, store, clock)
    for _ in range(3):
        reason_of(validator, issuer.mint(exp=clock.now + 60))
        clock.advance(700)
    settle([validator])
    assert store.calls.count("open") == store.closed == 3
    assert store.claims == {}


def test_a_record_is_kept_for_as_long_as_anybody_could_use_it(
    issuer: FakeIssuer, clock: Clock, store: MemoryStore
) -> None:
    issuer.cache_control = "max-age=120"
    assert reason_of(machine(issuer, store, clock), issuer.mint()) is None
    assert store.lasting == {name_of(issuer): 3720.0}


def test_a_record_older_than_the_keys_at_hand_is_ignored(issuer: FakeIssuer, clock: Clock, store: MemoryStore) -> None:
    put(store, issuer)
    old = store.record_of(issuer)
    clock.advance(300)
    store.values.clear()
    validator = machine(issuer, store, clock)
    assert reason_of(validator, issuer.mint()) is None
    store.values[name_of(issuer)] = old
    clock.advance(600)
    assert reason_of(validator, issuer.mint()) is None
    assert validator.health()[issuer.issuer].ignored_records == 1
    assert validator.health()[issuer.issuer].last_success == START + 900
    assert issuer.jwks_requests == 2


def test_one_s_own_record_is_neither_news_nor_an_offence(issuer: FakeIssuer, clock: Clock, store: MemoryStore) -> None:
    validator = machine(issuer, store, clock)
    for _ in range(3):
        assert reason_of(validator, issuer.mint(exp=clock.now + 60)) is None
        clock.advance(700)
    assert validator.health()[issuer.issuer].ignored_records == 0
    assert issuer.jwks_requests == 3


def test_the_same_keys_fetched_again_are_news(issuer: FakeIssuer, clock: Clock, store: MemoryStore) -> None:
    put(store, issuer)
    validator = machine(issuer, store, clock)
    assert reason_of(validator, issuer.mint()) is None
    clock.advance(590)
    # A store that forgot everything was filled by a machine that began to count anew.
    put(store, issuer, fetched_at=START + 500)
    assert validator.health()[issuer.issuer].last_success == START
    assert reason_of(validator, issuer.mint()) is None
    settle([validator])
    assert validator.health()[issuer.issuer].last_success == START + 500
    assert issuer.connections == 0


def test_keys_of_a_shared_record_are_screened_like_fetched_ones(
    issuer: FakeIssuer, clock: Clock, store: MemoryStore
) -> None:
    good = issuer.jwks()["keys"][0]
    private = new_key("ES256", "private").key.as_dict(private=True)
    put(store, issuer, good, {**private, "kid": "private"}, {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "small"})
    validator = machine(issuer, store, clock)
    assert reason_of(validator, issuer.mint()) is None
    told = validator.health()[issuer.issuer]
    assert (told.origin, told.keys, told.dropped) == ("shared", 1, 2)
    assert reason_of(validator, issuer.mint(header={"kid": "private"})) == Reason.KEY_UNUSABLE
    assert issuer.connections == 0


@pytest.mark.parametrize("lifecycle", [KeyLifecycle(max_keys=1), KeyLifecycle(max_bytes=600)])
def test_a_machine_with_narrower_limits_does_not_take_what_wider_ones_did(
    issuer: FakeIssuer, clock: Clock, store: MemoryStore, lifecycle: KeyLifecycle
) -> None:
    issuer.add_key()
    put(store, issuer)
    validator = machine(issuer, store, clock, lifecycle=lifecycle)
    assert reason_of(validator, issuer.mint()) == Reason.KEYS_UNAVAILABLE
    assert validator.health()[issuer.issuer].ignored_records == 1


def test_keys_of_another_tenant_are_dropped_where_the_preset_says_so(clock: Clock, store: MemoryStore) -> None:
    issuer = FakeIssuer(TENANT, clock=clock)
    theirs = FakeIssuer(TENANT, clock=clock)
    ours, other = issuer.jwks()["keys"][0], theirs.jwks()["keys"][0]
    elsewhere = TENANT.replace("1111", "9999")
    put(store, issuer, {**ours, "issuer": TENANT}, {**other, "issuer": elsewhere})

    def tenant(tenant_keys_only: bool) -> Validator:
        policy = policy_for(issuer, tenant_keys_only=tenant_keys_only)
        fetch = fetch_from(issuer)
        return Validator([policy], fetch=fetch, clock=clock, monotonic=clock, supply=supply_of(store))

    assert reason_of(tenant(True), issuer.mint()) is None
    assert reason_of(tenant(True), theirs.mint()) == Reason.KEY_UNUSABLE
    assert reason_of(tenant(False), theirs.mint()) is None
    assert issuer.connections == 0


@pytest.mark.parametrize(("said", "expires_in"), [(1e9, 7200), (1.0, 3660), (0.0, 3660), (-5.0, 3660)])
def test_a_shared_record_cannot_make_its_keys_live_longer(
    issuer: FakeIssuer, clock: Clock, store: MemoryStore, said: float, expires_in: float
) -> None:
    put(store, issuer, ttl=said)
    validator = machine(issuer, store, clock)
    assert reason_of(validator, issuer.mint()) is None
    assert validator.health()[issuer.issuer].expires_in == pytest.approx(expires_in)


def test_a_clock_that_is_ahead_does_not_make_its_keys_live_longer(
    issuer: FakeIssuer, clock: Clock, store: MemoryStore
) -> None:
    put(store, issuer, fetched_at=START + 29)
    validator = machine(issuer, store, clock)
    assert reason_of(validator, issuer.mint()) is None
    assert validator.health()[issuer.issuer].origin == "shared"
    assert validator.health()[issuer.issuer].expires_in == pytest.approx(4200)


SOURCES: dict[str, KeySource] = {
    "as it is": KeySource(),
    "another discovery document": KeySource(discovery_url="https://issuer.test/.well-known/openid-configuration"),
    "another address of keys": KeySource(jwks_uri="https://issuer.test/jwks"),
    "another authority": KeySource(ca="-----BEGIN CERTIFICATE-----"),
}


def test_two_configurations_of_an_issuer_never_share(issuer: FakeIssuer, clock: Clock, store: MemoryStore) -> None:
    for number, source in enumerate(SOURCES.values(), 1):
        policy = replace(policy_for(issuer), keys=source)
        fetch = fetch_from(issuer)
        validator = Validator([policy], fetch=fetch, clock=clock, monotonic=clock, supply=supply_of(store))
        assert reason_of(validator, issuer.mint()) is None
        assert issuer.jwks_requests == number
        assert validator.health()[issuer.issuer].ignored_records == 0
    assert len(store.values) == len(SOURCES)
    assert all(len(name) == len("bearergate:keys:") + 64 for name in store.values)
    assert all("issuer" not in name for name in store.values)


def test_two_issuers_in_one_store_have_a_place_each(clock: Clock, store: MemoryStore) -> None:
    a, b = FakeIssuer("https://a.test", clock=clock), FakeIssuer("https://b.test", clock=clock)
    policies, fetch = [policy_for(a), policy_for(b)], fetch_from(a, b)
    for _ in range(2):
        validator = Validator(policies, fetch=fetch, clock=clock, monotonic=clock, supply=supply_of(store))
        assert [reason_of(validator, token) for token in (a.mint(), b.mint())] == [None, None]
        assert reason_of(validator, a.mint(iss=b.issuer)) == Reason.KEY_UNKNOWN
    # What moved to the other's place is worth nothing there.
    store.values[name_of(a)], store.values[name_of(b)] = store.values[name_of(b)], store.values[name_of(a)]
    validator = Validator(policies, fetch=fetch, clock=clock, monotonic=clock, supply=supply_of(store))
    assert [reason_of(validator, token) for token in (a.mint(), b.mint())] == [None, None]
    assert {told.ignored_records for told in validator.health().values()} == {1}


def test_given_keys_never_reach_the_store(issuer: FakeIssuer, clock: Clock, store: MemoryStore) -> None:
    policy = policy_for(issuer, jwks=json.dumps(issuer.jwks()).encode())
    validator = Validator([policy], fetch=fetch_from(), clock=clock, monotonic=clock, supply=supply_of(store))
    assert reason_of(validator, issuer.mint()) is None
    assert reason_of(validator, issuer.mint(header={"kid": "x"})) == Reason.KEY_UNKNOWN
    assert store.calls == []


@pytest.mark.parametrize("secret", [b"", b"x", b"hunter2hunter2hunter2hunter2!!!"])
def test_without_a_long_secret_nothing_starts(secret: bytes, store: MemoryStore) -> None:
    with pytest.raises(ConfigError, match=f"shared_keys: must have at least 32 bytes, got {len(secret)}") as caught:
        SharedKeys(store, secret)
    assert "hunter2" not in str(caught.value)


def test_the_secret_is_in_no_representation(store: MemoryStore) -> None:
    shared = SharedKeys(store, b"hunter2" * 5)
    assert "hunter2" not in repr(shared)
    assert "hunter2" not in repr(supply_of(store, b"hunter2" * 5))
