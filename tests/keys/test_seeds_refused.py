"""Records of an earlier run that may not be used, and keys in them that may not: left aside, and told."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest

from bearergate.core.key_record import Seed
from bearergate.core.keyring import KeyLifecycle
from bearergate.core.reasons import Reason
from bearergate.key_supply import KeySupply
from bearergate.testing import FakeIssuer
from bearergate.testing.signing import new_key
from bearergate.validator import Validator
from tests.keys.fleet import record_for
from tests.keys.patient import Clock, policy_for, reason_of
from tests.keys.seeding import aged, no_network, seeded, warnings_in

TENANT = "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0"


def test_keys_past_their_hard_maximum_are_refused_with_a_warning(
    issuer: FakeIssuer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.down = True
    validator = seeded(issuer, aged(issuer, 4200), clock=clock)
    assert validator.health()[issuer.issuer].state == "never"
    why = "it is older than the hard maximum (ttl and stale_if_error together)"
    assert warnings_in(caplog) == [f"the snapshot of the keys of https://issuer.test is not used: {why}"]
    assert reason_of(validator, issuer.mint()) == Reason.KEYS_UNAVAILABLE
    issuer.down = False
    clock.advance(2)
    assert reason_of(validator, issuer.mint()) is None


@pytest.mark.parametrize("allow_expired", [False, True])
def test_keys_from_the_future_are_refused_with_a_warning(
    issuer: FakeIssuer, clock: Clock, allow_expired: bool, caplog: pytest.LogCaptureFixture
) -> None:
    validator = seeded(issuer, aged(issuer, -31), clock=clock, allow_expired=allow_expired)
    assert validator.health()[issuer.issuer].state == "never"
    assert [line.rpartition(": ")[2] for line in warnings_in(caplog)] == ["it was fetched in the future"]
    assert reason_of(validator, issuer.mint()) is None


@pytest.mark.parametrize(
    "source",
    [
        {"discovery_url": "https://issuer.test/.well-known/openid-configuration"},
        {"jwks_uri": "https://issuer.test/jwks"},
        {"ca": "-----BEGIN CERTIFICATE-----"},
    ],
)
def test_keys_of_another_configuration_are_refused_with_a_warning(
    issuer: FakeIssuer, clock: Clock, source: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    stranger = FakeIssuer(clock=clock)
    validator = seeded(issuer, aged(stranger, 0), clock=clock, source=source)
    assert validator.health()[issuer.issuer].state == "never"
    assert [line.rpartition(": ")[2] for line in warnings_in(caplog)] == [
        "it was fetched under another configuration of this issuer"
    ]
    assert reason_of(validator, stranger.mint()) == Reason.KEY_UNKNOWN
    assert reason_of(validator, issuer.mint()) is None


def test_a_record_that_was_given_another_issuer_s_name_is_refused(clock: Clock) -> None:
    a, b = FakeIssuer("https://a.test", clock=clock), FakeIssuer("https://b.test", clock=clock)
    moved = replace(record_for(b), issuer=a.issuer)
    validator = seeded(a, moved, clock=clock)
    assert validator.health()[a.issuer].state == "never"
    assert reason_of(validator, b.mint(iss=a.issuer)) == Reason.KEY_UNKNOWN


def test_keys_of_a_snapshot_are_screened_like_fetched_ones(issuer: FakeIssuer, clock: Clock) -> None:
    good = issuer.jwks()["keys"][0]
    private = new_key("ES256", "private").key.as_dict(private=True)
    record = record_for(issuer, good, {**private, "kid": "private"}, {"kty": "oct", "k": "c2VjcmV0", "kid": "oct"})
    validator = seeded(issuer, record, clock=clock, fetch=no_network)
    assert reason_of(validator, issuer.mint()) is None
    assert (validator.health()[issuer.issuer].keys, validator.health()[issuer.issuer].dropped) == (1, 2)
    assert reason_of(validator, issuer.mint(header={"kid": "private"})) == Reason.KEY_UNUSABLE


@pytest.mark.parametrize(
    ("changes", "lifecycle"),
    [
        ({"document": b"<html>"}, KeyLifecycle()),
        ({"document": b'{"keys": []}'}, KeyLifecycle()),
        ({}, KeyLifecycle(max_bytes=100)),
        ({"document": b'{"keys": [1, 2]}'}, KeyLifecycle(max_keys=1)),
    ],
)
def test_a_document_that_would_not_be_fetched_is_refused_with_a_warning(
    issuer: FakeIssuer, clock: Clock, changes: dict[str, Any], lifecycle: KeyLifecycle, caplog: pytest.LogCaptureFixture
) -> None:
    validator = seeded(issuer, aged(issuer, 0, **changes), clock=clock, lifecycle=lifecycle)
    assert validator.health()[issuer.issuer].state == "never"
    assert len(warnings_in(caplog)) == 1


def test_keys_of_another_tenant_are_dropped_where_the_preset_says_so(clock: Clock) -> None:
    issuer, theirs = FakeIssuer(TENANT, clock=clock), FakeIssuer(TENANT, clock=clock)
    elsewhere = TENANT.replace("1111", "9999")
    record = record_for(issuer, issuer.jwks()["keys"][0], {**theirs.jwks()["keys"][0], "issuer": elsewhere})
    for only, reason in ((True, Reason.KEY_UNUSABLE), (False, None)):
        validator = seeded(issuer, record, clock=clock, source={"tenant_keys_only": only}, fetch=no_network)
        assert reason_of(validator, issuer.mint()) is None
        assert reason_of(validator, theirs.mint()) == reason


def test_one_issuer_s_record_that_is_refused_leaves_the_others_alone(clock: Clock) -> None:
    a, b = FakeIssuer("https://a.test", clock=clock), FakeIssuer("https://b.test", clock=clock)
    supply = KeySupply(seed=Seed(records=(aged(a, 1e6), aged(b, 0))))
    validator = Validator([policy_for(a), policy_for(b)], fetch=no_network, clock=clock, monotonic=clock, supply=supply)
    assert reason_of(validator, a.mint()) == Reason.KEYS_UNAVAILABLE
    assert reason_of(validator, b.mint()) is None


def test_no_warning_quotes_a_key(issuer: FakeIssuer, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    seeded(issuer, aged(issuer, 1e6), clock=clock)
    seeded(issuer, aged(issuer, 0, document=b'{"keys": "hunter2"}'), clock=clock)
    assert len(warnings_in(caplog)) == 2
    assert "hunter2" not in caplog.text
    assert str(issuer.jwks()["keys"][0]["n"])[:20] not in caplog.text
