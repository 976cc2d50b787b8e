"""`bearergate lint`: what a configuration permits that deserves a look, and where it differs from Quay's.

Reads a configuration as `serve` would and starts nothing. Knows no rule.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

import click

from bearergate.cli.configuration import config_option, load, print_warnings

if TYPE_CHECKING:
    from rich.text import Text

    from bearergate.config.remarks import Remark

_REMARKABLE: Final = 1
_STYLES: Final = {"warning": "bold yellow", "note": "cyan"}


@click.command(short_help="Say what a configuration permits, and where it differs from Quay's.")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print the remarks as JSON.")
def lint(config: str | None, as_json: bool) -> None:
    """Say what a configuration permits that deserves a look; of a Quay configuration also what becomes different.

    Exits with 0 when there are notes at most, 1 when there are warnings, and 2 when the configuration cannot be used.
    """
    from bearergate.config.lint import lint as remarks_on
    from bearergate.config.remarks import Level

    settings = load(config)
    remarks = remarks_on(settings)
    if as_json:
        import json

        document = {"remarks": [_member(remark) for remark in remarks], "warnings": settings.warnings}
        click.echo(json.dumps(document, indent=2))
    else:
        print_warnings(settings)
        _print(remarks)
    sys.exit(_REMARKABLE if any(remark.level is Level.WARNING for remark in remarks) else 0)


def _member(remark: Remark) -> dict[str, object]:
    settings = [{"path": place.path, "origin": place.origin} for place in remark.places]
    return {
        "code": remark.code,
        "level": remark.level.value,
        "settings": settings,
        "says": remark.says,
        "cure": remark.cure or None,
    }


def _print(remarks: Iterable[Remark]) -> None:
    from rich.table import Table

    from bearergate.cli.terminal import Trimmed, console

    out = console()
    found = list(remarks)
    for remark in found:
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for cells in _lines(remark):
            table.add_row(*cells)
        out.print(Trimmed(table))
        out.print()
    count = sum(remark.level.value == "warning" for remark in found)
    out.print(f"{_counted(count, 'warning')}, {_counted(len(found) - count, 'note')}.")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _lines(remark: Remark) -> Iterator[tuple[Text, Text]]:
    from rich.text import Text

    level = remark.level.value
    yield Text(level, style=_STYLES[level]), Text(remark.code, style="bold")
    for place in remark.places:
        origin = f" ({place.origin})" if place.origin else ""
        yield Text(), Text(f"{place.path}{origin}", style="dim")
    yield Text(), Text(remark.says)
    if remark.cure:
        yield Text("do", style="dim"), Text(remark.cure)
