"""Robots: names, refusals, and the principal of one."""

from __future__ import annotations

import pytest

from bearergate.core.errors import Unavailable, refusal
from bearergate.core.groups import is_reserved
from bearergate.core.reasons import Reason
from bearergate.core.robots import (
    RobotName,
    RobotProblem,
    RobotRefused,
    is_namespace,
    is_short_name,
    robot_name,
    robot_principal,
)
from tests.core.judging import ISSUER, judge

CI = RobotName("acme", "ci")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("acme+ci", CI),
        ("a.b-c_d+ci_2", ("a.b-c_d", "ci_2")),
        ("1+a", ("1", "a")),
        ("acme", None),
        ("acme+", None),
        ("+ci", None),
        ("acme+ci+x", None),
        ("Acme+ci", None),
        ("acme+Ci", None),
        ("acme+2ci", None),
        ("acme+c-i", None),
        ("a..b+ci", None),
        ("acme+ci\n", None),
        ("acme +ci", None),
        (f"{'a' * 255}+{'c' * 255}", ("a" * 255, "c" * 255)),
        (f"{'a' * 256}+ci", None),
        (f"acme+{'c' * 256}", None),
        ("$oidc", None),
    ],
)
def test_a_robots_name_is_a_namespace_and_a_short_name(text: str, name: tuple[str, str] | None) -> None:
    assert robot_name(text) == name


def test_the_two_parts_of_a_name_are_judged_alone_as_well() -> None:
    assert (is_namespace("a-b"), is_namespace("a/b"), is_short_name("a_b"), is_short_name("a-b")) == (
        True,
        False,
        True,
        False,
    )
    assert str(CI) == "acme+ci"


def test_a_refusal_is_401_unless_nobody_can_tell_at_the_moment() -> None:
    unknown = RobotRefused(RobotProblem.ROBOT_UNKNOWN, robot=CI)
    expired = RobotRefused(refusal(Reason.EXPIRED), robot=CI, issuer=ISSUER.issuer)
    down = RobotRefused(Unavailable())
    assert (unknown.status, expired.status, down.status) == (401, 401, 503)
    assert (unknown.reason, expired.reason, down.reason) == ("robot_unknown", "expired", "keys_unavailable")
    assert (str(unknown), str(expired)) == ("robot_unknown", "expired")
    assert (expired.robot, expired.issuer, unknown.issuer) == (CI, ISSUER.issuer, None)


def test_a_robots_groups_are_ones_that_no_issuer_can_give() -> None:
    actor = {"iss": "https://ci.test", "sub": "job"}
    proven = judge(ISSUER.mint(sub="acme+ci", act=actor, groups=["admins", 5]))
    assert proven.groups_problem is Reason.GROUPS_MALFORMED
    robot = robot_principal(proven, CI)
    assert robot.groups == ("system:robots", "system:robots:acme", "system:robot:acme+ci")
    assert all(is_reserved(group) for group in robot.groups)
    assert (robot.subject, robot.machine, robot.name, robot.groups_problem) == ("acme+ci", True, CI, None)
    assert robot.actor is not None
    assert (robot.actor.issuer, robot.actor.subject) == ("https://ci.test", "job")
