"""The table in the README is the one that the demo prints."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from bearergate.demo import screen
from bearergate.demo.judging import judge
from bearergate.demo.running import running_demo

README = Path(__file__).parents[2] / "README.md"


def test_the_table_in_the_readme_is_the_one_that_is_printed() -> None:
    console = Console(width=80, file=io.StringIO(), record=True)
    with running_demo() as demo:
        screen.show_verdicts(console, judge(demo.cases, demo.addresses, demo.last))
    printed = [line.rstrip() for line in console.export_text().splitlines() if line.strip()]
    lines = README.read_text(encoding="utf-8").splitlines()
    start = lines.index(printed[0])
    assert lines[start : start + len(printed)] == printed
