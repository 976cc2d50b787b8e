"""A real API server with its etcd on loopback: service accounts, their tokens, and what they may do.

Knows the Kubernetes API. Must not know bearergate, and must not look into the tokens. There are no nodes: pods are
objects, and nothing runs in them.
"""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from integrations.kubernetes.binaries import api_server_binary, etcd_binary
from integrations.processes import IntegrationError, Server, free_port, running
from integrations.redis.certificates import make_certificates

ISSUER = "https://kubernetes.default.svc.cluster.local"
API_AUDIENCE = "https://kubernetes.default.svc"
_RBAC = "rbac.authorization.k8s.io"
_REVIEWER_ROLE = "tokenreviewer"
_START_SECONDS = 120.0


@dataclass(frozen=True)
class Answer:
    """What the API server answered."""

    status: int
    members: Mapping[str, Any]


@dataclass(frozen=True)
class Cluster:
    """A running API server, and what its administrator can do."""

    url: str
    ca_file: Path
    folder: Path
    administrator: str = field(repr=False)

    def ask(
        self, method: str, path: str, document: Mapping[str, Any] | None = None, token: str | None = None
    ) -> Answer:
        """One request, by the administrator unless another token is given; an empty one asks as nobody."""
        bearer = self.administrator if token is None else token
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        with urllib3.PoolManager(ca_certs=str(self.ca_file), retries=False) as pool:
            said = pool.request(method, self.url + path, headers=headers, json=document)
        return Answer(said.status, json.loads(said.data) if said.data.startswith(b"{") else {})

    def create(self, path: str, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """An object that must not be there yet."""
        answer = self.ask("POST", path, document)
        if answer.status != 201:
            raise IntegrationError(f"creating {path} ended with {answer.status}: {answer.members.get('message')}")
        return answer.members

    def delete(self, path: str) -> None:
        """Delete an object at once."""
        answer = self.ask("DELETE", path, {"gracePeriodSeconds": 0})
        if answer.status not in (200, 202):
            raise IntegrationError(f"deleting {path} ended with {answer.status}: {answer.members.get('message')}")

    def create_account(self, namespace: str, name: str) -> str:
        """A service account; its uid."""
        if self.ask("GET", f"/api/v1/namespaces/{namespace}").status == 404:
            self.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
        made = self.create(f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": name}})
        return str(made["metadata"]["uid"])

    def create_pod(self, namespace: str, name: str, account: str) -> str:
        """A pod that is scheduled nowhere; its uid."""
        containers = [{"name": "main", "image": "none"}]
        spec = {"serviceAccountName": account, "containers": containers}
        made = self.create(f"/api/v1/namespaces/{namespace}/pods", {"metadata": {"name": name}, "spec": spec})
        return str(made["metadata"]["uid"])

    def token(self, namespace: str, name: str, *audiences: str, pod: tuple[str, str] | None = None) -> str:
        """A token as kubelet gets it for a projected volume. `pod`: name and uid of the pod that it dies with."""
        spec: dict[str, Any] = {"audiences": list(audiences), "expirationSeconds": 600}
        if pod is not None:
            spec["boundObjectRef"] = {"apiVersion": "v1", "kind": "Pod", "name": pod[0], "uid": pod[1]}
        made = self.create(f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token", {"spec": spec})
        return str(made["status"]["token"])

    def let_review(self, namespace: str, name: str) -> None:
        """Let a service account create TokenReviews, and nothing else."""
        rules = [{"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]}]
        roles = f"/apis/{_RBAC}/v1/clusterroles"
        if self.ask("GET", f"{roles}/{_REVIEWER_ROLE}").status == 404:
            self.create(roles, {"metadata": {"name": _REVIEWER_ROLE}, "rules": rules})
        self._bind(_REVIEWER_ROLE, {"kind": "ServiceAccount", "namespace": namespace, "name": name})

    def let_everybody_read_the_keys(self) -> None:
        """Publish the issuer's keys without authentication, as managed clusters do."""
        self._bind("system:service-account-issuer-discovery", {"kind": "Group", "name": "system:unauthenticated"})

    def let_list_config_maps(self, namespace: str, name: str) -> None:
        """Let a service account list what its namespace has of them."""
        rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]
        below = f"/apis/{_RBAC}/v1/namespaces/{namespace}"
        self.create(f"{below}/roles", {"metadata": {"name": name}, "rules": rules})
        subject = {"kind": "ServiceAccount", "namespace": namespace, "name": name}
        self.create(f"{below}/rolebindings", _binding("Role", name, name, subject))

    def _bind(self, role: str, subject: Mapping[str, str]) -> None:
        name = f"{role}-{subject['name']}".replace(":", "-")
        self.create(f"/apis/{_RBAC}/v1/clusterrolebindings", _binding("ClusterRole", name, role, subject))


def _binding(kind: str, name: str, role: str, subject: Mapping[str, str]) -> dict[str, Any]:
    reference = {"apiGroup": _RBAC, "kind": kind, "name": role}
    return {"metadata": {"name": name}, "roleRef": reference, "subjects": [subject]}


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """A cluster of its own, gone when the block ends."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        administrator = secrets.token_urlsafe(32)
        (folder / "tokens.csv").write_text(f'{administrator},administrator,1,"system:masters"\n')
        (folder / "tokens.csv").chmod(0o600)
        with running(_etcd(folder, storage := free_port())), running(api := _api_server(folder, storage)):
            yield Cluster(api.url, folder / "ca.crt", folder, administrator)


def _etcd(folder: Path, port: int) -> Server:
    clients, peers = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{free_port()}"
    options = {
        "data-dir": str(folder / "etcd"),
        "listen-client-urls": clients,
        "advertise-client-urls": clients,
        "listen-peer-urls": peers,
        "initial-advertise-peer-urls": peers,
        "initial-cluster": f"default={peers}",
    }
    command = [str(etcd_binary()), "--unsafe-no-fsync", *(f"--{name}={value}" for name, value in options.items())]
    return Server(command, log=folder / "etcd.log", ready_url=f"{clients}/health")


class _ApiServer(Server):
    """Ready when it says so over TLS."""

    def __init__(self, command: list[str], *, log: Path, url: str, ca_file: Path) -> None:
        super().__init__(command, log=log, ready_url=f"{url}/readyz")
        self.url = url
        self._ca_file = ca_file

    def start(self, *extra_arguments: str, deadline_seconds: float = _START_SECONDS) -> None:
        super().start(*extra_arguments, deadline_seconds=deadline_seconds)

    def _is_ready(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise IntegrationError(f"kube-apiserver ended with code {self._process.returncode} while starting.")
        try:
            with urllib3.PoolManager(ca_certs=str(self._ca_file), retries=False) as pool:
                return pool.request("GET", self._ready_url).status == 200
        except urllib3.exceptions.HTTPError:
            return False


def _api_server(folder: Path, storage: int) -> _ApiServer:
    certificates = make_certificates()
    (folder / "ca.crt").write_bytes(certificates.authority)
    (folder / "tls.crt").write_bytes(certificates.server)
    (folder / "tls.key").write_bytes(certificates.server_key)
    key = ec.generate_private_key(ec.SECP256R1())
    (folder / "sa.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "sa.pub").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    port = free_port()
    options = {
        "etcd-servers": f"http://127.0.0.1:{storage}",
        "bind-address": "127.0.0.1",
        "external-hostname": "127.0.0.1",
        "secure-port": str(port),
        "cert-dir": str(folder / "certificates"),
        "tls-cert-file": str(folder / "tls.crt"),
        "tls-private-key-file": str(folder / "tls.key"),
        "token-auth-file": str(folder / "tokens.csv"),
        "authorization-mode": "RBAC",
        "api-audiences": API_AUDIENCE,
        "service-account-issuer": ISSUER,
        "service-account-signing-key-file": str(folder / "sa.key"),
        "service-account-key-file": str(folder / "sa.pub"),
        "service-account-jwks-uri": f"https://127.0.0.1:{port}/openid/v1/jwks",
        "service-cluster-ip-range": "10.0.0.0/24",
        # Without nodes and controllers nobody would make what this one waits for.
        "disable-admission-plugins": "ServiceAccount",
        "endpoint-reconciler-type": "none",
    }
    command = [str(api_server_binary()), *(f"--{name}={value}" for name, value in options.items())]
    return _ApiServer(command, log=folder / "api.log", url=f"https://127.0.0.1:{port}", ca_file=folder / "ca.crt")
