"""Claims are read by their type; a claim of another type is never read as absent."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest

from bearergate.core.claims import MAX_TEXT, MAX_TIME, ClaimsReader, UnverifiedClaims, VerifiedClaims, is_plain
from bearergate.core.errors import ClaimRejected
from bearergate.core.reasons import Reason

NAME = "x"
Read = Callable[[ClaimsReader, str], Any]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("", True),
        ("ada", True),
        ("Žofie 東", True),
        ("a\u200db", True),  # a format character is no control character
        ("a\x00", False),
        ("a\nb", False),
        ("a\x7f", False),
        ("a\x85", False),
        ("a" * MAX_TEXT, True),
        ("a" * (MAX_TEXT + 1), False),
    ],
)
def test_an_identifier_is_short_and_without_control_characters(text: str, plain: bool) -> None:
    assert is_plain(text) is plain


@pytest.mark.parametrize(
    "read", [ClaimsReader.string, ClaimsReader.strings, ClaimsReader.words, ClaimsReader.seconds, ClaimsReader.boolean]
)
def test_an_absent_claim_is_none(read: Read) -> None:
    assert read(UnverifiedClaims({}), NAME) is None


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        (ClaimsReader.string, "ada", "ada"),
        (ClaimsReader.string, "", ""),
        (ClaimsReader.strings, "a", ("a",)),
        (ClaimsReader.strings, ["a", "b"], ("a", "b")),
        (ClaimsReader.words, "", frozenset()),
        (ClaimsReader.words, "read  write read", frozenset({"read", "write"})),
        (ClaimsReader.words, "scope " * MAX_TEXT, frozenset({"scope"})),
        (ClaimsReader.seconds, 0, 0),
        (ClaimsReader.seconds, 1.5, 1.5),
        (ClaimsReader.seconds, MAX_TIME, MAX_TIME),
        (ClaimsReader.boolean, True, True),
        (ClaimsReader.boolean, False, False),
    ],
)
def test_a_claim_of_the_right_type_is_read(read: Read, value: Any, expected: object) -> None:
    assert read(UnverifiedClaims({NAME: value}), NAME) == expected


@pytest.mark.parametrize(
    ("read", "values"),
    [
        (ClaimsReader.string, [None, 1, True, [], ["a"], {}, "a\nb", "a" * (MAX_TEXT + 1)]),
        (ClaimsReader.strings, [None, 1, {}, [], "", [""], ["a", 1], ["a", None], [["a"]], "a\x00", ["a" * 2049]]),
        (ClaimsReader.words, [None, 1, [], ["a"], "a\tb", "a b\n", "a" * (MAX_TEXT + 1)]),
        (
            ClaimsReader.seconds,
            [None, "1", True, False, [1], -1, -0.5, MAX_TIME + 1, 1e300, float("nan"), float("inf")],
        ),
        (ClaimsReader.boolean, [None, "true", 1, 0, [], {}]),
    ],
)
def test_a_claim_of_another_type_is_malformed(read: Read, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(ClaimRejected) as caught:
            read(UnverifiedClaims({NAME: value}), NAME)
        assert caught.value.reason is Reason.CLAIM_MALFORMED
        assert caught.value.claim == NAME


def test_claims_are_a_read_only_mapping() -> None:
    claims = UnverifiedClaims({"a": 1, "b": None})
    assert dict(claims) == {"a": 1, "b": None}
    assert len(claims) == 2
    assert "b" in claims
    assert "c" not in claims
    assert claims.get("c") is None
    with pytest.raises(TypeError):
        claims["a"] = 2  # type: ignore[index]


def test_verified_claims_are_another_type_with_the_same_members() -> None:
    unverified = UnverifiedClaims({"a": 1})
    verified = VerifiedClaims.sealed(unverified)
    assert dict(verified) == dict(unverified)
    assert type(verified).__name__ != type(unverified).__name__


def test_what_is_handed_out_is_immutable_to_the_bottom() -> None:
    frozen = VerifiedClaims({"list": [1, {"a": [2]}], "object": {"b": {}}, "groups": ["x"]}).frozen(without="groups")
    assert frozen == {"list": (1, {"a": (2,)}), "object": {"b": {}}}
    assert isinstance(frozen, MappingProxyType)
    assert isinstance(frozen["object"], MappingProxyType)
    with pytest.raises(TypeError):
        frozen["object"]["b"] = 1  # type: ignore[index]


def test_freezing_copies() -> None:
    inner: list[Any] = [1]
    claims = VerifiedClaims({"a": inner})
    frozen = claims.frozen()
    inner.append(2)
    assert frozen == {"a": (1,)}


def test_claims_are_a_mapping_of_their_members() -> None:
    claims = UnverifiedClaims({"a": 1, "b": None})
    assert (list(claims), len(claims), claims.get("b", 2), claims.get("c", 2)) == (["a", "b"], 2, None, 2)
