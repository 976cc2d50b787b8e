"""What expressions see of a principal: everything that was verified but the claim that groups are read from."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from bearergate.core.facts import Facts, without_claim
from bearergate.core.reasons import Reason
from tests.core.people import principal


def test_facts_are_those_of_the_principal() -> None:
    someone = principal(
        scopes=frozenset({"b", "a"}),
        groups=("dev",),
        groups_problem=Reason.RESERVED_GROUP,
        machine=True,
        claims={"groups": ("dev", "client:x"), "n": 1},
    )
    facts = Facts.of(someone, groups_claim="groups")
    assert facts.groups_problem is Reason.RESERVED_GROUP
    assert facts.plain() == {
        "groups": ["dev"],
        "sub": "user-1",
        "iss": "https://issuer.test",
        "client_id": "app",
        "scopes": ["a", "b"],
        "machine": True,
    }
    assert facts.plain_claims() == {"n": 1}


def test_a_token_that_names_no_client_has_an_empty_one() -> None:
    assert Facts.of(principal(client_id=None), groups_claim="groups").plain()["client_id"] == ""


def test_claims_become_lists_and_dictionaries() -> None:
    claims: Any = MappingProxyType({"a": (1, (2, MappingProxyType({"b": ("c",)}))), "d": None, "e": True})
    assert Facts(claims=claims).plain_claims() == {"a": [1, [2, {"b": ["c"]}]], "d": None, "e": True}


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("groups", {"realm": {"roles": 1, "in": {"x": 1, "y": 2}}, "a.b": 1}),
        ("a.b", {"groups": 1, "realm": {"roles": 1, "in": {"x": 1, "y": 2}}}),
        ("realm", {"groups": 1, "a.b": 1}),
        ("realm.roles", {"groups": 1, "a.b": 1, "realm": {"in": {"x": 1, "y": 2}}}),
        ("realm.in.x", {"groups": 1, "a.b": 1, "realm": {"roles": 1, "in": {"y": 2}}}),
        ("realm.nope.x", {"groups": 1, "a.b": 1, "realm": {"roles": 1, "in": {"x": 1, "y": 2}}}),
        ("groups.x", {"groups": 1, "a.b": 1, "realm": {"roles": 1, "in": {"x": 1, "y": 2}}}),
        ("nope", {"groups": 1, "a.b": 1, "realm": {"roles": 1, "in": {"x": 1, "y": 2}}}),
    ],
)
def test_the_claim_of_groups_is_taken_out_by_name_or_by_path(path: str, left: dict[str, Any]) -> None:
    claims: Any = {"groups": 1, "realm": {"roles": 1, "in": {"x": 1, "y": 2}}, "a.b": 1}
    assert without_claim(claims, path) == left
    assert claims["realm"]["in"] == {"x": 1, "y": 2}


def test_what_is_made_of_facts_is_made_once() -> None:
    facts, made = Facts(), iter("ab")
    assert [facts.keep("x", lambda: next(made)) for _ in range(3)] == ["a", "a", "a"]
    assert facts.keep("y", lambda: next(made)) == "b"
    assert facts == Facts()
    assert repr(facts) == repr(Facts())
