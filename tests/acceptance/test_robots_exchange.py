"""Quay's rows about robot federation, Q41 to Q46: a workload's own token for one of a robot.

Where a row says "compat" the switch of profile quay is set; everything else is as it is by default.
"""

# Names of rows are capitals.
# ruff: noqa: N802

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from bearergate.core.registry_events import RobotRejected, RobotTokenIssued
from bearergate.registry.endpoints import ROBOT_PATH
from bearergate.testing import HANGING, FakeIssuer
from tests.registry.service import ACME, AUDIENCE, Service, basic, running_service

_PEOPLE = FakeIssuer("https://people.test", audience=AUDIENCE)


@pytest.fixture(scope="module")
def workloads() -> Iterator[FakeIssuer]:
    with FakeIssuer(audience="registry").serve() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def as_it_is(workloads: FakeIssuer) -> Iterator[Service]:
    with running_service(_PEOPLE, workloads) as service:
        yield service


@pytest.fixture(scope="module")
def as_quay_is(workloads: FakeIssuer) -> Iterator[Service]:
    with running_service(_PEOPLE, workloads, robot_audience_optional=True, robot_messages=True) as service:
        yield service


@pytest.fixture
def strict(as_it_is: Service) -> Service:
    return fresh(as_it_is)


@pytest.fixture
def compat(as_quay_is: Service) -> Service:
    return fresh(as_quay_is)


def fresh(service: Service) -> Service:
    """With one robot that the job may act as."""
    service.workloads.reset()
    service.trust()
    service.events.clear()
    return service


def rule(service: Service, subject: str, *audiences: str, issuer: str | None = None) -> dict[str, object]:
    named = {"audiences": list(audiences)} if audiences else {}
    return {"issuer": issuer or service.workloads.issuer, "subject": subject, **named}


def reason(service: Service) -> str:
    """Why the last robot was refused, which only the log says."""
    event = service.events[-1]
    assert isinstance(event, RobotRejected)
    return event.reason


def test_Q41_a_token_that_a_rule_matches_is_exchanged_and_audited(strict: Service) -> None:
    response = strict.exchange(strict.job(azp="builder", client_id=None))
    assert (response.status_code, set(response.json())) == (200, {"token", "expires_in"})
    event = strict.events[-1]
    assert isinstance(event, RobotTokenIssued)
    assert (event.workload.subject, event.workload.issuer, str(event.robot)) == (
        "job",
        strict.workloads.issuer,
        "acme+ci",
    )
    assert (event.workload.client_id, event.workload.client_id_claim) == ("builder", "azp")


def test_Q41_the_audit_line_has_subject_issuer_robot_and_azp(strict: Service, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "bearergate.audit"):
        strict.exchange(strict.job(azp="builder", client_id=None))
    (line,) = (record.getMessage() for record in caplog.records if record.name == "bearergate.audit")
    for text in ("federated_robot_token_exchange", '"job"', strict.workloads.issuer, '"acme+ci"', '"builder"', '"azp"'):
        assert text in line


def test_Q41_parameters_that_docker_clients_send_are_ignored(strict: Service) -> None:
    query = "?service=quay.test&scope=repository:acme/app:pull"
    assert strict.client.get(ROBOT_PATH + query, headers=basic("acme+ci", strict.job())).status_code == 200


def test_Q42_subject_and_audience_belong_together(strict: Service) -> None:
    strict.trust("ci", rule(strict, "A", "a"), rule(strict, "B", "b"))
    assert strict.exchange(strict.job(sub="A", aud="a")).status_code == 200
    assert strict.exchange(strict.job(sub="B", aud="b")).status_code == 200
    assert strict.exchange(strict.job(sub="A", aud="b")).status_code == 401
    assert reason(strict) == "rule_mismatch"
    assert strict.exchange(strict.job(sub="B", aud="a")).status_code == 401


def test_Q43_a_rule_without_audiences_lets_nobody_in(strict: Service) -> None:
    strict.trust("ci", rule(strict, "job"))
    assert strict.exchange(strict.job()).status_code == 401
    assert reason(strict) == "audiences_not_configured"
    assert strict.workloads.connections == 0


def test_Q43_compat_lets_any_audience_in_and_warns(compat: Service, caplog: pytest.LogCaptureFixture) -> None:
    compat.trust("ci", rule(compat, "job"))
    with caplog.at_level(logging.WARNING, "bearergate.registry"):
        assert compat.exchange(compat.job(aud="somebody-else")).status_code == 200
    assert any("without audiences" in message for message in caplog.messages)


def test_Q43_compat_still_demands_the_audiences_that_a_rule_has(compat: Service) -> None:
    compat.trust("ci", rule(compat, "job", "registry"), rule(compat, "other"))
    assert compat.exchange(compat.job(aud="somebody-else")).status_code == 400
    assert compat.exchange(compat.job(sub="other", aud="somebody-else")).status_code == 200


