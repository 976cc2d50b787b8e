"""A worker: one process that holds one library in one configuration, and times what it is told to, when it is told to.

`python -m benchmarks.worker MODULE:FUNCTION SCENES`, then one JSON request a line on standard input. The function is
given the scenes and returns the jobs. Loads nothing else, so that it runs in the environment of every library.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.jobs import Job, lap, trials
from benchmarks.scene import load

DISTRIBUTIONS: Final = {
    "authlib": "Authlib",
    "bearergate": "bearergate",
    "cryptography": "cryptography",
    "flask": "Flask",
    "jose": "python-jose",
    "joserfc": "joserfc",
    "jwcrypto": "jwcrypto",
    "jwt": "PyJWT",
    "msgspec": "msgspec",
    "pybase64": "pybase64",
    "ryjwt": "ryjwt",
}
"""Modules whose version is told, by the distribution that brings them."""


def main(subject: str, scenes: str) -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    # Whatever a library prints must not be taken for an answer.
    os.dup2(2, 1)
    module, _, function = subject.partition(":")
    jobs: Mapping[str, Job] = getattr(importlib.import_module(module), function)(load(Path(scenes)))
    verifying = [name for name, job in jobs.items() if job.scene is not None]
    _say(answers, {"jobs": list(jobs), "verifying": verifying, "versions": _versions()})
    for line in sys.stdin:
        _say(answers, _answer(jobs, json.loads(line)))


def _answer(jobs: Mapping[str, Job], request: dict[str, Any]) -> object:
    job = jobs[request["job"]]
    if request["do"] == "prove":
        return trials(job)
    # The processor's caches are those of the worker that ran before: the first lap is not counted.
    lap(job)
    return [lap(job) for _ in range(request["laps"])]


def _versions() -> dict[str, str]:
    """Of this Python, and of what was loaded."""
    loaded = {name: distribution for name, distribution in DISTRIBUTIONS.items() if sys.modules.get(name)}
    found = {distribution: importlib.metadata.version(distribution) for distribution in loaded.values()}
    return {"python": platform.python_version(), **found}


def _say(answers: Any, answer: object) -> None:  # noqa: ANN401 - a text stream
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
