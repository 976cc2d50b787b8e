"""Reviews: what the API server of one cluster says of tokens, for threads and event loops alike.

A review is a short-lived daemon thread ("flight") that all who ask about one token share. They are few at a time and
few in a second, and what was said is remembered for a moment. Has no part in fetching keys, and keeps no token.
"""

from __future__ import annotations

import copy
import hashlib
import logging
import os
import threading
import weakref
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from traceback import format_tb
from typing import Final, NamedTuple, TypeAlias

from cachetools import TLRUCache

from bearergate.clocks import Clock, monotonic_clock
from bearergate.core.errors import InvalidToken, Unavailable
from bearergate.core.reasons import Reason
from bearergate.core.service_accounts import Begun, ClusterPolicy
from bearergate.core.token_review import NotUnderstood, ServiceAccount, read_review
from bearergate.flights import Wait
from bearergate.reviewer import Reviewer, ReviewFailed

_log: Final = logging.getLogger("bearergate.kubernetes")
_OVERDUE: Final = 1.0
"""Seconds beyond its budget after which a flight is given up: what holds it up, nothing could cut."""
_NOTE_EVERY: Final = 60.0

Outcome: TypeAlias = ServiceAccount | InvalidToken | Unavailable
"""What a review ended in. Errors are never raised themselves, only copies of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewLimits:
    """How much is asked of one cluster's API server. Times are in seconds."""

    in_flight: int = 10
    """Reviews at a time."""
    per_second: int = 20
    """Reviews in any one second."""
    remembered: float = 10.0
    """How long a verdict holds, good or bad; never longer than the token lives."""
    entries: int = 1024
    """Verdicts that are remembered. More than can arise while they hold, so nobody can drive out others'."""
    budget: float = 4.0
    """Longest review."""
    max_wait: float = 5.0
    """Longest wait of one caller."""
    connect_timeout: float = 2.0


_DEFAULT_LIMITS: Final = ReviewLimits()


class Reviewed(NamedTuple):
    """A service account, and whether it was remembered."""

    account: ServiceAccount
    remembered: bool


@dataclass(slots=True)
class _Flight:
    """A review under way, and the future that ends with it."""

    started: float
    """Seconds of the clock by which verdicts are remembered."""
    started_really: float = field(default_factory=monotonic_clock)
    ended: Future[None] = field(default_factory=Future)
    outcome: Outcome | None = None

    def __post_init__(self) -> None:
        # Marked as running before anybody sees it: a waiter that is cancelled cannot cancel it for the others.
        self.ended.set_running_or_notify_cancel()


class _Verdict(NamedTuple):
    outcome: ServiceAccount | InvalidToken
    expires_at: float
    """Wall clock, seconds since the epoch."""
    until: float
    """Monotonic, seconds."""


