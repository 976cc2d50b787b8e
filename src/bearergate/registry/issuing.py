"""Issuing: a robot token or a registry token for a proven credential, with its times and its own id.

Asks the clock and the signing keys; what a token says is put together in core/registry_tokens.py.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import NamedTuple

from bearergate.clocks import Clock
from bearergate.core.principal import Principal
from bearergate.core.registry_scope import Access
from bearergate.core.registry_tokens import (
    REGISTRY_TYP,
    ROBOT_TYP,
    Life,
    ServiceNames,
    life,
    registry_claims,
    robot_claims,
)
from bearergate.core.robots import RobotName
from bearergate.core.trust import TrustRule
from bearergate.registry.signing import Signing


class Issued(NamedTuple):
    """A token of ours."""

    token: str
    token_id: str
    life: Life

    def __repr__(self) -> str:
        # Not the token: error trackers keep local variables.
        return f"Issued(token_id={self.token_id!r})"


class Issuing:
    """What this service issues."""

    def __init__(self, names: ServiceNames, signing: Signing, clock: Clock) -> None:
        """`clock`: wall clock in seconds since the epoch."""
        self.names = names
        self.signing = signing
        self.clock = clock

    def robot_token(self, robot: RobotName, workload: Principal, rule: TrustRule) -> Issued:
        """A token with which the workload acts as the robot, by this rule."""
        span, token_id = life(self.clock(), workload), str(uuid.uuid4())
        claims = robot_claims(self.names, robot, workload, rule, span, token_id)
        return Issued(self.signing.sign(claims, ROBOT_TYP), token_id, span)

    def registry_token(self, principal: Principal, granted: Iterable[Access]) -> Issued:
        """A token with which registries let the principal do what is granted."""
        span, token_id = life(self.clock(), principal), str(uuid.uuid4())
        claims = registry_claims(self.names, principal.subject, granted, span, token_id)
        return Issued(self.signing.sign(claims, REGISTRY_TYP), token_id, span)
