"""What a cached verdict takes, by tracemalloc: `python -m benchmarks.subjects.memory SCENES` prints it as JSON.

The cache counts an estimate, which must not be less than what a verdict takes, or its bound of bytes bounds nothing.
"""

from __future__ import annotations

import gc
import json
import sys
import tracemalloc
from pathlib import Path
from typing import Any, Final

from bearergate.verdicts import _OVERHEAD, _PER_CHARACTER
from benchmarks.jobs import fresh
from benchmarks.scene import Scene, load
from benchmarks.subjects.ours import WARM, validator

SCENES: Final = ("small tokens", "RS256", "large tokens", "many empty lists")


def per_verdict(scene: Scene, *, read: bool) -> dict[str, float]:
    """Bytes of one verdict; `read`: the application looked at groups and claims, which are kept from then on."""
    ours = validator(scene, WARM)
    make = fresh(scene.tokens)
    first, *rest = make()
    ours.validate(first).claims  # noqa: B018 - what is made once is not the token's
    del rest
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    _fill(ours, make()[1:], read=read)
    gc.collect()
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    characters = len(scene.tokens[0])
    return {
        "characters": characters,
        "bytes": held / (len(scene.tokens) - 1),
        "counted": _OVERHEAD + _PER_CHARACTER * characters,
    }


def _fill(ours: Any, tokens: list[str], *, read: bool) -> None:  # noqa: ANN401 - a Validator
    for token in tokens:
        principal = ours.validate(token)
        if read:
            _ = principal.groups, principal.claims


def report(path: Path) -> dict[str, dict[str, float]]:
    scenes = load(path)
    return {
        f"{name}{', claims read' if read else ''}": per_verdict(scenes[name], read=read)
        for name in SCENES
        for read in (False, True)
    }


if __name__ == "__main__":
    print(json.dumps(report(Path(sys.argv[1])), indent=1))
