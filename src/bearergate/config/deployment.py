"""What an environment may say beside a schema: how a service is deployed, and never whom it trusts.

Each of these settings stands in the file or in a variable, and an error in both. Knows no meaning of theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from bearergate.config.located import DEFAULT, Findings, Located

SNAPSHOT: Final = "snapshot"
ALLOW_EXPIRED: Final = "allow_expired_snapshot"
SHARED: Final = "shared_keys"
URL: Final = f"{SHARED}.redis"
KEY: Final = f"{SHARED}.key"
URL_FILE: Final = f"{SHARED}.redis_file"
KEY_FILE: Final = f"{SHARED}.key_file"
VERDICT_CACHE: Final = "verdict_cache"
ENTRIES: Final = f"{VERDICT_CACHE}.entries"
REGISTRY: Final = "registry"
DATABASE: Final = f"{REGISTRY}.database"
DATABASE_FILE: Final = f"{REGISTRY}.database_file"

VARIABLES: Final[Mapping[str, str]] = {
    "BEARERGATE_SNAPSHOT": SNAPSHOT,
    "BEARERGATE_ALLOW_EXPIRED_SNAPSHOT": ALLOW_EXPIRED,
    "BEARERGATE_REDIS_URL": URL,
    "BEARERGATE_REDIS_URL_FILE": URL_FILE,
    "BEARERGATE_SHARED_KEY": KEY,
    "BEARERGATE_SHARED_KEY_FILE": KEY_FILE,
    "BEARERGATE_VERDICT_CACHE": ENTRIES,
    "BEARERGATE_REGISTRY_DATABASE": DATABASE,
    "BEARERGATE_REGISTRY_DATABASE_FILE": DATABASE_FILE,
}
"""Flat keys, and where in the schema each stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What is known besides the schema. `beside`: what the environment says, by its place in the schema."""

    beside: Mapping[str, Located] = field(default_factory=lambda: MappingProxyType({}))
    with_snapshot: bool = True
    """False leaves the snapshot file alone: whoever is about to write it may have none yet."""


@dataclass(frozen=True, slots=True)
class Written:
    """A setting as written, and the folder in which a relative path in it begins."""

    at: Located
    folder: Path
    names_file: bool


def beside(members: Mapping[str, Located]) -> Mapping[str, Located]:
    """The flat keys among these that describe the deployment, by their place in the schema."""
    return {VARIABLES[key]: at for key, at in members.items() if key in VARIABLES}


class Sources:
    """The file and the environment together, in which each setting stands once at most."""

    def __init__(
        self, in_file: Mapping[str, Located], folder: Path, deployment: Deployment, findings: Findings
    ) -> None:
        """`in_file`: what the file says, by its place in the schema; `folder`: of the file."""
        self._findings = findings
        self._places = (
            {place: Written(at, folder, place.endswith("_file")) for place, at in in_file.items()},
            {place: Written(at, Path(), place.endswith("_file")) for place, at in deployment.beside.items()},
        )

    def one(self, *places: str) -> Written | None:
        """What is written in one of these places; notes its origin, and a problem when it is written twice."""
        found = [said[place] for place in places for said in self._places if place in said]
        self._findings.provenance[places[0]] = found[0].at.origin if found else DEFAULT
        if len(found) > 1:
            first, second = found[0].at, found[1].at
            where = "" if first.origin.endswith(first.path) else f" ({first.origin})"
            self._findings.problem(second, f"cannot be used beside {first.path}{where}", "choose one of the two")
        return found[0] if found else None
