"""`bearergate serve`: the gate on a port of this machine, until SIGTERM.

Judges nothing: forward_auth.py is the gate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bearergate.cli.configuration import config_option, load, print_warnings
from bearergate.cli.serving import (
    address_options,
    demand_packages,
    listen,
    log_to_stderr,
    run,
    serving_options,
    url_of,
)

if TYPE_CHECKING:
    from bearergate.config import Settings


@click.command(short_help="Start the gate for nginx, Traefik and Envoy.")
@address_options
@config_option
@serving_options
def serve(host: str, port: int, config: str | None, log_level: str, audit: bool) -> None:
    """Answer nginx, Traefik and Envoy at /verify, and say at /healthz and /readyz how the gate is."""
    demand_packages("serve", "starlette", "uvicorn", extras="server")
    settings = load(config)
    log_to_stderr(log_level, audit=audit)
    print_warnings(settings)
    listener = listen(host, port)
    from bearergate.forward_auth import gate

    announcement = _announcement(settings, url_of(host, listener))
    run(gate(settings.chain()), listener, announcement, longest_wait=settings.lifecycle.max_wait)


def _announcement(settings: Settings, where: str) -> str:
    issuers = ", ".join(policy.issuer for policy in settings.issuers)
    audiences = ", ".join(sorted(frozenset[str]().union(*(policy.audiences for policy in settings.issuers))))
    return f"bearergate serves {where}/verify for audiences {audiences} of issuers {issuers}"
