"""The page of the documentation: what is between its marks is printed from the newest results, the rest people write.

`python -m benchmarks page` prints it again, with the chart.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from benchmarks.chart import draw
from benchmarks.results import FOLDER, Results, newest
from benchmarks.tables import bars, left_out, others, validation

PAGE: Final = Path(__file__).parents[1] / "docs" / "explanation" / "speed.md"
CHART: Final = PAGE.with_suffix(".svg")
BEGIN: Final = "<!-- printed from the results: begin -->"
END: Final = "<!-- printed from the results: end -->"
NOTHING: Final = "There are no results yet: `make bench` takes them."


def printed(results: Results | None) -> str:
    """What stands between the marks."""
    if results is None:
        return NOTHING
    parts = [
        f"![One validation by each library, in raw signature checks]({CHART.name})",
        taken_on(results),
        "## Against other libraries",
        validation(results),
        *left_out(results),
        "## Against the bars",
        "The bars were set before anything was built.",
        bars(results),
    ]
    for heading, table in others(results):
        parts += [f"## {heading}", table]
    return "\n\n".join(parts)


def taken_on(results: Results) -> str:
    """Machine, date and versions, in a sentence each."""
    machine, versions = results.machine, results.versions
    named = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        f"Taken on {results.date}: {machine['processor']}, {machine['cores']} cores, {machine['system']}; "
        f"load before the run {machine['load before']}; {results.rounds} rounds. With {named}."
    )


def with_print(page: str, between: str) -> str:
    """The page with this between its marks."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{between}\n\n{END}{after}"


def write(folder: Path = FOLDER, page: Path = PAGE) -> None:
    """Print the page and draw the chart from the newest results."""
    path = newest(folder)
    results = None if path is None else Results.load(path)
    page.write_text(with_print(page.read_text(encoding="utf-8"), printed(results)), encoding="utf-8")
    if results is not None:
        page.with_suffix(".svg").write_text(draw(results), encoding="utf-8")
