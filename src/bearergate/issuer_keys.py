"""IssuerKeys: one issuer's keyring with its lock, its flights and its negative kids.

Does what core/keyring.py decides. One slow issuer's state is never shared with another's.
"""

from __future__ import annotations

import logging
import os
import random
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final, TypeAlias

from cachetools import TTLCache

from bearergate.attempt import Attempt, Place
from bearergate.clocks import monotonic_clock
from bearergate.core.errors import Unavailable
from bearergate.core.jwk import KeySet
from bearergate.core.jwt import JoseHeader
from bearergate.core.key_health import KeyHealth, health
from bearergate.core.key_record import KeyRecord, record_of, source_digest
from bearergate.core.keyring import Act, Decision, Keyring, Origin, Phase, Snapshot
from bearergate.core.policy import KeySource
from bearergate.first_keys import first_ring
from bearergate.flights import FLIGHT, Flight, Wait
from bearergate.key_notes import KeyNotes
from bearergate.key_supply import Surroundings
from bearergate.refresh import Held, Landing, Refresh, shared_record

_log: Final = logging.getLogger("bearergate.keys")
_OVERDUE: Final = 1.0
"""Seconds beyond its budget after which a flight is given up: what holds it up, nothing could cut."""


_Untold: TypeAlias = tuple[None, Snapshot | None, str, float]


