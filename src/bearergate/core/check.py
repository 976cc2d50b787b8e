"""Check: one row of the table of checks, as a frozen record.

Knows no row: core/checks.py writes them down.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from bearergate.core.examination import Examination
from bearergate.core.policy import IssuerPolicy
from bearergate.core.reasons import Reason as R

Facts: TypeAlias = tuple[str, str]
"""(expected, actual) of one row for one token, as text for operators."""


def _always(_: IssuerPolicy) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Check:
    """One row: `run` raises a Refusal with one of `reasons`; `facts` says what was expected and what was there."""

    name: str
    rule: str
    section: str
    reasons: tuple[R, ...]
    run: Callable[[Examination], None]
    facts: Callable[[Examination], Facts]
    needs: tuple[str, ...] = ("token",)
    """The fields of the examination without which this row cannot be looked at."""
    applies: Callable[[IssuerPolicy], bool] = _always
    """Whether the row can refuse anything under a policy."""
    header_only: bool = False
    """Whether the row's verdict hangs on the header segment alone: once it held, it holds for every equal header."""
