"""What every library is given: tokens of one algorithm, good and bad, with the key that proves them.

Plain data that travels between processes as JSON. Loads no library, so that a worker holds only what it measures.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

ALGORITHMS: Final = ("RS256", "ES256", "EdDSA")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Many different tokens of one kind, and what a resource server that accepts them is configured with."""

    algorithm: str
    issuers: list[str]
    """The trusted issuers; nearly always one."""
    audience: str
    client: str
    jwks: dict[str, Any]
    pem: str
    """The public key, for libraries that do not read JWK Sets."""
    tokens: list[str]
    bad: dict[str, str]
    """A token for each thing that a library must notice."""


def save(scenes: Mapping[str, Scene], path: Path) -> None:
    path.write_text(json.dumps({name: asdict(scene) for name, scene in scenes.items()}), encoding="ascii")


def load(path: Path) -> dict[str, Scene]:
    return {name: Scene(**scene) for name, scene in json.loads(path.read_text(encoding="ascii")).items()}
