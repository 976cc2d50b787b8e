"""The checked tree of a CEL expression, read from the form in which the runtime serializes it (`cel.expr.CheckedExpr`).

The runtime shows no tree, and without one nobody can bound what an expression may cost. Reads the few protobuf fields
that are needed and decides nothing; what cannot be read is an error, never a smaller tree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

_Fields: TypeAlias = "dict[int, list[bytes | int]]"

_ANY_VALUE: Final = 2
_CHECKED_TREE: Final = 4
_CHECKED_SOURCE: Final = 5
_POSITIONS: Final = 4
_NODE_ID: Final = 2
_STRING: Final = 6


class UnreadableTree(ValueError):
    """Bytes that are not the form this file knows."""


class Kind(Enum):
    """What a node is; the value is its field in `cel.expr.Expr`."""

    CONSTANT = 3
    NAME = 4
    FIELD = 5
    CALL = 6
    LIST = 7
    RECORD = 8
    MACRO = 9


@dataclass(frozen=True, slots=True)
class Node:
    """One node. `place`: where it stands in the text, in characters from 0."""

    kind: Kind
    place: int
    name: str = ""
    """The name, field, function, type of record, or the variable that a macro walks with."""
    parts: tuple[Node, ...] = ()
    """In a macro: range, start, condition, step, result."""
    text: str | None = None
    """The text of a constant that is a string; in a macro the name of what it collects in."""


def read_tree(serialized: bytes) -> Node:
    """The tree of a compiled expression; raises UnreadableTree."""
    try:
        checked = _fields(_message(_fields(serialized), _ANY_VALUE))
        positions = _fields(_message(checked, _CHECKED_SOURCE)).get(_POSITIONS, [])
        places = dict(_place(entry) for entry in positions)
        return _node(_message(checked, _CHECKED_TREE), places)
    except (IndexError, KeyError, TypeError, UnicodeDecodeError) as problem:
        raise UnreadableTree(type(problem).__name__) from None


def names_in(root: Node) -> frozenset[str]:
    """Every name in a tree: what the expression looks at, and the variables of its macros."""
    inner = frozenset[str]().union(*(names_in(part) for part in root.parts))
    return inner | {root.name} if root.kind is Kind.NAME else inner


def _place(entry: bytes | int) -> tuple[int, int]:
    fields = _fields(_bytes(entry))
    return _number(fields, 1), _number(fields, 2)


def _node(message: bytes, places: dict[int, int]) -> Node:
    fields = _fields(message)
    kinds = [kind for kind in Kind if kind.value in fields]
    if len(kinds) != 1:
        raise UnreadableTree("a node of no known kind")
    kind = kinds[0]
    inner = _fields(_message(fields, kind.value))
    place = places.get(_number(fields, _NODE_ID), 0)
    match kind:
        case Kind.CONSTANT:
            text = _text(inner, _STRING) if _STRING in inner else None
            return Node(kind, place, text=text)
        case Kind.NAME:
            return Node(kind, place, _text(inner, 1))
        case Kind.FIELD:
            return Node(kind, place, _text(inner, 2), _nodes(inner, (1,), places))
        case Kind.CALL:
            return Node(kind, place, _text(inner, 2), _nodes(inner, (1, 3), places))
        case Kind.LIST:
            return Node(kind, place, "", _nodes(inner, (1,), places))
        case Kind.RECORD:
            entries = [_fields(_bytes(entry)) for entry in inner.get(2, [])]
            parts = tuple(part for entry in entries for part in _nodes(entry, (3, 4), places))
            return Node(kind, place, _text(inner, 1) if 1 in inner else "", parts)
        case _:
            parts = _nodes(inner, (2, 4, 5, 6, 7), places)
            if len(parts) != 5:
                raise UnreadableTree("a macro that lacks a part")
            return Node(kind, place, _text(inner, 1), parts, _text(inner, 3))


def _nodes(fields: _Fields, numbers: tuple[int, ...], places: dict[int, int]) -> tuple[Node, ...]:
    return tuple(_node(_bytes(value), places) for number in numbers for value in fields.get(number, []))


def _fields(message: bytes) -> _Fields:
    found: _Fields = {}
    for number, value in _read(message):
        found.setdefault(number, []).append(value)
    return found


def _read(message: bytes) -> Iterator[tuple[int, bytes | int]]:
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        match key & 7:
            case 0:
                value, at = _varint(message, at)
                yield key >> 3, value
                continue
            case 1:
                width = 8
            case 2:
                width, at = _varint(message, at)
            case 5:
                width = 4
            case _:
                raise UnreadableTree("a field of no known type")
        if at + width > len(message):
            raise UnreadableTree("a field that is cut off")
        yield key >> 3, message[at : at + width]
        at += width


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7


def _message(fields: _Fields, number: int) -> bytes:
    return _bytes(fields[number][-1])


def _text(fields: _Fields, number: int) -> str:
    return _message(fields, number).decode("utf-8")


def _number(fields: _Fields, number: int) -> int:
    value = fields.get(number, [0])[-1]
    if not isinstance(value, int):
        raise UnreadableTree("a number that is none")
    return value


def _bytes(value: bytes | int) -> bytes:
    if not isinstance(value, bytes):
        raise UnreadableTree("a message that is none")
    return value
