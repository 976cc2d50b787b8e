"""The pytest plugin that counts rows of the acceptance tables: a run of this whole folder fails unless every row ran.

A row is named by its id in the name of a test (`test_O39_...`) or in the id of a parameter (`[Q7-...]`). A row one of
whose tests was skipped or is expected to fail has not been shown, and counts as missing. A run of some tests only says
so, and fails for no row. Knows no verdict: what a row demands is in its test.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from tests.figures import tell

NAME: Final = "acceptance_rows"
FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True)
class Table:
    """The rows of one system that can be replaced: `prefix`1 to `prefix``last`."""

    system: str
    prefix: str
    last: int

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(f"{self.prefix}{number}" for number in range(1, self.last + 1))


TABLES: Final = (Table("OpenDepot", "O", 43), Table("Quay", "Q", 49))

_IN_NAME: Final = re.compile(r"_([A-Z]+\d+)(?=_|$)")
_IN_PARAMETER: Final = re.compile(r"[\[-]([A-Z]+\d+)(?=[\]-])")
_NARROWING: Final = ("keyword", "markexpr", "deselect", "lf", "stepwise", "ignore", "ignore_glob")
"""Options that leave tests out."""


def rows_named(nodeid: str) -> frozenset[str]:
    """The ids in the name of a test and in those of its parameters."""
    test, bracket, parameters = nodeid.partition("[")
    return frozenset((*_IN_NAME.findall(test.rpartition("::")[2]), *_IN_PARAMETER.findall(bracket + parameters)))


@dataclass(eq=False)  # pytest keeps plugins in sets
class Rows:
    """What one run saw of the tables."""

    config: pytest.Config
    tables: Sequence[Table] = TABLES
    folder: Path = FOLDER
    shown: set[str] = field(default_factory=set)
    skipped: set[str] = field(default_factory=set)
    left_out: bool = False
    missing: list[str] = field(default_factory=list)
    """A line per table."""

    def pytest_deselected(self, items: Iterable[pytest.Item]) -> None:
        self.left_out |= any(item.path.is_relative_to(self.folder) for item in items)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not (self.config.rootpath / report.nodeid.partition("::")[0]).is_relative_to(self.folder):
            return
        if report.skipped:
            self.skipped |= rows_named(report.nodeid)
        elif report.when == "call":
            # A test that failed has been run; that it failed is said elsewhere.
            self.shown |= rows_named(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        # Of a worker of pytest-xdist the controller gets every report, and judges them all.
        if hasattr(self.config, "workerinput") or self.config.option.collectonly:
            return
        is_over = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) and not session.shouldfail
        if not is_over:
            return
        for table in self.tables:
            self._judge(table, is_whole=self._is_whole())
        if self.missing:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _judge(self, table: Table, *, is_whole: bool) -> None:
        shown = [row for row in table.ids if row in self.shown - self.skipped]
        lacking = [row for row in table.ids if row not in shown]
        if is_whole and lacking:
            told = [f"{row} (skipped)" if row in self.skipped else row for row in lacking]
            self.missing.append(f"{table.system}: {', '.join(told)}")
        if shown or is_whole:
            selected = "" if is_whole else "; not all were selected"
            tell(f"acceptance rows of {table.system}", f"{len(shown)} of {table.last} ran{selected}")

    def _is_whole(self) -> bool:
        """Whether nothing of the folder was left out, so that a row that did not run is a row without a test."""
        if self.left_out or any(self.config.getoption(option, None) for option in _NARROWING):
            return False
        asked = [(self.config.invocation_params.dir / argument).resolve() for argument in self.config.args]
        files = list(self.folder.glob("test_*.py")) or [self.folder]
        return all(any(file.is_relative_to(path) for path in asked) for file in files)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.missing:
            terminalreporter.section("acceptance rows that no test has shown")
            for line in self.missing:
                terminalreporter.write_line(line)


def pytest_configure(config: pytest.Config) -> None:
    """Count the rows of this run."""
    if not config.pluginmanager.is_blocked(NAME) and not config.pluginmanager.has_plugin(NAME):
        config.pluginmanager.register(Rows(config), NAME)
