"""Quay's rows about robots' rules and tokens, Q47 and Q48: what can be configured, and what is issued."""

# Names of rows are capitals.
# ruff: noqa: N802

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bearergate.core.jws import ALGORITHMS
from bearergate.core.jwt import decode_object
from bearergate.registry.signing import Signing
from bearergate.testing import FakeIssuer
from tests.registry.service import ACME, AUDIENCE, ISSUER, PULL, SERVICE, Service, basic, running_service

RULES = f"{ACME}/ci/federation"
GOOD: dict[str, Any] = {"issuer": "https://ci.test", "subject": "job", "audiences": ["registry"]}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    people = FakeIssuer("https://people.test", audience=AUDIENCE)
    keys = str(tmp_path_factory.mktemp("keys") / "keys")
    with FakeIssuer().serve() as workloads, running_service(people, workloads, key_folder=keys) as service:
        yield service


@pytest.fixture
def service(running: Service) -> Service:
    running.trust()
    return running


def post(service: Service, *rules: object) -> Any:
    return service.client.post(RULES, json=list(rules), headers=service.admin())


def test_Q47_audiences_are_kept(service: Service) -> None:
    assert post(service, {**GOOD, "audiences": ["a", "b"]}).status_code == 200
    kept = service.client.get(RULES, headers=service.admin())
    assert (kept.status_code, kept.json()) == (200, [{**GOOD, "audiences": ["a", "b"]}])


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([GOOD, {**GOOD, "audiences": ["other"]}], "Duplicate federation config entry"),
        ([{"issuer": "https://ci.test"}], "Missing one or more required fields (issuer, subject)"),
        ([{"issuer": "", "subject": "job"}], "Missing one or more required fields (issuer, subject)"),
        ([{"subject": "job"}], "Missing one or more required fields (issuer, subject)"),
        ([{"issuer": "https://ci.test", "subject": ""}], "Missing one or more required fields (issuer, subject)"),
        ([{**GOOD, "issuer": "ci.test"}], "Issuer must be a URL (http:// or https://)"),
        ([{**GOOD, "audience": "registry"}], "Unknown field 'audience', expected some of issuer, subject, "),
    ],
    ids=["duplicate", "no subject", "empty issuer", "no issuer", "empty subject", "no URL", "unknown key"],
)
def test_Q47_bad_rules_are_400_and_change_nothing(service: Service, rules: list[object], message: str) -> None:
    before = service.client.get(RULES, headers=service.admin()).json()
    response = post(service, *rules)
    assert response.status_code == 400
    assert response.json()["message"].startswith(message)
    assert service.client.get(RULES, headers=service.admin()).json() == before


def test_Q47_rules_can_be_deleted(service: Service) -> None:
    assert service.client.delete(RULES, headers=service.admin()).status_code == 204
    assert service.client.get(RULES, headers=service.admin()).json() == []


def test_Q48_a_robots_token_is_signed_for_this_service_and_lives_an_hour(service: Service) -> None:
    token = service.robot_token()
    header = decode_object(token.partition(".")[0])
    assert header["alg"] == "RS256"
    assert header["alg"] in ALGORITHMS
    claims = service.robot_claims(token)
    assert (claims["iss"], claims["aud"], claims["sub"]) == (ISSUER, SERVICE, "acme+ci")
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["act"] == {"iss": service.workloads.issuer, "sub": "job", "client_id": "test-client"}


def test_Q48_a_robots_token_is_good_for_that_robot(service: Service) -> None:
    assert service.ask(basic("acme+ci", service.robot_token()), PULL).status_code == 200


def test_Q48_a_robots_token_is_no_good_for_another_robot(service: Service) -> None:
    service.trust("other")
    token = service.robot_token()
    assert service.ask(basic("acme+other", token), PULL).status_code == 401
    assert service.ask(basic("acme+other", service.robot_token("acme+other")), PULL).status_code == 200


def test_Q48_a_robots_token_of_another_service_is_refused(service: Service) -> None:
    # Signed with the very keys that are trusted here, as by a service for another host that shares the folder.
    policy = service.policy
    assert policy.key_folder is not None
    signing = Signing(policy.names, period=policy.key_period, folder=Path(policy.key_folder))
    claims = service.robot_claims(service.robot_token())
    assert service.ask(basic("acme+ci", signing.sign(claims, "at+jwt")), PULL).status_code == 200
    for change in (
        {"aud": "else.test"},
        {"iss": "https://else.test"},
        {"sub": "acme+other"},
        {"exp": claims["iat"] - 60},
    ):
        token = signing.sign({**claims, **change}, "at+jwt")
        assert service.ask(basic("acme+ci", token), PULL).status_code == 401
