"""Expressions in CEL: what they see and yield, what is refused at load, and everything that is no verdict."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bearergate.core.expression import (
    MAX_BYTES,
    BrokenExpression,
    ExpressionError,
    ExpressionProblem,
    _CelExpression,
    _checked_names,
    compile_cel,
    compile_rule,
    quote,
)
from bearergate.core.facts import Facts
from tests.core.facts_of import FACTS, error_of, facts, holds, problem_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"dev" in groups', True),
        ('"zzz" in groups', False),
        ('sub == "user-1" && iss == "https://issuer.test" && client_id == "app"', True),
        ("machine", False),
        ("!machine", True),
        ('scopes == ["read", "write"]', True),
        ("claims.admin == true", True),
        ('claims.admin == "true"', False),
        ("claims.level >= 3", True),
        ("claims.level == 3.0", True),
        ("claims.ratio < 1", True),
        ("claims.nothing == null", True),
        ("claims.level == null", False),
        ('"reader" in claims.roles', True),
        ("claims.realm.deep.x == 1", True),
        ('claims["email"].endsWith("@example.com")', True),
        ("has(claims.email) && !has(claims.phone)", True),
        ('claims.mixed.exists(m, m == "a")', True),
        ('groups.all(g, g.size() <= 3) && groups.exists_one(g, g.startsWith("x-"))', True),
        ('groups.filter(g, g.contains("o")).map(g, g + "!") == ["ops!"]', True),
        ('groups.exists(g, g.matches("^x-[0-9]+$"))', True),
        ('type(claims.level) == int && string(1) == "1" && int("2") == 2 && double(1) == 1.0', True),
        ('{"dev": 1}[groups[0]] == 1', True),
    ],
)
def test_an_expression_yields_true_or_false(text: str, expected: bool) -> None:
    assert holds(text) is expected


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ('groups[5] == "x"', "Index error: index=5 size=3"),
        ('groups[-1] == "x"', "Index error: index=-1 size=3"),
        ("claims.phone == 1", 'Key not found in map : "phone"'),
        ("claims.level / 0 == 1", "divide by zero"),
        ("claims.email && true", "No matching overloads"),
        ('"x" in claims.email', "No matching overloads"),
        ("claims.level.startsWith('3')", "No matching overloads"),
        ('int("three") == 3', "cannot convert string to int"),
        ("claims.email ? true : false", "No matching overloads"),
    ],
)
def test_a_runtime_error_is_no_verdict(text: str, detail: str) -> None:
    assert detail.lower() in error_of(text).lower()


def test_an_error_says_nothing_of_claims_unless_it_is_asked() -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_rule("claims.nope == 1").evaluate(FACTS)
    assert str(caught.value) == "the expression could not be evaluated"
    assert "nope" in caught.value.detail


@pytest.mark.parametrize(
    "strange",
    [
        {"groups": ("a", 1)},
        {"groups": (None,)},
        {"groups": ("\ud800",)},
        {"subject": None},
        {"machine": 1},
        {"machine": "yes"},
        {"claims": {"a": object()}},
        {"claims": {"a": 2**64}},
        {"claims": {"\ud800": 1}},
        {"claims": 7},
        {"scopes": {1, "a"}},
    ],
)
def test_facts_that_are_none_are_no_verdict(strange: dict[str, Any]) -> None:
    everything = 'groups[0] == "a" || groups[1] == "a" || sub == "a" || machine || claims.a == 1 || "a" in scopes'
    with pytest.raises(ExpressionError):
        compile_rule(everything).evaluate(facts(**strange))


def test_claims_that_hold_themselves_are_no_verdict() -> None:
    endless: dict[str, Any] = {}
    endless["again"] = endless
    with pytest.raises(ExpressionError):
        compile_rule("claims.a == 1").evaluate(facts(claims=endless))


class _Result:
    """What a runtime might hand out instead of a boolean."""

    def __init__(self, name: str, value: object) -> None:
        self._name, self._value = name, value

    def type(self) -> Any:
        return self

    def name(self) -> str:
        return self._name

    def value(self) -> object:
        return self._value


@pytest.mark.parametrize(
    "result", [_Result("ERROR", "message"), _Result("BOOL", 1), _Result("BOOL", "true"), _Result("INT", True), None]
)
def test_only_a_true_of_type_boolean_is_true(result: Any) -> None:
    class Runtime:
        def eval(self, _activation: object) -> Any:
            return result

    with pytest.raises(ExpressionError):
        _CelExpression("", "", Runtime(), reads_claims=False).evaluate(FACTS)


def test_a_false_and_an_error_of_the_runtime_count_as_true_where_nobody_looks_closely() -> None:
    # The trap that the rule above is there for.
    from cel_expr_python import cel  # type: ignore[import-untyped]

    environment = cel.NewEnv(variables={})
    assert bool(environment.compile("false").eval())
    assert bool(environment.compile("1 / 0 == 1").eval())


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


def test_a_broken_expression_is_never_a_verdict() -> None:
    broken = BrokenExpression("roles", "line 1, column 1: unknown")
    with pytest.raises(ExpressionError) as caught:
        broken.evaluate(FACTS)
    assert caught.value.detail == broken.problem
    assert broken.text == "roles"


def test_expressions_are_equal_by_their_text_and_can_be_copied() -> None:
    one, same, other = compile_rule("machine"), compile_rule("machine"), compile_rule("!machine")
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert one != object()
    assert repr(one) == "<expression 'machine'>"
    for twin in (copy.deepcopy(other), pickle.loads(pickle.dumps(other))):
        assert twin == other
        assert twin.evaluate(FACTS) is True


def test_one_expression_serves_many_threads_at_once() -> None:
    expression = compile_rule('groups.exists(g, g == sub) && claims.n == size(groups) && sub + "!" == claims.s')

    def ask(number: int) -> bool:
        about = Facts(
            groups=tuple(f"g{n}" for n in range(number % 7 + 1)),
            subject=f"g{number % 9}",
            claims={"n": number % 7 + 1, "s": f"g{number % 9}!"},
        )
        return expression.evaluate(about) is (number % 9 <= number % 7)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(4000)))


def test_many_threads_may_ask_about_the_same_facts() -> None:
    expressions = [compile_rule(f'"g{n}" in groups && claims.n == {n}') for n in range(8)]
    for number in range(8):
        about = Facts(groups=tuple(f"g{n}" for n in range(8)), claims={"n": number})
        with ThreadPoolExecutor(8) as pool:
            verdicts = list(pool.map(lambda expression, seen=about: expression.evaluate(seen), expressions * 20))
        assert verdicts == [n == number for n in range(8)] * 20


def test_claims_are_made_ready_for_who_looks_at_them() -> None:
    about = facts(claims={"email": "ada\0", "a": object()})
    assert compile_rule('"dev" in groups').evaluate(about)
    assert compile_rule('groups.exists(claims, claims == "dev")').evaluate(facts()) is True
    for text in ("has(claims.b)", "groups.all(g, claims.a == g)", '"dev" in groups || "b" in claims'):
        with pytest.raises(ExpressionError):
            compile_rule(text).evaluate(about)


@given(st.text(max_size=60))
def test_no_text_does_more_than_to_be_refused(text: str) -> None:
    try:
        told = compile_rule(text).text
    except ExpressionProblem as problem:
        told = text if str(problem) and problem.line >= 0 else ""
    assert told == text


@pytest.mark.parametrize(
    "cut",
    [
        {"groups": ("dev\0",)},
        {"subject": "user-1\0x"},
        {"issuer": "https://issuer.test\0x"},
        {"client_id": "app\0"},
        {"scopes": frozenset({"read\0"})},
        {"claims": {"email": "ada@example.com\0.evil.test"}},
        {"claims": {"email\0": "ada@example.com"}},
        {"claims": {"a": ({"b": ("\0",)},)}},
    ],
)
def test_a_text_that_the_runtime_would_cut_off_is_no_fact(cut: dict[str, Any]) -> None:
    # It takes a NUL for the end of a text: who may write one could have any name he likes.
    assert error_of("true || size(claims) == 0", facts(**cut)) == "a text that holds a NUL character"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40))
def test_every_other_text_reaches_an_expression_whole(text: str) -> None:
    about = Facts(subject=text, groups=(text,), claims={text: (text,)})
    same = quote(text)
    assert same.isascii()
    known = f"sub == {same} && groups == [{same}] && claims[{same}][0] == sub && size(sub) == {len(text)}"
    assert holds(known, about)


def test_the_runtime_is_loaded_when_the_first_expression_is_compiled() -> None:
    script = (
        "import sys, bearergate.core.expression, bearergate.core.expr_lang, bearergate.core.bindings\n"
        "assert not {'cel_expr_python', 'lark'} & set(sys.modules)\n"
        "bearergate.core.expression.compile_rule('machine')\n"
        "assert 'cel_expr_python' in sys.modules and 'lark' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