def bad_exchanges(service: Service) -> dict[str, tuple[str, str]]:
    """By the reason in the log: the robot and the token."""
    now = service.workloads.now()
    service.client.put(f"{ACME}/lonely", headers=service.admin())
    return {
        "robot_unknown": ("acme+nobody", service.job()),
        "robot_not_federated": ("acme+lonely", service.job()),
        "issuer_not_trusted": ("acme+ci", service.job(iss="https://else.test")),
        "rule_mismatch": ("acme+ci", service.job(sub="another")),
        "audience_mismatch": ("acme+ci", service.job(aud="else")),
        "expired": ("acme+ci", service.job(exp=now - 60)),
        "not_yet_valid": ("acme+ci", service.job(nbf=now + 60)),
        "signature_invalid": ("acme+ci", service.workloads.forge(sub="job", aud="registry")),
        "issuer_missing": ("acme+ci", service.job(iss=None)),
    }


def test_Q44_every_refusal_looks_the_same_and_the_log_knows_why(strict: Service) -> None:
    answers = set()
    for why, (robot, token) in bad_exchanges(strict).items():
        response = strict.exchange(token, robot)
        assert reason(strict) == why
        answers.add((response.status_code, response.text, response.headers["www-authenticate"]))
    assert len(answers) == 1
    status, body, challenge = answers.pop()
    assert status == 401
    assert challenge.startswith("Basic realm=")
    assert "issuer" not in body
    assert "acme" not in body


def test_Q44_an_issuer_that_differs_by_a_slash_is_another_one(strict: Service) -> None:
    response = strict.exchange(strict.job(iss=f"{strict.workloads.issuer}/"))
    assert (response.status_code, reason(strict)) == (401, "issuer_not_trusted")


@pytest.mark.parametrize(
    ("why", "message"),
    [
        ("robot_unknown", "Could not find robot with specified username"),
        ("robot_not_federated", "Robot does not have federated login configured"),
        ("issuer_not_trusted", "issuer https://else.test not configured for this robot"),
        ("rule_mismatch", "Token does not match robot"),
        ("issuer_missing", "Token does not contain issuer"),
        ("expired", "Invalid token: The token has expired."),
        ("signature_invalid", "Invalid token: The signature of the token is not valid."),
        ("audience_mismatch", "Invalid token: The token was issued for another audience."),
    ],
)
def test_Q44_compat_says_400_and_why(compat: Service, why: str, message: str) -> None:
    robot, token = bad_exchanges(compat)[why]
    response = compat.exchange(token, robot)
    assert (response.status_code, response.json()) == (400, {"message": message})
    assert reason(compat) == why


@pytest.mark.parametrize("password", ["secret", "a.b.c", "", "ey.ey.ey", "x" * 15_000])
@pytest.mark.parametrize("name", ["strict", "compat"])
def test_Q45_a_password_that_is_no_token_is_401(request: pytest.FixtureRequest, name: str, password: str) -> None:
    service: Service = request.getfixturevalue(name)
    assert service.exchange(password).status_code == 401


@pytest.mark.parametrize("name", ["strict", "compat"])
def test_Q45_an_issuer_that_is_down_is_503(request: pytest.FixtureRequest, name: str) -> None:
    service: Service = request.getfixturevalue(name)
    with FakeIssuer().serve() as silent:
        silent.down = True
        service.trust("ci", rule(service, "job", "registry", issuer=silent.issuer))
        response = service.exchange(silent.mint(sub="job", aud="registry"))
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) >= 1
    assert "www-authenticate" not in response.headers


def test_Q45_an_issuer_that_hangs_does_not_hold_up_another_ones_workloads(strict: Service) -> None:
    with FakeIssuer().serve() as silent:
        silent.misbehave(HANGING)
        strict.trust("ci", rule(strict, "job", "registry", issuer=silent.issuer), rule(strict, "job", "registry"))
        assert strict.exchange(silent.mint(sub="job", aud="registry")).status_code == 503
        assert strict.exchange(strict.job()).status_code == 200


FIVE: dict[str, dict[str, str]] = {
    "No auth header": {},
    "Invalid basic auth header": {"Authorization": "Digest abc"},
    "Could not parse basic auth header": {"Authorization": "Basic %%%"},
    "Unexpected number of credentials found in basic auth header": {"Authorization": "Basic YWNtZQ=="},
    "Invalid robot": basic("somebody", "secret"),
}


@pytest.mark.parametrize(("text", "headers"), FIVE.items(), ids=list(FIVE))
def test_Q46_compat_says_what_is_wrong_with_the_header(compat: Service, text: str, headers: dict[str, str]) -> None:
    response = compat.client.get(ROBOT_PATH, headers=headers)
    assert (response.status_code, response.json()) == (401, {"error": text})
    assert response.headers["www-authenticate"].startswith("Basic ")


def test_Q46_without_the_switch_all_of_them_look_the_same(strict: Service) -> None:
    answers: set[Any] = set()
    for headers in (*FIVE.values(), basic("acme+nobody", strict.job())):
        response = strict.client.get(ROBOT_PATH, headers=headers)
        answers.add((response.status_code, response.text, response.headers["www-authenticate"]))
    assert len(answers) == 1
    assert answers.pop()[0] == 401
