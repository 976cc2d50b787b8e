"""Parsed expr-lang -> CEL, one function for each rule of the grammar. Knows the tree, not the text it was read from.

Refuses what could yield another verdict than in expr-lang; each refusal has the place of what it is about.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from bearergate.core.expr_lang_text import BadText, read_raw, read_text
from bearergate.core.expr_lang_types import (
    BOOLEAN,
    FRACTION,
    NUMBERS,
    TEXT,
    TEXTS,
    WHOLE,
    Kind,
    Piece,
    Type,
    joined,
    refuse,
)
from bearergate.core.expression import check_pattern, quote
from bearergate.core.facts import GROUPS

if TYPE_CHECKING:
    from lark import Token, Tree

    _Part: TypeAlias = "Tree[Token] | Token"

PREDICATES: Final = ("all", "any", "filter", "none")
LENGTH: Final = "len"
_MAX_WHOLE: Final = 2**63 - 1
_ELEMENT: Final = "x"
"""The variable of every macro: `#` is the innermost element, and so is a variable that hides others of its name."""
_NAMES: Final[Mapping[str, Type]] = MappingProxyType({"true": BOOLEAN, "false": BOOLEAN, GROUPS: TEXTS})


def translated(part: _Part, element: Type | None) -> Piece:
    """The CEL of a part of the tree. `element`: what `#` is here, or None outside of predicates."""
    # Tokens are read by the rules that they stand in.
    tree = cast("Tree[Token]", part)
    rule = str(tree.data)
    return _LEAVES[rule](tree) if rule in _LEAVES else _RULES[rule](tree, element)


def condition(part: _Part, element: Type | None) -> Piece:
    """The same for a part that must yield true or false."""
    piece = translated(part, element)
    if piece.type != BOOLEAN:
        refuse(part, f"must yield true or false, yields {piece.type}")
    return piece


def _choice(tree: Tree[Token], element: Type | None) -> Piece:
    test = condition(tree.children[0], element)
    chosen, other = (translated(part, element) for part in tree.children[2:])
    both = joined(chosen.type, other.type)
    if both is None:
        refuse(tree.children[1], f"chooses between {chosen.type} and {other.type}")
    return Piece(f"{test.at(1)} ? {chosen.at(1)} : {other.text}", both, 0)


def _any_of(tree: Tree[Token], element: Type | None) -> Piece:
    return _decided([condition(part, element) for part in tree.children], "{} ? true : {}")


def _all_of(tree: Tree[Token], element: Type | None) -> Piece:
    return _decided([condition(part, element) for part in tree.children], "{} ? {} : false")


def _decided(pieces: list[Piece], form: str) -> Piece:
    """The pieces one after the other until one decides; as a balanced tree, because CEL nests only so deep."""
    if len(pieces) == 1:
        return pieces[0]
    half = len(pieces) // 2
    first, second = _decided(pieces[:half], form), _decided(pieces[half:], form)
    return Piece(form.format(first.at(1), second.at(1)), BOOLEAN, 0)


def _negation(tree: Tree[Token], element: Type | None) -> Piece:
    return Piece(f"!{condition(tree.children[1], element).at(3)}", BOOLEAN, 2)


def _relation(tree: Tree[Token], element: Type | None) -> Piece:
    left, operator, right = tree.children
    words = [operator] if isinstance(operator, str) else operator.children
    word = words[-1]
    first, second = translated(left, element), translated(right, element)
    match str(word):
        case "in":
            piece = _membership(word, first, second)
        case "matches":
            _check_match(word, first, right)
            piece = Piece(f"{first.at(3)}.matches({second.text})", BOOLEAN)
        case "contains" | "startsWith" | "endsWith":
            _need_text(word, first, "left")
            _need_text(word, second, "right")
            piece = Piece(f"{first.at(3)}.{word}({second.text})", BOOLEAN)
        case _:
            piece = _comparison(word, first, second)
    return Piece(f"!{piece.at(3)}", BOOLEAN, 2) if len(words) > 1 else piece


def _membership(word: _Part, left: Piece, right: Piece) -> Piece:
    if right.type.kind is not Kind.LIST:
        refuse(word, f"in needs a list on its right, not {right.type}")
    if right.type.item is not None and joined(left.type, right.type.item) is None:
        refuse(word, f"in looks for {left.type} in {right.type}")
    return Piece(f"{left.at(2)} in {right.at(2)}", BOOLEAN, 1)


def _check_match(word: _Part, left: Piece, right: _Part) -> None:
    _need_text(word, left, "left")
    if isinstance(right, str) or right.data not in _LITERALS:
        # One from a token could be as costly as its sender likes.
        refuse(right, "the pattern of matches must be written out as a text")
    problem = check_pattern(_LITERALS[str(right.data)](right))
    if problem:
        refuse(right, problem)


def _need_text(word: _Part, piece: Piece, side: str) -> None:
    if piece.type != TEXT:
        refuse(word, f"{word} needs a text on its {side}, not {piece.type}")


def _comparison(word: _Part, left: Piece, right: Piece) -> Piece:
    kinds = frozenset({left.type.kind, right.type.kind})
    if kinds == NUMBERS:
        # expr-lang compares them as fractions, and CEL not at all.
        left, right = _as_fraction(left), _as_fraction(right)
    elif joined(left.type, right.type) is None:
        refuse(word, f"{word} compares {left.type} with {right.type}")
    if word not in ("==", "!=") and not kinds <= NUMBERS | {Kind.TEXT}:
        refuse(word, f"{word} compares numbers or texts, not {left.type}")
    return Piece(f"{left.at(2)} {word} {right.at(2)}", BOOLEAN, 1)


def _as_fraction(piece: Piece) -> Piece:
    return piece if piece.type == FRACTION else Piece(f"double({piece.text})", FRACTION)


def _item(tree: Tree[Token], element: Type | None) -> Piece:
    index = tree.children[-1]
    source = translated(tree.children[0], element)
    if source.type.item is None:
        refuse(index, f"an index needs a list with items, not {source.type}")
    if element is not None:
        # It may be missing, and in a predicate CEL would forgive that where another element decides.
        refuse(index, "an index inside of a predicate is not supported")
    number = _number(index)
    if len(tree.children) == 2:
        return Piece(f"{source.at(3)}[{number}]", source.type.item)
    if source.text != GROUPS:
        refuse(index, f"a negative index is supported on {GROUPS} only")
    place = f"size({GROUPS}) - {number}" if number else "0"
    return Piece(f"{GROUPS}[{place}]", source.type.item)


def _call(tree: Tree[Token], element: Type | None) -> Piece:
    name, arguments = str(tree.children[0]), tree.children[1:]
    if name not in (*PREDICATES, LENGTH):
        refuse(tree, f"unknown function {name}: there are {', '.join((*PREDICATES, LENGTH))}")
    wanted = 1 if name == LENGTH else 2
    if len(arguments) != wanted:
        refuse(tree, f"{name} takes {wanted} argument{'s' if wanted > 1 else ''}, got {len(arguments)}")
    source = translated(arguments[0], element)
    if name == LENGTH:
        if source.type.kind not in (Kind.LIST, Kind.TEXT):
            refuse(arguments[0], f"{name} needs a list or a text, not {source.type}")
        return Piece(f"size({source.text})", WHOLE)
    if source.type.item is None:
        refuse(arguments[0], f"{name} needs a list with items, not {source.type}")
    return _predicate(name, source, _within_block(arguments[1]))


def _within_block(part: _Part) -> _Part:
    return part if isinstance(part, str) or part.data != "block" else part.children[0]


def _predicate(name: str, source: Piece, test: _Part) -> Piece:
    verdict = condition(test, source.type.item).text
    match name:
        case "all":
            return Piece(f"{source.at(3)}.all({_ELEMENT}, {verdict})", BOOLEAN)
        case "any":
            return Piece(f"{source.at(3)}.exists({_ELEMENT}, {verdict})", BOOLEAN)
        case "none":
            return Piece(f"!{source.at(3)}.exists({_ELEMENT}, {verdict})", BOOLEAN, 2)
        case _:
            return Piece(f"{source.at(3)}.filter({_ELEMENT}, {verdict})", source.type)


def _block(tree: Tree[Token]) -> Piece:
    refuse(tree, "a block stands only where a predicate does")


def _list(tree: Tree[Token], element: Type | None) -> Piece:
    pieces = [translated(part, element) for part in tree.children[1:]]
    item: Type | None = None
    for part, piece in zip(tree.children[1:], pieces, strict=True):
        item = piece.type if item is None else joined(item, piece.type)
        if item is None:
            refuse(part, f"a list holds values of one kind, this one is {piece.type}")
    return Piece(f"[{', '.join(piece.text for piece in pieces)}]", Type(Kind.LIST, item))


def _name(tree: Tree[Token]) -> Piece:
    name = str(tree.children[0])
    if name not in _NAMES:
        refuse(tree, f"unknown name {name}: there is {GROUPS}")
    return Piece(name, _NAMES[name])


def _pointer(tree: Tree[Token], element: Type | None) -> Piece:
    if element is None:
        refuse(tree, "# has a meaning only inside of a predicate")
    return Piece(_ELEMENT, element)


def _whole(tree: Tree[Token]) -> Piece:
    return Piece(str(_number(tree.children[0])), WHOLE)


def _number(token: _Part) -> int:
    number = int(str(token).replace("_", ""))
    if number > _MAX_WHOLE:
        refuse(token, "the number is too large")
    return number


def _fraction(tree: Tree[Token]) -> Piece:
    number = float(str(tree.children[0]).replace("_", ""))
    if math.isinf(number):
        refuse(tree, "the number is too large")
    return Piece(repr(number), FRACTION)


def _negative(tree: Tree[Token], element: Type | None) -> Piece:
    number = translated(tree.children[1], element)
    return Piece(f"-{number.text}", number.type, 2)


def _text(tree: Tree[Token]) -> Piece:
    return Piece(quote(_LITERALS[str(tree.data)](tree)), TEXT)


def _quoted(tree: Tree[Token]) -> str:
    try:
        return read_text(str(tree.children[0]))
    except BadText as problem:
        refuse(tree, str(problem))


def _raw(tree: Tree[Token]) -> str:
    return read_raw(str(tree.children[0]))


_LITERALS: Final[Mapping[str, Callable[[Tree[Token]], str]]] = MappingProxyType({"text": _quoted, "raw": _raw})
_LEAVES: Final[Mapping[str, Callable[[Tree[Token]], Piece]]] = MappingProxyType(
    {"block": _block, "name": _name, "whole": _whole, "fraction": _fraction, "text": _text, "raw": _text}
)
_RULES: Final[Mapping[str, Callable[[Tree[Token], Type | None], Piece]]] = MappingProxyType(
    {
        "choice": _choice,
        "any_of": _any_of,
        "all_of": _all_of,
        "relation": _relation,
        "negation": _negation,
        "negative": _negative,
        "item": _item,
        "call": _call,
        "list": _list,
        "pointer": _pointer,
    }
)
