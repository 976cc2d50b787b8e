"""What a client is told that asked for a robot's token and did not get it.

Always 401 with one sentence, or 503; why is for the operator's log. As Quay says it (`robot_messages`) only where the
operator wants that: its texts tell strangers which robots there are. Knows no framework.
"""

from __future__ import annotations

import json
from typing import Final

from bearergate.core.basic import BASIC
from bearergate.core.bearer import WWW_AUTHENTICATE, Answer, answer
from bearergate.core.errors import MalformedToken, Refusal, Unavailable
from bearergate.core.reasons import Reason
from bearergate.core.robots import RobotProblem, RobotRefused

_SENTENCE: Final = "The robot could not be authenticated."
_STATUS: Final = 401

# Quay answers these with 401 and `error`.
_ERRORS: Final = {
    RobotProblem.CREDENTIALS_MISSING: "No auth header",
    RobotProblem.CREDENTIALS_NOT_BASIC: "Invalid basic auth header",
    RobotProblem.CREDENTIALS_UNREADABLE: "Could not parse basic auth header",
    RobotProblem.CREDENTIALS_NOT_A_PAIR: "Unexpected number of credentials found in basic auth header",
    RobotProblem.NOT_A_ROBOT: "Invalid robot",
}
# And these with 400 and `message`.
_MESSAGES: Final = {
    RobotProblem.ROBOT_UNKNOWN: "Could not find robot with specified username",
    RobotProblem.ROBOT_NOT_FEDERATED: "Robot does not have federated login configured",
    RobotProblem.AUDIENCES_NOT_CONFIGURED: "Invalid token: its audience is not configured for this robot",
    RobotProblem.RULE_MISMATCH: "Token does not match robot",
    RobotProblem.RULE_WITHDRAWN: "Token does not match robot",
}


def robot_answer(refused: RobotRefused, *, realm: str, messages: bool = False) -> Answer:
    """The answer to a refused robot. `messages`: in Quay's words."""
    if isinstance(refused.why, Unavailable):
        return answer(refused.why, realm=realm)
    if messages:
        told = _as_quay_says(refused)
        if told is not None:
            return _json(*told, realm=realm)
    return _json(_STATUS, {"error": "unauthorized", "error_description": _SENTENCE}, realm=realm)


def _as_quay_says(refused: RobotRefused) -> tuple[int, dict[str, str]] | None:
    why = refused.why
    if isinstance(why, Refusal):
        if why.reason is Reason.ISSUER_MISSING:
            return 400, {"message": "Token does not contain issuer"}
        # Where Quay fails with 500 the answer stays our own.
        return None if isinstance(why, MalformedToken) else (400, {"message": f"Invalid token: {why.reason.meaning}"})
    if why is RobotProblem.ISSUER_NOT_TRUSTED:
        return 400, {"message": f"issuer {refused.issuer} not configured for this robot"}
    if why in _ERRORS:
        return _STATUS, {"error": _ERRORS[why]}
    return 400, {"message": _MESSAGES[why]}


def basic_challenge(realm: str) -> tuple[str, str]:
    """The header field that asks for Basic credentials (RFC 7617 section 2)."""
    return WWW_AUTHENTICATE, f'{BASIC} realm="{realm}", charset="UTF-8"'


def _json(status: int, members: dict[str, str], *, realm: str) -> Answer:
    body = json.dumps(members).encode("ascii")
    fixed = (("Content-Type", "application/json"), ("Content-Length", str(len(body))), ("Cache-Control", "no-store"))
    challenge = (basic_challenge(realm),) if status == _STATUS else ()
    return Answer(status, (*challenge, *fixed), body)
