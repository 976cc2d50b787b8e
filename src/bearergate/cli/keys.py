"""`bearergate keys`: how each issuer's keys are now; `bearergate keys export`: those keys in a file to start from.

Fetches by way of a validator, as a service would. Judges no token.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bearergate.cli.configuration import config_option, give_up, load, print_warnings
from bearergate.cli.key_health import can_be_used
from bearergate.cli.times import duration, iso_time, utc_time
from bearergate.clocks import wall_clock
from bearergate.config.content import Unusable, check_guarded
from bearergate.config.snapshot_file import read_snapshot_file, replace_snapshot_file
from bearergate.core.key_snapshot import write_snapshot
from bearergate.flights import FLIGHT

if TYPE_CHECKING:
    from bearergate.cli.key_export import Export
    from bearergate.config import Settings
    from bearergate.core.key_record import KeyRecord

_NO_KEYS: Final = 3
_LAST_WORDS: Final = 1.0
"""Seconds that a flight which has ended is given to tell what it found."""
_STDOUT: Final = "-"


@click.group("keys", invoke_without_command=True, short_help="Say how each issuer's keys are, or export them.")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print the state as JSON.")
@click.pass_context
def keys(context: click.Context, config: str | None, as_json: bool) -> None:
    """Fetch every issuer's keys and say how they are; with `export`, write them to a file.

    Exits with 0 when the keys of every issuer can be used, 2 for a mistake in usage or configuration, and 3 when those
    of an issuer cannot.
    """
    if context.invoked_subcommand is not None:
        if as_json:
            give_up("keys export prints no JSON; leave --json out")
        context.obj = config
        return
    settings = load(config)
    with _overheard() as messages:
        health = settings.validator().warm()
    if as_json:
        rows = [
            {
                "issuer": issuer,
                **asdict(found),
                "last_success_time": None if found.last_success is None else iso_time(found.last_success),
            }
            for issuer, found in health.items()
        ]
        click.echo(json.dumps(rows, indent=2))
    else:
        from bearergate.cli.keys_table import print_health

        print_warnings(settings)
        told = [found.problem for found in health.values() if found.problem]
        _print_messages(message for message in messages if not any(problem in message for problem in told))
        print_health(health, wall_clock())
    sys.exit(0 if all(can_be_used(found) for found in health.values()) else _NO_KEYS)


@keys.command(short_help="Write every issuer's keys to a file that a service can start from.")
@click.argument("file", metavar="FILE|-")
@config_option
@click.option("--partial", is_flag=True, help="Also when an issuer gives no keys: keep those that FILE has of it.")
@click.pass_obj
def export(inherited: str | None, file: str, config: str | None, partial: bool) -> None:
    """Fetch every issuer's keys and write them to FILE, or to standard output, for the setting `snapshot`.

    FILE is replaced in one step. When an issuer gives no keys it stays as it is, and the exit code is 3, unless
    --partial is given. The configured snapshot is not read.
    """
    settings = load(config or inherited, with_snapshot=False)
    target = None if file == _STDOUT else _target(file)
    if all(policy.keys.jwks is not None for policy in settings.issuers):
        give_up("there is nothing to export: the keys of every issuer are given by jwks_file")
    from bearergate.cli.key_export import gather

    print_warnings(settings)
    with _overheard() as messages:
        validator = settings.validator()
        health = validator.warm()
    earlier = _earlier(target) if partial and target is not None else ()
    gathered = gather(settings, health, validator.key_records(), earlier, wall_clock())
    _print_messages(message for message in messages if not any(why in message for why in gathered.silent.values()))
    if not gathered.entries or (gathered.silent and not partial):
        _refuse(gathered, file)
    _write(write_snapshot(entry.record for entry in gathered.entries), target)
    _print_export(settings, gathered, file)


def _target(file: str) -> Path:
    """Where to write; ends the process where nobody could start from the file afterwards."""
    path = Path(file)
    try:
        # Not through a link: whoever may place one here would choose which file is replaced.
        if path.is_symlink() or (path.exists() and not path.is_file()):
            give_up(f"{file} is a link or no regular file; name the file itself")
        check_guarded(path)
    except Unusable as flaw:
        give_up(f"{file} {flaw.problem}; {flaw.cure}")
    except OSError as error:
        give_up(f"{file} cannot be written: {error.strerror}; name a file in a folder that is there")
    return path


def _earlier(path: Path) -> tuple[KeyRecord, ...]:
    """What the file holds until now, if it may be believed."""
    if not path.exists():
        return ()
    try:
        return read_snapshot_file(path)
    except Unusable as flaw:
        _print_messages([f"nothing is kept of {path}, because it {flaw.problem}"])
        return ()


def _write(content: bytes, target: Path | None) -> None:
    if target is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        replace_snapshot_file(target, content)
    except OSError as error:
        give_up(f"{target} cannot be written: {error.strerror}; name a file in a folder that you can write to")


def _refuse(gathered: Export, file: str) -> None:
    where = "" if file == _STDOUT else f" to {file}"
    cure = "see that every issuer answers from this machine"
    cure += ", or write the keys of the others with --partial" if gathered.entries else ""
    issuers = "an issuer" if len(gathered.silent) == 1 else f"{len(gathered.silent)} issuers"
    click.echo(f"bearergate: nothing was written{where}, because {issuers} gave no keys; {cure}", err=True)
    for issuer, why in gathered.silent.items():
        click.echo(f"  {issuer}: {why}", err=True)
    sys.exit(_NO_KEYS)


def _print_export(settings: Settings, gathered: Export, file: str) -> None:
    now = wall_clock()
    lines = [f"Wrote the keys of {len(gathered.entries)} of {len(settings.issuers)} issuers."]
    for entry in gathered.entries:
        fetched = entry.record.fetched_at
        kept = "kept from before, " if entry.is_earlier else ""
        count = f"{entry.keys} key{'' if entry.keys == 1 else 's'}"
        age = duration(max(0.0, now - fetched))
        lines.append(f"  {entry.record.issuer}: {count}, {kept}fetched {utc_time(fetched)} ({age} ago)")
    lines += [f"  {issuer}: left out: {gathered.silent[issuer]}" for issuer in gathered.lacking]
    lines += [
        f"  {policy.issuer}: left out: its keys are given by jwks_file"
        for policy in settings.issuers
        if policy.keys.jwks is not None
    ]
    click.echo("\n".join(lines), err=file == _STDOUT)


@contextmanager
def _overheard() -> Generator[list[str]]:
    """What is logged meanwhile: why a snapshot or a store is not used stands in no health."""
    log = logging.getLogger("bearergate.keys")
    ear = _Ear(logging.WARNING)
    log.addHandler(ear)
    try:
        yield ear.messages
        # A flight tells what it found after those who waited for it have gone on.
        for thread in threading.enumerate():
            if thread.name == FLIGHT:
                thread.join(_LAST_WORDS)
    finally:
        log.removeHandler(ear)


class _Ear(logging.Handler):
    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def _print_messages(messages: Iterable[str]) -> None:
    for message in messages:
        click.echo(f"warning: {message}", err=True)
