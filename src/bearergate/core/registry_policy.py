"""What an operator says of the registry service, as one frozen value. Knows no file and no environment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from bearergate.core.addresses import is_public
from bearergate.core.errors import ConfigError, Problem
from bearergate.core.keyring import DAY
from bearergate.core.metadata import UrlProblem, check_issuer, is_loopback
from bearergate.core.registry_tokens import ServiceNames

DEFAULT_KEY_PERIOD: Final = 30.0 * DAY
MIN_KEY_PERIOD: Final = 1.0 * DAY
"""A registry that reads certificates when it starts must be started anew within it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryPolicy:
    """The registry token service and its robots."""

    issuer: str
    """`iss` of what it issues."""
    service: str
    """`aud` of what it issues: what registries are configured with, and clients ask for."""
    database: str = field(repr=False)
    """URL; may hold a password."""
    key_folder: str | None = None
    """Where signing keys are kept; without it they are made at the start, and gone with the process."""
    publish_folder: str | None = None
    """Where certificates and the JWK Set are written for registries that read files."""
    key_period: float = DEFAULT_KEY_PERIOD
    """Seconds for which each key signs."""
    allow_private_issuers: bool = False
    """Whether rules may name issuers on private, local or otherwise special addresses."""
    robot_audience_optional: bool = False
    """Quay compatibility: a rule without audiences lets every audience in."""
    robot_messages: bool = False
    """Quay compatibility: the answers of robot federation say why, as Quay's do."""

    def __post_init__(self) -> None:
        """Refuse what no registry could be configured with."""
        problems = list(self._problems())
        if problems:
            raise ConfigError(problems)

    @property
    def names(self) -> ServiceNames:
        """Under which names tokens are issued."""
        return ServiceNames(self.issuer, self.service)

    def _problems(self) -> Iterator[Problem]:
        try:
            check_issuer(self.issuer)
        except UrlProblem as problem:
            yield Problem("issuer", str(problem), "write the URL of this service")
        if not self.service.strip():
            yield Problem("service", "must not be empty", "write the host name of the registry")
        if self.key_period < MIN_KEY_PERIOD:
            yield Problem("key_period", f"must be at least {MIN_KEY_PERIOD:.0f} seconds")


def may_be_private(issuer: str) -> bool:
    """Whether the URL itself says that its host is no public one. A name that is resolved only later does not."""
    host = urlsplit(issuer).hostname or ""
    is_number = host.replace(".", "").isdigit() or ":" in host
    return is_loopback(host) or (is_number and not is_public(host))
