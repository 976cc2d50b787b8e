"""A validator that is watched: which verdicts were remembered ones, what it holds, and clocks that only a test moves.

Two clocks, because claims are judged by the wall clock, which may be set back, and keys age by another, which may not.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, Final

from bearergate.core.errors import Refusal
from bearergate.core.events import Event, TokenAccepted
from bearergate.core.policy import IssuerPolicy
from bearergate.issuer_keys import IssuerKeys
from bearergate.testing import FakeIssuer, fetch_from
from bearergate.validator import Validator
from bearergate.verdicts import Verdict
from tests.keys.patient import Clock, policy_for, wait_until

PROVEN: Final = "proven"
REMEMBERED: Final = "remembered"
TTL: Final = 600
DUE: Final = 540
"""Seconds after which a refresh is due, whatever chance says."""
LASTING: Final[dict[str, Any]] = {"exp": 2_000_000_000, "iat": None}


class Watched:
    """A validator, its clocks, its events, and what it said last."""

    def __init__(
        self,
        *issuers: FakeIssuer,
        policies: Iterable[IssuerPolicy] = (),
        clock: Clock | None = None,
        monotonic: Clock | None = None,
        **options: Any,
    ) -> None:
        """Keys come from memory unless an issuer is being served on loopback.

        `monotonic`: the same as `clock` if not given. `policies`: instead of one plain policy for each issuer.
        """
        self.clock = clock or Clock()
        self.monotonic = monotonic or self.clock
        self.events: list[Event] = []
        served = any(issuer.port for issuer in issuers)
        fetch = options.pop("fetch", None if served else fetch_from(*issuers))
        self.validator = Validator(
            [*policies] or [policy_for(issuer) for issuer in issuers],
            fetch=fetch,
            clock=self.clock,
            monotonic=self.monotonic,
            observers=[self.events.append],
            **options,
        )

    def judge(self, token: str, **asked: Any) -> str:
        """`proven`, `remembered`, or the reason of the refusal."""
        try:
            self.validator.validate(token, **asked)
        except Refusal as error:
            return error.reason.value
        return REMEMBERED if self.accepted[-1].cached else PROVEN

    @property
    def accepted(self) -> list[TokenAccepted]:
        return [event for event in [*self.events] if isinstance(event, TokenAccepted)]

    @property
    def kept(self) -> list[Verdict]:
        """Every verdict that is remembered, the same one twice if it is held twice."""
        verdicts = self.validator._verdicts
        return [*verdicts._young.values(), *verdicts._old.values()]

    def settle(self) -> None:
        """Wait until every refresh under way has ended."""
        for station in self.validator._keys._configured.values():
            wait_until(partial(_is_at_rest, station))


def _is_at_rest(station: IssuerKeys) -> bool:
    # What a flight brought is taken in under the lock.
    with station._lock:
        return station._flight is None


class Ageing:
    """An issuer whose keys age by a clock of their own, so that verdicts do not end for another reason."""

    def __init__(self, alg: str = "EdDSA", **options: Any) -> None:
        self.age = Clock()
        self.issuer = FakeIssuer(alg=alg)
        self.watched = Watched(self.issuer, clock=Clock(self.issuer.now()), monotonic=self.age, **options)

    def mint(self, **how: Any) -> str:
        """A token that does not expire meanwhile."""
        return self.issuer.mint(LASTING, **how)

    def remembered(self, **how: Any) -> str:
        """A token that was proven and is remembered."""
        token = self.mint(**how)
        assert self.judge(token) == PROVEN
        assert self.judge(token) == REMEMBERED
        return token

    def judge(self, token: str) -> str:
        return self.watched.judge(token)

    def refreshed(self, by: str) -> None:
        """The next refresh, which this token makes due."""
        asked = self.issuer.jwks_requests
        self.age.advance(DUE)
        assert self.judge(by) == REMEMBERED
        self.watched.settle()
        assert self.issuer.jwks_requests > asked
