"""Moments and spans of time as people and machines read them. Words only; knows no clock."""

from __future__ import annotations

import datetime as dt
from typing import Final

_FIRST: Final = dt.datetime.min.replace(tzinfo=dt.UTC).timestamp()
_LAST: Final = dt.datetime.max.replace(tzinfo=dt.UTC).timestamp() - 1
_UNITS: Final = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def duration(seconds: float) -> str:
    """The two greatest units."""
    parts: list[str] = []
    rest = int(seconds)
    for name, size in _UNITS:
        count, rest = divmod(rest, size)
        if count or parts:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"


def iso_time(seconds: float) -> str:
    """A moment since the epoch in UTC (RFC 3339), within what a calendar holds."""
    return dt.datetime.fromtimestamp(min(max(seconds, _FIRST), _LAST), dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def utc_time(seconds: float) -> str:
    """The same for people."""
    return iso_time(seconds).replace("T", " ").replace("Z", " UTC")
