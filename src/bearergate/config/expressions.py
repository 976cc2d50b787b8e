"""Configured expressions and globs: located values -> what core/ made of them. Knows no particular key."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from bearergate.config.cures import AS_LIST, as_string
from bearergate.config.located import Findings, Located
from bearergate.config.spelling import nearest
from bearergate.core.bindings import MAX_PATTERN
from bearergate.core.expression import FUNCTIONS, MACROS, VARIABLES, Expression, ExpressionProblem, compile_rule
from bearergate.core.path_match import PathPattern, PatternProblem, compile_pattern

MAX_RULES: Final = 100
_UNKNOWN: Final = re.compile(r"undeclared reference to '([^'.]+)")
_ONE_EQUALS_SIGN: Final = re.compile(r"token recognition error at: '=(?!=)")
_OPEN_QUOTE: Final = re.compile(r"token recognition error at: '[\"']")
_PACKAGES: Final = frozenset({"cel_expr_python", "lark"})


def read_rules(at: Located, findings: Findings) -> tuple[Expression, ...] | None:
    """The value as a list of expressions in CEL, or None after noting why not."""
    if at.items is None:
        findings.problem(at, f"must be a list, got {at.kind}", AS_LIST)
        return None
    if not at.items:
        findings.problem(at, "must not be empty", "write at least one expression or remove the key")
        return None
    if len(at.items) > MAX_RULES:
        findings.problem(at, f"must have at most {MAX_RULES} items, got {len(at.items)}")
        return None
    found = [read_expression(item, findings) for item in at.items]
    good = tuple(expression for expression in found if expression is not None)
    return good if len(good) == len(found) else None


def read_expression(at: Located, findings: Findings) -> Expression | None:
    """The value as an expression in CEL, or None after noting why it is none."""
    if not isinstance(at.value, str):
        findings.problem(at, f"must be a string, got {at.kind}", as_string(at.value))
        return None
    try:
        return compiled(compile_rule, at.value, at, findings)
    except ExpressionProblem as problem:
        findings.problem(at, f"cannot be used: {problem}", _cure(problem.problem))
        return None


def _cure(problem: str) -> str:
    """What to do about what the compiler says, where that alone does not tell."""
    unknown = _UNKNOWN.search(problem)
    if unknown is not None:
        known = (*VARIABLES, *FUNCTIONS, *MACROS)
        meant = nearest(unknown[1], known)
        return (
            f"did you mean {meant}?"
            if meant
            else f"a claim is claims.{unknown[1]}; besides there are {', '.join(known)}"
        )
    if _OPEN_QUOTE.search(problem):
        return "close the quotation mark"
    return "compare with ==" if _ONE_EQUALS_SIGN.search(problem) else ""


def compiled(compiler: Callable[[str], Expression], text: str, at: Located, findings: Findings) -> Expression | None:
    """What the compiler makes of the text, or None after noting that its packages are missing."""
    try:
        return compiler(text)
    except ModuleNotFoundError as missing:
        if missing.name not in _PACKAGES:
            raise
        findings.problem(at, "needs packages that are not installed", "install bearergate[cel]")
        return None


def read_glob(text: str) -> PathPattern:
    """The text as a glob; raises PatternProblem."""
    if len(text) > MAX_PATTERN:
        raise PatternProblem(f"has more than {MAX_PATTERN} characters")
    return compile_pattern(text)
