"""`running_registry()`: one real Docker registry on loopback with the example configuration beside this file.

Knows how to render the configuration and how to start and stop the registry. Must not know who issues tokens: that is
only a port and a line of the configuration here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import urllib3

from integrations.processes import IntegrationError, Server, free_port

CONFIGURATION = Path(__file__).with_name("config.yml")


@dataclass(frozen=True, slots=True)
class Registry:
    """A running registry."""

    port: int

    @property
    def host(self) -> str:
        """As it stands in the name of an image."""
        return f"127.0.0.1:{self.port}"

    def ask(self, path: str, token: str | None = None) -> urllib3.BaseHTTPResponse:
        """What it answers to a client that has a token for it already."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        with urllib3.PoolManager(retries=False, timeout=20) as http:
            return http.request("GET", f"http://{self.host}{path}", headers=headers)


class _Process(Server):
    """Ready when it refuses a stranger."""

    def _is_ready(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise IntegrationError(f"`{self._command[0]}` ended with code {self._process.returncode} while starting.")
        try:
            with urllib3.PoolManager(retries=False, timeout=5) as http:
                return http.request("GET", self._ready_url).status == 401
        except urllib3.exceptions.HTTPError:
            return False


@contextmanager
def running_registry(*, service_port: int, program: str, keys: str) -> Iterator[Registry]:
    """A registry that sends clients to `service_port`. `keys`: the line that says whose tokens it trusts."""
    with tempfile.TemporaryDirectory(prefix="bearergate-registry-") as name:
        folder = Path(name)
        registry = Registry(free_port())
        values = {
            "storage": str(folder / "storage"),
            "port": str(registry.port),
            "service_port": str(service_port),
            "keys": keys,
        }
        text = CONFIGURATION.read_text(encoding="utf-8")
        for key, value in values.items():
            text = text.replace(f"@{key}@", value)
        (folder / "config.yml").write_text(text, encoding="utf-8")
        command = [program, "serve", str(folder / "config.yml")]
        # Traces are sent nowhere: nothing here listens for them.
        environment = {"OTEL_TRACES_EXPORTER": "none"}
        process = _Process(
            command, log=folder / "registry.log", ready_url=f"http://{registry.host}/v2/", environment=environment
        )
        process.start()
        try:
            yield registry
        finally:
            process.stop()
