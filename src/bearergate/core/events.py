"""What happened, as frozen records, and the protocol of whoever wants to know.

Builds nothing by itself and writes nowhere: observers.py does. No record ever holds a token or a signature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from bearergate.core.principal import Principal
from bearergate.core.reasons import Reason
from bearergate.core.resources import Granted, Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenAccepted:
    """One token was validated."""

    time: float
    """Wall clock, seconds since the epoch."""
    principal: Principal
    token_issuer: str
    """The spelling of the issuer in the token itself."""
    kid: str | None
    alg: str
    adapter: str
    policy_version: str
    duration_us: float
    cached: bool = False
    granted: Granted | None = None
    """The resource that the route is about, where it demands a binding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnverifiedIdentity:
    """What a refused token says of itself. Anybody can write this."""

    token_issuer: str | None = None
    subject: str | None = None
    client_id: str | None = None
    client_id_claim: str | None = None
    audience: tuple[str, ...] = ()
    token_id: str | None = None
    kid: str | None = None
    alg: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRejected:
    """One request was refused."""

    time: float
    reason: Reason
    status: int
    issuer: str | None
    """The configured issuer, or None when the token names no trusted one."""
    claim: str | None
    expected: str | None
    actual: str | None
    principal: Principal | None
    """Who it was, when the token was proven and a route demanded more; None otherwise."""
    unverified: UnverifiedIdentity
    adapter: str
    policy_version: str
    duration_us: float
    resource: Resource | None = None
    """What was asked for, where bindings decided."""
    binding: str | None = None
    """The binding that denied it, where one did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessGranted:
    """A binding granted a resource to a principal who was admitted already. A denial is a TokenRejected."""

    time: float
    principal: Principal
    granted: Granted
    adapter: str
    policy_version: str
    duration_us: float


@dataclass(frozen=True, slots=True, kw_only=True)
class UnverifiedBearerAdmitted:
    """A token that nobody has verified was let through to a route that takes such."""

    time: float
    issuer: str
    """The configured issuer that the token names."""
    unverified: UnverifiedIdentity
    adapter: str
    policy_version: str
    duration_us: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysRefreshed:
    """One attempt to refresh an issuer's keys ended."""

    time: float
    issuer: str
    succeeded: bool
    problem: str | None
    """One sentence when the attempt failed."""
    origin: str | None
    """Who gave the set that arrived: `issuer`, or `shared` for another machine; None when none arrived."""
    keys: int
    dropped: int
    alarms: tuple[str, ...]
    sha256: str | None
    changed: bool
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleKeysUsed:
    """A token was verified with keys past their time because the issuer did not answer."""

    time: float
    issuer: str
    age_s: float


Event: TypeAlias = (
    TokenAccepted | TokenRejected | AccessGranted | UnverifiedBearerAdmitted | KeysRefreshed | StaleKeysUsed
)


class Observer(Protocol):
    """Receives every event, in the thread in which it happened. What it raises is logged and otherwise ignored."""

    def __call__(self, event: Event, /) -> None:
        """Take note of one event; must not block."""
