"""KeyHealth: what an operator is told of one issuer's keys.

Reads a keyring and changes nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bearergate.core.keyring import Keyring, Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyHealth:
    """What an operator is told of one issuer's keys."""

    state: str
    """`never`, `fresh`, `stale`, `expired` or `backoff`."""
    keys: int
    dropped: int
    last_success: float | None
    """Wall clock, seconds since the epoch."""
    next_attempt_in: float | None
    """Seconds, or None when none is planned."""
    expires_in: float | None
    """Seconds until the keys must not be used any more, or None without keys."""
    problem: str | None
    """Why the last finished attempt failed, or None when it succeeded."""
    sha256: str | None
    origin: str | None
    """Who gave the keys: `issuer`, `shared`, `snapshot` or `given`; None without keys."""
    stale_uses: int = 0
    """Tokens verified with keys past their time."""
    ignored_records: int = 0
    """Shared records that were not used: forged, from the future, or too old."""

    @property
    def is_in_force(self) -> bool:
        """Whether tokens are judged by these keys now. Keys given by the operator are fresh and expire never."""
        return self.state == Phase.FRESH or (self.expires_in is not None and self.expires_in > 0)


def health(ring: Keyring, now: float, *, stale_uses: int = 0, ignored_records: int = 0) -> KeyHealth:
    """The health of one issuer's keys. `backoff` is told only where it hurts: without a fresh set."""
    phase = ring.phase(now)
    state = "backoff" if phase is not Phase.FRESH and ring.is_backing_off(now) else phase.value
    snapshot = ring.snapshot
    planned = max(ring.retry_at, ring.refresh_at if math.isfinite(ring.refresh_at) else -math.inf)
    return KeyHealth(
        state=state,
        keys=len(snapshot.keys.keys) if snapshot else 0,
        dropped=len(snapshot.keys.dropped) if snapshot else 0,
        last_success=snapshot.fetched_wall if snapshot else None,
        next_attempt_in=max(0.0, planned - now) if math.isfinite(planned) else None,
        expires_in=ring.hard_maximum() - now if snapshot and not ring.given else None,
        problem=ring.problem,
        sha256=snapshot.sha256 if snapshot else None,
        origin=snapshot.origin.value if snapshot else None,
        stale_uses=stale_uses,
        ignored_records=ignored_records,
    )
