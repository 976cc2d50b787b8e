"""OpenDepot's rows about bindings: real tokens of an issuer, a folder of GroupBinding manifests, and the verdicts."""

# Names of rows are capitals.
# ruff: noqa: N802

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bearergate import Principal, Reason, Validator
from bearergate.config import from_dict
from bearergate.config.group_bindings import MODULE, PROVIDER, read_group_bindings
from bearergate.core.bindings import Bindings
from bearergate.core.errors import AccessDenied
from bearergate.core.resources import Resource
from bearergate.testing import FakeIssuer

Manifest = dict[str, Any]
Decide = Callable[..., "str | Reason"]

NONE, ERROR, NOT_GRANTED = Reason.BINDING_NONE, Reason.BINDING_ERROR, Reason.RESOURCE_NOT_GRANTED


@pytest.fixture(scope="module")
def issuer() -> FakeIssuer:
    return FakeIssuer("https://dex.example.com", audience="opendepot")


@pytest.fixture(scope="module")
def validator(issuer: FakeIssuer) -> Validator:
    entry = {"issuer": issuer.issuer, "audiences": ["opendepot"]}
    return from_dict({"profile": "opendepot", "issuers": [entry]}).validator(fetch=issuer.fetch)


@pytest.fixture
def caller(issuer: FakeIssuer, validator: Validator) -> Callable[..., Principal]:
    """The principal of a token with these groups."""
    return lambda *groups: validator.validate(issuer.mint(groups=list(groups)))


def manifest(name: str, expression: str, **spec: Any) -> Manifest:
    return {
        "apiVersion": "opendepot.defdev.io/v1alpha1",
        "kind": "GroupBinding",
        "metadata": {"name": name, "namespace": "opendepot-system"},
        "spec": {"expression": expression, **spec},
    }


@pytest.fixture
def folder_of(tmp_path: Path) -> Callable[..., Bindings]:
    """The bindings of a folder with these manifests, one file each, so that files have another order than names."""

    def load(*manifests: Manifest) -> Bindings:
        for number, one in enumerate(manifests):
            (tmp_path / f"{number}.yaml").write_text(yaml.safe_dump(one), encoding="utf-8")
        return read_group_bindings(tmp_path)

    return load


def decided(bindings: Bindings, principal: Principal, kind: str, name: str) -> str | Reason:
    """The binding that grants, or the reason of the 403."""
    try:
        return bindings.authorize(principal, Resource(kind, name), groups_claim="groups").name
    except AccessDenied as error:
        return error.reason if error.status == 403 else str(error)


Load = Callable[..., Bindings]
Caller = Callable[..., Principal]
EVERYTHING: dict[str, Any] = {"moduleResources": ["*"], "providerResources": ["*"]}


def grants(load: Load, principal: Principal, kind: str, *listed: str) -> Callable[[str], bool]:
    """Whether a binding that matches, with this list, grants a name."""
    key = {MODULE: "moduleResources", PROVIDER: "providerResources"}[kind]
    bindings = load(manifest("only", "len(groups) > 0", **{key: list(listed)}))
    return lambda name: decided(bindings, principal, kind, name) == "only"


def test_O9_without_any_binding_everything_is_denied(folder_of: Load, caller: Caller) -> None:
    assert decided(folder_of(), caller("platform"), MODULE, "vpc") is NONE


def test_O10_a_star_grants_every_module_without_a_slash(folder_of: Load, caller: Caller) -> None:
    bindings = folder_of(manifest("a", '"platform" in groups', moduleResources=["*"]))
    for name in ("vpc", "terraform-aws-vpc", "x", ".", "é", "a b"):
        assert decided(bindings, caller("platform"), MODULE, name) == "a"
    assert decided(bindings, caller("platform"), MODULE, "a/b") is NOT_GRANTED
    assert decided(bindings, caller("dev"), MODULE, "vpc") is NONE


