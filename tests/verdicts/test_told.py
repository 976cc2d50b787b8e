"""What is told of a remembered verdict is what was told the first time; and what a route demands is asked each time."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import pickle
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest

from bearergate.core.access import Demand
from bearergate.core.admission import Admission
from bearergate.core.errors import AccessDenied, AudienceRejected, ConfigError, InsufficientScope, Refusal
from bearergate.core.events import TokenAccepted, TokenRejected
from bearergate.core.policy import GroupsFrom, IssuerPolicy
from bearergate.core.reasons import Reason
from bearergate.testing import FakeIssuer
from bearergate.verdicts import VerdictBounds
from tests.asking import bearing
from tests.core.judging import ISSUER, judge
from tests.keys.patient import Clock
from tests.verdicts.scenes import REMEMBERED, Watched

SPELLING = "accounts.issuer.test"
CLAIMS: dict[str, Any] = {
    "iss": SPELLING,
    "sub": "ada",
    "aud": ["api", "web"],
    "azp": "portal",
    "scope": "read",
    "groups": ["staff", "system:admin"],
    "act": {"sub": "robot"},
}


@pytest.fixture
def issuer() -> FakeIssuer:
    return FakeIssuer(alg="EdDSA", clock=Clock())


def watching(issuer: FakeIssuer, **options: Any) -> Watched:
    policy = IssuerPolicy(
        issuer=issuer.issuer,
        aliases=(SPELLING,),
        audiences=frozenset({"api", "web", "admin"}),
        groups=GroupsFrom(prefix="g-"),
    )
    return Watched(issuer, policies=[policy], clock=Clock(), policy_version="v1", **options)


def admit(watched: Watched, token: str, *, adapter: str = "wsgi", **demanded: Any) -> Any:
    request = bearing(token)
    return watched.validator.admit(Admission(), request, adapter=adapter, demand=Demand(**demanded))


def admit_in_loop(watched: Watched, token: str, **demanded: Any) -> Any:
    request = bearing(token)
    return asyncio.run(watched.validator.admit_async(Admission(), request, adapter="wsgi", demand=Demand(**demanded)))


def test_an_event_says_that_it_was_remembered_and_otherwise_what_the_first_one_said(issuer: FakeIssuer) -> None:
    watched, token = watching(issuer), issuer.mint(CLAIMS)
    for _ in range(3):
        watched.judge(token)
    first, *later = watched.accepted
    assert (first.cached, first.kid, first.alg) == (False, issuer.signing_key.kid, "EdDSA")
    assert (first.token_issuer, first.principal.issuer, first.policy_version) == (SPELLING, issuer.issuer, "v1")
    for event in later:
        assert event == replace(first, cached=True, duration_us=event.duration_us)
        assert event.duration_us >= 0


def test_the_audit_log_writes_the_same_line_but_for_that(issuer: FakeIssuer, caplog: pytest.LogCaptureFixture) -> None:
    watched, token = watching(issuer), issuer.mint(CLAIMS)
    with caplog.at_level(logging.INFO, logger="bearergate.audit"):
        for _ in range(2):
            watched.judge(token)
    first, again = (json.loads(record.message) for record in caplog.records if record.name == "bearergate.audit")
    assert (first.pop("cached"), again.pop("cached")) == (False, True)
    assert first.pop("duration_us") >= again.pop("duration_us") >= 0
    assert first == again
    assert (first["groups"], first["actor"]["subject"], first["client_id"]) == (["g-staff"], "robot", "portal")


def test_it_names_the_adapter_of_this_call(issuer: FakeIssuer) -> None:
    watched, token = watching(issuer), issuer.mint(CLAIMS)
    admit(watched, token, adapter="wsgi")
    admit(watched, token, adapter="flask")
    watched.validator.validate(token, adapter="gate")
    assert [event.adapter for event in watched.accepted] == ["wsgi", "flask", "gate"]


def test_where_nobody_observes_nothing_is_built(
    issuer: FakeIssuer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    watched, token = watching(issuer), issuer.mint(CLAIMS)
    watched.judge(token)
    validator = watched.validator
    monkeypatch.setattr(validator._decisions, "_observers", ())
    monkeypatch.setattr(validator._decisions, "tell", lambda _: pytest.fail("an event was built"))
    with caplog.at_level(logging.WARNING, logger="bearergate.audit"):
        assert validator.validate(token).subject == "ada"
        with pytest.raises(InsufficientScope):
            admit(watched, token, scope="write")
    with caplog.at_level(logging.INFO, logger="bearergate.audit"), pytest.raises(pytest.fail.Exception):
        validator.validate(token)


# What a route demands.

MET: list[dict[str, Any]] = [
    {},
    {"scope": "read"},
    {"group": "g-staff"},
    {"audience": "api"},
    {"optional": True},
    {"scope": "read", "group": "g-staff", "audience": "web", "optional": True},
]
UNMET: list[tuple[dict[str, Any], type[Refusal], Reason]] = [
    ({"scope": "write"}, InsufficientScope, Reason.SCOPE_INSUFFICIENT),
    ({"scope": "read write"}, InsufficientScope, Reason.SCOPE_INSUFFICIENT),
    ({"group": "staff"}, AccessDenied, Reason.RESERVED_GROUP),
    ({"group": "system:admin"}, AccessDenied, Reason.RESERVED_GROUP),
    ({"audience": "admin"}, AudienceRejected, Reason.AUDIENCE_MISMATCH),
    ({"audience": "admin", "optional": True}, AudienceRejected, Reason.AUDIENCE_MISMATCH),
]


@pytest.mark.parametrize("ask", [admit, admit_in_loop])
def test_what_a_route_demands_is_asked_of_every_hit(issuer: FakeIssuer, ask: Callable[..., Any]) -> None:
    watched, token = watching(issuer), issuer.mint(CLAIMS)
    watched.judge(token)
    assert watched.judge(token) == REMEMBERED
    for _ in range(2):
        for demanded in MET:
            assert ask(watched, token, **demanded).subject == "ada"
            assert watched.accepted[-1].cached
        for demanded, kind, reason in UNMET:
            with pytest.raises(kind) as caught:
                ask(watched, token, **demanded)
            assert caught.value.reason == reason
    assert watched.judge(token) == REMEMBERED


@pytest.mark.parametrize(("demanded", "kind", "reason"), UNMET)
def test_the_event_of_such_a_refusal_is_the_one_without_a_memory(
    issuer: FakeIssuer, demanded: dict[str, Any], kind: type[Refusal], reason: Reason
) -> None:
    token = issuer.mint(CLAIMS)
    told: list[TokenRejected] = []
    for entries in (0, 10):
        watched = watching(issuer, verdicts=VerdictBounds(entries=entries))
        watched.judge(token)
        with pytest.raises(kind):
            admit(watched, token, **demanded)
        rejected = watched.events[-1]
        assert isinstance(rejected, TokenRejected)
        assert rejected.principal == watched.accepted[0].principal
        told.append(replace(rejected, duration_us=0))
    proven, remembered = told
    assert remembered == proven
    assert remembered.reason == reason
    assert (remembered.unverified.client_id, remembered.unverified.token_issuer) == ("portal", SPELLING)


def test_an_audience_that_nobody_configured_is_a_mistake_also_for_a_remembered_token(issuer: FakeIssuer) -> None:
    watched, token = watching(issuer), issuer.mint(CLAIMS)
    watched.judge(token)
    asked: tuple[Callable[[], Any], ...] = (
        lambda: watched.validator.validate(token, audience="nobody's"),
        lambda: asyncio.run(watched.validator.validate_async(token, audience="nobody's")),
        lambda: admit(watched, token, audience="nobody's"),
        lambda: admit_in_loop(watched, token, audience="nobody's"),
    )
    for ask in asked:
        with pytest.raises(ConfigError):
            ask()


def test_who_is_asked_for_more_later_is_told_without_the_token(issuer: FakeIssuer) -> None:
    watched, token = watching(issuer), issuer.mint(CLAIMS)
    principal = admit(watched, token)
    with pytest.raises(InsufficientScope):
        watched.validator.demand(principal, Demand(scope="write"), adapter="flask")
    rejected = watched.events[-1]
    assert isinstance(rejected, TokenRejected)
    assert (rejected.principal, rejected.unverified.subject) == (principal, None)


# An error that is kept.


def holds(value: object, wanted: str, seen: set[int] | None = None) -> bool:
    """Whether a text is part of what an object leads to, however far."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return False
    seen.add(id(value))
    if isinstance(value, str | bytes):
        return wanted in (value if isinstance(value, str) else value.decode("latin-1"))
    parts: list[object] = [*getattr(value, "__dict__", {}).values(), *getattr(value, "args", ())]
    if isinstance(value, dict):
        parts += [*value.values()]
    elif isinstance(value, tuple | list | set | frozenset):
        parts += [*value]
    return any(holds(part, wanted, seen) for part in parts)


