"""Mutants that change nothing anybody can see, each with the reason. Reviewed by people; the shorter the better.

An entry that no longer names a survivor is a fault of this list, and fails the run.
"""

from __future__ import annotations

from typing import Final

EQUIVALENT: Final[dict[tuple[str, str, str], str]] = {}
"""(file, class and function, change): why it is no change."""
