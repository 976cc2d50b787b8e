"""How each issuer's keys are, as people read it in a terminal: a block of lines for each, and below what to do.

Knows rich, its widths and colours. Fetches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from rich.table import Table
from rich.text import Text

from bearergate.cli.key_health import advice_on, can_be_used
from bearergate.cli.terminal import Trimmed, console, one_line
from bearergate.cli.times import duration, utc_time
from bearergate.core.key_health import KeyHealth
from bearergate.core.keyring import Origin, Phase

_NONE: Final = "-"
_ORIGINS: Final[Mapping[str | None, str]] = {
    Origin.ISSUER: "the issuer",
    Origin.SHARED: "another machine, by way of the store",
    Origin.SNAPSHOT: "the snapshot",
    Origin.GIVEN: "jwks_file",
    None: _NONE,
}


def print_health(health: Mapping[str, KeyHealth], now: float) -> None:
    """Print every issuer's keys and what to do about problems. `now`: seconds since the epoch."""
    out = console()
    # Lines for an issuer and not columns: a URL and a sentence need the width of a terminal.
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for issuer, keys in health.items():
        state = Text(keys.state, style=_style(keys))
        for label, text in _lines(issuer, keys, now):
            table.add_row(state, Text(label, style="dim"), Text(one_line(text)))
            state = Text()
    out.print(Trimmed(table))
    for sentence in filter(None, (advice_on(issuer, keys) for issuer, keys in health.items())):
        out.print()
        out.print(Trimmed(Text(one_line(sentence))))


def _lines(issuer: str, keys: KeyHealth, now: float) -> Iterator[tuple[str, str]]:
    dropped = f" ({keys.dropped} dropped)" if keys.dropped else ""
    yield "issuer", issuer
    yield "keys", f"{keys.keys}{dropped}"
    yield "origin", _ORIGINS[keys.origin]
    yield "last success", _last_success(keys, now)
    yield "next attempt", _next_attempt(keys.next_attempt_in)
    yield "expired in", _NONE if keys.expires_in is None else f"{keys.expires_in:.0f} s"
    if keys.ignored_records:
        yield "ignored", f"{keys.ignored_records} shared records"
    if keys.problem is not None:
        yield "problem", keys.problem


def _last_success(keys: KeyHealth, now: float) -> str:
    if keys.last_success is None or keys.origin == Origin.GIVEN:
        return _NONE
    return f"{utc_time(keys.last_success)} ({duration(max(0.0, now - keys.last_success))} ago)"


def _next_attempt(seconds: float | None) -> str:
    if seconds is None:
        return _NONE
    return f"in {duration(seconds)}" if seconds >= 1 else "now"


def _style(keys: KeyHealth) -> str:
    if not can_be_used(keys):
        return "bold red"
    return "green" if keys.state == Phase.FRESH else "yellow"
