"""Key records shared by many machines: what is asked of a store inside a flight, and which of its answers are believed.

A store that is down or slow costs a warning and never a verdict. Knows no Redis and no HTTP; core/sealing.py says what
a record must look like.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import Final, Protocol, Self

from bearergate.clocks import Clock
from bearergate.core.errors import ConfigError, Problem
from bearergate.core.key_record import (
    CLOCK_TOLERANCE,
    BadRecord,
    KeyRecord,
    check_time,
    record_of,
    snapshot_of,
    source_digest,
)
from bearergate.core.keyring import KeyLifecycle, Origin, Snapshot
from bearergate.core.policy import KeySource
from bearergate.core.sealing import MIN_SECRET_BYTES, seal, sealed_size, unseal

_NAME: Final = "bearergate:keys:"
_LOCK: Final = "bearergate:fetching:"
_CLAIM_MARGIN: Final = 1.0
"""Seconds that a claim outlives the flight of whoever made it and died."""
_WARN_EVERY: Final = 60.0

_log: Final = logging.getLogger("bearergate.keys")


class StoreFailed(Exception):
    """The store did not do what it was asked for. One sentence without addresses."""


class Visit(Protocol):
    """A short conversation with the store. Every method raises StoreFailed, and takes 100 ms at most."""

    def load(self, name: str, limit: int) -> bytes | None:
        """The value of this name, cut at `limit` bytes, or None."""
        ...

    def save(self, name: str, value: bytes, seconds: float) -> None:
        """Keep a value for so many seconds."""
        ...

    def claim(self, name: str, seconds: float) -> bool:
        """Whether this visit alone holds the name now; it does so until `release`, or for so many seconds."""
        ...

    def release(self) -> None:
        """Give back what was claimed."""
        ...

    def close(self) -> None:
        """End the conversation."""
        ...


class Store(Protocol):
    """Where records are shared; keeps no connection between visits."""

    def open(self) -> Visit:
        """Begin a visit; raises StoreFailed."""
        ...


class Reminder:
    """A warning that is worth its line once a minute at most."""

    def __init__(self) -> None:
        self._said_at = float("-inf")

    def warn(self, now: float, message: str, *arguments: object) -> None:
        """Log it unless it was logged in the last minute. `now`: monotonic, seconds.

        The arguments are kept by whoever keeps log records: no exceptions, which hold on to what raised them.
        """
        if now - self._said_at >= _WARN_EVERY:
            self._said_at = now
            _log.warning(message, *arguments)


@dataclass(frozen=True, slots=True)
class SharedKeys:
    """A store, and the secret without which nobody's records are believed (RFC 2104)."""

    store: Store
    secret: bytes = field(repr=False)
    """At least 32 bytes."""
    outage: Reminder = field(default_factory=Reminder, init=False, repr=False, compare=False)
    """One for all issuers: they share the store, and so its failures."""

    def __post_init__(self) -> None:
        """Raise ConfigError for a secret that is too short."""
        if len(self.secret) < MIN_SECRET_BYTES:
            problem = f"must have at least {MIN_SECRET_BYTES} bytes, got {len(self.secret)}"
            raise ConfigError([Problem("shared_keys", problem, "make a random one, the same for every machine")])


