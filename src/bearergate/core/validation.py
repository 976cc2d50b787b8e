"""Begin, finish and explain: the readers of the table of checks, around the one step that may wait for keys.

Pure: the time is an argument and the keys are given. Verified claims and a Principal are built here only, at the end
of a walk in which every check has passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from bearergate.core.checks import CLOSING, OPENING, Check
from bearergate.core.claims import AUD, EXP, IAT, JTI, SUB, VerifiedClaims
from bearergate.core.errors import AccessDenied, ConfigError, InvalidToken, Problem, Refusal
from bearergate.core.examination import Examination
from bearergate.core.identity import acting_party, granted_scopes
from bearergate.core.jwk import KeySet
from bearergate.core.jwt import MAX_TOKEN_BYTES, UnverifiedToken
from bearergate.core.policy import IssuerPolicy
from bearergate.core.principal import Principal
from bearergate.core.reasons import Reason
from bearergate.core.report import Outcome, Report, Row


class Validation:
    """The table of checks, selected once for a set of trusted issuers. Immutable and safe to share."""

    def __init__(self, issuers: Iterable[IssuerPolicy], *, max_token_bytes: int = MAX_TOKEN_BYTES) -> None:
        """Raises ConfigError when two policies claim one spelling of an issuer."""
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
            policy.issuer: tuple(check for check in CLOSING if check.applies(policy)) for policy in spellings.values()
        }

    def begin(self, token: str) -> tuple[UnverifiedToken, IssuerPolicy]:
        """Parse, judge the header and find the trusted issuer; nothing here needs a key.

        Raises MalformedToken, HeaderRejected, UntrustedIssuer or ClaimRejected (RFC 7515, RFC 7519, RFC 8725).
        """
        x = self._examination(token)
        _walk(OPENING, x)
        return UnverifiedToken(x.header, x.payload, x.segments.signing_input, x.signature), x.policy

    def finish(self, unverified: UnverifiedToken, policy: IssuerPolicy, keys: KeySet, now: float) -> Principal:
        """Verify the signature, check every claim at `now` (seconds since the epoch), and name the principal.

        Raises KeyNotFound, BadSignature, ClaimRejected and its kin, or AccessDenied for groups.
        """
        x = _continue(unverified, policy, now)
        x.keys = keys
        _walk(self._closing[policy.issuer], x)
        return _principal(x, VerifiedClaims.sealed(unverified.claims))

    def open_report(self, token: str) -> tuple[list[Row], Examination]:
        """Every opening row for one token, and the examination to look for keys with."""
        x = self._examination(token)
        return [_report(check, x) for check in OPENING], x

    def close_report(self, opening: list[Row], x: Examination, keys: KeySet | Refusal | None, now: float) -> Report:
        """The opening rows, every remaining one, and the principal when all have passed.

        `keys` may be the error that stood in the way, or None when nothing was asked.
        """
        if x.has("policy") and x.has("header"):
            x.claims, x.now, x.signing_input = x.payload, now, x.segments.signing_input
        if isinstance(keys, KeySet):
            x.keys = keys
        closing = [_report(check, x) for check in CLOSING]
        if isinstance(keys, Refusal):
            closing[0] = _row(CLOSING[0], Outcome.FAIL, "the issuer's keys", str(keys), keys.reason)
        rows = (*opening, *closing)
        return Report(rows, _principal_of_report(rows, x))

    def _examination(self, token: str) -> Examination:
        x = Examination()
        x.token, x.issuers, x.max_bytes = token, self.issuers, self._max_bytes
        return x


def _continue(unverified: UnverifiedToken, policy: IssuerPolicy, now: float) -> Examination:
    x = Examination()
    x.header, x.claims, x.policy, x.now = unverified.header, unverified.claims, policy, now
    x.signing_input, x.signature = unverified.signing_input, unverified.signature
    return x


def _walk(checks: tuple[Check, ...], x: Examination) -> None:
    for check in checks:
        try:
            check.run(x)
        except (InvalidToken, AccessDenied) as error:
            error.expected, error.actual = check.facts(x)
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
    return _principal(x, VerifiedClaims.sealed(x.payload))


def _row(check: Check, outcome: Outcome, expected: str, actual: str, reason: Reason | None) -> Row:
    return Row(check.name, outcome, expected, actual, reason, check.rule, check.section)


def _principal(x: Examination, claims: VerifiedClaims) -> Principal:
    client = x.client()
    groups = x.groups()
    return Principal(
        issuer=x.policy.issuer,
        subject=claims.string(SUB) or "",
        client_id=client.client_id if client else None,
        client_id_claim=client.claim if client else None,
        audiences=claims.strings(AUD) or (),
        scopes=granted_scopes(claims),
        groups=groups.names,
        groups_problem=groups.problem,
        machine=x.machine(),
        token_kind=x.policy.token_kind.value,
        token_id=claims.string(JTI),
        issued_at=claims.seconds(IAT),
        expires_at=claims.seconds(EXP) or 0.0,
        actor=acting_party(claims),
        claims=claims.frozen(),
    )
