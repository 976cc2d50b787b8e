"""When our signing keys begin, are published, and end."""

from __future__ import annotations

import pytest

from bearergate.core.key_rotation import LINGER, rotate
from bearergate.core.registry_tokens import LONGEST_LIFE

PERIOD = 100_000.0
NOW = 1_800_000_000.0


def test_without_any_key_two_are_made_and_the_first_signs_at_once() -> None:
    plan = rotate([], NOW, PERIOD)
    assert (plan.signs, plan.missing, plan.published, plan.over) == (NOW, (NOW, NOW + PERIOD), (NOW, NOW + PERIOD), ())


def test_while_both_are_there_nothing_is_done() -> None:
    plan = rotate([NOW + PERIOD, NOW], NOW + PERIOD - 1, PERIOD)
    assert (plan.signs, plan.missing, plan.published) == (NOW, (), (NOW, NOW + PERIOD))


def test_the_next_one_signs_in_time_and_the_one_after_it_is_made() -> None:
    plan = rotate([NOW, NOW + PERIOD], NOW + PERIOD, PERIOD)
    assert plan.signs == NOW + PERIOD
    assert plan.missing == (NOW + 2 * PERIOD,)
    assert plan.published == (NOW, NOW + PERIOD, NOW + 2 * PERIOD)


@pytest.mark.parametrize(("late", "over"), [(LINGER - 1, ()), (LINGER, (NOW,))])
def test_a_key_stays_until_nothing_that_it_signed_is_left(late: float, over: tuple[float, ...]) -> None:
    begins = [NOW, NOW + PERIOD, NOW + 2 * PERIOD]
    plan = rotate(begins, NOW + PERIOD + late, PERIOD)
    assert plan.over == over
    assert plan.published == tuple(each for each in begins if each not in over)


def test_what_is_published_now_was_published_a_period_before_it_signs() -> None:
    begins: list[float] = []
    published_since: dict[float, float] = {}
    for step in range(200):
        now = NOW + step * PERIOD / 10
        plan = rotate(begins, now, PERIOD)
        begins = [each for each in (*begins, *plan.missing) if each not in plan.over]
        for each in plan.published:
            published_since.setdefault(each, now)
        assert plan.signs in plan.published
        if plan.signs != NOW:
            assert now - published_since[plan.signs] >= PERIOD - 1
        assert len(plan.published) <= 3
    assert len(published_since) == 21


@pytest.mark.parametrize(
    ("asleep", "due"),
    [(1.4 * PERIOD, 2 * PERIOD), (1.5 * PERIOD, 2 * PERIOD), (1.6 * PERIOD, 2.6 * PERIOD), (30 * PERIOD, 31 * PERIOD)],
)
def test_after_a_long_sleep_registries_still_have_time_to_learn_the_next_key(asleep: float, due: float) -> None:
    plan = rotate([NOW, NOW + PERIOD], NOW + asleep, PERIOD)
    assert plan.signs == NOW + PERIOD
    assert list(plan.missing) == pytest.approx([NOW + due])


def test_keys_are_told_in_their_order_in_whatever_order_they_are_found() -> None:
    plan = rotate([NOW + PERIOD, NOW - PERIOD, NOW + 2 * PERIOD, NOW], NOW + 1, PERIOD)
    assert plan.signs == NOW
    assert plan.published == (NOW - PERIOD, NOW, NOW + PERIOD, NOW + 2 * PERIOD)


def test_a_key_lingers_for_twice_the_life_of_a_token() -> None:
    assert LINGER == 2 * LONGEST_LIFE


def test_keys_that_all_lie_ahead_do_not_sign_yet() -> None:
    plan = rotate([NOW + 5], NOW, PERIOD)
    assert (plan.signs, plan.missing, plan.published) == (NOW, (NOW,), (NOW, NOW + 5))
