"""The guard: ratios of one run beside the committed ones. It tells what moved; people judge why.

Not a timed test: figures that moved fail nothing, since a loaded machine moves them too. Only a missing row does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from benchmarks.results import Figure, Results
from benchmarks.tables import table

MOVED: Final = 0.25


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two runs."""

    moved: list[tuple[Figure, Figure]]
    """Committed, and now."""
    missing: list[str]
    """Committed rows that this run did not make, though nothing it needs was absent."""
    absent: list[str]
    """Committed rows that cannot be made here, since something is not on this machine."""
    compared: int

    @property
    def exit_status(self) -> int:
        return 1 if self.missing else 0

    def text(self) -> str:
        lines = [f"{self.compared} ratios compared, {len(self.moved)} moved by more than {MOVED:.0%}."]
        if self.moved:
            rows = [
                [now.key, f"{was.ratio:.3f}", f"{now.ratio:.3f}", f"{_change(was, now):+.0%}"]
                for was, now in self.moved
            ]
            lines.append(table(["Ratio", "committed", "now", "change"], rows))
        lines += [f"Not here: {key}" for key in self.absent]
        lines += [f"MISSING: {key}" for key in self.missing]
        return "\n".join(lines)


def compare(committed: Results, now: Results) -> Comparison:
    """Ratios only: microseconds say more about a machine than about a library."""
    before, after = committed.by_key, now.by_key
    gone = [key for key in before if key not in after]
    absent = [key for key in gone if before[key].group in now.left_out or before[key].name in now.left_out]
    both = [(figure, after[key]) for key, figure in before.items() if key in after]
    return Comparison(
        moved=[(was, is_now) for was, is_now in both if abs(_change(was, is_now)) > MOVED],
        missing=[key for key in gone if key not in absent],
        absent=absent,
        compared=len(both),
    )


def _change(was: Figure, now: Figure) -> float:
    return (now.ratio - was.ratio) / abs(was.ratio) if was.ratio else 0.0
