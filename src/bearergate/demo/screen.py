"""What the demo shows: where everything runs, the table of verdicts, what it teaches, and lines to paste.

Draws with rich and decides nothing. Whatever must be pasted or compared is never wrapped and never only a colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bearergate.demo.judging import Addresses, Verdict

_WRONG = "!"


def show_addresses(console: Console, addresses: Addresses) -> None:
    """Where the three servers answer."""
    console.print()
    for name, url, note in (
        ("gate", addresses.gate, "what nginx, Traefik or Envoy ask"),
        ("Flask", addresses.flask, "a view behind @require()"),
        ("ASGI", addresses.asgi, "an application behind BearerMiddleware"),
    ):
        console.print(Text.assemble(f"  {name:<6}", (f"{url:<32}", "bold"), (note, "dim")), soft_wrap=True)
    console.print("\n  Each request goes to all three; every status below is their answer over HTTP.\n")


def show_verdicts(console: Console, verdicts: Sequence[Verdict]) -> None:
    """One line per case; a status that is not the expected one is marked."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), collapse_padding=True, pad_edge=False, show_edge=False)
    table.add_column("", justify="right", style="dim")
    table.add_column("what is presented", no_wrap=True)
    for name in ("want", "gate", "Flask", "ASGI"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("caller, or reason", overflow="fold")
    for number, verdict in enumerate(verdicts, start=1):
        want = verdict.case.status
        statuses = [_status(status, want) for status in (verdict.gate, verdict.flask, verdict.asgi)]
        table.add_row(str(number), verdict.case.title, Text(str(want), "dim"), *statuses, _why(verdict))
    console.print(Padding(table, (0, 0, 0, 2), expand=False))


def show_lessons(console: Console, verdicts: Sequence[Verdict]) -> None:
    """One sentence per case."""
    console.print("\n[bold]What you see[/]\n")
    table = Table(box=None, padding=(0, 1), pad_edge=False, show_header=False, show_edge=False)
    table.add_column(justify="right", style="dim")
    table.add_column()
    for number, verdict in enumerate(verdicts, start=1):
        table.add_row(str(number), Text(verdict.case.lesson))
    console.print(Padding(table, (0, 0, 0, 2), expand=False))


def show_command_lines(console: Console, lines: Iterable[str]) -> None:
    """Lines to paste, unwrapped."""
    console.print("\n[bold]Try it[/] in another terminal; the tokens are good for an hour\n")
    for line in lines:
        console.print(Text(line, "cyan"), soft_wrap=True)
    console.print("\nCtrl-C stops everything.")


def show_summary(console: Console, verdicts: Sequence[Verdict]) -> None:
    """Whether all is as it should be."""
    wrong = [number for number, verdict in enumerate(verdicts, start=1) if not verdict.as_expected]
    if wrong:
        rows = ", ".join(map(str, wrong))
        console.print(Text(f"\n{len(wrong)} of {len(verdicts)} verdicts are NOT as expected: row {rows}.", "bold red"))
    else:
        console.print(Text(f"\nAll {len(verdicts)} verdicts are as expected, on each of the three servers.", "green"))


def _status(status: int, want: int) -> Text:
    if status != want:
        return Text(f"{_WRONG}{status}", "bold red")
    return Text(str(status), "green" if status < 400 else "yellow")


def _why(verdict: Verdict) -> Text:
    if verdict.reason is None:
        return Text(verdict.caller, "green")
    if verdict.reason is not verdict.case.reason:
        return Text(f"{_WRONG}{verdict.reason.value}", "bold red")
    return Text(verdict.reason.value, "yellow")
