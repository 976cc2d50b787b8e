"""The bars: what figures must not exceed. They were set before any figure was taken, and are not moved to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from benchmarks.results import Figure

FAST: Final = "bearergate, extra fast"
PLAIN: Final = "bearergate, standard library only"
WARM: Final = "bearergate, token seen before"


@dataclass(frozen=True, slots=True)
class Bar:
    """At most this much, of the ratio or of the amount."""

    at_most: float
    goal: float | None = None
    of_amount: bool = False

    def value(self, figure: Figure) -> float:
        return figure.amount if self.of_amount else figure.ratio

    def is_met(self, figure: Figure) -> bool:
        return self.value(figure) <= self.at_most

    def verdict(self, figure: Figure) -> str:
        """Met or missed, and by how much of the bar."""
        distance = abs(self.value(figure) - self.at_most) / self.at_most
        if not self.is_met(figure):
            return f"missed by {distance:.0%}"
        goal = "" if self.goal is None else ", goal met" if self.value(figure) <= self.goal else ", goal not met"
        return f"met, {distance:.0%} below{goal}"

    def text(self, figure: Figure) -> str:
        """The bar as a sentence's end: `1.60 (goal 1.45)`, `3 us`."""
        unit = f" {figure.unit}" if self.of_amount else ""
        goal = "" if self.goal is None else f" (goal {self.goal:g})"
        return f"{self.at_most:g}{unit}{goal}"


BARS: Final = {
    f"cold / {FAST} / RS256": Bar(1.60, goal=1.45),
    f"cold / {FAST} / ES256": Bar(1.22),
    f"cold / {FAST} / EdDSA": Bar(1.15),
    f"cold / {PLAIN} / RS256": Bar(2.25),
    f"cold / {PLAIN} / ES256": Bar(1.45),
    f"cold / {PLAIN} / EdDSA": Bar(1.28),
    f"warm / {WARM} / RS256": Bar(0.05),
    "adapters / ASGI middleware / added": Bar(3.0, of_amount=True),
    "adapters / WSGI middleware / Flask": Bar(1.12),
    "adapters / Flask decorator / Flask": Bar(1.18),
    "import / import bearergate / time": Bar(1.5),
    "scale / 1000 issuers / RS256": Bar(1.1),
    "refusals / unknown kid / extra fast": Bar(0.5),
    "refusals / unknown kid / standard library only": Bar(0.9),
    "refusals / 1 MiB token / extra fast": Bar(1000.0, of_amount=True),
    "refusals / 1 MiB token / standard library only": Bar(1000.0, of_amount=True),
}
"""By the key of the figure."""
