"""Routes that demand a binding, by every adapter: where the resource is found, and what stops the setup."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, abort, request

from bearergate import ConfigError, Demand, Principal, Reason, asgi, wsgi
from bearergate.core.access import ANYBODY
from bearergate.core.events import AccessGranted, TokenAccepted, TokenRejected
from bearergate.core.policy import IssuerPolicy
from bearergate.flask import ResourceServer, principal, require
from bearergate.validator import Validator
from tests.adapters.drivers import http_scope, run_asgi, run_wsgi, wsgi_environ
from tests.adapters.flask_application import ask, protected, subject
from tests.adapters.tokens import bearer
from tests.authorizing import DEMAND, GCP, ISSUER, VPC, Scene, member, stranger
from tests.vouchers import AUDIENCE


@pytest.fixture
def scene() -> Scene:
    return Scene()


def statuses(scene: Scene, validator: Any) -> list[tuple[str, int, list[str]]]:
    """What each adapter answers to three bearers at the route of a module, and the events of that request."""

    def by_asgi(token: str) -> int:
        app = asgi.BearerMiddleware(_passed, validator, demand=DEMAND)
        return run_asgi(app, {**http_scope(headers=bearer(token)), "path_params": {"name": "aws-vpc"}}).status

    def by_wsgi(token: str) -> int:
        demand = Demand(binding="module", resource=lambda environ: environ["PATH_INFO"].rpartition("/")[2])
        app = wsgi.BearerMiddleware(_passed_wsgi, validator, demand=demand)
        return run_wsgi(app, wsgi_environ(headers=bearer(token), path="/modules/aws-vpc")).status

    def by_flask(token: str) -> int:
        app = protected(validator)
        app.add_url_rule("/modules/<name>", "module", require(binding="module", resource="<name>")(_module))
        return ask(app, token, "/modules/aws-vpc").status_code

    found: list[tuple[str, int, list[str]]] = []
    for send in (by_asgi, by_wsgi, by_flask):
        for token in (member(), stranger(), "voucher-unverified"):
            scene.told()
            status = send(token)
            found.append((send.__name__, status, [type(event).__name__ for event in scene.told()]))
    return found


async def _passed(scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"in"})


def _passed_wsgi(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [b"in"]


def _module(name: str) -> str:
    return name


def test_every_adapter_tells_one_event_and_refuses_whom_nobody_verified(scene: Scene) -> None:
    assert statuses(scene, scene.chain) == [
        (adapter, status, [event])
        for adapter in ("by_asgi", "by_wsgi", "by_flask")
        for status, event in ((200, "TokenAccepted"), (403, "TokenRejected"), (401, "TokenRejected"))
    ]


def test_a_middleware_that_demands_anything_takes_no_unverified_bearer_on_any_path(scene: Scene) -> None:
    literal = Demand(binding="module", resource="aws-vpc")
    for demand, status in ((ANYBODY, 200), (literal, 401)):
        app = asgi.BearerMiddleware(_passed, scene.chain, allow_unverified_bearer=["/**"], demand=demand)
        assert run_asgi(app, http_scope(headers=bearer("voucher-unverified"))).status == status
        other = wsgi.BearerMiddleware(_passed_wsgi, scene.chain, allow_unverified_bearer=["/**"], demand=demand)
        assert run_wsgi(other, wsgi_environ(headers=bearer("voucher-unverified"))).status == status


def test_what_is_granted_to_who_was_let_in_already_is_told_as_well(scene: Scene) -> None:
    for judge in (scene.validator, scene.chain):
        app = Flask("whole")
        ResourceServer(app, judge, protect_all=True)
        app.add_url_rule("/modules/<name>", "module", require(binding="module", resource="<name>")(_module))
        for token in (member(), "voucher-jane") if judge is scene.chain else (member(),):
            scene.told()
            assert ask(app, token, "/modules/aws-vpc").status_code == 200
            let_in, granted = scene.told()
            assert isinstance(let_in, TokenAccepted)
            assert isinstance(granted, AccessGranted)
            assert (granted.granted.resource, granted.principal, granted.adapter) == (VPC, let_in.principal, "flask")


def test_a_demand_that_nobody_can_meet_stops_the_setup(scene: Scene) -> None:
    policy = IssuerPolicy(issuer=ISSUER.issuer, audiences=frozenset({AUDIENCE}))
    without = Validator([policy], fetch=ISSUER.fetch)
    literal = Demand(binding="module", resource="x")
    for setup in (
        lambda: asgi.BearerMiddleware(_passed, without, demand=literal),
        lambda: wsgi.BearerMiddleware(_passed_wsgi, without, demand=literal),
        lambda: asgi.BearerMiddleware(_passed, scene.chain, demand=Demand(audience="https://nowhere.test")),
    ):
        with pytest.raises(ConfigError, match=r"no bindings are configured|is not a configured audience"):
            setup()
    with pytest.raises(ConfigError, match="names an argument, and WSGI has none"):
        wsgi.BearerMiddleware(_passed_wsgi, scene.validator, demand=DEMAND)


def test_a_route_without_the_argument_that_its_view_asks_for_stops_the_setup(scene: Scene) -> None:
    app = protected(scene.validator)
    app.add_url_rule("/modules/<other>", "module", require(binding="module", resource="<name>")(_module))
    with pytest.raises(ConfigError, match="view module: has no argument 'name'"):
        ask(app, member(), "/modules/x")


def test_a_view_that_demands_a_binding_where_none_are_configured_stops_the_setup() -> None:
    policy = IssuerPolicy(issuer=ISSUER.issuer, audiences=frozenset({AUDIENCE}))
    app = protected(Validator([policy], fetch=ISSUER.fetch))
    app.get("/")(require(binding="module", resource="x")(subject))
    with pytest.raises(ConfigError, match="view subject: demands a binding for 'module', and no bindings"):
        ask(app, member())


def test_a_function_finds_the_resource_anywhere_in_the_request_and_only_of_who_is_known(scene: Scene) -> None:
    app = protected(scene.validator)
    asked: list[str] = []

    def find(team: str) -> str:
        asked.append(team)
        return request.args.get("module") or abort(400)

    app.add_url_rule("/<team>", "module", require(binding="module", resource=find)(lambda team: team))
    assert ask(app, path="/a?module=aws-vpc").status_code == 401
    assert ask(app, "x.y.z", path="/a?module=aws-vpc").status_code == 401
    assert asked == []
    assert ask(app, member(), "/a?module=aws-vpc").status_code == 200
    assert ask(app, member(), "/a?module=gcp").status_code == 403
    assert ask(app, member(), "/a").status_code == 400
    assert asked == ["a"] * 3


def test_a_function_that_finds_no_name_lets_nobody_in(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    def find(**arguments: str) -> Any:
        return arguments.get("nothing")

    app = protected(scene.validator)
    app.add_url_rule("/<name>", "module", require(binding="module", resource=find)(_module))
    assert ask(app, member(), "/aws-vpc").status_code == 500
    middleware = asgi.BearerMiddleware(_passed, scene.validator, demand=Demand(binding="module", resource=find))
    assert run_asgi(middleware, http_scope(headers=bearer(member()))).status == 500
    assert "judging a request" in caplog.text


def test_options_of_a_view_with_a_binding_are_judged_as_the_view(scene: Scene) -> None:
    app = protected(scene.validator)
    app.add_url_rule("/<name>", "module", require(binding="module", resource="<name>")(_module))
    assert ask(app, path="/aws-vpc", method="OPTIONS").status_code == 401
    assert ask(app, stranger(), "/aws-vpc", method="OPTIONS").status_code == 403
    assert ask(app, member(), "/aws-vpc", method="OPTIONS").status_code == 200


def test_what_a_view_asks_is_told_of_the_caller_and_not_of_the_request(scene: Scene) -> None:
    """Events are kept for longer than a request, outside of which the view's `principal` is nobody."""
    app = protected(scene.validator)
    wanted = {"vpc": VPC, "gcp": GCP}

    @app.get("/<name>")
    @require
    def view(name: str) -> str:
        return scene.validator.authorize(principal, wanted[name], adapter="flask").name

    assert [ask(app, member(), f"/{name}").status_code for name in wanted] == [200, 403]
    asked = [event for event in scene.told() if not isinstance(event, TokenAccepted)]
    assert [type(event) for event in asked] == [AccessGranted, TokenRejected]
    assert [type(event.principal) for event in asked] == [Principal, Principal]
    assert [event.principal and event.principal.subject for event in asked] == ["ada", "ada"]


def test_the_application_of_an_open_view_may_ask_itself(scene: Scene) -> None:
    app = protected(scene.validator)
    app.testing = False

    @app.get("/")
    @require
    def view() -> str:
        return scene.validator.authorize(principal, GCP, adapter="flask").name

    assert ask(app, member()).json == {
        "error": "access_denied",
        "error_description": Reason.RESOURCE_NOT_GRANTED.meaning,
    }


def test_a_whole_application_and_a_view_of_it_are_two_decisions(scene: Scene) -> None:
    app = Flask("whole")
    ResourceServer(app, scene.validator, protect_all=True)
    app.add_url_rule("/<name>", "module", require(binding="module", resource="<name>")(_module))
    assert ask(app, stranger(), "/aws-vpc").status_code == 403
    assert [type(event).__name__ for event in scene.told()] == ["TokenAccepted", "TokenRejected"]
    assert ask(app, member(), "/aws-vpc").status_code == 200
    assert [type(event).__name__ for event in scene.told()] == ["TokenAccepted", "AccessGranted"]
