"""What a route demands of a principal: scopes, a group, its own audience, a binding that grants what it is about.

Runs on every request, never cached. Knows no route: adapters say what is asked for in a request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, TypeAlias

from bearergate.core.claims import AUD
from bearergate.core.errors import AccessDenied, ConfigError, InsufficientScope, Problem, refusal
from bearergate.core.principal import Principal
from bearergate.core.reasons import Reason
from bearergate.core.resources import Resource

_ARGUMENT: Final = re.compile(r"<([^\W\d]\w*)>")
NEEDS_TEXTS: Final = Problem("demand", "needs non-empty strings, by name", 'such as scope="read write"')
_NO_SUCH_NAME: Final = Problem("demand", "must name its resource", 'such as resource="<name>", or a function')
_NO_KIND: Final = Problem("demand", "names a resource of no kind", 'say which kind a binding must grant: binding="..."')
_NO_REQUEST: Final = Problem("demand", "names an argument of a route, and there is none", "give a function instead")

ResourceName: TypeAlias = str | Callable[..., str]
"""The name of a resource; `<name>` for the argument `name` of the route; or a function that finds it in a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a route demands of its callers beyond a good token. Raises ConfigError when it cannot be understood."""

    scope: str | None = None
    """All of these, space-separated (RFC 6749 section 3.3)."""
    group: str | None = None
    audience: str | None = None
    """One of the configured audiences."""
    optional: bool = False
    """Whether a token may be missing; one that is there must be good all the same."""
    binding: str | None = None
    """A kind of resource: the bindings must grant the one that the request is about."""
    resource: ResourceName | None = None
    """Which one that is. Looked for once the token is proven, and whatever else is demanded is met."""

    def __post_init__(self) -> None:
        """Refuse what demands nothing, or nothing that can be told."""
        given = [text for text in (self.scope, self.group, self.audience, self.binding) if text is not None]
        if not all(_is_text(text) for text in given):
            raise ConfigError([NEEDS_TEXTS])
        if self.binding is None and self.resource is not None:
            raise ConfigError([_NO_KIND])
        if self.binding is not None and not _is_name(self.resource):
            raise ConfigError([_NO_SUCH_NAME])

    @property
    def argument(self) -> str | None:
        """The argument of the route that names the resource, or None."""
        found = _ARGUMENT.fullmatch(self.resource) if isinstance(self.resource, str) else None
        return None if found is None else found[1]

    def about(self, arguments: Mapping[str, Any], request: object = None) -> Demand:
        """The same demand of one request. `arguments`: of its route.

        A function is called with the `request`, or without one with all arguments by name.
        """
        if self.binding is None:
            return self
        if callable(self.resource):
            found = partial(self.resource, **arguments) if request is None else partial(self.resource, request)
            return replace(self, resource=found)
        return self if self.argument is None else replace(self, resource=partial(_text, arguments, self.argument))

    def wanted(self) -> Resource | None:
        """The resource that must be granted, or None; raises ConfigError where nobody said of which request."""
        if self.binding is None:
            return None
        if self.argument is not None:
            raise ConfigError([_NO_REQUEST])
        name = self.resource() if callable(self.resource) else self.resource
        # Also where an argument has a default that is nothing: no request names nothing.
        if not isinstance(name, str):
            raise TypeError("a resource is named by a string")
        return Resource(self.binding, name)

    def problem(self, audiences: Container[str], path: str = "audience", *, has_bindings: bool) -> Problem | None:
        """What is wrong with a demand that no token for the configured audiences, and no binding, can meet."""
        if self.audience is not None and self.audience not in audiences:
            sentence = f"{self.audience!r} is not a configured audience"
            return Problem(path, sentence, "ask for one of OIDC_AUDIENCES, or add it there")
        if self.binding is not None and not has_bindings:
            sentence = f"demands a binding for {self.binding!r}, and no bindings are configured"
            return Problem(path, sentence, "configure bindings or group_bindings")
        return None

    def problem_of_route(self, arguments: Container[str], path: str) -> Problem | None:
        """What is wrong with a demand of a route that has these arguments."""
        if self.argument is None or self.argument in arguments:
            return None
        return Problem(
            path, f"has no argument {self.argument!r}, by which it names its resource", "write it in the rule"
        )


ANYBODY: Final = Demand()
"""Demands nothing but a good token."""


def check_demands(
    demands: Mapping[str, Demand],
    routes: Iterable[tuple[str, Container[str]]],
    audiences: Container[str],
    *,
    has_bindings: bool,
) -> None:
    """Raise ConfigError with every demand that nobody can meet, by the path of who demands it.

    `routes`: for paths that are routes, the arguments that they have.
    """
    found = [demand.problem(audiences, path, has_bindings=has_bindings) for path, demand in demands.items()]
    found += [demands.get(path, ANYBODY).problem_of_route(arguments, path) for path, arguments in routes]
    problems = [problem for problem in found if problem is not None]
    if problems:
        raise ConfigError(problems)


def _is_text(value: object) -> bool:
    # Not every caller has a type checker.
    return isinstance(value, str) and bool(value.strip())


def _is_name(resource: ResourceName | None) -> bool:
    """Whether a resource can be found by this: a text, an argument in brackets, a function."""
    if not isinstance(resource, str):
        return callable(resource)
    # What looks like an argument and is none would be a name that no request is about.
    return bool(resource) and (_ARGUMENT.fullmatch(resource) is not None or not set("<>") & set(resource))


def _text(arguments: Mapping[str, object], name: str) -> Any:  # noqa: ANN401 - judged as what a function finds
    # Frameworks convert what they are told to: numbers, UUIDs.
    value = arguments[name]
    return None if value is None else str(value)


def check_access(
    principal: Principal, *, scope: str | None = None, group: str | None = None, audience: str | None = None
) -> None:
    """Raise unless the principal has all of `scope` (space-separated), `group`, and a token for `audience`.

    Raises InsufficientScope (RFC 6750 section 3.1), AccessDenied, or AudienceRejected.
    """
    if audience is not None and audience not in principal.audiences:
        raise refusal(Reason.AUDIENCE_MISMATCH, AUD)
    if scope is not None and not principal.scopes.issuperset(scope.split()):
        raise InsufficientScope(scope)
    if group is not None and (group not in principal.groups or principal.groups_problem is Reason.GROUPS_OVERAGE):
        raise AccessDenied(principal.groups_problem or Reason.GROUPS_MISSING)
