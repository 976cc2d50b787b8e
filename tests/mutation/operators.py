"""The ways in which one node of a syntax tree can be wrong: each operator yields what could stand in its place.

Knows no file and no test. An operator never changes the node it is given.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias, TypeVar

Change: TypeAlias = tuple[str, ast.AST]
"""What is changed, in words that fit into a list of survivors, and the node that stands in the place of the old one."""

_Node = TypeVar("_Node", bound=ast.AST)

_COMPARISONS: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
}
_BUILTINS: Final = {"any": "all", "all": "any", "min": "max", "max": "min"}
_DISPENSABLE: Final = frozenset(
    {"casefold", "lower", "lstrip", "removeprefix", "removesuffix", "replace", "rstrip", "strip", "upper"}
)
"""String methods whose result is a string too: without the call, the text itself is used."""
_SHOWN: Final = 70


def short(node: ast.AST) -> str:
    """A node as source text on one line."""
    text = " ".join(ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def changes(node: ast.AST) -> Iterator[Change]:
    """Everything that could stand in the place of a node."""
    for kind, operators in _OPERATORS:
        if isinstance(node, kind):
            for operator in operators:
                yield from operator(node)


def _with(node: _Node, **fields: object) -> _Node:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _swapped(old: ast.AST, new: ast.AST) -> Change:
    return f"{short(old)} -> {short(new)}", new


def _test(node: ast.If | ast.IfExp | ast.While) -> Iterator[Change]:
    word = "while" if isinstance(node, ast.While) else "if"
    tests: list[ast.expr] = [ast.Constant(value=False)]
    # The opposite of a negation or of a single comparison is a change of its own.
    if not isinstance(node.test, ast.UnaryOp | ast.Compare):
        tests.append(ast.UnaryOp(op=ast.Not(), operand=node.test))
    if not isinstance(node, ast.While):
        tests.append(ast.Constant(value=True))
    for test in tests:
        yield f"{word} {short(node.test)} -> {word} {short(test)}", _with(node, test=test)


def _filter(node: ast.comprehension) -> Iterator[Change]:
    for n, test in enumerate(node.ifs):
        yield f"drop filter: if {short(test)}", _with(node, ifs=node.ifs[:n] + node.ifs[n + 1 :])


def _comparison(node: ast.Compare) -> Iterator[Change]:
    for n, operator in enumerate(node.ops):
        for other in _COMPARISONS[type(operator)]:
            yield _swapped(node, _with(node, ops=[*node.ops[:n], other(), *node.ops[n + 1 :]]))


def _logic(node: ast.BoolOp) -> Iterator[Change]:
    other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield _swapped(node, _with(node, op=other))
    for n in range(len(node.values)):
        rest = node.values[:n] + node.values[n + 1 :]
        yield _swapped(node, rest[0] if len(rest) == 1 else _with(node, values=rest))


def _negation(node: ast.UnaryOp) -> Iterator[Change]:
    if isinstance(node.op, ast.Not | ast.USub):
        yield _swapped(node, node.operand)


def _arithmetic(node: ast.BinOp) -> Iterator[Change]:
    if type(node.op) in _ARITHMETIC:
        yield _swapped(node, _with(node, op=_ARITHMETIC[type(node.op)]()))


def _augmented(node: ast.AugAssign) -> Iterator[Change]:
    if type(node.op) in _ARITHMETIC:
        yield _swapped(node, _with(node, op=_ARITHMETIC[type(node.op)]()))


def _constant(node: ast.Constant) -> Iterator[Change]:
    if isinstance(node.value, bool):
        yield _swapped(node, ast.Constant(value=not node.value))
    elif isinstance(node.value, int | float):
        for sign, value in (("+", node.value + 1), ("-", node.value - 1)):
            yield f"{short(node)} {sign} 1", ast.Constant(value=value)


def _raise(node: ast.Raise) -> Iterator[Change]:
    yield f"{short(node)} -> pass", ast.Pass()
    yield f"{short(node)} -> return None", ast.Return(value=ast.Constant(value=None))
    if node.cause is not None:
        yield f"{short(node)} -> without its cause", _with(node, cause=None)


def _return(node: ast.Return) -> Iterator[Change]:
    if node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None):
        yield f"{short(node)} -> return None", _with(node, value=ast.Constant(value=None))


def _statement(node: ast.stmt) -> Iterator[Change]:
    """A statement that only acts: a call, or an assignment to what lives on. Without it nothing is undefined."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign) else []
    if isinstance(node, ast.Expr) or any(not isinstance(target, ast.Name) for target in targets):
        yield f"remove {short(node)}", ast.Pass()


def _jump(node: ast.Break | ast.Continue) -> Iterator[Change]:
    yield _swapped(node, ast.Continue() if isinstance(node, ast.Break) else ast.Break())


def _display(node: ast.Tuple | ast.List | ast.Set) -> Iterator[Change]:
    if not isinstance(node.ctx if not isinstance(node, ast.Set) else ast.Load(), ast.Load):
        return
    for n, entry in enumerate(node.elts):
        rest = node.elts[:n] + node.elts[n + 1 :]
        if rest or not isinstance(node, ast.Set):
            yield f"drop entry {n}: {short(entry)}", _with(node, elts=rest)


def _mapping(node: ast.Dict) -> Iterator[Change]:
    for n, (key, value) in enumerate(zip(node.keys, node.values, strict=True)):
        fewer = _with(node, keys=node.keys[:n] + node.keys[n + 1 :], values=node.values[:n] + node.values[n + 1 :])
        yield f"drop member {short(key) if key else '**' + short(value)}", fewer


def _call(node: ast.Call) -> Iterator[Change]:
    function = node.func
    if isinstance(function, ast.Name) and function.id in _BUILTINS:
        yield _swapped(node, _with(node, func=ast.Name(id=_BUILTINS[function.id], ctx=ast.Load())))
    if isinstance(function, ast.Name) and function.id == "sorted" and not node.keywords:
        yield _swapped(node, _with(node, func=ast.Name(id="list", ctx=ast.Load())))
    if isinstance(function, ast.Attribute) and function.attr in _DISPENSABLE:
        yield _swapped(node, function.value)


def _slice(node: ast.Slice) -> Iterator[Change]:
    for bound in ("lower", "upper"):
        if getattr(node, bound) is not None:
            yield f"[{short(node)}] -> without its {bound} bound", _with(node, **{bound: None})


_Operator: TypeAlias = Callable[..., Iterator[Change]]

_OPERATORS: Final[tuple[tuple[type[ast.AST], tuple[_Operator, ...]], ...]] = (
    (ast.If, (_test,)),
    (ast.IfExp, (_test,)),
    (ast.While, (_test,)),
    (ast.comprehension, (_filter,)),
    (ast.Compare, (_comparison,)),
    (ast.BoolOp, (_logic,)),
    (ast.UnaryOp, (_negation,)),
    (ast.BinOp, (_arithmetic,)),
    (ast.AugAssign, (_augmented, _statement)),
    (ast.Constant, (_constant,)),
    (ast.Raise, (_raise,)),
    (ast.Return, (_return,)),
    (ast.Assign, (_statement,)),
    (ast.Expr, (_statement,)),
    (ast.Break, (_jump,)),
    (ast.Continue, (_jump,)),
    (ast.Tuple, (_display,)),
    (ast.List, (_display,)),
    (ast.Set, (_display,)),
    (ast.Dict, (_mapping,)),
    (ast.Call, (_call,)),
    (ast.Slice, (_slice,)),
)