@pytest.mark.parametrize(
    ("expression", "matching", "other"),
    [
        ('"a" in groups || "b" in groups', [("a",), ("b",), ("x", "b")], [("c",), ("A",), ("ab",)]),
        ('"a" in groups && !("b" in groups)', [("a",), ("a", "c")], [("a", "b"), ("b",), ("c",)]),
        ("len(groups) > 0", [("a",), ("a", "b")], []),
        ("len(groups) > 1", [("a", "b")], [("a",)]),
        ('any(groups, {# startsWith "x-"})', [("x-1",), ("a", "x-")], [("a",), ("ax-",), ("X-1",)]),
        ('"a" in groups and not ("b" in groups)', [("a",)], [("a", "b")]),
        ('all(groups, {# matches "^team-[a-z]+$"})', [("team-a", "team-b")], [("team-a", "x"), ("team-1",)]),
        ('none(groups, {# contains "tmp"})', [("a", "b")], [("a", "xtmpx")]),
        ('len(filter(groups, {# endsWith "-admin"})) == 1', [("a-admin", "b")], [("a-admin", "b-admin"), ("b",)]),
        ('groups == ["a", "b"]', [("a", "b")], [("b", "a"), ("a",)]),
        ('groups[0] == "a" ? true : "b" in groups', [("a",), ("c", "b")], [("c", "a")]),
    ],
)
def test_O11_expressions_evaluate_as_in_expr_lang(
    folder_of: Load, caller: Caller, expression: str, matching: list[tuple[str, ...]], other: list[tuple[str, ...]]
) -> None:
    bindings = folder_of(manifest("a", expression, **EVERYTHING))
    assert bindings.problems == ()
    assert [decided(bindings, caller(*groups), MODULE, "vpc") for groups in matching] == ["a"] * len(matching)
    assert [decided(bindings, caller(*groups), MODULE, "vpc") for groups in other] == [NONE] * len(other)


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("len(groups)", "line 1, column 1: must yield true or false, yields a whole number"),
        ("roles", "line 1, column 1: unknown name roles: there is groups"),
        ("this is [[", "line 1, column 6: unexpected 'is'"),
        ("this is [[ not valid expr", "line 1, column 6: unexpected 'is'"),
        ("", "an expression must not be empty"),
    ],
)
def test_O12_an_invalid_expression_denies_and_is_named_at_load(
    folder_of: Load, caller: Caller, expression: str, problem: str
) -> None:
    bindings = folder_of(manifest("broken", expression, **EVERYTHING))
    assert [(found.path, found.problem) for found in bindings.problems] == [("broken.expression", problem)]
    assert "0.yaml line " in bindings.problems[0].origin
    assert decided(bindings, caller("dev"), MODULE, "vpc") is ERROR


@pytest.mark.parametrize("expression", ['groups[5] == "x"', 'groups[5] == "x" || "dev" in groups', 'groups[-2] != ""'])
def test_O13_a_runtime_error_denies(folder_of: Load, caller: Caller, expression: str) -> None:
    bindings = folder_of(manifest("a", expression, **EVERYTHING), manifest("b", "true", **EVERYTHING))
    assert bindings.problems == ()
    assert decided(bindings, caller("dev"), MODULE, "vpc") is ERROR


def test_O14_an_invalid_binding_denies_what_a_later_one_would_grant(folder_of: Load, caller: Caller) -> None:
    bindings = folder_of(manifest("zzz", '"dev" in groups', **EVERYTHING), manifest("aaa", "this is [["))
    assert decided(bindings, caller("dev"), MODULE, "vpc") is ERROR


def test_O15_an_invalid_binding_behind_the_match_is_not_reached_and_is_named_all_the_same(
    folder_of: Load, caller: Caller
) -> None:
    bindings = folder_of(manifest("zzz", "this is [[", **EVERYTHING), manifest("aaa", '"dev" in groups', **EVERYTHING))
    assert decided(bindings, caller("dev"), MODULE, "vpc") == "aaa"
    assert decided(bindings, caller("ops"), MODULE, "vpc") is ERROR
    assert [found.path for found in bindings.problems] == ["zzz.expression"]


