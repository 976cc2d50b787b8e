"""Figures that a test run measured, told together at its end: what was asked for, and what was seen.

Knows no test. A figure is told also when it falls short; whether it does is for the test to assert.
"""

from __future__ import annotations

from typing import Final

import pytest

FIGURES: Final[list[tuple[str, str]]] = []
"""Scenario and figure, in the order in which they were seen."""


def tell(scenario: str, figure: object) -> None:
    """Print a figure at the end of the run, under the name of its scenario."""
    FIGURES.append((scenario, str(figure)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The hook of every conftest that has tests which tell figures; printed once where a run has several."""
    if not FIGURES:
        return
    terminalreporter.section("figures")
    width = max(len(scenario) for scenario, _ in FIGURES)
    for scenario, figure in FIGURES:
        terminalreporter.write_line(f"{scenario:<{width}}  {figure}")
    FIGURES.clear()
