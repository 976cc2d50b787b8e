"""Where and how wide the command line prints: a terminal's own width, and no width at all in a pipe.

Knows rich and standard output. Knows nothing of what is printed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from itertools import dropwhile
from typing import Final

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderResult
from rich.segment import Segment

_UNBOUNDED: Final = 1_000_000
"""Columns; no line of ours is as long."""


def console() -> Console:
    """Standard output; lines are folded for a terminal or at COLUMNS, and left whole for `grep` and files."""
    is_asked = os.environ.get("COLUMNS", "").isdigit()
    return Console(highlight=False, width=None if is_asked or sys.stdout.isatty() else _UNBOUNDED)


def folds(out: Console) -> bool:
    """Whether long lines are folded there."""
    return out.width < _UNBOUNDED


def one_line(text: str) -> str:
    """The text without terminal control sequences and line breaks, for what others have written."""
    return "".join(char if char.isprintable() else "?" for char in text)


class Trimmed:
    """Something to print, without blanks at the ends of its lines: those that fill up columns, and where text folds."""

    def __init__(self, inner: ConsoleRenderable) -> None:
        self._inner = inner

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in Segment.split_lines(console.render(self._inner, options)):
            yield from _without_end(line)
            yield Segment.line()


def _without_end(line: Iterable[Segment]) -> list[Segment]:
    kept = list(dropwhile(lambda segment: not segment.text.strip(" "), reversed(list(line))))[::-1]
    if kept:
        kept[-1] = Segment(kept[-1].text.rstrip(" "), kept[-1].style)
    return kept
