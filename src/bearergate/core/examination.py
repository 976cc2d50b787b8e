"""Examination: one token on its way through the table of checks, with what the rows found so far.

Fields are filled by the rows in order; one that is not set yet was not reached. Judges nothing itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bearergate.core.claims import ClaimsReader, Json, UnverifiedClaims
from bearergate.core.derived import Derived
from bearergate.core.fast_encoding import Codec
from bearergate.core.groups import Groups, effective_groups, is_machine
from bearergate.core.identity import ActingClient, acting_client, named_clients
from bearergate.core.jwk import KeySet, VerificationKey
from bearergate.core.jwt import JoseHeader, Segments
from bearergate.core.policy import IssuerPolicy, MachineMode
from bearergate.core.principal import Actor

_SHOWN: Final = 200
_OFF: Final = MachineMode.OFF


class Examination:
    """What is known of one token. Written by check rows only."""

    token: str
    codec: Codec
    max_bytes: int
    issuers: Mapping[str, IssuerPolicy]
    """Every accepted spelling of every trusted issuer."""
    is_sized: bool
    """Set when the token is short enough to be decoded; a report decodes nothing of a longer one either."""
    segments: Segments
    signature: bytes
    header_members: dict[str, Json]
    payload: UnverifiedClaims
    header: JoseHeader
    policy: IssuerPolicy
    keys: KeySet
    candidates: tuple[VerificationKey, ...]
    is_proven: bool
    """Set when the signature held; a report evaluates no rule for what anybody could have written."""
    claims: ClaimsReader
    now: float
    """Wall clock, seconds since the epoch."""
    exp: float
    iat: float | None
    subject: str
    token_id: str | None
    scopes: frozenset[str]
    actor: Actor | None
    audiences: tuple[str, ...]

    def __repr__(self) -> str:
        # Not the token: error trackers keep local variables.
        return "Examination()"

    def has(self, name: str) -> bool:
        """Whether a row has filled this field."""
        return hasattr(self, name)

    # What several rows and the principal derive from claims, each time from the same ones: derived once.

    @Derived
    def named(self) -> tuple[ActingClient, ...]:
        """Every client that the token names; raises ClaimRejected."""
        return named_clients(self.claims)

    @Derived
    def client(self) -> ActingClient | None:
        """The acting client; raises what identity.acting_client raises."""
        return acting_client(self.claims, self.policy, self.named)

    @Derived
    def machine(self) -> bool:
        """Whether the token was given to a client and not to a person."""
        mode = self.policy.machines.mode
        return mode is not _OFF and is_machine(self.claims, self.header, self.policy, self.client)

    @Derived
    def groups(self) -> Groups:
        """The effective groups of the caller."""
        return effective_groups(self.claims, self.policy, self.client, machine=self.machine)


def show(value: object) -> str:
    """A value for operators: short, and on one line."""
    text = value if isinstance(value, str) else repr(value)
    line = "".join(char if char.isprintable() else "?" for char in text)
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}... ({len(line)} characters)"


def show_claim(claims: ClaimsReader, *names: str) -> str:
    """The named claims as they stand in the token."""
    present = [f"{name}={show(claims[name])}" for name in names if name in claims]
    return ", ".join(present) or "absent"
