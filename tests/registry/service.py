"""The registry service as a client sees it, with people and workloads whose issuers are on loopback.

Puts it together and asks it. Expects no verdict.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.testclient import TestClient

from bearergate import Principal, Validator
from bearergate.core.bindings import Binding, Bindings, Globs
from bearergate.core.expression import compile_cel
from bearergate.core.path_match import compile_pattern
from bearergate.core.policy import IssuerPolicy
from bearergate.core.registry_events import RegistryEvent
from bearergate.core.registry_policy import RegistryPolicy
from bearergate.core.registry_tokens import robot_token_policy
from bearergate.core.screening import parse_jwk_set
from bearergate.core.validation import Validation
from bearergate.registry.app import registry_app
from bearergate.registry.endpoints import ROBOT_PATH, TOKEN_PATH
from bearergate.testing import FakeIssuer

ISSUER: Final = "https://registry.test"
SERVICE: Final = "registry.test"
AUDIENCE: Final = "bearergate"
PEOPLE: Final = FakeIssuer("https://people.test", audience=AUDIENCE)
ACME: Final = "/api/v1/organization/acme/robots"
PULL: Final = "repository:acme/app:pull"
PUSH: Final = "repository:acme/app:pull,push"


def binding(name: str, expression: str, **grants: list[str]) -> Binding:
    """One binding; `pull=`, `push=`, `delete=` and `robots=` are kinds of resources."""
    kinds = {kind if kind == "robots" else f"repository:{kind}": globs for kind, globs in grants.items()}
    globs = {kind: Globs(tuple(compile_pattern(text) for text in texts)) for kind, texts in kinds.items()}
    return Binding(name=name, expression=compile_cel(expression, expression), grants=globs)


BINDINGS: Final = Bindings(
    [
        binding("10-admins", '"admins" in groups', pull=["*/*"], push=["*/*"], delete=["*/*"], robots=["acme"]),
        binding("20-people", '"dev" in groups', pull=["acme/*"], push=["acme/app"]),
        binding("30-ci", '"system:robot:acme+ci" in groups', pull=["acme/*"], push=["acme/app"]),
        binding("40-robots", '"system:robots:acme" in groups', pull=["acme/*"]),
    ]
)


@dataclass
class Service:
    """A running service, and what it told."""

    client: TestClient
    people: FakeIssuer
    workloads: FakeIssuer
    policy: RegistryPolicy
    clock: Any
    validator: Validator
    events: list[RegistryEvent] = field(default_factory=list)

    def admin(self) -> dict[str, str]:
        """The header of somebody who may manage robots of acme."""
        return bearer(self.people.mint(sub="root", groups=["admins"]))

    def dev(self, **claims: Any) -> str:
        """The token of somebody who may push acme/app and pull what acme has."""
        return self.people.mint(**{"sub": "ada", "groups": ["dev"], **claims})

    def trust(self, robot: str = "ci", *rules: Mapping[str, object]) -> None:
        """Create a robot of acme with these rules, or with one for the job."""
        one = {"issuer": self.workloads.issuer, "subject": "job", "audiences": ["registry"]}
        assert self.client.put(f"{ACME}/{robot}", headers=self.admin()).status_code in (200, 201)
        response = self.client.put(f"{ACME}/{robot}/federation", json=list(rules or (one,)), headers=self.admin())
        assert response.status_code == 200, response.text

    def job(self, **claims: Any) -> str:
        """The token of the workload that may act as the robot."""
        now = self.workloads.now()
        return self.workloads.mint(**{"sub": "job", "aud": "registry", "exp": now + 3600, **claims})

    def exchange(self, token: str, robot: str = "acme+ci") -> Any:
        """Ask for a robot's token."""
        return self.client.get(ROBOT_PATH, headers=basic(robot, token))

    def robot_token(self, robot: str = "acme+ci", **claims: Any) -> str:
        """A robot's token."""
        response = self.exchange(self.job(**claims), robot)
        assert response.status_code == 200, response.text
        return str(response.json()["token"])

    def ask(self, headers: Mapping[str, str], *scopes: str, service: str | None = SERVICE) -> Any:
        """Ask for a registry token."""
        asked = {"scope": list(scopes)} | ({} if service is None else {"service": [service]})
        return self.client.get(TOKEN_PATH, params=asked, headers=headers)

    def granted(self, headers: Mapping[str, str], *scopes: str) -> list[dict[str, object]]:
        """What a registry token grants."""
        response = self.ask(headers, *scopes)
        assert response.status_code == 200, response.text
        access: list[dict[str, object]] = self.registry_claims(response.json()["token"])["access"]
        return access

    def registry_claims(self, token: str) -> dict[str, Any]:
        """The claims of a registry token, verified as a registry does: with the published keys."""
        reading = IssuerPolicy(issuer=ISSUER, audiences=frozenset({SERVICE}), algorithms=("RS256",))
        return dict(thawed(self._proven(token, reading).claims))

    def robot_claims(self, token: str) -> dict[str, Any]:
        """The claims of a robot's token, verified."""
        return dict(thawed(self._proven(token, robot_token_policy(self.policy.names)).claims))

    def _proven(self, token: str, policy: IssuerPolicy) -> Principal:
        keys = parse_jwk_set(self.client.get("/v2/auth/jwks.json").content)
        validation = Validation([policy])
        unverified, found = validation.begin(token)
        return validation.finish(unverified, found, keys, self.clock())


@contextmanager
def running_service(
    people: FakeIssuer,
    workloads: FakeIssuer,
    database: str = "sqlite://",
    *,
    bindings: Bindings = BINDINGS,
    **policy: Any,
) -> Iterator[Service]:
    """The service; further settings are those of RegistryPolicy."""
    settings = RegistryPolicy(
        **{"issuer": ISSUER, "service": SERVICE, "database": database, "allow_private_issuers": True, **policy}
    )
    validator = Validator(
        [IssuerPolicy(issuer=people.issuer, audiences=frozenset({AUDIENCE}))],
        clock=people.now,
        fetch=people.fetch,
        bindings=bindings,
    )
    events: list[RegistryEvent] = []
    app = registry_app(
        settings,
        validator,
        clock=people.now,
        observers=[events.append],
    )
    with TestClient(app) as client:
        yield Service(client, people, workloads, settings, people.now, validator, events)


def basic(username: str, password: str) -> dict[str, str]:
    """The header of Basic credentials."""
    return {"Authorization": f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"}


def bearer(token: str) -> dict[str, str]:
    """The header of a bearer token."""
    return {"Authorization": f"Bearer {token}"}


def thawed(value: Any) -> Any:
    """Claims as plain data."""
    if isinstance(value, Mapping):
        return {name: thawed(member) for name, member in value.items()}
    return [thawed(item) for item in value] if isinstance(value, tuple) else value
