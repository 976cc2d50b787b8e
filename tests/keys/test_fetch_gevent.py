"""The same walls stand where gevent has replaced sockets and threads, and waiting for them blocks nobody else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.architecture.source_rules import ROOT
from tests.figures import tell

LATE = "it did not answer in time"
OUTCOMES = {
    "a document": "b'{}'",
    "a name": "b'{}'",
    "a slow resolver": "no connection could be made (its host name could not be resolved in time)",
    "silence": LATE,
    "a drip": LATE,
    "a document over TLS": "b'{}'",
    "a drip over TLS": LATE,
    "a TLS handshake that drips": "no connection could be made (the host did not answer in time)",
    "a dead address": "no connection could be made (the host did not answer in time)",
    "a flood": "its answer is larger than 524288 bytes",
}


@pytest.fixture(scope="module")
def told() -> dict[str, dict[str, Any]]:
    finished = subprocess.run(
        [sys.executable, "-m", "tests.keys.under_gevent"],
        cwd=ROOT,
        # Coverage traces threads, which are none here.
        env={name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == ""
    return {line["name"]: line for line in map(json.loads, finished.stdout.splitlines())}


@pytest.mark.parametrize("name", OUTCOMES)
def test_under_gevent_it_ends_as_elsewhere(name: str, told: dict[str, dict[str, Any]]) -> None:
    seen = told[name]
    tell(f"gevent: {name}", f"{seen['seconds']:.2f} s")
    assert seen["outcome"] == OUTCOMES[name]
    assert seen["seconds"] < 2.5
    # Only a resolver cannot be ended, and only until it answers.
    assert seen["left"] == (["bearergate-resolver"] if name == "a slow resolver" else [])


@pytest.mark.parametrize("name", [name for name, outcome in OUTCOMES.items() if "in time" in outcome])
def test_under_gevent_other_greenlets_run_meanwhile(name: str, told: dict[str, dict[str, Any]]) -> None:
    assert told[name]["ticks"] >= 5
