"""`bearergate explain`: every row of the table of checks for one token, as a table for people or JSON for machines.

Reads the token from standard input or a file and never prints it. Judges nothing: the validator does.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

from bearergate.cli.authorization import Ruling, parse_resource, ruling
from bearergate.cli.configuration import config_option, give_up, load, print_warnings
from bearergate.config import Settings
from bearergate.core.bearer import AUTHORIZATION, bearer_token
from bearergate.core.errors import Refusal
from bearergate.core.report import Report
from bearergate.core.resources import Resource

_ACCEPTED: Final = 0
_REFUSED: Final = 1
_NO_KEYS: Final = 3
_STDIN: Final = "-"
_MOST: Final = 2 * 1024 * 1024
"""More is not read: no token is that long, and the first check refuses what is longer than configured."""


@click.command(short_help="Say what every check says of one token.")
@click.argument("source", nargs=-1, metavar="[FILE|-]")
@config_option
@click.option("--resource", metavar="KIND/NAME", help="Say also which binding grants or denies this resource.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def explain(source: tuple[str, ...], config: str | None, resource: str | None, as_json: bool) -> None:
    """Say what every check says of one token, read from FILE or from standard input.

    Exits with 0 when the token is accepted, and the resource granted; 1 when one of them is not; 2 for a mistake in
    usage or configuration; and 3 when the issuer's keys cannot be obtained.
    """
    if len(source) > 1:
        # Not quoted: what stands there may be a token after all.
        give_up("explain takes one argument, the name of a file; a token never belongs on the command line")
    settings = load(config)
    asked = None if resource is None else _resource(resource, settings)
    token = _bare(_read(source[0] if source else _STDIN))
    if not token:
        give_up("there is no token to explain: standard input or the file is empty")
    validator = settings.validator()
    report = validator.explain(token)
    who = report.principal
    found = None if asked is None or who is None else ruling(validator.authorization, who, asked)
    if as_json:
        import json

        more = {} if asked is None else {"access": None if found is None else found.as_dict()}
        click.echo(json.dumps({**report.as_dict(), **more}, indent=2))
    else:
        from bearergate.cli.report_table import print_report

        print_warnings(settings)
        print_report(report, found)
    sys.exit(_exit_code(report, found))


def _resource(text: str, settings: Settings) -> Resource:
    resource = parse_resource(text)
    if resource is None:
        give_up("--resource takes a kind and a name, as in module/aws-vpc")
    if settings.bindings is None:
        give_up("--resource needs bindings, and the configuration has none; configure bindings or group_bindings")
    return resource


def _exit_code(report: Report, found: Ruling | None) -> int:
    if report.accepted:
        return _ACCEPTED if found is None or found.reason is None else _REFUSED
    return _NO_KEYS if report.undecided else _REFUSED


def _read(source: str) -> str:
    if source == _STDIN:
        if sys.stdin.isatty():
            click.echo("Paste the token and press Enter; one of more than 4095 characters must be piped.", err=True)
            return sys.stdin.readline()
        raw = sys.stdin.buffer.read(_MOST)
    else:
        try:
            with Path(source).open("rb") as file:
                raw = file.read(_MOST)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "not a usable name"
            # Not quoted: what stands there may be a token after all.
            give_up(f"the file named on the command line cannot be read: {why}; explain reads a file or standard input")
    # Editors and shells of Windows put a byte order mark in front.
    return raw.decode("utf-8-sig", errors="replace")


def _bare(pasted: str) -> str:
    """The token in what people copy: with white space or quotes around it, or as a whole header line."""
    text = pasted.strip().strip("\"'")
    name, _, value = text.partition(":")
    if name.strip().lower() == AUTHORIZATION.lower():
        text = value.strip()
    try:
        return bearer_token([text])
    except Refusal:
        # No scheme in front of it: a bare token, or something that the first checks will name.
        return text
