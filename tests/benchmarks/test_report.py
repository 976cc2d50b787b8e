"""What is told of results: tables, the chart, the page, and what moved; on made-up numbers."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks import guard, page
from benchmarks.bars import FAST, PLAIN, WARM
from benchmarks.chart import bars_of, draw
from benchmarks.results import Results, newest
from benchmarks.tables import bars, left_out, others, table, validation
from tests.benchmarks.made_up import FIGURES, PEER, PEER_WARM, figure, results

README = Path(__file__).parents[2] / "README.md"
SVG = "{http://www.w3.org/2000/svg}"


def cells(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line]


def test_a_table_is_aligned() -> None:
    text = table(["Name", "n"], [["a", "1.00"], ["long name", "10.00"]])
    assert len({len(line) for line in text.splitlines()}) == 1
    assert cells(text)[1:] == [["---------", "----:"], ["a", "1.00"], ["long name", "10.00"]]


def test_libraries_stand_in_order_cold_apart_from_warm_with_raw_checks_as_the_unit() -> None:
    cold, warm = validation(results()).split("\n\n")
    assert cells(cold)[2:] == [
        ["1.00: one raw check, here", "20.0 us", "60.0 us", "110.0 us"],
        [FAST, "1.50", "1.20", "1.30"],
        [PEER, "1.60", "1.19", "-"],
        [PLAIN, "2.70", "-", "-"],
    ]
    assert cells(warm)[3:] == [[WARM, "0.040", "-", "-"], [PEER_WARM, "0.20", "-", "-"]]


def test_bars_stand_beside_what_was_measured() -> None:
    told = {row[0]: row[1:] for row in cells(bars(results()))[2:]}
    assert told[f"cold, {FAST}, RS256"] == ["1.50", "1.6 (goal 1.45)", "met, 6% below, goal not met"]
    assert told[f"cold, {FAST}, EdDSA"] == ["1.30", "1.15", "missed by 13%"]
    assert told["adapters, ASGI middleware, added"] == ["3.30 us", "3 us", "missed by 10%"]
    assert told["refusals, 1 MiB token, extra fast"] == ["40.00 us", "1000 us", "met, 96% below"]
    assert f"cold, {PLAIN}, ES256" not in told


def test_every_figure_is_in_some_table_and_what_is_left_out_is_said() -> None:
    run = results(left_out={"ryjwt (Rust)": "needs Python 3.12 or later"})
    text = "\n".join([validation(run), *(text for _, text in others(run))])
    assert all(found.name in text for found in run.figures)
    assert left_out(run) == ["Not measured: ryjwt (Rust) (needs Python 3.12 or later)."]


def test_the_chart_draws_each_ratio_to_scale_and_the_warm_one_below_the_cold_one() -> None:
    assert [(bar.label, bar.kind) for bar in bars_of(results(), "RS256")] == [
        (FAST, "ours"), (WARM, "ours-warm"), (PEER, "peer"), (PEER_WARM, "peer-warm"), (PLAIN, "ours"),
    ]  # fmt: skip
    drawing = ET.fromstring(draw(results()))
    widths = {
        float(label.text or ""): float(rect.attrib["width"])
        for rect, label in _bars_with_numbers(drawing)
        if float(label.text or "") > 0.1
    }
    assert set(widths) == {1.5, 0.2, 1.6, 2.7, 1.2, 1.19, 1.3}
    assert len({round(width / ratio) for ratio, width in widths.items()}) == 1


def _bars_with_numbers(drawing: ET.Element) -> list[tuple[ET.Element, ET.Element]]:
    parts = list(drawing)
    return [
        (part, parts[number + 1])
        for number, part in enumerate(parts)
        if part.tag == f"{SVG}rect" and re.fullmatch(r"[\d.]+", parts[number + 1].text or "")
    ]


def test_the_chart_holds_nothing_that_has_to_be_fetched_and_reads_on_dark_and_light() -> None:
    drawing = draw(results())
    assert "http" not in drawing.replace("http://www.w3.org/2000/svg", "")
    assert "prefers-color-scheme: dark" in drawing


def test_the_page_keeps_what_people_wrote_and_is_printed_once_only() -> None:
    people = f"# Speed\n\nWhy.\n\n{page.BEGIN}\n\nlong ago\n\n{page.END}\nEnd.\n"
    once = page.with_print(people, page.printed(results()))
    assert once.startswith("# Speed\n\nWhy.\n")
    assert once.endswith("End.\n")
    assert "long ago" not in once
    assert "2026-01-31" in once
    assert "Made <Up> 1, 2 cores" in once
    assert page.with_print(once, page.printed(results())) == once


def test_page_and_chart_are_written_from_the_newest_results(tmp_path: Path) -> None:
    folder, target = tmp_path / "results", tmp_path / "speed.md"
    target.write_text(f"{page.BEGIN}{page.END}", encoding="utf-8")
    page.write(folder, target)
    assert page.NOTHING in target.read_text(encoding="utf-8")
    assert not (tmp_path / "speed.svg").exists()
    results().save(folder / "2026-01-31-machine.json")
    results(date="2026-02-28").save(folder / "2026-02-28-machine.json")
    page.write(folder, target)
    assert "2026-02-28" in target.read_text(encoding="utf-8")
    assert (tmp_path / "speed.svg").read_text(encoding="utf-8") == draw(results())


def test_the_page_of_the_documentation_is_what_the_newest_results_say() -> None:
    path = newest()
    found = None if path is None else Results.load(path)
    text = page.PAGE.read_text(encoding="utf-8")
    assert text == page.with_print(text, page.printed(found)), "run: python -m benchmarks page"
    if found is not None:
        assert not found.quick
        assert page.CHART.read_text(encoding="utf-8") == draw(found), "run: python -m benchmarks page"


def test_the_readme_claims_what_the_newest_results_say() -> None:
    path = newest()
    assert path is not None
    found = Results.load(path).by_key
    costs = README.read_text(encoding="utf-8").partition("## What it costs")[2].partition("##")[0]
    cold = [found[f"cold / {name} / RS256"].ratio for name in (FAST, PLAIN)]
    warm = found[f"warm / {WARM} / RS256"].ratio
    assert re.findall(r"\d\.\d+", costs) == [*(f"{ratio:.2f}" for ratio in cold), f"{warm:.3f}"]


def moved(**ratios: float) -> Results:
    """The made-up results with other ratios for the first library."""
    return results(
        [figure(one.group, one.name, one.column, ratios[one.column]) if one.name == FAST else one for one in FIGURES]
    )


def test_the_guard_tells_what_moved_by_more_than_a_quarter_and_fails_nothing() -> None:
    compared = guard.compare(results(), moved(RS256=1.5 * 1.26, ES256=1.2 * 0.74, EdDSA=1.3 * 1.24))
    assert [now.column for _, now in compared.moved] == ["RS256", "ES256"]
    assert compared.exit_status == 0
    assert "10 ratios compared, 2 moved by more than 25%." in compared.text()
    assert "+26%" in compared.text()
    assert "-26%" in compared.text()


def test_the_guard_fails_for_a_row_that_is_gone() -> None:
    compared = guard.compare(results(), results(FIGURES[1:]))
    assert compared.missing == [f"cold / {FAST} / RS256"]
    assert compared.exit_status == 1
    assert "MISSING" in compared.text()


@pytest.mark.parametrize("what", [PEER, "cold"])
def test_a_row_that_cannot_be_made_here_is_told_and_fails_nothing(what: str) -> None:
    left = [one for one in FIGURES if what not in {one.name, one.group}]
    compared = guard.compare(results(), results(left, left_out={what: "needs Node and npm"}))
    assert compared.missing == []
    assert compared.absent
    assert compared.exit_status == 0
    assert "Not here" in compared.text()


def test_a_new_row_is_no_loss() -> None:
    compared = guard.compare(results(FIGURES[1:]), results())
    assert (compared.moved, compared.missing, compared.exit_status) == ([], [], 0)
