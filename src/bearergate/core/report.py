"""Report: what every row of the table of checks said of one token and whose it is, for people and for machines.

Never holds the token or its signature. Knows no terminal: the command line draws it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bearergate.core.handover import identity_members
from bearergate.core.principal import Principal
from bearergate.core.reasons import Reason


class Outcome(StrEnum):
    """What became of one check."""

    PASS = "pass"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a report: what a check said of one token."""

    check: str
    outcome: Outcome
    expected: str
    actual: str
    reason: Reason | None
    rule: str
    section: str


@dataclass(frozen=True, slots=True)
class Report:
    """Every row, in the order of the table."""

    rows: tuple[Row, ...]
    principal: Principal | None
    """Whom `validate` would name; None when it would refuse."""

    @property
    def accepted(self) -> bool:
        """Whether `validate` would accept the token."""
        return self.principal is not None

    @property
    def failed(self) -> Row | None:
        """The first row that failed, at which `validate` would stop."""
        return next((row for row in self.rows if row.outcome is Outcome.FAIL), None)

    @property
    def reason(self) -> Reason | None:
        """The reason `validate` would give."""
        return self.failed.reason if self.failed else None

    @property
    def undecided(self) -> bool:
        """Whether the verdict hangs on keys that could not be obtained."""
        return self.reason in (Reason.KEYS_UNAVAILABLE, Reason.KEYS_EXPIRED)

    def as_dict(self) -> dict[str, object]:
        """The report as plain JSON values."""
        rows = [
            {
                "check": row.check,
                "outcome": row.outcome.value,
                "reason": row.reason.value if row.reason else None,
                "expected": row.expected,
                "actual": row.actual,
                "rule": row.rule,
                "section": row.section,
            }
            for row in self.rows
        ]
        return {
            "accepted": self.accepted,
            "undecided": self.undecided,
            "reason": self.reason.value if self.reason else None,
            "principal": identity_members(self.principal) if self.principal else None,
            "checks": rows,
        }
