"""Bindings: who may do what. An ordered list of expressions, each with the resources that it grants.

The first binding whose expression is true decides, for and against. Fails closed: an expression that cannot be compiled
or evaluated denies as soon as it is reached, groups that cannot be read deny at once, and no match denies. Knows no
source of bindings and no request.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Protocol

from bearergate.core.errors import AccessDenied, ConfigError, Problem
from bearergate.core.expression import Expression, ExpressionError
from bearergate.core.facts import UNREADABLE, Facts
from bearergate.core.path_match import PathPattern
from bearergate.core.principal import Principal
from bearergate.core.reasons import Reason
from bearergate.core.resources import Resource

MAX_NAME: Final = 1024
"""Longest name of a resource, in characters: no longer one is granted to anybody."""
MAX_PATTERN: Final = 512
"""Longest glob, in characters."""


class Grant(Protocol):
    """Which resources of one kind are granted."""

    def covers(self, name: str) -> bool:
        """Whether the resource of this name is one of them."""
        ...


@dataclass(frozen=True, slots=True)
class Globs:
    """Every name that a pattern matches (Go's `path.Match`)."""

    patterns: tuple[PathPattern, ...]

    def covers(self, name: str) -> bool:
        """Whether any of the patterns matches the whole name."""
        return any(pattern.matches(name) for pattern in self.patterns)

    def __str__(self) -> str:
        return ", ".join(pattern.text for pattern in self.patterns)


@dataclass(frozen=True, slots=True)
class Names:
    """Exactly these names; `*`, and only alone, is every name."""

    names: frozenset[str]

    def covers(self, name: str) -> bool:
        """Whether the name is listed, or every name is."""
        return name in self.names or "*" in self.names

    def __str__(self) -> str:
        return ", ".join(sorted(self.names))


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One binding. `grants`: by kind of resource; what is not in it is not granted."""

    name: str
    expression: Expression
    grants: Mapping[str, Grant]

    def covers(self, resource: Resource) -> bool:
        """Whether the binding grants the resource to whom it matches."""
        grant = self.grants.get(resource.kind)
        return grant is not None and len(resource.name) <= MAX_NAME and grant.covers(resource.name)


class Bindings:
    """All bindings, in the order of their names as bytes, and what was found wrong with them when they were loaded.

    `problems` stop nothing by themselves: what they are about denies when it is reached, or grants nothing.
    """

    def __init__(self, bindings: Iterable[Binding], problems: Iterable[Problem] = ()) -> None:
        self._bindings = tuple(sorted(bindings, key=lambda binding: _bytes(binding.name)))
        self.problems = tuple(problems)
        names = [binding.name for binding in self._bindings]
        twice = next((name for name, following in pairwise(names) if name == following), None)
        if twice is not None:
            # Which of the two comes first would decide.
            raise ConfigError([Problem(twice, "is the name of two bindings", "name every binding once")])

    def __iter__(self) -> Iterator[Binding]:
        return iter(self._bindings)

    def __len__(self) -> int:
        return len(self._bindings)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bindings) and self._bindings == other._bindings

    def __hash__(self) -> int:
        return hash(tuple(binding.name for binding in self._bindings))

    def match(self, facts: Facts) -> Binding:
        """The first binding whose expression is true; raises AccessDenied.

        Reasons: `groups_overage`, `groups_malformed`, `binding_error`, and when no binding matches `binding_none`, or
        why there are no groups.
        """
        problem = facts.groups_problem
        if problem is not None and problem in UNREADABLE:
            # Who is not in a group cannot be told either.
            raise _denied(problem, "groups that can be read", problem.value)
        for binding in self._bindings:
            try:
                if binding.expression.evaluate(facts):
                    return binding
            except ExpressionError as error:
                expected = f"a verdict of binding {binding.name}"
                raise _denied(Reason.BINDING_ERROR, expected, f"{error}: {error.detail}", binding) from None
        reason = Reason.BINDING_NONE if facts.groups or problem is None else problem
        raise _denied(reason, f"a match among {len(self)} bindings", f"none, with {len(facts.groups)} groups")

    def authorize(self, principal: Principal, resource: Resource, *, groups_claim: str) -> Binding:
        """The binding that grants the resource to the principal; raises AccessDenied.

        `groups_claim`: the claim that groups of the principal's issuer are in. Reasons: see `match`, and
        `resource_not_granted` when the first binding that matches does not grant it, whatever later ones would.
        """
        try:
            binding = self.match(Facts.of(principal, groups_claim=groups_claim))
            if binding.covers(resource):
                return binding
            expected, actual = f"a grant by binding {binding.name}", f"{resource.kind} {resource.name}"
            raise _denied(Reason.RESOURCE_NOT_GRANTED, expected, actual, binding)
        except AccessDenied as error:
            error.resource = resource
            raise


def _denied(reason: Reason, expected: str, actual: str, binding: Binding | None = None) -> AccessDenied:
    error = AccessDenied(reason)
    error.binding = None if binding is None else binding.name
    error.found_by(lambda: (expected, actual[:300]))
    return error


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")
