"""One application, two issuers with keys of their own, three ways in: session, API and robots agree about all tokens.

Issuers are on loopback, the application's HTTP client is a `requests.Session`, robots live in a database.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from flask.testing import FlaskClient

from bearergate.core.registry_policy import RegistryPolicy
from bearergate.core.robots import RobotName
from bearergate.core.trust import TrustRule
from bearergate.registry.endpoints import ROBOT_PATH
from bearergate.testing import FakeIssuer
from integrations.quay.application import create_app
from integrations.quay.robots import make_robots

CID = "quay"
API = "api://quay-api"
PORTAL = "rhdh"
SERVICE = "quay.test"
ROBOT = RobotName("acme", "ci")
WAYS = ("session", "api", "robot")


@dataclass(frozen=True)
class Paths:
    """The application and its issuers; each way in is asked with a token that it should like, but for some claims."""

    client: FlaskClient
    v1: FakeIssuer
    v2: FakeIssuer
    codes: dict[str, str]

    def ask(self, way: str, issuer: FakeIssuer, **claims: Any) -> int:
        """The status that a way in answers with."""
        return {"session": self._session, "api": self._api, "robot": self._robot}[way](issuer, claims)

    def _api(self, issuer: FakeIssuer, claims: dict[str, Any]) -> int:
        token = issuer.mint({"aud": API, "azp": PORTAL, "sub": "workload", **claims})
        return self.client.get("/api/v1/user/", headers={"Authorization": f"Bearer {token}"}).status_code

    def _session(self, issuer: FakeIssuer, claims: dict[str, Any]) -> int:
        asked = parse_qs(urlsplit(self.client.get("/oauth2/azure/login").headers["Location"]).query)
        nonce = {"nonce": asked["nonce"][0], "client_id": None, "aud": CID}
        self.codes["code"] = issuer.mint({**nonce, **claims})
        return self.client.get(f"/oauth2/azure/callback?code=code&state={asked['state'][0]}").status_code

    def _robot(self, issuer: FakeIssuer, claims: dict[str, Any]) -> int:
        token = issuer.mint({"aud": API, "sub": "workload", **claims})
        return self.client.get(ROBOT_PATH, headers=basic(str(ROBOT), token)).status_code


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"}


@pytest.fixture
def paths(tmp_path: Path) -> Iterator[Paths]:
    codes: dict[str, str] = {}
    policy = RegistryPolicy(
        issuer=f"https://{SERVICE}",
        service=SERVICE,
        database=f"sqlite:///{tmp_path}/robots.db",
        allow_private_issuers=True,
    )
    robots = make_robots(policy)
    with FakeIssuer("https://v1.test/").serve() as v1, FakeIssuer("https://v2.test/v2.0").serve() as v2:
        robots.store.add_robot(ROBOT)
        rules = [TrustRule(issuer=each.issuer, subject="workload", audiences=(API,)) for each in (v1, v2)]
        assert robots.store.replace_rules(ROBOT, rules)
        block = {
            "OIDC_SERVER": v2.issuer,
            "OIDC_ISSUERS": [v1.issuer, v2.issuer],
            "OIDC_AUDIENCES": [API],
            "OIDC_ALLOWED_CLIENTS": [PORTAL],
            "CLIENT_ID": CID,
        }
        with requests.Session() as session:
            session.trust_env = False
            app = create_app({"AZURE_LOGIN_CONFIG": block}, lambda _, code: codes[code], session, robots)
            yield Paths(app.test_client(), v1, v2, codes)
    robots.store.close()


@pytest.mark.parametrize("way", WAYS)
def test_every_way_takes_tokens_of_both_issuers(paths: Paths, way: str) -> None:
    assert [paths.ask(way, issuer) for issuer in (paths.v1, paths.v2)] == [200, 200]


@pytest.mark.parametrize("way", WAYS)
def test_no_way_takes_what_is_wrong(paths: Paths, way: str) -> None:
    now = int(paths.v2.now())
    assert paths.ask(way, paths.v2) == 200
    mistakes: tuple[dict[str, Any], ...] = (
        {"aud": "api://wrong"},
        {"aud": None},
        {"aud": []},
        {"iss": f"{paths.v2.issuer}/"},
        {"iss": "https://evil.test"},
        {"iss": None},
        {"exp": now - 60},
        {"iat": None},
        {"iat": now + 60},
        {"nbf": now + 60},
        {"sub": None},
        {"impersonated": True},
        {"azp": ["rhdh"]},
        {"cnf": {"jkt": "x"}},
    )
    for wrong in mistakes:
        assert paths.ask(way, paths.v2, **wrong) == 401, wrong


@pytest.mark.parametrize("way", WAYS)
def test_no_way_takes_a_key_of_the_other_issuer(paths: Paths, way: str) -> None:
    assert [paths.ask(way, issuer) for issuer in (paths.v1, paths.v2)] == [200, 200]
    assert paths.ask(way, paths.v1, iss=paths.v2.issuer) == 401
    assert paths.ask(way, paths.v2, iss=paths.v1.issuer) == 401


@pytest.mark.parametrize("way", WAYS)
def test_an_issuer_that_is_down_is_503_on_every_way_and_nothing_to_the_other(paths: Paths, way: str) -> None:
    paths.v1.down = True
    assert paths.ask(way, paths.v1) == 503
    assert paths.ask(way, paths.v2) == 200


def test_a_robots_token_is_the_robots_and_says_for_which_workload_it_acts(paths: Paths) -> None:
    token = paths.client.get(ROBOT_PATH, headers=basic(str(ROBOT), paths.v1.mint(aud=API, sub="workload"))).json
    assert token is not None
    shown = paths.client.get("/api/v1/robot", headers=basic(str(ROBOT), token["token"])).json
    assert shown == {"robot": "acme+ci", "acts_for": [paths.v1.issuer, "workload"]}
    assert paths.client.get("/api/v1/robot", headers=basic("acme+other", token["token"])).status_code == 401
    # It is no bearer token of the API.
    answer = paths.client.get("/api/v1/user/", headers={"Authorization": f"Bearer {token['token']}"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer x"}, {"Authorization": "Basic ?"}, basic("ada", "x"), basic("acme+none", "x")],
)
def test_what_is_no_robot_is_401_with_a_challenge(paths: Paths, headers: dict[str, str]) -> None:
    answer = paths.client.get(ROBOT_PATH, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
