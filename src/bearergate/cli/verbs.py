"""The verbs by name; each lives in a file of its own, which is imported when it is asked for. Knows no verb itself."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import click

_VERBS: Final = {
    "serve": ("bearergate.cli.serve", "serve"),
    "registry": ("bearergate.cli.registry", "registry"),
    "explain": ("bearergate.cli.explain", "explain"),
    "keys": ("bearergate.cli.keys", "keys"),
    "check-config": ("bearergate.cli.check_config", "check_config"),
    "lint": ("bearergate.cli.lint", "lint"),
    "demo": ("bearergate.cli.demo", "demo"),
}


class _Verbs(click.Group):
    """A group that imports a verb when it runs or is described."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click calls it so
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click calls it so
        if cmd_name not in _VERBS:
            return None
        module, name = _VERBS[cmd_name]
        command: click.Command = getattr(import_module(module), name)
        return command


def _print_version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        try:
            number = version("bearergate")
        except PackageNotFoundError:
            number = "(not installed: run from its sources)"
        click.echo(f"bearergate {number}")
        ctx.exit()


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version.",
)
def bearergate() -> None:
    """Prove bearer tokens from several issuers, and say exactly why one is refused."""
