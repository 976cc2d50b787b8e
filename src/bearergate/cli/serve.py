"""`bearergate serve`: the gate on a port of this machine, until SIGTERM.

Starts uvicorn in this process and says where it listens. Judges nothing: forward_auth.py is the gate.
"""

from __future__ import annotations

import logging
import math
import signal
import socket
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import click

from bearergate.cli.configuration import config_option, give_up, load, print_warnings
from bearergate.observers import AUDIT_LOGGER

if TYPE_CHECKING:
    from types import FrameType

    import uvicorn

    from bearergate.config import Settings

_LEVELS: Final = ("debug", "info", "warning", "error")
_BACKLOG: Final = 2048
_DRAIN_MARGIN: Final = 5
"""Seconds that a request in flight has beyond its longest wait for keys, before it is cut at the end."""


@click.command(short_help="Start the gate for nginx, Traefik and Envoy.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=8080,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port; 0 for any free one.",
)
@config_option
@click.option("--log-level", default="info", show_default=True, type=click.Choice(_LEVELS), help="Least level logged.")
@click.option("--audit", is_flag=True, help="Write one JSON line per decision to standard error.")
def serve(host: str, port: int, config: str | None, log_level: str, audit: bool) -> None:
    """Answer nginx, Traefik and Envoy at /verify, and say at /healthz and /readyz how the gate is."""
    if find_spec("starlette") is None or find_spec("uvicorn") is None:
        give_up("serve needs packages that are not installed; install bearergate[server]")
    settings = load(config)
    _log_to_stderr(log_level, audit=audit)
    print_warnings(settings)
    listener = _listen(host, port)
    server = _server(settings)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    # uvicorn has handlers of its own while it runs, and raises the signal again when it has drained: with these the
    # process then ends with 0, and a signal that comes before uvicorn's handlers is not lost.
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    click.echo(_announcement(settings, host, listener.getsockname()[1]))
    sys.stdout.flush()
    server.run([listener])


def _server(settings: Settings) -> uvicorn.Server:
    import uvicorn

    from bearergate.forward_auth import gate

    return uvicorn.Server(
        uvicorn.Config(
            gate(settings.chain()),
            log_config=None,
            # An access log would repeat every query string, and with it tokens that were put there by mistake.
            access_log=False,
            # Nothing that a proxy reports about the original request is believed.
            proxy_headers=False,
            server_header=False,
            ws="none",
            lifespan="on",
            timeout_graceful_shutdown=math.ceil(settings.lifecycle.max_wait) + _DRAIN_MARGIN,
        )
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        give_up(f"cannot listen on {host} port {port}: {error.strerror}; choose another --host or --port")


def _announcement(settings: Settings, host: str, port: int) -> str:
    where = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    issuers = ", ".join(policy.issuer for policy in settings.issuers)
    audiences = ", ".join(sorted(frozenset[str]().union(*(policy.audiences for policy in settings.issuers))))
    return f"bearergate serves {where}/verify for audiences {audiences} of issuers {issuers}"


def _log_to_stderr(level: str, *, audit: bool) -> None:
    logging.basicConfig(level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # The server's own coming and going is said by us, in one line.
    logging.getLogger("uvicorn.error").setLevel(logging.DEBUG if level == "debug" else logging.WARNING)
    log = logging.getLogger(AUDIT_LOGGER)
    log.propagate = False
    # Above its own level nothing is even built, whatever the level of the others.
    log.setLevel(logging.INFO if audit else logging.CRITICAL)
    if audit:
        log.addHandler(logging.StreamHandler())
