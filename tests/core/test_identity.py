"""Who acts, for whom and with which scopes, in every provider's spelling."""

from __future__ import annotations

from typing import Any

import pytest

from bearergate.core.claims import UnverifiedClaims
from bearergate.core.errors import ClaimRejected
from bearergate.core.events import UnverifiedIdentity
from bearergate.core.identity import (
    ActingClient,
    acting_client,
    acting_party,
    granted_scopes,
    named_clients,
    unverified_identity,
)
from bearergate.core.jwt import JoseHeader
from bearergate.core.principal import Actor
from bearergate.core.reasons import Reason
from tests.core.people import claims, policy

DEX = policy(client_from_audience=True)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, None),
        ({"client_id": "a"}, ActingClient("a", "client_id")),
        ({"azp": "a"}, ActingClient("a", "azp")),
        ({"appid": "a"}, ActingClient("a", "appid")),
        ({"cid": "a"}, ActingClient("a", "cid")),
        ({"cid": "a", "azp": "a", "client_id": "a"}, ActingClient("a", "client_id")),
        ({"cid": "a", "appid": "a"}, ActingClient("a", "appid")),
        ({"client": "a"}, None),
    ],
)
def test_the_acting_client_is_the_first_that_is_named(members: dict[str, Any], expected: ActingClient | None) -> None:
    assert acting_client(claims(**members), policy()) == expected


def test_two_clients_are_both_seen() -> None:
    assert named_clients(claims(azp="a", cid="b")) == (ActingClient("a", "azp"), ActingClient("b", "cid"))


@pytest.mark.parametrize("claim", ["client_id", "azp", "appid", "cid"])
@pytest.mark.parametrize("value", [None, "", "  ", 7, True, [], ["a"], {"a": 1}, "a\x00", "a" * 2049])
def test_a_client_that_is_no_name_is_malformed(claim: str, value: Any) -> None:
    with pytest.raises(ClaimRejected) as caught:
        named_clients(claims(**{claim: value}))
    assert (caught.value.reason, caught.value.claim) == (Reason.CLAIM_MALFORMED, claim)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"aud": "app"}, ActingClient("app", "aud")),
        ({"aud": ["app"]}, ActingClient("app", "aud")),
        ({"aud": ["app", "other"]}, None),
        ({"aud": "app", "azp": "other"}, ActingClient("other", "azp")),
    ],
)
def test_dex_names_the_client_in_a_single_audience(members: dict[str, Any], expected: ActingClient | None) -> None:
    assert acting_client(claims(**members), DEX) == expected
    assert acting_client(claims(aud="app"), policy()) is None


def test_without_any_audience_dex_names_no_client() -> None:
    assert acting_client(UnverifiedClaims({}), DEX) is None


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, set()),
        ({"scope": ""}, set()),
        ({"scope": "read write"}, {"read", "write"}),
        ({"scope": " read  write "}, {"read", "write"}),
        ({"scp": "read write"}, {"read", "write"}),
        ({"scp": ["read", "write"]}, {"read", "write"}),
        ({"scp": []}, set()),
        ({"scp": ["read write"]}, {"read write"}),
        ({"scope": "read write", "scp": ["write", "read"]}, {"read", "write"}),
        ({"scope": "read write", "scp": "write read"}, {"read", "write"}),
        ({"scope": "", "scp": []}, set()),
        ({"scope": " ".join(f"scope-{n}" for n in range(500))}, {f"scope-{n}" for n in range(500)}),
    ],
)
def test_scopes_are_read_in_every_spelling(members: dict[str, Any], expected: set[str]) -> None:
    assert granted_scopes(claims(**members)) == expected


@pytest.mark.parametrize(
    ("members", "claim"),
    [
        ({"scope": None}, "scope"),
        ({"scope": ["read"]}, "scope"),
        ({"scope": 1}, "scope"),
        ({"scope": "a\nb"}, "scope"),
        ({"scp": None}, "scp"),
        ({"scp": {"a": 1}}, "scp"),
        ({"scp": ["a", 1]}, "scp"),
        ({"scp": [""]}, "scp"),
        ({"scope": "read", "scp": "write"}, "scp"),
        ({"scope": "read", "scp": ["read", "write"]}, "scp"),
        ({"scope": "read", "scp": []}, "scp"),
        ({"scope": "", "scp": "read"}, "scp"),
    ],
)
def test_scopes_that_cannot_be_read_or_differ_are_malformed(members: dict[str, Any], claim: str) -> None:
    with pytest.raises(ClaimRejected) as caught:
        granted_scopes(claims(**members))
    assert (caught.value.reason, caught.value.claim) == (Reason.CLAIM_MALFORMED, claim)


def test_the_chain_of_actors_is_kept() -> None:
    chain = {"sub": "robot", "iss": "https://i.test", "act": {"client_id": "app", "act": {}}}
    assert acting_party(claims(act=chain)) == Actor(
        "robot", "https://i.test", None, Actor(None, None, "app", Actor(None, None, None))
    )
    assert acting_party(claims()) is None


@pytest.mark.parametrize("act", [None, "robot", [], 1, {"sub": 1}, {"sub": "a", "act": None}, {"client_id": []}])
def test_an_actor_that_cannot_be_read_is_malformed(act: Any) -> None:
    with pytest.raises(ClaimRejected):
        acting_party(claims(act=act))


def test_a_refused_token_says_what_can_be_read_of_it() -> None:
    members: dict[str, Any] = {"jti": "t-1", "azp": "app", "aud": ["api", 1, "x\n", "other"]}
    assert unverified_identity(JoseHeader("RS256", "k", None), claims(**members)) == UnverifiedIdentity(
        token_issuer="https://issuer.test",
        subject="user-1",
        client_id="app",
        client_id_claim="azp",
        audience=("api", "other"),
        token_id="t-1",
        kid="k",
        alg="RS256",
    )


def test_what_cannot_be_written_down_is_left_out() -> None:
    assert unverified_identity(None, None) == UnverifiedIdentity()
    hostile = UnverifiedClaims({"iss": ["a"], "sub": "a\nb", "aud": "x" * 3000, "azp": {}, "jti": None})
    assert unverified_identity(JoseHeader("a\x00", "b\n", None), hostile) == UnverifiedIdentity()


def test_few_audiences_are_listed() -> None:
    assert len(unverified_identity(None, claims(aud=[f"a{n}" for n in range(100)])).audience) == 20
