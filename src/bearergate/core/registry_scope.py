"""Scopes of the Docker Registry v2 token authentication: from the texts that a client sends to accesses, and to claims.

An access is asked for by type, name and actions; each action is a kind of resource of its own to bindings:
`repository:pull`. Knows no principal and no token.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from bearergate.core.claims import Json
from bearergate.core.resources import Resource

MAX_SCOPES: Final = 50
MAX_ACTIONS: Final = 10
MAX_NAME: Final = 255
"""Longest name of a repository that a registry accepts, in characters."""

_COMPONENT: Final = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_HOST: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_NAME: Final = rf"(?:{_HOST}(?:\.{_HOST})*(?::[0-9]+)?/)?{_COMPONENT}(?:/{_COMPONENT})*"
_SCOPE: Final = re.compile(
    rf"(?P<type>[a-z0-9]+)(?:\((?P<class>[a-z0-9]+)\))?:(?P<name>{_NAME}):(?P<actions>(?:[a-z]+|\*)?(?:,(?:[a-z]+|\*))*)"
)


class ScopeProblem(ValueError):
    """A scope that breaks the grammar; one sentence."""


class Access(NamedTuple):
    """What is asked for, or granted, of one resource."""

    type: str
    name: str
    actions: tuple[str, ...]

    def claim(self) -> dict[str, Json]:
        """As it stands in the token of a registry."""
        return {"type": self.type, "name": self.name, "actions": list(self.actions)}


def read_scopes(values: Iterable[str]) -> tuple[Access, ...]:
    """The accesses that a client asks for, each resource once; raises ScopeProblem."""
    asked: dict[tuple[str, str], dict[str, None]] = {}
    for number, text in enumerate((text for value in values for text in value.split(" ") if text), start=1):
        if number > MAX_SCOPES:
            raise ScopeProblem(f"More than {MAX_SCOPES} scopes.")
        # The length first: the expression is asked about nothing long.
        found = _SCOPE.fullmatch(text) if len(text) <= 2 * MAX_NAME else None
        if found is None or len(found["name"]) > MAX_NAME:
            raise ScopeProblem("A scope is not of the form TYPE:NAME:ACTION,ACTION.")
        actions = asked.setdefault((found["type"], found["name"]), {})
        actions.update(dict.fromkeys(filter(None, found["actions"].split(","))))
        if len(actions) > MAX_ACTIONS:
            raise ScopeProblem(f"More than {MAX_ACTIONS} actions on one resource.")
    return tuple(Access(type_, name, tuple(actions)) for (type_, name), actions in asked.items())


def resource(access: Access, action: str) -> Resource:
    """What a binding must grant for one action of an access: `repository:pull` of this name."""
    return Resource(f"{access.type}:{action}", access.name)


def granted(asked: Iterable[Access], grants: Callable[[Resource], bool]) -> tuple[Access, ...]:
    """What is granted of what was asked for; a resource of which nothing is granted is left out."""
    accesses = (
        access._replace(actions=tuple(action for action in access.actions if grants(resource(access, action))))
        for access in asked
    )
    return tuple(access for access in accesses if access.actions)
