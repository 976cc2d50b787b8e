"""Go's `path.Match`: the table that Go made, and what its documentation promises."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bearergate.core.path_match import PatternProblem, compile_pattern

TABLE = json.loads((Path(__file__).parent / "tables" / "path_match.json").read_text(encoding="utf-8"))["cases"]


def verdict(pattern: str, name: str) -> str:
    try:
        return "yes" if compile_pattern(pattern).matches(name) else "no"
    except PatternProblem:
        return "malformed"


def test_every_verdict_is_that_of_go() -> None:
    found = [(pattern, name, verdict(pattern, name)) for pattern, name, _ in TABLE]
    assert found == [tuple(row) for row in TABLE]


def test_the_table_holds_every_kind_of_verdict_many_times() -> None:
    verdicts = [row[2] for row in TABLE]
    assert min(verdicts.count(kind) for kind in ("yes", "no", "malformed")) > 300


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("a\\", "ends with a backslash that escapes nothing"),
        ("[a", "has a character class that is not closed"),
        ("[", "has a character class that is not closed"),
        ("[a-", "has a character class that is not closed"),
        ("[]a]", "has a character class with an unescaped - or ] where a character belongs"),
        ("[-a]", "has a character class with an unescaped - or ] where a character belongs"),
        ("[\\", "has a character class that is not closed"),
        ("[\ud800]", "has a character class with a byte that is no character"),
    ],
)
def test_a_malformed_pattern_says_what_is_wrong(pattern: str, problem: str) -> None:
    with pytest.raises(PatternProblem) as caught:
        compile_pattern(pattern)
    assert str(caught.value) == problem


def test_a_star_moves_on_by_bytes_as_in_go() -> None:
    # The second question mark takes what is no character: the last two bytes of a euro sign, one after the other.
    assert compile_pattern("*??").matches("€")
    assert not compile_pattern("*???").matches("€")


def test_a_negated_class_matches_a_slash_and_a_star_does_not_look_behind_it() -> None:
    assert compile_pattern("[^a]x").matches("/x")
    assert not compile_pattern("*[^x]*b").matches("c/b")


@given(st.text(max_size=12), st.text(max_size=12))
def test_nothing_but_a_verdict_or_a_problem_comes_out(pattern: str, name: str) -> None:
    assert verdict(pattern, name) in ("yes", "no", "malformed")


@given(st.text(max_size=20))
def test_an_escaped_name_matches_itself_and_nothing_longer(name: str) -> None:
    pattern = compile_pattern("".join(f"\\{char}" for char in name))
    assert pattern.matches(name)
    assert not pattern.matches(f"{name}x")


@given(st.text(alphabet="ab/", max_size=8), st.text(alphabet="ab/", max_size=8))
def test_a_last_star_takes_what_holds_no_slash(start: str, rest: str) -> None:
    assert compile_pattern(f"{start}*").matches(start + rest) is ("/" not in rest)
