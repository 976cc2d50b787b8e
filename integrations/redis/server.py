"""`running_redis()`: one real Redis or Valkey server on loopback and on a unix socket, with the options a test wants.

Knows how to start, ask, stop and suspend it by process id. Must not know what bearergate keeps there.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integrations.processes import IntegrationError, Server, find_program, free_port, wait_until
from integrations.redis.certificates import Certificates
from redis import Redis, RedisError

PROGRAMS = tuple(name for name in ("redis-server", "valkey-server") if shutil.which(name))
"""The servers that are installed."""


class _Process(Server):
    """Ready when it answers a PING on its socket."""

    def __init__(self, command: list[str], *, log: Path, socket: Path) -> None:
        super().__init__(command, log=log, ready_url=f"unix://{socket}")
        self._socket = socket

    def _is_ready(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise IntegrationError(f"`{self._command[0]}` ended with code {self._process.returncode} while starting.")
        with Redis(unix_socket_path=str(self._socket), socket_timeout=1.0, protocol=2) as client:
            try:
                return bool(client.ping())
            except RedisError as error:
                # It is there, but wants to know who asks.
                return "NOAUTH" in str(error) or "Authentication" in str(error)


@dataclass(frozen=True, slots=True)
class RunningRedis:
    """A server that runs until the block ends. Restarted, it has forgotten everything and is where it was."""

    process: _Process
    port: int
    tls_port: int
    socket: Path
    password: str | None

    @property
    def url(self) -> str:
        """Where it listens, with the password of the default user if there is one."""
        return self.url_of(None, self.password)

    def url_of(self, user: str | None, password: str | None, *, scheme: str = "redis", port: int | None = None) -> str:
        """The same for another user."""
        who = f"{user or ''}:{password}@" if password else ""
        return f"{scheme}://{who}127.0.0.1:{port or self.port}/0"

    def ask(self, *command: Any) -> Any:
        """The answer to one command, asked as its operator."""
        with Redis(unix_socket_path=str(self.socket), password=self.password, protocol=2) as client:
            return client.execute_command(*command)

    def commands(self) -> dict[str, int]:
        """How often each command was called since `forget_commands`, those of the operator left out."""
        stats: dict[str, dict[str, int]] = self.ask("INFO", "commandstats")
        names = {name.removeprefix("cmdstat_"): told["calls"] for name, told in stats.items()}
        return {name: calls for name, calls in names.items() if not name.startswith(("info", "config", "acl", "auth"))}

    def forget_commands(self) -> None:
        """Count anew."""
        self.ask("CONFIG", "RESETSTAT")

    def clients(self) -> int:
        """How many connections are open, the one that asks left out."""
        return len(self.ask("CLIENT", "LIST").splitlines()) - 1

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """It accepts connections inside the block and says nothing: the kernel accepts, the process does not run."""
        pid = self.process.pid
        if pid is None:
            raise IntegrationError("the server does not run.")
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Connections to it are refused inside the block."""
        self.process.stop()
        try:
            yield
        finally:
            self.process.start()


@contextmanager
def running_redis(
    *options: str, program: str = "redis-server", password: str | None = None, certificates: Certificates | None = None
) -> Iterator[RunningRedis]:
    """A server with further command-line options. `certificates`: it also listens for TLS."""
    found = find_program(program, install=f"the Debian package `{program}`")
    with tempfile.TemporaryDirectory(prefix="bearergate-redis-") as name:
        folder = Path(name)
        port, tls_port = free_port(), free_port() if certificates else 0
        socket = folder / "redis.sock"
        command = [
            *_unprivileged(folder),
            *(found, "--bind", "127.0.0.1", "--port", str(port), "--unixsocket", str(socket), "--dir", name),
            *("--save", "", "--appendonly", "no", "--daemonize", "no", "--unixsocketperm", "777"),
            *(_tls(certificates, folder, tls_port) if certificates else ()),
            *(("--requirepass", password) if password else ()),
            *options,
        ]
        process = _Process(command, log=folder / "redis.log", socket=socket)
        process.start()
        try:
            yield RunningRedis(process, port, tls_port, socket, password)
        finally:
            process.stop()
            with suppress(FileNotFoundError):
                socket.unlink()


def until_synchronized(replica: RunningRedis) -> None:
    """Wait until a replica has what its master has."""

    def is_up() -> bool:
        told: dict[str, Any] = replica.ask("INFO", "replication")
        return bool(told["master_link_status"] == "up")

    wait_until(is_up, deadline_seconds=20, what="the replica to follow its master")


def _tls(certificates: Certificates, folder: Path, port: int) -> tuple[str, ...]:
    for name, content in (("server.pem", certificates.server), ("server.key", certificates.server_key)):
        (folder / name).write_bytes(content)
        shutil.chown(folder / name, folder.owner())
    return (
        *("--tls-port", str(port), "--tls-auth-clients", "no"),
        *("--tls-cert-file", str(folder / "server.pem"), "--tls-key-file", str(folder / "server.key")),
    )


def _unprivileged(folder: Path) -> tuple[str, ...]:
    """What makes a server that root starts run as somebody else; the folder is theirs then."""
    if os.geteuid() != 0:
        return ()
    known = {entry.pw_name for entry in pwd.getpwall()}
    user = next((name for name in ("redis", "valkey", "nobody") if name in known), None)
    if user is None:
        raise IntegrationError("a Redis server needs an unprivileged user: create `redis`.")
    shutil.chown(folder, user)
    folder.chmod(0o755)
    setpriv = find_program("setpriv", install="the Debian package `util-linux`")
    return (setpriv, "--reuid", user, "--regid", str(pwd.getpwnam(user).pw_gid), "--clear-groups")
