"""Examination: one token on its way through the table of checks, with what the rows found so far.

Fields are filled by the rows in order; one that is not set yet was not reached. Judges nothing itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bearergate.core.claims import ClaimsReader, Json, UnverifiedClaims
from bearergate.core.groups import Groups, groups_of_machine, groups_of_person, is_machine
from bearergate.core.identity import ActingClient, acting_client
from bearergate.core.jwk import KeySet, VerificationKey
from bearergate.core.jwt import JoseHeader, Segments
from bearergate.core.policy import IssuerPolicy

_SHOWN: Final = 200


class Examination:
    """What is known of one token. Written by check rows only."""

    __slots__ = (
        "candidates",
        "claims",
        "header",
        "header_members",
        "is_sized",
        "issuers",
        "keys",
        "max_bytes",
        "now",
        "payload",
        "policy",
        "segments",
        "signature",
        "signing_input",
        "token",
    )

    token: str
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
    signing_input: bytes
    keys: KeySet
    candidates: tuple[VerificationKey, ...]
    claims: ClaimsReader
    now: float
    """Wall clock, seconds since the epoch."""

    def has(self, name: str) -> bool:
        """Whether a row has filled this field."""
        return hasattr(self, name)

    def client(self) -> ActingClient | None:
        """The acting client; raises what identity.acting_client raises."""
        return acting_client(self.claims, self.policy)

    def machine(self) -> bool:
        """Whether the token was given to a client and not to a person."""
        return is_machine(self.claims, self.header, self.policy, self.client())

    def groups(self) -> Groups:
        """The effective groups of the caller."""
        client = self.client()
        if client is not None and self.machine():
            return groups_of_machine(self.claims, client, group_by_subject=self.policy.machines.group_by_subject)
        return groups_of_person(self.claims, self.policy.groups)


def show(value: object) -> str:
    """A value for operators: short, and on one line."""
    text = value if isinstance(value, str) else repr(value)
    line = "".join(char if char.isprintable() else "?" for char in text)
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}... ({len(line)} characters)"


def show_claim(claims: ClaimsReader, *names: str) -> str:
    """The named claims as they stand in the token."""
    present = [f"{name}={show(claims[name])}" for name in names if name in claims]
    return ", ".join(present) or "absent"
