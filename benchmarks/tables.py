"""Tables of results, in Markdown that is also read well in a terminal. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from benchmarks.bars import BARS
from benchmarks.results import Figure, Results
from benchmarks.scene import ALGORITHMS

HEADINGS = {
    "refusals": "Refusing",
    "adapters": "Around an application, token seen before",
    "scale": "Many issuers, many keys",
    "reading": "Reading a key document, once per refresh",
    "import": "Importing, in a fresh process",
    "memory": "Memory of a verdict that is kept",
    "serving": "Requests per second",
}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table with aligned columns; all but the first are to the right."""
    cells = [list(head), *(list(row) for row in rows)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(head))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [_line(cells[0], widths), "| " + " | ".join(rule) + " |", *(_line(row, widths) for row in cells[1:])]
    return "\n".join(lines)


def validation(results: Results) -> str:
    """Every library, cold and warm, with raw checks as 1.00; the fastest first."""
    parts = []
    for group, title in (("cold", "Every token new"), ("warm", "Tokens seen before")):
        names = _names(results.of(group))
        figures = results.by_key
        rows = [
            [name, *(_ratio(figures.get(f"{group} / {name} / {column}")) for column in ALGORITHMS)] for name in names
        ]
        unit = [_microseconds(results, column) for column in ALGORITHMS]
        head = [title, *(f"{column}" for column in ALGORITHMS)]
        parts.append(table(head, [["1.00: one raw check, here", *unit], *rows]))
    return "\n\n".join(parts)


def bars(results: Results) -> str:
    """Ours beside the bars."""
    figures = results.by_key
    rows = [
        [key.replace(" / ", ", "), _value(figures[key], of_amount=bar.of_amount), bar.text(figures[key]),
         bar.verdict(figures[key])]
        for key, bar in BARS.items()
        if key in figures
    ]  # fmt: skip
    return table(["Bar", "measured", "at most", "verdict"], rows)


def others(results: Results) -> Iterator[tuple[str, str]]:
    """Heading and table of every other group."""
    for group, heading in HEADINGS.items():
        found = results.of(group)
        if found:
            head = [heading, "", "ratio", "quartiles", "amount", "1.00 is"]
            yield heading, table(head, [_row(figure) for figure in found])


def left_out(results: Results) -> list[str]:
    return [f"Not measured: {what} ({why})." for what, why in results.left_out.items()]


def _row(figure: Figure) -> list[str]:
    return [
        figure.name,
        figure.column,
        _number(figure.ratio),
        f"{_number(figure.low)} to {_number(figure.high)}",
        f"{_number(figure.amount)} {figure.unit}",
        figure.base,
    ]


def _names(figures: Iterable[Figure]) -> list[str]:
    """By the ratio of the first column that there is."""
    first: dict[str, float] = {}
    for figure in figures:
        first.setdefault(figure.name, figure.ratio)
    return sorted(first, key=lambda name: first[name])


def _microseconds(results: Results, algorithm: str) -> str:
    return f"{results.units[algorithm]:.1f} us"


def _ratio(figure: Figure | None) -> str:
    return "-" if figure is None else f"{figure.ratio:.2f}" if figure.ratio >= 0.1 else f"{figure.ratio:.3f}"


def _value(figure: Figure, *, of_amount: bool) -> str:
    return f"{_number(figure.amount)} {figure.unit}" if of_amount else _ratio(figure)


def _number(value: float) -> str:
    size = abs(value)
    return f"{value:.3f}" if size < 0.1 else f"{value:.2f}" if size < 100 else f"{value:,.0f}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (
        cell.ljust(width) if n == 0 else cell.rjust(width)
        for n, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "| " + " | ".join([first, *rest]) + " |"
