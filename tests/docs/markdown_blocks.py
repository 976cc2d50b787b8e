"""Finds the fenced blocks of a Markdown page, so that tests can run what readers will paste."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

SKIP_MARK = "<!-- no-test -->"

_FENCE = re.compile(r"^(?P<indent>[ \t]*)(?P<fence>`{3,}|~{3,})[ \t]*(?P<language>[\w+-]*)[^`]*$")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: where it stands and what it holds."""

    language: str
    line: int
    text: str
    skipped: bool


def blocks(page: str) -> list[Block]:
    """Every fenced block of a page, in order; blocks indented into lists and tabs included."""
    found: list[Block] = []
    lines = page.splitlines()
    number = 0
    while number < len(lines):
        opening = _FENCE.match(lines[number])
        if opening is None:
            number += 1
            continue
        closing = _closing(lines, number, opening["fence"])
        found.append(
            Block(
                language=opening["language"].lower(),
                line=number + 2,
                text=textwrap.dedent("\n".join(lines[number + 1 : closing])) + "\n",
                skipped=number > 0 and lines[number - 1].strip() == SKIP_MARK,
            )
        )
        number = closing + 1
    return found


def python_blocks(path: Path) -> list[Block]:
    """The blocks of a page that must run."""
    return [
        block for block in blocks(path.read_text(encoding="utf-8")) if block.language == "python" and not block.skipped
    ]


def _closing(lines: list[str], opening: int, fence: str) -> int:
    for number in range(opening + 1, len(lines)):
        if lines[number].strip().startswith(fence) and not lines[number].strip().strip(fence[0]):
            return number
    return len(lines)
