"""What an operator trusts, as frozen values: one IssuerPolicy per trusted issuer.

Built by config/ (or by code), read by the table of checks and by issuer_keys.py. Knows no file, no environment and no
default source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from bearergate.core.claims import Json
from bearergate.core.errors import ConfigError, Problem
from bearergate.core.jws import ALGORITHMS

DEFAULT_ALGORITHMS: Final = tuple(ALGORITHMS)
DEFAULT_LEEWAY: Final = 30
_NOTHING_REQUIRED: Final[Mapping[str, tuple[Json, ...]]] = MappingProxyType({})


class TokenKind(StrEnum):
    """Which kind of JWT is accepted."""

    ACCESS_TOKEN = "access_token"
    ID_TOKEN = "id_token"
    ANY = "any"
    RFC9068 = "rfc9068"


class AudienceMatch(StrEnum):
    """How `aud` must relate to the configured audiences: one of them, all of them, or exactly them."""

    ANY = "any"
    ALL = "all"
    EXACT = "exact"


class MachineMode(StrEnum):
    """Whether client-credentials tokens are recognised, and how."""

    OFF = "off"
    STRICT = "strict"
    COMPAT = "compat"


class MachineMark(StrEnum):
    """The one sign by which an issuer's client-credentials tokens are told from people's."""

    ENTRA = "entra"
    KEYCLOAK = "keycloak"
    OKTA = "okta"
    AUTH0 = "auth0"
    COGNITO = "cognito"
    DEX = "dex"
    RFC9068 = "rfc9068"


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineClients:
    """Which machine clients are let in, and by which sign they are recognised (`machine_clients`)."""

    mode: MachineMode = MachineMode.OFF
    mark: MachineMark = MachineMark.RFC9068
    allow: frozenset[str] = frozenset()
    audiences: frozenset[str] = frozenset()
    group_by_subject: bool = False
    """Also grant `client:<sub>` (profile opendepot)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupsFrom:
    """Where groups come from: a top-level claim, or a dotted path when no claim has that literal name."""

    claim: str = "groups"
    prefix: str = ""
    required: bool = False
    """Whether an interactive token without groups is refused with 403."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySource:
    """Where an issuer's keys come from; exactly as configured, never derived from a token."""

    discovery_url: str | None = None
    jwks_uri: str | None = None
    jwks: bytes | None = None
    """A JWK Set given by the operator (`jwks_file`); nothing is ever fetched then."""
    ca: str | None = None
    """PEM certificates to trust instead of the system's (`ca_file`)."""
    shares_keys_with: tuple[str, ...] = ()
    allow_insecure_http: bool = False
    tenant_keys_only: bool = False
    """Honour the `issuer` member of JWKs (Entra)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerPolicy:
    """Everything that decides about one issuer's tokens."""

    issuer: str
    audiences: frozenset[str]
    aliases: tuple[str, ...] = ()
    audience_match: AudienceMatch = AudienceMatch.ANY
    allowed_clients: frozenset[str] | None = None
    """Clients that may act, or None for any; with a set, a token that names no client is refused."""
    client_from_audience: bool = False
    """Read the acting client from a single-valued `aud` when `azp` is absent (Dex)."""
    algorithms: tuple[str, ...] = DEFAULT_ALGORITHMS
    token_kind: TokenKind = TokenKind.ACCESS_TOKEN
    leeway: int = DEFAULT_LEEWAY
    """Seconds of clock difference tolerated for `exp`, `nbf` and `iat`."""
    require: Mapping[str, tuple[Json, ...]] = field(default_factory=lambda: _NOTHING_REQUIRED)
    """Required claims; a non-empty tuple lists the values one of which the claim must equal."""
    max_token_age: int | None = None
    """Seconds since `iat`."""
    max_lifetime: int | None = None
    """Seconds between `iat` and `exp`."""
    groups: GroupsFrom = GroupsFrom()
    machines: MachineClients = MachineClients()
    refuse_impersonated: bool = False
    skip_nbf: bool = False
    """Quay compatibility: do not look at `nbf`."""
    keys: KeySource = KeySource()

    def __post_init__(self) -> None:
        """Refuse a policy that would accept everything or nothing: an empty list means an error, never "any"."""
        problems: list[Problem] = []
        if not self.issuer:
            problems.append(Problem("issuer", "must not be empty", "name the issuer exactly as its tokens do"))
        if not self.audiences or "" in self.audiences:
            problems.append(Problem("audiences", "must not be empty", "name the audience of this resource"))
        unknown = [name for name in self.algorithms if name not in ALGORITHMS]
        if not self.algorithms or unknown:
            problem = f"{unknown[0]} is no accepted algorithm" if unknown else "must not be empty"
            problems.append(Problem("algorithms", problem, f"use some of {', '.join(ALGORITHMS)}"))
        if self.allowed_clients is not None and (not self.allowed_clients or "" in self.allowed_clients):
            problems.append(Problem("allowed_clients", "must not be empty", "leave it out to allow any client"))
        if problems:
            raise ConfigError(problems)
