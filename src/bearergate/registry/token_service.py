"""The token service: who presents which credential, and the token that registries accept from them.

Three credentials: a bearer token, the same as the password of `$oidc`, and a robot's token as the robot's password.
Decides nothing itself: the validator, federation.py and grants.py do. Knows of a request only its credential.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bearergate.chain import Chain
from bearergate.core.basic import is_basic
from bearergate.core.principal import Principal
from bearergate.core.registry_events import RegistryTokenIssued
from bearergate.core.registry_scope import Access
from bearergate.registry.audit import RegistryAudit
from bearergate.registry.federation import Federation
from bearergate.registry.gatekeeper import ADAPTER, Gatekeeper
from bearergate.registry.grants import Grants
from bearergate.registry.issuing import Issued, Issuing
from bearergate.validator import Validator

OIDC_USER: Final = "$oidc"
"""The user name with which a client that knows only passwords presents a bearer token."""


class TokenService:
    """Issues registry tokens."""

    def __init__(
        self,
        validator: Validator | Chain,
        gatekeeper: Gatekeeper,
        federation: Federation,
        grants: Grants,
        issuing: Issuing,
        audit: RegistryAudit,
    ) -> None:
        self._validator = validator
        self._gatekeeper = gatekeeper
        self._federation = federation
        self._grants = grants
        self._issuing = issuing
        self._audit = audit

    async def authenticate(self, authorization: Sequence[str], path: str) -> Principal:
        """Who presents this credential; raises Refusal or RobotRefused."""
        if not is_basic(authorization):
            return await self._gatekeeper.bearer(authorization, path)
        credentials = self._federation.presented(authorization)
        if credentials.username == OIDC_USER:
            return await self._validator.validate_async(credentials.password, adapter=ADAPTER)
        robot = self._federation.named(credentials.username)
        return await self._federation.authenticate(robot, credentials.password)

    def issue(self, principal: Principal, asked: tuple[Access, ...]) -> Issued:
        """A registry token with what bindings grant the principal of what is asked for."""
        found = self._grants.of(principal, asked)
        issued = self._issuing.registry_token(principal, found.accesses)
        self._audit.tell(
            RegistryTokenIssued(
                time=self._issuing.clock(),
                principal=principal,
                asked=asked,
                granted=found.accesses,
                binding=found.binding,
                reason=found.reason,
                token_id=issued.token_id,
                expires_at=issued.life.ends,
            )
        )
        return issued
