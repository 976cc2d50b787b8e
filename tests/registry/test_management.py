"""Who may create robots and write their rules, over both databases; and everybody else, who may not."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from bearergate.core.bindings import Bindings
from bearergate.core.registry_events import RobotChanged
from bearergate.core.rule_document import MAX_DOCUMENT
from bearergate.testing import FakeIssuer
from tests.registry.service import ACME, AUDIENCE, Service, basic, bearer, binding, running_service

PEOPLE = FakeIssuer("https://people.test", audience=AUDIENCE)
RULE = {"issuer": "https://ci.test", "subject": "job", "audiences": ["registry"]}
RULES = f"{ACME}/ci/federation"
EVERY_CALL = [
    ("GET", ACME),
    ("PUT", f"{ACME}/ci"),
    ("DELETE", f"{ACME}/ci"),
    ("GET", RULES),
    ("PUT", RULES),
    ("POST", RULES),
    ("DELETE", RULES),
]


@pytest.fixture
def service(database: str) -> Iterator[Service]:
    with running_service(PEOPLE, FakeIssuer(), database) as running:
        yield running


@pytest.fixture(scope="module")
def in_memory() -> Iterator[Service]:
    with running_service(PEOPLE, FakeIssuer()) as running:
        running.trust("ci", RULE)
        yield running


def call(service: Service, method: str, path: str, headers: Any = None, **more: Any) -> Any:
    return service.client.request(method, path, headers=service.admin() if headers is None else headers, **more)


def test_the_life_of_a_robot(service: Service) -> None:
    assert call(service, "GET", ACME).json() == {"robots": []}
    assert call(service, "PUT", f"{ACME}/ci").status_code == 201
    assert call(service, "PUT", f"{ACME}/acme+ci").status_code == 200
    assert call(service, "GET", ACME).json() == {"robots": [{"name": "acme+ci"}]}
    assert call(service, "GET", RULES).json() == []
    assert call(service, "POST", RULES, json=[RULE]).json() == [RULE]
    assert call(service, "PUT", RULES, json=[RULE, {**RULE, "subject": "other"}]).status_code == 200
    assert [each["subject"] for each in call(service, "GET", RULES).json()] == ["job", "other"]
    assert call(service, "DELETE", RULES).status_code == 204
    assert call(service, "GET", RULES).json() == []
    assert call(service, "DELETE", f"{ACME}/ci").status_code == 204
    assert call(service, "GET", RULES).status_code == 404


@pytest.mark.parametrize(("method", "path"), EVERY_CALL)
def test_nobody_manages_robots_without_a_token(in_memory: Service, method: str, path: str) -> None:
    response = call(in_memory, method, path, {}, json=[RULE])
    assert (response.status_code, response.headers["www-authenticate"].split()[0]) == (401, "Bearer")
    assert call(in_memory, "GET", RULES).json() == [RULE]


@pytest.mark.parametrize(("method", "path"), EVERY_CALL)
def test_who_has_no_binding_for_it_is_403(in_memory: Service, method: str, path: str) -> None:
    for token in (in_memory.dev(), in_memory.people.mint(sub="eve")):
        assert call(in_memory, method, path, bearer(token), json=[]).status_code == 403
    assert call(in_memory, "GET", RULES).json() == [RULE]


@pytest.mark.parametrize("namespace", ["other", "acme-2", "*", "acme%2Fx", "ACME", "a%0Ab"])
def test_a_manager_manages_the_namespaces_of_the_binding_alone(in_memory: Service, namespace: str) -> None:
    root = f"/api/v1/organization/{namespace}/robots"
    for method, path in (("GET", root), ("PUT", f"{root}/ci"), ("PUT", f"{root}/ci/federation")):
        assert call(in_memory, method, path, json=[]).status_code in (403, 404)
    assert call(in_memory, "GET", ACME).json() == {"robots": [{"name": "acme+ci"}]}


@pytest.mark.parametrize("namespace", ["ACME", "a b", "*", "a..b", "-", "a+b", "a" * 256])
def test_a_namespace_that_nobody_can_have_is_managed_by_nobody(namespace: str) -> None:
    everywhere = Bindings([binding("all", '"admins" in groups', robots=["*"])])
    with running_service(PEOPLE, FakeIssuer(), bindings=everywhere) as service:
        root = f"/api/v1/organization/{namespace}/robots"
        assert call(service, "PUT", f"{root}/ci").status_code == 403
        assert call(service, "GET", root).status_code == 403
        assert call(service, "PUT", "/api/v1/organization/any/robots/ci").status_code == 201


def test_bad_tokens_and_basic_credentials_manage_nothing(in_memory: Service) -> None:
    people = in_memory.people
    admin: dict[str, Any] = {"sub": "root", "groups": ["admins"]}
    for token in (people.forge(**admin), people.mint(**admin, aud="else"), people.mint(**admin, exp=people.now() - 60)):
        assert call(in_memory, "GET", ACME, bearer(token)).status_code == 401
    assert call(in_memory, "GET", ACME, basic("$oidc", people.mint(**admin))).status_code == 401


@pytest.mark.parametrize("robot", ["2ci", "CI", "c-i", "a" * 256, "other+ci", "%2E%2E"])
def test_a_robot_is_called_as_robots_are(in_memory: Service, robot: str) -> None:
    for path in (f"{ACME}/{robot}", f"{ACME}/{robot}/federation"):
        assert call(in_memory, "PUT", path, json=[]).status_code in (400, 404)
    assert call(in_memory, "GET", ACME).json() == {"robots": [{"name": "acme+ci"}]}


def test_a_robot_that_is_not_there_is_404(in_memory: Service) -> None:
    for method, path in (("GET", "federation"), ("PUT", "federation"), ("DELETE", "federation"), ("DELETE", "")):
        place = f"{ACME}/nobody/{path}".removesuffix("/")
        response = call(in_memory, method, place, json=[])
        assert (response.status_code, response.json()["message"]) == (
            404,
            "Could not find robot with specified username",
        )


def test_a_namespace_that_is_full_takes_no_more(in_memory: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bearergate.registry.store.MAX_ROBOTS", 1)
    assert call(in_memory, "PUT", f"{ACME}/second").status_code == 409


def test_a_namespace_that_trusts_enough_issuers_trusts_no_more(
    in_memory: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bearergate.registry.store.MAX_ISSUERS", 1)
    response = call(in_memory, "PUT", RULES, json=[RULE, {**RULE, "issuer": "https://more.test"}])
    assert (response.status_code, response.json()["message"]) == (409, "The namespace trusts too many issuers")
    assert call(in_memory, "GET", RULES).json() == [RULE]


@pytest.mark.parametrize("body", [b"", b"{}", b"nonsense", b"[1]", b"[" + b" " * MAX_DOCUMENT + b"]"])
def test_a_body_that_is_no_list_of_rules_is_400(in_memory: Service, body: bytes) -> None:
    assert call(in_memory, "PUT", RULES, content=body).status_code == 400
    assert call(in_memory, "GET", RULES).json() == [RULE]


def test_a_body_without_end_is_not_read_to_its_end(in_memory: Service) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"["
        for _ in range(1000):
            yield b" " * 64 * 1024

    assert call(in_memory, "PUT", RULES, content=pieces()).status_code == 400


def test_who_goes_away_amid_a_document_changes_nothing_and_is_no_fault_of_ours(
    in_memory: Service, caplog: pytest.LogCaptureFixture
) -> None:
    messages = iter([{"type": "http.request", "body": b"[]", "more_body": True}, {"type": "http.disconnect"}])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(name.lower().encode(), value.encode()) for name, value in in_memory.admin().items()]
    scope = {"type": "http", "method": "PUT", "path": RULES, "query_string": b"", "headers": headers}

    async def answered() -> None:
        await in_memory.client.app(scope, receive, send)

    asyncio.run(answered())
    assert sent[0]["status"] == 400
    assert call(in_memory, "GET", RULES).json() == [RULE]
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_who_may_not_manage_is_told_with_the_namespace_and_so_is_who_may(
    in_memory: Service, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "bearergate.audit"):
        call(in_memory, "DELETE", f"{ACME}/ci", bearer(in_memory.dev()))
        call(in_memory, "GET", ACME)
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == "bearergate.audit"]
    acme = {"kind": "robots", "name": "acme"}
    assert [
        (line["outcome"], line["reason"], line["subject"], line["resource"], line["binding"]) for line in lines
    ] == [("rejected", "resource_not_granted", "ada", acme, "20-people"), ("accepted", None, "root", acme, "10-admins")]


def test_every_change_is_told_with_who_made_it(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "bearergate.audit"):
        call(service, "PUT", f"{ACME}/ci")
        call(service, "PUT", f"{ACME}/ci")
        call(service, "PUT", RULES, json=[RULE])
        call(service, "GET", RULES)
        call(service, "PUT", RULES, json=[{}])
        call(service, "DELETE", RULES)
        call(service, "DELETE", f"{ACME}/ci")
    told = [
        (event.change, event.rules, event.principal.subject)
        for event in service.events
        if isinstance(event, RobotChanged)
    ]
    assert told == [
        ("created", 0, "root"),
        ("rules_replaced", 1, "root"),
        ("rules_deleted", 0, "root"),
        ("deleted", 0, "root"),
    ]
    assert sum('"robot_changed"' in message for message in caplog.messages) == 4
