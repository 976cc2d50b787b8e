"""Remarks on a configuration and the rules that make them, as values. Knows no rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from bearergate.config.settings import Settings
from bearergate.core.policy import IssuerPolicy


class Level(StrEnum):
    """How much a remark matters."""

    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Place:
    """A setting and where it comes from."""

    path: str
    origin: str


@dataclass(frozen=True, slots=True)
class Remark:
    """What deserves a look. `code` is stable; `says` is what is permitted or differs, `cure` what to do about it."""

    code: str
    level: Level
    says: str
    cure: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """What a rule says of one setting; the same said of several settings becomes one remark."""

    path: str
    says: str
    cure: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that is looked for."""

    code: str
    level: Level
    look: Callable[[Settings], Iterable[Said]]


def of_issuers(
    settings: Settings, key: str, holds: Callable[[IssuerPolicy], bool]
) -> Iterator[tuple[str, IssuerPolicy]]:
    """The policies of which something holds, each with the path of a setting of theirs."""
    for index, policy in enumerate(settings.issuers):
        if holds(policy):
            yield f"issuers[{index}].{key}", policy
