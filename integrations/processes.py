"""Starting, reaching and stopping real servers on loopback.

Knows processes, ports, log files, the cache folder and plain HTTP. Must not know any identity provider, token or claim.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import urllib3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_LOG_LINES_IN_ERRORS = 15
_POLL_SECONDS = 0.05
_STOP_SECONDS = 5.0
_HTTP_SECONDS = 10.0


class IntegrationError(Exception):
    """A real system could not be built, started or reached; the message is what to do about it."""


def free_port() -> int:
    """A loopback port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def find_program(name: str, *, install: str) -> str:
    """Where `name` is, or an error that says what to install."""
    found = shutil.which(name)
    if found is None:
        raise IntegrationError(f"`{name}` is not on the PATH: install {install}.")
    return found


def cache_folder(name: str) -> Path:
    """A folder outside the repository for what is slow to build and safe to delete."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(root) / "bearergate" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run(
    command: Sequence[str], *, cwd: Path, purpose: str, environment: Mapping[str, str] | None = None, stdin: str = ""
) -> str:
    """Run a command to its end and return what it printed; a failure names the purpose and shows the last lines."""
    finished = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        raise IntegrationError(f"{purpose} failed with exit code {finished.returncode}:\n{_tail(finished.stderr)}")
    return finished.stdout


class Server:
    """One server process that can be started again with the same command on the same port."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        ready_url: str,
        environment: Mapping[str, str] | None = None,
        ca_file: Path | None = None,
    ) -> None:
        """`ca_file`: whom to trust at the ready URL, instead of the system's store."""
        self._command = list(command)
        self._log = log
        self._ready_url = ready_url
        self._ca_file = ca_file
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return None if self._process is None else self._process.pid

    def start(self, *extra_arguments: str, deadline_seconds: float = 30.0) -> None:
        """Start and wait until the ready URL answers 200; what does not become ready is stopped again."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command, *extra_arguments],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            wait_until(self._is_ready, deadline_seconds=deadline_seconds, what=f"{self._ready_url} to answer")
        except BaseException as error:
            self.stop()
            if isinstance(error, IntegrationError):
                raise IntegrationError(f"{error}\n{_tail(self._log.read_text(errors='replace'))}") from None
            raise

    def stop(self) -> None:
        """Terminate by process id, then kill; the process is reaped, so the port is free when this returns."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _is_ready(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise IntegrationError(f"`{self._command[0]}` ended with code {self._process.returncode} while starting.")
        return answers(self._ready_url, ca_file=self._ca_file)


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """The server, started; stopped however the block ends."""
    server.start()
    try:
        yield server
    finally:
        server.stop()


def wait_until(condition: Callable[[], bool], *, deadline_seconds: float, what: str) -> None:
    """Poll until the condition holds; the deadline is measured on the monotonic clock."""
    deadline = time.monotonic() + deadline_seconds
    while not condition():
        if time.monotonic() > deadline:
            raise IntegrationError(f"waited {deadline_seconds:g} seconds in vain for {what}.")
        time.sleep(_POLL_SECONDS)


def answers(url: str, *, ca_file: Path | None = None) -> bool:
    """Whether the URL answers 200 now."""
    try:
        return _request("GET", url, ca_file=ca_file).status == 200
    except IntegrationError:
        return False


def get_json(url: str) -> dict[str, object]:
    """The JSON object at a URL."""
    return _json_object(_request("GET", url), url)


def post_form(url: str, fields: Mapping[str, str], *, username: str, password: str) -> dict[str, object]:
    """POST a form with HTTP Basic credentials and return the JSON object of the answer."""
    headers = {
        **urllib3.make_headers(basic_auth=f"{username}:{password}"),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return _json_object(_request("POST", url, headers=headers, body=urlencode(fields)), url)


def _request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: str | None = None,
    ca_file: Path | None = None,
) -> urllib3.BaseHTTPResponse:
    # A pool for every request: a kept connection would break when the server behind it is restarted.
    try:
        trust = None if ca_file is None else str(ca_file)
        with urllib3.PoolManager(timeout=urllib3.Timeout(total=_HTTP_SECONDS), ca_certs=trust) as http:
            return http.request(method, url, headers=headers, body=body, retries=False)
    except urllib3.exceptions.HTTPError as error:
        raise IntegrationError(f"{url} cannot be reached: {error}.") from error


def _json_object(response: urllib3.BaseHTTPResponse, url: str) -> dict[str, object]:
    text = response.data.decode(errors="replace")
    if response.status != 200:
        raise IntegrationError(f"{url} answered {response.status}: {text[:500]}")
    document = json.loads(text)
    if not isinstance(document, dict):
        raise IntegrationError(f"{url} answered JSON that is not an object.")
    return document


def _tail(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-_LOG_LINES_IN_ERRORS:])
