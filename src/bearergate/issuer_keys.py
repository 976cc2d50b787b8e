"""IssuerKeys: one issuer's keyring with its lock, its flights and its negative kids.

Does what core/keyring.py decides. One slow issuer's state is never shared with another's.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from cachetools import TTLCache

from bearergate.attempt import Attempt, AttemptFailed, Place
from bearergate.clocks import Clock, monotonic_clock
from bearergate.core.errors import ConfigError, Problem, Unavailable
from bearergate.core.events import Event, KeysRefreshed, StaleKeysUsed
from bearergate.core.jwk import KeySet, KeySetError, parse_jwk_set
from bearergate.core.jwt import JoseHeader
from bearergate.core.keyring import Act, Decision, KeyHealth, KeyLifecycle, Keyring, Phase, Snapshot, health
from bearergate.core.policy import KeySource
from bearergate.fetch import Fetch, HttpFetch

_log: Final = logging.getLogger("bearergate.keys")
_STALE_NOTE_EVERY: Final = 60.0


@dataclass(frozen=True, slots=True)
class Wait:
    """A caller's wait for a flight, and how long it may last."""

    flight: Future[None]
    patience: float
    """Seconds."""

    def wait(self) -> bool:
        """Block until the flight arrives or the patience ends; whether it arrived."""
        try:
            self.flight.result(self.patience)
        except TimeoutError:
            return False
        return True

    async def wait_async(self) -> bool:
        """The same in an event loop. Cancelling the waiter never cancels the flight."""
        import asyncio

        wrapped = asyncio.wrap_future(self.flight)
        try:
            arrived, _ = await asyncio.wait({wrapped}, timeout=self.patience)
        finally:
            # Lets the flight forget a loop that may be closed by the time it arrives; the flight itself goes on.
            wrapped.cancel()
        return bool(arrived)


