"""Which keys a fake issuer signs with and which it publishes."""

from __future__ import annotations

import json

import pytest

from bearergate.testing import FakeIssuer
from bearergate.testing.signing import new_key


def kids(issuer: FakeIssuer) -> list[object]:
    return [entry.get("kid") for entry in issuer.jwks()["keys"]]


@pytest.fixture
def issuer() -> FakeIssuer:
    return FakeIssuer(alg="ES256")


def test_the_first_key_is_published_and_signs(issuer: FakeIssuer) -> None:
    assert kids(issuer) == [issuer.signing_key.kid]
    assert issuer.keys == (issuer.signing_key,)
    assert issuer.jwks()["keys"][0].items() >= {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig"}.items()


def test_two_issuers_never_have_the_same_key() -> None:
    issuers = [FakeIssuer(alg="RS256") for _ in range(8)]
    assert len({issuer.jwks()["keys"][0]["n"] for issuer in issuers}) == 8


@pytest.mark.parametrize("keep_old", [True, False])
def test_after_a_rotation_the_new_key_signs(issuer: FakeIssuer, keep_old: bool) -> None:
    old = issuer.signing_key
    new = issuer.rotate(keep_old=keep_old)
    assert issuer.signing_key is new
    assert kids(issuer) == ([old.kid, new.kid] if keep_old else [new.kid])
    assert issuer.mint(kid=old.kid)


def test_a_rotation_before_the_first_token_keeps_an_old_key_too(issuer: FakeIssuer) -> None:
    issuer.rotate()
    assert len(issuer.keys) == 2


def test_a_rotation_may_change_algorithm_and_name(issuer: FakeIssuer) -> None:
    key = issuer.rotate(alg="Ed25519", kid="chosen")
    assert (key.alg, key.kid) == ("Ed25519", "chosen")


def test_a_removed_key_still_signs_and_is_no_longer_published(issuer: FakeIssuer) -> None:
    kid = issuer.signing_key.kid
    issuer.remove(kid)
    assert issuer.jwks() == {"keys": []}
    assert issuer.mint()
    with pytest.raises(KeyError):
        issuer.remove(kid)


def test_odd_entries_are_published_as_they_are(issuer: FakeIssuer) -> None:
    issuer.publish({"kty": "oct", "k": "AAAA", "kid": "secret"})
    issuer.publish(new_key("ES384", "spare"))
    assert kids(issuer)[1:] == ["secret", "spare"]
    assert len(issuer.keys) == 2
    issuer.remove("secret")
    assert kids(issuer)[1:] == ["spare"]


def test_members_of_a_jwk_can_be_replaced(issuer: FakeIssuer) -> None:
    assert issuer.signing_key.jwk(use="enc", x5c=["AAAA"]).items() >= {"use": "enc", "x5c": ["AAAA"]}.items()


def test_odd_documents_are_served_until_the_real_one_is_wanted_again(issuer: FakeIssuer) -> None:
    fetch = issuer.fetch

    def served(url: str) -> bytes:
        return fetch(url, etag=None, deadline=float("inf"), max_bytes=10_000).body

    issuer.set_document(b"odd keys")
    issuer.set_metadata(b"odd metadata")
    assert (served(issuer.jwks_uri), served(issuer.discovery_url)) == (b"odd keys", b"odd metadata")
    issuer.set_document(None)
    issuer.set_metadata(None)
    assert json.loads(served(issuer.jwks_uri)) == issuer.jwks()
    assert json.loads(served(issuer.discovery_url)) == issuer.metadata()


def test_rsa_keys_are_dealt_in_turn_and_come_round_under_another_name() -> None:
    keys = [new_key("RS256") for _ in range(17)]
    assert len({str(key.jwk()["n"]) for key in keys}) == 16
    assert len({key.kid for key in keys}) == 17
