"""Authorization: whether a principal may do what is asked for, by the demands of a route and by the bindings.

Pure. Knows for every issuer which claim its groups are read from, so that no expression sees it raw.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bearergate.core.access import Demand, check_access
from bearergate.core.bindings import Binding, Bindings
from bearergate.core.errors import ConfigError, Problem
from bearergate.core.facts import Facts
from bearergate.core.policy import GroupsFrom
from bearergate.core.policy_version import version_with
from bearergate.core.principal import Principal
from bearergate.core.resources import Granted, Resource

_NONE_CONFIGURED: Final = Problem("bindings", "none are configured", "configure bindings or group_bindings")


class Authorization:
    """The bindings of one configuration, for principals of all of its issuers. Immutable.

    `policy_version`: of the whole policy that they are part of.
    """

    def __init__(self, bindings: Bindings | None, sources: Mapping[str, GroupsFrom], rest_version: str = "") -> None:
        """`bindings`: None where none are configured. `sources`: where groups are read from, by issuer.

        `rest_version`: the version of the policy without its bindings.
        """
        self._bindings = bindings
        self._sources = sources
        self._rest_version = rest_version
        self.policy_version = version_with(bindings, rest_version)

    def replaced(self, bindings: Bindings) -> Authorization:
        """The same with other bindings, and the version of the policy with those."""
        return Authorization(bindings, self._sources, self._rest_version)

    @property
    def has_bindings(self) -> bool:
        """Whether bindings are configured, be it none at all."""
        return self._bindings is not None

    def authorize(self, principal: Principal, resource: Resource) -> Binding:
        """The binding that grants a resource; raises AccessDenied, and ConfigError where none are configured."""
        return self._configured().authorize(principal, resource, groups_claim=self._groups_claim(principal))

    def match(self, principal: Principal) -> Binding:
        """The binding that decides for a principal, whatever is asked for; raises what `authorize` raises."""
        return self._configured().match(Facts.of(principal, groups_claim=self._groups_claim(principal)))

    def check(self, demand: Demand, principal: Principal) -> Granted | None:
        """Raise unless the principal meets the demand: see `check_access` and `authorize`. What a binding granted."""
        check_access(principal, scope=demand.scope, group=demand.group, audience=demand.audience)
        resource = demand.wanted()
        return None if resource is None else Granted(resource, self.authorize(principal, resource).name)

    def _configured(self) -> Bindings:
        if self._bindings is None:
            raise ConfigError([_NONE_CONFIGURED])
        return self._bindings

    def _groups_claim(self, principal: Principal) -> str:
        source = self._sources.get(principal.issuer) or GroupsFrom()
        return source.claim
