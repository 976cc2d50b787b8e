"""What happened in the registry service, as frozen records. No record ever holds a token.

Whether an incoming token was accepted is told by the events of core/events.py; these tell what was issued for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from bearergate.core.events import UnverifiedIdentity
from bearergate.core.principal import Principal
from bearergate.core.reasons import Reason
from bearergate.core.registry_scope import Access
from bearergate.core.robots import RobotName


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotTokenIssued:
    """A workload got a token of a robot."""

    time: float
    """Wall clock, seconds since the epoch."""
    robot: RobotName
    workload: Principal
    token_id: str
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotRejected:
    """Somebody wanted to act as a robot and may not."""

    time: float
    robot: RobotName | None
    """None when what was presented names no robot."""
    reason: str
    status: int
    unverified: UnverifiedIdentity
    """What the token says of itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryTokenIssued:
    """Somebody got a token for registries; `granted` may be less than what was asked for."""

    time: float
    principal: Principal
    asked: tuple[Access, ...]
    granted: tuple[Access, ...]
    binding: str | None
    """The binding that decided, or that could not be evaluated; None when none matched."""
    reason: Reason | None
    """Why nothing is granted, where that is not for the binding to say."""
    token_id: str
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotChanged:
    """Somebody changed a robot or its rules."""

    time: float
    principal: Principal
    robot: RobotName
    change: str
    """`created`, `deleted`, `rules_replaced` or `rules_deleted`."""
    rules: int
    """How many it has now."""


RegistryEvent: TypeAlias = RobotTokenIssued | RobotRejected | RegistryTokenIssued | RobotChanged

RegistryObserver: TypeAlias = Callable[[RegistryEvent], None]
"""Receives every event. What it raises is logged and otherwise ignored; it must not block."""
