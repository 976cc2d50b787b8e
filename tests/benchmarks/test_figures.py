"""How readings become figures, on made-up numbers."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from benchmarks import importing, plan
from benchmarks.bars import BARS, FAST, Bar
from benchmarks.environments import Missing
from benchmarks.machine import file_name
from benchmarks.results import Results, newest
from benchmarks.rounds import LEAST, Comparison, Reading, Slot, play
from benchmarks.run import raw_checks
from benchmarks.serving import speed_of
from tests.benchmarks.made_up import figure, results

RAW, OURS, PEER = Slot("raw", "RS256"), Slot("ours", "RS256"), Slot("peer", "RS256")
COMPARISONS = [Comparison(OURS, RAW), Comparison(PEER, RAW)]


def test_every_reading_lies_between_two_of_its_base() -> None:
    asked: list[Slot] = []

    def timer(slot: Slot) -> float:
        asked.append(slot)
        return {RAW: 20.0, OURS: 30.0, PEER: 150.0}[slot]

    readings = play(COMPARISONS, timer, LEAST, random.Random(1))
    assert Counter(asked) == {RAW: 3 * LEAST, OURS: LEAST, PEER: LEAST}
    for number, slot in enumerate(asked):
        if slot != RAW:
            assert asked[number - 1] == asked[number + 1] == RAW
    assert {reading.ratio for reading in readings[COMPARISONS[0]]} == {1.5}
    assert {reading.ratio for reading in readings[COMPARISONS[1]]} == {7.5}


def test_a_machine_that_slows_down_moves_no_ratio() -> None:
    speed = iter(range(1, 1000))

    def timer(slot: Slot) -> float:
        return {RAW: 20.0, OURS: 30.0, PEER: 150.0}[slot] * (1000 + next(speed))

    readings = play(COMPARISONS, timer, LEAST, random.Random(1))
    assert [round(reading.ratio, 3) for reading in readings[COMPARISONS[0]]] == [1.5] * LEAST


def test_the_order_changes_from_round_to_round() -> None:
    subjects: list[Slot] = []

    def timer(slot: Slot) -> float:
        subjects.extend([slot] if slot != RAW else [])
        return 1.0

    many = [Comparison(Slot(str(number), "RS256"), RAW) for number in range(6)]
    play(many, timer, LEAST, random.Random(1))
    orders = {tuple(subjects[number * 6 : number * 6 + 6]) for number in range(LEAST)}
    assert len(orders) > 1
    assert all(len(set(order)) == 6 for order in orders)


def test_too_few_rounds_make_no_figure() -> None:
    with pytest.raises(ValueError, match="at least 9 rounds"):
        play(COMPARISONS, lambda _: 1.0, LEAST - 1, random.Random(1))


def test_a_figure_is_the_median_of_its_ratios_with_quartiles() -> None:
    row = plan.Row("cold", FAST, "RS256", COMPARISONS[0])
    made = row.figure([Reading(base * ratio, base) for base, ratio in ((10, 9.0), (20, 1.4), (30, 1.5))], unit=20.0)
    assert (made.ratio, made.low, made.high) == (1.5, 1.45, 5.25)
    assert (made.amount, made.unit) == (45.0, "us")


def test_what_is_added_is_told_in_raw_checks_and_in_microseconds() -> None:
    row = plan.Row("adapters", "ASGI middleware", "added", COMPARISONS[0], is_added=True)
    made = row.figure([Reading(5.0, 3.0), Reading(5.5, 3.5), Reading(9.0, 7.0)], unit=20.0)
    assert (made.ratio, made.amount) == (0.1, 2.0)


def test_the_unit_is_the_median_of_all_raw_checks() -> None:
    bases = {"RS256": [20.0, 21.0, 90.0], "ES256": [60.0], "EdDSA": [110.0]}
    readings = {
        Comparison(Slot("ours", name), Slot("raw", name)): [Reading(1.0, base) for base in found]
        for name, found in bases.items()
    }
    assert raw_checks(readings) == {"RS256": 21.0, "ES256": 60.0, "EdDSA": 110.0}


def test_rows_are_made_of_what_there_is() -> None:
    jobs = {"raw": ["RS256", "ES256", "EdDSA"], FAST: ["RS256", "ES256", "EdDSA"], "python-jose": ["RS256", "ES256"]}
    rows = plan.rows(jobs)
    assert [(row.name, row.column) for row in rows] == [
        (FAST, "RS256"), (FAST, "ES256"), (FAST, "EdDSA"), ("python-jose", "RS256"), ("python-jose", "ES256"),
    ]  # fmt: skip


def test_every_bar_stands_at_a_figure_that_is_planned() -> None:
    rows = plan.rows({name: {job for slot in slots if (job := slot.job)} for name, slots in _planned().items()})
    planned = {f"{row.group} / {row.name} / {row.column}" for row in rows}
    imports = {f"import / {name} / time" for name in importing.STATEMENTS}
    assert set(BARS) <= planned | imports


def _planned() -> dict[str, set[Slot]]:
    slots: dict[str, set[Slot]] = {}
    for row in plan.all_rows():
        for slot in (row.comparison.subject, row.comparison.base):
            slots.setdefault(slot.worker, set()).add(slot)
    return slots


def test_importing_is_told_in_imports_of_the_base() -> None:
    times = {importing.PRIMITIVES: 20.0, "import bearergate": 5.0, "from bearergate import Validator": 30.0}
    made = {one.name: one for one in importing.figures(3, lambda statement: times.get(statement, 40.0))}
    assert (made["import bearergate"].ratio, made["from bearergate import Validator"].ratio) == (0.25, 1.5)
    assert made["from bearergate import Validator"].amount == 30.0


def test_importing_is_timed_in_processes_of_their_own() -> None:
    # A module that nothing loads by itself, not even a coverage tool in every process.
    with importing.in_new_processes() as time:
        assert time("import sys; assert 'wave' not in sys.modules; import wave") > 0
        assert time("import sys; assert 'wave' not in sys.modules") >= 0


@pytest.mark.parametrize(
    ("bar", "ratio", "verdict"),
    [
        (Bar(1.6, goal=1.45), 1.4, "met, 13% below, goal met"),
        (Bar(1.6, goal=1.45), 1.5, "met, 6% below, goal not met"),
        (Bar(1.6, goal=1.45), 1.6, "met, 0% below, goal not met"),
        (Bar(1.6, goal=1.45), 2.0, "missed by 25%"),
        (Bar(0.05), 0.04, "met, 20% below"),
    ],
)
def test_a_bar_says_by_how_much_it_is_met_or_missed(bar: Bar, ratio: float, verdict: str) -> None:
    assert bar.verdict(figure("cold", FAST, "RS256", ratio)) == verdict


def test_a_bar_may_be_of_the_amount() -> None:
    bar = Bar(3.0, of_amount=True)
    assert not bar.is_met(figure("adapters", "ASGI middleware", "added", 0.1, amount=3.3))
    assert bar.is_met(figure("adapters", "ASGI middleware", "added", 9.9, amount=2.9))


def test_what_wrk_says_is_read() -> None:
    said = "  1234 requests in 1.00s\nRequests/sec:   9876.54\nTransfer/sec: 1MB\n"
    assert speed_of(said) == 9876.54
    with pytest.raises(Missing, match="some requests failed"):
        speed_of(said + "  Non-2xx or 3xx responses: 3\n")
    with pytest.raises(Missing, match="no speed"):
        speed_of("")


def test_results_are_read_as_they_were_written_and_the_newest_are_found(tmp_path: Path) -> None:
    assert newest(tmp_path) is None
    for date in ("2026-02-01", "2026-10-01", "2026-09-30"):
        results(date=date).save(tmp_path / f"{date}-machine.json")
    path = newest(tmp_path)
    assert path is not None
    assert Results.load(path) == results(date="2026-10-01")


def test_a_file_of_results_is_named_after_the_day_and_the_machine() -> None:
    described = {"processor": "Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz", "cores": "2"}
    assert (
        file_name("2026-01-31", described, {"python": "3.11.7"})
        == "2026-01-31-intel-xeon-e5-2680-v4-2-cores-py311.json"
    )
