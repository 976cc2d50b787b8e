"""`running_nginx()`: one real nginx on loopback with the example configuration beside this file.

Knows how to render the configuration and how to start and stop nginx. Must not know the gate: it is only a port here.
"""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from integrations.processes import IntegrationError, Server, free_port

CONFIGURATION = Path(__file__).with_name("nginx.conf")
HEALTH_PATH = "/nginx-health"
# Debian keeps nginx where only root's PATH leads.
_SEARCH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])


@dataclass(frozen=True, slots=True)
class Nginx:
    """A running nginx."""

    port: int

    @property
    def url(self) -> str:
        """Where it listens, without a trailing slash."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def running_nginx(*, gate_port: int, upstream_port: int) -> Iterator[Nginx]:
    """nginx in front of `upstream_port`, asking the gate on `gate_port` about every request."""
    nginx = _nginx()
    with tempfile.TemporaryDirectory(prefix="bearergate-nginx-") as name:
        folder = Path(name)
        port = free_port()
        _write(folder, {"listen_port": port, "gate_port": gate_port, "upstream_port": upstream_port})
        log = folder / "nginx.log"
        command = [nginx, "-p", f"{folder}/", "-c", "nginx.conf", "-e", "error.log", "-g", _globals()]
        server = Server(command, log=log, ready_url=f"http://127.0.0.1:{port}{HEALTH_PATH}")
        server.start()
        try:
            yield Nginx(port)
        finally:
            server.stop()


def _write(folder: Path, ports: Mapping[str, int]) -> None:
    text = CONFIGURATION.read_text(encoding="utf-8")
    for name, port in ports.items():
        text = text.replace(f"@{name}@", str(port))
    (folder / "nginx.conf").write_text(text, encoding="utf-8")
    (folder / "temporary").mkdir()
    # Workers of a root master are another user, who has to get through to the temporary files that nginx hands to it.
    folder.chmod(0o711)


def _globals() -> str:
    # In the foreground the process id that we started is the one to stop.
    settings = "daemon off;"
    if os.geteuid() == 0:
        settings += f" user {_unprivileged_user()};"
    return settings


def _unprivileged_user() -> str:
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in ("www-data", "nginx", "nobody"):
        if name in known:
            return name
    raise IntegrationError("nginx workers need an unprivileged user: create `www-data`.")


def _nginx() -> str:
    found = shutil.which("nginx", path=_SEARCH)
    if found is None:
        raise IntegrationError("`nginx` is not installed: install the Debian package `nginx`.")
    return found
