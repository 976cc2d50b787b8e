"""Quay's rows about keys, Q27 to Q35: which key proves whose tokens, and how often issuers are asked."""

# Names of rows are capitals.
# ruff: noqa: N802

from __future__ import annotations

import json
import threading
import time
from collections import Counter

import pytest

from bearergate.testing import Endpoint, FakeIssuer, Fault
from tests.acceptance.quay import API, CID, V2, Quay, body, quay, v1_claims, v2_claims
from tests.figures import tell

SSO = "https://sso.example.com/realms/staff"


def fetches(issuer: FakeIssuer) -> int:
    return issuer.traffic.count(Endpoint.JWKS)


@pytest.fixture
def registry() -> Quay:
    return quay()


def test_Q27_a_token_without_kid_is_accepted_while_exactly_one_key_fits(registry: Quay) -> None:
    assert registry.ask(registry.v2.mint(v2_claims(), header={"kid": None})).status_code == 200
    registry = quay()
    registry.v2.add_key()
    response = registry.ask(registry.v2.mint(v2_claims(), header={"kid": None}))
    assert (response.status_code, body(response)["error"]) == (401, "invalid_token")


def test_Q28_a_thousand_unknown_kids_are_a_handful_of_fetches_and_all_401(registry: Quay) -> None:
    token = registry.v2.mint(v2_claims())
    assert registry.status(token) == 200
    strangers = [registry.v2.mint(v2_claims(), header={"kid": f"unknown-{n}"}) for n in range(1000)]
    started = time.monotonic()
    statuses = Counter(registry.status(stranger) for stranger in strangers)
    # Three at once and one more every ten seconds, which pass on a machine that is busy.
    allowed = 1 + 3 + int((time.monotonic() - started) / 10)
    assert statuses == {401: 1000}
    assert fetches(registry.v2) <= allowed
    assert registry.status(token) == 200
    tell("Quay's Q28, 1000 unknown kids", f"{fetches(registry.v2)} requests for keys, the first one included")


def test_Q29_a_thousand_expired_tokens_of_a_known_kid_fetch_nothing(registry: Quay) -> None:
    registry.status(registry.v2.mint(v2_claims()))
    registry.v2.traffic.forget()
    now = int(registry.v2.now())
    expired = [registry.v2.mint(v2_claims(exp=now - 60, iat=now - 600, n=n)) for n in range(1000)]
    assert Counter(registry.status(token) for token in expired) == {401: 1000}
    assert fetches(registry.v2) == 0


def test_Q30_after_a_rotation_the_new_key_is_fetched_once_for_fifty_callers_at_a_time(registry: Quay) -> None:
    registry.status(registry.v2.mint(v2_claims()))
    registry.v2.rotate()
    registry.v2.traffic.forget()
    registry.v2.jwks_fault = Fault(delay=0.3)
    tokens = [registry.v2.mint(v2_claims(n=n)) for n in range(50)]
    statuses: list[int] = []
    gate = threading.Barrier(50)

    def call(token: str) -> None:
        client = registry.client.application.test_client()
        gate.wait()
        statuses.append(client.get("/api/v1/user/", headers={"Authorization": f"Bearer {token}"}).status_code)

    threads = [threading.Thread(target=call, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(statuses) == {200: 50}
    assert fetches(registry.v2) == 1


def test_Q31_an_entry_of_an_unknown_kind_harms_no_good_key(registry: Quay) -> None:
    keys = [{"kty": "LATTICE", "kid": "x"}, {"kty": "oct", "k": "c2VjcmV0", "kid": "y"}, 7, *registry.v2.jwks()["keys"]]
    registry.v2.jwks_fault = Fault(body=json.dumps({"keys": keys}).encode())
    assert registry.status(registry.v2.mint(v2_claims())) == 200


def test_Q32_unsigned_confused_and_unlisted_algorithms_are_refused(registry: Quay) -> None:
    assert registry.status(registry.v2.unsigned(v2_claims())) == 401
    assert registry.status(registry.v2.confuse(v2_claims())) == 401
    registry = quay(OIDC_ALGORITHMS=["RS384"])
    assert registry.status(registry.v2.mint(v2_claims())) == 401
    assert fetches(registry.v2) == 0


@pytest.mark.parametrize("alg", ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"])
def test_Q33_every_other_signature_algorithm_is_accepted_unless_left_out(alg: str) -> None:
    issuer = FakeIssuer(SSO, alg=alg, audience=CID)
    blocks = {"SSO_LOGIN_CONFIG": {"OIDC_SERVER": f"{SSO}/", "CLIENT_ID": CID}}
    assert quay(others=blocks, issuers=(issuer,)).status(issuer.mint()) == 200
    blocks["SSO_LOGIN_CONFIG"] |= {"OIDC_ALGORITHMS": ["ES512"]}  # type: ignore[dict-item]
    assert quay(others=blocks, issuers=(issuer,)).status(issuer.mint()) == 401


def test_Q34_a_key_of_one_issuer_proves_no_token_of_another(registry: Quay) -> None:
    # Both are configured, in one block, and both sets of keys are at hand.
    assert [registry.status(registry.v1.mint(v1_claims())), registry.status(registry.v2.mint(v2_claims()))] == [
        200,
        200,
    ]
    forgery = registry.v1.mint(v2_claims(iss=V2))
    assert registry.status(forgery) == 401
    same_kid = registry.v1.mint(v2_claims(iss=V2), header={"kid": registry.v2.signing_key.kid})
    assert registry.status(same_kid) == 401
    assert registry.status(registry.v1.mint(v2_claims(iss=V2), header={"kid": None})) == 401


def test_Q34_one_set_of_keys_for_all_issuers_of_a_block_is_what_an_operator_must_write() -> None:
    registry = quay(OIDC_ISSUERS_SHARE_KEYS=True)
    assert registry.status(registry.v1.mint(v2_claims(iss=V2))) == 200
    assert registry.status(registry.v2.mint(v1_claims(iss=registry.v1.issuer))) == 200
    stranger = FakeIssuer(SSO, audience=CID)
    assert registry.status(stranger.mint(v2_claims(iss=V2))) == 401


def test_Q35_a_provider_that_is_down_is_503_for_its_own_tokens_and_nothing_to_others() -> None:
    sso = FakeIssuer(SSO, audience=CID)
    blocks = {"SSO_LOGIN_CONFIG": {"OIDC_SERVER": f"{SSO}/", "CLIENT_ID": CID, "OIDC_AUDIENCES": [API]}}
    registry = quay(others=blocks, issuers=(sso,))
    registry.v1.down = registry.v2.down = True
    assert registry.status(sso.mint(aud=API)) == 200
    response = registry.ask(registry.v2.mint(v2_claims()))
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) >= 1
    assert "WWW-Authenticate" not in response.headers
    assert registry.log_in(sso, service="sso").status_code == 200
    assert registry.log_in(registry.v2).status_code == 503
