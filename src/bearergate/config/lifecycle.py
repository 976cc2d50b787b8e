"""The keys of `keys:` (the numbers of the key life cycle) and the bounds within which each makes sense.

The names are those of KeyLifecycle. Knows no default: KeyLifecycle does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from bearergate.config.section import Section
from bearergate.core.keyring import DAY, KeyLifecycle
from bearergate.core.screening import MAX_KEYS

_MOMENT: Final = 0.001
_WEEK: Final = 7 * DAY

NUMBERS: Final[Mapping[str, tuple[float, float]]] = {
    "ttl": (1, _WEEK),
    "min_ttl": (1, _WEEK),
    "max_ttl": (1, _WEEK),
    "refresh_ahead": (0.1, 1),
    "stale_if_error": (0, _WEEK),
    "unknown_kid_interval": (_MOMENT, DAY),
    "negative_ttl": (0, DAY),
    "backoff_first": (_MOMENT, DAY),
    "backoff_max": (_MOMENT, DAY),
    "flight_budget": (_MOMENT, 600),
    "max_wait": (_MOMENT, 600),
    "stale_wait": (0, 600),
    "connect_timeout": (_MOMENT, 600),
    "discovery_ttl": (1, 30 * DAY),
}

COUNTS: Final[Mapping[str, tuple[int, int]]] = {
    "unknown_kid_burst": (1, 1000),
    "negative_kids": (1, 1_000_000),
    "max_bytes": (1024, 64 * 1024 * 1024),
    # The parser refuses longer documents whatever is configured.
    "max_keys": (1, MAX_KEYS),
    "discovery_failures": (1, 1000),
    "runtime_issuers": (1, 100_000),
}

_ORDERED: Final = (("min_ttl", "max_ttl"), ("backoff_first", "backoff_max"))


def read_lifecycle(root: Section) -> KeyLifecycle:
    """The life cycle with what `keys:` says about it."""
    section = root.section("keys", (*NUMBERS, *COUNTS))
    numbers = {key: section.number(key, *bounds) for key, bounds in NUMBERS.items()}
    counts = {key: section.whole(key, *bounds) for key, bounds in COUNTS.items()}
    given = {key: value for key, value in (*numbers.items(), *counts.items()) if value is not None}
    # The tables above hold exactly the fields and types of KeyLifecycle; a test compares them.
    lifecycle = replace(KeyLifecycle(), **given)  # type: ignore[arg-type]
    for low, high in _ORDERED:
        written = section.members.get(low) or section.members.get(high)
        if written is not None and getattr(lifecycle, low) > getattr(lifecycle, high):
            section.findings.problem(written, f"makes {low} greater than {high}", f"set both, {low} being the smaller")
    return lifecycle
