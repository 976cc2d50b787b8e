"""What is wrong with what a lane did to a row, in words; nothing when it did what the table says.

Compares. Sends nothing and starts nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.adapters.contract import Passed, Refused
from tests.requests.exchange import Answer
from tests.requests.servers import Lane
from tests.requests.verdicts import Denied, Row, Stopped, Undone, Verdict

SUBJECT: Final = "x-bearergate-subject"
"""The gate's header that names the caller."""


@dataclass(frozen=True)
class Seen:
    """What came of one row in one lane."""

    answers: tuple[Answer, ...]
    reached: tuple[Mapping[str, Any], ...]
    """What the application wrote down, one mapping for each request that reached it."""
    problem: str = ""
    """Why what came back could not be read."""

    @property
    def let_through(self) -> int:
        """How many requests were let through: to the application, or by the gate with a yes."""
        return max(len(self.reached), sum(1 for answer in self.answers if answer.status < 400))

    def failures(self, verdicts: Sequence[Verdict]) -> int:
        """How many answers admit a fault that is not, by the table, one of the server's own."""
        own = {status for verdict in verdicts if isinstance(verdict, Stopped) for status in verdict.statuses}
        return sum(answer.status >= 500 and answer.status not in {503, *own} for answer in self.answers)


def lets_through(verdicts: Sequence[Verdict]) -> int:
    """How many requests the table lets through."""
    return sum(isinstance(verdict, Passed) for verdict in verdicts)


def events(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """What the audit log tells of a row, in order: `accepted`, or the reason."""
    for verdict in verdicts:
        if isinstance(verdict, Refused | Denied):
            yield verdict.reason.value
        elif isinstance(verdict, Undone | Stopped) and verdict.event:
            yield verdict.event
        elif isinstance(verdict, Passed) and verdict.subject is not None:
            yield "accepted"


def faults(row: Row, lane: Lane, seen: Seen) -> list[str]:
    """Everything in which a lane differs from the table."""
    verdicts = row.verdicts(lane)
    problems = [seen.problem] if seen.problem else _answers(row, lane, verdicts, seen.answers)
    return [*problems, *_reached(row, lane, verdicts, seen.reached)]


def _answers(row: Row, lane: Lane, verdicts: Sequence[Verdict], answers: Sequence[Answer]) -> Iterator[str]:
    if not answers and any(isinstance(verdict, Stopped) and 0 in verdict.statuses for verdict in verdicts):
        return
    if len(answers) != len(verdicts):
        yield f"{len(answers)} answers and not {len(verdicts)}: {[answer.status for answer in answers]}"
        return
    for verdict, answer in zip(verdicts, answers, strict=True):
        if isinstance(verdict, Refused):
            yield from _refusal(verdict, answer, is_head=row.is_head)
        elif isinstance(verdict, Passed):
            yield from _passage(verdict, row, lane, answer)
        elif answer.status not in (verdict.statuses if isinstance(verdict, Stopped) else {verdict.status}):
            yield f"{answer.status} {answer.body[:120]!r} and not {verdict}"
        elif answer.header("www-authenticate") is not None:
            yield "a challenge of ours in an answer that is not ours"


def _refusal(verdict: Refused, answer: Answer, *, is_head: bool) -> Iterator[str]:
    body = json.dumps({"error": verdict.code, "error_description": verdict.reason.meaning}).encode()
    wanted = {
        "www-authenticate": verdict.challenge,
        "content-type": "application/json",
        "content-length": str(len(body)),
        "cache-control": "no-store",
    }
    if answer.status != verdict.status:
        yield f"{answer.status} and not {verdict.status}"
    if answer.body != (b"" if is_head else body):
        yield f"says {answer.body[:120]!r} and not {body!r}"
    for name, value in wanted.items():
        if answer.header(name) != value:
            yield f"{name} is {answer.header(name)!r} and not {value!r}"
    if (answer.header("retry-after") is not None) is not verdict.retry_after:
        yield f"retry-after is {answer.header('retry-after')!r}"
    if any(name.startswith("x-bearergate-") for name, _ in answer.headers):
        yield "an identity in a refusal"


def _passage(verdict: Passed, row: Row, lane: Lane, answer: Answer) -> Iterator[str]:
    status = 101 if row.upgrades and lane.upgrades else 200
    if answer.status != status:
        yield f"{answer.status} {answer.body[:120]!r} and not {status}"
        return
    if answer.header("www-authenticate") is not None:
        yield "a challenge in a yes"
    if lane.is_gate and answer.header(SUBJECT) != (verdict.subject or ""):
        yield f"{SUBJECT} is {answer.header(SUBJECT)!r}"
    if status == 200 and verdict.has_body and json.loads(answer.body)["subject"] != verdict.subject:
        yield f"the body names another subject: {answer.body[:120]!r}"


def _reached(row: Row, lane: Lane, verdicts: Sequence[Verdict], reached: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    subjects = [] if lane.is_gate else [verdict.subject for verdict in verdicts if isinstance(verdict, Passed)]
    if [each["subject"] for each in reached] != subjects:
        yield f"reached the application as {[each['subject'] for each in reached]} and not as {subjects}"
    for each in reached:
        if each["user"] != each["subject"]:
            yield f"the framework's own user is {each['user']!r}"
        if each["spoofed"]:
            yield f"claimed identities came through: {each['spoofed']}"
        if row.length is not None and each["length"] != row.length:
            yield f"the application read {each['length']} bytes and not {row.length}"
