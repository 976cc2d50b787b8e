"""Recipes: what they make is what they say, and what they cannot make is an error instead of a weaker attack."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bearergate.core.encoding import decode_base64url
from bearergate.core.errors import ConfigError
from tests.vectors.keys import FORMS, KEYS
from tests.vectors.recipes import FOLDER, NOW, Vector, read_vector, resolve
from tests.vectors.spellings import SIGNATURE_CHANGES, SPELLINGS, change_signature, spell


def recipe(**members: Any) -> Vector:
    return read_vector("test", {"id": "x", "source": "x", "expect": {}, **members})


def decoded(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, payload, _ = token.split(".")
    return json.loads(decode_base64url(header)), json.loads(decode_base64url(payload))


def test_an_empty_recipe_is_a_good_token() -> None:
    header, claims = decoded(recipe().token())
    assert header == {"alg": "RS256", "typ": "JWT", "kid": "rsa"}
    assert claims == {
        "iss": "https://issuer.test", "sub": "user-1", "aud": "api", "exp": NOW + 300, "iat": NOW, "jti": "id-1",
        "client_id": "app",
    }  # fmt: skip


def test_members_are_added_replaced_and_removed() -> None:
    vector = recipe(
        key="ed", header={"typ": "at+jwt"}, claims={"aud": ["a"], "x": None}, remove=["claims.sub", "header.kid"]
    )
    header, claims = decoded(vector.token())
    assert header == {"alg": "EdDSA", "typ": "at+jwt"}
    assert (claims["aud"], claims["x"], "sub" in claims) == (["a"], None, False)


def test_text_takes_the_members_in() -> None:
    _, payload, _ = recipe(payload_text='{"aud":"evil",$members}').token().split(".")
    assert decode_base64url(payload).startswith(b'{"aud":"evil","iss":"https://issuer.test","sub":')


def test_a_charset_is_that_of_the_bytes() -> None:
    _, payload, _ = recipe(payload_text="\u00e9", payload_charset="latin-1").token().split(".")
    assert decode_base64url(payload) == b"\xe9"


def test_values_are_repeated_and_keys_are_written_out() -> None:
    assert resolve({"a": [{"$repeat": ["x", 3]}, {"$repeat": [["y"], 2]}]}) == {"a": ["xxx", ["y", "y"]]}
    assert resolve({"$key": ["jwk", "p256"]})["kid"] == "p256"


@pytest.mark.parametrize("length", [500, 1024, 16384])
def test_a_token_has_the_length_that_is_asked_for(length: int) -> None:
    assert len(recipe(key="p256", length=length).token()) == length


def test_a_signature_is_made_over_the_segments_as_they_are_spelled() -> None:
    token = recipe(key="ed", claims={"x": "12"}, spell={"payload": "padded"}).token()
    header, payload, signature = token.split(".")
    assert payload.endswith("=")
    KEYS["ed"].private.public_key().verify(  # type: ignore[call-arg]
        decode_base64url(signature), f"{header}.{payload}".encode()
    )


@pytest.mark.parametrize(
    "members",
    [
        {"hedaer": {}},
        {"policy": {"audiance": ["api"]}},
        {"settings": {"profil": "quay"}},
        {"key": "nobody"},
        {"signature": "made up"},
        {"spell": {"header": "made up"}},
        {"remove": ["claims.nothing"]},
        {"token": "$nothing"},
        {"length": 10},
        {"claims": {"$key": ["made up", "rsa"]}},
    ],
)
def test_what_a_recipe_cannot_mean_is_an_error(members: dict[str, Any]) -> None:
    with pytest.raises((ValueError, KeyError, ConfigError)):  # noqa: PT012 - any of the three may notice
        vector = recipe(**members)
        vector.settings()
        vector.token()


def test_a_change_that_changes_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="changes nothing"):
        spell("padded", "AAAA")
    with pytest.raises(ValueError, match="changes nothing"):
        change_signature("all zeros", bytes(64), KEYS["p256"])
    with pytest.raises(ValueError, match="one spelling only"):
        spell("not canonical", "AAAA")


def test_every_change_spelling_and_form_is_used() -> None:
    written = "\n".join(path.read_text("utf-8") for path in FOLDER.glob("*.json"))
    assert [name for name in (*SIGNATURE_CHANGES, *SPELLINGS) if f'"{name}"' not in written] == []
    assert [form for form in FORMS if f'["{form}", ' not in written] == []
    assert [name for name in KEYS if f'"{name}"' not in written and not name.startswith("crowd-")] == []
