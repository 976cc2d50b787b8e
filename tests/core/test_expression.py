"""Expressions in CEL: what they see and yield, and everything that is no verdict."""

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

from bearergate.core.expression import BrokenExpression, ExpressionError, _CelExpression, compile_rule, quote
from bearergate.core.facts import Facts
from tests.core.facts_of import FACTS, error_of, facts, holds


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
