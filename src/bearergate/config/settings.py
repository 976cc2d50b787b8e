"""The one frozen result of reading a configuration, whatever it was read from.

Knows no source and no key: schema.py builds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from bearergate.core.bindings import Bindings
from bearergate.core.events import Observer
from bearergate.core.jwt import MAX_TOKEN_BYTES
from bearergate.core.keyring import KeyLifecycle
from bearergate.core.policy import IssuerPolicy
from bearergate.core.policy_version import digest, version_with
from bearergate.core.registry_policy import RegistryPolicy
from bearergate.core.service_accounts import ClusterPolicy
from bearergate.key_supply import KeySupply
from bearergate.verdicts import VerdictBounds

if TYPE_CHECKING:
    from bearergate.chain import Chain
    from bearergate.fetch import Fetch
    from bearergate.validator import Validator


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Effective settings. `provenance` tells where each came from, by its path: `issuers[0].leeway`."""

    issuers: tuple[IssuerPolicy, ...]
    lifecycle: KeyLifecycle = field(default_factory=KeyLifecycle)
    max_token_bytes: int = MAX_TOKEN_BYTES
    supply: KeySupply = field(default_factory=KeySupply, repr=False, compare=False)
    """Where keys come from besides their issuers. No part of the policy; holds a secret."""
    snapshot: str | None = field(default=None, compare=False)
    """The file whose keys it starts with, or None."""
    verdicts: VerdictBounds = field(default_factory=VerdictBounds, compare=False)
    """What may be remembered of proven tokens. No part of the policy: it changes no verdict."""
    service_accounts: tuple[ClusterPolicy, ...] = ()
    """Kubernetes clusters whose service accounts are let in, too. Whoever builds only a `validator` refuses them."""
    bindings: Bindings | None = None
    """Who may do what. None where nothing is configured: then no route may ask for it."""
    registry: RegistryPolicy | None = None
    """The token service for registries; None where none is configured."""
    warnings: tuple[str, ...] = ()
    """What deserves a look; logged once, when the settings are loaded."""
    provenance: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), compare=False)

    @cached_property
    def policy_version(self) -> str:
        """A short digest of every setting that decides: two processes with equal policies have equal versions."""
        return version_with(self.bindings, self._rest_version)

    @cached_property
    def _rest_version(self) -> str:
        """The same without the bindings, which a running application may replace."""
        deciding: list[object] = [self.issuers, self.lifecycle, self.max_token_bytes]
        # Not where the files of a cluster are: that is the business of one machine.
        clusters = [
            (each.issuer, each.mode, each.audiences, each.api_server, each.algorithms) for each in self.service_accounts
        ]
        deciding += [clusters] if clusters else []
        if self.registry is not None:
            own = self.registry
            # Not its database and folders: they are the business of one machine.
            switches = (own.allow_private_issuers, own.robot_audience_optional, own.robot_messages)
            deciding += [{"registry": (own.issuer, own.service, switches)}]
        return digest(deciding)

    def origin(self, path: str) -> str:
        """Where a setting came from: `default`, `preset dex`, `file gate.yaml line 12`. KeyError for no setting."""
        return self.provenance[path]

    def validator(
        self,
        *,
        fetch: Fetch | None = None,
        clock: Callable[[], float] | None = None,
        observers: Iterable[Observer] = (),
    ) -> Validator:
        """A validator for these settings; nothing is fetched yet."""
        # Late, because reading a configuration (to lint it, say) needs no key cache and no HTTP client.
        from bearergate.validator import Validator

        return Validator(
            self.issuers,
            lifecycle=self.lifecycle,
            max_token_bytes=self.max_token_bytes,
            fetch=fetch,
            clock=clock,
            observers=observers,
            policy_version=self._rest_version,
            supply=self.supply,
            verdicts=self.verdicts,
            bindings=self.bindings,
        )

    def chain(
        self,
        *,
        fetch: Fetch | None = None,
        clock: Callable[[], float] | None = None,
        observers: Iterable[Observer] = (),
    ) -> Validator | Chain:
        """The validator; a chain with it where service accounts are let in. Nobody is asked anything yet.

        Raises ConfigError when a file of a cluster cannot be used any more.
        """
        told = tuple(observers)
        validator = self.validator(fetch=fetch, clock=clock, observers=told)
        if not self.service_accounts:
            return validator
        from bearergate.chain import Chain
        from bearergate.kubernetes import authenticators

        asked = authenticators(self.service_accounts, max_token_bytes=self.max_token_bytes, clock=clock)
        return Chain(validator, asked, observers=told, clock=clock)
