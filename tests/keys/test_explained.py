"""What explain says of a token is what validate would have said, also where keys have to be looked for twice."""

from __future__ import annotations

import asyncio

import pytest

from bearergate.core.reasons import Reason
from bearergate.core.report import Report
from bearergate.testing import REMOVED, FakeIssuer
from bearergate.validator import Validator
from tests.keys.patient import Clock, validator_for


def explained(validator: Validator, token: str, *, in_loop: bool) -> Report:
    return asyncio.run(validator.explain_async(token)) if in_loop else validator.explain(token)


@pytest.mark.parametrize("in_loop", [False, True])
def test_a_token_without_kid_is_explained_with_the_key_that_came_after(in_loop: bool) -> None:
    clock = Clock()
    issuer = FakeIssuer(clock=clock)
    validator = validator_for(issuer, clock=clock)
    validator.warm()
    issuer.rotate(keep_old=False)
    assert explained(validator, issuer.mint(header={"kid": REMOVED}), in_loop=in_loop).accepted
    assert issuer.jwks_requests == 2


@pytest.mark.parametrize("in_loop", [False, True])
def test_a_forged_token_is_explained_with_one_more_fetch_only_where_it_names_no_kid(in_loop: bool) -> None:
    clock = Clock()
    issuer = FakeIssuer(clock=clock)
    validator = validator_for(issuer, clock=clock)
    validator.warm()
    assert explained(validator, issuer.forge(), in_loop=in_loop).reason is Reason.SIGNATURE_INVALID
    assert issuer.jwks_requests == 1
    for _ in range(3):
        forged = FakeIssuer(issuer.issuer, clock=clock).mint(header={"kid": REMOVED})
        assert explained(validator, forged, in_loop=in_loop).reason is Reason.SIGNATURE_INVALID
    assert issuer.jwks_requests == 2
