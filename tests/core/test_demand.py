"""A demand of a route: what it may say, which resource it is about, and that one which nobody can meet is named."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from bearergate.core.access import ANYBODY, Demand, check_demands
from bearergate.core.errors import ConfigError
from bearergate.core.resources import Resource

MODULE = Demand(binding="module", resource="<name>")


def wanted(resource: Any, arguments: dict[str, Any], request: object = None) -> Resource | None:
    return Demand(binding="module", resource=resource).about(arguments, request).wanted()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"scope": ""}, "needs non-empty strings, by name"),
        ({"scope": ["read"]}, "needs non-empty strings, by name"),
        ({"group": " "}, "needs non-empty strings, by name"),
        ({"binding": "", "resource": "x"}, "needs non-empty strings, by name"),
        ({"binding": 7, "resource": "x"}, "needs non-empty strings, by name"),
        ({"resource": "x"}, "names a resource of no kind"),
        ({"binding": "module"}, "must name its resource"),
        ({"binding": "module", "resource": ""}, "must name its resource"),
        ({"binding": "module", "resource": 7}, "must name its resource"),
        ({"binding": "module", "resource": "<name"}, "must name its resource"),
        ({"binding": "module", "resource": "<a>/<b>"}, "must name its resource"),
        ({"binding": "module", "resource": "<path:name>"}, "must name its resource"),
        ({"binding": "module", "resource": "<7>"}, "must name its resource"),
    ],
)
def test_a_demand_that_nobody_can_understand_is_a_mistake(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        Demand(**options)


@pytest.mark.parametrize(
    ("resource", "argument"), [("<name>", "name"), ("<größe_2>", "größe_2"), ("aws-vpc", None), (str, None)]
)
def test_an_argument_stands_in_brackets(resource: Any, argument: str | None) -> None:
    assert Demand(binding="module", resource=resource).argument == argument


def test_a_resource_is_named_by_its_text_by_an_argument_or_by_a_function() -> None:
    assert wanted("aws-vpc", {"name": "x"}) == Resource("module", "aws-vpc")
    assert wanted("<name>", {"name": "x", "other": "y"}) == Resource("module", "x")
    assert wanted(lambda name, other: f"{other}/{name}", {"name": "x", "other": "y"}) == Resource("module", "y/x")
    assert wanted(lambda request: request["path"], {"name": "x"}, {"path": "/p"}) == Resource("module", "/p")
    assert wanted(lambda request: "all", {}, {}) == Resource("module", "all")


def test_an_argument_that_a_framework_converted_is_written_as_text() -> None:
    assert wanted("<name>", {"name": 7}) == Resource("module", "7")
    number = "12345678-1234-5678-1234-567812345678"
    assert wanted("<name>", {"name": UUID(number)}) == Resource("module", number)


def test_a_name_that_looks_like_an_argument_is_a_name() -> None:
    assert wanted("<name>", {"name": "<other>", "other": "x"}) == Resource("module", "<other>")


def test_a_function_is_called_when_the_resource_is_wanted_and_not_before() -> None:
    called: list[str] = []

    def find(name: str) -> str:
        called.append(name)
        return name

    demand = Demand(binding="module", resource=find).about({"name": "aws"})
    assert called == []
    demand.wanted()
    assert called == ["aws"]


def test_what_is_no_name_is_no_resource() -> None:
    with pytest.raises(TypeError, match="named by a string"):
        wanted(lambda: None, {})
    with pytest.raises(KeyError):
        wanted("<name>", {})
    # As where a route has a default for it: a text of four letters would be a name.
    with pytest.raises(TypeError, match="named by a string"):
        wanted("<name>", {"name": None})


def test_an_argument_needs_a_request() -> None:
    with pytest.raises(ConfigError, match="names an argument of a route, and there is none"):
        MODULE.wanted()


def test_a_demand_without_a_binding_is_about_nothing() -> None:
    assert ANYBODY.about({"name": "x"}) is ANYBODY
    assert ANYBODY.wanted() is None


def test_a_literal_is_the_same_for_every_request() -> None:
    demand = Demand(binding="module", resource="aws", scope="read")
    assert demand.about({"name": "x"}) is demand


def test_the_rest_of_a_demand_stays_when_it_is_about_a_request() -> None:
    demand = Demand(binding="module", resource="<name>", scope="a", group="b", audience="c", optional=True)
    found = demand.about({"name": "x"})
    assert (found.scope, found.group, found.audience, found.optional) == ("a", "b", "c", True)


def test_a_demand_that_nothing_configured_can_meet_is_named() -> None:
    audience = Demand(audience="other")
    assert MODULE.problem({"api"}, has_bindings=True) is None
    assert ANYBODY.problem({"api"}, has_bindings=False) is None
    assert Demand(audience="api").problem({"api"}, has_bindings=False) is None
    assert str(audience.problem({"api"}, "view x", has_bindings=True)) == (
        "view x: 'other' is not a configured audience; ask for one of OIDC_AUDIENCES, or add it there"
    )
    assert str(MODULE.problem({"api"}, "view x", has_bindings=False)) == (
        "view x: demands a binding for 'module', and no bindings are configured; configure bindings or group_bindings"
    )


def test_a_route_without_the_argument_is_named() -> None:
    assert MODULE.problem_of_route({"name", "other"}, "view x") is None
    assert ANYBODY.problem_of_route(set(), "view x") is None
    assert str(MODULE.problem_of_route({"other"}, "view x")) == (
        "view x: has no argument 'name', by which it names its resource; write it in the rule"
    )


def test_all_demands_that_nobody_can_meet_are_named_at_once() -> None:
    demands = {"view a": Demand(audience="other"), "view b": MODULE, "view c": Demand(scope="read")}
    check_demands({"view b": MODULE}, [("view b", {"name"}), ("view d", ())], {"api"}, has_bindings=True)
    with pytest.raises(ConfigError) as caught:
        check_demands(demands, [("view b", {"id"}), ("view d", ())], {"api"}, has_bindings=False)
    assert [problem.path for problem in caught.value.problems] == ["view a", "view b", "view b"]
