"""The page about expressions: every example is true, every name is there, every number is the one in the code."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from bearergate.core import cel_limits, expression
from bearergate.core.expr_lang_rules import LENGTH, PREDICATES
from bearergate.core.facts import CLAIMS, Facts
from tests.core.facts_of import expr_lang_outcome, holds
from tests.docs.reference_pages import FOLDER

PAGE = (FOLDER / "expressions.md").read_text(encoding="utf-8")
_KNOWN: dict[str, Any] = json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0])
FACTS = Facts(
    groups=tuple(_KNOWN["groups"]),
    subject=_KNOWN["sub"],
    issuer=_KNOWN["iss"],
    client_id=_KNOWN["client_id"],
    scopes=frozenset(_KNOWN["scopes"]),
    machine=_KNOWN["machine"],
    claims={**_KNOWN["claims"], "roles": tuple(_KNOWN["claims"]["roles"])},
)


def table(heading: str, number: int = 0) -> list[list[str]]:
    """The rows of a table below a heading, as text without its marks."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"(?:^\|.*\n)+", section + "\n", re.MULTILINE)[number].splitlines()[2:]
    return [[plain(cell) for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]


def plain(cell: str) -> str:
    text = cell.strip()
    for mark in ("`` ", "`"):
        # Not where the first and the last mark belong to different pieces of code.
        if text.startswith(mark) and mark not in text[len(mark) : -len(mark)]:
            text = text.removeprefix(mark).removesuffix(mark[::-1])
            break
    return text.replace("\\|", "|")


def names_of(heading: str, number: int = 0) -> set[str]:
    return {row[0] for row in table(heading, number)}


def test_the_page_shows_the_facts_that_its_examples_are_about() -> None:
    assert set(_KNOWN) == set(expression.VARIABLES)
    assert {**FACTS.plain(), CLAIMS: FACTS.plain_claims()} == _KNOWN


def test_every_variable_is_on_the_page_with_its_type() -> None:
    assert {row[0]: row[1] for row in table("What an expression sees")} == expression.VARIABLES


@pytest.mark.parametrize(
    ("name", "example"), [row for part in ("Operators", "Functions", "Macros") for row in table(part)]
)
def test_an_example_is_true(name: str, example: str) -> None:
    assert name.split(maxsplit=1)[0] in example
    assert holds(example, FACTS)


def test_every_function_and_macro_is_on_the_page_and_no_other() -> None:
    assert names_of("Functions") == set(expression.FUNCTIONS)
    assert names_of("Macros") == set(expression.MACROS)


def test_every_operator_is_on_the_page_and_no_other() -> None:
    # As CEL spells them: with an underscore for each operand, and a sign as an operator of one.
    signs = {operator.strip("_@").replace("_", " ") for operator in expression.OPERATORS}
    assert names_of("Operators") == signs


@pytest.mark.parametrize(("name", "example"), table("Expressions of OpenDepot"))
def test_an_example_of_expr_lang_is_true(name: str, example: str) -> None:
    assert expr_lang_outcome(example, FACTS.groups) == "true"


def test_every_form_of_expr_lang_is_on_the_page() -> None:
    forms = {word for name in names_of("Expressions of OpenDepot") for word in name.replace("`", "").split()}
    words = {"in", "not", "and", "&&", "or", "||", "!", "==", "!=", "<", "<=", ">", ">=", "?", ":"}
    words |= {"startsWith", "endsWith", "contains", "matches", LENGTH, *PREDICATES}
    assert words <= forms


@pytest.mark.parametrize(("name", "example"), table("Expressions of OpenDepot", 1))
def test_an_example_of_what_is_stricter_is_denied(name: str, example: str) -> None:
    assert expr_lang_outcome(example, FACTS.groups) in ("refused", "error")


def test_the_limits_are_those_of_the_code() -> None:
    limits = dict(table("Limits"))
    assert list(limits.values()) == [
        f"{expression.MAX_BYTES} bytes",
        f"{cel_limits.MAX_DEPTH} deep",
        str(cel_limits.MAX_SUMS),
        f"{cel_limits.MAX_PATTERN} characters",
        str(cel_limits.MAX_ROUNDS),
        "half a second",
    ]
    assert cel_limits.MAX_COST / 1e7 == 0.5
    assert f"every list has {cel_limits.MANY} items" in next(reversed(limits))
