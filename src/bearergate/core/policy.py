"""What an operator trusts, as frozen values: one IssuerPolicy per trusted issuer.

Built by config/ (or by code), read by the table of checks and by issuer_keys.py. Knows no file, no environment and no
default source.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from bearergate.core.claims import Json
from bearergate.core.errors import ConfigError, Problem
from bearergate.core.jws import ALGORITHMS
from bearergate.core.metadata import UrlProblem, check_issuer, check_url

if TYPE_CHECKING:
    from bearergate.core.expression import Expression

DEFAULT_ALGORITHMS: Final = tuple(ALGORITHMS)
DEFAULT_LEEWAY: Final = 30
MAX_LEEWAY: Final = 300
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
    slash_by_discovery: bool = False
    """The issuer's name was taken from an address: its document may name it with a slash more or less at its end."""

    def tenant_of(self, issuer: str) -> str | None:
        """The issuer whose keys are wanted where a document holds those of several, else None."""
        return issuer if self.tenant_keys_only else None


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
    rules: tuple[Expression, ...] = ()
    """What must be true of a token's claims besides; false or an error refuses it."""
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
        problems = [*_url_problems(self), *_list_problems(self), *_number_problems(self)]
        if problems:
            raise ConfigError(problems)


def _url_problems(policy: IssuerPolicy) -> Iterator[Problem]:
    insecure = policy.keys.allow_insecure_http
    try:
        check_issuer(policy.issuer, allow_insecure_http=insecure)
    except UrlProblem as problem:
        yield Problem("issuer", str(problem), "name the issuer exactly as its tokens do")
    for path, url in (("discovery_url", policy.keys.discovery_url), ("jwks_uri", policy.keys.jwks_uri)):
        try:
            if url is not None:
                check_url(url, allow_insecure_http=insecure)
        except UrlProblem as problem:
            yield Problem(path, str(problem))


def _list_problems(policy: IssuerPolicy) -> Iterator[Problem]:
    if not policy.audiences or "" in policy.audiences:
        yield Problem("audiences", "must not be empty", "name the audience of this resource")
    unknown = [name for name in policy.algorithms if name not in ALGORITHMS]
    if not policy.algorithms or unknown:
        problem = f"{unknown[0]} is no accepted algorithm" if unknown else "must not be empty"
        yield Problem("algorithms", problem, f"use some of {', '.join(ALGORITHMS)}")
    if policy.allowed_clients is not None and (not policy.allowed_clients or "" in policy.allowed_clients):
        yield Problem("allowed_clients", "must not be empty", "leave it out to allow any client")
    if "" in policy.aliases:
        yield Problem("aliases", "must not contain an empty string", "leave it out")
    # A string would be read as the list of its letters, and not every caller has a type checker.
    if any(type(values) is not tuple for values in policy.require.values()):
        yield Problem("require", "must map each claim to a tuple of values", 'write {"hd": ("example.com",)}')
    if type(policy.rules) is not tuple:
        yield Problem("rules", "must be a tuple of compiled expressions", "write (compile_rule(text),)")


def _number_problems(policy: IssuerPolicy) -> Iterator[Problem]:
    if not 0 <= policy.leeway <= MAX_LEEWAY:
        yield Problem("leeway", f"must be 0 to {MAX_LEEWAY} seconds", "fix the clocks instead")
    for path, seconds in (("max_token_age", policy.max_token_age), ("max_lifetime", policy.max_lifetime)):
        if seconds is not None and seconds < 1:
            yield Problem(path, "must be at least 1 second", "leave it out for no bound")
