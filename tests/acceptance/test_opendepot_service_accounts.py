"""OpenDepot's rows about service accounts, O33 to O38: who is delegated to the cluster, and who never is.

The registry of these rows asks a real TLS API server on loopback for what it lists: with the bearer that was passed
through to it, as OpenDepot does, or after a review.
"""

# Names of rows are capitals.
# ruff: noqa: N802

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from bearergate import AccessDenied, Reason, Refusal
from bearergate.asgi import PRINCIPAL, UNVERIFIED_BEARER, BearerMiddleware
from bearergate.chain import UnverifiedBearer
from bearergate.config import from_file
from bearergate.config.group_bindings import MODULE, read_group_bindings
from bearergate.core.bearer import answer
from bearergate.core.bindings import Bindings
from bearergate.core.events import Event, TokenAccepted, TokenRejected, UnverifiedBearerAdmitted
from bearergate.core.resources import Resource
from bearergate.kubernetes import ServiceAccount, refusal_of_api_server
from bearergate.testing import REMOVED
from tests.acceptance.opendepot import CLIENT, DEX, PIPELINE, machine_token, user_token
from tests.kubernetes.api_server import RESOURCE, Trouble
from tests.kubernetes.cluster import CLUSTER, OURS, Cluster, running_cluster

VERSIONS = "/opendepot/modules/v1/team/vpc/aws/versions"
OFF, PASSED, REVIEWED = "off", "passthrough", "token_review"


@dataclass(frozen=True)
class Depot:
    """A running registry beside a cluster."""

    client: TestClient
    cluster: Cluster
    events: list[Event]
    evaluated: list[str]
    """Subjects for whom a GroupBinding was evaluated."""

    def ask(self, token: str) -> int:
        status: int = self.client.get(VERSIONS, headers={"Authorization": f"Bearer {token}"}).status_code
        return status

    @property
    def reason(self) -> Reason | None:
        last = self.events[-1]
        return last.reason if isinstance(last, TokenRejected) else None

    @property
    def was_left_alone(self) -> bool:
        """Whether nobody has said anything to the API server."""
        return self.cluster.server.connections == 0


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with running_cluster(tmp_path) as running:
        yield running


def depot(cluster: Cluster, mode: str, *, machines: bool = False, bindings: str = '"dev" in groups') -> Depot:
    """A registry with `--oidc-allow-sa-fallback` in one of our two ways, or without it."""
    entry: dict[str, Any] = {"issuer": DEX.issuer, "audiences": [CLIENT], "preset": "dex"}
    entry["machine_clients"] = {"mode": "compat" if machines else "off"}
    written: dict[str, Any] = {"profile": "opendepot", "issuers": [entry]}
    if mode == PASSED:
        written["service_accounts"] = [{"issuer": CLUSTER, "mode": mode}]
    elif mode == REVIEWED:
        files = {"token_file": "token", "ca_file": "ca.crt"}
        reviewed = {"issuer": CLUSTER, "mode": mode, "audiences": [OURS], "api_server": cluster.server.url, **files}
        written["service_accounts"] = [reviewed]
    path = cluster.folder / "gate.yaml"
    path.write_text(yaml.safe_dump(written), encoding="utf-8")
    manifests = cluster.folder / "bindings"
    manifests.mkdir(exist_ok=True)
    manifest = {
        "apiVersion": "opendepot.defdev.io/v1alpha1",
        "kind": "GroupBinding",
        "metadata": {"name": "all"},
        "spec": {"expression": bindings, "moduleResources": ["*"]},
    }
    (manifests / "all.yaml").write_text(yaml.safe_dump(manifest), encoding="utf-8")
    events: list[Event] = []
    evaluated: list[str] = []
    chain = from_file(path).chain(fetch=DEX.fetch, observers=[events.append])
    versions = _Versions(cluster, read_group_bindings(manifests), evaluated)
    app = Starlette(
        routes=[Route("/opendepot/modules/v1/{namespace}/{name}/{system}/versions", versions.answer)],
        middleware=[Middleware(lambda app: BearerMiddleware(app, chain, allow_unverified_bearer=["/opendepot/**"]))],
    )
    return Depot(TestClient(app), cluster, events, evaluated)


