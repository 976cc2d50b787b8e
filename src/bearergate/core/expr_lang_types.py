"""The types of expr-lang as far as it is translated, and pieces of CEL that have one. Knows no rule of translation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, NoReturn

from bearergate.core.expression import ExpressionProblem

if TYPE_CHECKING:
    from lark import Token, Tree


class Kind(Enum):
    """What a piece yields: one of it and many of it, as a refusal names them."""

    BOOLEAN = ("true or false", "true or false")
    WHOLE = ("a whole number", "whole numbers")
    FRACTION = ("a fraction", "fractions")
    TEXT = ("a text", "texts")
    LIST = ("a list", "lists")

    @property
    def one(self) -> str:
        """One of it."""
        return str(self.value[0])

    @property
    def many(self) -> str:
        """Many of it."""
        return str(self.value[1])


@dataclass(frozen=True, slots=True)
class Type:
    """The type of a piece."""

    kind: Kind
    item: Type | None = None
    """Of a list: the type of its items, or None when it has none."""

    def __str__(self) -> str:
        if self.kind is not Kind.LIST:
            return self.kind.one
        return "an empty list" if self.item is None else f"a list of {self.item.kind.many}"


BOOLEAN: Final = Type(Kind.BOOLEAN)
WHOLE: Final = Type(Kind.WHOLE)
FRACTION: Final = Type(Kind.FRACTION)
TEXT: Final = Type(Kind.TEXT)
TEXTS: Final = Type(Kind.LIST, TEXT)
NUMBERS: Final = frozenset({Kind.WHOLE, Kind.FRACTION})


def joined(first: Type, second: Type) -> Type | None:
    """The one type of both, or None; a list without items goes with every list."""
    if first.kind is not second.kind:
        return None
    if first.item is None or second.item is None:
        return first if second.item is None else second
    item = joined(first.item, second.item)
    return None if item is None else Type(first.kind, item)


@dataclass(frozen=True, slots=True)
class Piece:
    """CEL text, what it yields, and how tightly it holds together: 3 alone, 2 with a sign, 1 a relation, 0 a choice."""

    text: str
    type: Type
    level: int = 3

    def at(self, level: int) -> str:
        """The text, in parentheses where something of this level is needed."""
        return self.text if self.level >= level else f"({self.text})"


def refuse(part: Tree[Token] | Token, problem: str) -> NoReturn:
    """Raise ExpressionProblem for what begins with the first token of a part."""
    while not isinstance(part, str):
        part = part.children[0]
    raise ExpressionProblem(problem, part.line or 0, part.column or 0)
