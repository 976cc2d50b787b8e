"""Quay's rows about times, Q23 to Q26: with the leeway of Quay, 30 seconds, on a clock that stands still."""

# Names of rows are capitals.
# ruff: noqa: N802

from __future__ import annotations

from typing import Any

import pytest

from bearergate import InvalidToken, Reason
from bearergate.config import from_quay
from bearergate.testing import FakeIssuer
from tests.acceptance.quay import CID, V2, block, v2_claims

NOW = 1_800_000_000
ISSUER = FakeIssuer(V2, audience=CID, clock=lambda: NOW)


def judged(settings: dict[str, Any] | None = None, **claims: Any) -> Reason | None:
    """Why the token is refused; None when it is accepted."""
    config = {"AZURE_LOGIN_CONFIG": block(OIDC_ISSUERS=[V2], **(settings or {}))}
    validator = from_quay(config).validator(fetch=ISSUER.fetch, clock=lambda: NOW)
    try:
        validator.validate(ISSUER.mint(v2_claims(**claims)))
    except InvalidToken as error:  # each is 401
        return error.reason
    return None


@pytest.mark.parametrize(("age", "reason"), [(29, None), (30, Reason.EXPIRED), (31, Reason.EXPIRED)])
def test_Q23_a_token_is_accepted_for_less_than_30_seconds_after_its_end(age: int, reason: Reason | None) -> None:
    assert judged(exp=NOW - age) is reason


def test_Q24_a_token_without_exp_or_iat_is_refused() -> None:
    assert judged(exp=None) is Reason.EXP_MISSING
    assert judged(iat=None) is Reason.CLAIM_MISSING


@pytest.mark.parametrize(("ahead", "reason"), [(30, None), (31, Reason.ISSUED_IN_FUTURE)])
def test_Q25_a_token_from_the_future_is_refused(ahead: int, reason: Reason | None) -> None:
    assert judged(iat=NOW + ahead) is reason


@pytest.mark.parametrize(("ahead", "reason"), [(30, None), (31, Reason.NOT_YET_VALID), (3600, Reason.NOT_YET_VALID)])
def test_Q26_a_token_before_its_time_is_refused_unless_the_switch_says_otherwise(
    ahead: int, reason: Reason | None
) -> None:
    assert judged(nbf=NOW + ahead) is reason
    assert judged({"OIDC_SKIP_NBF": True}, nbf=NOW + ahead) is None
    # The switch concerns nbf alone.
    assert judged({"OIDC_SKIP_NBF": True}, nbf=NOW + ahead, exp=NOW - 31) is Reason.EXPIRED
