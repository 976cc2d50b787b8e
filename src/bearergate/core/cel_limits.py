"""What an expression may cost at most, read off its tree before it is ever evaluated.

The runtime stops an evaluation after 10,000 rounds of its macros and knows no other limit, holds the interpreter while
it works, and compiles a regular expression at each use. So the rest is bounded here, in units of about 0.1 us.
Knows trees, not texts; what it refuses is told with its place in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from bearergate.core.cel_tree import Kind, Node

MAX_DEPTH: Final = 2
MAX_SUMS: Final = 8
MAX_COST: Final = 5_000_000
MAX_ROUNDS: Final = 10_000
MANY: Final = 1000
"""How long a list in a token is taken to be: no principal has more groups."""
MAX_PATTERN: Final = 512
MAX_PATTERN_WEIGHT: Final = 2500

_SCALARS: Final = frozenset({"sub", "iss", "client_id", "machine"})
_FLAT: Final = frozenset({"groups", "scopes"})
_EQUAL: Final = frozenset({"_==_", "_!=_"})


class TreeProblem(ValueError):
    """Something in an expression that is not accepted: one sentence, and its place in the text."""

    def __init__(self, problem: str, place: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.place = place


@dataclass(frozen=True, slots=True)
class _Value:
    """What is known of a value: what making it costs, how many items it holds in all, and how many one item does."""

    cost: float = 0
    size: float = 1
    item: float = 1


_Weight: TypeAlias = "tuple[float, float]"
"""How many steps a piece of a pattern has, and of how many pieces it consists."""
_NOTHING: Final[_Weight] = (0, 0)
_ONE: Final = _Value(1)
_UNKNOWN: Final = _Value(1, MANY, MANY)


def check_limits(root: Node) -> None:
    """Raise TreeProblem for an expression that could cost too much, or that asks for what is not offered."""
    sums = 0
    for node in _walk(root):
        if node.kind is Kind.RECORD and node.name:
            raise TreeProblem(f"messages such as {node.name} are not offered", node.place)
        if node.kind is Kind.CALL and node.name == "_+_" and node.parts[0].name != "@result":
            sums += 1
            if sums > MAX_SUMS:
                raise TreeProblem(f"more than {MAX_SUMS} uses of + in one expression", node.place)
        if node.kind is Kind.CALL and node.name == "matches":
            _check_match(node)
    _check_depth(root, 0)
    if _value(root, {}, 1).cost > MAX_COST:
        raise TreeProblem(f"could take too long where a list has {MANY} items", 0)


def patterns(root: Node) -> Iterator[tuple[str, int]]:
    """The regular expressions in a tree, each with its place."""
    for node in _walk(root):
        if node.kind is Kind.CALL and node.name == "matches":
            yield node.parts[-1].text or "", node.parts[-1].place


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for part in node.parts:
        yield from _walk(part)


def _check_depth(node: Node, depth: int) -> None:
    if node.kind is Kind.MACRO:
        depth += 1
        if depth > MAX_DEPTH:
            raise TreeProblem(f"macros inside of macros, or on their results, more than {MAX_DEPTH} deep", node.place)
    for part in node.parts:
        _check_depth(part, depth)


def _check_match(node: Node) -> None:
    pattern = node.parts[-1]
    if pattern.text is None:
        # One from a token could be as costly as its sender likes.
        raise TreeProblem("the pattern of matches must be written out as a text", pattern.place)
    problem = pattern_problem(pattern.text)
    if problem:
        raise TreeProblem(problem, pattern.place)


def _value(node: Node, known: Mapping[str, _Value], rounds: float) -> _Value:
    """What a node yields at most. `known`: the variables of macros around it; `rounds`: how often it is evaluated."""
    match node.kind:
        case Kind.CONSTANT:
            return _ONE
        case Kind.NAME:
            return _variable(node.name, known)
        case Kind.MACRO:
            return _macro(node, known, rounds)
        case _:
            parts = [_value(part, known, rounds) for part in node.parts]
            cost = 1 + sum(part.cost for part in parts)
    match node.kind:
        case Kind.FIELD:
            return _Value(cost, MANY, MANY)
        case Kind.LIST | Kind.RECORD:
            sizes = [part.size for part in parts] or [1]
            return _Value(cost, sum(sizes), max(sizes))
        case _:
            return _call(node, parts, cost)


def _variable(name: str, known: Mapping[str, _Value]) -> _Value:
    if name in known:
        return known[name]
    if name in _FLAT:
        return _Value(1, MANY, 1)
    return _ONE if name in _SCALARS else _UNKNOWN


def _call(node: Node, parts: list[_Value], cost: float) -> _Value:
    sizes = [part.size for part in parts]
    if node.name == "matches":
        return _Value(cost + 50 + 25 * weigh(node.parts[-1].text or ""))
    if node.name == "@in":
        return _Value(cost + 0.2 * sizes[-1])
    if node.name in _EQUAL:
        return _Value(cost + min(sizes))
    if node.name == "_[_]":
        return _Value(cost, parts[0].item, parts[0].item)
    if node.name == "_+_":
        return _Value(cost, sum(sizes), max(part.item for part in parts))
    if node.name in ("_?_:_", "dyn"):
        return _Value(cost, max(sizes), max(part.item for part in parts))
    return _Value(cost)


def _macro(node: Node, known: Mapping[str, _Value], rounds: float) -> _Value:
    source = _value(node.parts[0], known, rounds)
    # How often the runtime lets this macro go round, in all and for one evaluation of it.
    total = min(MAX_ROUNDS, rounds * source.size)
    each = max(1.0, total / rounds)
    inside = {**known, node.name: _Value(1, source.item, source.item), node.text or "": _Value(1, 0, 0)}
    condition, step = (_value(part, inside, total) for part in node.parts[2:4])
    cost = source.cost + 5 + each * (condition.cost + step.cost)
    if node.parts[1].kind is not Kind.LIST:
        return _Value(cost)
    # The runtime copies the list that it collects at each round.
    return _Value(cost + each * source.size, each * step.size, step.size)


def pattern_problem(pattern: str) -> str | None:
    """Why a regular expression is not accepted although RE2 might know it, as a clause; None for an ordinary one."""
    if len(pattern) > MAX_PATTERN:
        return f"a pattern has at most {MAX_PATTERN} characters"
    if "\\C" in pattern.replace("\\\\", ""):
        return "\\C, which matches half characters, is not offered"
    if weigh(pattern) > MAX_PATTERN_WEIGHT:
        return "the pattern repeats too much: lower its counts"
    return None


_PIECE: Final = re.compile(
    r"""
      (?P<open>\((?:\?[^):]*:?)?)
    | (?P<close>\))
    | \{(?P<least>[0-9]{1,4})(?:,(?P<most>[0-9]{0,4}))?\}
    | (?P<class>\[\^?\]?(?:\[:\^?[a-z]+:\]|\\.|[^\]\\])*\])
    | (?P<property>\\[pP](?:\{[^}]*\}|.))
    | (?P<escape>\\.)
    | (?P<again>[*+?]+)
    | (?P<plain>.)
    """,
    re.VERBOSE | re.DOTALL,
)


def weigh(pattern: str) -> float:
    """About how many steps the compiled form of a regular expression has; those of plain texts are cheap."""
    sums: list[_Weight] = [_NOTHING]
    last = _NOTHING
    for piece in _PIECE.finditer(pattern):
        if piece["open"] is not None:
            sums[-1] = _added(sums[-1], last)
            sums.append(_NOTHING)
            last = _NOTHING
        elif piece["close"] is not None and len(sums) > 1:
            last = _added(sums.pop(), last)
        elif piece["least"] is not None:
            # A repeated text is as many steps of its own.
            times = max(1, int(piece["least"]), int(piece["most"] or 0))
            last = max(last) * times, last[1] * times
        elif piece["again"] is not None:
            last = _added(last, (1, 0))
        else:
            sums[-1] = _added(sums[-1], last)
            last = _weigh_piece(piece), 1
    steps, _ = _added((sum(steps for steps, _ in sums), 0), last)
    return steps * (2 if "(?" in pattern else 1)


def _added(first: _Weight, second: _Weight) -> _Weight:
    return first[0] + second[0], first[1] + second[1]


def _weigh_piece(piece: re.Match[str]) -> float:
    text = piece["class"] or ""
    if piece["property"] is not None or "\\p" in text.lower():
        return 1200
    if text:
        return 3 if text.isascii() and "^" not in text and "\\" not in text else 20
    if piece["escape"] is not None:
        return 4
    char = piece["plain"] or ""
    return 10 if char == "." else 0.25 if char.isascii() else 1
