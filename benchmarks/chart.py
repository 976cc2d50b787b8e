"""The chart: horizontal bars, cold beside warm, as SVG. Draws what the results hold and nothing else.

It brings its own background, so that it can be read whether the page around it is light or dark.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from benchmarks.bars import FAST, PLAIN, WARM
from benchmarks.results import Results
from benchmarks.scene import ALGORITHMS

WIDTH: Final = 760
LABELS: Final = 250
"""Where bars begin."""
NUMBERS: Final = 90
"""Room behind the longest bar."""
LINE: Final = 20
BAR: Final = 12

TWINS: Final = {WARM: FAST, "fast-jwt (Node), token seen before": "fast-jwt (Node)"}
"""A warm figure stands below the cold one of the same library."""
OURS: Final = frozenset({FAST, PLAIN, WARM})
SHOWN_ELSEWHERE: Final = frozenset(
    {"bearergate, extra fast, audit log on", "bearergate, extra fast, groups and claims read"}
)

STYLE: Final = """
  .ground { fill: #ffffff } text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 } .unit { stroke: #57606a; stroke-dasharray: 3 3 }
  .ours { fill: #3949ab } .ours-warm { fill: #9fa8da } .peer { fill: #8c959f } .peer-warm { fill: #d0d7de }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #161b22 } text { fill: #e6edf3 } .unit { stroke: #8b949e }
    .ours { fill: #7986cb } .ours-warm { fill: #c5cae9 } .peer { fill: #6e7681 } .peer-warm { fill: #b1bac4 }
  }
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar."""

    label: str
    ratio: float
    kind: str


def draw(results: Results) -> str:
    """One panel for each algorithm, one below the other."""
    panels = [(algorithm, bars_of(results, algorithm)) for algorithm in ALGORITHMS]
    widest = max(bar.ratio for _, bars in panels for bar in bars)
    scale = (WIDTH - LABELS - NUMBERS) / widest
    parts: list[str] = []
    y = 16
    for algorithm, bars in panels:
        parts.append(_text(16, y + 12, f"{algorithm}: one validation, in raw signature checks", "title"))
        top = y + 22
        parts += [_bar(bar, top + n * LINE, scale) for n, bar in enumerate(bars)]
        y = top + len(bars) * LINE + 14
        x = LABELS + scale
        parts.append(f'<line class="unit" x1="{x:.1f}" y1="{top - 4}" x2="{x:.1f}" y2="{y - 12}"/>')
    key = (
        ("ours", "bearergate, every token new"), ("ours-warm", "token seen before"),
        ("peer", "others, every token new"), ("peer-warm", "token seen before"),
    )  # fmt: skip
    parts += _key(key, y)
    parts.append(_text(16, y + 34, "Dashed: 1.00, the signature check alone. Shorter is faster.", ""))
    return _page(y + 50, parts)


def bars_of(results: Results, algorithm: str) -> list[Bar]:
    """Cold ones with the fastest first, each with its warm twin below it."""
    ratios = {f.name: f.ratio for f in results.figures if f.column == algorithm and f.group in {"cold", "warm"}}
    cold = [name for name in ratios if name not in TWINS and name not in SHOWN_ELSEWHERE]
    bars = []
    for name in sorted(cold, key=lambda name: ratios[name]):
        bars.append(Bar(name, ratios[name], "ours" if name in OURS else "peer"))
        for twin, of in TWINS.items():
            if of == name and twin in ratios:
                bars.append(Bar(twin, ratios[twin], "ours-warm" if twin in OURS else "peer-warm"))
    return bars


def _bar(bar: Bar, y: int, scale: float) -> str:
    width = max(1.0, bar.ratio * scale)
    number = f"{bar.ratio:.2f}" if bar.ratio >= 0.1 else f"{bar.ratio:.3f}"
    return (
        f'<text x="{LABELS - 8}" y="{y + 10}" text-anchor="end">{escape(bar.label)}</text>'
        f'<rect class="{bar.kind}" x="{LABELS}" y="{y}" width="{width:.1f}" height="{BAR}" rx="2"/>'
        + _text(LABELS + width + 6, y + 10, number, "")
    )


def _key(entries: Iterable[tuple[str, str]], y: int) -> list[str]:
    parts = []
    x = 16
    for kind, label in entries:
        parts.append(f'<rect class="{kind}" x="{x}" y="{y}" width="12" height="{BAR}" rx="2"/>')
        parts.append(_text(x + 18, y + 10, label, ""))
        x += 36 + len(label) * 6
    return parts


def _text(x: float, y: float, text: str, kind: str) -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{named}>{escape(text)}</text>'


def _page(height: int, parts: Iterable[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'role="img" aria-label="One validation by each library, in raw signature checks">'
    )
    ground = f'<rect class="ground" width="{WIDTH}" height="{height}" rx="8"/>'
    return "\n".join([head, f"<style>{STYLE}</style>", ground, *parts, "</svg>"]) + "\n"
