"""The registry as operators start it, with TLS on loopback, and a client that asks it.

Knows processes, certificates of one run and HTTP. Must not know any identity provider.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3
import yaml

from integrations.opendepot.registry import DISCOVERY
from integrations.processes import Server, free_port, running
from integrations.redis.certificates import make_certificates


@dataclass(frozen=True)
class RunningRegistry:
    """A running registry, and what it was started with."""

    folder: Path
    port: int
    http: urllib3.PoolManager = field(repr=False)

    @property
    def host(self) -> str:
        """As it stands in the sources of modules and providers."""
        return f"127.0.0.1:{self.port}"

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def storage(self) -> Path:
        return self.folder / "storage"

    @property
    def log(self) -> str:
        return (self.folder / "registry.log").read_text(encoding="utf-8")

    def get(self, path: str, token: str | None = None, *, method: str = "GET") -> urllib3.BaseHTTPResponse:
        """The answer to a request."""
        # A connection that is kept would keep the server from stopping at once.
        headers = {"Connection": "close"} | ({} if token is None else {"Authorization": f"Bearer {token}"})
        url = path if path.startswith("https:") else f"https://{self.host}{path}"
        return self.http.request(method, url, headers=headers, redirect=False)

    def status(self, path: str, token: str | None = None) -> int:
        return self.get(path, token).status

    def bind(self, name: str, expression: str, **lists: Any) -> None:
        """Write the manifest of a GroupBinding, in one step, as a volume of Kubernetes appears."""
        manifest = {
            "apiVersion": "opendepot.defdev.io/v1alpha1",
            "kind": "GroupBinding",
            "metadata": {"name": name, "namespace": "opendepot-system"},
            "spec": {"expression": expression, **lists},
        }
        self.write_manifest(name, yaml.safe_dump(manifest))

    def write_manifest(self, name: str, text: str) -> None:
        half = self.folder / f"{name}.half"
        half.write_text(text, encoding="utf-8")
        half.rename(self.manifest(name))

    def manifest(self, name: str) -> Path:
        return self.folder / "bindings" / f"{name}.yaml"


def prepare(folder: Path) -> RunningRegistry:
    """The folders of a registry that is not started yet: nothing is in them but its certificates."""
    for name in ("storage", "bindings"):
        (folder / name).mkdir()
    certificates = make_certificates()
    (folder / "ca.pem").write_bytes(certificates.authority)
    (folder / "tls.pem").write_bytes(certificates.server)
    (folder / "tls.key").write_bytes(certificates.server_key)
    http = urllib3.PoolManager(ca_certs=str(folder / "ca.pem"), timeout=urllib3.Timeout(total=10), retries=False)
    return RunningRegistry(folder, free_port(), http)


@contextmanager
def serving(registry: RunningRegistry, *flags: str, environment: Mapping[str, str] | None = None) -> Iterator[None]:
    """The registry, started with these flags and stopped at the end of the block."""
    own = {
        "--storage": registry.storage,
        "--group-bindings": registry.folder / "bindings",
        "--port": registry.port,
        "--tls-certificate": registry.folder / "tls.pem",
        "--tls-key": registry.folder / "tls.key",
    }
    command = [sys.executable, "-m", "integrations.opendepot", *(str(part) for pair in own.items() for part in pair)]
    server = Server(
        [*command, *flags],
        log=registry.folder / "registry.log",
        ready_url=f"https://{registry.host}{DISCOVERY}",
        environment=environment,
        ca_file=registry.ca_file,
    )
    with running(server), registry.http:
        yield
