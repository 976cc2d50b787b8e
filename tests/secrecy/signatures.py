"""What must not get out: the signature segments of all tokens that a run minted, and how they are found in a text.

Bounded in memory. Looks at runs of base64url characters only, since nothing else can hold a signature.
"""

from __future__ import annotations

import re
from typing import Final

WINDOW: Final = 20
"""Characters of a signature that are enough to know it by: 120 bits."""
MAX_KNOWN: Final = 100_000
"""Signatures that are remembered; the oldest are forgotten first."""
_MIN_DISTINCT: Final = 8
"""A signature of fewer different characters was made up by a test and could stand anywhere."""
_RUN: Final = re.compile(rf"[A-Za-z0-9_-]{{{WINDOW},}}")
# Two segments that begin as JSON objects do are a token whoever minted it, with or without a signature.
_TOKEN: Final = re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}")


class Secrets:
    """The signatures of a run."""

    def __init__(self, max_known: int = MAX_KNOWN) -> None:
        self._max_known = max_known
        self._windows: dict[str, None] = {}
        self.noted = 0
        """How many tokens were minted."""

    def note(self, token: str) -> None:
        """Remember the signature of a token: how it begins and how it ends."""
        self.noted += 1
        signature = token.rpartition(".")[2]
        if len(signature) < WINDOW or len(set(signature)) < _MIN_DISTINCT:
            return
        self._windows |= {signature[:WINDOW]: None, signature[-WINDOW:]: None}
        while len(self._windows) > 2 * self._max_known:
            del self._windows[next(iter(self._windows))]

    def find(self, text: str) -> str | None:
        """What of a token is in a text, in words; None when there is nothing."""
        for run in _RUN.finditer(text):
            piece = run[0]
            if any(piece[n : n + WINDOW] in self._windows for n in range(len(piece) - WINDOW + 1)):
                return "a signature segment of a minted token"
        return "something that looks like a whole token" if _TOKEN.search(text) else None
