"""Verdicts: tokens that were proven a short while ago, so that the same token need not be proven with every request.

Only proven tokens get in, so nobody can fill it with forged ones. A hit needs the whole token to be equal, and its
issuer's keys to vouch for it still. Knows no claim and no policy: how long a verdict may last is said by core/.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from bearergate.clocks import Clock
from bearergate.core.jwt import JoseHeader
from bearergate.core.principal import Principal

_TAIL: Final = 32
"""Characters of the signature by which a token is found: they cannot be chosen freely, and hash in no time."""
_OVERHEAD: Final = 4096
"""Bytes that a verdict takes besides its token and its claims; measured, see benchmarks/."""
_PER_CHARACTER: Final = 4
"""Bytes that a token and the claims in it take for each of its characters; measured likewise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictBounds:
    """How many verdicts are kept, and for how long."""

    entries: int = 4096
    """0 turns the cache off."""
    bytes: int = 32 * 1024 * 1024
    seconds: float = 300.0


class Voucher(Protocol):
    """The keys of one issuer, as far as verdicts hang on them."""

    def vouches(self, generation: int) -> bool:
        """Whether a verdict made with keys of this generation still holds; starts a refresh that is due."""
        ...


class Verdict(NamedTuple):
    """One proven token."""

    token: str
    principal: Principal
    header: JoseHeader
    token_issuer: str
    """The spelling of the issuer in the token itself."""
    voucher: Voucher
    generation: int
    """Of the keys, read before the signature was verified."""
    since: float
    until: float
    """It holds from the one moment until just before the other; wall clock, seconds since the epoch."""

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return _OVERHEAD + _PER_CHARACTER * len(self.token)

    def __repr__(self) -> str:
        return "Verdict()"


class Verdicts:
    """A bounded cache without a lock on a hit. One belongs to one validator, so every verdict is of its policy."""

    def __init__(self, bounds: VerdictBounds, clock: Clock) -> None:
        """`clock`: wall clock in seconds since the epoch."""
        self._bounds = bounds
        self._clock = clock
        self._lock = threading.Lock()
        # Two halves: what is used moves to the young one, and when that is full the old one is forgotten at once.
        self._young: dict[str, Verdict] = {}
        self._old: dict[str, Verdict] = {}
        self._young_bytes = 0

    @property
    def are_kept(self) -> bool:
        """Whether anything is remembered at all."""
        return self._bounds.entries > 0

    def find(self, token: str) -> Verdict | None:
        """The verdict on exactly this token, if it still holds."""
        tail = token[-_TAIL:]
        verdict = self._young.get(tail)
        if verdict is None:
            verdict = self._old.get(tail)
            if verdict is None:
                return None
            if verdict.token == token:
                self._keep(verdict)
        if verdict.token != token or not verdict.since <= self._clock() < verdict.until:
            return None
        return verdict if verdict.voucher.vouches(verdict.generation) else None

    def keep(self, verdict: Verdict) -> None:
        """Remember a verdict for as long as it holds, at most for `seconds`."""
        end = self._clock() + self._bounds.seconds
        self._keep(verdict if verdict.until <= end else verdict._replace(until=end))

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._young, self._old, self._young_bytes = {}, {}, 0

    def reset_after_fork(self) -> None:
        """In a child process: the lock may be held by nobody."""
        self._lock = threading.Lock()

    def _keep(self, verdict: Verdict) -> None:
        with self._lock:
            tail = verdict.token[-_TAIL:]
            before = self._young.get(tail)
            self._young_bytes += verdict.size - (before.size if before is not None else 0)
            if 2 * len(self._young) >= self._bounds.entries or 2 * self._young_bytes > self._bounds.bytes:
                self._old, self._young, self._young_bytes = self._young, {}, verdict.size
            self._young[tail] = verdict
