"""What every verb that serves has in common: options, a port, a log, and uvicorn in this process until SIGTERM.

Knows no application and no configuration.
"""

from __future__ import annotations

import logging
import math
import signal
import socket
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, TypeVar

import click

from bearergate.cli.configuration import give_up
from bearergate.observers import AUDIT_LOGGER

if TYPE_CHECKING:
    from types import FrameType

    from starlette.types import ASGIApp

Command = TypeVar("Command", bound=Callable[..., None])

_LEVELS: Final = ("debug", "info", "warning", "error")
_BACKLOG: Final = 2048
_DRAIN_MARGIN: Final = 5
"""Seconds that a request in flight has beyond its longest wait for keys, before it is cut at the end."""


def serving_options(command: Command) -> Command:
    """`--log-level` and `--audit`."""
    for option in (
        click.option("--audit", is_flag=True, help="Write one JSON line per decision to standard error."),
        click.option(
            "--log-level", default="info", show_default=True, type=click.Choice(_LEVELS), help="Least level logged."
        ),
    ):
        command = option(command)
    return command


def address_options(command: Command) -> Command:
    """`--host` and `--port`."""
    for option in (
        click.option(
            "--port",
            default=8080,
            show_default=True,
            type=click.IntRange(0, 65535),
            help="Port; 0 for any free one.",
        ),
        click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on."),
    ):
        command = option(command)
    return command


def demand_packages(verb: str, *modules: str, extras: str) -> None:
    """End the process where a package is missing that the verb needs."""
    if any(find_spec(module) is None for module in modules):
        give_up(f"{verb} needs packages that are not installed; install bearergate[{extras}]")


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; ends the process where there is none to be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        give_up(f"cannot listen on {host} port {port}: {error.strerror}; choose another --host or --port")


def url_of(host: str, listener: socket.socket) -> str:
    """Where it listens."""
    return f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"


def run(app: ASGIApp, listener: socket.socket, announcement: str, *, longest_wait: float) -> None:
    """Serve until SIGTERM. `longest_wait`: seconds for which a request may wait for keys."""
    import uvicorn

    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            # An access log would repeat every query string, and with it tokens that were put there by mistake.
            access_log=False,
            # Nothing that a proxy reports about the original request is believed.
            proxy_headers=False,
            server_header=False,
            ws="none",
            lifespan="on",
            timeout_graceful_shutdown=math.ceil(longest_wait) + _DRAIN_MARGIN,
        )
    )

    def stop(_signal: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    # uvicorn has handlers of its own while it runs, and raises the signal again when it has drained: with these the
    # process then ends with 0, and a signal that comes before uvicorn's handlers is not lost.
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    click.echo(announcement)
    sys.stdout.flush()
    server.run([listener])


def log_to_stderr(level: str, *, audit: bool) -> None:
    """Log to standard error; one JSON line per decision only where it is wanted."""
    logging.basicConfig(level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # The server's own coming and going is said by us, in one line.
    logging.getLogger("uvicorn.error").setLevel(logging.DEBUG if level == "debug" else logging.WARNING)
    log = logging.getLogger(AUDIT_LOGGER)
    log.propagate = False
    # Above its own level nothing is even built, whatever the level of the others.
    log.setLevel(logging.INFO if audit else logging.CRITICAL)
    if audit:
        log.addHandler(logging.StreamHandler())
