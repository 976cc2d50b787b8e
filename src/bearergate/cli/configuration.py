"""`--config`: from a file or the environment to settings, the same way for every verb.

Prints what is wrong with a configuration and what deserves a look. Knows no key of it.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Final, NoReturn

import click

from bearergate.config import Settings, from_file, from_mapping
from bearergate.core.errors import ConfigError

config_option: Final = click.option(
    "--config",
    metavar="FILE",
    help="A YAML or TOML file. Without it the environment is read: OIDC_ISSUERS, OIDC_AUDIENCES, BEARERGATE_CONFIG ...",
)


def load(config: str | None, *, with_snapshot: bool = True) -> Settings:
    """The settings; ends the process with 2 and one message that lists every problem when they cannot be used.

    A file, too, is read with what the environment says of the deployment. `with_snapshot`: see `from_mapping`.
    """
    # Until a verb opens a log, nothing is logged: what deserves a look is printed where it belongs.
    logging.getLogger("bearergate").addHandler(logging.NullHandler())
    try:
        if config is None:
            return from_mapping(os.environ, with_snapshot=with_snapshot)
        return from_file(config, environment=os.environ, with_snapshot=with_snapshot)
    except ConfigError as error:
        give_up(str(error))


def print_warnings(settings: Settings) -> None:
    """Every warning as one line on standard error."""
    for warning in settings.warnings:
        click.echo(f"warning: {warning}", err=True)


def give_up(sentence: str) -> NoReturn:
    """Say on standard error what is wrong with the usage or the configuration, and exit with 2."""
    click.echo(f"bearergate: {sentence}", err=True)
    sys.exit(2)
