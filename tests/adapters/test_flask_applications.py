"""Flask applications: whole ones, several, from factories, and the principal in their requests."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, Response, request

from bearergate.core.errors import ConfigError
from bearergate.core.principal import Principal
from bearergate.flask import ResourceServer, principal, require
from tests.adapters.flask_application import ask, subject
from tests.adapters.observing import observed
from tests.adapters.tokens import World, new_world

# The whole application.


def test_everything_is_protected_when_that_is_asked_for(world: World) -> None:
    app = Flask(__name__, static_folder=".", static_url_path="/static")
    ResourceServer(app, world.validator, protect_all=True, exempt=["/health"], optional=["/maybe"])
    for path in ("/", "/health", "/maybe"):
        app.add_url_rule(path, path, lambda: f"{principal.subject if principal else None}")  # type: ignore[truthy-bool]
    for path in ("/", "/nothing/here", "/static/conftest.py"):
        assert ask(app, path=path).status_code == 401
    good = world.issuer.mint()
    assert (ask(app, path="/health").text, ask(app, good, "/health").text) == ("None", "None")
    assert (ask(app, path="/maybe").text, ask(app, good, "/maybe").text) == ("None", "user-1")
    assert (ask(app, good).text, ask(app, good, "/nothing/here").status_code) == ("user-1", 404)


def test_a_view_may_demand_more_than_the_whole_application(world: World) -> None:
    validator, told = observed(world.issuer)
    app = Flask(__name__)
    ResourceServer(app, validator, protect_all=True, exempt=["/health"])
    app.get("/")(require(scope="a")(subject))
    app.get("/health")(require(lambda: "in"))
    assert ask(app, world.issuer.mint(scope="a")).text == "user-1"
    assert ask(app, world.issuer.mint()).status_code == 403
    assert told == [("flask", reason) for reason in ("accepted", "accepted", "scope_insufficient")]
    assert ask(app, path="/health").status_code == 401, "the view demands what its path does not"


def test_a_view_may_demand_another_audience_than_the_whole_application(world: World) -> None:
    app = Flask(__name__)
    ResourceServer(app, world.validator, protect_all=True)
    app.get("/")(require(audience="https://reports.test")(subject))
    assert ask(app, world.issuer.mint()).status_code == 401
    assert ask(app, world.issuer.mint(aud="https://reports.test")).text == "user-1"


def test_exempt_paths_mean_nothing_without_protection(world: World) -> None:
    with pytest.raises(ConfigError, match="protect_all: must be true for exempt or optional paths"):
        ResourceServer(exempt=["/health"])
    with pytest.raises(ConfigError, match=r"optional\[0\]"):
        ResourceServer(protect_all=True, optional=["maybe"])


# The principal.


def test_the_principal_is_a_principal(app: Flask, world: World) -> None:
    @app.get("/")
    @require
    def view() -> dict[str, Any]:
        assert isinstance(principal, Principal)
        return {"issuer": principal.issuer, "client": principal.client_id, "scopes": sorted(principal.scopes)}

    answer = ask(app, world.issuer.mint(scope="b a"))
    assert answer.json == {"issuer": "https://issuer.test", "client": "test-client", "scopes": ["a", "b"]}


def test_nobody_is_false_in_a_view_without_protection(app: Flask, world: World) -> None:
    app.get("/")(lambda: str(bool(principal)))
    assert ask(app, world.issuer.mint()).text == "False"


def test_the_principal_is_gone_outside_a_request(app: Flask) -> None:
    with app.app_context(), pytest.raises(RuntimeError, match="outside of request context"):
        assert principal.subject


def test_the_principal_does_not_outlive_its_request(app: Flask, world: World) -> None:
    app.get("/")(require(subject))
    app.get("/open")(lambda: str(bool(principal)))
    with app.app_context():
        assert ask(app, world.issuer.mint()).text == "user-1"
        assert ask(app, path="/open").text == "False"
        assert ask(app).status_code == 401


# Applications.


def test_an_application_factory_builds_its_validator_from_its_configuration() -> None:
    server = ResourceServer()

    def create_app(**settings: object) -> Flask:
        app = Flask(__name__)
        app.config.update(settings)
        server.init_app(app)
        app.get("/")(require(subject))
        return app

    app = create_app(OIDC_ISSUERS=["https://issuer.test"], OIDC_AUDIENCES=["https://api.test"])
    assert ask(app).status_code == 401
    with pytest.raises(ConfigError, match="OIDC_ISSUERS"):
        create_app(OIDC_ISSUERS="https://issuer.test", OIDC_AUDIENCES=["https://api.test"])
    with pytest.raises(ConfigError):
        create_app()


def test_several_applications_share_an_extension_and_nothing_else(world: World) -> None:
    other = new_world()
    server = ResourceServer(validator=world.validator)
    first, second = Flask("first"), Flask("second")
    server.init_app(first)
    server.init_app(second, other.validator)
    for app in (first, second):
        app.get("/")(require(subject))
    assert (ask(first, world.issuer.mint()).status_code, ask(second, other.issuer.mint()).status_code) == (200, 200)
    assert (ask(first, other.issuer.mint()).status_code, ask(second, world.issuer.mint()).status_code) == (401, 401)


def test_an_application_within_a_request_of_another_starts_anonymously(world: World) -> None:
    other = new_world()
    outer, inner = Flask("outer"), Flask("inner")
    ResourceServer(outer, world.validator)
    ResourceServer(inner, other.validator)
    inner.get("/")(require(optional=True)(lambda: str(bool(principal))))

    @outer.get("/")
    @require
    def forward() -> Response:
        request.environ.pop("HTTP_AUTHORIZATION")
        return Response(Response.from_app(inner, request.environ).get_data())

    assert ask(outer, world.issuer.mint()).text == "False"


def test_an_application_is_set_up_once(app: Flask, world: World) -> None:
    with pytest.raises(RuntimeError, match="set up on this application already"):
        ResourceServer(app, world.validator)


def test_a_view_of_an_application_without_the_extension_is_closed() -> None:
    app = Flask(__name__)
    app.testing = True
    app.get("/")(require(subject))
    with pytest.raises(RuntimeError, match=r"needs ResourceServer\(app\) or init_app\(app\)"):
        ask(app)
