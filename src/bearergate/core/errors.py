"""The error tree: the class says what the caller should do, the fields say what happened.

Each class carries its HTTP status and RFC 6750 code. `str(error)` never holds a claim value, so it may be
logged; the fields may. Knows nothing of headers or bodies: core/bearer.py turns an error into an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from bearergate.core.reasons import Reason
from bearergate.core.resources import Resource


class BearergateError(Exception):
    """Root of every error this library raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a configuration: where it is, what is wrong, and what to write instead."""

    path: str
    problem: str
    cure: str = ""
    origin: str = ""

    def __str__(self) -> str:
        place = f" ({self.origin})" if self.origin else ""
        cure = f"; {self.cure}" if self.cure else ""
        # Some sentences name their key themselves, as operators of other systems know them.
        if self.problem.startswith(self.path):
            return f"{self.problem}{place}{cure}"
        return f"{self.path}{place}: {self.problem}{cure}"


class ConfigError(BearergateError):
    """A configuration that cannot be used; raised at start-up only, with every problem at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        first = self.problems[0]
        self.path: str = first.path
        self.problem: str = first.problem
        count = len(self.problems)
        head = "1 problem" if count == 1 else f"{count} problems"
        self._text = "\n".join([f"configuration has {head}:", *(f"  {problem}" for problem in self.problems)])
        # What a copy or a pickle calls the class with.
        super().__init__(self.problems)

    def __str__(self) -> str:
        return self._text


