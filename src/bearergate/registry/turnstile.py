"""The turnstile: how many issuers one namespace may wait for at a time.

Each is a thread while it is asked, and tenants may name issuers that never answer. Those of one namespace must not use
up what all have. Counts; knows no issuer's keys.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from bearergate.core.errors import Unavailable

MAX_ISSUERS: Final = 8


class Turnstile:
    """Who waits for whom. Safe to share between threads and event loops."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, Counter[str]] = {}

    @contextmanager
    def passed(self, namespace: str, issuer: str) -> Generator[None, None, None]:
        """One more who waits; raises Unavailable where the namespace waits for as many others as it may.

        Any number may wait for one issuer: they share what they wait for.
        """
        self._enter(namespace, issuer)
        try:
            yield
        finally:
            self._leave(namespace, issuer)

    def _enter(self, namespace: str, issuer: str) -> None:
        with self._lock:
            mine = self._waiting.setdefault(namespace, Counter())
            if issuer not in mine and len(mine) >= MAX_ISSUERS:
                raise Unavailable(cause="the namespace waits for too many issuers")
            mine[issuer] += 1

    def _leave(self, namespace: str, issuer: str) -> None:
        with self._lock:
            mine = self._waiting[namespace]
            mine[issuer] -= 1
            if not mine[issuer]:
                del mine[issuer]
            if not mine:
                del self._waiting[namespace]
