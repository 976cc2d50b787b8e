"""An identity handed on as headers cannot be read as another one, and look-alikes are recognised."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from bearergate.core.handover import (
    anonymous_headers,
    anonymous_members,
    encode,
    encode_list,
    identity_headers,
    identity_members,
    is_look_alike,
)
from tests.core.people import principal


def test_an_identity_is_six_headers() -> None:
    headers = identity_headers(
        principal(client_id="app", scopes=frozenset({"write", "read"}), groups=("b, c", "a"), subject="ada@x y")
    )
    assert headers == (
        ("X-Bearergate-Issuer", "https%3A%2F%2Fissuer.test"),
        ("X-Bearergate-Subject", "ada%40x%20y"),
        ("X-Bearergate-Client", "app"),
        ("X-Bearergate-Scopes", "read,write"),
        ("X-Bearergate-Groups", "b%2C%20c,a"),
        ("X-Bearergate-Machine", "false"),
    )


def test_a_request_without_principal_gets_the_same_headers_empty() -> None:
    assert anonymous_headers() == tuple((name, "") for name, _ in identity_headers(principal()))


def test_an_identity_is_eight_members() -> None:
    who = principal(scopes=frozenset({"write", "read"}), groups=("b", "a"), audiences=("api", "x"), machine=True)
    assert identity_members(who) == {
        "issuer": "https://issuer.test",
        "subject": "user-1",
        "client_id": "app",
        "audience": ["api", "x"],
        "scopes": ["read", "write"],
        "groups": ["b", "a"],
        "machine": True,
        "expires_at": 1_800_000_300.0,
    }
    assert anonymous_members() == dict.fromkeys(identity_members(who))


def test_what_is_not_there_is_empty() -> None:
    headers = dict(identity_headers(principal(client_id=None, machine=True)))
    assert (headers["X-Bearergate-Client"], headers["X-Bearergate-Scopes"], headers["X-Bearergate-Groups"]) == ("",) * 3
    assert headers["X-Bearergate-Machine"] == "true"


@pytest.mark.parametrize("text", ["", "a,b", "%41", "a\r\nX: y", "Ž東😀", "\x00\x7f", '"(),/:;<=>?@[\\]{}', " a "])
def test_an_encoded_value_is_a_token_and_comes_back_whole(text: str) -> None:
    encoded = encode(text)
    assert unquote(encoded) == text
    assert set(encoded) <= set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


def test_no_item_pretends_to_be_two() -> None:
    assert encode_list(["a,b", "c"]) == "a%2Cb,c"
    assert encode_list(()) == ""


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("X-Bearergate-Subject", True),
        ("x-bearergate-subject", True),
        ("X_BEARERGATE_SUBJECT", True),
        ("X-Bearergate_Anything", True),
        ("Remote-User", True),
        ("REMOTE_USER", True),
        ("x_remote-user", True),
        ("Auth-Type", True),
        ("X-Bearergates", False),
        ("X-Forwarded-User", False),
        ("Authorization", False),
    ],
)
def test_a_header_that_could_be_taken_for_ours_is_recognised(header: str, expected: bool) -> None:
    assert is_look_alike(header) is expected
