"""Where keys come from: discovery, given sets, shared ones, issuers added at run time; and what is no key set."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bearergate.core.errors import ConfigError, Unavailable
from bearergate.core.events import Event, KeysRefreshed
from bearergate.core.keyring import KeyLifecycle
from bearergate.core.policy import KeySource
from bearergate.core.reasons import Reason
from bearergate.keys import Keys
from bearergate.testing import FakeIssuer, fetch_from
from bearergate.testing.faults import Fault
from bearergate.validator import Validator
from tests.keys.patient import Clock, policy_for, reason_of, validator_for, wait_until


def test_nothing_is_fetched_until_a_token_of_the_issuer_arrives(issuer: FakeIssuer, clock: Clock) -> None:
    validator = validator_for(issuer, clock=clock)
    assert reason_of(validator, FakeIssuer("https://unknown.test").mint()) == Reason.ISSUER_UNKNOWN
    assert reason_of(validator, issuer.unsigned()) == Reason.ALG_NOT_ALLOWED
    assert issuer.connections == 0
    assert reason_of(validator, issuer.mint()) is None
    assert (issuer.discovery_requests, issuer.jwks_requests) == (1, 1)


def test_keys_are_shared_only_where_the_operator_wrote_it(clock: Clock) -> None:
    a, b = FakeIssuer("https://a.test", clock=clock), FakeIssuer("https://b.test", clock=clock)
    sharing = policy_for(a, shares_keys_with=(b.issuer,))
    validator = Validator([sharing, policy_for(b)], fetch=fetch_from(a, b), clock=clock, monotonic=clock)
    assert validator.validate(b.mint(iss=a.issuer)).issuer == a.issuer
    assert validator.validate(b.mint(iss=a.issuer)).issuer == a.issuer
    assert reason_of(validator, a.mint(iss=b.issuer)) == Reason.KEY_UNKNOWN
    a.down = True
    assert reason_of(validator, a.mint(header={"kid": "nobody's"})) == Reason.KEYS_UNAVAILABLE


def test_keys_given_by_the_operator_are_used_without_any_network(clock: Clock) -> None:
    issuer = FakeIssuer(clock=clock)
    given = json.dumps(issuer.jwks()).encode()
    validator = Validator([policy_for(issuer, jwks=given)], fetch=fetch_from(), clock=clock, monotonic=clock)
    clock.advance(1e6)
    assert reason_of(validator, issuer.mint()) is None
    assert reason_of(validator, issuer.mint(header={"kid": "x"})) == Reason.KEY_UNKNOWN
    health = validator.warm()[issuer.issuer]
    assert (health.state, health.keys, health.expires_in, health.next_attempt_in) == ("fresh", 1, None, None)


def test_a_secret_key_in_the_set_raises_an_alarm(clock: Clock) -> None:
    issuer = FakeIssuer(clock=clock)
    issuer.publish({"kty": "oct", "k": "c2VjcmV0", "kid": "s"})
    events: list[Event] = []
    validator = validator_for(issuer, clock=clock, observers=[events.append])
    validator.validate(issuer.mint())
    wait_until(lambda: any(isinstance(event, KeysRefreshed) for event in events))
    refreshed = [event for event in events if isinstance(event, KeysRefreshed)]
    assert refreshed[0].alarms == ("a key holds secret or private key material",)


def test_an_issuer_added_at_run_time_has_keys_of_its_own(clock: Clock) -> None:
    first, second = FakeIssuer("https://first.test", clock=clock), FakeIssuer("https://second.test", clock=clock)
    keys = Keys({}, KeyLifecycle(runtime_issuers=1), fetch=fetch_from(first, second), monotonic=clock, wall=clock)
    keys.ensure(first.issuer, KeySource())
    keys.ensure(first.issuer, KeySource())
    header = validator_for(first)._validation.begin(first.mint())[0].header
    assert keys.find(first.issuer, header).decides(header)
    keys.ensure(second.issuer, KeySource())
    with pytest.raises(Unavailable, match="the issuer was forgotten"):
        keys.find(first.issuer, header)


def test_keys_move_when_the_discovery_document_says_so(clock: Clock) -> None:
    issuer = FakeIssuer(clock=clock)
    validator = validator_for(issuer, clock=clock)
    validator.validate(issuer.mint())
    issuer.jwks_path = "/moved"
    clock.advance(700)
    assert reason_of(validator, issuer.mint()) is None
    assert issuer.discovery_requests == 2


def test_discovery_is_asked_again_after_three_failures(clock: Clock) -> None:
    issuer = FakeIssuer(clock=clock)
    validator = validator_for(issuer, clock=clock)
    validator.validate(issuer.mint())
    issuer.jwks_fault = Fault(status=500)
    for _ in range(4):
        clock.advance(700)
        reason_of(validator, issuer.mint(exp=clock.now + 60))
    assert issuer.discovery_requests == 2


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (b"{", "the discovery document is not strict JSON"),
        (b'{"issuer": "https://other.test"}', "names another issuer"),
        (b'{"issuer": "https://issuer.test"}', "has no jwks_uri"),
        (b'{"issuer": "https://issuer.test", "jwks_uri": "http://issuer.test/jwks"}', "must use https"),
        (b'{"issuer": "https://issuer.test", "jwks_uri": "http://127.0.0.1/jwks"}', "must use https"),
    ],
)
def test_a_discovery_document_that_cannot_be_trusted_is_a_failed_attempt(
    clock: Clock, document: bytes, problem: str
) -> None:
    issuer = FakeIssuer("https://issuer.test", clock=clock)
    issuer.set_metadata(document)
    validator = validator_for(issuer, clock=clock)
    assert reason_of(validator, issuer.mint()) == Reason.KEYS_UNAVAILABLE
    assert problem in (validator.health()[issuer.issuer].problem or "")


def test_discovery_falls_back_to_the_place_of_rfc_8414_on_404(clock: Clock) -> None:
    issuer = FakeIssuer("https://issuer.test/tenant", clock=clock)
    issuer.has_oidc_document = False
    assert reason_of(validator_for(issuer, clock=clock), issuer.mint()) is None
    issuer.discovery_fault = Fault(status=404)
    validator = validator_for(issuer, clock=clock)
    assert reason_of(validator, issuer.mint()) == Reason.KEYS_UNAVAILABLE
    assert validator.health()[issuer.issuer].problem == "the discovery document was answered with status 404"


def test_a_split_network_fetches_keys_where_the_operator_says(clock: Clock) -> None:
    issuer = FakeIssuer("https://inside.test", clock=clock)
    named = replace(policy_for(issuer, jwks_uri=issuer.jwks_uri), issuer="https://outside.test")
    validator = Validator([named], fetch=fetch_from(issuer), clock=clock, monotonic=clock)
    assert validator.validate(issuer.mint(iss="https://outside.test")).issuer == "https://outside.test"
    assert issuer.discovery_requests == 0


def test_keys_that_code_gives_or_shares_wrongly_stop_the_start() -> None:
    issuer = FakeIssuer()
    with pytest.raises(ConfigError, match=r"https://issuer\.test jwks: the JWK Set is not strict JSON"):
        Validator([policy_for(issuer, jwks=b"junk")])
    with pytest.raises(ConfigError, match=r"shares_keys_with: names https://other\.test, which is not configured"):
        Validator([policy_for(issuer, shares_keys_with=("https://other.test",))])
