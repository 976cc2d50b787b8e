"""`bearergate check-config`: the effective settings, where each comes from, and what deserves a look.

Reads a configuration as `serve` would and starts nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import TYPE_CHECKING

import click

from bearergate.cli.configuration import config_option, load, print_warnings
from bearergate.config.located import DEFAULT

if TYPE_CHECKING:
    from bearergate.cli.effective import EffectiveSetting


@click.command("check-config", short_help="Print the effective settings and where each comes from.")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print the settings as JSON.")
def check_config(config: str | None, as_json: bool) -> None:
    """Print the effective settings and their origins; exit with 2 when the configuration cannot be used."""
    from bearergate.cli.effective import effective

    settings = load(config)
    rows = list(effective(settings))
    if as_json:
        import json

        members = [{"path": row.path, "value": row.value, "origin": row.origin} for row in rows]
        document = {"settings": members, "warnings": settings.warnings, "policy_version": settings.policy_version}
        click.echo(json.dumps(document, indent=2))
        return
    print_settings(rows)
    click.echo(f"\nThe configuration can be used (policy version {settings.policy_version}).")
    print_warnings(settings)


def print_settings(rows: Iterable[EffectiveSetting]) -> None:
    """A block for each part of the configuration: first what somebody wrote, then what was left as it is."""
    from rich.table import Table
    from rich.text import Text

    from bearergate.cli.effective import as_text
    from bearergate.cli.terminal import Trimmed, console
    from bearergate.config.authorization import BINDINGS

    out = console()
    for number, (part, members) in enumerate(groupby(rows, key=_part)):
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        table.add_column(overflow="fold")
        for row in sorted(members, key=_is_default):
            style = "dim" if row.origin == DEFAULT else ""
            # Bindings are read one by one, from the first.
            separator = "\n" if row.path == BINDINGS else ", "
            cells = (row.path.removeprefix(f"{part}."), as_text(row.value, separator), row.origin)
            table.add_row(*(Text(cell, style=style) for cell in cells))
        if number:
            out.print()
        if part:
            out.print(Text(part, style="bold"))
        out.print(Trimmed(table))


def _part(row: EffectiveSetting) -> str:
    """The heading above a setting; empty for one that stands for itself, like `max_token_bytes`."""
    part, dot, _ = row.path.partition(".")
    return part if dot else ""


def _is_default(row: EffectiveSetting) -> bool:
    return row.origin == DEFAULT
