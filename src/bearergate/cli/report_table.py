"""A report of the table of checks as people read it in a terminal: a table, whose the token is, and what to do.

Knows rich, its widths and colours. Knows no token and judges nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.table import Table
from rich.text import Text

from bearergate.cli.advice import advice
from bearergate.cli.authorization import Ruling
from bearergate.cli.caller import caller_lines
from bearergate.cli.terminal import Trimmed, console, folds, one_line
from bearergate.clocks import wall_clock
from bearergate.core.principal import Principal
from bearergate.core.report import Outcome, Report, Row

_RULE: Final = 19
"""Columns of checks and rules where lines are folded."""
_STYLES: Final = {Outcome.PASS: "green", Outcome.FAIL: "bold red"}


def print_report(report: Report, found: Ruling | None = None) -> None:
    """Print the table, the caller and the verdict to standard output; colours obey NO_COLOR and FORCE_COLOR.

    `found`: what the bindings say of a resource, where somebody asked.
    """
    out = console()
    # Two lines for a check and not five columns: URLs and lists of algorithms need the width of a terminal.
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(width=_RULE if folds(out) else None)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in report.rows:
        for cells in _lines(row):
            table.add_row(*cells)
    out.print(Trimmed(table))
    out.print()
    if report.principal is not None:
        out.print(Trimmed(_caller(report.principal)))
        out.print()
    out.print(Trimmed(_verdict(report)))
    if found is not None:
        style = _STYLES[Outcome.PASS if found.reason is None else Outcome.FAIL]
        out.print(Trimmed(Text(one_line(str(found)), style=style)))


def _lines(row: Row) -> Iterator[tuple[Text, ...]]:
    rule = row.section.replace(" section ", " ")
    if row.outcome is Outcome.SKIPPED:
        yield _dim(Outcome.SKIPPED), _dim(row.check), Text(), _dim(f"{row.actual}, {rule}")
        return
    style = _STYLES[row.outcome]
    yield Text(row.outcome, style=style), Text(row.check), _dim("expected"), Text(one_line(row.expected))
    yield Text(), _dim(rule), _dim("actual"), Text(one_line(row.actual))
    if row.reason is not None:
        yield Text(), Text(), _dim("reason"), Text(row.reason.value, style=style)


def _caller(principal: Principal) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in caller_lines(principal, wall_clock()):
        table.add_row(_dim(label), Text(one_line(text)))
    return table


def _verdict(report: Report) -> Text:
    failed = report.failed
    if failed is None or failed.reason is None:
        return Text.assemble(("Accepted.", "bold green"), " Every check that applies has passed.")
    word = "No verdict" if report.undecided else "Refused"
    reason = failed.reason
    return Text.assemble(
        (f"{word}: {reason.value}", "bold red"), f' (check "{failed.check}"). {reason.meaning} {advice(reason)}'
    )


def _dim(text: str) -> Text:
    return Text(text, style="dim")