class Reviews:
    """The reviews of one cluster. Thread-safe."""

    def __init__(
        self,
        policy: ClusterPolicy,
        reviewer: Reviewer,
        limits: ReviewLimits = _DEFAULT_LIMITS,
        *,
        wall: Clock,
        monotonic: Clock = monotonic_clock,
    ) -> None:
        """`wall`: seconds since the epoch, for the end of tokens; `monotonic`: for everything that lasts."""
        self._policy = policy
        self._reviewer = reviewer
        self._limits = limits
        self._wall = wall
        self._monotonic = monotonic
        # Hashed once: the audiences are part of what is asked, so they are part of the name of its answer.
        self._name_of_question = hashlib.sha256("\0".join(["", *sorted(policy.audiences), ""]).encode())
        self._lock = threading.Lock()
        self._flights: dict[bytes, _Flight] = {}
        self._starts: deque[float] = deque(maxlen=limits.per_second)
        self._left_alone_until = float("-inf")
        self._verdicts = self._no_verdicts()
        self._notes = _Notes(policy.issuer, monotonic)
        _alive.add(self)

    def review(self, token: str, begun: Begun) -> Reviewed:
        """The service account whose token it is; waits at most `max_wait` seconds.

        Raises InvalidToken where the API server does not vouch for it, Unavailable where it does not say.
        """
        asked = self._ask(token, begun)
        if isinstance(asked, Reviewed):
            return asked
        return self._settle(asked, arrived=self._wait(asked).wait())

    async def review_async(self, token: str, begun: Begun) -> Reviewed:
        """The same, without blocking the event loop."""
        asked = self._ask(token, begun)
        if isinstance(asked, Reviewed):
            return asked
        return self._settle(asked, arrived=await self._wait(asked).wait_async())

    def reset_after_fork(self) -> None:
        """In a child process: the flights' threads are gone, and the lock may be held by nobody."""
        self._lock = threading.Lock()
        self._flights = {}
        # Whoever held the lock may have been half-way through a change of it.
        self._verdicts = self._no_verdicts()

    def _ask(self, token: str, begun: Begun) -> Reviewed | _Flight:
        digest = self._digest(token)
        try:
            with self._lock:
                self._give_up_overdue()
                verdict = self._verdicts.get(digest)
                if verdict is None or self._wall() >= verdict.expires_at:
                    return self._flights.get(digest) or self._fly(digest, token, begun)
        except Unavailable as error:
            self._notes.failed(error)
            raise
        if isinstance(verdict.outcome, ServiceAccount):
            return Reviewed(verdict.outcome, remembered=True)
        raise copy.copy(verdict.outcome)

    def _wait(self, flight: _Flight) -> Wait:
        return Wait(flight.ended, monotonic_clock() + self._limits.max_wait, final=True)

    def _settle(self, flight: _Flight, *, arrived: bool) -> Reviewed:
        outcome = flight.outcome if arrived else None
        if isinstance(outcome, ServiceAccount):
            return Reviewed(outcome, remembered=False)
        error = _overdue() if outcome is None else copy.copy(outcome)
        if isinstance(error, Unavailable):
            self._notes.failed(error)
        raise error

    def _digest(self, token: str) -> bytes:
        name = self._name_of_question.copy()
        name.update(token.encode("ascii"))
        return name.digest()

    def _fly(self, digest: bytes, token: str, begun: Begun) -> _Flight:
        """A new flight, or Unavailable where the API server is to be spared. Called with the lock held."""
        now = self._monotonic()
        self._spare(now)
        flight = _Flight(now)
        thread = threading.Thread(
            target=self._run, args=(digest, flight, token, begun), name="bearergate-review", daemon=True
        )
        try:
            thread.start()
        except (RuntimeError, MemoryError):
            raise _unavailable("no thread could be started to review a token") from None
        self._starts.append(now)
        self._flights[digest] = flight
        return flight

    def _spare(self, now: float) -> None:
        limits = self._limits
        if now < self._left_alone_until:
            raise _unavailable("the API server wants to be left alone", self._left_alone_until - now)
        if len(self._flights) >= limits.in_flight:
            raise _unavailable(f"{limits.in_flight} reviews are under way")
        if len(self._starts) == limits.per_second and now < self._starts[0] + 1.0:
            raise _unavailable(f"{limits.per_second} reviews were begun within a second")

    def _give_up_overdue(self) -> None:
        """Give up flights that hang where no deadline reaches. Called with the lock held."""
        for digest, flight in list(self._flights.items()):
            if monotonic_clock() > flight.started_really + self._limits.budget + _OVERDUE:
                self._land(digest, flight, _overdue())

    def _run(self, digest: bytes, flight: _Flight, token: str, begun: Begun) -> None:
        outcome, pause = self._outcome(token, begun, flight.started_really + self._limits.budget)
        with self._lock:
            if self._flights.get(digest) is flight:
                self._left_alone_until = max(self._left_alone_until, self._monotonic() + pause)
                self._land(digest, flight, outcome, begun.expires_at)

    def _outcome(self, token: str, begun: Begun, deadline: float) -> tuple[Outcome, float]:
        """What the API server says, and for how many seconds it wants to be left alone."""
        try:
            return read_review(self._reviewer.ask(token, deadline), self._policy, begun), 0.0
        except InvalidToken as verdict:
            # Not a warning: whoever likes can have this written twenty times a second.
            _log.debug("a token of %s is refused: %s", self._policy.issuer, verdict.actual)
            # A copy: the traceback of the first one holds what was looked at.
            return copy.copy(verdict), 0.0
        except ReviewFailed as failure:
            return _unavailable(str(failure), failure.pause), failure.pause
        except NotUnderstood as problem:
            return _unavailable(f"the API server was asked, and {problem}"), 0.0
        except Exception as error:  # noqa: BLE001 - a fault here must not leave waiters waiting
            # Not the error's own text: nobody knows what it quotes.
            where = "".join(format_tb(error.__traceback__))
            _log.error("%s while reviewing a token of %s\n%s", type(error).__name__, self._policy.issuer, where)
            return _unavailable(f"an unexpected {type(error).__name__}"), 0.0

    def _land(self, digest: bytes, flight: _Flight, outcome: Outcome, expires_at: float = 0.0) -> None:
        """Take in what a flight brought. Called with the lock held."""
        del self._flights[digest]
        if not isinstance(outcome, Unavailable):
            # From when it was asked: what was withdrawn meanwhile may just not have been seen.
            self._verdicts[digest] = _Verdict(outcome, expires_at, flight.started + self._limits.remembered)
        flight.outcome = outcome
        flight.ended.set_result(None)

    def _no_verdicts(self) -> TLRUCache[bytes, _Verdict]:
        return TLRUCache(self._limits.entries, lambda _, verdict, __: verdict.until, timer=self._monotonic)


class _Notes:
    """What an operator reads of tokens that cannot be reviewed: once a minute."""

    def __init__(self, issuer: str, monotonic: Clock) -> None:
        self._issuer = issuer
        self._monotonic = monotonic
        self._count = 0
        self._noted_at = float("-inf")

    def failed(self, error: Unavailable) -> None:
        """Take note of one. Without a lock: it matters little whether two threads write at once."""
        now = self._monotonic()
        self._count += 1
        if now >= self._noted_at + _NOTE_EVERY:
            count, self._count, self._noted_at = self._count, 0, now
            _log.warning("tokens of %s cannot be reviewed (%d so far): %s", self._issuer, count, error.cause)


def _unavailable(cause: str, retry_after: float = 0.0) -> Unavailable:
    return Unavailable(Reason.UPSTREAM_UNAVAILABLE, retry_after=max(1.0, retry_after), cause=cause)


def _overdue() -> Unavailable:
    return _unavailable("the review did not end in time")


_alive: Final[weakref.WeakSet[Reviews]] = weakref.WeakSet()


def _reset_all_after_fork() -> None:
    for reviews in list(_alive):
        reviews.reset_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_all_after_fork)
