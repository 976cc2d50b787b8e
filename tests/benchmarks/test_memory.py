"""The cache of verdicts is bounded in bytes: what it counts for a verdict must not be less than what one takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks import minting
from benchmarks.scene import save
from tests.figures import tell

ROOT = Path(__file__).parents[2]
ORDINARY = ("small tokens", "RS256", "large tokens")


def test_what_is_counted_for_a_verdict_is_what_it_takes_or_a_little_more(tmp_path: Path) -> None:
    path = tmp_path / "scenes.json"
    save({"RS256": minting.scene("RS256"), **minting.other_sizes()}, path)
    # Coverage's start-up hook would take memory of its own in the process that is measured.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    command = [sys.executable, "-m", "benchmarks.subjects.memory", str(path)]
    finished = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    told = json.loads(finished.stdout)
    assert len(told) == 8
    for name, found in told.items():
        share = found["bytes"] / found["counted"]
        tell(f"memory of a verdict, {name}", f"{found['bytes']:,.0f} bytes, {share:.0%} of what is counted")
        if name.removesuffix(", claims read") in ORDINARY:
            assert 0.3 < share <= 1.0, name
