"""Validators that can be watched, and validators that break, for tests of what adapters do around them."""

from __future__ import annotations

from bearergate.core.events import Event, TokenAccepted, TokenRejected
from bearergate.core.policy import IssuerPolicy
from bearergate.testing import FakeIssuer
from bearergate.validator import Validator


def observed(issuer: FakeIssuer) -> tuple[Validator, list[tuple[str, str]]]:
    """A validator, and what it tells: the adapter and the reason of each decision (`accepted` without one)."""
    told: list[tuple[str, str]] = []

    def observe(event: Event) -> None:
        if isinstance(event, TokenAccepted):
            told.append((event.adapter, "accepted"))
        elif isinstance(event, TokenRejected):
            told.append((event.adapter, event.reason.value))

    policy = IssuerPolicy(issuer=issuer.issuer, audiences=frozenset({issuer.audience}))
    return Validator([policy], fetch=issuer.fetch, observers=[observe]), told


def breaking(issuer: FakeIssuer, secret: str) -> Validator:
    """A validator with a fault that nobody foresaw: its clock breaks, and says a secret when it does."""
    is_broken = False

    def clock() -> float:
        if is_broken:
            raise LookupError(secret)
        return issuer.now()

    policy = IssuerPolicy(issuer=issuer.issuer, audiences=frozenset({issuer.audience}))
    validator = Validator([policy], fetch=issuer.fetch, clock=clock)
    validator.validate(issuer.mint())
    is_broken = True
    return validator
