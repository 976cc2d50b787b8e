"""Quay's rows about what comes in, Q36, Q37, Q40 and Q49: hostile tokens, kinds of tokens, credentials, answers."""

# Names of rows are capitals.
# ruff: noqa: N802

from __future__ import annotations

import logging
from typing import Any

import pytest

from bearergate.testing.signing import base64url
from tests.acceptance.quay import API, PORTAL, V1, V2, Quay, quay, v1_claims, v2_claims


@pytest.fixture
def registry() -> Quay:
    return quay()


@pytest.mark.parametrize(
    ("claims", "header"),
    [
        ({"iss": 123}, {}),
        ({"iss": []}, {}),
        ({"iss": {"url": V2}}, {}),
        ({"iss": None}, {}),
        ({"iat": []}, {}),
        ({"iat": "now"}, {}),
        ({"exp": True}, {}),
        ({"exp": "9999999999"}, {}),
        ({"nbf": {}}, {}),
        ({"sub": None}, {}),
        ({"sub": 7}, {}),
        ({"sub": " "}, {}),
        ({}, {"typ": 5}),
        ({}, {"kid": 5}),
        ({}, {"alg": 5}),
        ({}, {"alg": None}),
        ({}, {"crit": ["exp"]}),
    ],
)
def test_Q36_members_of_the_wrong_type_are_401(registry: Quay, claims: dict[str, Any], header: dict[str, Any]) -> None:
    assert registry.status(registry.v2.mint(v2_claims(**claims), header=header)) == 401


@pytest.mark.parametrize(
    "token",
    [
        "garbage", "a.b", "a.b.c", "a.b.c.d", "a.b.c.d.e", "..", "...", "e30.e30.", "-._.~",
        f"{base64url(b'[]')}.{base64url(b'[]')}.AA",
        f"{base64url(b'{')}.{base64url(b'{')}.AA",
        f"{base64url(bytes(range(128, 255)))}.e30.AA",
        f"{base64url(b'[' * 10_000)}.e30.AA",
        "A" * 1_000_000,
        f"{'A' * 500_000}.{'A' * 500_000}.A",
    ],
)  # fmt: skip
def test_Q36_garbage_is_401_whatever_it_is(registry: Quay, token: str) -> None:
    assert registry.status(token) == 401
    assert registry.v1.traffic.connections + registry.v2.traffic.connections == 0


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+JWT", None])
def test_Q37_the_kinds_of_tokens_that_are_tokens_in_any_case(
    registry: Quay, typ: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = registry.v2.mint(v2_claims(), header={"typ": typ})
    assert registry.status(token) == 200
    bad = registry.v2.mint(v2_claims(aud="api://wrong"), header={"typ": typ})
    assert registry.status(bad) == 401
    # Quay writes a token without typ into its log.
    for secret in (token, bad):
        assert not any(part in caplog.text for part in secret.split("."))


@pytest.mark.parametrize("typ", ["logout+jwt", "secevent+jwt", "dpop+jwt", "JOSE", ""])
def test_Q37_another_kind_is_401(registry: Quay, typ: str) -> None:
    assert registry.status(registry.v2.mint(v2_claims(), header={"typ": typ})) == 401


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ("bearer {}", 200),
        ("Bearer {}", 200),
        ("BEARER  {}", 200),
        ("Bearer   {} ", 200),
        ("Bearer", 400),
        ("bearer ", 400),
        ("Bearer a b", 400),
        ("Bearer {} {}", 400),
        ("Bearer {}, Bearer {}", 400),
        ("", 401),
        ("Basic cXVheTpxdWF5", 401),
    ],
)
def test_Q40_forms_of_the_credential(registry: Quay, form: str, status: int) -> None:
    token = registry.v2.mint(v2_claims())
    assert registry.ask(authorization=form.format(token, token)).status_code == status


def test_Q49_every_401_has_a_challenge_and_says_nothing_of_the_configuration() -> None:
    registry = quay(OIDC_AUDIENCES=[API], OIDC_ALLOWED_CLIENTS=[PORTAL])
    now = int(registry.v2.now())
    bad = [
        registry.v2.mint(v2_claims(iss="https://evil.test")),
        registry.v2.mint(v2_claims(aud="api://wrong")),
        registry.v2.mint(v2_claims(azp="intruder")),
        registry.v2.mint(v2_claims(azp=None)),
        registry.v2.mint(v2_claims(exp=now - 60, iat=now - 600)),
        registry.v2.mint(v2_claims(), header={"kid": "unknown"}),
        registry.v2.forge(v2_claims()),
        registry.v1.mint(v1_claims(iss=V1.removesuffix("/"))),
        "garbage",
    ]
    challenges = set()
    for token in (None, *bad):
        response = registry.ask(token)
        challenge = response.headers["WWW-Authenticate"]
        challenges.add(challenge)
        assert response.status_code == 401
        assert challenge.startswith('Bearer realm="quay"')
        assert ('error="invalid_token"' in challenge) is (token is not None)
        told = f"{response.text} {challenge}"
        for secret in (V1, V2, API, PORTAL, "cid", "evil", "intruder", "windows", "microsoft"):
            assert secret not in told
    assert len(challenges) > 5


def test_Q49_a_bad_token_is_401_with_a_challenge_where_none_is_needed(registry: Quay) -> None:
    assert registry.client.get("/api/v1/repository").status_code == 200
    response = registry.client.get("/api/v1/repository", headers={"Authorization": "Bearer garbage"})
    assert (response.status_code, "WWW-Authenticate" in response.headers) == (401, True)