@pytest.mark.parametrize("keep", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_a_refusal_that_is_copied_or_pickled_needs_no_token_to_say_what_was_expected(
    keep: Callable[[Refusal], Refusal],
) -> None:
    # Judged without anybody who observes: nobody has asked yet what was expected.
    token = ISSUER.mint(CLAIMS, iss=ISSUER.issuer, aud="elsewhere")
    with pytest.raises(AudienceRejected) as caught:
        judge(token)
    kept = keep(caught.value)
    assert not any(holds(vars(kept), part[:24]) for part in token.split("."))
    assert (kept.reason, kept.claim) == (Reason.AUDIENCE_MISMATCH, "aud")
    assert (kept.expected, kept.actual) == ("any of api", "aud=elsewhere")
    assert str(kept) == str(caught.value)


def test_an_event_keeps_no_token_that_was_accepted_or_refused(issuer: FakeIssuer) -> None:
    watched = watching(issuer)
    good, bad = issuer.mint(CLAIMS), issuer.mint(CLAIMS, aud="elsewhere")
    for token in (good, good, bad):
        watched.judge(token)
    assert {type(event) for event in watched.events} >= {TokenAccepted, TokenRejected}
    for event in watched.events:
        kept = {field.name: getattr(event, field.name) for field in fields(event)}
        assert not any(holds(kept, part[:24]) for token in (good, bad) for part in token.split("."))
