"""A real registry and a real client, with tokens of people and of robots: what they can push and pull, and what not.

The service is `bearergate registry` over a real PostgreSQL. Needs docker-registry, skopeo and PostgreSQL, and fails
without them; everything runs on loopback.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3

from bearergate.core.registry_scope import Access
from bearergate.core.registry_tokens import REGISTRY_TYP, Life, ServiceNames, registry_claims
from bearergate.registry.endpoints import ROBOT_PATH, TOKEN_PATH
from bearergate.registry.signing import CERTIFICATES, JWKS, Signing
from bearergate.testing import FakeIssuer
from integrations.docker_registry.binary import version_2, version_3
from integrations.docker_registry.client import Credentials, Skopeo, image, layers_of
from integrations.docker_registry.postgres import running_postgres
from integrations.docker_registry.server import Registry, running_registry
from integrations.processes import Server, free_port
from tests.registry.service import ACME, AUDIENCE, basic, bearer

SERVICE = "registry.test"
NAMES = ServiceNames(f"https://{SERVICE}", SERVICE)
DAY = 86400.0
CONFIGURATION = """
[[issuers]]
issuer = "{people}"
audiences = ["bearergate"]

[[bindings]]
name = "10-admins"
expression = '"admins" in groups'
[bindings.grants]
"robots" = ["acme"]
"repository:pull" = ["*/*"]
"repository:push" = ["*/*"]
"repository:delete" = ["*/*"]

[[bindings]]
name = "20-developers"
expression = '"dev" in groups'
grants = {{ "repository:pull" = ["acme/*"], "repository:push" = ["acme/app"] }}

[[bindings]]
name = "30-readers"
expression = '"readers" in groups'
grants = {{ "repository:pull" = ["acme/*"] }}

[[bindings]]
name = "40-ci"
expression = '"system:robot:acme+ci" in groups'
grants = {{ "repository:pull" = ["acme/*"], "repository:push" = ["acme/built"] }}

[[bindings]]
name = "50-robots"
expression = '"system:robots:acme" in groups'
grants = {{ "repository:pull" = ["acme/app"] }}

