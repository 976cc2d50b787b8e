"""What a validator tells: one event of every decision, lines of the audit log, and no secret."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable

import pytest

import bearergate
from bearergate import Reason, Refusal
from bearergate.core.access import Demand
from bearergate.core.admission import Admission, RequestFacts
from bearergate.core.events import Event, KeysRefreshed, TokenAccepted, TokenRejected
from bearergate.observers import AuditLog
from bearergate.testing import FakeIssuer
from tests.asking import bearing, refused
from tests.keys.patient import validator_for, wait_until


@pytest.fixture
def issuer() -> FakeIssuer:
    return FakeIssuer()


def test_every_decision_is_one_event(issuer: FakeIssuer) -> None:
    events: list[Event] = []
    validator = validator_for(issuer, observers=[events.append], policy_version="v1")
    validator.warm()
    wait_for_refresh(events)
    validator.validate(issuer.mint(sub="ada", azp="portal"), adapter="asgi")
    refused(validator, issuer.mint(sub="eve", iss="https://evil.test", aud=["a", 1]))
    with pytest.raises(bearergate.AuthenticationRequired):
        validator.admit(Admission(), RequestFacts(method="GET", path="/", authorization=[]), adapter="wsgi")
    accepted, foreign, missing = events
    assert isinstance(accepted, TokenAccepted)
    assert (accepted.principal.client_id, accepted.adapter, accepted.policy_version) == ("portal", "asgi", "v1")
    assert (accepted.kid, accepted.alg, accepted.token_issuer) == (issuer.signing_key.kid, "RS256", issuer.issuer)
    assert isinstance(foreign, TokenRejected)
    assert (foreign.reason, foreign.issuer, foreign.status) == (Reason.ISSUER_UNKNOWN, None, 401)
    assert (foreign.unverified.token_issuer, foreign.unverified.subject) == ("https://evil.test", "eve")
    assert foreign.unverified.audience == ("a",)
    assert isinstance(missing, TokenRejected)
    assert (missing.reason, missing.adapter) == (Reason.MISSING_CREDENTIALS, "wsgi")


def test_a_route_that_demands_more_makes_one_event_which_names_the_proven_caller(issuer: FakeIssuer) -> None:
    events: list[Event] = []
    validator = validator_for(issuer, observers=[events.append])
    validator.warm()
    demand, request = Demand(scope="admin"), bearing(issuer.mint(sub="ada", azp="portal", scope="read"))
    wait_for_refresh(events)
    runs: tuple[Callable[[], object], ...] = (
        lambda: validator.admit(Admission(), request, adapter="wsgi", demand=demand),
        lambda: asyncio.run(validator.admit_async(Admission(), request, adapter="asgi", demand=demand)),
    )
    for run in runs:
        with pytest.raises(bearergate.InsufficientScope):
            run()
        (event,) = events
        assert isinstance(event, TokenRejected)
        assert event.principal is not None
        assert (event.reason, event.status, event.issuer) == (Reason.SCOPE_INSUFFICIENT, 403, issuer.issuer)
        assert (event.principal.subject, event.principal.client_id) == ("ada", "portal")
        events.clear()


def test_a_caller_who_was_admitted_may_be_asked_for_more(issuer: FakeIssuer) -> None:
    events: list[Event] = []
    validator = validator_for(issuer, observers=[events.append])
    validator.warm()
    principal = validator.validate(issuer.mint(scope="read"))
    wait_for_refresh(events)
    events.clear()
    validator.demand(principal, Demand(scope="read"), adapter="flask")
    assert events == []
    with pytest.raises(bearergate.AccessDenied):
        validator.demand(principal, Demand(group="admins"), adapter="flask")
    (event,) = events
    assert isinstance(event, TokenRejected)
    assert event.principal == principal


def wait_for_refresh(events: list[Event]) -> None:
    """The flight tells its refresh after it let its waiters go."""
    wait_until(lambda: any(isinstance(event, KeysRefreshed) for event in events))
    events[:] = [event for event in events if not isinstance(event, KeysRefreshed)]


def test_an_observer_that_fails_changes_no_verdict(issuer: FakeIssuer, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: Event) -> None:
        raise ZeroDivisionError

    assert validator_for(issuer, observers=[broken]).validate(issuer.mint()).subject
    assert "an observer failed" in caplog.text


def test_the_audit_log_writes_one_json_line_with_the_acting_client(
    issuer: FakeIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="bearergate.audit")
    validator = validator_for(issuer)
    validator.validate(issuer.mint(azp="portal", act={"sub": "robot", "act": {"sub": "first"}}))
    refused(validator, issuer.mint(sub="line\u2028break", azp="portal", aud="x"))
    lines = [json.loads(record.message) for record in caplog.records if record.name == "bearergate.audit"]
    assert [line["outcome"] for line in lines] == ["accepted", "rejected"]
    assert (lines[0]["client_id"], lines[0]["client_id_claim"]) == ("portal", "azp")
    assert lines[0]["actor"]["actor"]["subject"] == "first"
    assert (lines[1]["reason"], lines[1]["unverified"]["client_id"]) == ("audience_mismatch", "portal")
    assert all(record.message.isascii() for record in caplog.records if record.name == "bearergate.audit")


def test_nothing_is_built_when_nobody_observes(
    issuer: FakeIssuer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    validator = validator_for(issuer)
    validator.warm()
    monkeypatch.setattr(validator._decisions, "tell", lambda _: pytest.fail("an event was built"))
    caplog.set_level(logging.WARNING, logger="bearergate.audit")
    assert not AuditLog().is_on()
    validator.validate(issuer.mint())
    refused(validator, issuer.forge())
    caplog.set_level(logging.INFO, logger="bearergate.audit")
    with pytest.raises(pytest.fail.Exception, match="an event was built"):
        validator.validate(issuer.mint())


def test_no_part_of_a_signature_reaches_logs_errors_or_events(
    issuer: FakeIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    events: list[Event] = []
    validator = validator_for(issuer, observers=[events.append])
    tokens = [
        issuer.mint(),
        issuer.forge(),
        issuer.mint(exp=1),
        issuer.mint(iss="https://x.test"),
        issuer.mint(aud="x"),
    ]
    said: list[str] = []
    for token in tokens:
        try:
            said.append(repr(validator.validate(token)))
        except Refusal as error:
            said += [str(error), repr(error), str(vars(error)), str(error.args)]
        said.append(json.dumps(validator.explain(token).as_dict()))
    everything = "\n".join([*said, caplog.text, repr(events)])
    for token in tokens:
        signature = token.rpartition(".")[2]
        assert signature[:16] not in everything
        assert token.split(".")[1][:40] not in everything
