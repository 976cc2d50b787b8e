"""Rounds: every row in turn, each between two readings of what it is compared with.

A machine is never equally fast for long. So a ratio is made of readings that lie close together, and a figure is the
median of many ratios. Knows no process: whoever times is given.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

LEAST: Final = 9
"""Fewer rounds make no figure."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Something that can be timed: a job of a worker."""

    worker: str
    job: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is timed, and what it is compared with."""

    subject: Slot
    base: Slot


@dataclass(frozen=True, slots=True)
class Reading:
    """One round's microseconds of a subject and of its base."""

    subject: float
    base: float

    @property
    def ratio(self) -> float:
        return self.subject / self.base

    @property
    def difference(self) -> float:
        return self.subject - self.base


Timer = Callable[[Slot], float]
"""Microseconds for one call."""


def play(
    comparisons: Iterable[Comparison], timer: Timer, rounds: int, chance: random.Random
) -> dict[Comparison, list[Reading]]:
    """The readings of every round. The order changes from round to round: nobody always follows the same neighbour."""
    if rounds < LEAST:
        raise ValueError(f"a figure needs at least {LEAST} rounds")
    ordered = sorted(set(comparisons), key=lambda one: (one.base.worker, one.base.job))
    groups = [list(group) for _, group in groupby(ordered, key=lambda one: one.base)]
    readings: dict[Comparison, list[Reading]] = {comparison: [] for comparison in ordered}
    for _ in range(rounds):
        chance.shuffle(groups)
        for group in groups:
            chance.shuffle(group)
            before = timer(group[0].base)
            for comparison in group:
                subject = timer(comparison.subject)
                after = timer(comparison.base)
                readings[comparison].append(Reading(subject, (before + after) / 2))
                before = after
    return readings


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median, upper quartile."""
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high
