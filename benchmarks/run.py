"""One run: the crew is started, every verifying job proven, the rounds are played, and figures come out."""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Final

from benchmarks import importing, machine, minting, serving
from benchmarks.crew import ROOT, Crew, pin
from benchmarks.environments import Missing, newer_python, node_peers, python_peers
from benchmarks.plan import RAW, STAFF, Staff, rows
from benchmarks.proof import prove
from benchmarks.results import Figure, Results
from benchmarks.rounds import Comparison, Reading, Slot, play
from benchmarks.scene import ALGORITHMS, save

NAMED: Final = (
    "bearergate", "python", "cryptography", "OpenSSL", "msgspec", "pybase64", "PyJWT", "joserfc", "Authlib",
    "python-jose", "jwcrypto", "ryjwt", "node", "jose", "fast-jwt", "aws-jwt-verify", "Flask",
)  # fmt: skip
"""Whose versions are told."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How long a run takes."""

    rounds: int
    laps: int
    """Laps of one reading, which is their median."""
    warm_up: int
    """Laps of every job before the first round."""
    seconds: int
    """Under load from wrk, for each server and round."""
    servings: int


FULL: Final = Effort(rounds=21, laps=9, warm_up=40, seconds=4, servings=5)
QUICK: Final = Effort(rounds=9, laps=1, warm_up=3, seconds=1, servings=1)


class Commands:
    """How workers are started. What has to be installed first is installed once, when it is first asked for."""

    def __init__(self, scenes: Path) -> None:
        self._scenes = str(scenes)

    def of(self, staff: Staff) -> list[str]:
        """Raises Missing when something is not on this machine."""
        if staff.where == "node":
            node, packages = self._node
            return [node, "benchmarks/subjects/node.mjs", staff.subject, self._scenes, str(packages)]
        python = {"ours": lambda: sys.executable, "peers": lambda: self._peers, "newer": lambda: self._newer}
        module = f"benchmarks.subjects.{staff.subject}"
        # Warnings (of algorithms that go out of use, and of a library that does) are no part of what is measured.
        return [python[staff.where](), "-W", "ignore", "-m", "benchmarks.worker", module, self._scenes]

    @cached_property
    def _node(self) -> tuple[str, Path]:
        return node_peers()

    @cached_property
    def _peers(self) -> str:
        return python_peers()

    @cached_property
    def _newer(self) -> str:
        return python_peers(newer_python())


@dataclass(slots=True)
class Run:
    """A run that is under way."""

    effort: Effort
    say: Callable[[str], None]
    left_out: dict[str, str] = field(default_factory=dict)

    def results(self) -> Results:
        """Measure everything that can be measured here."""
        described = machine.describe()
        if machine.is_busy():
            self.say("this machine is busy: the figures will be rough")
        with tempfile.TemporaryDirectory(prefix="bearergate-benchmarks-") as folder:
            scenes = minting.scenes()
            path = Path(folder) / "scenes.json"
            save(scenes, path)
            # First, while this process and those it starts may still use every core.
            served = self._served(path)
            described["pinned to one core"] = "no" if pin() is None else "yes"
            versions, units, figures = self._rounds(path)
            self.say("importing, and memory")
            with importing.in_new_processes() as time:
                figures += importing.figures(self.effort.rounds, time)
            figures += memory(path)
        return Results(
            date=datetime.now(UTC).date().isoformat(),
            quick=self.effort is QUICK,
            rounds=self.effort.rounds,
            machine=described,
            versions=versions,
            units=units,
            figures=figures + served,
            left_out=self.left_out,
        )

    def _served(self, scenes: Path) -> list[Figure]:
        self.say("requests per second")
        try:
            return serving.figures(scenes, seconds=self.effort.seconds, rounds=self.effort.servings)
        except Missing as missing:
            self._leave_out("serving", missing)
            return []

    def _rounds(self, scenes: Path) -> tuple[dict[str, str], dict[str, float], list[Figure]]:
        with Crew() as crew:
            self._start(crew, scenes)
            for worker in crew.workers.values():
                prove(worker, worker.verifying)
            self.say(f"{len(crew.workers)} workers are proven to accept and to refuse")
            for worker in crew.workers.values():
                for job in worker.jobs:
                    # A document of a thousand keys is warm after one.
                    worker.time(job, 1 if job.startswith("reading") else self.effort.warm_up)
            planned = rows({name: worker.jobs for name, worker in crew.workers.items()})
            self.say(f"{len(planned)} figures, {self.effort.rounds} rounds")

            def timer(slot: Slot) -> float:
                return statistics.median(crew.workers[slot.worker].time(slot.job, self.effort.laps))

            readings = play([row.comparison for row in planned], timer, self.effort.rounds, random.Random(0))
            told = [worker.versions for worker in crew.workers.values()]
        units = raw_checks(readings)
        named = machine.versions([{"OpenSSL": machine.openssl()}, *told], NAMED)
        return named, units, [row.figure(readings[row.comparison], units["RS256"]) for row in planned]

    def _start(self, crew: Crew, scenes: Path) -> None:
        self.say("installing, the first time only, and starting")
        commands = Commands(scenes)
        for staff in STAFF:
            try:
                command = commands.of(staff)
            except Missing as missing:
                self._leave_out(staff.name, missing)
            else:
                crew.start(staff.name, command)

    def _leave_out(self, what: str, why: Exception) -> None:
        self.left_out[what] = str(why)
        self.say(f"not measured: {what} ({why})")


def raw_checks(readings: Mapping[Comparison, list[Reading]]) -> dict[str, float]:
    """Microseconds of one raw check, by algorithm: the median over all rounds."""
    units = {}
    for algorithm in ALGORITHMS:
        base = Slot(RAW, algorithm)
        found = [reading.base for one, many in readings.items() if one.base == base for reading in many]
        units[algorithm] = round(statistics.median(found), 3)
    return units


def memory(scenes: Path) -> list[Figure]:
    """What a cached verdict takes, of what the cache counts for it."""
    command = [sys.executable, "-m", "benchmarks.subjects.memory", str(scenes)]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [
        Figure(
            group="memory",
            name=f"{name}, {found['characters']:,} characters",
            column="verdict",
            base="what the cache counts",
            ratio=round(found["bytes"] / found["counted"], 4),
            low=round(found["bytes"] / found["counted"], 4),
            high=round(found["bytes"] / found["counted"], 4),
            amount=round(found["bytes"]),
            unit="bytes",
        )
        for name, found in json.loads(finished.stdout).items()
    ]
