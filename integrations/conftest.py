"""For every end-to-end run: the figures that it measured are told at its end."""

from __future__ import annotations

import pytest

from tests.figures import FIGURES


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if FIGURES:
        terminalreporter.section("figures")
    for scenario, figure in FIGURES:
        terminalreporter.write_line(f"{scenario}: {figure}")
