"""What the bindings say of one caller and one resource, as words for people and as JSON for machines.

Decides nothing: the bindings do. Values come from the token and the command line: who prints them makes them harmless.
"""

from __future__ import annotations

from dataclasses import dataclass

from bearergate.core.authorization import Authorization
from bearergate.core.errors import AccessDenied
from bearergate.core.principal import Principal
from bearergate.core.reasons import Reason
from bearergate.core.resources import Resource


@dataclass(frozen=True, slots=True)
class Ruling:
    """The verdict of the bindings. `binding`: the one that decided, or None when none did."""

    resource: Resource
    binding: str | None
    reason: Reason | None
    """Why it is denied; None when it is granted."""
    actual: str | None

    def as_dict(self) -> dict[str, object]:
        """The verdict as plain JSON values."""
        return {
            "resource": {"kind": self.resource.kind, "name": self.resource.name},
            "granted": self.reason is None,
            "binding": self.binding,
            "reason": None if self.reason is None else self.reason.value,
        }

    def __str__(self) -> str:
        asked = f"{self.resource.kind} {self.resource.name}"
        if self.reason is None:
            return f"Granted: {asked}, by binding {self.binding}."
        by = "" if self.binding is None else f", by binding {self.binding}"
        detail = f" ({self.actual})" if self.actual and self.reason is not Reason.RESOURCE_NOT_GRANTED else ""
        return f"Denied: {asked}{by}: {self.reason.value}{detail}. {self.reason.meaning}"


def ruling(authorization: Authorization, principal: Principal, resource: Resource) -> Ruling:
    """What the bindings say; raises ConfigError where none are configured."""
    try:
        return Ruling(resource, authorization.authorize(principal, resource).name, None, None)
    except AccessDenied as error:
        return Ruling(resource, error.binding, error.reason, error.actual)


def parse_resource(text: str) -> Resource | None:
    """`KIND/NAME` as a resource, or None when it is none; a name may hold further slashes."""
    kind, _, name = text.partition("/")
    return Resource(kind, name) if kind and name else None
