"""Keys: from an issuer and a token header to the issuer's key set, for threads and event loops alike.

One thread-safe object. A refresh is a short-lived daemon thread ("flight") that all waiters share; a fresh set is
read without a lock. Decides nothing: core/keyring.py does. Never looks at a token's text.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from cachetools import LRUCache

from bearergate.clocks import Clock, monotonic_clock, wall_clock
from bearergate.core.errors import ConfigError, Problem, Unavailable
from bearergate.core.events import Event
from bearergate.core.jwk import KeySet
from bearergate.core.jwt import JoseHeader
from bearergate.core.key_health import KeyHealth
from bearergate.core.key_record import KeyRecord
from bearergate.core.keyring import KeyLifecycle
from bearergate.core.policy import KeySource
from bearergate.core.screening import load_importer
from bearergate.fetch import Fetch
from bearergate.flights import Wait
from bearergate.issuer_keys import IssuerKeys
from bearergate.key_supply import KeySupply, Surroundings

_ISSUERS_ONLY: Final = KeySupply()


class Keys:
    """The key sets of all configured issuers, and of issuers that are added at run time."""

    def __init__(
        self,
        sources: Mapping[str, KeySource],
        lifecycle: KeyLifecycle | None = None,
        *,
        fetch: Fetch | None = None,
        monotonic: Clock = monotonic_clock,
        wall: Clock = wall_clock,
        notify: Callable[[Event], None] | None = None,
        supply: KeySupply = _ISSUERS_ONLY,
    ) -> None:
        """Nothing is fetched here. `fetch` replaces the default for every issuer; clocks are in seconds.

        Raises ConfigError for keys that are to be shared with an issuer that is not configured, or given keys that
        are no JWK Set.
        """
        for issuer, source in sources.items():
            for other in source.shares_keys_with:
                if other not in sources:
                    problem = f"names {other}, which is not configured"
                    raise ConfigError([Problem(f"{issuer} shares_keys_with", problem, "configure both issuers")])
        load_importer()
        numbers = lifecycle or KeyLifecycle()
        around = Surroundings(
            lifecycle=numbers, fetch=fetch, monotonic=monotonic, wall=wall, notify=notify, supply=supply
        )
        self._open = partial(IssuerKeys, around=around)
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._sources = dict(sources)
        self._configured: Final = {issuer: self._open(issuer, source) for issuer, source in sources.items()}
        # Nearly all share with nobody: for them there is nothing to search.
        self._alone: Final = {
            issuer: station for issuer, station in self._configured.items() if not sources[issuer].shares_keys_with
        }
        self._runtime: LRUCache[str, IssuerKeys] = LRUCache(numbers.runtime_issuers)
        _alive.add(self)

    def find(self, issuer: str, header: JoseHeader, *, doubted: KeySet | None = None) -> KeySet:
        """The set to choose the key of a token from; waits for the issuer at most `max_wait` seconds.

        `doubted`: a set with which the signature of a token without kid just failed. Raises Unavailable. Whether
        the set really holds the key is for the caller to see (`KeySet.select`).
        """
        alone = self._alone.get(issuer)
        if alone is not None:
            asked = alone.ask(header, doubted)
            while isinstance(asked, Wait):
                asked = alone.settle(header, asked, doubted, arrived=asked.wait())
            return asked
        search = _Search(self._stations(issuer), header, doubted)
        for station in search:
            try:
                asked = station.ask(header, doubted)
                while isinstance(asked, Wait):
                    asked = station.settle(header, asked, doubted, arrived=asked.wait())
                search.found = asked
            except Unavailable as error:
                search.failure = error
        return search.result()

    async def find_async(self, issuer: str, header: JoseHeader, *, doubted: KeySet | None = None) -> KeySet:
        """The same, without blocking the event loop."""
        search = _Search(self._stations(issuer), header, doubted)
        for station in search:
            try:
                asked = station.ask(header, doubted)
                while isinstance(asked, Wait):
                    asked = station.settle(header, asked, doubted, arrived=await asked.wait_async())
                search.found = asked
            except Unavailable as error:
                search.failure = error
        return search.result()

    def voucher(self, issuer: str) -> IssuerKeys | None:
        """Who vouches for verdicts of an issuer; None where several issuers' keys could have made them."""
        return self._alone.get(issuer)

    def ensure(self, issuer: str, source: KeySource) -> None:
        """Add an issuer at run time, with its own state; the least recently used one beyond 1000 is forgotten."""
        with self._held():
            if issuer not in self._configured and issuer not in self._runtime:
                self._runtime[issuer] = self._open(issuer, source)

    def warm(self) -> Mapping[str, KeyHealth]:
        """Fetch the keys of every configured issuer that has none fresh, and report; waits at most `max_wait` each."""
        for wait in self._wake():
            wait.wait()
        return self.health()

    async def warm_async(self) -> Mapping[str, KeyHealth]:
        """The same, without blocking the event loop."""
        for wait in self._wake():
            await wait.wait_async()
        return self.health()

    def health(self) -> Mapping[str, KeyHealth]:
        """The state of every configured issuer's keys."""
        return {issuer: station.health() for issuer, station in self._configured.items()}

    def records(self) -> tuple[KeyRecord, ...]:
        """What a snapshot file keeps: the keys of every configured issuer that were fetched and may still be used."""
        kept = [station.record() for station in self._configured.values()]
        return tuple(record for record in kept if record is not None)

    def _held(self) -> threading.Lock:
        """The lock; a server in C may have forked without Python's hooks, and then it may be held by nobody."""
        if self._process != os.getpid():
            self.reset_after_fork()
        return self._lock

    def _wake(self) -> list[Wait]:
        # All flights start before anybody waits: the slowest issuer is the whole wait.
        woken = [station.wake() for station in self._configured.values()]
        return [wait for wait in woken if wait is not None]

    def _stations(self, issuer: str) -> tuple[IssuerKeys, ...]:
        own = self._configured.get(issuer)
        if own is None:
            with self._held():
                added = self._runtime.get(issuer)
            if added is None:
                # It was forgotten since it was ensured: too many others were. Asking again ensures it again.
                raise Unavailable(cause="the issuer was forgotten")
            return (added,)
        shared = self._sources[issuer].shares_keys_with
        return (own, *(self._configured[other] for other in shared)) if shared else (own,)

    def reset_after_fork(self) -> None:
        """Make locks and flights anew in a child process: their threads did not come along."""
        self._process = os.getpid()
        self._lock = threading.Lock()
        for station in (*self._configured.values(), *self._runtime.values()):
            station.reset_after_fork()


class _Search:
    """Own keys first, then those of issuers that the operator let share; nearly always one station."""

    def __init__(self, stations: tuple[IssuerKeys, ...], header: JoseHeader, doubted: KeySet | None) -> None:
        self.found: KeySet | None = None
        self.failure: Unavailable | None = None
        self._header = header
        self._doubted = doubted
        # A set at hand that settles the matter saves asking the others.
        ready = [station for station in stations if len(stations) > 1 and station.holds(header)]
        self._stations = tuple(ready) or stations

    def __iter__(self) -> Iterator[IssuerKeys]:
        for station in self._stations:
            yield station
            if self.found is not None and self.found is not self._doubted and self.found.decides(self._header):
                return

    def result(self) -> KeySet:
        """The last set that was found; the failure of another station counts when that set settles nothing."""
        if self.found is None or (self.failure is not None and not self.found.decides(self._header)):
            raise self.failure or Unavailable()
        return self.found


_alive: Final[weakref.WeakSet[Keys]] = weakref.WeakSet()


def _reset_all_after_fork() -> None:
    for keys in list(_alive):
        keys.reset_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_all_after_fork)
