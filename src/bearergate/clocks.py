"""The two clocks: wall time for claims, monotonic time for the age of keys, for waits and for deadlines.

Both can be replaced by arguments wherever they are used. Knows nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias

Clock: TypeAlias = Callable[[], float]
"""Seconds."""


def wall_clock() -> float:
    """Seconds since the epoch. Looks `time` up at each call, so that a clock that a test freezes is obeyed."""
    return time.time()


# Not time.monotonic: libraries that freeze it do so for some threads and not for others, and then keys that one thread
# fetched are decades old to the next.
monotonic_clock: Final[Clock] = (
    partial(time.clock_gettime, time.CLOCK_MONOTONIC) if hasattr(time, "clock_gettime") else time.monotonic
)
"""Seconds since an arbitrary moment; never frozen where the platform has a second way to ask."""
