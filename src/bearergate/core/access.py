"""What a route demands of a principal: scopes, a group, its own audience. Runs on every request, never cached."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from bearergate.core.claims import AUD
from bearergate.core.errors import AccessDenied, InsufficientScope, Problem, refusal
from bearergate.core.principal import Principal
from bearergate.core.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a route demands of its callers beyond a good token."""

    scope: str | None = None
    """All of these, space-separated (RFC 6749 section 3.3)."""
    group: str | None = None
    audience: str | None = None
    """One of the configured audiences."""
    optional: bool = False
    """Whether a token may be missing; one that is there must be good all the same."""

    def problem(self, audiences: Container[str], path: str = "audience") -> Problem | None:
        """What is wrong with a demand that no token for the configured audiences can meet."""
        if self.audience is None or self.audience in audiences:
            return None
        sentence = f"{self.audience!r} is not a configured audience"
        return Problem(path, sentence, "ask for one of OIDC_AUDIENCES, or add it there")

    def check(self, principal: Principal) -> None:
        """Raise unless the principal meets the demand: see `check_access`."""
        check_access(principal, scope=self.scope, group=self.group, audience=self.audience)


ANYBODY = Demand()
"""Demands nothing but a good token."""


def check_access(
    principal: Principal, *, scope: str | None = None, group: str | None = None, audience: str | None = None
) -> None:
    """Raise unless the principal has all of `scope` (space-separated), `group`, and a token for `audience`.

    Raises InsufficientScope (RFC 6750 section 3.1), AccessDenied, or AudienceRejected.
    """
    if audience is not None and audience not in principal.audiences:
        raise refusal(Reason.AUDIENCE_MISMATCH, AUD)
    if scope is not None and not principal.scopes.issuperset(scope.split()):
        raise InsufficientScope(scope)
    if group is not None and (group not in principal.groups or principal.groups_problem is Reason.GROUPS_OVERAGE):
        raise AccessDenied(principal.groups_problem or Reason.GROUPS_MISSING)
