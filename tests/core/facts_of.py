"""Facts to try expressions on, and short ways to a verdict."""

from __future__ import annotations

from typing import Any

import pytest

from bearergate.core.expr_lang import compile_expr_lang
from bearergate.core.expression import Expression, ExpressionError, ExpressionProblem, compile_rule
from bearergate.core.facts import Facts

CLAIMS: dict[str, Any] = {
    "email": "ada@example.com",
    "admin": True,
    "level": 3,
    "ratio": 0.5,
    "nothing": None,
    "roles": ("reader", "writer"),
    "realm": {"roles": ("a", "b"), "deep": {"x": 1}},
    "mixed": ("a", 1, None),
}
FACTS = Facts(
    groups=("dev", "ops", "x-1"),
    subject="user-1",
    issuer="https://issuer.test",
    client_id="app",
    scopes=frozenset({"write", "read"}),
    claims=CLAIMS,
)


def facts(**changes: Any) -> Facts:
    known = {"groups": FACTS.groups, "subject": FACTS.subject, "issuer": FACTS.issuer, "client_id": FACTS.client_id}
    return Facts(**{**known, "scopes": FACTS.scopes, "claims": CLAIMS, **changes})


def holds(text: str, about: Facts = FACTS) -> bool:
    return compile_rule(text).evaluate(about)


def error_of(text: str, about: Facts = FACTS) -> str:
    with pytest.raises(ExpressionError) as caught:
        compile_rule(text).evaluate(about)
    return caught.value.detail


def problem_of(text: str) -> ExpressionProblem:
    with pytest.raises(ExpressionProblem) as caught:
        compile_rule(text)
    return caught.value


def outcome(expression: Expression, about: Facts) -> str:
    """`true`, `false` or `error`."""
    try:
        return str(expression.evaluate(about)).lower()
    except ExpressionError:
        return "error"


def expr_lang_outcome(text: str, groups: tuple[str, ...]) -> str:
    """The same for expr-lang, and `refused` for what is not accepted."""
    try:
        return outcome(compile_expr_lang(text), Facts(groups=groups))
    except ExpressionProblem:
        return "refused"
