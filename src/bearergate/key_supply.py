"""What surrounds the keys of every issuer: the life cycle, the way out, the clocks, and where keys come from besides.

Frozen values only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bearergate.clocks import Clock, monotonic_clock, wall_clock
from bearergate.core.events import Event
from bearergate.core.key_record import Seed
from bearergate.core.keyring import KeyLifecycle
from bearergate.fetch import Fetch, HttpFetch
from bearergate.shared_keys import SharedKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySupply:
    """Where keys come from besides their issuers."""

    seed: Seed | None = None
    """Keys of an earlier run, to start with."""
    shared: SharedKeys | None = None
    """Where many machines share what one of them fetched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the keys of all issuers have in common."""

    lifecycle: KeyLifecycle
    fetch: Fetch | None = None
    """Replaces HTTP for every issuer."""
    monotonic: Clock = monotonic_clock
    """Seconds; for the age of keys."""
    wall: Clock = wall_clock
    """Seconds since the epoch."""
    notify: Callable[[Event], None] | None = None
    supply: KeySupply = KeySupply()
    _fetches: dict[str | None, Fetch] = field(default_factory=dict, init=False, repr=False, compare=False)

    def fetch_for(self, ca: str | None) -> Fetch:
        """How documents are fetched from hosts whose certificates these authorities sign; one for all their issuers.

        What a machine trusts is large and slow to load.
        """
        if self.fetch is not None:
            return self.fetch
        return self._fetches.setdefault(ca, HttpFetch(ca=ca, connect_timeout=self.lifecycle.connect_timeout))
