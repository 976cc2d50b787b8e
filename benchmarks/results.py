"""Results: figures with the machine they were taken on, as they are committed. Knows no process and no layout."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "runs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One cell of one table: a ratio, and what it is a ratio of."""

    group: str
    name: str
    column: str
    """RS256, ES256, EdDSA, or what else tells figures of one name apart."""
    base: str
    """What 1.00 is."""
    ratio: float
    low: float
    high: float
    """Quartiles over the rounds."""
    amount: float
    unit: str
    """The same in a unit of its own, for example microseconds on this machine."""

    @property
    def key(self) -> str:
        return f"{self.group} / {self.name} / {self.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """One run."""

    date: str
    """Day of the run, UTC."""
    quick: bool
    rounds: int
    machine: Mapping[str, str]
    versions: Mapping[str, str]
    units: Mapping[str, float]
    """Microseconds of one raw check on this machine, by algorithm."""
    figures: list[Figure]
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Groups and names that could not be measured here, each with the reason."""

    @property
    def by_key(self) -> dict[str, Figure]:
        return {figure.key: figure for figure in self.figures}

    def of(self, group: str) -> list[Figure]:
        return [figure for figure in self.figures if figure.group == group]

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="ascii")

    @classmethod
    def load(cls, path: Path) -> Results:
        members = json.loads(path.read_text(encoding="ascii"))
        return cls(**{**members, "figures": [Figure(**figure) for figure in members["figures"]]})


def newest(folder: Path = FOLDER) -> Path | None:
    """The last results by date, and of one day by name; None where there are none."""
    return max(folder.glob("*.json"), key=lambda path: path.name, default=None)
