"""Tickets: leave to download one file, for a short while, for whoever holds the URL.

Terraform and OpenTofu send their token to the registry's API and never to the addresses that it names for archives and
checksums. So that those are not open to everybody, the API, which has seen the token, writes a ticket into each.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Final

from bearergate.clocks import wall_clock

PARAMETER: Final = "ticket"
LASTS: Final = 300
"""Seconds."""


class Tickets:
    """Writes and proves tickets. `key`: shared by all processes of one registry; a new one if not given."""

    def __init__(self, key: bytes | None = None, *, clock: Callable[[], float] = wall_clock) -> None:
        self._key = key if key is not None else secrets.token_bytes(32)
        self._clock = clock

    def url(self, path: str) -> str:
        """The path with leave to download it."""
        until = int(self._clock()) + LASTS
        return f"{path}?{PARAMETER}={until}-{self._proof(path, until)}"

    def admits(self, path: str, ticket: str) -> bool:
        """Whether the ticket was written for this path and still holds."""
        digits, _, proof = ticket.partition("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 12 and proof.isascii()):
            return False
        until = int(digits)
        return hmac.compare_digest(proof, self._proof(path, until)) and self._clock() < until

    def _proof(self, path: str, until: int) -> str:
        return hmac.new(self._key, f"{until} {path}".encode(), hashlib.sha256).hexdigest()
