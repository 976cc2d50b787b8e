"""The token service: three ways to say who one is, and what one is granted."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest

from bearergate.core.bindings import Bindings
from bearergate.core.registry_events import RegistryTokenIssued
from bearergate.testing import FakeIssuer
from tests.registry.service import (
    ACME,
    AUDIENCE,
    BINDINGS,
    ISSUER,
    PULL,
    PUSH,
    SERVICE,
    Service,
    basic,
    bearer,
    binding,
    running_service,
)


@pytest.fixture(scope="module")
def running() -> Iterator[Service]:
    people = FakeIssuer("https://people.test", audience=AUDIENCE)
    with FakeIssuer().serve() as workloads, running_service(people, workloads) as service:
        yield service


@pytest.fixture
def service(running: Service) -> Service:
    running.workloads.reset()
    for robot in ("ci", "other"):
        running.client.delete(f"{ACME}/{robot}", headers=running.admin())
    running.trust("ci")
    running.events.clear()
    return running


def access(*actions: str, name: str = "acme/app") -> dict[str, object]:
    return {"type": "repository", "name": name, "actions": list(actions)}


def test_a_bearer_token_and_the_password_of_oidc_are_the_same(service: Service) -> None:
    for headers in (bearer(service.dev()), basic("$oidc", service.dev())):
        assert service.granted(headers, PUSH) == [access("pull", "push")]


def test_a_token_is_what_a_registry_expects(service: Service) -> None:
    response = service.ask(bearer(service.dev(exp=time.time() + 7200)), PUSH)
    told = response.json()
    assert told["token"] == told["access_token"]
    assert told["expires_in"] == 3600
    claims = service.registry_claims(told["token"])
    assert (claims["iss"], claims["aud"], claims["sub"]) == (ISSUER, SERVICE, "ada")
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["nbf"] == claims["iat"] == pytest.approx(time.time(), abs=5)
    issued = time.strptime(told["issued_at"], "%Y-%m-%dT%H:%M:%SZ")
    assert issued.tm_year >= 2024
    assert response.headers["cache-control"] == "no-store"


def test_a_token_outlives_its_credential_by_five_minutes_at_most(service: Service) -> None:
    told = service.ask(bearer(service.dev(exp=time.time() + 60)), PUSH).json()
    assert 355 <= told["expires_in"] <= 360


def test_nothing_outlives_the_token_of_a_robot(service: Service) -> None:
    told = service.ask(basic("acme+ci", service.robot_token(exp=time.time() + 60)), PUSH).json()
    assert 350 <= told["expires_in"] <= 360


@pytest.mark.parametrize(
    ("scopes", "granted"),
    [
        ([], []),
        (["repository:acme/other:pull,push"], [access("pull", name="acme/other")]),
        (["repository:else/app:pull"], []),
        (["repository:acme/app:delete"], []),
        (["repository:acme/app:*"], []),
        (["registry:catalog:*"], []),
        (["repository:acme/a/b:pull"], []),
        ([PULL, "repository:acme/b:pull repository:else/c:pull"], [access("pull"), access("pull", name="acme/b")]),
    ],
)
def test_what_is_granted_is_what_a_binding_grants(service: Service, scopes: list[str], granted: list[Any]) -> None:
    assert service.granted(bearer(service.dev()), *scopes) == granted


def test_whoever_no_binding_knows_gets_a_token_that_grants_nothing(service: Service) -> None:
    assert service.granted(bearer(service.people.mint(sub="eve")), PUSH) == []
    event = service.events[-1]
    assert isinstance(event, RegistryTokenIssued)
    assert (event.principal.subject, event.granted, event.binding) == ("eve", (), None)
    assert [each.actions for each in event.asked] == [("pull", "push")]


@pytest.mark.parametrize(
    ("claims", "reason", "decided"),
    [
        ({}, "groups_missing", None),
        ({"groups": ["ops"]}, "binding_none", None),
        ({"hasgroups": True}, "groups_overage", None),
        ({"groups": ["odd"]}, "binding_error", "05-odd"),
        ({"groups": ["dev"]}, None, "20-people"),
    ],
)
def test_why_nothing_is_granted_is_told(
    claims: dict[str, Any], reason: str | None, decided: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    people = FakeIssuer("https://people.test", audience=AUDIENCE)
    odd = binding("05-odd", '"odd" in groups && claims.nothing == 1', pull=["*/*"])
    with (
        running_service(people, people, bindings=Bindings([odd, *BINDINGS])) as service,
        caplog.at_level(logging.INFO, "bearergate.audit"),
    ):
        assert service.granted(bearer(people.mint(sub="eve", **claims)), PUSH) == (
            [] if reason else [access("pull", "push")]
        )
    line = json.loads([each for each in caplog.records if each.name == "bearergate.audit"][-1].getMessage())
    assert (line["event"], line["reason"], line["binding"]) == ("registry_token", reason, decided)


def test_bindings_that_are_replaced_decide_the_next_token() -> None:
    people = FakeIssuer("https://people.test", audience=AUDIENCE)
    with FakeIssuer().serve() as workloads, running_service(people, workloads) as service:
        service.trust("ci")
        dev, robot = bearer(service.dev()), basic("acme+ci", service.robot_token())
        assert service.granted(dev, PUSH) == service.granted(robot, PUSH) == [access("pull", "push")]
        less = Bindings([binding("20-people", '"dev" in groups', pull=["acme/*"])])
        service.validator.replace_bindings(less)
        assert service.granted(dev, PUSH) == [access("pull")]
        assert service.granted(robot, PUSH) == []
        assert service.client.get(ACME, headers=service.admin()).status_code == 403
        service.validator.replace_bindings(BINDINGS)
        assert service.granted(robot, PUSH) == [access("pull", "push")]


def test_a_robot_is_granted_what_its_groups_are(service: Service) -> None:
    service.trust("other")
    assert service.granted(basic("acme+ci", service.robot_token()), PUSH) == [access("pull", "push")]
    assert service.granted(basic("acme+other", service.robot_token("acme+other")), PUSH) == [access("pull")]


def test_nobodys_issuer_can_make_somebody_a_robot(service: Service) -> None:
    token = service.people.mint(sub="acme+ci", groups=["system:robot:acme+ci", "system:robots:acme"])
    assert service.granted(bearer(token), PUSH) == []


def test_without_credentials_both_ways_in_are_named(service: Service) -> None:
    response = service.ask({}, PULL)
    assert response.status_code == 401
    challenges = response.headers.get_list("www-authenticate")
    assert [each.partition(" ")[0] for each in challenges] == ["Basic", "Bearer"]
    assert all(f'realm="{SERVICE}"' in each for each in challenges)


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("$oidc", ""),
        ("$oidc", "secret"),
        ("ada", "secret"),
        ("", "secret"),
        ("acme+ci", "secret"),
        ("acme+nobody", "secret"),
        ("acme+ci", ""),
    ],
)
def test_bad_basic_credentials_are_401_with_a_challenge(service: Service, username: str, password: str) -> None:
    response = service.ask(basic(username, password), PULL)
    assert response.status_code == 401
    assert "www-authenticate" in response.headers


def test_bad_bearer_tokens_are_401(service: Service) -> None:
    people = service.people
    now = people.now()
    for token in (
        people.forge(),
        people.mint(exp=now - 60),
        people.mint(aud="else"),
        people.mint(iss="https://else.test"),
    ):
        assert service.ask(bearer(token), PULL).status_code == 401
        assert service.ask(basic("$oidc", token), PULL).status_code == 401


def test_a_registry_token_is_no_credential(service: Service) -> None:
    token = service.ask(bearer(service.dev()), PUSH).json()["token"]
    own = service.ask(basic("acme+ci", service.robot_token()), PUSH).json()["token"]
    for headers in (bearer(token), basic("$oidc", token), basic("acme+ci", token), basic("acme+ci", own)):
        assert service.ask(headers, PUSH).status_code == 401


def test_a_robots_token_is_no_bearer_token_and_no_persons(service: Service) -> None:
    token = service.robot_token()
    assert service.ask(bearer(token), PULL).status_code == 401
    assert service.ask(basic("$oidc", token), PULL).status_code == 401
    assert service.client.get(ACME, headers=bearer(token)).status_code == 401


def test_a_workloads_own_token_is_not_a_robots_password(service: Service) -> None:
    assert service.ask(basic("acme+ci", service.job()), PULL).status_code == 401


@pytest.mark.parametrize("end", ["rules", "robot", "rule"])
def test_a_rule_that_is_withdrawn_ends_what_was_issued_by_it(service: Service, end: str) -> None:
    headers = basic("acme+ci", service.robot_token())
    assert service.ask(headers, PULL).status_code == 200
    if end == "rule":
        service.trust("ci", {"issuer": service.workloads.issuer, "subject": "another", "audiences": ["registry"]})
    else:
        path = f"{ACME}/ci" if end == "robot" else f"{ACME}/ci/federation"
        assert service.client.delete(path, headers=service.admin()).status_code == 204
    assert service.ask(headers, PULL).status_code == 401


@pytest.mark.parametrize("change", [{"audiences": ["else"]}, {"claims": {"ref": "main"}}, {"audiences": []}])
def test_a_rule_that_becomes_another_ends_what_was_issued_by_the_old_one(
    service: Service, change: dict[str, object]
) -> None:
    headers = basic("acme+ci", service.robot_token())
    same = {"subject": "job", "issuer": service.workloads.issuer, "audiences": ["registry"]}
    service.trust("ci", {**same, "subject": "another"}, same)
    assert service.ask(headers, PULL).status_code == 200
    service.trust("ci", {**same, **change})
    assert service.ask(headers, PULL).status_code == 401


@pytest.mark.parametrize("asked", [None, "else.test", "", f"{SERVICE}/"])
def test_the_service_must_be_named(service: Service, asked: str | None) -> None:
    response = service.ask(bearer(service.dev()), PULL, service=asked)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_a_service_that_is_named_twice_is_refused(service: Service) -> None:
    query = f"?service={SERVICE}&service={SERVICE}"
    assert service.client.get(f"/v2/auth{query}", headers=bearer(service.dev())).status_code == 400


@pytest.mark.parametrize("scope", ["nonsense", "repository:../x:pull", "repository:a:pull;push"])
def test_a_scope_that_breaks_the_grammar_is_400_and_only_for_who_is_known(service: Service, scope: str) -> None:
    assert service.ask(bearer(service.dev()), scope).status_code == 400
    assert service.ask({}, scope).status_code == 401


def test_other_methods_are_not_answered(service: Service) -> None:
    # Clients that try the OAuth form first go back to this one.
    assert service.client.post("/v2/auth", headers=bearer(service.dev())).status_code == 405


def test_the_keys_are_published_in_both_forms(service: Service) -> None:
    jwks = service.client.get("/v2/auth/jwks.json")
    assert jwks.headers["content-type"] == "application/jwk-set+json"
    assert [set(key) for key in jwks.json()["keys"]] == [{"kty", "n", "e", "kid", "alg", "use"}] * 2
    certificates = service.client.get("/v2/auth/certificates.pem")
    assert certificates.text.count("BEGIN CERTIFICATE") == 2
    assert "PRIVATE" not in certificates.text


def test_how_the_service_is(service: Service) -> None:
    assert service.client.get("/healthz").json() == {"alive": True}
    service.ask(bearer(service.dev()), PULL)
    ready = service.client.get("/readyz")
    # And nothing of the configuration: this port is everybody's.
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "database": True, "keys": True})
    assert service.client.get("/v2/").status_code == 404
