"""One refresh of an issuer's keys: first what another machine fetched, if keys are shared, then the issuer itself.

Sequential; runs in a flight's thread. Decides nothing about tokens and knows no caller.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Final

from bearergate.attempt import Attempt, AttemptFailed, Place
from bearergate.clocks import Clock, monotonic_clock
from bearergate.core.jwt import JoseHeader
from bearergate.core.keyring import Snapshot
from bearergate.core.policy import KeySource
from bearergate.key_supply import Surroundings
from bearergate.shared_keys import SharedRecord, SharedVisit

_LOOK_FIRST: Final = 0.02
_LOOK_LAST: Final = 0.25
"""Seconds between two looks whether the machine that is fetching has finished; each is twice the one before."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a keyring holds when a refresh begins."""

    snapshot: Snapshot | None
    place: Place | None
    failures: int
    """Failed attempts since the last success."""


@dataclass(frozen=True, slots=True)
class Landing:
    """What a refresh brought: a set, or why the issuer gave none, or both when another machine had a newer one."""

    snapshot: Snapshot | None = None
    place: Place | None = None
    problem: str | None = None


def shared_record(issuer: str, source: KeySource, around: Surroundings) -> SharedRecord | None:
    """The issuer's place in the store, where keys are shared."""
    shared = around.supply.shared
    if shared is None:
        return None
    return SharedRecord(shared, issuer, source, around.lifecycle, monotonic=around.monotonic, wall=around.wall)


class Refresh:
    """How one issuer's keys are refreshed."""

    def __init__(self, attempt: Attempt, shared: SharedRecord | None, monotonic: Clock) -> None:
        """`monotonic`: clock in seconds, for the age of sets."""
        self._attempt = attempt
        self._shared = shared
        self._monotonic = monotonic

    def run(self, held: Held, wanted: JoseHeader | None, deadline: float) -> Landing:
        """Obtain the set. `wanted`: the header whose unknown kid forced this; `deadline`: see Attempt.run."""
        if self._shared is None:
            return self._fetched(held, deadline)
        with self._shared.visit() as visit:
            found = self._found(visit, held, wanted, deadline)
            if found is not None and self._is_enough(found, wanted):
                return Landing(found, held.place)
            landing = self._fetched(replace(held, snapshot=found or held.snapshot), deadline)
            if landing.snapshot is not None:
                return Landing(visit.published(landing.snapshot, held.snapshot), landing.place)
            # Meanwhile another machine may have succeeded, and an older set is better than one older still, or none.
            found = visit.newer(held.snapshot) or found
            is_settled = found is not None and self._is_enough(found, wanted)
            return Landing(found, held.place, None if is_settled else landing.problem)

    def _found(self, visit: SharedVisit, held: Held, wanted: JoseHeader | None, deadline: float) -> Snapshot | None:
        """A newer set, as soon as it is enough or as it is this machine's turn to fetch."""
        found: Snapshot | None = None
        # Half of the time is kept for asking the issuer, should the machine that fetches be dead.
        patience = (monotonic_clock() + deadline) / 2
        pause = _LOOK_FIRST
        while not visit.claim() and monotonic_clock() < patience:
            found = visit.newer(held.snapshot) or found
            if found is not None and self._is_enough(found, wanted):
                return found
            # An event that nobody sets: unlike time.sleep it is left alone by tests that freeze the clock.
            threading.Event().wait(pause)
            pause = min(2 * pause, _LOOK_LAST)
        return visit.newer(held.snapshot) or found

    def _is_enough(self, found: Snapshot, wanted: JoseHeader | None) -> bool:
        """Whether the issuer need not be asked any more."""
        if not found.is_fresh(self._monotonic()):
            return False
        # Without a kid nobody can tell whether an earlier document has the key.
        return wanted is None or (wanted.kid is not None and found.keys.decides(wanted))

    def _fetched(self, held: Held, deadline: float) -> Landing:
        try:
            snapshot, place = self._attempt.run(held.snapshot, held.place, held.failures, deadline)
        except AttemptFailed as failure:
            return Landing(problem=str(failure))
        return Landing(snapshot, place)
