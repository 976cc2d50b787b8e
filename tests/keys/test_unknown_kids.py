"""Kids that no set holds: new keys are learnt with their first token, floods cost a bucket of fetches."""

from __future__ import annotations

import asyncio
import json

import pytest

from bearergate.core.errors import BadSignature, InvalidToken, KeyNotFound
from bearergate.core.events import Event, KeysRefreshed
from bearergate.core.reasons import Reason
from bearergate.testing import FakeIssuer
from tests.keys.patient import Clock, reason_of, validator_for, wait_until


def test_expired_forged_and_misdirected_tokens_never_cause_a_fetch(issuer: FakeIssuer, clock: Clock) -> None:
    validator = validator_for(issuer, clock=clock)
    validator.validate(issuer.mint())
    for _ in range(100):
        assert reason_of(validator, issuer.mint(exp=clock.now - 60)) == Reason.EXPIRED
        assert reason_of(validator, issuer.forge()) == Reason.SIGNATURE_INVALID
        assert reason_of(validator, issuer.mint(aud="x")) == Reason.AUDIENCE_MISMATCH
    assert issuer.jwks_requests == 1


def test_random_kids_cost_at_most_a_bucket_of_fetches_and_known_kids_are_never_affected(
    issuer: FakeIssuer, clock: Clock
) -> None:
    validator = validator_for(issuer, clock=clock)
    for n in range(200):
        assert reason_of(validator, issuer.mint(header={"kid": f"random-{n}"})) == Reason.KEY_UNKNOWN
        assert reason_of(validator, issuer.mint()) is None
    print(f"200 random kids: {issuer.jwks_requests} JWKS requests")
    assert issuer.jwks_requests <= 4


def test_a_new_key_is_accepted_with_its_first_token(issuer: FakeIssuer, clock: Clock) -> None:
    validator = validator_for(issuer, clock=clock)
    validator.validate(issuer.mint())
    issuer.rotate()
    assert reason_of(validator, issuer.mint()) is None
    assert issuer.jwks_requests == 2


def test_a_new_key_is_accepted_soon_during_a_flood_of_random_kids(issuer: FakeIssuer, clock: Clock) -> None:
    validator = validator_for(issuer, clock=clock)
    for n in range(50):
        reason_of(validator, issuer.mint(header={"kid": f"random-{n}"}))
    issuer.rotate()
    token = issuer.mint()
    waited = 0
    while reason_of(validator, token) is not None:
        reason_of(validator, issuer.mint(header={"kid": f"late-{waited}"}))
        clock.advance(1)
        waited += 1
        assert waited <= 11
    print(f"a new key during a flood was accepted after {waited} s")


def test_an_unknown_kid_during_an_outage_is_503_not_401(issuer: FakeIssuer, clock: Clock) -> None:
    validator = validator_for(issuer, clock=clock)
    validator.validate(issuer.mint())
    issuer.down = True
    strange = issuer.mint(header={"kid": "new"})
    assert reason_of(validator, strange) == Reason.KEYS_UNAVAILABLE
    assert reason_of(validator, strange) == Reason.KEYS_UNAVAILABLE
    assert reason_of(validator, issuer.mint()) is None


def test_the_same_kid_at_two_issuers_never_crosses(clock: Clock) -> None:
    a, b = FakeIssuer("https://a.test", clock=clock), FakeIssuer("https://b.test", clock=clock)
    a.rotate(kid="k", keep_old=False)
    b.rotate(kid="k", keep_old=False)
    validator = validator_for(a, b, clock=clock)
    assert reason_of(validator, b.mint(iss=a.issuer)) == Reason.SIGNATURE_INVALID
    assert reason_of(validator, a.mint()) is None
    assert reason_of(validator, b.mint()) is None
    assert reason_of(validator, a.mint(iss=b.issuer)) == Reason.SIGNATURE_INVALID


def test_a_token_without_kid_gets_a_second_look_when_the_only_key_was_replaced(clock: Clock) -> None:
    issuer = FakeIssuer(clock=clock)
    validator = validator_for(issuer, clock=clock)
    validator.validate(issuer.mint(header={"kid": None}))
    issuer.rotate(keep_old=False)
    token = issuer.mint(header={"kid": None})
    assert reason_of(validator, token) is None
    assert asyncio.run(validator.validate_async(token)).subject == "user-1"
    issuer.rotate(keep_old=False)
    assert asyncio.run(validator.validate_async(issuer.mint(header={"kid": None}))).subject == "user-1"
    header, payload, _ = issuer.mint(header={"kid": None}).split(".")
    forged = f"{header}.{payload}.{issuer.forge().rpartition('.')[2]}"
    for _ in range(50):
        with pytest.raises(BadSignature):
            validator.validate(forged)
        with pytest.raises(BadSignature):
            asyncio.run(validator.validate_async(forged))
    assert issuer.jwks_requests <= 4


def test_a_key_that_screening_dropped_is_named_unusable_without_a_fetch(clock: Clock) -> None:
    issuer = FakeIssuer(clock=clock)
    issuer.set_document(json.dumps({"keys": [{**issuer.jwks()["keys"][0], "use": "enc"}]}).encode())
    events: list[Event] = []
    validator = validator_for(issuer, clock=clock, observers=[events.append])
    for _ in range(100):
        assert reason_of(validator, issuer.mint()) == Reason.KEY_UNUSABLE
    assert issuer.jwks_requests == 1
    wait_until(lambda: any(isinstance(event, KeysRefreshed) for event in events))
    refreshed = [event for event in events if isinstance(event, KeysRefreshed)]
    assert refreshed[0].alarms == ("the key set holds no usable key",)


def test_every_refusal_for_want_of_keys_is_typed(clock: Clock) -> None:
    issuer = FakeIssuer(clock=clock)
    validator = validator_for(issuer, clock=clock)
    with pytest.raises(KeyNotFound) as caught:
        validator.validate(issuer.mint(header={"kid": "x"}))
    assert isinstance(caught.value, InvalidToken)
    assert caught.value.status == 401
