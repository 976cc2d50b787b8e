"""For how long a verdict holds: exactly as long as judging the token again would give the same one."""

from __future__ import annotations

from typing import Any

import pytest

from bearergate.core.errors import Refusal
from bearergate.core.policy import IssuerPolicy
from bearergate.core.validation import Span, Validation
from bearergate.testing import REMOVED
from tests.core.judging import ISSUER, NOW, POLICY, keys_of, under

mint = ISSUER.mint
KEYS = keys_of(ISSUER)
AGED = under(max_token_age=100)


def span_of(token: str, policy: IssuerPolicy = POLICY) -> Span:
    validation = Validation([policy])
    return validation.span(*validation.begin(token))


@pytest.mark.parametrize(
    ("claims", "policy", "since", "until"),
    [
        ({}, POLICY, NOW - 30, NOW + 330),
        ({}, under(leeway=0), NOW, NOW + 300),
        ({"iat": REMOVED}, POLICY, -30, NOW + 330),
        ({"nbf": NOW + 10}, POLICY, NOW - 20, NOW + 330),
        ({"nbf": NOW - 10}, POLICY, NOW - 30, NOW + 330),
        ({"nbf": NOW + 10, "iat": REMOVED}, POLICY, NOW - 20, NOW + 330),
        ({"nbf": NOW + 10}, under(skip_nbf=True), NOW - 30, NOW + 330),
        ({"nbf": "no number"}, under(skip_nbf=True), NOW - 30, NOW + 330),
        ({}, AGED, NOW - 30, NOW + 100),
        ({"iat": NOW - 99}, AGED, NOW - 129, NOW + 1),
        ({"exp": NOW + 5}, AGED, NOW - 30, NOW + 35),
        ({"iat": REMOVED}, AGED, -30, NOW + 330),
        # Such a token is never proven; if it were, its verdict would have ended long ago.
        ({"exp": REMOVED}, POLICY, NOW - 30, 30),
    ],
)
def test_a_verdict_holds_from_its_beginning_until_the_first_moment_after_it(
    claims: dict[str, Any], policy: IssuerPolicy, since: float, until: float
) -> None:
    assert span_of(mint(claims), policy) == Span(since, until)


@pytest.mark.parametrize("policy", [POLICY, under(leeway=0), AGED, under(skip_nbf=True)])
@pytest.mark.parametrize("claims", [{}, {"nbf": NOW + 20}, {"iat": NOW - 40}, {"exp": NOW + 7.5}, {"nbf": NOW - 90}])
def test_at_every_edge_it_says_what_judging_again_would_say(claims: dict[str, Any], policy: IssuerPolicy) -> None:
    token, validation = mint(claims), Validation([policy])
    unverified, found = validation.begin(token)
    since, until = validation.span(unverified, found)
    for now in (since - 0.25, since, (since + until) / 2, until - 0.25, until, until + 1000):
        try:
            accepted = validation.finish(unverified, found, KEYS, now) is not None
        except Refusal:
            accepted = False
        assert accepted is (since <= now < until)
