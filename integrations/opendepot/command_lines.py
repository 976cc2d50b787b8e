"""The real command lines that ask a registry: OpenTofu, built from go.mod, and Terraform.

Knows the CLI's environment. Must not know bearergate.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from integrations.go_programs import GoModule

_OPENTOFU = GoModule(Path(__file__).parent, "github.com/opentofu/opentofu", cached_as="opentofu", go="1.24.13")
_SECONDS = 120
_ADDRESS = re.compile(r"https?://\S+response_type=code\S*")


def opentofu() -> Path:
    """OpenTofu, built when this version has not been built before (about four minutes of one core)."""
    return _OPENTOFU.built("tofu", package="github.com/opentofu/opentofu/cmd/tofu")


def terraform() -> Path | None:
    """Terraform, where it is installed."""
    found = shutil.which("terraform")
    return None if found is None else Path(found)


@dataclass(frozen=True)
class Done:
    """What a command said."""

    status: int
    output: str = field(repr=False)


@dataclass(frozen=True)
class CommandLine:
    """One of the two, with a home of its own, that trusts one certificate authority and reaches loopback only."""

    program: Path
    home: Path
    ca_file: Path

    def environment(self) -> dict[str, str]:
        """Nothing of whoever runs the tests."""
        nowhere = "http://127.0.0.1:9"
        return {
            "HOME": str(self.home),
            "PATH": os.defpath,
            "SSL_CERT_FILE": str(self.ca_file),
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
            "HTTPS_PROXY": nowhere,
            "HTTP_PROXY": nowhere,
            "NO_PROXY": "127.0.0.1,localhost",
        }

    def init(self, configuration: str, *, token: str | None, host: str, folder: Path) -> Done:
        """`init` in a new folder with this configuration; the token is in the credentials of the host."""
        folder.mkdir()
        (folder / "main.tf").write_text(configuration, encoding="utf-8")
        credentials = "" if token is None else f'credentials "{host}" {{\n  token = "{token}"\n}}\n'
        for name in (".tofurc", ".terraformrc"):
            (self.home / name).write_text(credentials, encoding="utf-8")
        return self.run("init", "-no-color", "-input=false", cwd=folder)

    def run(self, *arguments: str, cwd: Path, more: Mapping[str, str] | None = None) -> Done:
        """A command to its end."""
        finished = subprocess.run(
            [str(self.program), *arguments],
            cwd=cwd,
            env={**self.environment(), **(more or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        return Done(finished.returncode, finished.stdout + finished.stderr)

    def login(self, host: str, browse: Callable[[str], None]) -> Done:
        """`login` as somebody does it who says yes and opens the address that is shown in a browser."""
        (self.home / ".terraform.d").mkdir(exist_ok=True)
        # No program that could open one is on the path: the address is shown instead.
        environment = {**self.environment(), "PATH": str(self.home)}
        with subprocess.Popen(
            [str(self.program), "login", "-no-color", host],
            cwd=self.home,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            cut = threading.Timer(_SECONDS, process.kill)
            cut.start()
            try:
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write("yes\n")
                process.stdin.flush()
                said = []
                for line in process.stdout:
                    said.append(line)
                    address = _ADDRESS.search(line)
                    if address is not None:
                        browse(address[0])
                return Done(process.wait(), "".join(said))
            finally:
                cut.cancel()
                process.kill()
