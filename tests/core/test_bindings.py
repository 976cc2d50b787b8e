"""Bindings: the first that matches decides, in the order of names as bytes, and whatever goes wrong denies."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bearergate.core.bindings import MAX_NAME, Binding, Bindings, Globs, Grant, Names
from bearergate.core.errors import AccessDenied, ConfigError, Problem
from bearergate.core.expression import BrokenExpression, Expression, compile_rule
from bearergate.core.facts import Facts
from bearergate.core.path_match import compile_pattern
from bearergate.core.reasons import Reason
from bearergate.core.resources import Resource
from tests.core.people import principal


def globs(*patterns: str) -> Globs:
    return Globs(tuple(compile_pattern(pattern) for pattern in patterns))


def binding(name: str, expression: str | Expression = "true", **grants: Grant) -> Binding:
    compiled = compile_rule(expression) if isinstance(expression, str) else expression
    return Binding(name=name, expression=compiled, grants=grants)


BROKEN = BrokenExpression("roles", "line 1, column 1: unknown name roles")
DEV = '"dev" in groups'


def denial(bindings: Bindings, facts: Facts) -> AccessDenied:
    with pytest.raises(AccessDenied) as caught:
        bindings.match(facts)
    return caught.value


def reason(bindings: Bindings, resource: Resource, **changes: Any) -> Reason | str:
    """The name of the binding that grants, or why none does."""
    try:
        return bindings.authorize(principal(**changes), resource, groups_claim="groups").name
    except AccessDenied as error:
        return error.reason


MODULE = Resource("module", "aws-vpc")


def test_the_first_binding_that_matches_decides_for_and_against() -> None:
    ordered = Bindings(
        [
            binding("b", DEV, module=globs("aws-*")),
            binding("a", '"ops" in groups', module=globs("gcp-*")),
            binding("c", DEV, module=globs("*")),
        ]
    )
    assert reason(ordered, MODULE, groups=("dev",)) == "b"
    # The first one that matches does not grant it; that the others would is of no use.
    assert reason(ordered, MODULE, groups=("dev", "ops")) is Reason.RESOURCE_NOT_GRANTED
    assert reason(ordered, Resource("module", "azure"), groups=("dev",)) is Reason.RESOURCE_NOT_GRANTED
    assert reason(ordered, MODULE, groups=("qa",)) is Reason.BINDING_NONE


def test_bindings_are_ordered_by_their_names_as_bytes() -> None:
    names = ["a", "Z", "10-x", "9-x", "é", "z", "\uffee", "\U0001f600", "a-", "aa", "_"]
    ordered = [one.name for one in Bindings(binding(name) for name in names)]
    assert ordered == ["10-x", "9-x", "Z", "_", "a", "a-", "aa", "z", "é", "\uffee", "\U0001f600"]


def test_two_bindings_of_one_name_are_an_error_because_their_order_would_decide() -> None:
    with pytest.raises(ConfigError, match="twin: is the name of two bindings"):
        Bindings([binding("twin"), binding("other"), binding("twin")])


def test_an_expression_that_does_not_compile_denies_when_it_is_reached_and_not_before() -> None:
    everything = globs("*")
    reached = Bindings([binding("a", BROKEN, module=everything), binding("b", module=everything)])
    error = denial(reached, Facts(groups=("dev",)))
    assert error.reason is Reason.BINDING_ERROR
    assert error.expected == "a verdict of binding a"
    assert error.actual == "the expression could not be evaluated: line 1, column 1: unknown name roles"
    behind = Bindings([binding("a", DEV, module=everything), binding("b", BROKEN, module=everything)])
    assert reason(behind, MODULE, groups=("dev",)) == "a"
    assert reason(behind, MODULE, groups=("ops",)) is Reason.BINDING_ERROR


def test_an_expression_that_fails_denies_also_what_a_later_binding_would_grant() -> None:
    bindings = Bindings([binding("a", "claims.level > 1"), binding("b", "true", module=globs("*"))])
    assert reason(bindings, MODULE, claims={"level": 2}) is Reason.RESOURCE_NOT_GRANTED
    assert reason(bindings, MODULE, claims={"level": 1}) == "b"
    assert reason(bindings, MODULE, claims={}) is Reason.BINDING_ERROR
    assert reason(bindings, MODULE, claims={"level": "high"}) is Reason.BINDING_ERROR


def test_no_bindings_are_no_access() -> None:
    empty = Bindings([])
    assert len(empty) == 0
    assert reason(empty, MODULE, groups=("dev",)) is Reason.BINDING_NONE


@pytest.mark.parametrize("problem", [Reason.GROUPS_OVERAGE, Reason.GROUPS_MALFORMED])
def test_groups_that_cannot_be_read_deny_before_any_expression(problem: Reason) -> None:
    # Who is not in `contractors` cannot be told when nobody knows the groups.
    everybody = Bindings([binding("a", '!("contractors" in groups)', module=globs("*"))])
    assert reason(everybody, MODULE) == "a"
    assert reason(everybody, MODULE, groups_problem=problem) is problem


@pytest.mark.parametrize("problem", [Reason.GROUPS_MISSING, Reason.RESERVED_GROUP])
def test_why_there_are_no_groups_is_told_when_nothing_matches(problem: Reason) -> None:
    bindings = Bindings([binding("a", DEV, module=globs("*")), binding("b", 'sub == "root"', module=globs("*"))])
    assert reason(bindings, MODULE, groups_problem=problem) is problem
    assert reason(bindings, MODULE, groups=("ops",), groups_problem=problem) is Reason.BINDING_NONE
    assert reason(bindings, MODULE, groups=("dev",), groups_problem=problem) == "a"
    assert reason(bindings, MODULE, subject="root", groups_problem=problem) == "b"


def test_a_binding_may_look_at_everything_that_was_verified() -> None:
    text = (
        'sub == "user-1" && iss == "https://issuer.test" && client_id == "app" && !machine && "read" in scopes '
        '&& claims.hd == "example.com"'
    )
    bindings = Bindings([binding("a", text, module=globs("*"))])
    known: dict[str, Any] = {"scopes": frozenset({"read"}), "claims": {"hd": "example.com"}}
    assert reason(bindings, MODULE, **known) == "a"
    assert reason(bindings, MODULE, **{**known, "machine": True}) is Reason.BINDING_NONE
    assert reason(bindings, MODULE, **{**known, "client_id": None}) is Reason.BINDING_NONE


def test_a_group_that_was_dropped_does_not_come_back_as_a_claim() -> None:
    bindings = Bindings([binding("a", '"client:ci" in claims.groups', module=globs("*"))])
    assert reason(bindings, MODULE, claims={"groups": ("client:ci",)}) is Reason.BINDING_ERROR


def test_a_kind_that_is_not_granted_is_denied() -> None:
    bindings = Bindings([binding("a", provider=globs("*"))])
    assert reason(bindings, Resource("provider", "aws")) == "a"
    assert reason(bindings, Resource("module", "aws")) is Reason.RESOURCE_NOT_GRANTED
    assert reason(bindings, Resource("Provider", "aws")) is Reason.RESOURCE_NOT_GRANTED
    assert reason(Bindings([binding("a")]), Resource("provider", "aws")) is Reason.RESOURCE_NOT_GRANTED


def test_what_was_asked_for_is_told_to_operators_only() -> None:
    with pytest.raises(AccessDenied) as caught:
        Bindings([binding("a")]).authorize(principal(), Resource("module", "secret"), groups_claim="groups")
    assert caught.value.status == 403
    assert (caught.value.expected, caught.value.actual) == ("a grant by binding a", "module secret")
    assert str(caught.value) == "resource_not_granted: This resource is not granted."


@pytest.mark.parametrize(
    ("names", "asked", "granted"),
    [
        (("aws",), "aws", True),
        (("aws",), "aws2", False),
        (("aws*",), "aws", False),
        (("aws*",), "aws*", True),
        (("*",), "anything/at all", True),
        (("aws", "*"), "gcp", True),
        ((), "aws", False),
        ((), "", False),
    ],
)
def test_names_are_exact_or_all(names: tuple[str, ...], asked: str, granted: bool) -> None:
    assert Names(frozenset(names)).covers(asked) is granted


def test_a_glob_does_not_cross_a_slash() -> None:
    some = globs("aws-*", "team/*")
    assert [name for name in ("aws-", "aws-x", "aws-x/y", "team/x", "team/x/y", "x") if some.covers(name)] == [
        "aws-",
        "aws-x",
        "team/x",
    ]
    assert not globs().covers("")


def test_an_endless_name_is_granted_to_nobody() -> None:
    everything = binding("a", module=globs("*"), provider=Names(frozenset({"*"})))
    for kind in ("module", "provider"):
        assert everything.covers(Resource(kind, "a" * MAX_NAME))
        assert not everything.covers(Resource(kind, "a" * (MAX_NAME + 1)))


def test_what_was_wrong_at_load_stays_with_the_bindings() -> None:
    problem = Problem("a.expression", "line 1, column 1: unknown name roles")
    assert Bindings([binding("a", BROKEN)], [problem]).problems == (problem,)


@given(st.permutations(["a", "B", "1", "é"]), st.sets(st.sampled_from(["a", "B", "1", "é"])))
def test_the_order_in_which_they_are_given_decides_nothing(names: list[str], member_of: set[str]) -> None:
    bindings = Bindings(binding(name, f'"{name}" in groups') for name in names)
    facts = Facts(groups=tuple(member_of))
    expected = next((name for name in ("1", "B", "a", "é") if name in member_of), None)
    if expected is None:
        assert denial(bindings, facts).reason is Reason.BINDING_NONE
    else:
        assert bindings.match(facts).name == expected
