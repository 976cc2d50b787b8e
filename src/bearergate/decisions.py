"""Decisions: one event per verdict, built only when somebody observes, and handed to every observer.

Decides nothing and changes no verdict. Never hands out a token.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final, TypedDict

from bearergate.clocks import Clock, monotonic_clock
from bearergate.core.authorization import Authorization
from bearergate.core.claims import ISS
from bearergate.core.errors import AccessDenied, Refusal
from bearergate.core.events import AccessGranted, Event, Observer, TokenAccepted, TokenRejected, UnverifiedIdentity
from bearergate.core.examination import Examination
from bearergate.core.identity import unverified_identity
from bearergate.core.jwt import JoseHeader
from bearergate.core.policy import IssuerPolicy
from bearergate.core.principal import Principal
from bearergate.core.resources import Granted, Resource
from bearergate.core.validation import Validation
from bearergate.observers import AuditLog
from bearergate.verdicts import Verdict, Voucher

_log: Final = logging.getLogger("bearergate.validator")


class Denied(TypedDict):
    """Parts of a TokenRejected."""

    resource: Resource | None
    binding: str | None


class Call:
    """What is known of one call while it runs, for the event at its end."""

    # What is not known yet, for all calls: one is made for every token.
    unverified: Examination | None = None
    policy: IssuerPolicy | None = None
    granted: Granted | None = None
    voucher: Voucher | None = None
    """Who vouches for the verdict while it is remembered, and with keys of which generation it was made."""
    generation: int = 0

    def __init__(
        self, adapter: str, authorization: Authorization, token: str = "", principal: Principal | None = None
    ) -> None:
        self.adapter = adapter
        self.authorization = authorization
        """What was in force when the call began: it decides, and its version is told."""
        self.token = token
        self.started = monotonic_clock()
        self.principal = principal
        """Set once the token is proven; a route may still demand more."""


class Decisions:
    """Tells observers, and the audit log where it is on, what was decided."""

    def __init__(self, validation: Validation, observers: Iterable[Observer], clock: Clock) -> None:
        self._validation = validation
        self._observers = tuple(observers)
        self._audit = AuditLog()
        self._clock = clock

    def accepted(self, principal: Principal, call: Call) -> None:
        """A token was accepted, and all that its route demands."""
        if call.unverified is None or not self.are_observed():
            return
        token_issuer = call.unverified.claims.string(ISS) or ""
        self._tell_accepted(principal, call.unverified.header, token_issuer, call, cached=False)

    def repeated(self, verdict: Verdict, call: Call) -> None:
        """A token was accepted because it was proven a short while ago."""
        self._tell_accepted(verdict.principal, verdict.header, verdict.token_issuer, call, cached=True)

    def _tell_accepted(
        self, principal: Principal, header: JoseHeader, token_issuer: str, call: Call, *, cached: bool
    ) -> None:
        self.tell(
            TokenAccepted(
                time=self._clock(),
                principal=principal,
                token_issuer=token_issuer,
                kid=header.kid,
                alg=header.alg,
                adapter=call.adapter,
                policy_version=call.authorization.policy_version,
                duration_us=_elapsed_us(call),
                cached=cached,
                granted=call.granted,
            )
        )

    def granted(self, principal: Principal, granted: Granted, call: Call) -> None:
        """A binding granted a resource to a principal who was admitted already."""
        if not self.are_observed():
            return
        self.tell(
            AccessGranted(
                time=self._clock(),
                principal=principal.itself,
                granted=granted,
                adapter=call.adapter,
                policy_version=call.authorization.policy_version,
                duration_us=_elapsed_us(call),
            )
        )

    def rejected(self, error: Refusal, call: Call) -> None:
        """A request was refused, with or without a token, for a token's fault or for what a route demands."""
        if not self.are_observed():
            return
        self.tell(
            TokenRejected(
                time=self._clock(),
                reason=error.reason,
                status=error.status,
                issuer=_issuer(call),
                claim=error.claim,
                expected=error.expected,
                actual=error.actual,
                principal=None if call.principal is None else call.principal.itself,
                unverified=self._said(call),
                adapter=call.adapter,
                policy_version=call.authorization.policy_version,
                duration_us=_elapsed_us(call),
                **denied(error),
            )
        )

    def tell(self, event: Event) -> None:
        """Hand an event to every observer."""
        for observer in (*self._observers, self._audit):
            try:
                observer(event)
            except Exception:  # noqa: BLE001 - an observer must never change a verdict
                _log.exception("an observer failed")

    def _said(self, call: Call) -> UnverifiedIdentity:
        """What a refused token says of itself."""
        if call.unverified is not None:
            return unverified_identity(call.unverified.header, call.unverified.claims)
        # Read again, because it was refused before anything of it was kept.
        return said_by(call.token, self._validation)

    def are_observed(self) -> bool:
        """Whether anybody wants to know."""
        return bool(self._observers) or self._audit.is_on()


def said_by(token: str, validation: Validation) -> UnverifiedIdentity:
    """What a token says of itself, as far as the validation can read it; never raises."""
    _, x = validation.open_report(token)
    return unverified_identity(x.header if x.has("header") else None, x.payload if x.has("payload") else None)


def denied(error: Refusal) -> Denied:
    """What of a refusal only bindings say."""
    if isinstance(error, AccessDenied):
        return {"resource": error.resource, "binding": error.binding}
    return {"resource": None, "binding": None}


def _issuer(call: Call) -> str | None:
    if call.principal is not None:
        return call.principal.issuer
    return call.policy.issuer if call.policy else None


def _elapsed_us(call: Call) -> float:
    return (monotonic_clock() - call.started) * 1e6
