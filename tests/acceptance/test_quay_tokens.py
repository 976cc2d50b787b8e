"""Quay's rows about issuers, audiences and clients, Q1 to Q20, and Q38, Q39: whose token opens the API."""

# Names of rows are capitals.
# ruff: noqa: N802

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from bearergate.testing import REMOVED, FakeIssuer
from tests.acceptance.quay import API, CID, PORTAL, V1, V2, Quay, body, quay, v1_claims, v2_claims

FOREIGN = "https://sso.example.com/realms/staff"


class Audit:
    """The lines of the audit log."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, logger="quay.audit")
        self._caplog = caplog

    @property
    def last(self) -> dict[str, Any]:
        lines = [record.getMessage() for record in self._caplog.records if record.name == "quay.audit"]
        members: dict[str, Any] = json.loads(lines[-1])
        return members


@pytest.fixture
def audit(caplog: pytest.LogCaptureFixture) -> Audit:
    return Audit(caplog)


def refused(registry: Quay, audit: Audit, token: str) -> tuple[int, str]:
    status = registry.status(token)
    reason: str = audit.last["reason"]
    return status, reason


def test_Q1_a_v1_token_is_accepted_where_both_issuers_are_configured() -> None:
    registry = quay()
    response = registry.ask(registry.v1.mint(v1_claims()))
    assert (response.status_code, body(response)["issuer"]) == (200, V1)


def test_Q2_a_v2_token_is_accepted_where_both_issuers_are_configured() -> None:
    registry = quay()
    response = registry.ask(registry.v2.mint(v2_claims()))
    assert (response.status_code, body(response)["issuer"]) == (200, V2)


def test_Q3_an_issuer_that_is_not_configured_is_refused_without_asking_anybody(audit: Audit) -> None:
    registry = quay(OIDC_ISSUERS=[V1])
    assert refused(registry, audit, registry.v2.mint(v2_claims())) == (401, "issuer_unknown")
    assert registry.v1.traffic.connections + registry.v2.traffic.connections == 0


def test_Q4_a_single_issuer_is_accepted() -> None:
    # The usual block of an Entra customer: v1 tokens, while OIDC_SERVER is the v2 address.
    registry = quay(OIDC_ISSUERS=None, OIDC_ISSUER=V1)
    assert registry.status(registry.v1.mint(v1_claims())) == 200
    assert registry.status(registry.v2.mint(v2_claims())) == 401


def test_Q5_the_list_takes_precedence_and_the_start_says_so(audit: Audit, caplog: pytest.LogCaptureFixture) -> None:
    registry = quay(OIDC_ISSUERS=[V1], OIDC_ISSUER=V2)
    assert "AZURE_LOGIN_CONFIG.OIDC_ISSUERS takes precedence; AZURE_LOGIN_CONFIG.OIDC_ISSUER is ignored" in caplog.text
    assert refused(registry, audit, registry.v2.mint(v2_claims())) == (401, "issuer_unknown")
    assert registry.status(registry.v1.mint(v1_claims())) == 200


def test_Q6_without_an_issuer_it_is_the_one_of_the_discovery_document() -> None:
    registry = quay(OIDC_ISSUERS=None)
    assert registry.status(registry.v2.mint(v2_claims())) == 200
    assert registry.status(registry.v1.mint(v1_claims())) == 401
    # Some names end with a slash; OIDC_SERVER always does.
    for name in (FOREIGN, f"{FOREIGN}/"):
        other = FakeIssuer(name, audience=CID)
        registry = quay(OIDC_ISSUERS=None, OIDC_SERVER=f"{FOREIGN}/", issuers=(other,))
        assert registry.status(other.mint()) == 200
        assert registry.status(other.mint(iss=f"{FOREIGN}//")) == 401


@pytest.mark.parametrize("spelling", [V1.removesuffix("/"), f"{V1}/", f"{V1}//"])
def test_Q7_a_slash_more_or_less_is_another_issuer(audit: Audit, spelling: str) -> None:
    registry = quay()
    assert refused(registry, audit, registry.v1.mint(v1_claims(iss=spelling))) == (401, "issuer_unknown")


def test_Q7_the_switch_passes_over_one_slash_and_never_over_more(audit: Audit) -> None:
    registry = quay(OIDC_ISSUER_SLASH=True)
    assert registry.status(registry.v1.mint(v1_claims(iss=V1.removesuffix("/")))) == 200
    assert registry.status(registry.v2.mint(v2_claims(iss=f"{V2}/"))) == 200
    for spelling in (f"{V1}/", f"{V1}//", f"{V2}//", f"{V2}///"):
        assert refused(registry, audit, registry.v1.mint(v1_claims(iss=spelling))) == (401, "issuer_unknown")


def test_Q8_without_audiences_the_client_id_is_the_audience() -> None:
    registry = quay()
    assert registry.status(registry.v2.mint(v2_claims(aud=CID))) == 200
    assert registry.status(registry.v2.mint(v2_claims(aud=API))) == 401


def test_Q9_a_configured_audience_is_accepted() -> None:
    registry = quay(OIDC_AUDIENCES=[API])
    assert registry.status(registry.v2.mint(v2_claims(aud=API))) == 200


def test_Q10_the_client_id_stays_an_audience_beside_the_list() -> None:
    registry = quay(OIDC_AUDIENCES=[API])
    assert registry.status(registry.v2.mint(v2_claims(aud=CID))) == 200


def test_Q11_another_audience_is_401(audit: Audit) -> None:
    registry = quay(OIDC_AUDIENCES=[API])
    assert refused(registry, audit, registry.v2.mint(v2_claims(aud="api://wrong"))) == (401, "audience_mismatch")


def test_Q12_one_of_several_audiences_is_enough() -> None:
    registry = quay(OIDC_AUDIENCES=[API])
    assert registry.status(registry.v2.mint(v2_claims(aud=["x", API]))) == 200
    assert registry.status(registry.v2.mint(v2_claims(aud=["x", "y"]))) == 401


@pytest.mark.parametrize(
    ("aud", "reason"),
    [
        (REMOVED, "audience_missing"),
        ([], "claim_malformed"),
        (7, "claim_malformed"),
        ("", "claim_malformed"),
        ({"cid": True}, "claim_malformed"),
        ([CID, 7], "claim_malformed"),
    ],
)
def test_Q13_an_audience_that_is_missing_or_malformed_is_401(audit: Audit, aud: Any, reason: str) -> None:
    registry = quay()
    status, found = refused(registry, audit, registry.v2.mint(v2_claims(aud=aud)))
    assert (status, found) == (401, reason)


@pytest.mark.parametrize("aud", ["CID", "Cid", "cid ", "api://QUAY-api", "API://quay-api", "api://quay-api/"])
def test_Q14_an_audience_in_another_spelling_is_401(audit: Audit, aud: str) -> None:
    registry = quay(OIDC_AUDIENCES=[API])
    assert refused(registry, audit, registry.v2.mint(v2_claims(aud=aud))) == (401, "audience_mismatch")


def test_Q15_an_allowed_client_is_accepted_and_on_the_audit_line(audit: Audit) -> None:
    registry = quay(OIDC_AUDIENCES=[API], OIDC_ALLOWED_CLIENTS=[PORTAL])
    assert registry.status(registry.v2.mint(v2_claims(aud=API))) == 200
    line = audit.last
    assert (line["outcome"], line["client_id"], line["client_id_claim"]) == ("accepted", PORTAL, "azp")
    assert line["on_behalf_of"] is True


def test_Q16_another_client_is_refused_and_the_log_says_which(audit: Audit) -> None:
    registry = quay(OIDC_ALLOWED_CLIENTS=[PORTAL])
    response = registry.ask(registry.v2.mint(v2_claims(azp="other")))
    line = audit.last
    assert (response.status_code, line["reason"]) == (401, "client_not_allowed")
    assert (line["unverified"]["client_id"], line["unverified"]["client_id_claim"]) == ("other", "azp")
    assert "other" not in response.text
    assert body(response)["error_description"] == "The client that acts with this token is not accepted here."


def test_Q17_in_v1_tokens_the_client_is_in_appid(audit: Audit) -> None:
    registry = quay(OIDC_ALLOWED_CLIENTS=[PORTAL])
    assert registry.status(registry.v1.mint(v1_claims())) == 200
    assert (audit.last["client_id"], audit.last["client_id_claim"]) == (PORTAL, "appid")
    assert refused(registry, audit, registry.v1.mint(v1_claims(appid="other"))) == (401, "client_not_allowed")


def test_Q18_a_token_that_names_no_client_is_refused_where_clients_are_listed(audit: Audit) -> None:
    registry = quay(OIDC_ALLOWED_CLIENTS=[PORTAL])
    assert refused(registry, audit, registry.v2.mint(v2_claims(azp=None))) == (401, "client_missing")
    assert refused(registry, audit, registry.v1.mint(v1_claims(appid=None))) == (401, "client_missing")


def test_Q19_without_a_list_any_client_may_act_and_is_on_the_audit_line(audit: Audit) -> None:
    registry = quay()
    assert registry.status(registry.v2.mint(v2_claims(azp="anything"))) == 200
    assert (audit.last["client_id"], audit.last["on_behalf_of"]) == ("anything", True)
    assert registry.status(registry.v2.mint(v2_claims(azp=CID))) == 200
    assert (audit.last["client_id"], audit.last["on_behalf_of"]) == (CID, False)
    assert registry.status(registry.v2.mint(v2_claims(azp=None))) == 200
    assert (audit.last["client_id"], audit.last["on_behalf_of"]) == (None, False)


@pytest.mark.parametrize("azp", [[PORTAL], 7, {"a": 1}, True, "", 1.5])
@pytest.mark.parametrize("allowed", [None, [PORTAL]])
def test_Q20_a_client_that_is_no_string_is_401_and_never_a_fault(
    audit: Audit, azp: Any, allowed: list[str] | None
) -> None:
    registry = quay(OIDC_ALLOWED_CLIENTS=allowed)
    assert refused(registry, audit, registry.v2.mint(v2_claims(azp=azp))) == (401, "claim_malformed")


def test_Q38_a_token_of_an_impersonated_user_is_refused(audit: Audit) -> None:
    registry = quay()
    assert refused(registry, audit, registry.v2.mint(v2_claims(impersonated=True))) == (401, "impersonated")
    assert registry.status(registry.v2.mint(v2_claims(impersonated=False))) == 200


def test_Q39_equal_subjects_of_two_issuers_are_two_users() -> None:
    registry = quay()
    first = body(registry.ask(registry.v1.mint(v1_claims(sub="same"))))
    second = body(registry.ask(registry.v2.mint(v2_claims(sub="same"))))
    again = body(registry.ask(registry.v1.mint(v1_claims(sub="same"))))
    assert first["username"] == again["username"]
    assert first["username"] != second["username"]


# All ways in by one configuration. Robots have tests of their own.


def test_people_log_in_with_id_tokens_of_either_issuer_and_keep_their_session() -> None:
    registry = quay(OIDC_AUDIENCES=[API], OIDC_ALLOWED_CLIENTS=[PORTAL])
    for issuer in (registry.v1, registry.v2):
        response = registry.log_in(issuer, sub="ada")
        assert (response.status_code, body(response)["issuer"]) == (200, issuer.issuer)
        session = body(registry.client.get("/api/v1/repository"))
        assert session == {"as": body(response)["username"], "visible": ["public", "private"]}


def test_whoever_logs_in_and_calls_the_api_is_one_user() -> None:
    registry = quay()
    logged_in = body(registry.log_in(registry.v2, sub="ada"))
    assert body(registry.ask(registry.v2.mint(v2_claims(sub="ada"))))["username"] == logged_in["username"]


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({}, 200),
        # An ID token for another client, be it one that may call the API, logs nobody in.
        ({"aud": API}, 401),
        ({"aud": PORTAL}, 401),
        ({"aud": [CID, API], "azp": PORTAL}, 401),
        ({"azp": PORTAL}, 401),
        ({"azp": CID}, 200),
        ({"nonce": "of another login"}, 401),
        ({"nonce": None}, 401),
        ({"impersonated": True}, 401),
        ({"exp": 1}, 401),
        ({"iat": None}, 401),
    ],
)
def test_a_login_takes_what_was_issued_for_this_very_login_only(claims: dict[str, Any], status: int) -> None:
    registry = quay(OIDC_AUDIENCES=[API], OIDC_ALLOWED_CLIENTS=[PORTAL])
    assert registry.log_in(registry.v2, **claims).status_code == status


def test_a_login_refuses_the_issuer_of_another_block_and_an_access_token() -> None:
    other = FakeIssuer(FOREIGN, audience=CID)
    blocks = {"SSO_LOGIN_CONFIG": {"OIDC_SERVER": f"{FOREIGN}/", "CLIENT_ID": CID}}
    registry = quay(others=blocks, issuers=(other,))
    assert registry.log_in(other, service="sso").status_code == 200
    assert registry.log_in(other, service="azure").status_code == 401
    registry.client.get("/oauth2/azure/login")
    with registry.client.session_transaction() as session:
        state, nonce = session["state"], session["nonce"]
    registry.codes["code"] = registry.v2.mint(aud=CID, azp=CID, nonce=nonce, header={"typ": "at+jwt"})
    assert registry.client.get(f"/oauth2/azure/callback?code=code&state={state}").status_code == 401


def test_a_login_without_the_state_of_this_browser_is_400() -> None:
    registry = quay()
    registry.codes["code"] = registry.v2.mint(aud=CID, client_id=None, nonce="n")
    assert registry.client.get("/oauth2/azure/callback?code=code&state=x").status_code == 400
    assert registry.client.get("/oauth2/none/callback?code=code&state=x").status_code == 404
