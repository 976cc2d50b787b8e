"""`verdict_cache`: how many verdicts are remembered, and for how long. It changes no verdict, only its cost.

Knows no default: VerdictBounds does.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from bearergate.config.deployment import ENTRIES, VERDICT_CACHE, Deployment, Sources
from bearergate.config.section import Section
from bearergate.verdicts import MAX_ENTRIES, MAX_SECONDS, MIN_BYTES, VerdictBounds

_KEYS: Final = ("entries", "bytes", "seconds")
_MAX_BYTES: Final = 1 << 40


def read_verdicts(top: Section, folder: Path, deployment: Deployment) -> VerdictBounds:
    """The bounds with what `verdict_cache:` and the environment say about them; problems go to the findings."""
    section = top.section(VERDICT_CACHE, _KEYS)
    in_file = {ENTRIES: section.members["entries"]} if "entries" in section.members else {}
    written = Sources(in_file, folder, deployment, top.findings).one(ENTRIES)
    # By the name and the place under which it was written, wherever that is.
    entries = None if written is None else Section({"": written.at}, top.findings).whole("", 0, MAX_ENTRIES)
    given = {
        "entries": entries,
        "bytes": section.whole("bytes", MIN_BYTES, _MAX_BYTES),
        "seconds": _seconds(section),
    }
    # The names are those of VerdictBounds; a test compares them.
    return replace(VerdictBounds(), **{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]


def _seconds(section: Section) -> float | None:
    at = section.members.get("seconds")
    if at is not None and isinstance(at.value, int | float) and at.value > MAX_SECONDS:
        text = f"must not be longer than {MAX_SECONDS:.0f}"
        section.findings.problem(at, text, "a token that is used for longer is proven anew every five minutes")
        return None
    return section.number("seconds", 1, MAX_SECONDS)
