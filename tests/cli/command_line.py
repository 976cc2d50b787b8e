"""Runs the command line as users do: in a process of its own, with an environment that only the test fills."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from bearergate.testing import FakeIssuer

AUDIENCE = "https://api.test"
COMMAND = (sys.executable, "-m", "bearergate")
_OURS = ("OIDC_", "BEARERGATE_", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "CLICOLOR", "TTY_")


def environment(**variables: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return {**inherited, "COLUMNS": "80", "TERM": "xterm", **variables}


def trusting(*issuers: FakeIssuer, **more: str) -> dict[str, str]:
    return environment(OIDC_ISSUERS=",".join(issuer.issuer for issuer in issuers), OIDC_AUDIENCES=AUDIENCE, **more)


def run(
    *arguments: str, variables: Mapping[str, str] | None = None, stdin: str | bytes = ""
) -> subprocess.CompletedProcess[str]:
    finished = subprocess.run(
        [*COMMAND, *arguments],
        env=dict(variables or environment()),
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        timeout=30,
        check=False,
    )
    return subprocess.CompletedProcess(
        finished.args, finished.returncode, finished.stdout.decode(), finished.stderr.decode()
    )


@dataclass
class Serving:
    process: subprocess.Popen[str]
    announcement: str
    port: int

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def wait(self) -> tuple[int, str, str]:
        """Exit code and what was printed after the announcement."""
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


@contextmanager
def serving(*arguments: str, variables: Mapping[str, str], verb: str = "serve") -> Iterator[Serving]:
    process = subprocess.Popen(
        [*COMMAND, verb, "--port", "0", *arguments],
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        where = line.partition("http://")[2].partition("/")[0]
        yield Serving(process, line, int(where.rpartition(":")[2]))
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
