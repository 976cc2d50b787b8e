"""Which of our signing keys signs, which are published, and when the next one is made; decided from their times alone.

A key is published a whole period before it signs, because registries that read their certificates when they start must
have it by then, and stays published until no token that it signed is left. Knows no key, no file and no clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

LINGER: Final = 2 * 3600.0
"""Seconds that a key stays published after it has signed for the last time; twice the life of a token."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """What is to be done. Times are when a key begins to sign, in seconds since the epoch."""

    signs: float
    published: tuple[float, ...]
    missing: tuple[float, ...]
    """Keys that are to be made; among `published`, and maybe `signs`."""
    over: tuple[float, ...]
    """Keys that are to be deleted."""


def rotate(begins: Sequence[float], now: float, period: float) -> Rotation:
    """What is to be done with keys that begin to sign at these times, of which each signs for `period` seconds."""
    known = sorted(begins)
    past = [each for each in known if each <= now]
    coming = [each for each in known if each > now]
    missing: list[float] = []
    if not past:
        past = [now]
        missing.append(now)
    signs = past[-1]
    if not coming:
        due = signs + period
        # After a long sleep the time has come or nearly so, and a registry must have a chance to read the certificate.
        coming = [due if due >= now + period / 2 else now + period]
        missing.append(coming[0])
    # When a key was followed by the next one is when it signed last.
    over = [each for each, after in pairwise(past) if after + LINGER <= now]
    published = tuple(each for each in (*past, *coming) if each not in over)
    return Rotation(signs, published, tuple(missing), tuple(over))
