"""Robots: their names, why one is refused, and the principal of one whose token is good.

A robot is an identity of ours that has no password: trust rules say which workloads may act as it. Knows no store and
no request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final, NamedTuple

from bearergate.core.errors import Refusal, Unavailable
from bearergate.core.principal import Principal
from bearergate.core.reasons import Reason

_NAMESPACE: Final = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_SHORT: Final = re.compile(r"[a-z][a-z0-9_]*")
_MAX_PART: Final = 255

ALL_ROBOTS: Final = "system:robots"
ONE_ROBOT: Final = "system:robot"


class RobotName(NamedTuple):
    """`namespace+short`."""

    namespace: str
    short: str

    def __str__(self) -> str:
        return f"{self.namespace}+{self.short}"


def robot_name(text: str) -> RobotName | None:
    """The name of a robot, or None for any other text."""
    namespace, _, short = text.partition("+")
    return RobotName(namespace, short) if is_namespace(namespace) and is_short_name(short) else None


def is_namespace(text: str) -> bool:
    """Whether an organization or a user may be called like this."""
    return len(text) <= _MAX_PART and _NAMESPACE.fullmatch(text) is not None


def is_short_name(text: str) -> bool:
    """Whether a robot may be called like this within its namespace."""
    return len(text) <= _MAX_PART and _SHORT.fullmatch(text) is not None


class RobotProblem(StrEnum):
    """Why a robot is refused before, or after, the token that is presented for it is judged."""

    CREDENTIALS_MISSING = "credentials_missing"
    CREDENTIALS_NOT_BASIC = "credentials_not_basic"
    CREDENTIALS_UNREADABLE = "credentials_unreadable"
    CREDENTIALS_NOT_A_PAIR = "credentials_not_a_pair"
    NOT_A_ROBOT = "not_a_robot"
    ROBOT_UNKNOWN = "robot_unknown"
    ROBOT_NOT_FEDERATED = "robot_not_federated"
    ISSUER_NOT_TRUSTED = "issuer_not_trusted"
    """No rule of this robot names the issuer."""
    AUDIENCES_NOT_CONFIGURED = "audiences_not_configured"
    """No rule that names the issuer has an audience."""
    RULE_MISMATCH = "rule_mismatch"
    """The token is good, and no rule lets its subject in with its audience and its claims."""
    RULE_WITHDRAWN = "rule_withdrawn"
    """The rule by which a token was issued is no more."""


class RobotRefused(Exception):
    """A robot is not let in. For operators; what a client may read is the business of whoever answers.

    `why`: a problem with the robot, or the refusal of the token that was presented for it.
    """

    def __init__(
        self, why: RobotProblem | Refusal, *, robot: RobotName | None = None, issuer: str | None = None
    ) -> None:
        super().__init__(why.reason.value if isinstance(why, Refusal) else why.value)
        self.why = why
        self.robot = robot
        self.issuer = issuer
        """The issuer that the token names, unverified."""

    @property
    def reason(self) -> RobotProblem | Reason:
        """The stable code."""
        return self.why.reason if isinstance(self.why, Refusal) else self.why

    @property
    def status(self) -> int:
        """503 where nobody can tell at the moment, else 401: who asks learns nothing else."""
        return self.why.status if isinstance(self.why, Unavailable) else 401


@dataclass(frozen=True, kw_only=True)
class Robot(Principal):
    """A robot whose token we issued ourselves; `actor` is the workload that acts as it."""

    name: RobotName


def robot_principal(proven: Principal, name: RobotName) -> Robot:
    """The robot that a proven token of ours is about.

    Its groups are in the reserved name space `system:`, which no issuer's token can carry.
    """
    kept: dict[str, Any] = {each.name: getattr(proven, each.name) for each in fields(Principal)}
    kept["groups"] = (ALL_ROBOTS, f"{ALL_ROBOTS}:{name.namespace}", f"{ONE_ROBOT}:{name}")
    kept["groups_problem"] = None
    kept["machine"] = True
    return Robot(**kept, name=name)
