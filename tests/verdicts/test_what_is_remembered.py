"""Only a proven token is remembered, and only the very same token is recognised."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from bearergate.core.admission import Admission, RequestFacts
from bearergate.core.errors import Refusal
from bearergate.core.events import TokenAccepted
from bearergate.core.policy import IssuerPolicy, KeySource
from bearergate.core.reasons import Reason
from bearergate.testing import FakeIssuer
from bearergate.verdicts import VerdictBounds
from tests.asking import bearing
from tests.keys.patient import Clock
from tests.verdicts.scenes import PROVEN, REMEMBERED, Watched

CHARACTERS = "ABCXYZabcxyz0189-_.=+/ \n\x00\u00e9"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer(clock: Clock) -> FakeIssuer:
    return FakeIssuer(alg="EdDSA", clock=clock)


@pytest.fixture
def watched(issuer: FakeIssuer, clock: Clock) -> Watched:
    return Watched(issuer, clock=clock)


def test_a_token_is_proven_once_and_then_remembered(issuer: FakeIssuer, watched: Watched) -> None:
    token = issuer.mint()
    assert [watched.judge(token) for _ in range(3)] == [PROVEN, REMEMBERED, REMEMBERED]
    assert watched.judge(issuer.mint()) == PROVEN


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"])
def test_every_way_of_asking_remembers_for_every_other(alg: str) -> None:
    issuer = FakeIssuer(alg=alg)
    watched = Watched(issuer, clock=Clock(issuer.now()))
    validator = watched.validator

    ways: tuple[Callable[[str], Any], ...] = (
        validator.validate,
        lambda token: asyncio.run(validator.validate_async(token)),
        lambda token: validator.admit(Admission(), bearing(token), adapter="wsgi"),
        lambda token: asyncio.run(validator.admit_async(Admission(), bearing(token), adapter="asgi")),
    )
    for first in ways:
        token = issuer.mint()
        principal = first(token)
        assert all(way(token) is principal for way in ways)
        assert [event.cached for event in watched.accepted[-5:]] == [False, True, True, True, True]


def test_a_refused_token_is_never_remembered(issuer: FakeIssuer, watched: Watched) -> None:
    good = issuer.mint()
    header, payload, signature = good.split(".")
    refused = {
        issuer.forge(): Reason.SIGNATURE_INVALID,
        issuer.unsigned(): Reason.ALG_NOT_ALLOWED,
        issuer.confuse(): Reason.ALG_NOT_ALLOWED,
        issuer.mint(exp=1): Reason.EXPIRED,
        issuer.mint(aud="another"): Reason.AUDIENCE_MISMATCH,
        issuer.mint(iss="https://evil.test"): Reason.ISSUER_UNKNOWN,
        issuer.mint(header={"kid": "strange"}): Reason.KEY_UNKNOWN,
        issuer.mint(cnf={"jkt": "x"}): Reason.CNF_UNPROVEN,
        f"{header}.{payload}.": Reason.SIGNATURE_INVALID,
        f"{header}.{payload}": Reason.MALFORMED_TOKEN,
        "": Reason.MALFORMED_TOKEN,
        signature[-32:]: Reason.MALFORMED_TOKEN,
    }
    for _ in range(2):
        for token, reason in refused.items():
            assert watched.judge(token) == reason
    assert watched.kept == []
    assert watched.judge(good) == PROVEN


def test_a_proven_token_is_remembered_although_its_route_demands_more(issuer: FakeIssuer, clock: Clock) -> None:
    policy = IssuerPolicy(issuer=issuer.issuer, audiences=frozenset({"api", "admin"}))
    watched = Watched(issuer, policies=[policy], clock=clock)
    token = issuer.mint(aud="api")
    assert watched.judge(token, audience="admin") == Reason.AUDIENCE_MISMATCH
    assert watched.judge(token) == REMEMBERED
    assert watched.judge(token, audience="admin") == Reason.AUDIENCE_MISMATCH
    assert watched.judge(token, audience="api") == REMEMBERED


def test_every_character_counts(issuer: FakeIssuer, watched: Watched) -> None:
    token = issuer.mint()
    watched.judge(token)
    for place, char in enumerate(token):
        other = "A" if char != "A" else "B"
        assert watched.judge(token[:place] + other + token[place + 1 :]) not in (PROVEN, REMEMBERED)
        assert watched.judge(token[:place] + token[place + 1 :]) not in (PROVEN, REMEMBERED)
    assert [verdict.token for verdict in watched.kept] == [token]
    assert watched.judge(token) == REMEMBERED


def test_nothing_may_stand_before_after_or_inside(issuer: FakeIssuer, watched: Watched) -> None:
    token = issuer.mint()
    watched.judge(token)
    last = len(token) - 1
    for char in CHARACTERS:
        for place in (0, 1, token.find("."), token.rfind(".") + 1, last - 33, last - 32, last - 31, last, last + 1):
            assert watched.judge(token[:place] + char + token[place:]) not in (PROVEN, REMEMBERED)
    for other in (token.upper(), token.lower(), token.swapcase(), token * 2, token[::-1], token[32:], token[-86:]):
        assert watched.judge(other) not in (PROVEN, REMEMBERED)
    assert watched.judge(token) == REMEMBERED


def test_a_forged_token_under_the_signature_of_a_remembered_one_is_judged_anew_and_drives_nothing_out(
    issuer: FakeIssuer, clock: Clock
) -> None:
    watched = Watched(issuer, clock=clock, verdicts=VerdictBounds(entries=4))
    token, others = issuer.mint(), [issuer.mint(), issuer.mint()]
    header, payload, signature = token.split(".")
    forged = [
        f"{header}.{issuer.mint(sub='eve').split('.')[1]}.{signature}",
        f"{issuer.mint(header={'typ': 'at+jwt'}).split('.')[0]}.{payload}.{signature}",
        f"{header}.{payload}.{'A' * (len(signature) - 32)}{signature[-32:]}",
    ]
    watched.judge(token)
    for other in others:
        # In the young half at first, in the old one in the end.
        for forgery in forged * 3:
            assert watched.judge(forgery) == Reason.SIGNATURE_INVALID
        assert [verdict.token for verdict in watched.kept if verdict.token[-32:] == token[-32:]] == [token]
        watched.judge(other)
    assert watched.judge(token) == REMEMBERED


def test_two_good_tokens_whose_signatures_end_alike_take_turns(issuer: FakeIssuer, watched: Watched) -> None:
    # Only an issuer that chooses its key for the purpose can make such a pair, so the cache itself is asked.
    one, two = issuer.mint(sub="ada"), issuer.mint(sub="bob")
    assert (watched.judge(one), watched.judge(two)) == (PROVEN, PROVEN)
    first, second = (verdict for verdict in watched.kept)
    alike = second._replace(token=two[:-32] + one[-32:])
    verdicts = watched.validator._verdicts
    verdicts.keep(alike)
    assert verdicts.find(alike.token) == alike
    assert verdicts.find(one) is None
    verdicts.keep(first)
    assert verdicts.find(one) == first
    assert verdicts.find(alike.token) is None


def test_another_validator_remembers_for_itself(issuer: FakeIssuer, clock: Clock) -> None:
    token = issuer.mint(aud=["api", "other"], iat=None)
    mild = Watched(issuer, policies=[IssuerPolicy(issuer=issuer.issuer, audiences=frozenset({"api"}))], clock=clock)
    severe = IssuerPolicy(issuer=issuer.issuer, audiences=frozenset({"api"}), max_lifetime=60)
    strict = Watched(issuer, policies=[severe], clock=clock)
    assert [mild.judge(token), mild.judge(token)] == [PROVEN, REMEMBERED]
    assert strict.judge(token) == Reason.CLAIM_MISSING
    assert mild.judge(token) == REMEMBERED
    assert Watched(issuer, policies=[severe], clock=clock).judge(token) == Reason.CLAIM_MISSING


def test_zero_entries_turn_it_off(issuer: FakeIssuer, clock: Clock) -> None:
    watched = Watched(issuer, clock=clock, verdicts=VerdictBounds(entries=0))
    token = issuer.mint()
    assert [watched.judge(token) for _ in range(3)] == [PROVEN] * 3
    assert watched.kept == []
    assert not watched.validator._verdicts.are_kept


def test_an_issuer_that_shares_the_keys_of_another_is_never_remembered(clock: Clock) -> None:
    lender, borrower = FakeIssuer("https://lender.test", alg="EdDSA", clock=clock), FakeIssuer(alg="EdDSA", clock=clock)
    policies = [
        IssuerPolicy(issuer=lender.issuer, audiences=frozenset({lender.audience})),
        IssuerPolicy(
            issuer=borrower.issuer,
            audiences=frozenset({borrower.audience}),
            keys=KeySource(shares_keys_with=(lender.issuer,)),
        ),
    ]
    watched = Watched(lender, borrower, policies=policies, clock=clock)
    own, lent = borrower.mint(), borrower.mint(key=lender.signing_key)
    assert [watched.judge(own), watched.judge(lent), watched.judge(own), watched.judge(lent)] == [PROVEN] * 4
    of_lender = lender.mint()
    assert [watched.judge(of_lender), watched.judge(of_lender)] == [PROVEN, REMEMBERED]
    assert {verdict.token for verdict in watched.kept} == {of_lender}


def test_nobody_vouches_for_an_issuer_that_was_added_while_running(issuer: FakeIssuer, watched: Watched) -> None:
    keys = watched.validator._keys
    keys.ensure("https://tenant.test", KeySource())
    assert keys.voucher("https://tenant.test") is None
    assert keys.voucher(issuer.issuer) is not None


def test_an_exempt_request_is_anonymous_whatever_is_remembered(issuer: FakeIssuer, watched: Watched) -> None:
    admission, token = Admission(exempt=["/open"], optional=["/maybe"]), issuer.mint()
    watched.judge(token)

    def admitted(path: str, *fields: str) -> object:
        return watched.validator.admit(admission, RequestFacts("GET", path, fields), adapter="wsgi")

    assert admitted("/open", f"Bearer {token}") is None
    assert admitted("/maybe") is None
    for field in (f"Bearer {token}", f"bearer {token}", f"Bearer   {token}", f" Bearer {token} "):
        for path in ("/", "/maybe"):
            principal = admitted(path, field)
            assert principal == watched.accepted[-1].principal
    for fields in ((f"Bearer {token}",) * 2, (f"Bearer {token} {token}",), (f"Bearer {token},Bearer {token}",)):
        with pytest.raises(Refusal) as caught:
            admitted("/", *fields)
        assert caught.value.status == 400


def test_what_is_remembered_shows_no_token(issuer: FakeIssuer, watched: Watched) -> None:
    token = issuer.mint()
    watched.judge(token)
    watched.judge(token)
    (verdict,) = watched.kept
    shown = f"{verdict!r} {watched.validator._verdicts!r} {watched.events!r} {verdict.principal!r}"
    assert not any(part[:24] in shown for part in token.split("."))
    assert isinstance(watched.events[-1], TokenAccepted)
