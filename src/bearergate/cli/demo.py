"""`bearergate demo`: options, signals and exit codes.

Knows neither what is shown nor how it is found out: bearergate.demo does.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import click

from bearergate.cli.configuration import give_up

if TYPE_CHECKING:
    from bearergate.demo.judging import Verdict
    from bearergate.demo.running import Demo

UNEXPECTED: Final = 1
DEFAULT_PORT: Final = 8080
_LAST_PORT: Final = 65535 - 2
_ELSEWHERE: Final = 18080
_NEEDED: Final = ("flask", "starlette", "uvicorn", "yaml")


@click.command()
@click.option("--once", is_flag=True, help="Print the table and stop; exit 1 if a verdict is not the expected one.")
@click.option(
    "--port",
    type=click.IntRange(1, _LAST_PORT),
    help=f"The gate's port; the applications take the next two.  [default: {DEFAULT_PORT}; with --once free ones]",
)
def demo(*, once: bool, port: int | None) -> None:
    """Show what becomes of good, wrong and hostile tokens.

    Starts issuers, the gate and two protected applications on loopback, sends each token to all three and prints the
    verdicts; then runs until Ctrl-C. The tokens are good for an hour.
    """
    if any(find_spec(package) is None for package in _NEEDED):
        give_up("demo needs packages that are not installed; install bearergate[demo]")
    stop = _stop_requested()
    from bearergate.demo.running import ANY_PORT, running_demo
    from bearergate.demo.servers import PortTaken

    chosen = port or (ANY_PORT if once else DEFAULT_PORT)
    try:
        with running_demo(chosen) as running:
            code = _present(running, stop, once=once)
    except PortTaken as taken:
        free = _ELSEWHERE if chosen != _ELSEWHERE else _ELSEWHERE + 10
        give_up(
            f"port {taken.port} is in use; choose another with --port, for example: bearergate demo --port {free} "
            f'(after make run: make run ARGS="--port {free}")'
        )
    sys.exit(code)


def _stop_requested() -> threading.Event:
    """Set by SIGINT and SIGTERM from now on, so that both end the demo in order, whenever they come."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _present(running: Demo, stop: threading.Event, *, once: bool) -> int:
    from rich.console import Console

    from bearergate.demo import screen
    from bearergate.demo.handout import command_lines
    from bearergate.demo.judging import judge

    console = Console(highlight=False)
    screen.show_addresses(console, running.addresses)
    verdicts = judge(running.cases, running.addresses, running.last)
    screen.show_verdicts(console, verdicts)
    screen.show_summary(console, verdicts)
    screen.show_lessons(console, verdicts)
    if not once:
        screen.show_command_lines(console, command_lines(running.folder, running.addresses))
        stop.wait()
    return exit_code(verdicts)


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """0 if there are verdicts and each is the expected one."""
    return 0 if verdicts and all(verdict.as_expected for verdict in verdicts) else UNEXPECTED
