"""OpenDepot's rows about `login.v1` and its flags, O39 to O43, with the registry of integrations/opendepot."""

# Names of rows are capitals.
# ruff: noqa: N802

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from starlette.testclient import TestClient

from bearergate import ConfigError
from bearergate.testing import FakeIssuer
from bearergate.testing.faults import Fault
from integrations.opendepot.assembly import assemble
from integrations.opendepot.manifests import Manifests
from integrations.opendepot.registry import DISCOVERY
from integrations.opendepot.settings import Flags
from tests.acceptance.opendepot import CLIENT

MODULES = "/opendepot/modules/v1/"
SERVICES = {"modules.v1": MODULES, "providers.v1": "/opendepot/providers/v1/"}
PAIR = "--oidc-issuer-url and --oidc-client-id must both be set or both be empty"


@pytest.fixture(scope="module")
def dex() -> Iterator[FakeIssuer]:
    issuer = FakeIssuer("https://dex.example.com/dex", alg="ES256", audience=CLIENT)
    with issuer.serve():
        yield issuer


@pytest.fixture(autouse=True)
def healthy(dex: FakeIssuer) -> None:
    dex.reset()


def depot(folder: Path, **flags: Any) -> TestClient:
    """A registry with these flags, where people in `dev` may have every module; there is one."""
    for name in ("bindings", "storage/modules/team/vpc/aws"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "storage/modules/team/vpc/aws/1.0.0.zip").write_bytes(b"")
    manifest = {
        "apiVersion": "opendepot.defdev.io/v1alpha1",
        "kind": "GroupBinding",
        "metadata": {"name": "dev"},
        "spec": {"expression": '"dev" in groups', "moduleResources": ["*"]},
    }
    (folder / "bindings/dev.yaml").write_text(yaml.safe_dump(manifest), encoding="utf-8")
    manifests = Manifests(folder / "bindings")
    registry = assemble(Flags(**flags), storage=folder / "storage", manifests=manifests, environment={})
    return TestClient(registry.application())


def services(client: TestClient) -> dict[str, Any]:
    """The service discovery document, which needs no token: it says how to get one."""
    response = client.get(DISCOVERY)
    assert response.status_code == 200
    document: dict[str, Any] = response.json()
    return document


def test_O39_the_discovery_document_says_how_to_log_in(tmp_path: Path, dex: FakeIssuer) -> None:
    client = depot(tmp_path, issuer_url=dex.issuer, client_id=CLIENT)
    login = {
        "client": CLIENT,
        "grant_types": ["authz_code", "device_code"],
        "authz": f"{dex.issuer}/authorize",
        "token": f"{dex.issuer}/token",
        "scopes": ["openid", "profile", "email", "groups"],
        "ports": [10000, 10010],
    }
    assert services(client) == {**SERVICES, "login.v1": login}
    # The issuer is asked once, and what it said is kept while it is away.
    dex.down = True
    assert services(client)["login.v1"] == login
    assert dex.discovery_requests == 1


def test_O39_the_registry_starts_while_the_issuer_is_down_and_says_503_until_it_has_answered(
    tmp_path: Path, dex: FakeIssuer
) -> None:
    # Where OpenDepot ends with exit code 1.
    client = depot(tmp_path, issuer_url=dex.issuer, client_id=CLIENT)
    dex.discovery_fault = Fault(status=500)
    for _ in range(3):
        response = client.get(DISCOVERY)
        assert response.status_code == 503
        assert 1 <= int(response.headers["Retry-After"]) <= 10
    assert dex.discovery_requests == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://other.example.com/dex"},
        {"token_endpoint": "javascript:alert(1)"},
        {"token_endpoint": None},
        {"authorization_endpoint": "https:///auth"},
    ],
)
def test_O39_a_document_of_another_issuer_or_without_endpoints_is_not_believed(
    tmp_path: Path, dex: FakeIssuer, changes: dict[str, Any]
) -> None:
    dex.set_metadata(json.dumps(dex.metadata(**changes)).encode())
    client = depot(tmp_path, issuer_url=dex.issuer, client_id=CLIENT)
    assert client.get(DISCOVERY).status_code == 503


OVERRIDES = {"authz_url": "https://dex.example.com/dex/auth", "token_url": "http://localhost:5556/dex/token"}


@pytest.mark.parametrize("overridden", [(), ("authz_url",), ("token_url",), ("authz_url", "token_url")])
def test_O40_overrides_replace_their_own_url_and_nothing_else(
    tmp_path: Path, dex: FakeIssuer, overridden: tuple[str, ...]
) -> None:
    given = {name: OVERRIDES[name] for name in overridden}
    client = depot(tmp_path, issuer_url=dex.issuer, client_id=CLIENT, **given)
    login = services(client)["login.v1"]
    assert login["authz"] == given.get("authz_url", f"{dex.issuer}/authorize")
    assert login["token"] == given.get("token_url", f"{dex.issuer}/token")
    assert (login["client"], login["ports"]) == (CLIENT, [10000, 10010])
    assert dex.discovery_requests == (0 if len(overridden) == 2 else 1)


def test_O40_keys_are_those_of_the_issuer_whatever_is_overridden(tmp_path: Path, dex: FakeIssuer) -> None:
    # Nothing listens where the overrides point to: whoever asked there would have no key.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{taken.getsockname()[1]}"
        client = depot(
            tmp_path, issuer_url=dex.issuer, client_id=CLIENT, authz_url=f"{nowhere}/a", token_url=f"{nowhere}/t"
        )
        token = dex.mint(groups=["dev"])
        response = client.get(f"{MODULES}team/vpc/aws/versions", headers={"Authorization": f"Bearer {token}"})
    assert response.json() == {"modules": [{"versions": [{"version": "1.0.0"}]}]}
    assert dex.jwks_requests == 1


BAD_URLS = [
    "ftp://x",
    "not a url",
    # A host is missing: OpenDepot takes these.
    "http:///x",
    "https://",
    "https://:443/x",
    "//dex.example.com/auth",
    "dex.example.com/auth",
    "https://dex.example.com:port/auth",
    "https://dex.example.com/au th",
    "https://dex.example.com/auth\n",
    "https://[::1/auth",
]


@pytest.mark.parametrize("url", BAD_URLS)
@pytest.mark.parametrize("flag", ["authz_url", "token_url"])
def test_O41_an_override_that_is_no_web_address_does_not_start(
    tmp_path: Path, dex: FakeIssuer, flag: str, url: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        depot(tmp_path, issuer_url=dex.issuer, client_id=CLIENT, **{flag: url})
    name = f"--oidc-{flag.replace('_', '-')}"
    assert [problem.problem for problem in caught.value.problems] == [f"{name} must be a well-formed http or https URL"]


@pytest.mark.parametrize("given", [{"issuer_url": "https://dex.example.com/dex"}, {"client_id": CLIENT}])
def test_O42_one_of_issuer_and_client_without_the_other_does_not_start(tmp_path: Path, given: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=f"^configuration has 1 problem:\n  {PAIR}$"):
        depot(tmp_path, **given)
    with pytest.raises(ConfigError) as caught:
        depot(tmp_path, **given, authz_url="ftp://x")
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize("anonymous", [False, True])
def test_O43_without_oidc_there_is_no_way_to_log_in(tmp_path: Path, anonymous: bool) -> None:
    client = depot(tmp_path, anonymous_auth=anonymous)
    assert services(client) == SERVICES
    # And nobody gets anything, unless everybody was meant to.
    assert client.get(f"{MODULES}team/vpc/aws/versions").status_code == (200 if anonymous else 401)
