"""Typed readers over one mapping of the configuration. Each notes what is wrong and goes on, so that all is reported.

Strict: a boolean is no number, a string is no list, nothing is converted. Knows no particular key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TypeVar

from bearergate.config.cures import (
    AS_FLAG,
    AS_LIST,
    AS_MAPPING,
    AS_NUMBER,
    AS_STRINGS,
    AS_WHOLE,
    FILLED,
    WITHOUT_EMPTY,
    as_string,
)
from bearergate.config.located import DEFAULT, Findings, Located
from bearergate.config.spelling import nearest
from bearergate.core.claims import MAX_TEXT, is_plain

Choice = TypeVar("Choice", bound=StrEnum)


class Section:
    """One mapping while it is read. `path` is where its settings stand in the provenance; None keeps no provenance."""

    def __init__(self, members: Mapping[str, Located], findings: Findings, path: str | None = None) -> None:
        self.members = members
        self.findings = findings
        self.path = path

    def get(self, key: str) -> Located | None:
        """The member as written, or None; notes where the effective setting comes from."""
        found = self.members.get(key)
        if self.path is not None:
            place = f"{self.path}.{key}" if self.path else key
            self.findings.provenance[place] = DEFAULT if found is None else found.origin
        return found

    def text(self, key: str) -> str | None:
        """A non-empty string."""
        found = self.get(key)
        return None if found is None else read_text(found, self.findings)

    def texts(self, key: str) -> tuple[str, ...] | None:
        """A non-empty list of different non-empty strings."""
        found = self.get(key)
        return None if found is None else read_texts(found, self.findings)

    def flag(self, key: str, *, default: bool = False) -> bool:
        """A boolean."""
        found = self.get(key)
        if found is None:
            return default
        if isinstance(found.value, bool):
            return found.value
        self.findings.problem(found, f"must be true or false, got {found.kind}", AS_FLAG)
        return default

    def whole(self, key: str, minimum: int, maximum: int) -> int | None:
        """A whole number within bounds."""
        found = self.get(key)
        if found is None:
            return None
        value = found.value
        if isinstance(value, bool) or not isinstance(value, int):
            self.findings.problem(found, f"must be a whole number, got {found.kind}", AS_WHOLE)
            return None
        if not minimum <= value <= maximum:
            self.findings.problem(found, f"must be between {minimum} and {maximum}, got {_shown(value)}")
            return None
        return value

    def number(self, key: str, minimum: float, maximum: float) -> float | None:
        """A finite number within bounds."""
        found = self.get(key)
        if found is None:
            return None
        value = found.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.findings.problem(found, f"must be a number, got {found.kind}", AS_NUMBER)
            return None
        # Not a number compares false, too.
        if not minimum <= value <= maximum:
            self.findings.problem(found, f"must be between {minimum:g} and {maximum:g}, got {_shown(value)}")
            return None
        return float(value)

    def choice(self, key: str, options: type[Choice], default: Choice) -> Choice:
        """One of the values of an enumeration."""
        found = self.get(key)
        name = None if found is None else read_choice(found, [option.value for option in options], self.findings)
        return default if name is None else options(name)

    def section(self, key: str, known: Iterable[str], stories: Mapping[str, str] | None = None) -> Section:
        """A mapping inside this one; an absent one is empty. Unknown keys in it are noted."""
        found = self.members.get(key)
        members: Mapping[str, Located] = {}
        if found is not None and found.members is None:
            self.findings.problem(found, f"must be a mapping, got {found.kind}", AS_MAPPING)
        elif found is not None and found.members is not None:
            members = found.members
            refuse_unknown(members, known, self.findings, stories)
        path = None if self.path is None else f"{self.path}.{key}" if self.path else key
        return Section(members, self.findings, path)


def _shown(number: float) -> str:
    """A number as it may stand in a sentence; Python refuses to print the longest ones."""
    return "a longer number" if isinstance(number, int) and abs(number) >= 10**12 else f"{number}"


def read_text(at: Located, findings: Findings) -> str | None:
    """The value as a usable string, or None after noting why not."""
    value = at.value
    if not isinstance(value, str):
        findings.problem(at, f"must be a string, got {at.kind}", as_string(value))
    elif not value:
        findings.problem(at, "must not be empty", FILLED)
    elif value != value.strip():
        findings.problem(at, "must not begin or end with white space")
    elif not is_plain(value):
        findings.problem(at, f"must have at most {MAX_TEXT} characters and no control characters")
    else:
        return value
    return None


def read_texts(at: Located, findings: Findings) -> tuple[str, ...] | None:
    """The value as a list of usable strings, or None after noting why not."""
    if at.items is None:
        findings.problem(at, f"must be a list, got {at.kind}", AS_LIST)
        return None
    if not at.items:
        findings.problem(at, "must not be empty", "name at least one value or remove the key")
        return None
    texts = [item.value for item in at.items if isinstance(item.value, str)]
    if len(texts) < len(at.items):
        findings.problem(at, "must contain only strings", AS_STRINGS)
        return None
    if "" in texts:
        findings.problem(at, "must not contain empty strings", WITHOUT_EMPTY)
        return None
    good = [text for text in (read_text(item, findings) for item in at.items) if text is not None]
    repeated = next((index for index, text in enumerate(texts) if text in texts[:index]), None)
    if repeated is not None:
        first = texts.index(texts[repeated]) + 1
        findings.problem(at, f"must not contain duplicates: items {first} and {repeated + 1} are the same")
        return None
    return tuple(good) if len(good) == len(texts) else None


def read_choice(at: Located, options: Iterable[str], findings: Findings) -> str | None:
    """The value as one of the accepted names, or None after noting which are accepted."""
    name = read_text(at, findings)
    accepted = list(options)
    if name is None or name in accepted:
        return name
    meant = nearest(name, accepted)
    cure = f"did you mean {meant}?" if meant else ""
    findings.problem(at, f"must be one of {', '.join(accepted)}, got {name[:80]!r}", cure)
    return None


def refuse_unknown(
    members: Mapping[str, Located], known: Iterable[str], findings: Findings, stories: Mapping[str, str] | None = None
) -> None:
    """Note every member that is no known key. `stories`: names with a story of their own, and that story."""
    accepted = list(known)
    for key, at in members.items():
        if key in accepted or at.brought:
            continue
        if stories and key in stories:
            findings.sentence(at, stories[key])
            continue
        report_unknown(at, accepted, findings)


def report_unknown(at: Located, accepted: list[str], findings: Findings) -> None:
    """Note one key that nobody knows, with the key that was probably meant."""
    meant = nearest(at.name, accepted)
    if meant:
        findings.sentence(at, f"unknown key {at.name}: did you mean {meant}?")
    else:
        findings.sentence(at, f"unknown key {at.name}", f"accepted here: {', '.join(accepted)}")
