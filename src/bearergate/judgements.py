"""Judgements: one event for each token that something else than an issuer's signature decides about.

Built only when somebody observes. Decides nothing and changes no verdict. Never hands out a token.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager

from bearergate.clocks import Clock, monotonic_clock
from bearergate.core.authorization import Authorization
from bearergate.core.errors import Refusal
from bearergate.core.events import Observer, TokenAccepted, TokenRejected, UnverifiedBearerAdmitted, UnverifiedIdentity
from bearergate.core.principal import Principal
from bearergate.core.resources import Granted
from bearergate.core.validation import Validation
from bearergate.decisions import Decisions, denied, said_by


class Judgements:
    """Tells observers, and the audit log where it is on, what was decided."""

    def __init__(self, observers: Iterable[Observer], clock: Clock) -> None:
        """`clock`: wall clock in seconds since the epoch."""
        # Without any issuer: only to read what a token says of itself.
        self.reading = Validation(())
        self.decisions = Decisions(self.reading, observers, clock)
        self.clock = clock

    @contextmanager
    def begin(
        self, token: str, issuer: str, adapter: str, authorization: Authorization
    ) -> Generator[Judgement, None, None]:
        """One judgement. Where it ends in a refusal, that is told; what else it ends in is told by the judge.

        `issuer`: as configured, whose token it says it is. `authorization`: in force now.
        """
        judgement = Judgement(self, token, issuer, adapter, authorization)
        try:
            yield judgement
        except Refusal as error:
            judgement.rejected(error)
            raise


class Judgement:
    """What is known of one judgement while it goes on."""

    def __init__(
        self, judgements: Judgements, token: str, issuer: str, adapter: str, authorization: Authorization
    ) -> None:
        self._all = judgements
        self._token = token
        self._issuer = issuer
        self._adapter = adapter
        self._started = monotonic_clock()
        self.authorization = authorization
        self.principal: Principal | None = None
        """Set once it is known who bears the token; a route may still demand more."""
        self.granted: Granted | None = None

    def accepted(self, principal: Principal, *, cached: bool) -> None:
        """The token was accepted, and all that its route demands."""
        if not self._all.decisions.are_observed():
            return
        said = self._said()
        self._all.decisions.tell(
            TokenAccepted(
                time=self._all.clock(),
                principal=principal,
                token_issuer=said.token_issuer or "",
                kid=said.kid,
                alg=said.alg or "",
                adapter=self._adapter,
                policy_version=self.authorization.policy_version,
                duration_us=self._elapsed_us(),
                cached=cached,
                granted=self.granted,
            )
        )

    def let_through(self) -> None:
        """The token was let through although nobody has verified it."""
        if not self._all.decisions.are_observed():
            return
        self._all.decisions.tell(
            UnverifiedBearerAdmitted(
                time=self._all.clock(),
                issuer=self._issuer,
                unverified=self._said(),
                adapter=self._adapter,
                policy_version=self.authorization.policy_version,
                duration_us=self._elapsed_us(),
            )
        )

    def rejected(self, error: Refusal) -> None:
        """The token was refused, for its own fault or for what a route demands."""
        if not self._all.decisions.are_observed():
            return
        self._all.decisions.tell(
            TokenRejected(
                time=self._all.clock(),
                reason=error.reason,
                status=error.status,
                issuer=self._issuer,
                claim=error.claim,
                expected=error.expected,
                actual=error.actual,
                principal=self.principal,
                unverified=self._said(),
                adapter=self._adapter,
                policy_version=self.authorization.policy_version,
                duration_us=self._elapsed_us(),
                **denied(error),
            )
        )

    def _said(self) -> UnverifiedIdentity:
        """What the token says of itself."""
        return said_by(self._token, self._all.reading)

    def _elapsed_us(self) -> float:
        return (monotonic_clock() - self._started) * 1e6
