"""What FakeIssuer mints is what a real issuer would have signed, checked by somebody else's library."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from joserfc import jws
from joserfc.errors import BadSignatureError
from joserfc.jwk import import_key

from bearergate.testing import REMOVED, FakeIssuer

ALGORITHMS = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA",
]  # fmt: skip
NOW = 1_800_000_000


@pytest.fixture(scope="module")
def issuer() -> FakeIssuer:
    return FakeIssuer(alg="ES256", clock=lambda: NOW)


def header_of(token: str) -> Any:
    return json.loads(_decode(token.split(".", maxsplit=1)[0]))


def claims_of(token: str) -> Any:
    return json.loads(_decode(token.split(".")[1]))


def _decode(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def verified(issuer: FakeIssuer, token: str) -> Any:
    """The payload, after joserfc verified it with what the issuer publishes."""
    header = header_of(token)
    jwk = next(entry for entry in issuer.jwks()["keys"] if entry["kid"] == header["kid"])
    return json.loads(jws.deserialize_compact(token, import_key(jwk), algorithms=[header["alg"]]).payload)  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_token_of_every_algorithm_verifies_with_the_published_key(alg: str) -> None:
    issuer = FakeIssuer(alg=alg)
    token = issuer.mint()
    assert verified(issuer, token)["iss"] == "https://issuer.test"
    assert header_of(token) == {"alg": alg, "kid": issuer.signing_key.kid, "typ": "JWT"}


def test_an_unknown_algorithm_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'HS256' is no signature algorithm; choose one of RS256"):
        FakeIssuer(alg="HS256").mint()


def test_a_token_is_good_by_default(issuer: FakeIssuer) -> None:
    claims = verified(issuer, issuer.mint())
    assert claims.pop("jti")
    assert claims == {
        "iss": "https://issuer.test",
        "sub": "user-1",
        "aud": "https://api.test",
        "exp": NOW + 300,
        "iat": NOW,
        "client_id": "test-client",
    }


def test_two_tokens_have_two_names(issuer: FakeIssuer) -> None:
    assert claims_of(issuer.mint())["jti"] != claims_of(issuer.mint())["jti"]


def test_without_a_clock_the_wall_clock_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    issuer = FakeIssuer(alg="ES256")
    monkeypatch.setattr("time.time", lambda: 42.5)
    assert claims_of(issuer.mint())["iat"] == 42


def test_claims_are_overridden_added_and_left_out(issuer: FakeIssuer) -> None:
    claims = verified(issuer, issuer.mint({"https://x/y": [1]}, sub="ada", aud=["a", "b"], exp=None, jti=REMOVED))
    assert claims["sub"] == "ada"
    assert claims["aud"] == ["a", "b"]
    assert claims["https://x/y"] == [1]
    assert not {"exp", "jti"} & claims.keys()
    assert repr(REMOVED) == "REMOVED"


@pytest.mark.parametrize("name", ["azp", "appid", "cid", "client_id"])
def test_naming_one_client_claim_replaces_the_default_one(issuer: FakeIssuer, name: str) -> None:
    claims = claims_of(issuer.mint(**{name: "other"}))  # type: ignore[arg-type]
    assert {key: claims[key] for key in ("azp", "appid", "cid", "client_id") if key in claims} == {name: "other"}


def test_header_members_are_overridden_added_and_left_out(issuer: FakeIssuer) -> None:
    assert header_of(issuer.mint(header={"typ": None, "kid": "bogus", "x": 1})) == {
        "alg": "ES256",
        "kid": "bogus",
        "x": 1,
    }


def test_a_key_is_chosen_by_itself_or_by_its_kid(issuer: FakeIssuer) -> None:
    second = issuer.add_key()
    assert header_of(issuer.mint())["kid"] != second.kid
    for token in (issuer.mint(kid=second.kid), issuer.mint(key=second)):
        assert header_of(token)["kid"] == second.kid
        assert verified(issuer, token)
    with pytest.raises(KeyError, match="nobody"):
        issuer.mint(kid="nobody")


def test_raw_segments_are_signed_as_they_are(issuer: FakeIssuer) -> None:
    token = issuer.mint_raw(b'{"alg":"ES256", "alg":"ES256"}', b"\xff{")
    header, payload, signature = token.split(".")
    assert _decode(header) == b'{"alg":"ES256", "alg":"ES256"}'
    assert _decode(payload) == b"\xff{"
    key = import_key(issuer.signing_key.jwk())  # type: ignore[arg-type]
    algorithm = jws.JWSRegistry.algorithms["ES256"]
    assert algorithm.verify(f"{header}.{payload}".encode(), _decode(signature), key)


def test_raw_tokens_take_good_parts_for_those_not_given(issuer: FakeIssuer) -> None:
    other = issuer.add_key()
    assert header_of(issuer.mint_raw(payload={"a": None}, key=other))["kid"] == other.kid
    assert claims_of(issuer.mint_raw({"alg": "ES256"}))["sub"] == "user-1"
    assert issuer.mint_raw(signature=b"\x00").endswith(".AA")


@pytest.mark.parametrize("alg", ["RS256", "ES256", "Ed25519"])
def test_a_forged_token_differs_in_its_signature_only(alg: str) -> None:
    issuer = FakeIssuer(alg=alg)
    token = issuer.forge(sub="mallory")
    assert header_of(token) == header_of(issuer.mint())
    assert claims_of(token)["sub"] == "mallory"
    with pytest.raises(BadSignatureError):
        verified(issuer, token)


def test_an_unsigned_token_has_an_empty_signature(issuer: FakeIssuer) -> None:
    token = issuer.unsigned(sub="mallory")
    assert token.endswith(".")
    assert header_of(token)["alg"] == "none"
    assert claims_of(token)["sub"] == "mallory"


def test_a_confused_token_is_keyed_with_the_public_key(issuer: FakeIssuer) -> None:
    signing_input, _, signature = issuer.confuse(sub="mallory").rpartition(".")
    assert header_of(signing_input)["alg"] == "HS256"
    pem = issuer.signing_key.key.as_pem(private=False)
    assert _decode(signature) == hmac.digest(pem, signing_input.encode(), hashlib.sha256)


def test_private_keys_are_not_shown(issuer: FakeIssuer) -> None:
    assert "d" not in issuer.signing_key.jwk()
    assert "ECKey" not in repr(issuer.signing_key)
