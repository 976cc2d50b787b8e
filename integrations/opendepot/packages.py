"""What a registry is filled with: module archives, provider packages, their sums, and a key that signs them.

All are made for one run. Knows the formats that Terraform and OpenTofu read, and gpg; no HTTP and no token.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from integrations.opendepot.storage import sums_name
from integrations.processes import find_program, run

_NOT_STARTED = b"#!/bin/sh\nexit 1\n"
"""A provider that is installed and never started."""


def add_module(storage: Path, name: str, *, version: str, text: str, namespace: str = "team") -> None:
    """A module for `aws` with one file in a gzipped tar archive."""
    folder = storage / "modules" / namespace / name / "aws"
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(folder / f"{version}.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("main.tf")
        member.size, member.mode = len(text.encode()), 0o644
        archive.addfile(member, io.BytesIO(text.encode()))


@dataclass(frozen=True)
class Publisher:
    """Whoever signs providers, with a keyring of one run."""

    gpg: str
    home: Path

    @property
    def key_id(self) -> str:
        """The long id of its one key."""
        listed = self._ask("--list-keys", "--with-colons")
        return next(line.split(":")[4] for line in listed.splitlines() if line.startswith("pub:"))

    def add_provider(
        self, storage: Path, name: str, *, version: str, platforms: tuple[str, ...], namespace: str = "team"
    ) -> None:
        """Packages of a provider for `os_arch` platforms, signed."""
        folder = storage / "providers" / namespace / name / version
        folder.mkdir(parents=True, exist_ok=True)
        sums = []
        for platform in platforms:
            package = folder / f"terraform-provider-{name}_{version}_{platform}.zip"
            with zipfile.ZipFile(package, "w") as archive:
                member = zipfile.ZipInfo(f"terraform-provider-{name}_v{version}")
                member.external_attr = 0o755 << 16
                archive.writestr(member, _NOT_STARTED)
            sums.append(f"{hashlib.sha256(package.read_bytes()).hexdigest()}  {package.name}\n")
        path = folder / sums_name(name, version)
        path.write_text("".join(sums), encoding="ascii")
        self._ask("--detach-sign", "--output", f"{path}.sig", str(path))
        keys = storage / "providers" / namespace / "keys"
        keys.mkdir(exist_ok=True)
        (keys / f"{self.key_id}.asc").write_text(self._ask("--armor", "--export"), encoding="ascii")

    def _ask(self, *arguments: str) -> str:
        command = [self.gpg, "--batch", "--yes", "--homedir", str(self.home), "--pinentry-mode", "loopback"]
        return run([*command, "--passphrase", "", *arguments], cwd=self.home, purpose=f"gpg {arguments[0]}")


@contextmanager
def publisher() -> Iterator[Publisher]:
    """A publisher with a new key; its keyring and its agent are gone at the end of the block."""
    gpg = find_program("gpg", install="GnuPG, with which providers are signed")
    # A short path of its own: gpg-agent listens on a socket in it.
    with tempfile.TemporaryDirectory(prefix="gpg-") as folder:
        home = Path(folder)
        signing = Publisher(gpg, home)
        try:
            signing._ask("--quick-generate-key", "team@example.test", "rsa2048", "sign", "1d")
            yield signing
        finally:
            run(
                [find_program("gpgconf", install="GnuPG"), "--homedir", folder, "--kill", "gpg-agent"],
                cwd=home,
                purpose="stopping gpg-agent",
            )
