"""How far two spellings are apart, and which known key a mistyped one probably meant. Knows no key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

NEAR: Final = 2
"""So many edits are still a slip of the hand."""


def edits(left: str, right: str) -> int:
    """The Levenshtein distance: insertions, deletions and substitutions from one text to the other."""
    row = list(range(len(right) + 1))
    for i, char in enumerate(left, start=1):
        above = row
        row = [i]
        for j, other in enumerate(right, start=1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (char != other)))
    return row[-1]


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name within two edits, the closest first; None when there is none.

    Of a very short name at least half must be right: `on` is no slip of the hand for `off`.
    """
    distance, found = min(((edits(name, candidate), candidate) for candidate in known), default=(NEAR + 1, ""))
    return found if distance <= min(NEAR, max(1, len(name) // 2)) else None
