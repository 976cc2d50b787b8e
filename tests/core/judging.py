"""Judging one token by one policy with given keys and a given time: what the tests of the table stand on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bearergate.core.errors import Refusal
from bearergate.core.jwk import KeySet
from bearergate.core.policy import IssuerPolicy
from bearergate.core.principal import Principal
from bearergate.core.reasons import Reason
from bearergate.core.report import Report
from bearergate.core.screening import parse_jwk_set
from bearergate.core.validation import Validation
from bearergate.testing import FakeIssuer

NOW = 1_800_000_000.0
ISSUER = FakeIssuer("https://issuer.test", clock=lambda: NOW, audience="api", client_id="app")
OTHER = FakeIssuer("https://issuer.test", clock=lambda: NOW, audience="api")
# RSA keys are dealt from a pool, when they are first asked for: taken here and now, these two are not the same one.
assert OTHER.jwks()["keys"][0]["n"] != ISSUER.jwks()["keys"][0]["n"]
POLICY = IssuerPolicy(issuer=ISSUER.issuer, audiences=frozenset({"api"}))


def keys_of(issuer: FakeIssuer) -> KeySet:
    return parse_jwk_set(json.dumps(issuer.jwks()).encode())


def judge(token: str, policy: IssuerPolicy = POLICY, *, keys: KeySet | None = None, now: float = NOW) -> Principal:
    validation = Validation([policy])
    unverified, found = validation.begin(token)
    return validation.finish(unverified, found, keys or keys_of(ISSUER), now)


def report_on(token: str, policy: IssuerPolicy = POLICY, *, keys: KeySet | None = None, now: float = NOW) -> Report:
    validation = Validation([policy])
    rows, x = validation.open_report(token)
    refused = any(row.outcome == "fail" for row in rows)
    return validation.close_report(rows, x, None if refused else keys or keys_of(ISSUER), now)


def verdict(
    token: str, policy: IssuerPolicy = POLICY, *, keys: KeySet | None = None, now: float = NOW
) -> Reason | None:
    """The reason of the refusal, or None; and a proof that explain says the same as validate."""
    report = report_on(token, policy, keys=keys, now=now)
    try:
        principal: Principal | None = judge(token, policy, keys=keys, now=now)
        reason: Reason | None = None
    except Refusal as error:
        principal, reason = None, error.reason
    assert (report.principal, report.reason) == (principal, reason)
    return reason


def under(**changes: Any) -> IssuerPolicy:
    return replace(POLICY, **changes)


Mint = Callable[[], str]