class Refusal(BearergateError):
    """A request that is not let in. Never raised itself: its subclasses say what the caller should do.

    Fields: `reason` (stable code), `claim` (the member it concerns, or None), `expected` and `actual` (text for
    operators; may hold claim values and must not be sent to a client).
    """

    status: ClassVar[int]
    error: ClassVar[str | None]

    def __init__(self, reason: Reason, *, claim: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.claim = claim
        self._facts: tuple[str | None, str | None] = (None, None)
        self._find_facts: Callable[[], tuple[str, str]] | None = None

    def found_by(self, facts: Callable[[], tuple[str, str]]) -> None:
        """Keep how to say what was expected and what was there: said only to whoever asks, because most do not."""
        self._find_facts = facts

    @property
    def expected(self) -> str | None:
        """What would have been accepted."""
        return self._known_facts()[0]

    @property
    def actual(self) -> str | None:
        """What was there instead."""
        return self._known_facts()[1]

    def _known_facts(self) -> tuple[str | None, str | None]:
        if self._find_facts is not None:
            self._facts, self._find_facts = self._find_facts(), None
        return self._facts

    def __reduce__(self) -> str | tuple[Any, ...]:
        # A copy must not need the token that was judged. Exceptions are not asked for `__getstate__`.
        self._known_facts()
        return super().__reduce__()

    def __str__(self) -> str:
        about = f" [{self.claim}]" if self.claim else ""
        return f"{self.reason.value}{about}: {self.reason.meaning}"


class AuthenticationRequired(Refusal):
    """401 and a challenge without an error code: nothing was presented (RFC 6750 section 3.1)."""

    status = 401
    error = None


class InvalidRequest(Refusal):
    """400 `invalid_request`: two credentials, or a header that is no credential (RFC 6750 section 3.1)."""

    status = 400
    error = "invalid_request"


class InvalidToken(Refusal):
    """401 `invalid_token`: the token was presented and is refused (RFC 6750 section 3.1)."""

    status = 401
    error = "invalid_token"


class MalformedToken(InvalidToken):
    """Not a well-formed compact JWS with a JSON payload (RFC 7515, RFC 7519)."""


class UntrustedIssuer(InvalidToken):
    """The issuer is missing or not configured."""


class HeaderRejected(InvalidToken):
    """The JOSE header asks for something that is not accepted (RFC 8725)."""


class KeyNotFound(InvalidToken):
    """The issuer publishes no key that may verify this token."""


class BadSignature(InvalidToken):
    """The signature does not verify."""


class ClaimRejected(InvalidToken):
    """A verified claim does not meet the policy."""


class TokenExpired(ClaimRejected):
    """`exp` has passed (RFC 7519 section 4.1.4)."""


class TokenNotYetValid(ClaimRejected):
    """`nbf` has not come, or `iat` lies in the future (RFC 7519 sections 4.1.5 and 4.1.6)."""


class AudienceRejected(ClaimRejected):
    """`aud` does not name this resource (RFC 7519 section 4.1.3)."""


class ClientRejected(ClaimRejected):
    """The acting client may not use this resource."""


class InsufficientScope(Refusal):
    """403 `insufficient_scope` (RFC 6750 section 3.1); `scope` holds the required scopes, space-separated."""

    status = 403
    error = "insufficient_scope"

    def __init__(self, scope: str) -> None:
        super().__init__(Reason.SCOPE_INSUFFICIENT)
        self.args = (scope,)
        self.scope = scope


class AccessDenied(Refusal):
    """403: the token is good and its bearer may not do this (groups, bindings).

    Where bindings decided: `resource` is what was asked for, `binding` the name of the one that denied it, if one did.
    """

    status = 403
    error = "access_denied"
    resource: Resource | None = None
    binding: str | None = None


class Unavailable(Refusal):
    """503: the decision needs something that did not answer; `retry_after` is in seconds."""

    status = 503
    error = "temporarily_unavailable"

    def __init__(self, reason: Reason = Reason.KEYS_UNAVAILABLE, *, retry_after: float = 1.0, cause: str = "") -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        self.cause = cause

    def __str__(self) -> str:
        return f"{super().__str__()} ({self.cause})" if self.cause else super().__str__()


_CLASS_OF_REASON: Final[dict[Reason, type[InvalidToken | AccessDenied]]] = {
    Reason.TOKEN_TOO_LONG: MalformedToken,
    Reason.MALFORMED_TOKEN: MalformedToken,
    Reason.DUPLICATE_MEMBER: MalformedToken,
    Reason.ALG_NOT_ALLOWED: HeaderRejected,
    Reason.CRIT_NOT_SUPPORTED: HeaderRejected,
    Reason.TYP_NOT_ACCEPTED: HeaderRejected,
    Reason.ISSUER_UNKNOWN: UntrustedIssuer,
    Reason.ISSUER_MISSING: UntrustedIssuer,
    Reason.KEY_UNKNOWN: KeyNotFound,
    Reason.KEY_UNUSABLE: KeyNotFound,
    Reason.KEY_AMBIGUOUS: KeyNotFound,
    Reason.SIGNATURE_INVALID: BadSignature,
    Reason.EXP_MISSING: ClaimRejected,
    Reason.EXPIRED: TokenExpired,
    Reason.NOT_YET_VALID: TokenNotYetValid,
    Reason.ISSUED_IN_FUTURE: TokenNotYetValid,
    Reason.TOO_OLD: TokenExpired,
    Reason.LIFETIME_TOO_LONG: ClaimRejected,
    Reason.CLAIM_MISSING: ClaimRejected,
    Reason.CLAIM_MALFORMED: ClaimRejected,
    Reason.RULE_FAILED: ClaimRejected,
    Reason.ID_TOKEN_NOT_ACCEPTED: ClaimRejected,
    Reason.AUDIENCE_MISSING: AudienceRejected,
    Reason.AUDIENCE_MISMATCH: AudienceRejected,
    Reason.CLIENT_MISSING: ClientRejected,
    Reason.CLIENT_NOT_ALLOWED: ClientRejected,
    Reason.CLIENT_CONFLICT: ClientRejected,
    Reason.MACHINE_CLIENT_NOT_ALLOWED: ClientRejected,
    Reason.CNF_UNPROVEN: ClaimRejected,
    Reason.IMPERSONATED: ClaimRejected,
    Reason.GROUPS_MISSING: AccessDenied,
    Reason.GROUPS_MALFORMED: AccessDenied,
    Reason.GROUPS_OVERAGE: AccessDenied,
    Reason.RESERVED_GROUP: AccessDenied,
    Reason.BINDING_NONE: AccessDenied,
    Reason.BINDING_ERROR: AccessDenied,
    Reason.RESOURCE_NOT_GRANTED: AccessDenied,
}


def refusal(reason: Reason, claim: str | None = None) -> InvalidToken | AccessDenied:
    """The error that belongs to a reason found in a token or in what its bearer asks for."""
    return _CLASS_OF_REASON[reason](reason, claim=claim)
