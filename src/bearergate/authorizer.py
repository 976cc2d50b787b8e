"""Authorizer: one event for each decision about a principal who was admitted already.

Decides nothing itself: the authorization of each call does.
"""

from __future__ import annotations

from bearergate.core.access import Demand
from bearergate.core.bindings import Binding
from bearergate.core.errors import Refusal
from bearergate.core.principal import Principal
from bearergate.core.resources import Granted, Resource
from bearergate.decisions import Call, Decisions


class Authorizer:
    """Asks the authorization of a call, and tells what it said."""

    def __init__(self, decisions: Decisions) -> None:
        self._decisions = decisions

    def authorize(self, principal: Principal, resource: Resource, call: Call) -> Binding:
        """The binding that grants a resource; raises AccessDenied. Either is told."""
        try:
            binding = call.authorization.authorize(principal, resource)
        except Refusal as error:
            self._decisions.rejected(error, call)
            raise
        self._decisions.granted(principal, Granted(resource, binding.name), call)
        return binding

    def demand(self, principal: Principal, demand: Demand, call: Call) -> Granted | None:
        """Raise unless the principal meets the demand, and tell that. Whoever goes on tells that it was met."""
        try:
            return call.authorization.check(demand, principal)
        except Refusal as error:
            self._decisions.rejected(error, call)
            raise

    def demand_more(self, principal: Principal, demand: Demand, call: Call) -> None:
        """The same of a principal of whom was told already: what a binding grants now is told by itself."""
        granted = self.demand(principal, demand, call)
        if granted is not None:
            self._decisions.granted(principal, granted, call)
