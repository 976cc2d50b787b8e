"""The age of a key set: fresh, refreshed ahead of time, stale while its issuer is down, expired."""

from __future__ import annotations

import asyncio

import pytest

from bearergate.core.errors import Unavailable
from bearergate.core.events import Event, KeysRefreshed, StaleKeysUsed
from bearergate.core.reasons import Reason
from bearergate.testing import FakeIssuer
from bearergate.testing.faults import EMPTY_SET, HTML_PAGE, MALFORMED_JSON, Fault
from tests.keys.patient import Clock, reason_of, validator_for, wait_until


def test_a_removed_key_stops_working_at_the_next_refresh(issuer: FakeIssuer, clock: Clock) -> None:
    validator = validator_for(issuer, clock=clock)
    token = issuer.mint(exp=clock.now + 7200)
    validator.validate(token)
    issuer.rotate(keep_old=False)
    clock.advance(600)
    assert reason_of(validator, token) == Reason.KEY_UNKNOWN


def test_a_fresh_set_is_renewed_ahead_of_time_while_nobody_waits(issuer: FakeIssuer, clock: Clock) -> None:
    events: list[Event] = []
    validator = validator_for(issuer, clock=clock, observers=[events.append])
    validator.validate(issuer.mint())
    clock.advance(600 * 0.8 * 1.1 + 1)
    validator.validate(issuer.mint())
    wait_until(lambda: issuer.jwks_requests == 2)
    wait_until(lambda: len([e for e in events if isinstance(e, KeysRefreshed)]) == 2)
    first, second = (event for event in events if isinstance(event, KeysRefreshed))
    assert (first.changed, second.changed) == (True, False)


def test_an_outage_is_survived_until_the_hard_maximum(issuer: FakeIssuer, clock: Clock) -> None:
    events: list[Event] = []
    validator = validator_for(issuer, clock=clock, observers=[events.append])
    validator.validate(issuer.mint())
    issuer.down = True
    clock.advance(69 * 60)
    assert reason_of(validator, issuer.mint()) is None
    wait_until(lambda: any(isinstance(event, StaleKeysUsed) for event in events))
    assert validator.health()[issuer.issuer].state == "backoff"
    clock.advance(2 * 60)
    assert reason_of(validator, issuer.mint()) == Reason.KEYS_EXPIRED


def test_a_cold_outage_is_503_with_the_time_of_the_next_attempt_and_heals_by_itself(
    issuer: FakeIssuer, clock: Clock
) -> None:
    validator = validator_for(issuer, clock=clock)
    issuer.down = True
    with pytest.raises(Unavailable) as caught:
        validator.validate(issuer.mint())
    assert caught.value.retry_after >= 1
    asked = issuer.connections
    for _ in range(200):
        assert reason_of(validator, issuer.mint()) == Reason.KEYS_UNAVAILABLE
    assert issuer.connections == asked
    issuer.down = False
    clock.advance(1.5)
    assert reason_of(validator, issuer.mint()) is None


def test_repeated_failures_are_spaced_further_and_further(issuer: FakeIssuer, clock: Clock) -> None:
    validator = validator_for(issuer, clock=clock)
    issuer.down = True
    planned: list[float] = []
    for _ in range(10):
        reason_of(validator, issuer.mint())
        planned.append(validator.health()[issuer.issuer].next_attempt_in or 0)
        clock.advance(planned[-1])
    assert 0.5 <= planned[0] <= 1
    assert planned[4] > planned[0]
    assert 30 <= planned[-1] <= 60


@pytest.mark.parametrize("fault", [EMPTY_SET, HTML_PAGE, MALFORMED_JSON, Fault(status=500), Fault(location="/x")])
def test_a_bad_document_never_replaces_a_good_set(issuer: FakeIssuer, clock: Clock, fault: Fault) -> None:
    validator = validator_for(issuer, clock=clock)
    validator.validate(issuer.mint())
    issuer.jwks_fault = fault
    clock.advance(700)
    assert reason_of(validator, issuer.mint()) is None
    assert validator.health()[issuer.issuer].problem


def test_warming_reports_every_issuer_and_tolerates_a_dead_one(clock: Clock) -> None:
    dead, alive = FakeIssuer("https://dead.test", clock=clock), FakeIssuer("https://alive.test", clock=clock)
    dead.down = True
    validator = validator_for(dead, alive, clock=clock)
    assert {name: health.state for name, health in validator.health().items()} == {
        dead.issuer: "never",
        alive.issuer: "never",
    }
    states = {name: health.state for name, health in validator.warm().items()}
    assert states == {dead.issuer: "backoff", alive.issuer: "fresh"}
    dead.down = False
    clock.advance(2)
    assert asyncio.run(validator.warm_async())[dead.issuer].state == "fresh"


@pytest.mark.parametrize(("header", "ttl"), [("max-age=5", 60), ("public, max-age=120", 120), ("max-age=99999", 3600)])
def test_max_age_is_believed_within_bounds(clock: Clock, header: str, ttl: int) -> None:
    issuer = FakeIssuer(clock=clock)
    issuer.cache_control = header
    validator = validator_for(issuer, clock=clock)
    validator.validate(issuer.mint())
    assert validator.health()[issuer.issuer].expires_in == pytest.approx(ttl + 3600)


def test_a_temporary_error_is_retried_once_within_the_attempt(clock: Clock) -> None:
    issuer = FakeIssuer(clock=clock)
    issuer.jwks_fault = Fault(status=503)
    assert reason_of(validator_for(issuer, clock=clock), issuer.mint()) == Reason.KEYS_UNAVAILABLE
    assert issuer.jwks_requests == 2
