"""`bindings:` and `rules:` of the configuration: what they become, and everything that is wrong with them at once."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from bearergate.config.bindings import MAX_BINDINGS, read_bindings
from bearergate.config.expressions import read_rules
from bearergate.config.located import CODE, Findings, locate
from bearergate.core.bindings import MAX_PATTERN
from bearergate.core.errors import ConfigError
from bearergate.core.expression import FUNCTIONS, MACROS, VARIABLES
from bearergate.core.facts import Facts
from bearergate.core.resources import Resource

GOOD = {"name": "b", "expression": '"dev" in groups', "grants": {"module": ["aws-*"], "team room": ["*"]}}


def problems_of(value: object, reader: Any = read_bindings, key: str = "bindings") -> list[str]:
    findings = Findings()
    reader(locate(value, key, lambda _: CODE), findings)
    with pytest.raises(ConfigError) as caught:
        findings.raise_problems()
    return [str(problem) for problem in caught.value.problems]


def test_bindings_are_read_and_ordered() -> None:
    findings = Findings()
    later = {**GOOD, "name": "a", "expression": "machine\n  && true"}
    bindings = read_bindings(locate([GOOD, later], "bindings", lambda _: CODE), findings)
    findings.raise_problems()
    assert bindings is not None
    assert [binding.name for binding in bindings] == ["a", "b"]
    assert bindings.problems == ()
    matched = bindings.match(Facts(groups=("dev",)))
    assert matched.name == "b"
    assert matched.covers(Resource("module", "aws-vpc"))
    assert matched.covers(Resource("team room", "x"))
    assert not matched.covers(Resource("module", "gcp"))


@pytest.mark.parametrize(
    ("value", "problems"),
    [
        ("x", ["bindings must be a list, got str"]),
        ([], ["bindings must have 1 to 1000 items, got 0"]),
        ([GOOD] * (MAX_BINDINGS + 1), ["bindings must have 1 to 1000 items, got 1001"]),
        (["x"], ["bindings[0] must be a mapping, got str"]),
        ([{}], [f"bindings[0] must have {key}" for key in ("name", "expression", "grants")]),
        ([{**GOOD, "grant": 1}], ["bindings[0].grant: unknown key grant: did you mean grants?"]),
        ([{**GOOD, "name": ""}], ["bindings[0].name: name must not be empty"]),
        ([{**GOOD, "name": 7}], ["bindings[0].name: name must be a string, got int"]),
        ([{**GOOD, "expression": True}], ["bindings[0].expression: expression must be a string, got bool"]),
        (
            [{**GOOD, "expression": "len(groups) > 0"}],
            ["bindings[0].expression: expression cannot be used: line 1, column 4: undeclared reference to 'len'"],
        ),
        (
            [{**GOOD, "expression": "groups"}],
            ["bindings[0].expression: expression cannot be used: must yield true or false, yields list<string>"],
        ),
        (
            [{**GOOD, "grants": ["*"]}],
            ["bindings[0].grants: grants must be a mapping with at least one kind, got list"],
        ),
        ([{**GOOD, "grants": {}}], ["bindings[0].grants: grants must be a mapping with at least one kind, got dict"]),
        ([{**GOOD, "grants": {" ": ["*"]}}], ["bindings[0].grants: grants must not have a kind without a name"]),
        ([{**GOOD, "grants": {"module": []}}], ["bindings[0].grants.module: module must not be empty"]),
        (
            [{**GOOD, "grants": {"module": ["[a", "ok"], "provider": "aws"}}],
            [
                "bindings[0].grants.module: module must hold well-formed globs: '[a' has a character class that is not",
                "bindings[0].grants.provider: provider must be a list, got str",
            ],
        ),
        (
            [{**GOOD, "grants": {"module": ["a" * (MAX_PATTERN + 1)]}}],
            [f"bindings[0].grants.module: module must hold well-formed globs: '{'a' * 80}' has more than 512 char"],
        ),
        (
            [GOOD, {**GOOD, "expression": "x"}],
            [
                "bindings[1].expression: expression cannot be used: line 1, column 1: undeclared reference to 'x'",
                "bindings[1].name: name 'b' is also the name of another binding (bindings[0].name)",
            ],
        ),
    ],
)
def test_everything_that_is_wrong_is_told_at_once(value: object, problems: list[str]) -> None:
    found = problems_of(value)
    assert [one[: len(other)] for one, other in zip(found, problems, strict=True)] == problems


def test_rules_are_expressions_that_stay_in_their_order() -> None:
    findings = Findings()
    rules = read_rules(locate(["claims.b == 1", "claims.a == 1"], "rules", lambda _: CODE), findings)
    findings.raise_problems()
    assert rules is not None
    assert [rule.text for rule in rules] == ["claims.b == 1", "claims.a == 1"]


@pytest.mark.parametrize(
    ("value", "problems"),
    [
        ("x", ['rules must be a list, got str; write it as ["a", "b"]']),
        ([], ["rules must not be empty; write at least one expression or remove the key"]),
        (
            ["true", "", 7],
            [
                "rules[1] cannot be used: an expression must not be empty",
                "rules[2] must be a string, got int; write it in quotes",
            ],
        ),
        (["claims.a"], ["rules[0] cannot be used: yields a value whose type is not known: compare it, as in claims."]),
    ],
)
def test_rules_that_cannot_be_used_are_named(value: object, problems: list[str]) -> None:
    found = problems_of(value, read_rules, "rules")
    assert [one[: len(other)] for one, other in zip(found, problems, strict=True)] == problems


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ('groops == ["a"]', "did you mean groups?"),
        ("has(claim.email)", "did you mean claims?"),
        ("sub.mathes('a')", "did you mean matches?"),
        ("exist(groups)", "did you mean exists?"),
        (
            'email == "ada@example.com"',
            f"a claim is claims.email; besides there are {', '.join((*VARIABLES, *FUNCTIONS, *MACROS))}",
        ),
        ('sub = "user-1"', "compare with =="),
        ('sub == "user-1', "close the quotation mark"),
        ("sub == 'user-1", "close the quotation mark"),
    ],
)
def test_a_slip_in_an_expression_is_told_with_its_cure(text: str, cure: str) -> None:
    (found,) = problems_of([text], read_rules, "rules")
    assert found.startswith("rules[0] cannot be used: line 1, column ")
    assert found.endswith(f"; {cure}")


def test_expressions_need_an_extra_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from bearergate.core import expression

    expression._engine.cache_clear()
    monkeypatch.setitem(sys.modules, "cel_expr_python", None)
    assert problems_of([GOOD]) == [
        "bindings[0].expression: expression needs packages that are not installed; install bearergate[cel]"
    ]
