"""The validator as an application sees it: verdicts, twins, reports and time."""

from __future__ import annotations

import asyncio
import inspect
import json
import time
from typing import Any

import pytest
from freezegun import freeze_time

import bearergate
from bearergate import BearergateError, ConfigError, Principal, Reason, Refusal, Validator
from bearergate.core.access import Demand
from bearergate.core.admission import Admission, RequestFacts
from bearergate.core.policy import IssuerPolicy, KeySource
from bearergate.prover import Prover
from bearergate.testing import FakeIssuer
from tests.asking import bearing, refused
from tests.keys.patient import Clock, policy_for, validator_for


@pytest.fixture
def issuer() -> FakeIssuer:
    return FakeIssuer()


def test_a_good_token_names_its_principal(issuer: FakeIssuer) -> None:
    principal = validator_for(issuer).validate(issuer.mint(sub="ada"))
    assert isinstance(principal, Principal)
    assert (principal.issuer, principal.subject) == (issuer.issuer, "ada")


@pytest.mark.parametrize("name", ["validate", "explain", "warm", "admit"])
def test_sync_and_async_twins_have_one_signature(name: str) -> None:
    sync, twin = getattr(Validator, name), getattr(Validator, f"{name}_async")
    assert inspect.signature(sync) == inspect.signature(twin)
    assert inspect.iscoroutinefunction(twin)


def test_the_prover_is_a_pair_of_twins_too() -> None:
    assert inspect.signature(Prover.prove) == inspect.signature(Prover.prove_async)


@pytest.mark.parametrize("alg", ["RS256", "PS384", "ES256", "ES384", "ES512", "EdDSA"])
def test_every_family_of_algorithms_verifies_in_threads_and_tasks(alg: str) -> None:
    issuer = FakeIssuer(alg=alg)
    validator = validator_for(issuer)
    token = issuer.mint()
    assert validator.validate(token) == asyncio.run(validator.validate_async(token))
    assert refused(validator, issuer.forge()).reason == Reason.SIGNATURE_INVALID


def test_the_twins_refuse_alike(issuer: FakeIssuer) -> None:
    validator = validator_for(issuer)
    for token in (issuer.forge(), issuer.unsigned(), issuer.mint(aud="x"), "garbage", issuer.mint(header={"kid": "x"})):
        with pytest.raises(Refusal) as caught:
            asyncio.run(validator.validate_async(token))
        assert type(caught.value) is type(refused(validator, token))


def test_a_forgery_without_kid_says_what_was_expected_as_any_other_does(issuer: FakeIssuer) -> None:
    validator = validator_for(issuer)
    header, payload, _ = issuer.mint(header={"kid": None}).split(".")
    forged = f"{header}.{payload}.{issuer.forge().rpartition('.')[2]}"
    error = refused(validator, forged)
    with pytest.raises(Refusal) as caught:
        asyncio.run(validator.validate_async(forged))
    assert error.reason == caught.value.reason == Reason.SIGNATURE_INVALID
    assert error.expected == caught.value.expected == "verifies with 1 candidate key(s)"


def test_a_validator_without_issuers_cannot_be_built() -> None:
    with pytest.raises(ConfigError, match="at least one issuer"):
        Validator([])


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"issuer": ""}, "issuer: must be a URL"),
        ({"issuer": "http://issuer.test"}, "issuer: must use https"),
        ({"aliases": ("",)}, "aliases: must not contain an empty string"),
        ({"require": {"hd": "example.com"}}, "require: must map each claim to a tuple"),
        ({"leeway": -1}, "leeway: must be 0 to 300 seconds"),
        ({"leeway": 301}, "leeway: must be 0 to 300 seconds"),
        ({"max_token_age": 0}, "max_token_age: must be at least 1 second"),
        ({"max_lifetime": 0}, "max_lifetime: must be at least 1 second"),
        ({"keys": KeySource(jwks_uri="http://issuer.test/jwks")}, "jwks_uri: must use https"),
        ({"keys": KeySource(discovery_url="ftp://issuer.test/")}, "discovery_url: must start with https"),
        ({"audiences": frozenset()}, "audiences: must not be empty"),
        ({"algorithms": ()}, "algorithms: must not be empty"),
        ({"algorithms": ("none",)}, "algorithms: none is no accepted algorithm"),
        ({"algorithms": ("HS256",)}, "algorithms: HS256 is no accepted algorithm"),
        ({"allowed_clients": frozenset()}, "allowed_clients: must not be empty"),
    ],
)
def test_a_policy_that_would_accept_everything_cannot_be_built(changes: dict[str, Any], problem: str) -> None:
    good = {"issuer": "https://issuer.test", "audiences": frozenset({"api"})}
    with pytest.raises(ConfigError, match=problem):
        IssuerPolicy(**(good | changes))


