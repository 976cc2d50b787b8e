"""Texts that are no expression in CEL: refused at load, with their place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bearergate.core.expression import MAX_BYTES, ExpressionProblem, _checked_names, compile_cel, compile_rule
from tests.core.facts_of import holds, problem_of


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "an expression must not be empty"),
        (" \n\t", "an expression must not be empty"),
        ("\ud800", "an expression must be Unicode text"),
        ("groups.size()", "must yield true or false, yields int"),
        ("groups", "must yield true or false, yields list<string>"),
        ("claims.admin", "yields a value whose type is not known: compare it, as in claims.admin == true"),
        ("machine ? true : claims.admin", "yields a value whose type is not known: compare it, as in "),
        ("dyn(true)", "yields a value whose type is not known: compare it, as in claims.admin == true"),
        ("roles", "line 1, column 1: undeclared reference to 'roles'"),
        ("machine &&\n  roles", "line 2, column 3: undeclared reference to 'roles'"),
        ("len(groups) > 0", "line 1, column 4: undeclared reference to 'len'"),
        ("this is [[", "line 1, column 6: Syntax error: mismatched input 'is' expecting <EOF>"),
        ("1 == 'a'", "line 1, column 3: found no matching overload for '_==_' applied to '(int, string)'"),
        ("1 in groups", "line 1, column 3: found no matching overload for '@in' applied to '(int, list(string))'"),
        ("(" * 40 + "true" + ")" * 40, "is nested too deeply"),
        ("1" + "-1" * 40 + " == 1", "is nested too deeply"),
        ("timestamp('x') == timestamp('x')", "line 1, column 10: undeclared reference to 'timestamp'"),
        ("google.protobuf.BoolValue{value: true}", "line 1, column 1: messages such as google.protobuf.BoolValue "),
        ("true\x00", "an expression must not hold a NUL character"),
        ("true\x01", "line 1, column 5: Syntax error: token recognition error at: '"),
    ],
)
def test_what_is_no_expression_is_refused_with_its_place(text: str, problem: str) -> None:
    assert str(problem_of(text)).startswith(problem)


def test_an_expression_has_at_most_four_kilobytes() -> None:
    fits = f'sub == "{"a" * (MAX_BYTES - 9)}"'
    assert len(fits) == MAX_BYTES
    assert not holds(fits)
    assert str(problem_of(fits + " ")) == "an expression has at most 4096 bytes, this one has 4097"
    # Bytes, not characters.
    assert str(problem_of(f'sub == "{"é" * 2048}"')) == "an expression has at most 4096 bytes, this one has 4105"


def test_a_text_that_is_too_long_for_the_runtime_is_refused_without_a_place() -> None:
    with pytest.raises(ExpressionProblem) as caught:
        compile_cel("true || " * 20_000 + "true", "true")
    assert str(caught.value) == "expression size exceeds codepoint limit. input size: 160004, limit: 100000"
    assert (caught.value.line, caught.value.column) == (0, 0)


def test_an_expression_whose_tree_cannot_be_read_is_refused() -> None:
    with pytest.raises(ExpressionProblem, match="cannot be looked at: KeyError"):
        _checked_names(b"", "true")


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("(", "line 1, column 13: invalid regular expression: missing ): ("),
        ("(?=x)", "line 1, column 13: invalid regular expression: invalid perl operator: (?="),
        ("(a{60}){60}", "line 1, column 13: the pattern repeats too much: lower its counts"),
        (r"\\C", r"line 1, column 13: \C, which matches half characters, is not offered"),
        ("a" * 513, "line 1, column 13: a pattern has at most 512 characters"),
    ],
)
def test_a_bad_pattern_is_found_at_load(pattern: str, problem: str) -> None:
    assert str(problem_of(f'sub.matches("{pattern}")')) == problem


def test_a_pattern_that_is_not_written_out_is_refused() -> None:
    # Whoever chooses the names of groups would choose what it costs.
    problem = problem_of("groups.exists(g, sub.matches(g))")
    assert str(problem) == "line 1, column 30: the pattern of matches must be written out as a text"


@given(st.text(max_size=60))
def test_no_text_does_more_than_to_be_refused(text: str) -> None:
    try:
        told = compile_rule(text).text
    except ExpressionProblem as problem:
        told = text if str(problem) and problem.line >= 0 else ""
    assert told == text
