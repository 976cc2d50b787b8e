"""`bearergate registry`: the token service for registries and robots on a port of this machine, until SIGTERM.

Judges nothing: the package registry does.
"""

from __future__ import annotations

import click

from bearergate.cli.configuration import config_option, give_up, load, print_warnings
from bearergate.cli.serving import (
    address_options,
    demand_packages,
    listen,
    log_to_stderr,
    run,
    serving_options,
    url_of,
)
from bearergate.core.errors import ConfigError


@click.command(short_help="Start the token service for container registries.")
@address_options
@config_option
@serving_options
def registry(host: str, port: int, config: str | None, log_level: str, audit: bool) -> None:
    """Issue tokens for container registries at /v2/auth, and for robots that workloads act as."""
    demand_packages("registry", "starlette", "uvicorn", "sqlalchemy", extras="server,registry")
    settings = load(config)
    log_to_stderr(log_level, audit=audit)
    print_warnings(settings)
    from bearergate.registry.app import from_settings
    from bearergate.registry.endpoints import TOKEN_PATH

    try:
        app = from_settings(settings)
    except ConfigError as error:
        give_up(str(error))
    listener = listen(host, port)
    service = "" if settings.registry is None else settings.registry.service
    issuers = ", ".join(policy.issuer for policy in settings.issuers)
    announcement = f"bearergate issues tokens for {service} at {url_of(host, listener)}{TOKEN_PATH} to {issuers}"
    run(app, listener, announcement, longest_wait=settings.lifecycle.max_wait)
