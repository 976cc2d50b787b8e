"""The drop-in as Quay's code meets it: names, exceptions, lazy making, and HTTP through a client that is injected."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from werkzeug.serving import make_server

from bearergate import ConfigError
from bearergate.clocks import monotonic_clock
from bearergate.fetch import FetchFailed
from bearergate.testing import BIG_BODY, GZIP_BOMB, HANGING, Endpoint, FakeIssuer, Fault
from integrations.quay.application import create_app
from integrations.quay.bearer_auth import validate_bearer_auth
from integrations.quay.exceptions import InvalidTokenError, OAuthLoginException, PublicKeyLoadException
from integrations.quay.login_service import OAuthLoginManager, OIDCLoginService
from integrations.quay.session_fetch import SessionFetch
from tests.docs.markdown_blocks import python_blocks

CID = "quay"


@pytest.fixture
def issuer() -> Iterator[FakeIssuer]:
    with FakeIssuer("https://sso.test/realms/staff", audience=CID).serve() as serving:
        yield serving


@pytest.fixture
def other() -> Iterator[FakeIssuer]:
    with FakeIssuer("https://other.test", audience=CID).serve() as serving:
        yield serving


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as made:
        # Nothing of the machine's surroundings: no proxy, no .netrc.
        made.trust_env = False
        yield made


def test_the_example_of_the_readme_runs() -> None:
    (example,) = python_blocks(Path(__file__).with_name("README.md"))
    exec(compile(example.text, "README.md", "exec"), {})


def blocks(**issuers: FakeIssuer) -> dict[str, Any]:
    return {
        f"{name.upper()}_LOGIN_CONFIG": {"OIDC_SERVER": f"{issuer.issuer}/", "CLIENT_ID": CID}
        for name, issuer in issuers.items()
    }


def test_claims_are_proven_through_the_injected_client(issuer: FakeIssuer, session: requests.Session) -> None:
    service = OIDCLoginService(blocks(sso=issuer), "SSO_LOGIN_CONFIG", session)
    claims = service.decode_user_jwt(issuer.mint(sub="ada", azp=CID), options={"verify_nbf": False})
    assert (claims["sub"], claims["iss"]) == ("ada", issuer.issuer)
    assert {request.headers["user-agent"].partition("/")[0] for request in issuer.traffic.requests} == {
        "python-requests"
    }
    assert issuer.traffic.count(Endpoint.JWKS) == 1


def test_a_service_that_was_built_without_its_constructor_works(issuer: FakeIssuer) -> None:
    service = OIDCLoginService.__new__(OIDCLoginService)
    service.config = blocks(sso=issuer)["SSO_LOGIN_CONFIG"]
    # Only OIDC_SERVER names it, so nobody knows yet whether its name ends with a slash.
    assert service.get_issuers() == [issuer.issuer, f"{issuer.issuer}/"]
    assert issuer.traffic.connections == 0
    assert service.decode_user_jwt(issuer.mint(sub="ada"))["sub"] == "ada"


def test_what_a_service_says_of_its_block() -> None:
    block = {
        "OIDC_ISSUERS": ["https://a.test", "https://b.test"],
        "CLIENT_ID": CID,
        "OIDC_AUDIENCES": ["api://quay"],
        "OIDC_ALLOWED_CLIENTS": ["rhdh", "devspaces"],
        "OIDC_ISSUER_SLASH": True,
    }
    service = OIDCLoginService({"MY_OWN_LOGIN_CONFIG": block}, "MY_OWN_LOGIN_CONFIG")
    assert service.service_id() == "my"
    assert service.get_issuer() == "https://a.test"
    assert service.get_issuers() == ["https://a.test", "https://a.test/", "https://b.test", "https://b.test/"]
    assert service.get_audiences() == ["api://quay", CID]
    assert service.allowed_clients == ["devspaces", "rhdh"]
    assert (
        OIDCLoginService({"A_LOGIN_CONFIG": {**block, "OIDC_ALLOWED_CLIENTS": None}}, "A_LOGIN_CONFIG").allowed_clients
        is None
    )


@pytest.mark.parametrize("block", [{}, {"CLIENT_ID": None}])
def test_nobody_logs_in_where_we_are_no_client(issuer: FakeIssuer, block: dict[str, Any]) -> None:
    whole = {"OIDC_SERVER": f"{issuer.issuer}/", "OIDC_AUDIENCES": ["api"], **block}
    service = OIDCLoginService({"SSO_LOGIN_CONFIG": whole}, "SSO_LOGIN_CONFIG")
    assert service.client_id() == ""
    for audience in ("None", "api"):
        with pytest.raises(ConfigError):
            service.decode_id_token(issuer.mint(aud=audience, client_id=None))


def test_the_manager_finds_services_by_issuer_and_asks_nobody(issuer: FakeIssuer, other: FakeIssuer) -> None:
    issuer.down = True
    manager = OAuthLoginManager({**blocks(sso=issuer, idp=other), "GITHUB_LOGIN_CONFIG": {"CLIENT_ID": "g"}})
    found = manager.get_service_by_issuer(other.issuer)
    assert found is not None
    assert found.service_id() == "idp"
    assert manager.get_service_by_issuer("https://nobody.test") is None
    assert [service.service_id() for service in manager.services] == ["sso", "idp"]
    assert issuer.traffic.connections + other.traffic.connections == 0


def test_the_manager_tells_every_problem_of_every_block_at_once(issuer: FakeIssuer) -> None:
    config = blocks(sso=issuer, idp=issuer)
    with pytest.raises(ConfigError, match="names the same issuer as SSO_LOGIN_CONFIG"):
        OAuthLoginManager(config)
    config["IDP_LOGIN_CONFIG"] = {"OIDC_ISSUERS": "x", "OIDC_AUDIENCES": []}
    with pytest.raises(ConfigError, match="configuration has 2 problems"):
        OAuthLoginManager(config)


def test_refusals_are_what_quays_callers_catch(issuer: FakeIssuer, other: FakeIssuer) -> None:
    service = OIDCLoginService(blocks(sso=issuer), "SSO_LOGIN_CONFIG")
    for token in (issuer.mint(aud="api://wrong"), issuer.forge(), issuer.unsigned(), other.mint(), "garbage", ""):
        with pytest.raises(InvalidTokenError) as caught:
            service.decode_user_jwt(token)
        assert issuer.issuer not in str(caught.value)
    issuer.down = True
    service = OIDCLoginService(blocks(sso=issuer), "SSO_LOGIN_CONFIG")
    with pytest.raises(PublicKeyLoadException) as outage:
        service.decode_user_jwt(issuer.mint())
    assert isinstance(outage.value, OAuthLoginException)
    assert outage.value.refusal.retry_after > 0


@pytest.mark.parametrize("option", ["verify_signature", "verify_aud", "verify_iss", "verify_exp", "verify_iat"])
def test_nothing_can_be_switched_off_by_options(issuer: FakeIssuer, option: str) -> None:
    service = OIDCLoginService(blocks(sso=issuer), "SSO_LOGIN_CONFIG")
    with pytest.raises(ValueError, match=f"{option} cannot be switched off"):
        service.decode_user_jwt(issuer.mint(), options={option: False})
    assert service.decode_user_jwt(issuer.mint(sub="ada"), options={option: True})["sub"] == "ada"


def test_a_client_that_is_not_allowed_is_in_the_log_by_quays_sentence(
    issuer: FakeIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    config = blocks(sso=issuer)
    config["SSO_LOGIN_CONFIG"]["OIDC_ALLOWED_CLIENTS"] = ["rhdh"]
    with pytest.raises(InvalidTokenError):
        OIDCLoginService(config, "SSO_LOGIN_CONFIG").decode_user_jwt(issuer.mint(azp="intruder"))
    (line,) = (record.getMessage() for record in caplog.records if record.name == "quay.oauth")
    assert line == "SSO JWT azp 'azp=intruder' not in the allowed clients"


def test_validate_bearer_auth_knows_missing_from_malformed_from_bad(issuer: FakeIssuer, other: FakeIssuer) -> None:
    manager = OAuthLoginManager(blocks(sso=issuer, idp=other))
    for absent in (None, "", "Basic eDp5"):
        result = validate_bearer_auth(absent, manager)
        assert (result.missing, result.error_message, result.principal) == (True, None, None)
    bad = validate_bearer_auth("Bearer garbage", manager)
    assert (bad.missing, bad.error_message) == (False, "The token is not a well-formed signed JWT.")
    assert not validate_bearer_auth("Bearer", manager).missing
    for each in (issuer, other):
        good = validate_bearer_auth(f"bearer {each.mint(sub='ada')}", manager)
        assert good.principal is not None
        assert (good.principal.issuer, good.error_message) == (each.issuer, None)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (BIG_BODY, "its answer is larger than 100000 bytes"),
        (GZIP_BOMB, "its answer is larger than 100000 bytes"),
        (HANGING, "the client could not fetch it \\((ReadTimeout|ConnectionError)\\)"),
        (Fault(drip_body=0.05), "it did not answer in time"),
        (Fault(reset=True), "the client could not fetch it \\(ConnectionError\\)"),
    ],
)
def test_the_injected_client_is_bounded(issuer: FakeIssuer, session: requests.Session, fault: Fault, why: str) -> None:
    issuer.jwks_fault = fault
    started = monotonic_clock()
    with pytest.raises(FetchFailed, match=why):
        SessionFetch(session)(f"{issuer.url}/jwks", etag=None, deadline=started + 0.5, max_bytes=100_000)
    assert monotonic_clock() - started < 5


def test_the_injected_client_follows_no_redirect_and_sends_what_is_known(
    issuer: FakeIssuer, other: FakeIssuer, session: requests.Session
) -> None:
    fetch = SessionFetch(session)
    deadline = monotonic_clock() + 20
    found = fetch(f"{issuer.url}/jwks", etag=None, deadline=deadline, max_bytes=100_000)
    assert (found.status, json.loads(found.body)) == (200, issuer.jwks())
    again = fetch(f"{issuer.url}/jwks", etag=found.headers["etag"], deadline=deadline, max_bytes=100_000)
    assert (again.status, again.body) == (304, b"")
    issuer.jwks_fault = Fault(location=f"{other.url}/jwks")
    assert fetch(f"{issuer.url}/jwks", etag=None, deadline=deadline, max_bytes=100_000).status == 302
    assert other.traffic.connections == 0


def test_a_login_ends_at_the_service_where_it_began(issuer: FakeIssuer, other: FakeIssuer) -> None:
    app = create_app(blocks(sso=issuer, idp=other), lambda service, code: code)
    for ended, status in (("sso", 200), ("idp", 400)):
        client = app.test_client()
        asked = parse_qs(urlsplit(client.get("/oauth2/sso/login").headers["Location"]).query)
        signer = {"sso": issuer, "idp": other}[ended]
        code = signer.mint(aud=CID, client_id=None, nonce=asked["nonce"][0])
        answer = client.get(f"/oauth2/{ended}/callback?code={code}&state={asked['state'][0]}")
        assert answer.status_code == status


def test_the_application_over_real_http(issuer: FakeIssuer, other: FakeIssuer, session: requests.Session) -> None:
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    app = create_app(blocks(sso=issuer, idp=other), lambda service, code: code, session)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/api/v1/user/"
        for each in (issuer, other):
            answer = session.get(url, headers={"Authorization": f"Bearer {each.mint(sub='ada')}"}, timeout=20)
            assert (answer.status_code, answer.json()["issuer"]) == (200, each.issuer)
        refused = session.get(url, headers={"Authorization": f"Bearer {issuer.forge()}"}, timeout=20)
        assert (refused.status_code, "WWW-Authenticate" in refused.headers) == (401, True)
        issuer.down = True
        other.down = True
        assert session.get(url, headers={"Authorization": f"Bearer {other.mint()}"}, timeout=20).status_code == 200
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
