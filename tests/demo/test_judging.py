"""The parts of the demo that decide: what is as expected, and what is not."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from bearergate import Reason
from bearergate.cli.demo import exit_code
from bearergate.config import from_file
from bearergate.demo import screen
from bearergate.demo.handout import own_command
from bearergate.demo.judging import Verdict, judge
from bearergate.demo.running import Demo, running_demo


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with running_demo() as running:
        yield running


def test_every_verdict_is_the_expected_one(demo: Demo) -> None:
    verdicts = judge(demo.cases, demo.addresses, demo.last)
    assert [verdict.case.name for verdict in verdicts if not verdict.as_expected] == []
    assert exit_code(verdicts) == 0


@pytest.mark.parametrize("columns", [80, 120])
def test_what_is_shown_fits_the_terminal_and_nothing_is_cut(demo: Demo, columns: int) -> None:
    shown = _shown(judge(demo.cases, demo.addresses, demo.last), columns, demo)
    assert max(map(len, shown.splitlines())) <= columns
    assert "…" not in shown
    for case in demo.cases:
        assert case.title in shown
        assert case.lesson in shown
        assert case.reason is None or case.reason.value in shown


def test_a_terminal_gets_colours(demo: Demo) -> None:
    console = Console(width=80, file=io.StringIO(), force_terminal=True, color_system="standard", no_color=False)
    screen.show_verdicts(console, judge(demo.cases[:5], demo.addresses, demo.last))
    assert isinstance(console.file, io.StringIO)
    assert re.search(r"\x1b\[32m *200", console.file.getvalue())
    assert re.search(r"\x1b\[33m *401", console.file.getvalue())


def test_a_wrong_expectation_is_noticed_marked_and_fails_the_demo(demo: Demo) -> None:
    case = next(case for case in demo.cases if case.name == "expired")
    for falsified in (replace(case, status=200), replace(case, reason=Reason.TOO_OLD), replace(case, reason=None)):
        verdicts = judge([falsified], demo.addresses, demo.last)
        assert not verdicts[0].as_expected
        assert exit_code(verdicts) == 1
        shown = _shown(verdicts)
        assert "NOT as expected: row 1" in shown
        assert "!" in shown


def test_one_server_that_differs_is_enough(demo: Demo) -> None:
    (verdict,) = judge(demo.cases[:1], demo.addresses, demo.last)
    assert verdict.as_expected
    for wrong in (replace(verdict, gate=500), replace(verdict, flask=401), replace(verdict, asgi=403)):
        assert not wrong.as_expected


def test_a_row_that_nobody_judged_is_no_success() -> None:
    assert exit_code([]) == 1


def test_nothing_is_sent_to_the_foreign_issuer(demo: Demo) -> None:
    judge(demo.cases, demo.addresses, demo.last)
    assert demo.issuers.foreign.connections == 0
    assert demo.issuers.partner.connections > 0


def test_no_two_cases_share_a_name_and_all_tokens_but_one_are_kept(demo: Demo) -> None:
    assert len({case.name for case in demo.cases}) == len(demo.cases)
    kept = {path.name for path in demo.folder.iterdir()} - {"gate.yaml"}
    assert kept == {case.name for case in demo.cases if case.token}


def test_good_tokens_are_good_for_an_hour(demo: Demo) -> None:
    now = demo.issuers.v2.now()
    late = [now + 3500]
    validator = from_file(demo.folder / "gate.yaml").validator(clock=lambda: late[0])
    good = [case for case in demo.cases if case.status == 200]
    for case in good:
        assert case.token is not None
        assert validator.validate(case.token).issuer in {demo.issuers.v1.issuer, demo.issuers.v2.issuer}
    late[0] = now + 3700
    assert {validator.explain(case.token or "").reason for case in good} == {Reason.EXPIRED}


def test_the_reader_is_shown_the_command_that_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "bearergate"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")
    assert own_command(str(program)) == "bin/bearergate"
    monkeypatch.setenv("PATH", str(program.parent))
    assert own_command(str(program)) == "bearergate"
    assert own_command("/nowhere/bearergate/__main__.py").endswith(" -m bearergate")
    assert own_command("-c") == "bearergate"


def _shown(verdicts: list[Verdict], columns: int = 80, demo: Demo | None = None) -> str:
    console = Console(width=columns, file=io.StringIO(), record=True)
    if demo:
        screen.show_addresses(console, demo.addresses)
        screen.show_lessons(console, verdicts)
    screen.show_verdicts(console, verdicts)
    screen.show_summary(console, verdicts)
    return console.export_text()
