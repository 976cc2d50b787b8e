"""The chain: who is asked about a token, in which order, and that "not mine" is not "bad"."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bearergate import asgi
from bearergate.chain import Authenticator, Chain, UnverifiedBearer
from bearergate.core.access import Demand
from bearergate.core.admission import Admission, RequestFacts
from bearergate.core.errors import AuthenticationRequired, ConfigError, InvalidRequest, Refusal
from bearergate.core.events import Event, TokenAccepted, TokenRejected
from bearergate.core.policy import IssuerPolicy
from bearergate.core.principal import Principal
from bearergate.core.reasons import Reason
from bearergate.kubernetes import Passthrough, TokenReview
from bearergate.testing import FakeIssuer
from bearergate.validator import Validator
from tests.adapters.drivers import DRIVERS, http_scope, run_asgi
from tests.adapters.tokens import bearer, new_world
from tests.vouchers import AUDIENCE, Vouchers

ISSUER = FakeIssuer("https://login.test", alg="ES256", audience=AUDIENCE)


def validator(**options: Any) -> Validator:
    policy = IssuerPolicy(
        issuer=ISSUER.issuer, audiences=frozenset({ISSUER.audience, "https://more.test"}), aliases=("login.test",)
    )
    return Validator([policy], fetch=ISSUER.fetch, **options)


def chain(*others: Vouchers) -> Chain:
    return Chain(validator(), others or [Vouchers()])


def facts(*values: str, path: str = "/items") -> RequestFacts:
    return RequestFacts(method="GET", path=path, authorization=values)


def admitted(chain: Chain, facts: RequestFacts, admission: Admission | None = None, **more: Any) -> Any:
    """By both twins, which must agree."""
    rules = admission or Admission()
    found: list[Any] = []
    runs: tuple[Callable[[], Any], ...] = (
        lambda: chain.admit(rules, facts, adapter="test", **more),
        lambda: asyncio.run(chain.admit_async(rules, facts, adapter="test", **more)),
    )
    for run in runs:
        try:
            found.append(run())
        except Refusal as error:
            found.append((type(error), error.reason))
    assert found[0] == found[1]
    return found[0]


def test_who_recognises_a_token_judges_it() -> None:
    vouchers = Vouchers()
    assert admitted(chain(vouchers), facts("Bearer voucher-jane")).subject == "jane"
    assert admitted(chain(vouchers), facts(f"Bearer {ISSUER.mint(sub='joe')}")).subject == "joe"
    assert vouchers.asked == ["voucher-jane"] * 2


def test_what_one_finds_bad_is_tried_with_nobody_else() -> None:
    first, second = Vouchers(), Vouchers(issuer="https://second.test")
    assert admitted(chain(first, second), facts("Bearer voucher-bad"))[1] is Reason.SIGNATURE_INVALID
    assert admitted(chain(first, second), facts("Bearer voucher-down"))[1] is Reason.UPSTREAM_UNAVAILABLE
    assert second.asked == []


def test_what_one_does_not_know_the_next_is_asked_about() -> None:
    first, second = Vouchers("a-"), Vouchers("b-", "https://second.test")
    assert admitted(chain(first, second), facts("Bearer b-jane")).issuer == "https://second.test"
    assert (first.asked, second.asked) == ([], ["b-jane", "b-jane"])


def test_they_are_asked_in_order() -> None:
    general, special = Vouchers("a"), Vouchers("ab", "https://second.test")
    assert admitted(chain(general, special), facts("Bearer abc")).subject == "bc"
    assert admitted(chain(special, general), facts("Bearer abc")).subject == "c"


def test_what_nobody_knows_is_refused_as_if_there_were_no_chain() -> None:
    alone, whole = validator(), chain()
    for token in ("garbage", "a.b.c", ISSUER.mint(iss=None), ISSUER.mint(iss="https://foreign.test"), ISSUER.forge()):
        with pytest.raises(Refusal) as expected:
            alone.validate(token)
        assert admitted(whole, facts(f"Bearer {token}")) == (type(expected.value), expected.value.reason)


@pytest.mark.parametrize(
    "value",
    [
        "Bearer voucher-jane",
        "Bearer   voucher-jane",
        "Bearer voucher-jane \t",
        "bearer voucher-jane",
        "BEARER   voucher-jane",
        " \tBearer voucher-jane ",
    ],
)
def test_a_credential_is_found_in_every_form_that_is_one(value: str) -> None:
    assert admitted(chain(), facts(value)).subject == "jane"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ((), AuthenticationRequired),
        (("",), AuthenticationRequired),
        (("Basic voucher-jane",), AuthenticationRequired),
        (("Bearer",), InvalidRequest),
        (("Bearer voucher-jane voucher-jane",), InvalidRequest),
        (("Bearer voucher-jane, Bearer voucher-jane",), InvalidRequest),
        (("Bearer voucher-\u00e9",), InvalidRequest),
        (("Bearer voucher-jane\x00",), InvalidRequest),
        (("Bearer voucher-jane", "Bearer voucher-jane"), InvalidRequest),
    ],
)
def test_what_is_no_credential_reaches_nobody(values: tuple[str, ...], kind: type[Refusal]) -> None:
    vouchers = Vouchers()
    assert admitted(chain(vouchers), facts(*values))[0] is kind
    assert vouchers.asked == []


def test_exempt_and_optional_paths_are_what_they_are_without_a_chain() -> None:
    rules, vouchers = Admission(exempt=["/health"], optional=["/maybe"]), Vouchers()
    whole = chain(vouchers)
    assert admitted(whole, facts("Bearer voucher-bad", path="/health"), rules) is None
    assert vouchers.asked == []
    assert admitted(whole, facts(path="/maybe"), rules) is None
    assert admitted(whole, facts("Bearer voucher-bad", path="/maybe"), rules)[1] is Reason.SIGNATURE_INVALID
    assert admitted(whole, facts("Bearer voucher-jane", path="/maybe"), rules).subject == "jane"
    assert admitted(whole, facts(path="/maybe"), demand=Demand(optional=True)) is None


def test_a_route_demands_of_everybody() -> None:
    whole = chain()
    good, token = facts("Bearer voucher-jane"), facts(f"Bearer {ISSUER.mint(scope='read')}")
    for request in (good, token):
        assert admitted(whole, request, demand=Demand(scope="read")).scopes == {"read"}
        assert admitted(whole, request, demand=Demand(scope="write"))[1] is Reason.SCOPE_INSUFFICIENT
        assert admitted(whole, request, demand=Demand(audience="https://more.test"))[1] is Reason.AUDIENCE_MISMATCH
        for act in (
            lambda request=request: whole.admit(
                Admission(), request, adapter="test", demand=Demand(audience="https://no.test")
            ),
            lambda: whole.validate("voucher-jane", audience="https://no.test"),
        ):
            with pytest.raises(ConfigError, match="not a configured audience"):
                act()


def test_more_can_be_demanded_of_whoever_was_admitted() -> None:
    told: list[Event] = []
    whole = Chain(validator(observers=[told.append]), [Vouchers()], observers=[told.append])
    for principal in (whole.validate("voucher-jane"), whole.validate(ISSUER.mint(scope="read"))):
        told.clear()
        whole.demand(principal, Demand(scope="read"), adapter="test")
        assert told == []
        with pytest.raises(Refusal):
            whole.demand(principal, Demand(scope="write"), adapter="test")
        (event,) = told
        assert isinstance(event, TokenRejected)
        assert (event.issuer, event.principal, event.adapter) == (principal.issuer, principal, "test")


def test_a_token_can_be_validated_without_a_request() -> None:
    whole = chain()
    for token in ("voucher-jane", ISSUER.mint(sub="jane")):
        assert whole.validate(token, audience=ISSUER.audience).subject == "jane"
        assert asyncio.run(whole.validate_async(token, audience=ISSUER.audience)).subject == "jane"
        with pytest.raises(Refusal):
            whole.validate(token, audience="https://more.test")


def test_an_unverified_bearer_is_let_through_where_it_is_asked_for_and_nowhere_else() -> None:
    whole, request = chain(), facts("Bearer voucher-unverified")
    assert admitted(whole, request)[1] is Reason.ISSUER_UNKNOWN
    through = whole.admit_unverified(Admission(), request, adapter="test")
    again = asyncio.run(whole.admit_unverified_async(Admission(), request, adapter="test"))
    assert through == again == UnverifiedBearer("voucher-unverified", "https://vouchers.test")
    for token, subject in (("voucher-jane", "jane"), (ISSUER.mint(sub="joe"), "joe")):
        for found in (
            whole.admit_unverified(Admission(), facts(f"Bearer {token}"), adapter="test"),
            asyncio.run(whole.admit_unverified_async(Admission(), facts(f"Bearer {token}"), adapter="test")),
        ):
            assert isinstance(found, Principal)
            assert found.subject == subject
    with pytest.raises(AuthenticationRequired):
        whole.admit_unverified(Admission(), facts(), adapter="test")


@pytest.mark.parametrize("issuer", [ISSUER.issuer, "login.test"])
def test_an_issuer_is_judged_in_one_way(issuer: str) -> None:
    with pytest.raises(ConfigError, match="is trusted in two ways"):
        chain(Vouchers(issuer=issuer))
    with pytest.raises(ConfigError, match="is trusted in two ways"):
        chain(Vouchers(), Vouchers("other-"))


def test_every_decision_is_one_event() -> None:
    told: list[Event] = []
    whole = Chain(validator(observers=[told.append], policy_version="v7"), [Vouchers()], observers=[told.append])
    for token in ("voucher-jane", "voucher-known", ISSUER.mint()):
        whole.admit(Admission(), facts(f"Bearer {token}"), adapter="wsgi")
    for token in ("voucher-bad", "garbage"):
        with pytest.raises(Refusal):
            whole.admit(Admission(), facts(f"Bearer {token}"), adapter="wsgi")
    accepted = [(event.principal.issuer, event.cached) for event in told if isinstance(event, TokenAccepted)]
    rejected = [(event.issuer, event.reason) for event in told if isinstance(event, TokenRejected)]
    assert accepted == [("https://vouchers.test", False), ("https://vouchers.test", True), (ISSUER.issuer, False)]
    assert rejected == [("https://vouchers.test", Reason.SIGNATURE_INVALID), (None, Reason.MALFORMED_TOKEN)]
    assert {event.policy_version for event in told if isinstance(event, TokenAccepted)} == {"v7"}


@pytest.fixture
def _without_audit_log() -> Iterator[None]:
    logger = logging.getLogger("bearergate.audit")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(before)


@pytest.mark.usefixtures("_without_audit_log")
def test_nothing_is_told_when_nobody_observes() -> None:
    whole = chain()
    assert not whole._judgements.decisions.are_observed()
    assert admitted(whole, facts("Bearer voucher-jane")).subject == "jane"
    assert admitted(whole, facts("Bearer voucher-bad"))[1] is Reason.SIGNATURE_INVALID
    assert whole.admit_unverified(Admission(), facts("Bearer voucher-unverified"), adapter="test") is not None


def test_the_health_of_a_chain_is_that_of_its_issuers() -> None:
    whole = chain()
    assert whole.health()[ISSUER.issuer].state == "never"
    assert whole.warm()[ISSUER.issuer].state == "fresh"
    assert asyncio.run(whole.warm_async())[ISSUER.issuer].state == whole.health()[ISSUER.issuer].state == "fresh"
    assert whole.audiences == {ISSUER.audience, "https://more.test"}


def test_a_fault_of_whoever_is_asked_lets_nobody_in() -> None:
    async def application(scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        raise AssertionError("somebody got in")

    app = asgi.BearerMiddleware(application, chain())
    assert run_asgi(app, http_scope(headers=bearer("voucher-odd"))).status == 500


@pytest.mark.parametrize("name", ["validate", "admit", "admit_unverified", "warm"])
def test_twins_have_one_signature(name: str) -> None:
    plain, twin = getattr(Chain, name), getattr(Chain, f"{name}_async")
    assert inspect.signature(plain) == inspect.signature(twin)
    assert inspect.iscoroutinefunction(twin)
    assert not inspect.iscoroutinefunction(plain)


@pytest.mark.parametrize("kind", [Passthrough, TokenReview])
def test_every_authenticator_has_twins_of_one_signature(kind: type[Authenticator]) -> None:
    assert inspect.signature(kind.authenticate) == inspect.signature(kind.authenticate_async)
    assert inspect.iscoroutinefunction(kind.authenticate_async)


@pytest.mark.parametrize("name", ["validate", "validate_async", "admit", "admit_async", "demand", "warm", "health"])
def test_a_chain_can_stand_where_a_validator_stands(name: str) -> None:
    assert inspect.signature(getattr(Chain, name)) == inspect.signature(getattr(Validator, name))


@pytest.mark.parametrize(("name", "send"), DRIVERS, ids=[name for name, _ in DRIVERS])
def test_every_adapter_takes_a_chain(name: str, send: Any) -> None:
    world = new_world("https://reports.test")
    whole = Chain(world.validator, [Vouchers()])
    expected = {"voucher-jane": 200, "voucher-bad": 401, "voucher-down": 503, "voucher-unverified": 401}
    expected |= {world.issuer.mint(): 200, world.issuer.mint(exp=1): 401, "garbage": 401}
    for token, status in expected.items():
        answer = send(whole, headers=bearer(token))
        assert answer.status == status, (name, token[:20])
    assert b'"jane"' in send(whole, headers=bearer("voucher-jane")).body