def test_O16_only_the_first_match_counts_whatever_later_ones_grant(folder_of: Load, caller: Caller) -> None:
    bindings = folder_of(
        manifest("zzz", '"dev" in groups', **EVERYTHING), manifest("aaa", '"dev" in groups', moduleResources=["only"])
    )
    assert decided(bindings, caller("dev"), MODULE, "only") == "aaa"
    assert decided(bindings, caller("dev"), MODULE, "other") is NOT_GRANTED
    assert decided(bindings, caller("dev"), PROVIDER, "aws") is NOT_GRANTED


def test_O17_bindings_are_ordered_by_name_in_byte_order(folder_of: Load, caller: Caller) -> None:
    names = ["a", "9-x", "A", "10-x"]
    bindings = folder_of(*(manifest(name, f'"{name}" in groups', **EVERYTHING) for name in names))
    assert [binding.name for binding in bindings] == ["10-x", "9-x", "A", "a"]
    left = list(names)
    for first in ("10-x", "9-x", "A", "a"):
        assert decided(bindings, caller(*left), MODULE, "vpc") == first
        left.remove(first)


def test_O18_a_glob_matches_what_begins_like_it_and_crosses_no_slash(folder_of: Load, caller: Caller) -> None:
    granted = grants(folder_of, caller("dev"), MODULE, "aws-*")
    assert [granted(name) for name in ("aws-vpc", "gcp-x", "aws-", "a/aws-x", "aws-a/b")] == [
        True,
        False,
        True,
        False,
        False,
    ]


def test_O19_a_star_does_not_match_a_slash(folder_of: Load, caller: Caller) -> None:
    granted = grants(folder_of, caller("dev"), MODULE, "*")
    assert granted("a")
    assert not granted("a/b")


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("[a-c]x", ["ax", "bx", "cx"], ["dx", "x", "a", "axx"]),
        ("[^a]x", ["bx", "éx"], ["ax", "x"]),
        ("a?c", ["abc", "aéc", "a?c"], ["ac", "a/c", "abbc"]),
        (r"a\*c", ["a*c"], ["abc", r"a\*c"]),
        ("[!a]x", ["!x", "ax"], ["bx"]),
    ],
)
def test_O20_globs_are_those_of_path_match(
    folder_of: Load, caller: Caller, pattern: str, matching: list[str], other: list[str]
) -> None:
    granted = grants(folder_of, caller("dev"), MODULE, pattern)
    assert [name for name in matching + other if granted(name)] == matching


def test_O21_a_malformed_glob_matches_nothing_and_is_named_at_load(folder_of: Load, caller: Caller) -> None:
    bindings = folder_of(manifest("a", "true", moduleResources=["[a", "vpc"]))
    for name in ("a", "[a", ""):
        assert decided(bindings, caller("dev"), MODULE, name) is NOT_GRANTED
    assert decided(bindings, caller("dev"), MODULE, "vpc") == "a"
    assert [(found.path, found.problem) for found in bindings.problems] == [
        ("a.moduleResources", "'[a' has a character class that is not closed and matches nothing")
    ]


@pytest.mark.parametrize("spec", [{}, {"moduleResources": []}, {"moduleResources": None}])
def test_O22_no_list_of_modules_grants_no_module(folder_of: Load, caller: Caller, spec: dict[str, Any]) -> None:
    bindings = folder_of(manifest("a", "true", providerResources=["*"], **spec))
    for name in ("vpc", "*", ""):
        assert decided(bindings, caller("dev"), MODULE, name) is NOT_GRANTED
    assert decided(bindings, caller("dev"), PROVIDER, "aws") == "a"


@pytest.mark.parametrize(
    ("listed", "name", "granted"),
    [
        ("aws", "aws", True),
        ("aws", "aws2", False),
        ("aws*", "aws", False),
        ("*", "aws", True),
        ("*", "any/thing", True),
    ],
)
def test_O23_providers_are_named_exactly_or_all_at_once(
    folder_of: Load, caller: Caller, listed: str, name: str, granted: bool
) -> None:
    assert grants(folder_of, caller("dev"), PROVIDER, listed)(name) is granted
