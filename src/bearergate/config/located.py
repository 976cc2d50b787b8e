"""A configured value together with where it was written, and the findings of what is wrong with such values.

Every source (environment, Flask, file, code, preset, profile) becomes this one form. Knows no key and no meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from bearergate.core.errors import ConfigError, Problem

CODE: Final = "code"
DEFAULT: Final = "default"
STAND_IN: Final = "https://issuer.invalid"
"""Takes the place of what cannot be used, so that the rest is looked at too; a problem is noted by then."""


@dataclass(frozen=True, slots=True)
class Located:
    """One value: its path and name as the operator wrote them, and its origin (`file gate.yaml line 12`)."""

    value: object
    path: str
    name: str
    origin: str
    items: tuple[Located, ...] | None = None
    """The items, when the value is a list."""
    members: Mapping[str, Located] | None = None
    """The members, when the value is a mapping."""

    @property
    def kind(self) -> str:
        """The type of the value, as an error message names it."""
        return "null" if self.value is None else type(self.value).__name__

    @property
    def brought(self) -> bool:
        """Whether a preset or profile brought the value, so that no operator wrote it."""
        return self.origin.startswith(("preset ", "profile "))


class Findings:
    """What the reading of one configuration found: problems, warnings, and the origin of each effective setting."""

    def __init__(self) -> None:
        # Dictionaries for their order and because settings shared by several issuers are read once per issuer.
        self._problems: dict[Problem, None] = {}
        self._warnings: dict[str, None] = {}
        self.provenance: dict[str, str] = {}

    def problem(self, at: Located, text: str, cure: str = "") -> None:
        """Note what is wrong with a value; `text` goes on where its name ends."""
        self.sentence(at, f"{at.name} {text}", cure)

    def sentence(self, at: Located, text: str, cure: str = "") -> None:
        """The same with a text that names the value itself."""
        # An origin that only repeats the path (`environment OIDC_LEEWAY`) tells the operator nothing.
        known = at.origin == CODE or at.origin.endswith(at.path)
        self.add(Problem(at.path, text, cure, "" if known else at.origin))

    def add(self, problem: Problem) -> None:
        """Note a problem that belongs to no written value."""
        self._problems[problem] = None

    def warn(self, text: str) -> None:
        """Note what deserves a look but stops nothing."""
        self._warnings[text] = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """Every warning, in the order of discovery."""
        return tuple(self._warnings)

    def raise_problems(self) -> None:
        """Raise ConfigError with every problem at once, if there is any."""
        if self._problems:
            raise ConfigError(self._problems)


def locate(value: object, path: str, origin_of: Callable[[str], str], name: str | None = None) -> Located:
    """Plain data with the origin of each of its parts, asked for by path."""
    own = path if name is None else name
    items: tuple[Located, ...] | None = None
    members: dict[str, Located] | None = None
    if isinstance(value, list):
        items = tuple(
            locate(item, f"{path}[{index}]", origin_of, f"{own}[{index}]") for index, item in enumerate(value)
        )
    elif isinstance(value, Mapping):
        members = {
            str(key): locate(member, f"{path}.{key}" if path else str(key), origin_of, str(key))
            for key, member in value.items()
        }
    return Located(value, path, own, origin_of(path), items, members)
