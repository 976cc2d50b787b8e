"""The two registries: the one of version 2 that is installed, and one of version 3 built once from go.mod.

Knows Go and the cache folder. Must not know configurations, tokens or ports.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from integrations.processes import IntegrationError, cache_folder, find_program, run

_HERE = Path(__file__).parent
_PACKAGE = "github.com/distribution/distribution/v3"
_REQUIREMENT = re.compile(rf"^\s*(?:require )?{re.escape(_PACKAGE)} (v\S+)", re.MULTILINE)


def version_2() -> str:
    """The registry that Debian packages."""
    return find_program("docker-registry", install="the Debian package `docker-registry`")


def version_3() -> str:
    """The registry that go.mod names, built when it has not been built before (some minutes on two cores)."""
    found = _REQUIREMENT.search((_HERE / "go.mod").read_text())
    if found is None:
        raise IntegrationError(f"integrations/docker_registry/go.mod names no version of {_PACKAGE}.")
    folder = cache_folder(f"docker-registry-{found[1]}")
    binary = folder / "registry"
    if binary.exists():
        return str(binary)
    go = find_program("go", install="Go 1.25 or later, with which the registry is built")
    # Built beside its place and moved there in one step: another test run never meets half a binary.
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        finished = Path(scratch) / "registry"
        run(
            [
                go,
                "build",
                "-mod=readonly",
                "-trimpath",
                "-ldflags=-s -w",
                "-o",
                str(finished),
                f"{_PACKAGE}/cmd/registry",
            ],
            cwd=_HERE,
            purpose="building the registry of version 3",
            # No C compiler is asked for.
            environment={"CGO_ENABLED": "0"},
        )
        finished.replace(binary)
    return str(binary)
