"""A real PostgreSQL server on loopback, run by an unprivileged user, stopped by its process id.

Knows how to start, ask, suspend and stop it. Must not know what is kept there.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from integrations.processes import IntegrationError, Server, find_program, free_port

_INSTALL = "the Debian package `postgresql`"


def postgres_program(name: str) -> Path | None:
    """Where a program of the newest installed server is; Debian keeps them off the PATH."""
    on_path = shutil.which(name)
    if on_path is not None:
        return Path(on_path)
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    return versions[-1] if versions else None


@dataclass(frozen=True)
class RunningPostgres:
    """A server that runs until the block ends."""

    process: _Process
    port: int
    password: str

    @property
    def url(self) -> str:
        """Of a new, empty database."""
        name = f"d{secrets.token_hex(6)}"
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url_of(name)

    def url_of(self, database: str) -> str:
        """Of this database."""
        return f"postgresql://tester:{self.password}@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Connections are refused inside the block, and those that were open are cut."""
        self.process.stop()
        try:
            yield
        finally:
            self.process.start()


class _Process(Server):
    """Ready when it lets somebody in."""

    def __init__(self, command: list[str], *, log: Path, url: str) -> None:
        super().__init__(command, log=log, ready_url="postgresql://")
        self._url = url

    def stop(self) -> None:
        """Stop at once: SIGINT is its fast shutdown, SIGTERM waits for clients to leave."""
        if self._process is not None and self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGINT)
        super().stop()

    def _is_ready(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise IntegrationError(f"`{self._command[0]}` ended with code {self._process.returncode} while starting.")
        try:
            psycopg.connect(self._url, connect_timeout=2).close()
        except psycopg.Error:
            return False
        return True


@contextmanager
def running_postgres() -> Iterator[RunningPostgres]:
    """A new, empty server in a folder of its own."""
    initdb, server = postgres_program("initdb"), postgres_program("postgres")
    if initdb is None or server is None:
        raise IntegrationError(f"`postgres` is not installed: install {_INSTALL}.")
    password, port = secrets.token_hex(16), free_port()
    with tempfile.TemporaryDirectory(prefix="bearergate-postgres-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "password").write_text(password)
        data = folder / "data"
        who = _unprivileged(folder)
        make = (initdb, "-D", data, "-U", "tester", "-A", "scram-sha-256", "--pwfile", folder / "password", "--no-sync")
        subprocess.run([*who, *map(str, make)], check=True, capture_output=True, cwd=folder)
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": name, "fsync": "off"}
        command = [*who, str(server), "-D", str(data), "-p", str(port)]
        command += [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
        running = RunningPostgres(
            _Process(
                command,
                log=folder / "postgres.log",
                url=f"postgresql://tester:{password}@127.0.0.1:{port}/postgres",
            ),
            port,
            password,
        )
        running.process.start()
        try:
            yield running
        finally:
            running.process.stop()


def _unprivileged(folder: Path) -> tuple[str, ...]:
    """What makes a server that root starts run as somebody else, as it demands; the folder is theirs then."""
    if os.geteuid() != 0:
        return ()
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = next((known[name] for name in ("postgres", "nobody") if name in known), None)
    if user is None:
        raise IntegrationError("a PostgreSQL server needs an unprivileged user: create `postgres`.")
    for path in (folder, folder / "password"):
        shutil.chown(path, user.pw_uid)
    setpriv = find_program("setpriv", install="the Debian package `util-linux`")
    return (setpriv, "--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups")