@dataclass(frozen=True)
class _Versions:
    """The handler: people and machines by GroupBinding, unverified bearers by the API server, accounts by namespace."""

    cluster: Cluster
    bindings: Bindings
    evaluated: list[str]

    def answer(self, request: Request) -> Response:
        bearer, principal = request.scope[UNVERIFIED_BEARER], request.scope[PRINCIPAL]
        try:
            if isinstance(bearer, UnverifiedBearer):
                self._ask_the_api_server(bearer)
            elif isinstance(principal, ServiceAccount):
                if principal.namespace != "ci":
                    raise AccessDenied(Reason.RESOURCE_NOT_GRANTED)
            else:
                self.evaluated.append(principal.subject)
                self.bindings.authorize(principal, Resource(MODULE, request.path_params["name"]), groups_claim="groups")
        except Refusal as refused:
            said = answer(refused)
            return Response(said.body, said.status, dict(said.headers))
        return JSONResponse({"modules": []})

    def _ask_the_api_server(self, bearer: UnverifiedBearer) -> None:
        with urllib3.PoolManager(ca_certs=str(self.cluster.folder / "ca.crt"), retries=False) as pool:
            headers = {"Authorization": f"Bearer {bearer.token}"}
            said = pool.request("GET", self.cluster.server.url + RESOURCE, headers=headers)
        if said.status != 200:
            raise refusal_of_api_server(said.status)


BOTH = pytest.mark.parametrize("mode", [PASSED, REVIEWED])


def service_account_token(cluster: Cluster, mode: str, **claims: Any) -> str:
    """A good token of the deployer: for the API server where it is passed through, for us where it is reviewed."""
    return cluster.server.mint(cluster.deployer, *((OURS,) if mode == REVIEWED else ()), **claims)


@pytest.mark.parametrize("kind", [PASSED, REVIEWED])
def test_O33_without_the_fallback_a_service_account_token_is_401(cluster: Cluster, kind: str) -> None:
    registry = depot(cluster, OFF)
    cluster.server.may_read.add(cluster.deployer.username)
    assert registry.ask(service_account_token(cluster, kind)) == 401
    assert (registry.reason, registry.was_left_alone) == (Reason.ISSUER_UNKNOWN, True)


@BOTH
def test_O34_a_service_account_of_a_configured_cluster_is_delegated_and_no_binding_evaluated(
    cluster: Cluster, mode: str
) -> None:
    registry = depot(cluster, mode, bindings="true")
    cluster.server.may_read.add(cluster.deployer.username)
    assert registry.ask(service_account_token(cluster, mode)) == 200
    assert registry.evaluated == []
    assert not registry.was_left_alone
    kind = UnverifiedBearerAdmitted if mode == PASSED else TokenAccepted
    assert isinstance(registry.events[-1], kind)


@BOTH
def test_O34_only_configured_clusters_are(cluster: Cluster, mode: str) -> None:
    # Where OpenDepot hands the token of any other issuer to its API server.
    registry = depot(cluster, mode)
    for issuer in ("https://accounts.google.com", f"{CLUSTER}/", CLUSTER.upper(), "https://eks.example.com/id/1"):
        assert (registry.ask(service_account_token(cluster, mode, iss=issuer)), registry.reason) == (
            401,
            Reason.ISSUER_UNKNOWN,
        )
    assert registry.was_left_alone


