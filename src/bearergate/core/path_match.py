"""Go's `path.Match`: the glob that names of resources are matched with, where OpenDepot's bindings are read.

Not fnmatch: `*` and `?` do not cross `/`, a class is negated by `^` and not by `!`, and a backslash escapes. Works on
UTF-8 bytes as Go does, from the left and without a second try, so that every verdict is Go's. Knows no resource and no
binding.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

_SLASH: Final = ord("/")
_REPLACEMENT: Final = 0xFFFD
"""What stands for a byte that is no character."""


class PatternProblem(ValueError):
    """A pattern that is malformed: it matches nothing. One clause, which goes on where the pattern's name ends."""


class _Wild(Enum):
    ONE = "?"


@dataclass(frozen=True, slots=True)
class _Class:
    """A character class: one character inside of the ranges, or outside of them."""

    ranges: tuple[tuple[int, int], ...]
    negated: bool

    def holds(self, char: int) -> bool:
        return any(low <= char <= high for low, high in self.ranges) is not self.negated


_Term: TypeAlias = "int | _Wild | _Class"
"""A byte that stands for itself, any one character, or a class."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    """What stands between two stars."""

    after_star: bool
    terms: tuple[_Term, ...]


@dataclass(frozen=True, slots=True)
class PathPattern:
    """A well-formed pattern."""

    text: str
    _chunks: tuple[_Chunk, ...]

    def matches(self, name: str) -> bool:
        """Whether the pattern matches the whole name."""
        rest = name.encode("utf-8", "surrogatepass")
        for index, chunk in enumerate(self._chunks):
            after = _after(chunk, rest, is_last=index == len(self._chunks) - 1)
            if after is None:
                return False
            rest = after
        return not rest


def compile_pattern(text: str) -> PathPattern:
    """The pattern, ready to match; raises PatternProblem."""
    source = text.encode("utf-8", "surrogatepass")
    chunks: list[_Chunk] = []
    terms: list[_Term] = []
    after_star = False
    at = 0
    while at < len(source):
        if source[at : at + 1] == b"*":
            if terms:
                chunks.append(_Chunk(after_star, tuple(terms)))
                terms = []
            after_star = True
            at += 1
        else:
            term, at = _term(source, at)
            terms.append(term)
    if terms or after_star:
        chunks.append(_Chunk(after_star, tuple(terms)))
    return PathPattern(text, tuple(chunks))


def _term(source: bytes, at: int) -> tuple[_Term, int]:
    """The term that begins here, and where the next one does."""
    match source[at : at + 1]:
        case b"?":
            return _Wild.ONE, at + 1
        case b"[":
            return _class(source, at + 1)
        case b"\\":
            if at + 1 == len(source):
                raise PatternProblem("ends with a backslash that escapes nothing")
            return source[at + 1], at + 2
        case _:
            return source[at], at + 1


def _class(source: bytes, at: int) -> tuple[_Class, int]:
    negated = source[at : at + 1] == b"^"
    at += negated
    ranges: list[tuple[int, int]] = []
    while source[at : at + 1] != b"]" or not ranges:
        low, at = _member(source, at)
        high = low
        if source[at : at + 1] == b"-":
            high, at = _member(source, at + 1)
        ranges.append((low, high))
    return _Class(tuple(ranges), negated), at + 1


def _member(source: bytes, at: int) -> tuple[int, int]:
    """One character of a class, escaped or not; a class that ends here is not closed."""
    if source[at : at + 1] == b"\\":
        at += 1
    elif source[at : at + 1] in (b"-", b"]"):
        raise PatternProblem("has a character class with an unescaped - or ] where a character belongs")
    char, width = _character(source, at)
    if at + width >= len(source):
        raise PatternProblem("has a character class that is not closed")
    if char == _REPLACEMENT and width == 1:
        raise PatternProblem("has a character class with a byte that is no character")
    return char, at + width


def _after(chunk: _Chunk, name: bytes, *, is_last: bool) -> bytes | None:
    """What is left of the name behind the first place where the chunk matches, or None."""
    if chunk.after_star and not chunk.terms:
        return None if b"/" in name else b""
    start = 0
    while True:
        end = _end(chunk.terms, name, start)
        # The last chunk must use up the name; behind a star it may do so further on.
        if end is not None and not (is_last and end < len(name)):
            return name[end:]
        if not chunk.after_star or start >= len(name) or name[start] == _SLASH:
            return None
        # One byte and not one character, as Go does.
        start += 1


def _end(terms: tuple[_Term, ...], name: bytes, at: int) -> int | None:
    """Where the terms end when they match from here on, or None."""
    for term in terms:
        if at >= len(name):
            return None
        if isinstance(term, int):
            if name[at] != term:
                return None
            at += 1
            continue
        char, width = _character(name, at)
        if char == _SLASH if isinstance(term, _Wild) else not term.holds(char):
            return None
        at += width
    return at


def _character(text: bytes, at: int) -> tuple[int, int]:
    """The character that begins here and its width; one byte that begins none is a replacement character."""
    if at < len(text) and text[at] < 0x80:
        return text[at], 1
    for width in range(2, 5):
        try:
            return ord(text[at : at + width].decode("utf-8")), width
        except (UnicodeDecodeError, TypeError):
            continue
    return _REPLACEMENT, 1