[registry]
issuer = "https://registry.test"
service = "registry.test"
keys = "keys"
publish = "."
rotate_days = 1
allow_private_issuers = true
"""


@dataclass(frozen=True)
class World:
    """Everything that runs."""

    people: FakeIssuer
    workloads: FakeIssuer
    registry: Registry
    skopeo: Skopeo
    folder: Path
    service_port: int
    log: Path

    def person(self, group: str, **claims: Any) -> Credentials:
        """Somebody of this group, as a client that knows passwords presents them."""
        return Credentials("$oidc", self.people.mint(**{"sub": f"one of {group}", "groups": [group], **claims}))

    def robot(self, name: str = "ci") -> Credentials:
        """A robot, by a token that a workload got for its own."""
        job = self.workloads.mint(sub=name, aud="registry")
        answer = self.ask(ROBOT_PATH, basic(f"acme+{name}", job))
        assert answer.status == 200, answer.data
        return Credentials(f"acme+{name}", answer.json()["token"])

    def ask(self, path: str, headers: dict[str, str], method: str = "GET", body: Any = None) -> Any:
        """What the service answers."""
        raw = None if body is None else json.dumps(body)
        with urllib3.PoolManager(retries=False, timeout=20) as http:
            return http.request(method, f"http://127.0.0.1:{self.service_port}{path}", headers=headers, body=raw)

    def trust(self, robot: str) -> None:
        """A robot as which the workload of the same name may act."""
        admin = bearer(self.person("admins").password)
        assert self.ask(f"{ACME}/{robot}", admin, "PUT").status in (200, 201)
        rule = {"issuer": self.workloads.issuer, "subject": robot, "audiences": ["registry"]}
        assert self.ask(f"{ACME}/{robot}/federation", admin, "PUT", [rule]).status == 200


REGISTRIES: dict[str, tuple[Callable[[], str], str]] = {
    "version 2": (version_2, f"rootcertbundle: {{folder}}/{CERTIFICATES}"),
    "version 3": (version_3, f"jwks: {{folder}}/{JWKS}"),
}


@pytest.fixture(scope="module", params=REGISTRIES)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    port, log = free_port(), folder / "service.log"
    with FakeIssuer(audience=AUDIENCE).serve() as people, FakeIssuer().serve() as workloads, running_postgres() as sql:
        configuration = folder / "registry.toml"
        configuration.write_text(CONFIGURATION.format(people=people.issuer), encoding="utf-8")
        command = [sys.executable, "-m", "bearergate", "registry", "--port", str(port), "--audit"]
        service = Server(
            [*command, "--config", str(configuration)],
            log=log,
            ready_url=f"http://127.0.0.1:{port}/readyz",
            environment={"BEARERGATE_REGISTRY_DATABASE": sql.url},
        )
        service.start()
        try:
            program, keys = REGISTRIES[request.param]
            line = keys.format(folder=folder)
            with running_registry(service_port=port, program=program(), keys=line) as registry:
                (folder / "home").mkdir()
                skopeo = Skopeo(folder / "home", registry.host)
                made = World(people, workloads, registry, skopeo, folder, port, log)
                made.trust("ci")
                made.trust("reader")
                yield made
        finally:
            service.stop()


@pytest.fixture(scope="module")
def layout(world: World) -> Path:
    return image(world.folder / "image", b"hello")


@pytest.fixture(scope="module")
def pushed(world: World, layout: Path) -> str:
    """An image that somebody who may has pushed."""
    outcome = world.skopeo.push(layout, "acme/app:1", world.person("dev"))
    assert outcome.succeeded, outcome.said
    return "acme/app:1"


def test_a_person_pushes_and_pulls_with_a_token_of_the_issuer(
    world: World, layout: Path, pushed: str, tmp_path: Path
) -> None:
    outcome = world.skopeo.pull(pushed, tmp_path / "back", world.person("dev"))
    assert outcome.succeeded, outcome.said
    assert layers_of(tmp_path / "back") == layers_of(layout)


def test_a_robot_pushes_and_pulls_with_a_federated_token(world: World, layout: Path, tmp_path: Path) -> None:
    pushed = world.skopeo.push(layout, "acme/built:1", world.robot())
    assert pushed.succeeded, pushed.said
    pulled = world.skopeo.pull("acme/built:1", tmp_path / "back", world.robot())
    assert pulled.succeeded, pulled.said
    assert layers_of(tmp_path / "back") == layers_of(layout)


def test_nobody_pushes_where_no_binding_lets_them(world: World, layout: Path) -> None:
    for credentials, repository in (
        (world.person("dev"), "acme/other:1"),
        (world.person("dev"), "else/app:1"),
        (world.person("nobody"), "acme/app:1"),
        (world.robot(), "acme/app:1"),
        (world.robot("reader"), "acme/built:1"),
    ):
        outcome = world.skopeo.push(layout, repository, credentials)
        assert not outcome.succeeded, repository
        assert "denied" in outcome.said or "unauthorized" in outcome.said


def test_who_may_only_pull_cannot_push_nor_delete(world: World, layout: Path, pushed: str, tmp_path: Path) -> None:
    for number, credentials in enumerate((world.person("readers"), world.robot("reader"))):
        pulled = world.skopeo.pull(pushed, tmp_path / f"back-{number}", credentials)
        assert pulled.succeeded, pulled.said
        assert not world.skopeo.push(layout, pushed, credentials).succeeded
        assert not world.skopeo.delete(pushed, credentials).succeeded
    assert not world.skopeo.delete(pushed, world.person("dev")).succeeded


def test_who_may_delete_does(world: World, layout: Path) -> None:
    admin = world.person("admins")
    assert world.skopeo.push(layout, "acme/old:1", admin).succeeded
    outcome = world.skopeo.delete("acme/old:1", admin)
    assert outcome.succeeded, outcome.said
    assert not world.skopeo.pull("acme/old:1", world.folder / "never", admin).succeeded


def test_bad_credentials_get_nothing(world: World, pushed: str, tmp_path: Path) -> None:
    now = world.people.now()
    robot = world.robot()
    for number, credentials in enumerate(
        (
            None,
            world.person("dev", exp=now - 60),
            world.person("dev", aud="somebody-else"),
            Credentials("$oidc", world.people.forge(groups=["dev"])),
            Credentials("$oidc", "secret"),
            Credentials("acme+nobody", robot.password),
            Credentials("acme+reader", robot.password),
            Credentials("acme+ci", world.workloads.mint(sub="ci", aud="registry")),
            Credentials("$oidc", robot.password),
        )
    ):
        outcome = world.skopeo.pull(pushed, tmp_path / f"back-{number}", credentials)
        assert not outcome.succeeded, number


def test_a_rule_that_is_withdrawn_ends_what_a_robot_can_do(world: World, pushed: str, tmp_path: Path) -> None:
    world.trust("short")
    credentials = world.robot("short")
    assert world.skopeo.pull(pushed, tmp_path / "before", credentials).succeeded
    admin = bearer(world.person("admins").password)
    assert world.ask(f"{ACME}/short/federation", admin, "DELETE").status == 204
    assert not world.skopeo.pull(pushed, tmp_path / "after", credentials).succeeded


def test_a_token_for_one_repository_is_none_for_another(world: World, pushed: str) -> None:
    query = f"?service={SERVICE}&scope=repository:acme/app:pull"
    token = world.ask(TOKEN_PATH + query, bearer(world.person("dev").password)).json()["token"]
    assert world.registry.ask("/v2/acme/app/tags/list", token).json() == {"name": "acme/app", "tags": ["1"]}
    assert world.registry.ask("/v2/acme/built/tags/list", token).status == 401
    assert world.registry.ask("/v2/_catalog", token).status == 401


def test_the_token_of_a_robot_itself_opens_no_repository(world: World) -> None:
    assert world.registry.ask("/v2/acme/app/tags/list", world.robot().password).status == 401


def signed_at(world: World, moment: float, folder: Path) -> str:
    """A token as it is signed at another moment, by a service that has the same keys; good by its own times."""
    if not folder.exists():
        shutil.copytree(world.folder / "keys", folder)
    signing = Signing(NAMES, period=DAY, folder=folder, clock=lambda: moment)
    now = int(time.time())
    access = [Access("repository", "acme/app", ("pull",))]
    return signing.sign(registry_claims(NAMES, "somebody", access, Life(now, now + 300), "id"), REGISTRY_TYP)


def test_a_registry_that_is_not_started_anew_knows_the_next_key_and_not_the_one_after_it(
    world: World, pushed: str, tmp_path: Path
) -> None:
    now = time.time()
    for days, status in ((0, 200), (1.01, 200), (2.02, 401)):
        token = signed_at(world, now + days * DAY, tmp_path / "keys")
        assert world.registry.ask("/v2/acme/app/tags/list", token).status == status, days


def test_what_happened_is_in_the_audit_log_and_no_secret_is(world: World, pushed: str, tmp_path: Path) -> None:
    person, robot = world.person("dev"), world.robot()
    world.skopeo.pull(pushed, tmp_path / "a", person)
    world.skopeo.pull(pushed, tmp_path / "b", robot)
    text = world.log.read_text()
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    exchanges = [line for line in lines if line.get("event") == "federated_robot_token_exchange"]
    assert {"robot": "acme+ci", "subject": "ci", "issuer": world.workloads.issuer}.items() <= exchanges[-1].items()
    tokens = [line for line in lines if line.get("event") == "registry_token"]
    assert tokens[-1]["actor"]["subject"] == "ci"
    assert tokens[-1]["granted"] == ["repository:acme/app:pull"]
    for secret in (person.password, robot.password):
        assert secret.rpartition(".")[2] not in text
    assert "PRIVATE KEY" not in text
