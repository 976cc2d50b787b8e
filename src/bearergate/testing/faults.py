"""The ways in which a fake issuer misbehaves, as frozen values, and the record of who asked it for what.

A fault is swapped by one assignment, so it may be changed while requests are under way. Sends nothing itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final


class Endpoint(Enum):
    """A document that an issuer publishes."""

    DISCOVERY = "discovery"
    JWKS = "jwks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """How one endpoint answers. Every default is healthy; faults may be combined."""

    status: int | None = None
    """Answer with this status instead of 200."""
    location: str | None = None
    """Redirect there (302)."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further header fields."""
    body: bytes | None = None
    """Send this instead of the document."""
    content_type: str = "application/json"
    padding: int = 0
    """Bytes of white space in front of the body: a well-formed document of any size."""
    gzip: bool = False
    """Compress the body; with `padding`, a small answer that unpacks to a large one."""
    reset: bool = False
    """Cut the connection without an answer."""
    hang: bool = False
    """Never answer."""
    delay: float = 0.0
    """Seconds before the answer."""
    drip_headers: float = 0.0
    """Seconds between two bytes of the answer's head."""
    drip_body: float = 0.0
    """Seconds between two bytes of its body."""


HEALTHY: Final = Fault()
HANGING: Final = Fault(hang=True)
HTML_PAGE: Final = Fault(body=b"<!doctype html><title>Sign in</title>", content_type="text/html; charset=utf-8")
EMPTY_SET: Final = Fault(body=b'{"keys": []}')
MALFORMED_JSON: Final = Fault(body=b'{"keys": [')
BIG_BODY: Final = Fault(padding=10_000_000)
GZIP_BOMB: Final = Fault(padding=20_000_000, gzip=True)


@dataclass(frozen=True, slots=True)
class Request:
    """One request that reached the issuer."""

    endpoint: Endpoint | None
    """None: it asked for something that is not published."""
    path: str
    headers: Mapping[str, str]
    """Lower-case names."""
    at: float
    """Monotonic, seconds."""


class Traffic:
    """What reached the issuer so far. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connections = 0
        self._requests: list[Request] = []

    def connected(self) -> None:
        """Count one connection."""
        with self._lock:
            self._connections += 1

    def asked(self, endpoint: Endpoint | None, path: str, headers: Mapping[str, str]) -> None:
        """Record one request."""
        with self._lock:
            self._requests.append(Request(endpoint, path, headers, time.monotonic()))

    @property
    def connections(self) -> int:
        """Connections accepted, those that were cut at once included."""
        with self._lock:
            return self._connections

    @property
    def requests(self) -> tuple[Request, ...]:
        """Every request, in order."""
        with self._lock:
            return tuple(self._requests)

    def count(self, endpoint: Endpoint) -> int:
        """Requests for one document."""
        return sum(1 for request in self.requests if request.endpoint is endpoint)

    def forget(self) -> None:
        """Start counting anew."""
        with self._lock:
            self._connections = 0
            self._requests.clear()
