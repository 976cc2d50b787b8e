"""What clients, operators and developers see of the Flask extension."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from blinker import Signal
from flask import Blueprint, Flask, Response, abort, jsonify, make_response, request
from werkzeug.exceptions import HTTPException

from bearergate.core.access import check_access
from bearergate.core.errors import Refusal
from bearergate.flask import ResourceServer, principal, require, token_accepted, token_rejected
from tests.adapters.flask_application import ask, subject
from tests.adapters.observing import breaking, observed
from tests.adapters.tokens import TOKENS, World

CHALLENGE = 'Bearer realm="api"'


# Answers.


def every_handler(target: Flask | Blueprint) -> None:
    """Handlers as applications write them, for every way in which a refusal could come by."""
    for code_or_class in (401, 403, 400, 503, HTTPException, Exception):
        target.register_error_handler(code_or_class, lambda error: ("my own page", 418))


@pytest.mark.parametrize("in_blueprint", [True, False])
def test_answers_stay_exact_beside_handlers_of_the_application(app: Flask, world: World, in_blueprint: bool) -> None:
    every_handler(app)
    orders = Blueprint("orders", __name__)
    every_handler(orders)
    target = orders if in_blueprint else app
    target.get("/")(require(scope="a")(subject))
    target.get("/mine")(lambda: abort(401))
    app.register_blueprint(orders)
    missing = ask(app)
    assert (missing.status_code, missing.headers["WWW-Authenticate"]) == (401, CHALLENGE)
    assert missing.json == {
        "error": "authentication_required",
        "error_description": "The request carries no bearer token.",
    }
    assert (missing.headers["Cache-Control"], missing.headers["Content-Type"]) == ("no-store", "application/json")
    statuses = [ask(app, TOKENS[name](world)).status_code for name in ("half_scoped", "expired", "unreachable")]
    assert statuses == [403, 401, 503]
    assert ask(app, path="/mine").status_code == 418, "its own refusals are the application's affair"


def test_refusals_that_a_view_raises_are_answered_too(app: Flask, world: World) -> None:
    @app.get("/orders/<scope>")
    @require
    def orders(scope: str) -> str:
        check_access(principal, scope=scope)
        return "in"

    @app.get("/tokens/<token>")
    def introspect(token: str) -> str:
        return world.validator.validate(token).subject

    refused = ask(app, world.issuer.mint(), "/orders/a")
    assert refused.status_code == 403
    assert refused.headers["WWW-Authenticate"].endswith(', scope="a"')
    assert ask(app, path=f"/tokens/{world.issuer.mint()}").text == "user-1"
    assert ask(app, path=f"/tokens/{TOKENS['forged'](world)}").status_code == 401


def test_after_request_functions_see_refusals(app: Flask) -> None:
    def allow_origin(response: Response) -> Response:
        response.headers["Access-Control-Allow-Origin"] = "*"
        return response

    app.after_request(allow_origin)
    app.get("/")(require(subject))
    assert ask(app).headers["Access-Control-Allow-Origin"] == "*"


def test_a_preflight_gets_the_answer_of_flask(app: Flask) -> None:
    app.route("/", methods=["GET", "PUT"])(require(subject))
    headers = {"Origin": "https://app.test", "Access-Control-Request-Method": "PUT"}
    answer = app.test_client().options("/", headers=headers)
    assert (answer.status_code, answer.allow.as_set()) == (200, {"get", "head", "put", "options"})


def test_a_view_that_answers_options_itself_sees_an_anonymous_preflight(app: Flask) -> None:
    app.route("/", methods=["OPTIONS"])(require(lambda: make_response(str(bool(principal)))))
    headers = {"Origin": "https://app.test", "Access-Control-Request-Method": "PUT"}
    assert app.test_client().options("/", headers=headers).text == "False"
    assert app.test_client().options("/").status_code == 401


def test_the_realm_stands_in_the_challenge(world: World) -> None:
    app = Flask(__name__)
    ResourceServer(app, world.validator, realm="the orders", allow_preflight=False)
    app.get("/")(require(subject))
    assert ask(app).headers["WWW-Authenticate"] == 'Bearer realm="the orders"'
    headers = {"Origin": "https://app.test", "Access-Control-Request-Method": "GET"}
    assert app.test_client().options("/", headers=headers).status_code == 401


def test_identity_headers_of_a_client_do_not_reach_views(app: Flask) -> None:
    app.get("/")(lambda: jsonify(sorted(name for name, _ in request.headers)))
    spoofed = {"X-Remote-User": "admin", "X-Bearergate-Subject": "admin", "X-Kept": "1"}
    assert app.test_client().get("/", headers=spoofed).json == ["Host", "User-Agent", "X-Kept"]


# What operators and developers see.


@contextmanager
def received(signal: Signal, app: Flask) -> Iterator[list[dict[str, Any]]]:
    seen: list[dict[str, Any]] = []

    def receive(sender: Flask, **more: Any) -> None:
        seen.append(more)

    with signal.connected_to(receive, sender=app):
        yield seen


def test_signals_say_who_came_in_and_who_did_not(app: Flask, world: World) -> None:
    app.get("/")(require(scope="a")(subject))
    with received(token_accepted, app) as accepted, received(token_rejected, app) as rejected:
        ask(app, world.issuer.mint(scope="a"))
        for token in ("", world.issuer.forge(), world.issuer.mint()):
            ask(app, token)
    assert [each["principal"].subject for each in accepted] == ["user-1"]
    errors: list[Refusal] = [each["error"] for each in rejected]
    assert [error.reason.value for error in errors] == [
        "missing_credentials",
        "signature_invalid",
        "scope_insufficient",
    ]


def test_signals_of_one_application_are_not_sent_by_another(app: Flask, world: World) -> None:
    other = Flask("other")
    ResourceServer(other, world.validator)
    app.get("/")(require(subject))
    with received(token_accepted, other) as accepted:
        ask(app, world.issuer.mint())
    assert accepted == []


def test_refusals_and_acceptances_are_reported_once_each(world: World) -> None:
    validator, told = observed(world.issuer)
    app = Flask(__name__)
    ResourceServer(app, validator)
    app.get("/")(require(scope="a")(subject))
    for token in ("", "?", world.issuer.forge(), world.issuer.mint(scope="a"), world.issuer.mint()):
        ask(app, token)
    reasons = ["missing_credentials", "malformed_credentials", "signature_invalid", "accepted", "scope_insufficient"]
    assert told == [("flask", reason) for reason in reasons]


def test_a_fault_of_our_own_lets_nobody_in_and_says_nothing(world: World, caplog: pytest.LogCaptureFixture) -> None:
    token = world.issuer.mint()
    app = Flask(__name__)
    ResourceServer(app, breaking(world.issuer, f"could not read {token}"))
    app.get("/")(require(subject))
    with caplog.at_level(logging.DEBUG):
        answer = ask(app, token)
    assert answer.status_code == 500
    assert answer.json == {"error": "server_error", "error_description": "The request could not be processed."}
    (record,) = [record for record in caplog.records if record.name == "bearergate.flask"]
    assert "LookupError" in record.getMessage()
    assert token not in caplog.text
