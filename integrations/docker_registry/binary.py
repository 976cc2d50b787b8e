"""The two registries: the one of version 2 that is installed, and one of version 3 built from go.mod.

Must not know configurations, tokens or ports.
"""

from __future__ import annotations

from pathlib import Path

from integrations.go_programs import GoModule
from integrations.processes import find_program

_PACKAGE = "github.com/distribution/distribution/v3"
_VERSION_3 = GoModule(Path(__file__).parent, _PACKAGE, cached_as="docker-registry", go="1.25")


def version_2() -> str:
    """The registry that Debian packages."""
    return find_program("docker-registry", install="the Debian package `docker-registry`")


def version_3() -> str:
    """The registry that go.mod names, built when it has not been built before (some minutes on two cores)."""
    return str(_VERSION_3.built("registry", package=f"{_PACKAGE}/cmd/registry"))
