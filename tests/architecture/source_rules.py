"""The scanners behind the architecture tests.

Each takes source text and returns what breaks one rule, one line per finding.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
PACKAGE = SOURCE / "bearergate"

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 40

FORBIDDEN_NAMES = frozenset({"utils", "util", "helpers", "helper", "common", "base", "types", "misc"})

# Ordinary words that are claims too ("scope", "groups", "client_id", "email", "events") are left out: they name
# settings, parameters and JSON members as well, and a scanner cannot tell which is meant.
CLAIM_NAMES = frozenset(
    {
        "acr", "act", "amr", "appid", "at_hash", "aud", "auth_time", "azp", "c_hash", "cid", "cnf",
        "email_verified", "exp", "gty", "hasgroups", "iat", "idtyp", "iss", "jti", "may_act", "nbf", "nonce",
        "oid", "preferred_username", "s_hash", "scp", "session_state", "sid", "sub", "token_use",
        "_claim_names", "_claim_sources",
    }
)  # fmt: skip

# `BearerMiddleware` is a class of ours; the scheme is the word on its own, in front of a token or alone.
_BEARER_SYNTAX = re.compile(
    r"^bearer(?: .*)?$|^(?:http[_-])?authorization(?:: .*)?$|^www-authenticate(?:: .*)?$|\bauthorization: *bearer\b",
    re.IGNORECASE | re.DOTALL,
)

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def source_files() -> list[Path]:
    """Every Python file of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def long_files(text: str) -> Iterator[str]:
    """A file longer than one sitting."""
    lines = len(text.splitlines())
    if lines > MAX_FILE_LINES:
        yield f"{lines} lines, at most {MAX_FILE_LINES}"


def long_functions(text: str) -> Iterator[str]:
    """A function that does not fit on a screen; its docstring does not count."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, FUNCTIONS):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if ast.get_docstring(node) is not None:
                lines -= (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
            if lines > MAX_FUNCTION_LINES:
                yield f"{node.name} (line {node.lineno}): {lines} lines, at most {MAX_FUNCTION_LINES}"


def missing_docstring(text: str) -> Iterator[str]:
    """A file that does not say what lives in it."""
    if not ast.get_docstring(ast.parse(text)):
        yield "does not open with a docstring"


def claim_literals(text: str) -> Iterator[str]:
    """A claim name written out where a constant of core/claims.py belongs."""
    for line, value in _strings(text):
        if value in CLAIM_NAMES:
            yield f"line {line}: {value!r}"


def bearer_syntax(text: str) -> Iterator[str]:
    """The header grammar of RFC 6750, which only core/bearer.py knows."""
    for line, value in _strings(text):
        if _BEARER_SYNTAX.search(value):
            yield f"line {line}: {value!r}"


def homeless_names(path: Path) -> Iterator[str]:
    """A module or folder named after nothing."""
    for part in (*path.parts[:-1], path.stem):
        if part in FORBIDDEN_NAMES:
            yield f"{path}: {part!r} names no home"


def private_words(text: str, words: Mapping[str, re.Pattern[str]]) -> Iterator[str]:
    """A place or host that exists only where somebody once built this."""
    for number, line in enumerate(text.splitlines(), start=1):
        for name, pattern in words.items():
            if pattern.search(line):
                yield f"line {number}: {name}"


def _strings(text: str) -> Iterator[tuple[int, str]]:
    """String and bytes constants, the literal pieces of f-strings included, docstrings not."""
    tree = ast.parse(text)
    documented = (ast.Module, ast.ClassDef, *FUNCTIONS)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in docstrings:
            if isinstance(node.value, str):
                yield node.lineno, node.value
            elif isinstance(node.value, bytes):
                yield node.lineno, node.value.decode("latin-1")
