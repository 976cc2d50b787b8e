"""What a client is told that asked for a robot: always the same, unless Quay's words are wanted."""

from __future__ import annotations

import json

import pytest

from bearergate.core.bearer import Answer
from bearergate.core.errors import Refusal, Unavailable, refusal
from bearergate.core.reasons import Reason
from bearergate.core.robot_answers import basic_challenge, robot_answer
from bearergate.core.robots import RobotProblem, RobotRefused

WHY: list[RobotProblem | Refusal] = [
    *RobotProblem,
    refusal(Reason.EXPIRED),
    refusal(Reason.MALFORMED_TOKEN),
    refusal(Reason.ISSUER_MISSING),
    refusal(Reason.GROUPS_OVERAGE),
]
OURS = {"error": "unauthorized", "error_description": "The robot could not be authenticated."}


def answered(why: RobotProblem | Refusal, *, messages: bool = False) -> Answer:
    return robot_answer(RobotRefused(why, issuer="https://ci.test"), realm="registry", messages=messages)


@pytest.mark.parametrize("why", WHY, ids=str)
def test_every_refusal_is_401_with_the_same_words(why: RobotProblem | Refusal) -> None:
    answer = answered(why)
    assert (answer.status, json.loads(answer.body)) == (401, OURS)
    assert answer.headers == (
        ("WWW-Authenticate", 'Basic realm="registry", charset="UTF-8"'),
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(answer.body))),
        ("Cache-Control", "no-store"),
    )


@pytest.mark.parametrize("messages", [True, False])
def test_where_nobody_can_tell_it_is_503_in_either_words(messages: bool) -> None:
    answer = answered(Unavailable(retry_after=3), messages=messages)
    assert answer.status == 503
    assert dict(answer.headers)["Retry-After"] == "3"
    assert "WWW-Authenticate" not in dict(answer.headers)


QUAY: list[tuple[RobotProblem | Refusal, int, dict[str, str]]] = [
    (RobotProblem.CREDENTIALS_MISSING, 401, {"error": "No auth header"}),
    (RobotProblem.CREDENTIALS_NOT_BASIC, 401, {"error": "Invalid basic auth header"}),
    (RobotProblem.CREDENTIALS_UNREADABLE, 401, {"error": "Could not parse basic auth header"}),
    (
        RobotProblem.CREDENTIALS_NOT_A_PAIR,
        401,
        {"error": "Unexpected number of credentials found in basic auth header"},
    ),
    (RobotProblem.NOT_A_ROBOT, 401, {"error": "Invalid robot"}),
    (RobotProblem.ROBOT_UNKNOWN, 400, {"message": "Could not find robot with specified username"}),
    (RobotProblem.ROBOT_NOT_FEDERATED, 400, {"message": "Robot does not have federated login configured"}),
    (RobotProblem.ISSUER_NOT_TRUSTED, 400, {"message": "issuer https://ci.test not configured for this robot"}),
    (
        RobotProblem.AUDIENCES_NOT_CONFIGURED,
        400,
        {"message": "Invalid token: its audience is not configured for this robot"},
    ),
    (RobotProblem.RULE_MISMATCH, 400, {"message": "Token does not match robot"}),
    (RobotProblem.RULE_WITHDRAWN, 400, {"message": "Token does not match robot"}),
    (refusal(Reason.EXPIRED), 400, {"message": "Invalid token: The token has expired."}),
    (refusal(Reason.ISSUER_MISSING), 400, {"message": "Token does not contain issuer"}),
    (refusal(Reason.MALFORMED_TOKEN), 401, OURS),
    (refusal(Reason.TOKEN_TOO_LONG), 401, OURS),
]


@pytest.mark.parametrize(("why", "status", "body"), QUAY, ids=[str(why) for why, _, _ in QUAY])
def test_in_quays_words(why: RobotProblem | Refusal, status: int, body: dict[str, str]) -> None:
    answer = answered(why, messages=True)
    assert (answer.status, json.loads(answer.body)) == (status, body)
    # A challenge belongs to 401 only.
    assert ("WWW-Authenticate" in dict(answer.headers)) is (status == 401)


def test_every_problem_has_words() -> None:
    assert set(RobotProblem) == {why for why, _, _ in QUAY if isinstance(why, RobotProblem)}


def test_a_challenge_names_its_realm() -> None:
    assert basic_challenge("a") == ("WWW-Authenticate", 'Basic realm="a", charset="UTF-8"')
