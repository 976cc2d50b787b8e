"""The proof: a library is measured only after it accepted every good token and refused every bad one.

A library that does not check is not fast. Knows no library.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Protocol

MUST_BE_TRIED: Final = frozenset({"good", "bad signature", "expired", "wrong audience"})


class Unproven(Exception):
    """A library accepted what it must refuse, or refused what it must accept."""


class Tried(Protocol):
    """A worker, as far as a proof needs it."""

    name: str

    def trials(self, job: str) -> list[dict[str, Any]]:
        """What it makes of every token that proves the job."""
        ...


def prove(worker: Tried, jobs: Iterable[str]) -> None:
    """Raise Unproven if a job of a worker does not do its duty; twice, since a cache answers the second time."""
    for job in jobs:
        for _ in range(2):
            judge(f"{worker.name} ({job})", worker.trials(job))


def judge(name: str, trials: Iterable[dict[str, Any]]) -> None:
    """Raise Unproven unless every good token was accepted and every bad one refused."""
    tried = set()
    for trial in trials:
        case, accepted = trial["case"], trial["accepted"]
        tried.add(case)
        if accepted and case != "good":
            raise Unproven(f"{name} accepts a token with: {case}")
        if not accepted and case == "good":
            raise Unproven(f"{name} refuses a good token: {trial['said']}")
    if not tried >= MUST_BE_TRIED:
        raise Unproven(f"{name} was not tried with: {', '.join(sorted(MUST_BE_TRIED - tried))}")
