"""Grants: what bindings let a principal do in registries. One evaluation for all that is asked.

Knows no request and no token.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from bearergate.chain import Chain
from bearergate.core.errors import AccessDenied
from bearergate.core.principal import Principal
from bearergate.core.reasons import Reason
from bearergate.core.registry_scope import Access, granted
from bearergate.validator import Validator


class GrantedAccesses(NamedTuple):
    """What is granted, the binding that decided, and why none could; each None where there is no such thing."""

    accesses: tuple[Access, ...]
    binding: str | None
    reason: Reason | None = None


class Grants:
    """Asks the bindings that the validator has at the moment: they may be replaced."""

    def __init__(self, validator: Validator | Chain) -> None:
        self._validator = validator

    def of(self, principal: Principal, asked: Iterable[Access]) -> GrantedAccesses:
        """What is granted of what is asked for. Whoever no binding matches is granted nothing, which is no error."""
        try:
            binding = self._validator.authorization.match(principal)
        except AccessDenied as denied:
            return GrantedAccesses((), denied.binding, denied.reason)
        return GrantedAccesses(granted(asked, binding.covers), binding.name)