class IssuerKeys:
    """The living keys of one issuer."""

    def __init__(self, issuer: str, source: KeySource, around: Surroundings) -> None:
        """Fetches nothing. Without a Fetch of its own it is HTTP with the source's CA."""
        self._issuer = issuer
        self._digest = source_digest(issuer, source)
        self._lifecycle = around.lifecycle
        self._monotonic = around.monotonic
        self._shared = shared_record(issuer, source, around)
        self._refresh = Refresh(Attempt(issuer, source, around), self._shared, around.monotonic)
        self._notes = KeyNotes(issuer, around.wall, around.notify)
        self._ring = first_ring(issuer, source, around)
        self._edition = 0
        """Grows whenever the set changes in any way."""
        self._place: Place | None = None
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._flight: Flight | None = None
        self._departing: Flight | None = None
        self._negatives: TTLCache[tuple[str | None, str], bool] = self._no_negatives()
        self._untold: list[_Untold] = []

    def holds(self, header: JoseHeader) -> bool:
        """Whether a fresh set is at hand that settles which key this is."""
        decision = self._ring.decide(header, self._monotonic())
        return decision.act is Act.USE and not decision.unknown

    def ask(self, header: JoseHeader, doubted: KeySet | None = None) -> KeySet | Wait:
        """The set to use now, or the wait that the caller must go through; raises Unavailable."""
        ring, now = self._ring, self._monotonic()
        found = ring.at_hand(header, now)
        if found is not None and found is not doubted:
            return found
        with self._held():
            ring = self._ring
            negative = _name(header) in self._negatives
            decision = ring.decide(header, now, negative=negative, doubted=doubted)
            if decision.act not in (Act.USE, Act.UNAVAILABLE):
                patience = self._lifecycle.stale_wait if decision.act is Act.WAIT_BRIEFLY else self._lifecycle.max_wait
                joined = self._flight
                flight = self._fly(header if decision.act is Act.FORCE else None)
                final = flight.wanted == header
                early = flight is joined and not final
                return Wait(flight.ended, monotonic_clock() + patience, final, early)
            if decision.refresh:
                self._fly(None)
        return self._use(ring, decision, now)

    def settle(
        self, header: JoseHeader, waited: Wait, doubted: KeySet | None = None, *, arrived: bool
    ) -> KeySet | Wait:
        """The set to use after a wait, or one more wait; raises Unavailable. `arrived`: whether the flight ended."""
        now = self._monotonic()
        with self._held():
            ring = self._ring
            decision = ring.settle(
                header, now, arrived=arrived, final=waited.final, early=waited.early, doubted=doubted
            )
            if decision.act is Act.FORCE:
                flight = self._fly(header)
                return Wait(flight.ended, waited.until, final=flight.wanted == header)
            if decision.unknown and ring.snapshot is not None and ring.snapshot.origin is not Origin.SHARED:
                # Only the issuer itself can say that it has no such key.
                self._negatives[_name(header)] = True
        return self._use(ring, decision, now)

    def generation(self, header: JoseHeader) -> int:
        """Which keys these are, for a verdict on a token with this header.

        For one with a kid another number when a key is gone or replaced. For one without, whenever anything changes:
        a key that is added may make it ambiguous.
        """
        return self._ring.generation if header.kid is not None else self._edition

    def vouches(self, header: JoseHeader, generation: int) -> bool:
        """Whether a verdict made with keys of this generation holds without another look; starts a refresh that is due.

        Not past the ttl: there it is decided token by token what a set is still good for.
        """
        ring, now = self._ring, self._monotonic()
        if generation != (ring.generation if header.kid is not None else self._edition):
            return False
        if now < ring.quiet_until:
            return True
        if ring.phase(now) is not Phase.FRESH:
            return False
        # Before the lock is taken, so that a fresh set serves without one while its issuer is down.
        if now >= ring.refresh_at and not ring.is_backing_off(now):
            with self._held():
                if now >= self._ring.refresh_at and not self._ring.is_backing_off(now):
                    self._fly(None)
                return generation == self.generation(header)
        return True

    def wake(self) -> Wait | None:
        """A flight for an issuer without a fresh set, or None when there is nothing to do now."""
        with self._held():
            now = self._monotonic()
            if self._ring.phase(now) is Phase.FRESH or self._ring.is_backing_off(now):
                return None
            return Wait(self._fly(None).ended, monotonic_clock() + self._lifecycle.max_wait, final=True)

    def health(self) -> KeyHealth:
        """The state of these keys for an operator."""
        ignored = self._shared.ignored if self._shared else 0
        return health(self._ring, self._monotonic(), stale_uses=self._notes.stale_uses, ignored_records=ignored)

    def record(self) -> KeyRecord | None:
        """What a snapshot file keeps of these keys, or None without keys that were fetched."""
        ring = self._ring
        if ring.snapshot is None or ring.given or ring.phase(self._monotonic()) is Phase.EXPIRED:
            return None
        return record_of(ring.snapshot, self._issuer, self._digest)

    def reset_after_fork(self) -> None:
        """In a child process: the flight's thread is gone, and the lock may be held by nobody."""
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._flight = self._departing = None
        # Whoever held the lock may have been half-way through a change of it.
        self._negatives = self._no_negatives()
        self._notes.reset_after_fork()

    @contextmanager
    def _held(self) -> Generator[None, None, None]:
        """Hold the lock; flights depart, and what has to be told of failures meanwhile is told, without it."""
        if self._process != os.getpid():
            # A server in C forks without Python's hooks: the lock may be held by nobody, the flight has no thread.
            self.reset_after_fork()
        with self._lock:
            self._give_up_overdue()
            yield
            # Taken with the lock held, so that no other thread does the same.
            departing, self._departing = self._departing, None
            untold, self._untold = self._untold, []
        if departing is not None:
            untold += self._depart(departing)
        for failure in untold:
            self._notes.refreshed(*failure)

    def _depart(self, flight: Flight) -> list[_Untold]:
        """Start the thread of a flight; what is to be told when it cannot be. Called without the lock.

        Starting a thread waits for it. Under gevent everybody else runs meanwhile, and a lock that was made before
        the patching would stop the whole process at the next caller.
        """
        thread = threading.Thread(target=self._run, args=(flight,), name=FLIGHT, daemon=True)
        try:
            if sys.is_finalizing():
                # Up to Python 3.11 such a thread is taken and never runs, and its start waits for it.
                raise RuntimeError("no thread runs any more")
            thread.start()
        except (RuntimeError, MemoryError):
            with self._lock:
                if self._flight is flight:
                    self._fail(flight, "no thread could be started to fetch the keys")
                untold, self._untold = self._untold, []
            return untold
        return []

    def _use(self, ring: Keyring, decision: Decision, now: float) -> KeySet:
        if decision.act is Act.UNAVAILABLE or ring.snapshot is None:
            raise Unavailable(decision.reason, retry_after=decision.retry_after, cause=ring.problem or "")
        if decision.stale:
            self._notes.stale(ring.snapshot, now)
        return ring.snapshot.keys

    def _fly(self, wanted: JoseHeader | None) -> Flight:
        """The flight under way, or a new one, forced by the unknown kid of `wanted`. Called with the lock held."""
        if self._flight is not None:
            return self._flight
        flight = Flight(wanted)
        if wanted is not None:
            self._ring = self._ring.spent(self._monotonic())
        self._flight = self._departing = flight
        return flight

    def _give_up_overdue(self) -> None:
        """Give up a flight that hangs where no deadline reaches. Called with the lock held."""
        flight = self._flight
        if flight is not None and monotonic_clock() - flight.started > self._lifecycle.flight_budget + _OVERDUE:
            self._fail(flight, "the attempt did not end in time")

    def _fail(self, flight: Flight, problem: str) -> None:
        """End a flight that nobody else will end. Called with the lock held."""
        held = self._ring.snapshot
        self._land(flight, Landing(problem=problem))
        flight.ended.set_result(None)
        self._untold.append((None, held, problem, monotonic_clock() - flight.started))

    def _run(self, flight: Flight) -> None:
        ring = self._ring
        held = Held(ring.snapshot, self._place, ring.failures)
        try:
            # Real time even where the clocks were replaced: waits must end.
            landing = self._refresh.run(held, flight.wanted, flight.started + self._lifecycle.flight_budget)
            if landing.snapshot is not None and held.snapshot is not None:
                # Kept by the sets: for large ones it takes too long with the lock held, where they are compared again.
                landing.snapshot.keys.keeps(held.snapshot.keys)
        except Exception as error:  # noqa: BLE001 - a fault here must not leave waiters waiting
            _log.exception("fetching the keys of %s failed unexpectedly", self._issuer)
            landing = Landing(problem=f"an unexpected {type(error).__name__}")
        with self._lock:
            if self._flight is not flight:
                # It was given up, and what came after it is newer.
                return
            self._land(flight, landing)
        flight.ended.set_result(None)
        self._notes.refreshed(landing.snapshot, held.snapshot, landing.problem, monotonic_clock() - flight.started)

    def _land(self, flight: Flight, landing: Landing) -> None:
        """Take in what a flight brought. Called with the lock held."""
        self._flight = None
        now, ring, snapshot = self._monotonic(), self._ring, landing.snapshot
        chance = random.random()  # noqa: S311 - spreads load, guards nothing
        if flight.wanted is not None and (snapshot is None or snapshot.origin is Origin.SHARED):
            # The issuer was not asked, or the back-off limits the next attempt.
            ring = ring.given_back(now)
        held = ring.snapshot
        replaced = snapshot is not None and held is not None and held.keys is not snapshot.keys
        if replaced:
            self._negatives = self._no_negatives()
        if snapshot is not None:
            ring = ring.seeded(snapshot, chance) if landing.problem else ring.succeeded(snapshot, chance)
            self._place = landing.place
        self._ring = ring.failed(landing.problem, now, chance) if landing.problem else ring
        # After the keys, so that a verdict with the number before is dead, whichever keys made it.
        self._edition += replaced

    def _no_negatives(self) -> TTLCache[tuple[str | None, str], bool]:
        return TTLCache(self._lifecycle.negative_kids, self._lifecycle.negative_ttl, timer=self._monotonic)


def _name(header: JoseHeader) -> tuple[str | None, str]:
    return (header.kid, "" if header.kid is not None else header.alg)
