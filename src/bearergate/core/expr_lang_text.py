"""The texts of expr-lang: what a literal in quotes or backticks stands for. Knows no grammar."""

from __future__ import annotations

import re
from typing import Final

_PLAIN: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_ESCAPE: Final = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.))",
    re.DOTALL,
)


class BadText(ValueError):
    """A literal with an escape that expr-lang does not know, or that stands for no character."""


def read_text(literal: str) -> str:
    """The text of a literal in single or double quotes; raises BadText."""
    quote = literal[0]

    def unescaped(found: re.Match[str]) -> str:
        short, long, braced, longest, octal, char = found.groups()
        if char is not None:
            if char == quote:
                return char
            if char not in _PLAIN:
                raise BadText(f"unknown escape {found[0]!r}")
            return _PLAIN[char]
        number = int(octal, 8) if octal else int(short or long or braced or longest, 16)
        if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
            raise BadText(f"{found[0]!r} stands for no character")
        return chr(number)

    return _ESCAPE.sub(unescaped, literal[1:-1])


def read_raw(literal: str) -> str:
    """The text of a literal in backticks, where nothing is escaped but a backtick by another."""
    return literal[1:-1].replace("``", "`")
