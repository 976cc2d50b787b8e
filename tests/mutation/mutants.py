"""All mutants of one source file: where each is, what is changed, and the code that it compiles to.

One mutant is one changed node. Annotations and docstrings are left alone: nothing reads them at run time.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType
from typing import Final

from tests.mutation.operators import changes, short

_SKIPPED_FIELDS: Final = frozenset({"annotation", "returns", "type_comment"})


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one file."""

    file: str
    """Name of the module's file inside the package's core."""
    number: int
    """Position among the mutants of the file."""
    line: int
    end_line: int
    within: str
    """The class and function it is in; empty at the top of the module."""
    change: str

    def __str__(self) -> str:
        place = f" ({self.within})" if self.within else ""
        return f"{self.file}:{self.line}{place}: {self.change}"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a node stands: its parent, the field there, and its index when the field is a list."""

    parent: ast.AST
    field: str
    index: int | None
    within: tuple[str, ...]
    """Names of the classes and functions around it."""
    statement: ast.stmt | None
    """The statement it belongs to."""

    def put(self, node: ast.AST) -> ast.AST:
        """Put a node there; returns the one that was there before."""
        if self.index is None:
            old: ast.AST = getattr(self.parent, self.field)
            setattr(self.parent, self.field, node)
            return old
        siblings: list[ast.AST] = getattr(self.parent, self.field)
        old, siblings[self.index] = siblings[self.index], node
        return old


class Source:
    """One source file and its mutants."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self._tree = ast.parse(text)

    def mutants(self) -> list[Mutant]:
        """Every mutant, in a fixed order."""
        return [mutant for mutant, _, _ in self._sites()]

    def compiled(self, filename: str, mutant: Mutant | None = None) -> CodeType:
        """The code of the whole module, with this one change."""
        if mutant is None:
            return compile(self._tree, filename, "exec", dont_inherit=True)
        for found, place, node in self._sites():
            if found.number == mutant.number:
                old = place.put(node)
                try:
                    return compile(ast.fix_missing_locations(self._tree), filename, "exec", dont_inherit=True)
                finally:
                    place.put(old)
        raise LookupError(str(mutant))

    def _sites(self) -> Iterator[tuple[Mutant, _Place, ast.AST]]:
        number = 0
        for place, node in _walk(self._tree, (), None):
            line = getattr(node, "lineno", place.statement.lineno if place.statement else 1)
            end_line = getattr(node, "end_lineno", line)
            for change, new in changes(node):
                if hasattr(node, "lineno") and not hasattr(new, "lineno"):
                    ast.copy_location(new, node)
                told = f"{change}{_around(place, node)}"
                yield Mutant(self.file, number, line, end_line, ".".join(place.within), told), place, new
                number += 1


def _walk(node: ast.AST, within: tuple[str, ...], statement: ast.stmt | None) -> Iterator[tuple[_Place, ast.AST]]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        within = (*within, node.name)
    for field, value in ast.iter_fields(node):
        if field in _SKIPPED_FIELDS:
            continue
        children = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
        for index, child in children:
            if not isinstance(child, ast.AST) or _says_nothing_at_run_time(node, field, child):
                continue
            own = child if isinstance(child, ast.stmt) else statement
            yield _Place(node, field, index, within, own), child
            yield from _walk(child, within, own)


def _around(place: _Place, node: ast.AST) -> str:
    """A constant says little without what is around it."""
    if not isinstance(node, ast.Constant) or not isinstance(place.parent, ast.expr | ast.keyword):
        return ""
    return f" in {short(place.parent)}"


def _says_nothing_at_run_time(parent: ast.AST, field: str, child: ast.AST) -> bool:
    if isinstance(child, ast.Expr):
        return isinstance(child.value, ast.Constant)
    if isinstance(child, ast.AnnAssign):
        return isinstance(child.annotation, ast.Name) and child.annotation.id == "TypeAlias"
    # What stands in brackets as a pair or a list is the arguments of a generic type.
    return isinstance(parent, ast.Subscript) and field == "slice" and isinstance(child, ast.Tuple | ast.List)