def test_two_policies_for_one_issuer_are_a_mistake(issuer: FakeIssuer) -> None:
    with pytest.raises(ConfigError, match=r"https://issuer\.test: is claimed by"):
        Validator([policy_for(issuer), policy_for(issuer)])


def test_a_route_may_demand_one_of_the_configured_audiences(issuer: FakeIssuer) -> None:
    policy = IssuerPolicy(issuer=issuer.issuer, audiences=frozenset({"api", "admin"}))
    validator = Validator([policy], fetch=issuer.fetch)
    assert validator.validate(issuer.mint(aud=["api", "admin"]), audience="admin").subject
    with pytest.raises(bearergate.AudienceRejected):
        validator.validate(issuer.mint(aud="api"), audience="admin")
    with pytest.raises(bearergate.AudienceRejected):
        asyncio.run(validator.validate_async(issuer.mint(aud="api"), audience="admin"))
    with pytest.raises(ConfigError, match="not a configured audience"):
        validator.validate(issuer.mint(aud="api"), audience="other")


def test_explain_and_its_twin_agree_with_validate_and_never_print_the_signature() -> None:
    # One moment for all: a report says how long ago something was.
    clock = Clock()
    issuer = FakeIssuer(clock=clock)
    validator = validator_for(issuer, clock=clock)
    for token in (issuer.mint(), issuer.forge(), issuer.mint(exp=1), issuer.mint(iss="https://x.test"), "x", ""):
        report = validator.explain(token)
        assert report == asyncio.run(validator.explain_async(token))
        signature = token.rpartition(".")[2]
        assert not signature or len(signature) < 20 or signature not in json.dumps(report.as_dict())
        if report.accepted:
            validator.validate(token)
        else:
            assert refused(validator, token).reason == report.reason


def test_explain_says_when_keys_cannot_be_had_and_still_looks_at_the_claims(issuer: FakeIssuer) -> None:
    issuer.down = True
    validator = validator_for(issuer)
    for report in (validator.explain(issuer.mint()), asyncio.run(validator.explain_async(issuer.mint()))):
        assert (report.accepted, report.undecided, report.reason) == (False, True, Reason.KEYS_UNAVAILABLE)
        outcomes = {row.check: row.outcome for row in report.rows}
        assert (outcomes["key"], outcomes["signature"], outcomes["audience"]) == ("fail", "skipped", "pass")


def test_explain_fetches_nothing_for_a_token_that_needs_no_key(issuer: FakeIssuer) -> None:
    assert validator_for(issuer).explain(issuer.unsigned()).reason == Reason.ALG_NOT_ALLOWED
    assert issuer.connections == 0


def test_a_frozen_clock_is_obeyed(issuer: FakeIssuer) -> None:
    with freeze_time("2030-01-01"):
        validator = validator_for(issuer)
        token = issuer.mint()
        assert validator.validate(token).subject
    with freeze_time("2030-01-02"):
        assert refused(validator, token).reason == Reason.EXPIRED


def test_an_issuer_that_hangs_ends_the_wait_also_while_time_is_frozen() -> None:
    from bearergate.core.keyring import KeyLifecycle
    from bearergate.testing.faults import HANGING

    issuer = FakeIssuer()
    with issuer.serve():
        issuer.misbehave(HANGING)
        validator = validator_for(issuer, lifecycle=KeyLifecycle(flight_budget=0.5, max_wait=3))
        started = time.perf_counter()
        with freeze_time("2030-01-01"):
            assert refused(validator, issuer.mint()).reason == Reason.KEYS_UNAVAILABLE
        assert time.perf_counter() - started < 2.5


def test_optional_means_missing_never_bad(issuer: FakeIssuer) -> None:
    validator = validator_for(issuer)
    optional, nothing = Demand(optional=True), RequestFacts(method="GET", path="/", authorization=[])
    assert validator.admit(Admission(), nothing, adapter="flask", demand=optional) is None
    assert asyncio.run(validator.admit_async(Admission(), nothing, adapter="flask", demand=optional)) is None
    with pytest.raises(bearergate.BadSignature):
        validator.admit(Admission(), bearing(issuer.forge()), adapter="flask", demand=optional)


def test_time_is_an_argument_for_claims_and_for_keys(issuer: FakeIssuer) -> None:
    clock = Clock(10.0)
    issuer = FakeIssuer(clock=clock)
    validator = validator_for(issuer, clock=clock)
    token = issuer.mint(exp=20)
    validator.validate(token)
    clock.advance(40)
    assert refused(validator, token).reason == Reason.EXPIRED


def test_the_public_names_are_there_and_no_others() -> None:
    for name in bearergate.__all__:
        assert getattr(bearergate, name) is not None
    assert dir(bearergate) == sorted(bearergate.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        bearergate.nonsense  # noqa: B018
    assert issubclass(bearergate.TokenExpired, BearergateError)
