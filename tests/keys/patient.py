"""A validator over fake issuers with clocks that only a test moves."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from bearergate.core.errors import Refusal
from bearergate.core.policy import IssuerPolicy, KeySource
from bearergate.core.reasons import Reason
from bearergate.testing import FakeIssuer, fetch_from
from bearergate.validator import Validator

START = 1_800_000_000.0


class Clock:
    """One time for the wall and for the age of keys, in seconds."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


def policy_for(issuer: FakeIssuer, **source: Any) -> IssuerPolicy:
    return IssuerPolicy(issuer=issuer.issuer, audiences=frozenset({issuer.audience}), keys=KeySource(**source))


def validator_for(*issuers: FakeIssuer, clock: Clock | None = None, **options: Any) -> Validator:
    """Keys come from memory unless an issuer is being served on loopback."""
    served = any(issuer.port for issuer in issuers)
    fetch = None if served else fetch_from(*issuers)
    policies = [policy_for(issuer) for issuer in issuers]
    if clock is not None:
        options |= {"clock": clock, "monotonic": clock}
    return Validator(policies, fetch=fetch, **options)


def wait_until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def reason_of(validator: Validator, token: str) -> Reason | None:
    try:
        validator.validate(token)
    except Refusal as error:
        return error.reason
    return None
