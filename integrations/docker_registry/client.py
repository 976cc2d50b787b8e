"""skopeo, a real client of registries, and an image that is made here: nothing is pulled from outside.

Knows how to push and to pull with a user name and a password. Must not know what the two are.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from integrations.processes import find_program

_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the client presents to whoever asks."""

    username: str
    password: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run of the client ended, and what it said."""

    succeeded: bool
    said: str


def image(folder: Path, content: bytes) -> Path:
    """An OCI image layout with one layer that holds one file."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("hello.txt")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))

    def blob(raw: bytes, media_type: str) -> dict[str, object]:
        digest = hashlib.sha256(raw).hexdigest()
        (blobs / digest).write_bytes(raw)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(raw)}

    layer = blob(gzip.compress(packed.getvalue(), mtime=0), "application/vnd.oci.image.layer.v1.tar+gzip")
    unpacked = f"sha256:{hashlib.sha256(packed.getvalue()).hexdigest()}"
    settings = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [unpacked]},
    }
    config = blob(json.dumps(settings).encode(), "application/vnd.oci.image.config.v1+json")
    manifest_type = "application/vnd.oci.image.manifest.v1+json"
    manifest = {"schemaVersion": 2, "mediaType": manifest_type, "config": config, "layers": [layer]}
    index = {"schemaVersion": 2, "manifests": [blob(json.dumps(manifest).encode(), manifest_type)]}
    (folder / "index.json").write_text(json.dumps(index), encoding="utf-8")
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}', encoding="utf-8")
    return folder


def layers_of(folder: Path) -> set[str]:
    """The digests of all blobs of an image layout."""
    return {path.name for path in (folder / "blobs" / "sha256").iterdir()}


@dataclass(frozen=True, slots=True)
class Skopeo:
    """The client, with a home of its own."""

    home: Path
    host: str

    def push(self, layout: Path, repository: str, credentials: Credentials | None) -> Outcome:
        """Copy an image from a layout to the registry."""
        target = f"docker://{self.host}/{repository}"
        return self._run("copy", "--dest-tls-verify=false", f"oci:{layout}", target, credentials=credentials)

    def pull(self, repository: str, layout: Path, credentials: Credentials | None) -> Outcome:
        """Copy an image from the registry to a layout."""
        source = f"docker://{self.host}/{repository}"
        return self._run("copy", "--src-tls-verify=false", source, f"oci:{layout}:latest", credentials=credentials)

    def delete(self, repository: str, credentials: Credentials | None) -> Outcome:
        """Delete an image."""
        return self._run("delete", "--tls-verify=false", f"docker://{self.host}/{repository}", credentials=credentials)

    def _run(self, *arguments: str, credentials: Credentials | None) -> Outcome:
        program = find_program("skopeo", install="the Debian package `skopeo`")
        # In a file and not on the command line, which every user of the machine can read.
        authfile = self.home / "auth.json"
        authfile.write_text(json.dumps({"auths": self._auths(credentials)}), encoding="utf-8")
        authfile.chmod(0o600)
        verb, *rest = arguments
        finished = subprocess.run(
            [program, "--insecure-policy", verb, "--authfile", str(authfile), *rest],
            env={**os.environ, "HOME": str(self.home), "XDG_RUNTIME_DIR": str(self.home)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        return Outcome(finished.returncode == 0, finished.stdout + finished.stderr)

    def _auths(self, credentials: Credentials | None) -> dict[str, dict[str, str]]:
        if credentials is None:
            return {}
        pair = f"{credentials.username}:{credentials.password}".encode()
        return {self.host: {"auth": base64.b64encode(pair).decode("ascii")}}
