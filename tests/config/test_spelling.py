"""Distances between spellings, and the key that was probably meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bearergate.config.spelling import edits, nearest

KEYS = ("allowed_clients", "audiences", "aliases")


@pytest.mark.parametrize(
    ("left", "right", "distance"),
    [
        ("", "", 0),
        ("", "abc", 3),
        ("abc", "abc", 0),
        ("abc", "ab", 1),
        ("abc", "xbc", 1),
        ("abc", "acb", 2),
        ("kitten", "sitting", 3),
    ],
)
def test_the_distance_counts_insertions_deletions_and_substitutions(left: str, right: str, distance: int) -> None:
    assert edits(left, right) == edits(right, left) == distance


@given(st.text(max_size=8), st.text(max_size=8))
def test_the_distance_is_symmetric_and_zero_only_for_equal_texts(left: str, right: str) -> None:
    assert edits(left, right) == edits(right, left)
    assert (edits(left, right) == 0) == (left == right)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("allowd_clients", "allowed_clients"),
        ("audience", "audiences"),
        ("alaises", "aliases"),
        ("scopes", None),
        ("al", None),
    ],
)
def test_the_nearest_key_is_at_most_two_edits_away(typed: str, meant: str | None) -> None:
    assert nearest(typed, KEYS) == meant


def test_nothing_is_near_when_nothing_is_known() -> None:
    assert nearest("a", ()) is None
