"""Verdicts: tokens that were proven a short while ago, so that the same token need not be proven with every request.

Only proven tokens get in, so nobody can fill it with forged ones. A hit needs the whole token to be equal, and its
issuer's keys to vouch for it still. Knows no claim and no policy: how long a verdict may last is said by core/.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from bearergate.clocks import Clock
from bearergate.core.errors import ConfigError, Problem
from bearergate.core.jwt import JoseHeader
from bearergate.core.principal import Principal

MAX_ENTRIES: Final = 1_000_000
MIN_BYTES: Final = 64 * 1024
MAX_SECONDS: Final = 300.0
"""Nobody can make a verdict last longer."""
_TAIL: Final = 32
"""Characters of the signature by which a token is found: they cannot be chosen freely, and hash in no time."""
_OVERHEAD: Final = 4096
"""Bytes that a verdict takes besides its token and its claims; measured, see benchmarks/."""
_PER_CHARACTER: Final = 4
"""Bytes that a token and the claims in it take for each of its characters; measured likewise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictBounds:
    """How many verdicts are kept, and for how long; raises ConfigError for what would be no bound."""

    entries: int = 4096
    """0 turns the cache off."""
    bytes: int = 32 * 1024 * 1024
    """Estimated from the lengths of the tokens."""
    seconds: float = MAX_SECONDS

    def __post_init__(self) -> None:
        rules = (
            ("entries", 0 <= self.entries <= MAX_ENTRIES, f"must be 0 to {MAX_ENTRIES}"),
            ("bytes", self.bytes >= MIN_BYTES, f"must be at least {MIN_BYTES}"),
            ("seconds", 1 <= self.seconds <= MAX_SECONDS, f"must be 1 to {MAX_SECONDS:.0f}"),
        )
        problems = [Problem(f"verdicts.{name}", rule) for name, is_kept, rule in rules if not is_kept]
        if problems:
            raise ConfigError(problems)


class Voucher(Protocol):
    """The keys of one issuer, as far as verdicts hang on them."""

    def generation(self, header: JoseHeader) -> int:
        """Which keys these are, for a verdict on a token with this header."""
        ...

    def vouches(self, header: JoseHeader, generation: int) -> bool:
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
        self.are_kept: Final = bounds.entries > 0
        """Whether anything is remembered at all."""
        self._clock = clock
        self._locks: dict[int, threading.Lock] = {}
        # Two halves: what is used moves to the young one, and when that is full the old one is forgotten at once.
        self._young: dict[str, Verdict] = {}
        self._old: dict[str, Verdict] = {}
        self._young_bytes = 0

    def find(self, token: str) -> Verdict | None:
        """The verdict on exactly this token, if it still holds."""
        if not self.are_kept:
            return None
        tail = token[-_TAIL:]
        young = self._young.get(tail)
        verdict = self._old.get(tail) if young is None else young
        if verdict is None or verdict.token != token or not verdict.since <= self._clock() < verdict.until:
            return None
        if not verdict.voucher.vouches(verdict.header, verdict.generation):
            return None
        if young is None:
            self._keep(verdict, replace=False)
        return verdict

    def keep(self, verdict: Verdict) -> None:
        """Remember a verdict for as long as it holds, at most for `seconds`."""
        end = self._clock() + self._bounds.seconds
        self._keep(verdict if verdict.until <= end else verdict._replace(until=end), replace=True)

    def _keep(self, verdict: Verdict, *, replace: bool) -> None:
        """Put a verdict into the young half. `replace`: also in the place of what was proven meanwhile."""
        entries, size = self._bounds.entries, verdict.size
        if not entries or 2 * size > self._bounds.bytes:
            # There is no place for it in a half.
            return
        tail = verdict.token[-_TAIL:]
        with self._lock():
            before = self._young.get(tail)
            if before is not None:
                if not replace:
                    return
                self._young_bytes -= before.size
            elif 2 * (len(self._young) + 1) > entries:
                self._begin_half()
            if 2 * (self._young_bytes + size) > self._bounds.bytes:
                self._begin_half()
            self._young[tail] = verdict
            self._young_bytes += size

    def _begin_half(self) -> None:
        """Make the young half the old one. Called with the lock held."""
        # A cache of a single verdict has no halves.
        self._old = self._young if self._bounds.entries > 1 else {}
        self._young, self._young_bytes = {}, 0

    def _lock(self) -> threading.Lock:
        """The lock of this process: after a fork that of the parent may be held by nobody, whoever forked."""
        process = os.getpid()
        return self._locks.get(process) or self._locks.setdefault(process, threading.Lock())
