"""Answers: refusals and results as Starlette responses. Decides nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import JSONResponse, Response

from bearergate.core.bearer import Answer, answer
from bearergate.core.errors import AuthenticationRequired, Refusal
from bearergate.core.robot_answers import basic_challenge, robot_answer
from bearergate.core.robots import RobotRefused
from bearergate.registry.issuing import Issued

_NO_STORE: Final[Mapping[str, str]] = {"Cache-Control": "no-store"}


def from_answer(answered: Answer) -> Response:
    """An answer as it is."""
    response = Response(answered.body, answered.status)
    response.raw_headers = [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in answered.headers]
    return response


def refusal_response(error: Refusal | RobotRefused, *, realm: str, messages: bool, basic: bool) -> Response:
    """The answer to whoever is not let in. `basic`: whether Basic credentials would do as well."""
    if isinstance(error, RobotRefused):
        return from_answer(robot_answer(error, realm=realm, messages=messages))
    answered = answer(error, realm=realm)
    if basic and isinstance(error, AuthenticationRequired):
        # Both ways in, each as a field of its own: clients read the one that they know.
        answered = Answer(answered.status, (basic_challenge(realm), *answered.headers), answered.body)
    return from_answer(answered)


def json_response(content: Any, status: int = HTTPStatus.OK) -> Response:  # noqa: ANN401 - whatever JSON can hold
    """A JSON answer that nobody keeps."""
    return JSONResponse(content, status, _NO_STORE)


def bad_request(sentence: str, status: int = HTTPStatus.BAD_REQUEST) -> Response:
    """What is wrong with a request, under every name by which clients of either API look for it."""
    return json_response({"error": "invalid_request", "error_description": sentence, "message": sentence}, status)


def token_response(issued: Issued) -> Response:
    """A registry token, as the Docker Registry v2 token authentication has it."""
    at = dt.datetime.fromtimestamp(issued.life.begins, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    members = {"token": issued.token, "access_token": issued.token}
    return json_response({**members, "expires_in": issued.life.seconds, "issued_at": at})
