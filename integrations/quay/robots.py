"""The third way in: a workload shows a token of its own issuer and acts as a robot that trusts it.

Puts the robot federation of bearergate into a Flask application, at Quay's path. Issuers of robots are written by
tenants, so their keys are not fetched through the application's own client but with addresses checked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from flask import Flask, Response, abort, jsonify, request

from bearergate.clocks import wall_clock
from bearergate.core.registry_policy import RegistryPolicy
from bearergate.core.robot_answers import robot_answer
from bearergate.core.robots import Robot, RobotName, RobotRefused
from bearergate.registry.audit import RegistryAudit
from bearergate.registry.endpoints import ROBOT_PATH
from bearergate.registry.federation import Federation
from bearergate.registry.issuing import Issuing
from bearergate.registry.signing import Signing
from bearergate.registry.store import RobotStore

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Robots:
    """What the robots of an application need: their rules, and who judges by them."""

    policy: RegistryPolicy
    store: RobotStore
    federation: Federation


def make_robots(policy: RegistryPolicy) -> Robots:
    """Robots over the database of the policy, which is made ready; raises ConfigError or StoreUnavailable."""
    store = RobotStore(policy.database)
    store.prepare()
    issuing = Issuing(policy.names, Signing(policy.names, period=policy.key_period), wall_clock)
    return Robots(policy, store, Federation(policy, store, issuing, RegistryAudit(())))


def add_robots(app: Flask, robots: Robots) -> None:
    """Add Quay's path for robot federation, and one that shows which robot is calling."""

    @app.get(ROBOT_PATH)
    def robot_token() -> Response:
        name, token = _credentials(robots)
        issued = _judged(robots, robots.federation.exchange(name, token))
        return jsonify({"token": issued.token, "expires_in": issued.life.seconds})

    @app.get("/api/v1/robot")
    def robot() -> Response:
        name, token = _credentials(robots)
        found: Robot = _judged(robots, robots.federation.authenticate(name, token))
        actor = found.actor
        return jsonify({"robot": str(found.name), "acts_for": None if actor is None else [actor.issuer, actor.subject]})


def _credentials(robots: Robots) -> tuple[RobotName, str]:
    value = request.headers.get("Authorization")
    try:
        credentials = robots.federation.presented([] if value is None else [value])
        return robots.federation.named(credentials.username), credentials.password
    except RobotRefused as refused:
        _abort(robots, refused)


def _judged(robots: Robots, judgement: Coroutine[Any, Any, Result]) -> Result:
    try:
        return asyncio.run(judgement)
    except RobotRefused as refused:
        _abort(robots, refused)


def _abort(robots: Robots, refused: RobotRefused) -> NoReturn:
    answer = robot_answer(refused, realm=robots.policy.service, messages=robots.policy.robot_messages)
    abort(Response(answer.body, answer.status, answer.headers))
