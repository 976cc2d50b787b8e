"""The Dex binary and its password hasher, built from go.mod.

Must not know Dex's configuration, tokens or ports.
"""

from __future__ import annotations

from pathlib import Path

from integrations.go_programs import GoModule
from integrations.processes import run

_HERE = Path(__file__).parent
# Without cgo Dex has no SQLite, which the memory storage does not need.
_DEX = GoModule(_HERE, "github.com/dexidp/dex", cached_as="dex", go="1.25.8")


def dex_binary() -> Path:
    """Dex, built when this version of it has not been built before (a minute or two on two cores)."""
    return _DEX.built("dex", package="github.com/dexidp/dex/cmd/dex")


def hash_password(password: str) -> str:
    """The bcrypt hash of a password."""
    hasher = _DEX.built("hash_password", package="./hash_password")
    return run([str(hasher)], cwd=_HERE, purpose="hashing a password", stdin=password).strip()
