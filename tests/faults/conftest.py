"""Which fault scenarios run when: those in slow/ take their time and run when fault scenarios are asked for by name."""

from __future__ import annotations

from pathlib import Path

import pytest

SLOW = Path(__file__).parent / "slow"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`pytest tests/faults` runs everything, `pytest` everything else."""
    if collection_path != SLOW or any("faults" in argument for argument in config.args):
        return None
    return True
