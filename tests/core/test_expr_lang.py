"""expr-lang made CEL: the verdicts of expr-lang itself, the places of refusals, and errors that nothing makes good."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bearergate.core.expr_lang import compile_expr_lang, translate
from bearergate.core.expr_lang_text import BadText, read_raw, read_text
from bearergate.core.expression import ExpressionProblem
from bearergate.core.facts import Facts
from tests.core.facts_of import expr_lang_outcome
from tests.properties.bounds import examples

TABLE = json.loads((Path(__file__).parent / "tables" / "expr_lang.json").read_text(encoding="utf-8"))["cases"]
GROUPS = ("dev", "ops", "x-1")


def problem_of(text: str) -> str:
    with pytest.raises(ExpressionProblem) as caught:
        compile_expr_lang(text)
    return str(caught.value)


def test_every_verdict_is_that_of_expr_lang_or_a_stricter_one() -> None:
    found = [[text, groups, expr_lang_outcome(text, tuple(groups))] for text, groups, *_ in TABLE]
    assert found == [[text, groups, verdicts[-1]] for text, groups, *verdicts in TABLE]


def test_where_the_table_differs_from_expr_lang_it_denies() -> None:
    differing = [verdicts for _, _, *verdicts in TABLE if len(verdicts) > 1]
    assert len(differing) > 50
    assert {ours for _, ours in differing} == {"refused", "error"}


def test_the_table_holds_every_kind_of_verdict_many_times() -> None:
    verdicts = [row[2] for row in TABLE]
    assert min(verdicts.count(kind) for kind in ("true", "false", "error", "refused")) > 60


@pytest.mark.parametrize(
    ("text", "cel"),
    [
        ('"a" in groups', '"a" in groups'),
        ('"a" in groups or "b" in groups', '"a" in groups ? true : "b" in groups'),
        ('"a" in groups and "b" in groups', '"a" in groups ? "b" in groups : false'),
        ('"a" not in groups', '!("a" in groups)'),
        ("not (groups == [])", "!(groups == [])"),
        ("true or false or true or false", "(true ? true : false) ? true : (true ? true : false)"),
        ("true ? false : true ? true : false", "true ? false : true ? true : false"),
        ("(true ? false : true) ? true : false", "(true ? false : true) ? true : false"),
        ("len(groups) > 1.5", "double(size(groups)) > 1.5"),
        ("1_000 >= -1", "1000 >= -1"),
        ('any(groups, {# startsWith "x-"})', 'groups.exists(x, x.startsWith("x-"))'),
        ("none(groups, # matches `^a$`)", '!groups.exists(x, x.matches("^a$"))'),
        ('any([groups], {any(#, {# == "a"})})', '[groups].exists(x, x.exists(x, x == "a"))'),
        ("len(filter(groups, {true})) == 0", "size(groups.filter(x, true)) == 0"),
        ('groups[-1] == "a" and groups[0] != groups[-0]', None),
        ("'é\\n\"' in groups", '"\\U000000e9\\U0000000a\\"" in groups'),
    ],
)
def test_a_translation_is_plain_cel(text: str, cel: str | None) -> None:
    last = 'groups[size(groups) - 1] == "a" ? groups[0] != groups[0] : false'
    assert translate(text) == (cel or last)


@pytest.mark.parametrize(
    "text",
    [
        'groups[9] == "x" or "dev" in groups',
        'groups[9] == "x" || true',
        'groups[9] == "x" and "zzz" in groups',
        'groups[9] == "x" && false',
        'not (groups[9] == "x" and false)',
        'groups[9] == "x" ? true : true',
        '"zzz" in groups or groups[9] == "x" or "dev" in groups',
        '("dev" in groups and groups[9] == "x") or true',
    ],
)
def test_an_error_on_the_left_denies_whatever_stands_on_the_right(text: str) -> None:
    assert expr_lang_outcome(text, GROUPS) == "error"


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ('"dev" in groups or groups[9] == "x"', "true"),
        ('"zzz" in groups and groups[9] == "x"', "false"),
        ('"dev" in groups ? true : groups[9] == "x"', "true"),
        ('"dev" in groups or "zzz" in groups or groups[9] == "x" or groups[8] == "x"', "true"),
    ],
)
def test_what_is_not_reached_does_no_harm(text: str, verdict: str) -> None:
    assert expr_lang_outcome(text, GROUPS) == verdict


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "an expression must not be empty"),
        ("// nothing", "line 1, column 11: ends too early"),
        ('"a" in', "line 1, column 7: ends too early"),
        ("this is [[ not valid expr", "line 1, column 6: unexpected 'is'"),
        ('"a" in groups\n  && roles', "line 2, column 6: unknown name roles: there is groups"),
        ("len(groups)", "line 1, column 1: must yield true or false, yields a whole number"),
        ("groups", "line 1, column 1: must yield true or false, yields a list of texts"),
        ('not "a" in groups', "line 1, column 5: must yield true or false, yields a text"),
        ("true and 1", "line 1, column 10: must yield true or false, yields a whole number"),
        ("groups | len()", "line 1, column 8: unexpected character '|'"),
        ("groups?.a", "line 1, column 7: unexpected character '?'"),
        ("groups.a", "line 1, column 7: unexpected character '.'"),
        ("true ?: false", "line 1, column 7: unexpected ':'"),
        ("let x = 1; true", "line 1, column 5: unexpected 'x'"),
        ("one(groups, {true})", "line 1, column 1: unknown function one: there are all, any, filter, none, len"),
        ("len(groups, groups) == 1", "line 1, column 1: len takes 1 argument, got 2"),
        ("any(groups)", "line 1, column 1: any takes 2 arguments, got 1"),
        ("any(1, {true})", "line 1, column 5: any needs a list with items, not a whole number"),
        ("any([], {true})", "line 1, column 5: any needs a list with items, not an empty list"),
        ("len(1) == 1", "line 1, column 5: len needs a list or a text, not a whole number"),
        ("len({true}) == 1", "line 1, column 6: a block stands only where a predicate does"),
        ("any({true}, {true})", "line 1, column 6: a block stands only where a predicate does"),
        ("# == 'a'", "line 1, column 1: # has a meaning only inside of a predicate"),
        ("any(groups, {groups[0] == #})", "line 1, column 21: an index inside of a predicate is not supported"),
        ('["a"][-1] == "a"', "line 1, column 8: a negative index is supported on groups only"),
        ('"abc"[0] == "a"', "line 1, column 7: an index needs a list with items, not a text"),
        ("1 in groups", "line 1, column 3: in looks for a whole number in a list of texts"),
        ('"a" in "abc"', "line 1, column 5: in needs a list on its right, not a text"),
        ('1 contains "a"', "line 1, column 3: contains needs a text on its left, not a whole number"),
        ('"a" startsWith 1', "line 1, column 5: startsWith needs a text on its right, not a whole number"),
        ('groups matches "a"', "line 1, column 8: matches needs a text on its left, not a list of texts"),
        ('"a" matches groups[0]', "line 1, column 13: the pattern of matches must be written out as a text"),
        ('"a" matches "("', "line 1, column 13: invalid regular expression: missing ): ("),
        ('"a" matches `(?=a)`', "line 1, column 13: invalid regular expression: invalid perl operator: (?="),
        ('1 == "a"', "line 1, column 3: == compares a whole number with a text"),
        ("groups == [1]", "line 1, column 8: == compares a list of texts with a list of whole numbers"),
        ("true < false", "line 1, column 6: < compares numbers or texts, not true or false"),
        ('["a", 1] == []', "line 1, column 7: a list holds values of one kind, this one is a whole number"),
        ("true ? 1 : true", "line 1, column 6: chooses between a whole number and true or false"),
        ("1 ? true : true", "line 1, column 1: must yield true or false, yields a whole number"),
        ("9223372036854775808 > 0", "line 1, column 1: the number is too large"),
        ("1e999 > 0", "line 1, column 1: the number is too large"),
        ('"\\q" in groups', "line 1, column 1: unknown escape '\\\\q'"),
        ("not " * 70 + "true", "line 1, column 257: is nested too deeply"),
        ("[" * 40 + "true" + "]" * 40 + " == []", "line 1, column 1: is nested too deeply"),
        (
            "any(groups, {all(groups, {none(groups, {true})})})",
            "line 1, column 27: predicates inside of predicates",
        ),
        (
            "any(filter(filter(groups, {true}), {true}), {true})",
            "line 1, column 12: predicates inside of predicates",
        ),
        (
            "any(groups, {any(groups, {# matches '^(a|b|c){9}$'})})",
            "line 1, column 1: could take too long where a list has 1000 items",
        ),
        ("\ud800", "an expression must be Unicode text"),
        ('"' + "a" * 4090 + '" in groups', "an expression has at most 4096 bytes, this one has 4102"),
    ],
)
def test_what_is_not_translated_is_refused_with_its_place(text: str, problem: str) -> None:
    assert problem in problem_of(text)


def test_hundreds_of_alternatives_are_no_deep_nesting() -> None:
    many = " or ".join(f'"g{number}" in groups' for number in range(200))
    assert expr_lang_outcome(many, ("g199",)) == "true"
    assert expr_lang_outcome(many, ("g200",)) == "false"
    assert expr_lang_outcome(many.replace(" or ", " && "), ("g1",)) == "false"
    assert expr_lang_outcome("(" * 500 + "true" + ")" * 500, ()) == "true"


@pytest.mark.parametrize(
    ("literal", "text"),
    [
        ('""', ""),
        ("'it\\'s'", "it's"),
        ('"\\a\\b\\f\\n\\r\\t\\v\\\\"', "\a\b\f\n\r\t\v\\"),
        ('"\\x41\\u00e9\\U0001f600\\u{1f600}\\u{e}\\101"', "Aé😀😀\x0eA"),
        ('"é"', "é"),
    ],
)
def test_a_text_in_quotes_has_the_escapes_of_expr_lang(literal: str, text: str) -> None:
    assert read_text(literal) == text


@pytest.mark.parametrize(
    "escape",
    ["\\q", "\\'", "\\`", "\\?", "\\8", "\\400", "\\x4", "\\u12", "\\u{}", "\\u{1234567}", "\\ud800", "\\U00110000"],
)
def test_any_other_escape_is_refused(escape: str) -> None:
    with pytest.raises(BadText):
        read_text(f'"{escape}"')


def test_backticks_hold_anything_and_twice_themselves() -> None:
    assert read_raw('`a\\n``"`') == 'a\\n`"'


WORDS = st.sampled_from(
    ["groups", '"dev"', "'x'", "`y`", "0", "-1", "1.5", "true", "#", "in", "not", "and", "or", "&&", "||", "!", "==",
     "<", "(", ")", "[", "]", "{", "}", ",", "?", ":", "len", "any", "filter", "startsWith", "matches", "//", "/*"]
)  # fmt: skip


@examples(400)
@given(st.one_of(st.text(max_size=40), st.lists(WORDS, max_size=14).map(" ".join), st.lists(WORDS).map("".join)))
def test_translation_raises_the_typed_error_and_nothing_else(text: str) -> None:
    try:
        cel = translate(text)
    except ExpressionProblem as problem:
        cel = str(problem).encode("ascii", "backslashreplace").decode()
    assert cel
    assert cel.isascii()


@examples(150)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0`"), max_size=8), max_size=4))
def test_any_group_can_be_named_in_backticks(groups: list[str]) -> None:
    expression = compile_expr_lang("`wanted` in groups and all(groups, {len(#) >= 0})")
    assert expression.evaluate(Facts(groups=tuple(groups))) is ("wanted" in groups)
    for group in groups:
        if not set(group) & set("\r"):
            assert compile_expr_lang(f"`{group}` in groups").evaluate(Facts(groups=tuple(groups)))
