"""Flask views of every kind under `@require`, and what they may demand."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar

import pytest
from flask import Blueprint, Flask
from flask.views import MethodView

from bearergate.core.errors import ConfigError
from bearergate.flask import ResourceServer, principal, require
from tests.adapters.flask_application import ask, subject
from tests.adapters.tokens import TOKENS, World

# Views.


def test_a_decorator_without_parentheses_protects(app: Flask, world: World) -> None:
    app.get("/")(require(subject))
    assert ask(app).status_code == 401
    assert ask(app, world.issuer.mint()).text == "user-1"


def test_a_decorator_with_empty_parentheses_protects(app: Flask, world: World) -> None:
    app.get("/")(require()(subject))
    assert ask(app).status_code == 401
    assert ask(app, world.issuer.mint()).text == "user-1"


def test_arguments_reach_the_view_and_its_name_stays(app: Flask, world: World) -> None:
    @app.get("/orders/<int:number>")
    @require
    def order(number: int) -> str:
        return f"{number} for {principal.subject}"

    assert ask(app, world.issuer.mint(), "/orders/7").text == "7 for user-1"
    assert order.__name__ == "order"


def test_an_async_view_is_protected(app: Flask, world: World) -> None:
    @app.get("/")
    @require(scope="orders.read")
    async def orders() -> str:
        return principal.subject

    assert ask(app).status_code == 401
    assert ask(app, world.issuer.mint()).status_code == 403
    assert ask(app, world.issuer.mint(scope="orders.read")).text == "user-1"


class Orders(MethodView):
    decorators: ClassVar = [require(scope="orders.read")]

    def get(self) -> str:
        return principal.subject

    async def post(self) -> str:
        return principal.subject

    @require(scope="orders.write")
    def delete(self) -> str:
        return principal.subject


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_class_of_views_is_protected_by_its_decorators(app: Flask, world: World, method: str) -> None:
    app.add_url_rule("/", view_func=Orders.as_view("orders"))
    assert ask(app, method=method).status_code == 401
    assert ask(app, world.issuer.mint(), method=method).status_code == 403
    assert ask(app, world.issuer.mint(scope="orders.read"), method=method).text == "user-1"


def test_a_method_may_demand_more_than_its_class(app: Flask, world: World) -> None:
    app.add_url_rule("/", view_func=Orders.as_view("orders"))
    refused = ask(app, world.issuer.mint(scope="orders.read"), method="DELETE")
    assert refused.status_code == 403
    assert refused.headers["WWW-Authenticate"].endswith(', scope="orders.write"')
    assert ask(app, world.issuer.mint(scope="orders.read orders.write"), method="DELETE").text == "user-1"


def test_options_of_a_class_of_views_are_judged_as_the_class(app: Flask, world: World) -> None:
    app.add_url_rule("/", view_func=Orders.as_view("orders"))
    assert ask(app, method="OPTIONS").status_code == 401
    assert ask(app, world.issuer.mint(), method="OPTIONS").status_code == 403
    allowed = ask(app, world.issuer.mint(scope="orders.read"), method="OPTIONS")
    assert (allowed.status_code, allowed.allow.as_set()) == (200, {"get", "head", "post", "delete", "options"})


def test_a_decorator_around_ours_hides_nothing(app: Flask, world: World) -> None:
    def loud(view: Callable[..., str]) -> Callable[..., str]:
        @wraps(view)
        def louder(*args: Any, **kwargs: Any) -> str:
            return view(*args, **kwargs).upper()

        return louder

    app.get("/")(loud(require(subject)))
    assert ask(app, method="OPTIONS").status_code == 401
    assert ask(app, world.issuer.mint()).text == "USER-1"


def test_a_blueprint_is_protected_as_a_whole(app: Flask, world: World) -> None:
    orders = Blueprint("orders", __name__, url_prefix="/orders")
    orders.before_request(require(scope="orders.read")(lambda: None))
    orders.get("/")(subject)
    app.register_blueprint(orders)
    assert ask(app, path="/orders/").status_code == 401
    assert ask(app, path="/orders/", method="OPTIONS").status_code == 401
    assert ask(app, world.issuer.mint(scope="orders.read"), "/orders/").text == "user-1"


def test_an_optional_view_lets_nobody_in_with_a_bad_token(app: Flask, world: World) -> None:
    app.get("/")(require(optional=True)(lambda: subject() if principal else "nobody"))  # type: ignore[truthy-bool]
    assert ask(app).text == "nobody"
    assert ask(app, world.issuer.mint()).text == "user-1"
    assert ask(app, TOKENS["expired"](world)).status_code == 401
    assert ask(app, TOKENS["unreachable"](world)).status_code == 503


def test_an_optional_view_demands_its_scope_of_those_who_have_a_token(app: Flask, world: World) -> None:
    app.get("/")(require(scope="a", optional=True)(lambda: "in"))
    assert ask(app).text == "in"
    assert ask(app, world.issuer.mint()).status_code == 403
    assert ask(app, world.issuer.mint(scope="a")).text == "in"


def test_demands_add_up_when_decorators_do(app: Flask, world: World) -> None:
    app.get("/")(require(scope="a")(require(scope="b")(require(subject))))
    for scope, status in (("a", 403), ("b", 403), ("a b", 200)):
        assert ask(app, world.issuer.mint(scope=scope)).status_code == status


def test_a_guarded_function_is_no_detour(app: Flask, world: World) -> None:
    @require(scope="admin")
    def delete_everything() -> str:
        return "deleted"

    app.get("/")(require(lambda: f"all {delete_everything()}"))
    assert ask(app, world.issuer.mint()).status_code == 403
    assert ask(app, world.issuer.mint(scope="admin")).text == "all deleted"


# Audiences.


def test_a_view_may_demand_an_audience_of_its_own(app: Flask, world: World) -> None:
    app.get("/")(require(audience="https://reports.test")(subject))
    refused = ask(app, world.issuer.mint())
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
    both = ["https://api.test", "https://reports.test"]
    assert ask(app, world.issuer.mint(aud=both)).text == "user-1"
    assert ask(app, world.issuer.mint(aud="https://reports.test")).text == "user-1"


MISTAKE = r"'https://nowhere.test' is not a configured audience; ask for one of OIDC_AUDIENCES"


def test_an_audience_that_is_not_configured_stops_the_setup_of_a_factory(world: World) -> None:
    app = Flask(__name__)
    app.get("/")(require(audience="https://nowhere.test")(subject))
    app.add_url_rule("/more", "more", require(audience="https://nowhere.test")(subject))
    with pytest.raises(ConfigError, match=MISTAKE) as caught:
        ResourceServer(app, world.validator)
    assert [problem.path for problem in caught.value.problems] == ["view subject", "view more"]


def test_an_audience_that_is_not_configured_fails_the_first_request_to_any_view(app: Flask) -> None:
    app.add_url_rule("/reports", "reports", require(audience="https://nowhere.test")(subject))
    app.get("/")(lambda: "open")
    for _ in range(2):
        with pytest.raises(ConfigError, match=MISTAKE):
            ask(app)


def test_an_audience_hidden_in_a_class_fails_its_own_requests(app: Flask, world: World) -> None:
    class Reports(MethodView):
        @require(audience="https://nowhere.test")
        def get(self) -> str:
            return "in"

    app.add_url_rule("/", view_func=Reports.as_view("reports"))
    with pytest.raises(ConfigError, match=MISTAKE):
        ask(app, world.issuer.mint())
    app.testing = False
    assert ask(app, world.issuer.mint()).status_code == 500


@pytest.mark.parametrize("demand", [{"scope": ""}, {"scope": "  "}, {"group": ""}, {"audience": ""}, {"scope": ["a"]}])
def test_a_demand_for_nothing_is_a_mistake(demand: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="needs non-empty strings, by name"):
        require(**demand)


def test_a_scope_in_place_of_the_view_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="by name"):
        require("orders.read")  # type: ignore[call-overload]