@BOTH
def test_O35_a_bad_token_of_the_issuer_is_401_and_never_delegated(cluster: Cluster, mode: str) -> None:
    registry = depot(cluster, mode)
    now = int(DEX.now())
    bad = {
        user_token(groups=["dev"], exp=now - 60, iat=now - 360): Reason.EXPIRED,
        DEX.forge({"groups": ["dev"], "client_id": None}): Reason.SIGNATURE_INVALID,
        user_token(groups=["dev"], aud="someone-else"): Reason.AUDIENCE_MISMATCH,
        user_token(groups=["dev"], nbf=now + 600): Reason.NOT_YET_VALID,
        DEX.unsigned({"groups": ["dev"]}): Reason.ALG_NOT_ALLOWED,
        # Signed by the cluster's own key, in the issuer's name.
        service_account_token(cluster, mode, iss=DEX.issuer): Reason.KEY_UNKNOWN,
    }
    for token, reason in bad.items():
        assert (registry.ask(token), registry.reason) == (401, reason)
    assert registry.was_left_alone


@BOTH
def test_O36_garbage_and_a_jwt_without_issuer_are_401_and_never_delegated(cluster: Cluster, mode: str) -> None:
    registry = depot(cluster, mode)
    without = cluster.server.issuer.mint(iss=REMOVED, aud=[OURS])
    for token in ("garbage", "a.b.c", "e30.e30.", CLUSTER, without.rpartition(".")[0]):
        assert registry.ask(token) in (400, 401)
    # OpenDepot hands this one to its API server.
    assert (registry.ask(without), registry.reason) == (401, Reason.ISSUER_MISSING)
    twice = f'{{"iss": "{DEX.issuer}", "iss": "{CLUSTER}"}}'.encode()
    assert registry.ask(cluster.server.issuer.mint_raw(payload=twice)) == 401
    assert registry.was_left_alone


@BOTH
def test_O37_what_the_cluster_refuses_is_401(cluster: Cluster, mode: str) -> None:
    registry = depot(cluster, mode)
    cluster.server.may_read.add(cluster.deployer.username)
    token = service_account_token(cluster, mode)
    del cluster.server.accounts[cluster.deployer.username]
    assert registry.ask(token) == 401
    assert not registry.was_left_alone


@BOTH
def test_O37_what_the_cluster_forbids_is_403(cluster: Cluster, mode: str) -> None:
    registry = depot(cluster, mode)
    stranger = cluster.server.create("elsewhere", "stranger")
    token = cluster.server.mint(stranger, *((OURS,) if mode == REVIEWED else ()))
    assert registry.ask(token) == 403
    assert not registry.was_left_alone


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_O37_a_review_that_is_not_had_is_503_and_neither_200_nor_500(cluster: Cluster, status: int) -> None:
    registry = depot(cluster, REVIEWED)
    cluster.server.trouble = Trouble(status=status)
    assert (registry.ask(service_account_token(cluster, REVIEWED)), registry.reason) == (
        503,
        Reason.UPSTREAM_UNAVAILABLE,
    )


@BOTH
def test_O38_beside_machine_clients_each_token_takes_its_own_way(cluster: Cluster, mode: str) -> None:
    registry = depot(cluster, mode, machines=True, bindings=f'"client:{PIPELINE}" in groups')
    cluster.server.may_read.add(cluster.deployer.username)
    # The issuer's own, for another audience: a machine client, by GroupBinding; nobody asks the cluster.
    assert registry.ask(machine_token()) == 200
    accepted = registry.events[-1]
    assert isinstance(accepted, TokenAccepted)
    assert (accepted.principal.machine, accepted.principal.groups[0]) == (True, f"client:{PIPELINE}")
    assert (len(registry.evaluated), registry.was_left_alone) == (1, True)
    # The cluster's: delegated, without a GroupBinding.
    assert registry.ask(service_account_token(cluster, mode)) == 200
    assert (len(registry.evaluated), registry.was_left_alone) == (1, False)
    # A bad one of either has no second way.
    assert registry.ask(machine_token(exp=1)) == 401
    assert registry.ask(service_account_token(cluster, mode, exp=1)) == 401
