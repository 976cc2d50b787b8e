"""Jobs: what a worker can be told to time, and how one lap of it is timed. Knows no library."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.scene import Scene


@dataclass(frozen=True, slots=True)
class Job:
    """A call, and the arguments of one lap."""

    call: Callable[[Any], object]
    arguments: Callable[[], Sequence[Any]]
    """Made anew for every lap, outside the time: a string that was hashed before would flatter every cache."""
    scene: Scene | None = None
    """Where `call` verifies tokens: those that prove whether it does."""


def verifying(scene: Scene, verify: Callable[[str], object]) -> Job:
    """Verify each token of a scene; `verify` raises for one that it refuses."""
    return Job(verify, fresh(scene.tokens), scene)


def fresh(tokens: Sequence[str]) -> Callable[[], list[str]]:
    """Equal strings that nobody has seen before."""
    raw = [token.encode("ascii") for token in tokens]
    return lambda: [token.decode("ascii") for token in raw]


def lap(job: Job) -> float:
    """Microseconds for one call: the mean of a lap.

    Of the processor's time that the process took, in all its threads: what else the machine does does not count.
    """
    arguments, call = job.arguments(), job.call
    started = time.process_time_ns()
    for argument in arguments:
        call(argument)
    return (time.process_time_ns() - started) / 1000 / len(arguments)


def trials(job: Job) -> list[dict[str, Any]]:
    """What a verifying job makes of every token of its scene."""
    if job.scene is None:
        return []
    cases = [("good", token) for token in job.scene.tokens] + list(job.scene.bad.items())
    return [_trial(job.call, case, token) for case, token in cases]


def _trial(call: Callable[[Any], object], case: str, token: str) -> dict[str, Any]:
    try:
        call(token)
    except Exception as error:  # noqa: BLE001 - every library refuses with errors of its own
        return {"case": case, "accepted": False, "said": type(error).__name__}
    return {"case": case, "accepted": True, "said": ""}
