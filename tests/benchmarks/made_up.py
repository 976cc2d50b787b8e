"""Results that nobody measured: numbers with which tables, charts and comparisons can be checked."""

from __future__ import annotations

from benchmarks.bars import FAST, PLAIN, WARM
from benchmarks.results import Figure, Results

PEER = "fast-jwt (Node)"
PEER_WARM = "fast-jwt (Node), token seen before"


def figure(group: str, name: str, column: str, ratio: float, **changes: object) -> Figure:
    members: dict[str, object] = {
        "group": group,
        "name": name,
        "column": column,
        "base": "one signature check",
        "ratio": ratio,
        "low": ratio * 0.9,
        "high": ratio * 1.1,
        "amount": ratio * 20,
        "unit": "us",
        **changes,
    }
    return Figure(**members)  # type: ignore[arg-type]


FIGURES = [
    figure("cold", FAST, "RS256", 1.5),
    figure("cold", FAST, "ES256", 1.2),
    figure("cold", FAST, "EdDSA", 1.3),
    figure("cold", PLAIN, "RS256", 2.7),
    figure("cold", PEER, "RS256", 1.6),
    figure("cold", PEER, "ES256", 1.19),
    figure("warm", WARM, "RS256", 0.04),
    figure("warm", PEER_WARM, "RS256", 0.2),
    figure("adapters", "ASGI middleware", "added", 0.1, amount=3.3),
    figure("refusals", "1 MiB token", "extra fast", 1.0, amount=40.0),
]


def results(figures: list[Figure] | None = None, **changes: object) -> Results:
    members: dict[str, object] = {
        "date": "2026-01-31",
        "quick": False,
        "rounds": 9,
        "machine": {"processor": "Made <Up> 1", "cores": "2", "system": "Linux 6.1", "load before": "0.01 per core"},
        "versions": {"python": "3.11.7", "bearergate": "0.1.0"},
        "units": {"RS256": 20.0, "ES256": 60.0, "EdDSA": 110.0},
        "figures": FIGURES if figures is None else figures,
        **changes,
    }
    return Results(**members)  # type: ignore[arg-type]
