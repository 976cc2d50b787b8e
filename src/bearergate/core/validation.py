"""Begin, finish and explain: the readers of the table of checks, around the one step that may wait for keys.

Pure: the time is an argument and the keys are given. Verified claims and a Principal are built here only, at the end
of a walk in which every check has passed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

from bearergate.core.check import Check
from bearergate.core.checks import CLOSING, OPENING
from bearergate.core.claims import EXP, IAT, NBF, UnverifiedClaims, VerifiedClaims
from bearergate.core.errors import AccessDenied, ConfigError, InvalidToken, Problem, Refusal
from bearergate.core.examination import Examination
from bearergate.core.fast_encoding import Codec, fastest
from bearergate.core.groups import effective_groups
from bearergate.core.identity import ActingClient
from bearergate.core.jwk import KeySet
from bearergate.core.jwt import MAX_TOKEN_BYTES, JoseHeader
from bearergate.core.policy import IssuerPolicy, TokenKind
from bearergate.core.principal import Principal
from bearergate.core.reasons import Reason
from bearergate.core.report import Outcome, Report, Row


class Span(NamedTuple):
    """When a verdict holds, as far as time goes: `since <= now < until`, seconds since the epoch."""

    since: float
    until: float


_Walk: TypeAlias = tuple[tuple[Check, Callable[[Examination], None]], ...]
"""Rows of the table in their order, each with what it runs."""

_MAX_HEADERS: Final = 1024
_KIND: Final = {kind: kind.value for kind in TokenKind}
_FORM: Final = 2
"""Rows of the table before anything is decoded."""


class Validation:
    """The table of checks, selected once for a set of trusted issuers. Safe to share."""

    def __init__(
        self,
        issuers: Iterable[IssuerPolicy],
        *,
        max_token_bytes: int = MAX_TOKEN_BYTES,
        codec: Codec | None = None,
    ) -> None:
        """`codec`: how segments are decoded, the fastest there is if None; it changes no verdict.

        Raises ConfigError when two policies claim one spelling of an issuer.
        """
        self._codec: Final = codec or fastest()
        spellings: dict[str, IssuerPolicy] = {}
        for policy in issuers:
            for spelling in (policy.issuer, *policy.aliases):
                if spelling in spellings:
                    both = f"{spellings[spelling].issuer} and {policy.issuer}"
                    raise ConfigError([Problem(spelling, f"is claimed by {both}", "name every spelling once")])
                spellings[spelling] = policy
        self.issuers: Mapping[str, IssuerPolicy] = MappingProxyType(spellings)
        self._max_bytes: Final = max_token_bytes
        self._closing: Final = {
            policy.issuer: _selected(check for check in CLOSING if check.applies(policy))
            for policy in spellings.values()
        }
        self._headers: dict[str, JoseHeader] = {}
        """Headers of tokens that were proven, by their segment: nobody else can fill it."""

    def begin(self, token: str) -> tuple[Examination, IssuerPolicy]:
        """Parse, judge the header and find the trusted issuer; nothing here needs a key.

        Raises MalformedToken, HeaderRejected, UntrustedIssuer or ClaimRejected (RFC 7515, RFC 7519, RFC 8725).
        """
        x = self._examination(token)
        _walk(_FORMING, x)
        known = self._headers.get(x.segments.header)
        if known is None:
            _walk(_READING, x)
        else:
            x.header = known
            _walk(_READING_KNOWN_HEADER, x)
        x.claims = x.payload
        return x, x.policy

    def finish(self, x: Examination, policy: IssuerPolicy, keys: KeySet, now: float) -> Principal:
        """Verify the signature, check every claim at `now` (seconds since the epoch), and name the principal.

        `x`: what `begin` said; it may be finished again with other keys.
        Raises KeyNotFound, BadSignature, ClaimRejected and its kin, or AccessDenied for groups.
        """
        x.keys, x.now = keys, now
        _walk(self._closing[policy.issuer], x)
        if x.segments.header not in self._headers:
            self._remember(x.segments.header, x.header)
        return _principal(x)

    def span(self, x: Examination, policy: IssuerPolicy) -> Span:
        """When `finish` would say of a token again what it just said (RFC 7519 sections 4.1.4 to 4.1.6)."""
        claims = x.payload
        nbf = None if policy.skip_nbf else claims.seconds(NBF)
        iat = claims.seconds(IAT)
        until = (claims.seconds(EXP) or 0.0) + policy.leeway
        if iat is not None and policy.max_token_age is not None:
            until = min(until, iat + policy.max_token_age)
        return Span(max(nbf or 0.0, iat or 0.0) - policy.leeway, until)

    def _remember(self, segment: str, header: JoseHeader) -> None:
        if len(self._headers) >= _MAX_HEADERS:
            self._headers = {}
        self._headers[segment] = header

    def open_report(self, token: str) -> tuple[list[Row], Examination]:
        """Every opening row for one token, and the examination to look for keys with."""
        x = self._examination(token)
        return [_report(check, x) for check in OPENING], x

    def close_report(self, opening: list[Row], x: Examination, keys: KeySet | Refusal | None, now: float) -> Report:
        """The opening rows, every remaining one, and the principal when all have passed.

        `keys` may be the error that stood in the way, or None when nothing was asked.
        """
        if x.has("policy") and x.has("header"):
            x.claims, x.now = x.payload, now
        if isinstance(keys, KeySet):
            x.keys = keys
        closing = [_report(check, x) for check in CLOSING]
        if isinstance(keys, Refusal):
            closing[0] = _row(CLOSING[0], Outcome.FAIL, "the issuer's keys", str(keys), keys.reason)
        rows = (*opening, *closing)
        return Report(rows, _principal_of_report(rows, x))

    def _examination(self, token: str) -> Examination:
        x = Examination()
        x.token, x.codec, x.issuers, x.max_bytes = token, self._codec, self.issuers, self._max_bytes
        return x


def _selected(checks: Iterable[Check]) -> _Walk:
    return tuple((check, check.run) for check in checks)


_FORMING: Final = _selected(OPENING[:_FORM])
_READING: Final = _selected(OPENING[_FORM:])
_READING_KNOWN_HEADER: Final = _selected(check for check in OPENING[_FORM:] if not check.header_only)


def _walk(rows: _Walk, x: Examination) -> None:
    row = rows[0][0]
    try:
        for row, run in rows:  # noqa: B007 - the row that raised
            run(x)
    except (InvalidToken, AccessDenied) as error:
        error.found_by(partial(row.facts, x))
        raise


def _report(check: Check, x: Examination) -> Row:
    if not all(x.has(field) for field in check.needs):
        return _row(check, Outcome.SKIPPED, "", "not reached", None)
    if x.has("policy") and not check.applies(x.policy):
        return _row(check, Outcome.SKIPPED, "", "not configured", None)
    try:
        check.run(x)
    except Refusal as error:
        return _row(check, Outcome.FAIL, *check.facts(x), error.reason)
    return _row(check, Outcome.PASS, *check.facts(x), None)


def _principal_of_report(rows: tuple[Row, ...], x: Examination) -> Principal | None:
    # Where nobody looked for keys no row fails either: the rows behind them are not reached.
    if not x.has("keys") or any(row.outcome is Outcome.FAIL for row in rows):
        return None
    return _principal(x)


def _row(check: Check, outcome: Outcome, expected: str, actual: str, reason: Reason | None) -> Row:
    return Row(check.name, outcome, expected, actual, reason, check.rule, check.section)


def _principal(x: Examination) -> Principal:
    client = x.client
    values = {
        "issuer": x.policy.issuer,
        "subject": x.subject,
        "client_id": client.client_id if client else None,
        "client_id_claim": client.claim if client else None,
        "audiences": x.audiences,
        "scopes": x.scopes,
        "machine": x.machine,
        "token_kind": _KIND[x.policy.token_kind],
        "token_id": x.token_id,
        "issued_at": x.iat,
        "expires_at": x.exp,
        "actor": x.actor,
    }
    return Principal.proven(values, _derived_values, x.payload, x.policy, client, x.machine)


def _derived_values(
    proven: UnverifiedClaims, policy: IssuerPolicy, client: ActingClient | None, machine: bool
) -> dict[str, Any]:
    claims = VerifiedClaims.sealed(proven)
    groups = effective_groups(claims, policy, client, machine=machine)
    return {"groups": groups.names, "groups_problem": groups.problem, "claims": claims.frozen()}
