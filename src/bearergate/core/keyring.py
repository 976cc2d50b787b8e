"""The life of one issuer's keys as a pure state machine: when to use, refresh, fetch, serve stale, or refuse.

Time and chance are arguments. Knows no lock, no thread and no network: issuer_keys.py does what is decided here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum
from typing import Final

from bearergate.core.jwk import KeySet
from bearergate.core.jwt import JoseHeader
from bearergate.core.reasons import Reason
from bearergate.core.screening import MAX_KEYS

DAY: Final = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLifecycle:
    """The numbers of the key life cycle. Times are in seconds, sizes in bytes."""

    ttl: float = 600.0
    """How long a set is fresh when the issuer does not say."""
    min_ttl: float = 60.0
    max_ttl: float = 3600.0
    """Bounds within which `Cache-Control: max-age` is believed."""
    refresh_ahead: float = 0.8
    """Share of the ttl after which a set is refreshed in the background."""
    stale_if_error: float = 3600.0
    """How long after its ttl a set is used while its issuer does not answer; 0 fails closed."""
    unknown_kid_burst: int = 3
    unknown_kid_interval: float = 10.0
    """Forced fetches for unknown kids: a bucket of `burst`, refilled by one per `interval`."""
    negative_kids: int = 1024
    negative_ttl: float = 10.0
    backoff_first: float = 1.0
    backoff_max: float = 60.0
    flight_budget: float = 4.0
    """Longest fetch of discovery document and keys together."""
    max_wait: float = 5.0
    """Longest wait of one caller."""
    stale_wait: float = 0.5
    """Longest wait of a caller whose key is in a set past its ttl."""
    connect_timeout: float = 2.0
    max_bytes: int = 512 * 1024
    max_keys: int = MAX_KEYS
    discovery_ttl: float = DAY
    discovery_failures: int = 3
    """Failures in a row after which the discovery document is asked again."""
    runtime_issuers: int = 1000

    def ttl_of(self, max_age: float | None) -> float:
        """The ttl of a document that was served with this `max-age`, or without one."""
        return self.ttl if max_age is None else min(max(max_age, self.min_ttl), self.max_ttl)


class Phase(StrEnum):
    """The age of a set: never fetched, fresh, past its ttl, past its hard maximum."""

    NEVER = "never"
    FRESH = "fresh"
    STALE = "stale"
    EXPIRED = "expired"


class Origin(StrEnum):
    """Who gave a set: its issuer, another machine that fetched it, a file from an earlier fetch, or the operator."""

    ISSUER = "issuer"
    SHARED = "shared"
    SNAPSHOT = "snapshot"
    GIVEN = "given"


class Act(Enum):
    """What a caller does next."""

    USE = "use"
    WAIT = "wait"
    WAIT_BRIEFLY = "wait briefly"
    FORCE = "force"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Decision:
    """One caller's next step. `refresh`: also start a flight that nobody waits for. `unknown`: the kid is not there."""

    act: Act
    refresh: bool = False
    stale: bool = False
    unknown: bool = False
    reason: Reason = Reason.KEYS_UNAVAILABLE
    retry_after: float = 1.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One fetched key set, immutable."""

    keys: KeySet
    fetched_at: float
    """Monotonic, seconds."""
    fetched_wall: float
    """Wall clock, seconds since the epoch."""
    ttl: float
    sha256: str
    url: str = ""
    etag: str | None = None
    document: bytes = field(default=b"", repr=False)
    """The JWK Set as it arrived."""
    sequence: int = 0
    """Grows with every fetch of whoever shares it."""
    origin: Origin = Origin.ISSUER

    def is_newer_than(self, other: Snapshot | None) -> bool:
        """Whether it was fetched after the other one."""
        return other is None or (self.fetched_wall, self.sequence) > (other.fetched_wall, other.sequence)

    def is_fresh(self, now: float) -> bool:
        """Whether it is within its ttl. `now`: monotonic, seconds."""
        return now < self.fetched_at + self.ttl


@dataclass(frozen=True, slots=True)
class Keyring:
    """The state of one issuer's keys. Every method that changes it returns the next state."""

    lifecycle: KeyLifecycle
    snapshot: Snapshot | None = None
    given: bool = False
    """The keys were given by the operator: they never age and nothing is ever fetched."""
    refresh_at: float = math.inf
    failures: int = 0
    """Failed attempts since the last success."""
    retry_at: float = -math.inf
    """No attempt before this moment."""
    problem: str | None = None
    """Why the last finished attempt failed, or None when it succeeded."""
    generation: int = 0
    """Grows whenever a key is gone or replaced: what was proven with keys of an earlier generation may not hold."""
    quiet_until: float = -math.inf
    """Before this moment (monotonic) a set that has the kid is used, and nothing else need be decided."""
    bucket: float = 0.0
    bucket_at: float = -math.inf

    def at_hand(self, header: JoseHeader, now: float) -> KeySet | None:
        """The set, where `decide` would say to use it and nothing more: for nearly every token, and in a flood."""
        if now >= self.quiet_until or self.snapshot is None:
            return None
        keys = self.snapshot.keys
        if keys.decides(header):
            return keys
        # Nothing is fetched for any unknown kid, for now.
        return keys if self.problem is None and self.fetches_left(now) < 1 else None

    def phase(self, now: float) -> Phase:
        """How old the set is."""
        if self.snapshot is None:
            return Phase.NEVER
        if self.given or self.snapshot.is_fresh(now):
            return Phase.FRESH
        return Phase.STALE if now < self.hard_maximum() else Phase.EXPIRED

    def hard_maximum(self) -> float:
        """The moment (monotonic) from which the set must not be used; -inf without a set."""
        if self.given:
            return math.inf
        if self.snapshot is None:
            return -math.inf
        return self.snapshot.fetched_at + self.snapshot.ttl + self.lifecycle.stale_if_error

    def is_backing_off(self, now: float) -> bool:
        """Whether the last attempt failed so recently that none is made now."""
        return now < self.retry_at

    def fetches_left(self, now: float) -> float:
        """Forced fetches that unknown kids may still cause."""
        refilled = (now - self.bucket_at) / self.lifecycle.unknown_kid_interval
        return min(float(self.lifecycle.unknown_kid_burst), self.bucket + refilled)

    def decide(
        self, header: JoseHeader, now: float, *, negative: bool = False, doubted: KeySet | None = None
    ) -> Decision:
        """What the bearer of a token with this header does.

        `negative`: a fetch just showed that the kid is unknown. `doubted`: a set with which the signature of a
        token without kid did not verify; it takes the way of an unknown kid.
        """
        if self.snapshot is None:
            return self._wait(now)
        decided = self.snapshot.keys is not doubted and self.snapshot.keys.decides(header)
        if self.given:
            return Decision(Act.USE, unknown=not decided)
        match self.phase(now):
            case Phase.FRESH if decided:
                return Decision(Act.USE, refresh=now >= self.refresh_at and not self.is_backing_off(now))
            case Phase.FRESH:
                return self._look_for_unknown(now, negative=negative)
            case Phase.STALE if decided:
                backing_off = self.is_backing_off(now)
                return Decision(Act.USE if backing_off else Act.WAIT_BRIEFLY, stale=True)
            case _:
                return self._wait(now)

    def settle(
        self,
        header: JoseHeader,
        now: float,
        *,
        arrived: bool,
        final: bool = True,
        early: bool = False,
        doubted: KeySet | None = None,
    ) -> Decision:
        """What remains for a caller who waited.

        `arrived`: the flight ended; otherwise the patience did. `final`: the caller waited for a forced fetch, or has
        no patience left; otherwise a set that another machine fetched, earlier, may be asked about once more.
        `early`: the flight had begun before the caller came, so that the set may be older than the token.
        """
        phase = self.phase(now)
        if self.snapshot is None or phase is Phase.EXPIRED:
            return self._unavailable(now)
        if self.snapshot.keys is not doubted and self.snapshot.keys.decides(header):
            return Decision(Act.USE, stale=phase is Phase.STALE)
        if not arrived or self.problem is not None:
            return self._unavailable(now)
        if early or (self.snapshot.origin is Origin.SHARED and not final):
            return self._look_for_unknown(now, negative=False)
        return Decision(Act.USE, unknown=True)

    def _wait(self, now: float) -> Decision:
        return self._unavailable(now) if self.is_backing_off(now) else Decision(Act.WAIT)

    def _look_for_unknown(self, now: float, *, negative: bool) -> Decision:
        if negative:
            return Decision(Act.USE, unknown=True)
        if self.is_backing_off(now):
            return self._unavailable(now)
        if self.fetches_left(now) < 1:
            return Decision(Act.USE, unknown=True) if self.problem is None else self._unavailable(now)
        return Decision(Act.FORCE)

    def _unavailable(self, now: float) -> Decision:
        reason = Reason.KEYS_EXPIRED if self.phase(now) is Phase.EXPIRED else Reason.KEYS_UNAVAILABLE
        return Decision(Act.UNAVAILABLE, reason=reason, retry_after=max(1.0, self.retry_at - now))

    def spent(self, now: float) -> Keyring:
        """One forced fetch was taken from the bucket."""
        return replace(self, bucket=self.fetches_left(now) - 1, bucket_at=now)

    def given_back(self, now: float) -> Keyring:
        """A forced fetch failed: the back-off limits it, not the bucket."""
        return replace(self, bucket=self.fetches_left(now) + 1, bucket_at=now)

    def succeeded(self, snapshot: Snapshot, chance: float) -> Keyring:
        """A valid document arrived; it replaces the set. `chance` in [0, 1) spreads the refreshes of many processes."""
        return replace(self.seeded(snapshot, chance), failures=0, retry_at=-math.inf, problem=None)

    def seeded(self, snapshot: Snapshot, chance: float) -> Keyring:
        """A set from an earlier fetch is at hand; it says nothing about whether the issuer answers now."""
        ahead = snapshot.ttl * self.lifecycle.refresh_ahead * (0.9 + 0.2 * chance)
        refresh_at = snapshot.fetched_at + ahead
        quiet_until = min(refresh_at, snapshot.fetched_at + snapshot.ttl)
        kept = self.snapshot is None or snapshot.keys.keeps(self.snapshot.keys)
        return replace(
            self,
            snapshot=snapshot,
            refresh_at=refresh_at,
            quiet_until=quiet_until,
            generation=self.generation if kept else self.generation + 1,
        )

    def failed(self, problem: str, now: float, chance: float) -> Keyring:
        """An attempt ended without a valid document; `chance` in [0, 1) spreads the next one."""
        step = min(self.lifecycle.backoff_first * 2.0 ** min(self.failures, 30), self.lifecycle.backoff_max)
        return replace(self, failures=self.failures + 1, retry_at=now + step * (0.5 + 0.5 * chance), problem=problem)
