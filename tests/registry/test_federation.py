"""Exchanging a workload's token, beyond the rows of acceptance: keys, addresses, floods."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bearergate.core.registry_events import RobotRejected
from bearergate.registry.turnstile import MAX_ISSUERS
from bearergate.testing import EMPTY_SET, HANGING, FakeIssuer
from tests.figures import tell
from tests.gate.serving import eventually
from tests.keys.scripted import resolving_to
from tests.registry.service import (
    ACME,
    AUDIENCE,
    ISSUER,
    PEOPLE,
    PULL,
    SERVICE,
    Service,
    basic,
    running_service,
)


@pytest.fixture
def service(database: str, workloads: FakeIssuer) -> Iterator[Service]:
    """Over either database."""
    with running_service(PEOPLE, workloads, database) as running:
        running.trust()
        yield running


def reason(service: Service) -> str:
    event = service.events[-1]
    assert isinstance(event, RobotRejected)
    return event.reason


def test_a_workload_becomes_a_robot_and_the_robot_gets_a_registry_token(service: Service) -> None:
    headers = basic("acme+ci", service.robot_token())
    assert service.granted(headers, PULL) == [{"type": "repository", "name": "acme/app", "actions": ["pull"]}]


def test_keys_of_an_issuer_are_fetched_once_for_many(in_memory: Service) -> None:
    for _ in range(20):
        in_memory.robot_token()
    assert (in_memory.workloads.discovery_requests, in_memory.workloads.jwks_requests) == (1, 1)


def test_many_at_once_are_one_fetch(in_memory: Service) -> None:
    tokens = [in_memory.job() for _ in range(16)]
    start = threading.Barrier(16)

    def ask(token: str) -> int:
        start.wait(30)
        status: int = in_memory.exchange(token).status_code
        return status

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(ask, tokens)) == {200}
    assert in_memory.workloads.jwks_requests == 1
    tell("16 exchanges at once with a new issuer", f"{in_memory.workloads.jwks_requests} fetch of its keys")


@pytest.mark.parametrize(("alg", "elsewhere"), [("ES256", False), ("ES384", True), ("ES512", True)])
def test_a_signature_that_is_slow_to_verify_holds_nobody_up(alg: str, elsewhere: bool) -> None:
    asked_by: list[str] = []

    def clock() -> float:
        # Whoever verifies asks it what time it is.
        asked_by.append(threading.current_thread().name)
        return time.time()

    people = FakeIssuer("https://people.test", audience=AUDIENCE, clock=clock)
    with FakeIssuer(alg=alg, audience="registry").serve() as workloads, running_service(people, workloads) as service:
        service.trust()
        asked_by.clear()
        assert service.exchange(service.job()).status_code == 200
    # So are named those that asyncio lends; those that fetch, and those of the database, have names of their own.
    assert any(name.startswith("asyncio_") for name in asked_by) is elsewhere


def test_an_issuer_that_no_rule_of_the_robot_names_is_not_asked(in_memory: Service) -> None:
    with FakeIssuer().serve() as other:
        in_memory.trust("other", {"issuer": other.issuer, "subject": "job", "audiences": ["registry"]})
        token = other.mint(sub="job", aud="registry")
        assert in_memory.exchange(token, "acme+ci").status_code == 401
        assert reason(in_memory) == "issuer_not_trusted"
        assert other.connections == 0
        assert in_memory.exchange(token, "acme+other").status_code == 200


def test_a_flood_of_unknown_keys_reaches_the_issuer_a_few_times(in_memory: Service) -> None:
    in_memory.robot_token()
    for number in range(60):
        token = in_memory.workloads.mint(sub="job", aud="registry", header={"kid": f"unknown-{number}"})
        assert in_memory.exchange(token).status_code == 401
    assert in_memory.workloads.jwks_requests <= 4
    tell("60 robot exchanges with unknown keys", f"{in_memory.workloads.jwks_requests} fetches in all")


def test_a_key_that_was_replaced_is_fetched(in_memory: Service) -> None:
    in_memory.robot_token()
    in_memory.workloads.rotate()
    in_memory.robot_token()
    assert in_memory.workloads.jwks_requests == 2


def test_a_token_without_a_kid_is_proven_by_the_key_that_came_since(in_memory: Service) -> None:
    header = {"kid": None}
    assert in_memory.exchange(in_memory.workloads.mint(sub="job", header=header)).status_code == 200
    in_memory.workloads.rotate(keep_old=False)
    assert in_memory.exchange(in_memory.workloads.mint(sub="job", header=header)).status_code == 200
    forged = in_memory.workloads.mint_raw({"alg": "RS256"}, in_memory.workloads.claims(sub="job"), signature=b"x" * 256)
    assert in_memory.exchange(forged).status_code == 401
    named = in_memory.workloads.forge(sub="job")
    assert in_memory.exchange(named).status_code == 401


def test_silent_issuers_of_one_namespace_leave_the_others_alone(in_memory: Service) -> None:
    with contextlib.ExitStack() as held:
        silent = [held.enter_context(FakeIssuer().serve()) for _ in range(MAX_ISSUERS + 2)]
        for issuer in silent:
            issuer.misbehave(HANGING)
        in_memory.trust(
            "ci", *({"issuer": each.issuer, "subject": "job", "audiences": ["registry"]} for each in silent)
        )
        in_memory.trust("other")
        tokens = [each.mint(sub="job", aud="registry") for each in silent for _ in range(2)]
        threads = threading.active_count()
        with ThreadPoolExecutor(len(tokens)) as pool:
            asked = [pool.submit(in_memory.exchange, token) for token in tokens]
            eventually(lambda: sum(each.discovery_requests for each in silent) == MAX_ISSUERS)
            flying = sum(thread.name == "bearergate-keys" for thread in threading.enumerate())
            # The namespace is full.
            assert in_memory.exchange(in_memory.job(), "acme+other").status_code == 503
            assert {each.result().status_code for each in asked} == {503}
        assert flying == MAX_ISSUERS
        assert sum(each.discovery_requests for each in silent) == MAX_ISSUERS
    assert in_memory.exchange(in_memory.job(), "acme+other").status_code == 200
    tell(f"{len(tokens)} exchanges with {len(silent)} silent issuers", f"{flying} threads; {threads} before")


def test_documents_of_strangers_are_small(in_memory: Service) -> None:
    for _ in range(101):
        in_memory.workloads.publish(in_memory.workloads.signing_key)
    assert in_memory.exchange(in_memory.job()).status_code == 503


def test_claims_of_a_rule_decide_too(in_memory: Service) -> None:
    rule = {"issuer": in_memory.workloads.issuer, "subject": "job", "audiences": ["registry"]}
    in_memory.trust("ci", {**rule, "claims": {"repository_id": ["74", "75"], "environment": "production"}})
    assert in_memory.exchange(in_memory.job(repository_id="75", environment="production")).status_code == 200
    assert in_memory.exchange(in_memory.job(repository_id="76", environment="production")).status_code == 401
    assert in_memory.exchange(in_memory.job(repository_id="75")).status_code == 401


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"iat": None}, "claim_missing"),
        ({"impersonated": True}, "impersonated"),
        ({"cnf": {"jkt": "x"}}, "cnf_unproven"),
    ],
)
def test_what_the_profile_of_quay_refuses_is_refused_for_robots(in_memory: Service, claims: Any, why: str) -> None:
    assert in_memory.exchange(in_memory.job(**claims)).status_code == 401
    assert reason(in_memory) == why


def test_an_id_token_of_a_workload_will_do(in_memory: Service) -> None:
    assert in_memory.exchange(in_memory.job(at_hash="x", nonce="y")).status_code == 200


def test_a_set_without_keys_is_503_and_not_the_tokens_fault(in_memory: Service) -> None:
    in_memory.workloads.jwks_fault = EMPTY_SET
    assert in_memory.exchange(in_memory.job()).status_code == 503


def test_our_own_tokens_make_nobody_a_robot(in_memory: Service) -> None:
    in_memory.trust("ci", {"issuer": ISSUER, "subject": "acme+ci", "audiences": [SERVICE]})
    in_memory.trust("other")
    assert in_memory.exchange(in_memory.robot_token("acme+other"), "acme+ci").status_code == 401
    assert reason(in_memory) == "issuer_not_trusted"


# Addresses.


def test_an_issuer_on_this_machine_is_not_asked_unless_that_is_allowed(workloads: FakeIssuer) -> None:
    with running_service(PEOPLE, workloads, allow_private_issuers=False) as service:
        rule = {"subject": "job", "audiences": ["registry"]}
        for issuer in (
            workloads.issuer,
            "http://localhost:1/",
            "https://10.0.0.1",
            "https://[::1]",
            "https://[fd00::1]/x",
        ):
            response = service.client.put(f"{ACME}/ci", headers=service.admin())
            response = service.client.put(
                f"{ACME}/ci/federation", json=[{**rule, "issuer": issuer}], headers=service.admin()
            )
            assert (response.status_code, response.json()["message"]) == (400, "Issuer must have a public address")
        named = {**rule, "issuer": "https://ci.example.com"}
        assert service.client.put(f"{ACME}/ci/federation", json=[named], headers=service.admin()).status_code == 200


def test_a_name_that_stands_for_this_machine_is_not_connected_to(
    workloads: FakeIssuer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    issuer = f"https://ci.example.com:{workloads.port}"
    with running_service(PEOPLE, workloads, allow_private_issuers=False) as service:
        service.trust("ci", {"issuer": issuer, "subject": "job", "audiences": ["registry"]})
        with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
            resolving_to(patch, ("127.0.0.1", workloads.port), ("169.254.169.254", 80))
            response = service.exchange(workloads.mint(iss=issuer, sub="job", aud="registry"))
            # Told by the thread that fetched, after whoever waits for it has gone on.
            eventually(lambda: "its address is not a public one" in caplog.text)
    assert response.status_code == 503
    assert "address" not in response.text
    assert workloads.connections == 0


def test_a_discovery_document_cannot_lead_elsewhere_by_http(in_memory: Service, workloads: FakeIssuer) -> None:
    with FakeIssuer().serve() as inside:
        workloads.set_metadata(
            json.dumps(workloads.metadata(jwks_uri=f"http://inside.test:{inside.port}/jwks")).encode()
        )
        assert in_memory.exchange(in_memory.job()).status_code == 503
        assert inside.connections == 0
