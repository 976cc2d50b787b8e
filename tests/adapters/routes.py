"""The routes of the application behind every adapter, and what they demand."""

from __future__ import annotations

from typing import Final

from bearergate.core.access import ANYBODY, Demand, ResourceName

EXEMPT: Final = ("/health", "/public/**", "/*/icon")
OPTIONAL: Final = ("/maybe", "/maybe/**")
SCOPED: Final = "/scoped"
"""Demands SCOPE, where an adapter lets a route demand one."""
SCOPE: Final = "orders.read orders.write"
GROUPED: Final = "/grouped"
GROUP: Final = "admins"
MODULES: Final = "/modules/"
"""What is below it is the name of a module, which a binding must grant."""
MODULE: Final = "module"
METHODS: Final = ("GET", "HEAD", "POST", "OPTIONS")


def demanded(path: str, name: ResourceName) -> Demand:
    """What the application behind a middleware demands on a path; `name`: how it finds that of a module."""
    if path.startswith(MODULES):
        return Demand(binding=MODULE, resource=name)
    return {SCOPED: Demand(scope=SCOPE), GROUPED: Demand(group=GROUP)}.get(path, ANYBODY)
