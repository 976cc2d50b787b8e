"""The Dex binary and its password hasher: built once from go.mod, kept outside the repository.

Knows Go and the cache folder. Must not know Dex's configuration, tokens or ports.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from integrations.processes import IntegrationError, cache_folder, find_program, run

_HERE = Path(__file__).parent
_REQUIREMENT = re.compile(r"^\s*(?:require )?github\.com/dexidp/dex (v\S+)", re.MULTILINE)


def dex_version() -> str:
    """The pseudo-version of Dex that go.mod names."""
    found = _REQUIREMENT.search((_HERE / "go.mod").read_text())
    if found is None:
        raise IntegrationError("integrations/dex/go.mod names no version of github.com/dexidp/dex.")
    return found.group(1)


def dex_binary() -> Path:
    """Dex, built when this version of it has not been built before (a minute or two on two cores)."""
    return _built("dex", package="github.com/dexidp/dex/cmd/dex")


def hash_password(password: str) -> str:
    """The bcrypt hash of a password."""
    hasher = _built("hash_password", package="./hash_password")
    return run([str(hasher)], cwd=_HERE, purpose="hashing a password", stdin=password).strip()


def _built(name: str, *, package: str) -> Path:
    folder = cache_folder(f"dex-{dex_version()}")
    binary = folder / name
    if binary.exists():
        return binary
    go = find_program("go", install="Go 1.25.8 or later, with which Dex is built")
    # Built beside its place and moved there in one step: another test run never meets half a binary.
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        finished = Path(scratch) / name
        run(
            [go, "build", "-mod=readonly", "-trimpath", "-ldflags=-s -w", "-o", str(finished), package],
            cwd=_HERE,
            purpose=f"building {package}",
            # Without cgo Dex has no SQLite, which the memory storage does not need, and no C compiler is asked for.
            environment={"CGO_ENABLED": "0"},
        )
        finished.replace(binary)
    return binary
