"""A flight, and a caller's wait for it: how threads and event loops share one refresh of an issuer's keys.

Cancelling a waiter never cancels the flight. Knows no key and starts no thread: issuer_keys.py does.
"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final

from bearergate.clocks import monotonic_clock
from bearergate.core.jwt import JoseHeader

FLIGHT: Final = "bearergate-keys"
"""The name of a flight's thread."""


@dataclass(frozen=True, slots=True)
class Flight:
    """A refresh under way, and the future that ends with it."""

    wanted: JoseHeader | None
    """The header whose unknown kid forced it, or None when it was due."""
    started: float = field(default_factory=monotonic_clock)
    ended: Future[None] = field(default_factory=Future)

    def __post_init__(self) -> None:
        # Marked as running before anybody sees it: a waiter that is cancelled cannot cancel it for the others.
        self.ended.set_running_or_notify_cancel()


@dataclass(frozen=True, slots=True)
class Wait:
    """A caller's wait for a flight, and how long it may last."""

    flight: Future[None]
    until: float
    """Seconds of the real monotonic clock."""
    final: bool
    """Whether nothing more is asked when it has ended: it was this caller's kid that forced the flight."""
    early: bool = False
    """Whether the flight was under way before this caller came: what it brings may be older than the token."""

    def wait(self) -> bool:
        """Block until the flight arrives or the patience ends; whether it arrived."""
        try:
            self.flight.result(max(0.0, self.until - monotonic_clock()))
        except TimeoutError:
            return False
        return True

    async def wait_async(self) -> bool:
        """The same in an event loop. Cancelling the waiter never cancels the flight."""
        import asyncio

        wrapped = asyncio.wrap_future(self.flight)
        try:
            arrived, _ = await asyncio.wait({wrapped}, timeout=max(0.0, self.until - monotonic_clock()))
        finally:
            # Lets the flight forget a loop that may be closed by the time it arrives; the flight itself goes on.
            wrapped.cancel()
        return bool(arrived)
