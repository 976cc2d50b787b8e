"""Grants: what bindings let a principal do in registries. One evaluation for all that is asked.

Knows no request and no token.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from bearergate.core.bindings import Bindings
from bearergate.core.errors import AccessDenied
from bearergate.core.facts import GROUPS, Facts
from bearergate.core.principal import Principal
from bearergate.core.reasons import Reason
from bearergate.core.registry_scope import Access, granted


class Granted(NamedTuple):
    """What is granted, the binding that decided, and why none could; each None where there is no such thing."""

    accesses: tuple[Access, ...]
    binding: str | None
    reason: Reason | None = None


class Grants:
    """The bindings of the operator."""

    def __init__(self, bindings: Bindings, groups_claims: Mapping[str, str]) -> None:
        """`groups_claims`: by issuer, the claim that groups are in."""
        self._bindings = bindings
        self._groups_claims = groups_claims

    def of(self, principal: Principal, asked: Iterable[Access]) -> Granted:
        """What is granted of what is asked for. Whoever no binding matches is granted nothing, which is no error."""
        try:
            binding = self._bindings.match(self._facts(principal))
        except AccessDenied as denied:
            return Granted((), denied.binding, denied.reason)
        return Granted(granted(asked, binding.covers), binding.name)

    def _facts(self, principal: Principal) -> Facts:
        return Facts.of(principal, groups_claim=self._groups_claims.get(principal.issuer, GROUPS))
