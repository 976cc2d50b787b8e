"""`bearergate check-config`: the effective settings, where each comes from, and what deserves a look.

Reads a configuration as `serve` would and starts nothing.
"""

from __future__ import annotations

from itertools import groupby

import click

from bearergate.cli.configuration import config_option, load, print_warnings
from bearergate.config.located import DEFAULT


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

        members = [{"path": path, "value": value, "origin": origin} for path, value, origin in rows]
        document = {"settings": members, "warnings": settings.warnings, "policy_version": settings.policy_version}
        click.echo(json.dumps(document, indent=2))
        return
    print_settings(rows)
    click.echo(f"\nThe configuration can be used (policy version {settings.policy_version}).")
    print_warnings(settings)


def print_settings(rows: list[tuple[str, str, str]]) -> None:
    """A block for each part of the configuration: first what somebody wrote, then what was left as it is."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    for part, members in groupby(rows, key=lambda row: row[0].partition(".")[0]):
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        table.add_column(overflow="fold")
        for path, value, origin in sorted(members, key=_is_default):
            style = "dim" if origin == DEFAULT else ""
            table.add_row(*(Text(cell, style=style) for cell in (path.removeprefix(f"{part}."), value, origin)))
        console.print(Text(part, style="bold"))
        console.print(table)


def _is_default(row: tuple[str, str, str]) -> bool:
    return row[2] == DEFAULT