class SharedRecord:
    """One issuer's place in the store."""

    def __init__(
        self,
        shared: SharedKeys,
        issuer: str,
        source: KeySource,
        lifecycle: KeyLifecycle,
        *,
        monotonic: Clock,
        wall: Clock,
    ) -> None:
        """`monotonic` and `wall` are clocks in seconds."""
        self.ignored = 0
        """Records that were not believed."""
        self._shared = shared
        self._issuer = issuer
        self._digest = source_digest(issuer, source)
        self._tenant_of = source.tenant_of(issuer)
        self._lifecycle = lifecycle
        self._monotonic = monotonic
        self._wall = wall
        self._distrust = Reminder()

    def visit(self) -> SharedVisit:
        """A visit to this place, to be used in a `with` block; never raises."""
        return SharedVisit(self, self._shared.store)

    @property
    def name(self) -> str:
        """Under which name the record is kept; another for every configuration of the issuer."""
        return _NAME + self._digest

    @property
    def claim_name(self) -> str:
        """What is claimed by whoever fetches."""
        return _LOCK + self._digest

    @property
    def claim_seconds(self) -> float:
        """How long a claim holds where nobody gives it back."""
        return self._lifecycle.flight_budget + _CLAIM_MARGIN

    @property
    def size(self) -> int:
        """The most bytes that a record can have."""
        return sealed_size(self._lifecycle.max_bytes)

    def sealed(self, snapshot: Snapshot) -> bytes:
        """What is kept for others."""
        return seal(record_of(snapshot, self._issuer, self._digest), self._shared.secret)

    def lasts(self, snapshot: Snapshot) -> float:
        """Seconds that a set can be of use to anybody."""
        return snapshot.ttl + self._lifecycle.stale_if_error

    def believed(self, raw: bytes, held: Snapshot | None) -> Snapshot | None:
        """The set that was kept there if it may be used and is newer than the one held."""
        try:
            record = unseal(raw, self._digest, self._shared.secret)
            return self._newer(record, held)
        except BadRecord as flaw:
            self.ignored += 1
            message = "a shared record of the keys of %s was ignored: %s"
            self._distrust.warn(self._monotonic(), message, self._issuer, str(flaw))
            return None

    def lost(self, failure: StoreFailed) -> None:
        """The store failed; told once a minute."""
        self._shared.outage.warn(self._monotonic(), "the store of shared keys is not used: %s", str(failure))

    def _newer(self, record: KeyRecord, held: Snapshot | None) -> Snapshot | None:
        wall = self._wall()
        check_time(record, wall, self._lifecycle)
        found = snapshot_of(
            record,
            self._lifecycle,
            now=self._monotonic(),
            wall=wall,
            tenant_of=self._tenant_of,
            origin=Origin.SHARED,
        )
        if held is None:
            return found
        # The times are of two machines' clocks. Whoever fetched the keys that are held had seen the lower number.
        if found.sequence < held.sequence or held.is_newer_than(found):
            raise BadRecord("it is older than the keys that are held")
        return found if found.is_newer_than(held) and not _is_same_fetch(found, held) else None


def _is_same_fetch(found: Snapshot, held: Snapshot) -> bool:
    """Whether a set only seems to be newer, because a clock that was ahead has been caught up with since."""
    ahead = found.fetched_wall - held.fetched_wall
    return (found.sequence, found.sha256) == (held.sequence, held.sha256) and ahead <= CLOCK_TOLERANCE


class SharedVisit:
    """What one flight asks of the store; after the first failure nothing more, and the flight goes on alone."""

    def __init__(self, place: SharedRecord, store: Store) -> None:
        self._place = place
        self._store = store
        self._visit: Visit | None = None
        self._seen: bytes | None = None
        self._sequence = 0

    def __enter__(self) -> Self:
        try:
            self._visit = self._store.open()
        except StoreFailed as failure:
            self._lose(failure)
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()

    def claim(self) -> bool:
        """Whether this flight is the one that fetches; without a store every flight is."""
        if self._visit is None:
            return True
        try:
            return self._visit.claim(self._place.claim_name, self._place.claim_seconds)
        except StoreFailed as failure:
            self._lose(failure)
            return True

    def newer(self, held: Snapshot | None) -> Snapshot | None:
        """A set that another machine fetched after the one held, or None."""
        if self._visit is None:
            return None
        try:
            raw = self._visit.load(self._place.name, self._place.size)
        except StoreFailed as failure:
            self._lose(failure)
            return None
        if raw is None or raw == self._seen:
            return None
        self._seen = raw
        found = self._place.believed(raw, held)
        self._sequence = found.sequence if found is not None else self._sequence
        return found

    def published(self, snapshot: Snapshot, held: Snapshot | None) -> Snapshot:
        """The set that was just fetched, numbered, after it was kept for others."""
        before = max(self._sequence, held.sequence if held is not None else 0)
        numbered = replace(snapshot, sequence=before + 1)
        if self._visit is not None:
            try:
                self._visit.save(self._place.name, self._place.sealed(numbered), self._place.lasts(numbered))
            except StoreFailed as failure:
                self._lose(failure)
        return numbered

    def _lose(self, failure: StoreFailed) -> None:
        self._place.lost(failure)
        self._leave()

    def _leave(self) -> None:
        visit, self._visit = self._visit, None
        if visit is None:
            return
        try:
            visit.release()
        except StoreFailed as failure:
            # The claim ends by itself, but not before it held up others.
            self._place.lost(failure)
        visit.close()