class IssuerKeys:
    """The living keys of one issuer."""

    def __init__(
        self,
        issuer: str,
        source: KeySource,
        *,
        lifecycle: KeyLifecycle,
        fetch: Fetch | None,
        monotonic: Clock,
        wall: Clock,
        notify: Callable[[Event], None] | None,
    ) -> None:
        """Fetches nothing. `monotonic` and `wall` are clocks in seconds; `fetch` None is HTTP with the source's CA."""
        self._issuer = issuer
        self._lifecycle = lifecycle
        self._monotonic = monotonic
        self._wall = wall
        self._notify = notify
        own_fetch = fetch or HttpFetch(ca=source.ca, connect_timeout=lifecycle.connect_timeout)
        self._attempt = Attempt(issuer, source, lifecycle, own_fetch, monotonic=monotonic, wall=wall)
        self._ring = _first_ring(issuer, source, lifecycle, monotonic(), wall())
        self._place: Place | None = None
        self._lock = threading.Lock()
        self._flight: Future[None] | None = None
        self._negatives: TTLCache[tuple[str | None, str], bool] = self._no_negatives()
        self.stale_uses = 0
        self._stale_noted_at = -_STALE_NOTE_EVERY

    def holds(self, header: JoseHeader) -> bool:
        """Whether a fresh set is at hand that settles which key this is."""
        decision = self._ring.decide(header, self._monotonic())
        return decision.act is Act.USE and not decision.unknown

    def ask(self, header: JoseHeader, doubted: KeySet | None = None) -> KeySet | Wait:
        """The set to use now, or the wait that the caller must go through; raises Unavailable."""
        ring, now = self._ring, self._monotonic()
        decision = ring.decide(header, now, doubted=doubted)
        if decision.act is Act.USE and not (decision.refresh or decision.unknown):
            return self._use(ring, decision, now)
        with self._lock:
            ring = self._ring
            negative = _name(header) in self._negatives
            decision = ring.decide(header, now, negative=negative, doubted=doubted)
            if decision.act in (Act.USE, Act.UNAVAILABLE):
                if decision.refresh:
                    self._fly(forced=False)
                return self._use(ring, decision, now)
            patience = self._lifecycle.stale_wait if decision.act is Act.WAIT_BRIEFLY else self._lifecycle.max_wait
            flight = self._fly(forced=decision.act is Act.FORCE)
        return Wait(flight, patience)

    def wake(self) -> Wait | None:
        """A flight for an issuer without a fresh set, or None when there is nothing to do now."""
        with self._lock:
            now = self._monotonic()
            if self._ring.phase(now) is Phase.FRESH or self._ring.is_backing_off(now):
                return None
            return Wait(self._fly(forced=False), self._lifecycle.max_wait)

    def health(self) -> KeyHealth:
        """The state of these keys for an operator."""
        return health(self._ring, self._monotonic())

    def reset_after_fork(self) -> None:
        """In a child process: the flight's thread is gone, and the lock may be held by nobody."""
        self._lock = threading.Lock()
        self._flight = None
        # Whoever held the lock may have been half-way through a change of it.
        self._negatives = self._no_negatives()

    def settle(self, header: JoseHeader, doubted: KeySet | None = None, *, arrived: bool) -> KeySet:
        """The set to use after a wait; raises Unavailable. `arrived`: whether the flight ended in time."""
        now = self._monotonic()
        with self._lock:
            ring = self._ring
            decision = ring.settle(header, now, arrived=arrived, doubted=doubted)
            if decision.unknown:
                self._negatives[_name(header)] = True
        return self._use(ring, decision, now)

    def _use(self, ring: Keyring, decision: Decision, now: float) -> KeySet:
        if decision.act is Act.UNAVAILABLE or ring.snapshot is None:
            raise Unavailable(decision.reason, retry_after=decision.retry_after, cause=ring.problem or "")
        if decision.stale:
            self._note_stale(ring.snapshot, now)
        return ring.snapshot.keys

    def _note_stale(self, snapshot: Snapshot, now: float) -> None:
        self.stale_uses += 1
        if now - self._stale_noted_at < _STALE_NOTE_EVERY:
            return
        self._stale_noted_at = now
        age = now - snapshot.fetched_at
        _log.warning(
            "%s does not answer; its keys are %.0f s old and used %d times past their time",
            self._issuer,
            age,
            self.stale_uses,
        )
        if self._notify:
            self._notify(StaleKeysUsed(time=self._wall(), issuer=self._issuer, age_s=age))

    def _fly(self, *, forced: bool) -> Future[None]:
        """The flight under way, or a new one. Called with the lock held."""
        if self._flight is not None:
            return self._flight
        if forced:
            self._ring = self._ring.spent(self._monotonic())
        flight: Future[None] = Future()
        # Marked as running before anybody sees it: a waiter that is cancelled cannot cancel it for the others.
        flight.set_running_or_notify_cancel()
        self._flight = flight
        thread = threading.Thread(target=self._run, args=(flight, forced), name="bearergate-keys", daemon=True)
        try:
            thread.start()
        except (RuntimeError, MemoryError):
            problem = "no thread could be started to fetch the keys"
            _log.warning("the keys of %s could not be refreshed: %s", self._issuer, problem)
            self._land(flight, forced, problem)
            flight.set_result(None)
        return flight

    def _run(self, flight: Future[None], forced: bool) -> None:
        started = self._monotonic()
        held, place, failures = self._ring.snapshot, self._place, self._ring.failures
        outcome: tuple[Snapshot, Place] | str
        try:
            # Real time even where the clocks were replaced: waits must end.
            outcome = self._attempt.run(held, place, failures, monotonic_clock() + self._lifecycle.flight_budget)
        except AttemptFailed as failure:
            outcome = str(failure)
        except Exception as error:  # noqa: BLE001 - a fault here must not leave waiters waiting
            _log.exception("fetching the keys of %s failed unexpectedly", self._issuer)
            outcome = f"an unexpected {type(error).__name__}"
        with self._lock:
            self._land(flight, forced, outcome)
        flight.set_result(None)
        self._tell(outcome, held, self._monotonic() - started)

    def _land(self, flight: Future[None], forced: bool, outcome: tuple[Snapshot, Place] | str) -> None:
        """Take in what an attempt brought. Called with the lock held."""
        if self._flight is flight:
            self._flight = None
        if isinstance(outcome, str):
            now = self._monotonic()
            ring = self._ring.given_back(now) if forced else self._ring
            self._ring = ring.failed(outcome, now, random.random())  # noqa: S311 - spreads load, guards nothing
            return
        snapshot, self._place = outcome
        if self._ring.snapshot is None or self._ring.snapshot.keys is not snapshot.keys:
            self._negatives = self._no_negatives()
        self._ring = self._ring.succeeded(snapshot, random.random())  # noqa: S311 - the same

    def _tell(self, outcome: tuple[Snapshot, Place] | str, held: Snapshot | None, duration: float) -> None:
        if isinstance(outcome, str):
            snapshot, problem = held, outcome
            _log.warning("the keys of %s could not be refreshed: %s", self._issuer, problem)
        else:
            snapshot, problem = outcome[0], None
        dropped = snapshot.keys.dropped if snapshot else ()
        changed = problem is None and (held is None or snapshot is None or held.keys is not snapshot.keys)
        alarms = tuple(f"a key {entry.why}" for entry in dropped if entry.alarm) if changed else ()
        if changed and snapshot is not None and not snapshot.keys.keys:
            alarms += ("the key set holds no usable key",)
        for alarm in alarms:
            _log.error("the key set of %s needs attention: %s", self._issuer, alarm)
        if self._notify:
            self._notify(
                KeysRefreshed(
                    time=self._wall(),
                    issuer=self._issuer,
                    succeeded=problem is None,
                    problem=problem,
                    keys=len(snapshot.keys.keys) if snapshot else 0,
                    dropped=len(dropped),
                    alarms=alarms,
                    sha256=snapshot.sha256 if snapshot else None,
                    changed=changed,
                    duration_s=duration,
                )
            )

    def _no_negatives(self) -> TTLCache[tuple[str | None, str], bool]:
        return TTLCache(self._lifecycle.negative_kids, self._lifecycle.negative_ttl, timer=self._monotonic)


def _name(header: JoseHeader) -> tuple[str | None, str]:
    return (header.kid, "" if header.kid is not None else header.alg)


def _first_ring(issuer: str, source: KeySource, lifecycle: KeyLifecycle, now: float, wall: float) -> Keyring:
    if source.jwks is None:
        return Keyring(lifecycle)
    tenant = issuer if source.tenant_keys_only else None
    try:
        keys = parse_jwk_set(source.jwks, tenant_of=tenant, max_keys=lifecycle.max_keys)
    except KeySetError as problem:
        raise ConfigError(
            [Problem(f"{issuer} jwks", str(problem), "give the JWK Set that the issuer publishes")]
        ) from None
    given = Snapshot(keys=keys, fetched_at=now, fetched_wall=wall, ttl=lifecycle.ttl, sha256="")
    return Keyring(lifecycle, snapshot=given, given=True)
