"""The pytest plugin that listens to a run, fails it when a token got out, and tells what was searched.

`-p no:secrecy` runs without it: for whoever measures time.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.figures import tell
from tests.secrecy.listening import Listening, listen, listen_to_answers

NAME: Final = "secrecy"
_DRIVERS: Final = "tests.adapters.drivers"


class Secrecy:
    """The ears of one run."""

    def __init__(self, listening: Listening) -> None:
        self.listening = listening

    def pytest_collection_finish(self) -> None:
        drivers = sys.modules.get(_DRIVERS)
        if drivers is not None:
            listen_to_answers(self.listening, drivers.Response)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.listening.test = item.nodeid
        try:
            return (yield)
        finally:
            self.listening.settle()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self.listening.settle()
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput[NAME] = self.listening.findings
        if self.listening.secrets.noted:
            tell("secrecy of the whole run", self.listening.told())
        if self.listening.findings:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.listening.findings:
            terminalreporter.section("secrets that got out")
            for finding in self.listening.shown():
                terminalreporter.write_line(finding)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """What a worker process of pytest-xdist heard."""
        self.listening.findings += node.workeroutput.get(NAME, [])


def pytest_configure(config: pytest.Config) -> None:
    """Begin to listen, before any test module is imported."""
    if config.pluginmanager.is_blocked(NAME) or config.pluginmanager.has_plugin(NAME):
        return
    listening = Listening()
    listen(listening)
    # Every logger that has no level of its own speaks at every level, so that all of it is heard.
    logging.getLogger().setLevel(logging.DEBUG)
    config.pluginmanager.register(Secrecy(listening), NAME)
