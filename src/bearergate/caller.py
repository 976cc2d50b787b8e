"""Caller: who is calling, in the form in which Starlette and what is built on it read it.

Imports no framework. Decides nothing.
"""

from __future__ import annotations

from bearergate.core.principal import Principal


class Caller:
    """Who is calling, as Starlette reads it from `request.user` and `request.auth`."""

    __slots__ = ("principal",)

    def __init__(self, principal: Principal | None) -> None:
        self.principal = principal

    @property
    def is_authenticated(self) -> bool:
        """Whether the request carried a good token."""
        return self.principal is not None

    @property
    def display_name(self) -> str:
        """The subject, or an empty string. Unique within one issuer only."""
        return "" if self.principal is None else self.principal.subject

    @property
    def identity(self) -> str:
        """Issuer and subject as one string, or an empty one.

        An issuer identifier holds no `#` (OpenID Connect Discovery 1.0 section 3), so two identities are never equal.
        """
        return "" if self.principal is None else f"{self.principal.issuer}#{self.principal.subject}"

    @property
    def scopes(self) -> list[str]:
        """The granted scopes (RFC 8693 section 4.2), for `@requires`; empty without a token."""
        return [] if self.principal is None else sorted(self.principal.scopes)
