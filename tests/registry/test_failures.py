"""What the service does while a part of it fails: its database, an observer, our own code."""

from __future__ import annotations

import logging

import pytest
from starlette.testclient import TestClient

from bearergate import Validator
from bearergate.core.policy import IssuerPolicy
from bearergate.core.registry_policy import RegistryPolicy
from bearergate.registry.app import registry_app
from bearergate.registry.endpoints import ROBOT_PATH
from bearergate.testing import FakeIssuer
from integrations.docker_registry.postgres import RunningPostgres
from tests.gate.serving import eventually
from tests.registry.service import (
    ACME,
    AUDIENCE,
    BINDINGS,
    ISSUER,
    PEOPLE,
    PULL,
    SERVICE,
    Service,
    basic,
    bearer,
    running_service,
)


def test_a_database_that_is_gone_is_503_and_comes_back(postgres: RunningPostgres, workloads: FakeIssuer) -> None:
    with running_service(PEOPLE, workloads, postgres.url) as service:
        service.trust()
        robot, person = service.robot_token(), service.dev()
        with postgres.stopped():
            assert service.exchange(service.job()).status_code == 503
            assert service.ask(basic("acme+ci", robot), PULL).status_code == 503
            assert service.client.get(ACME, headers=service.admin()).status_code == 503
            # People need no database.
            assert service.ask(bearer(person), PULL).status_code == 200
            ready = service.client.get("/readyz")
            assert (ready.status_code, ready.json()["database"]) == (503, False)
        assert service.ask(basic("acme+ci", robot), PULL).status_code == 200
        assert postgres.password not in service.client.get("/readyz").text


def test_the_service_starts_while_its_database_is_down(
    postgres: RunningPostgres, workloads: FakeIssuer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bearergate.registry.app.LOOK_EVERY", 0.1)
    url = postgres.url
    process = postgres.process
    process.stop()
    caplog.set_level(logging.INFO, "bearergate.registry")
    try:
        with running_service(PEOPLE, workloads, url) as service:
            assert service.exchange(service.job()).status_code == 503
            process.start()
            eventually(lambda: service.client.get(ACME, headers=service.admin()).status_code == 200)
            service.trust()
            assert service.exchange(service.job()).status_code == 200
    finally:
        if process.pid is None:
            process.start()
    told = [each.getMessage() for each in caplog.records if each.getMessage().startswith("robots are")]
    why = f"the server 127.0.0.1, port {postgres.port}, refuses connections; start it, or correct host and port"
    assert told == [
        f"robots are not available yet: the database of robots failed (OperationalError): {why}",
        "robots are available now",
    ]


def test_a_fault_of_ours_lets_nobody_in_and_says_nothing(
    in_memory: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    quoted = "what it quotes"

    def fail(*_: object) -> None:
        raise ZeroDivisionError(quoted)

    monkeypatch.setattr("bearergate.registry.store.RobotStore.rules_of", fail)
    response = in_memory.client.get(ROBOT_PATH, headers=basic("acme+ci", in_memory.job()))
    assert (response.status_code, response.json()["error"]) == (500, "server_error")
    assert quoted not in response.text + caplog.text


def test_an_observer_that_fails_changes_no_answer(workloads: FakeIssuer) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError

    policy = RegistryPolicy(issuer=ISSUER, service=SERVICE, database="sqlite://", allow_private_issuers=True)
    people = IssuerPolicy(issuer=PEOPLE.issuer, audiences=frozenset({AUDIENCE}))
    validator = Validator([people], fetch=PEOPLE.fetch, bindings=BINDINGS)
    app = registry_app(policy, validator, observers=[fail])
    with TestClient(app) as client:
        response = client.get("/v2/auth", params={"service": SERVICE}, headers=bearer(PEOPLE.mint()))
        assert response.status_code == 200
