"""What importing ours costs a fresh process, beside importing the parts of `cryptography` that it stands on."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from benchmarks.results import Figure
from benchmarks.rounds import spread

BASE: Final = "importing the cryptography primitives"
PRIMITIVES: Final = (
    "from cryptography.hazmat.primitives import hashes; "
    "from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa"
)
STATEMENTS: Final = {
    "import bearergate": "import bearergate",
    "from bearergate import Validator": "from bearergate import Validator",
    "import bearergate.asgi, bearergate.config": "import bearergate.asgi, bearergate.config",
}

_SCRIPT: Final = (
    "import time; started = time.process_time_ns(); {statement}; print((time.process_time_ns() - started) / 1e6)"
)


@contextmanager
def in_new_processes() -> Iterator[Callable[[str], float]]:
    """Milliseconds of the processor's time that a statement takes in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="bearergate-benchmarks-") as folder:
        # Modules are compiled once after an installation, and not every environment may write down the result.
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)

        def time(statement: str) -> float:
            command = [sys.executable, "-c", _SCRIPT.format(statement=statement)]
            finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            return float(finished.stdout)

        yield time


def figures(rounds: int, time: Callable[[str], float]) -> list[Figure]:
    """Each statement between two imports of the base, round by round."""
    for statement in (PRIMITIVES, *STATEMENTS.values()):
        time(statement)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in STATEMENTS}
    for _ in range(rounds):
        before = time(PRIMITIVES)
        for name, statement in STATEMENTS.items():
            taken = time(statement)
            after = time(PRIMITIVES)
            times[name].append((taken, (before + after) / 2))
            before = after
    return [_figure(name, pairs) for name, pairs in times.items()]


def _figure(name: str, pairs: list[tuple[float, float]]) -> Figure:
    low, ratio, high = spread([taken / base for taken, base in pairs])
    return Figure(
        group="import",
        name=name,
        column="time",
        base=BASE,
        ratio=round(ratio, 4),
        low=round(low, 4),
        high=round(high, 4),
        amount=round(spread([taken for taken, _ in pairs])[1], 3),
        unit="ms",
    )
