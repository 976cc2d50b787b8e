"""KeyNotes: what is told of one issuer's keys, as events to observers and as log lines to an operator.

Counts and words only. Decides nothing, and never holds a key or a token.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import Final

from bearergate.clocks import Clock
from bearergate.core.events import Event, KeysRefreshed, StaleKeysUsed
from bearergate.core.keyring import Snapshot

_log: Final = logging.getLogger("bearergate.keys")
_STALE_NOTE_EVERY: Final = 60.0


class KeyNotes:
    """Safe to share between threads."""

    def __init__(self, issuer: str, wall: Clock, notify: Callable[[Event], None] | None) -> None:
        """`wall`: clock in seconds since the epoch."""
        self._issuer = issuer
        self._wall = wall
        self._notify = notify
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._stale_uses = 0
        self._stale_noted_at = float("-inf")

    @property
    def stale_uses(self) -> int:
        """Tokens that were verified with keys past their time."""
        return self._stale_uses

    def reset_after_fork(self) -> None:
        """In a child process: the lock may be held by nobody."""
        self._process = os.getpid()
        self._lock = threading.Lock()

    def stale(self, snapshot: Snapshot, now: float) -> None:
        """A set past its time was used; told once a minute. `now`: monotonic, seconds."""
        if self._process != os.getpid():
            self.reset_after_fork()
        with self._lock:
            self._stale_uses += 1
            uses = self._stale_uses
            if now - self._stale_noted_at < _STALE_NOTE_EVERY:
                return
            self._stale_noted_at = now
        age = now - snapshot.fetched_at
        _log.warning(
            "%s does not answer; its keys are %.0f s old and used %d times past their time", self._issuer, age, uses
        )
        if self._notify:
            self._notify(StaleKeysUsed(time=self._wall(), issuer=self._issuer, age_s=age))

    def refreshed(self, snapshot: Snapshot | None, held: Snapshot | None, problem: str | None, duration: float) -> None:
        """A refresh ended. `snapshot`: what it brought, `held`: what was there before, `duration`: seconds."""
        if problem is not None:
            _log.warning("the keys of %s could not be refreshed: %s", self._issuer, problem)
        changed = snapshot is not None and (held is None or held.keys is not snapshot.keys)
        present = snapshot or held
        alarms = _alarms(snapshot) if changed and snapshot is not None else ()
        for alarm in alarms:
            _log.error("the key set of %s needs attention: %s", self._issuer, alarm)
        if self._notify:
            self._notify(
                KeysRefreshed(
                    time=self._wall(),
                    issuer=self._issuer,
                    succeeded=problem is None,
                    problem=problem,
                    origin=snapshot.origin.value if snapshot else None,
                    keys=len(present.keys.keys) if present else 0,
                    dropped=len(present.keys.dropped) if present else 0,
                    alarms=alarms,
                    sha256=present.sha256 if present else None,
                    changed=changed,
                    duration_s=duration,
                )
            )


def _alarms(snapshot: Snapshot) -> tuple[str, ...]:
    alarms = tuple(f"a key {entry.why}" for entry in snapshot.keys.dropped if entry.alarm)
    return alarms if snapshot.keys.keys else (*alarms, "the key set holds no usable key")
