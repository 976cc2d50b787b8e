"""A fuzzing campaign: so many cases of every target from one seed, in chunks that can be run again one by one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from tests.fuzz import documents, records, requests, texts, tokens
from tests.fuzz.wrong import WrongAnswer

CHUNK: Final = 250
_SHOWN: Final = 400


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that takes input from strangers. The judge says whether a case was accepted, or raises WrongAnswer."""

    name: str
    share: int
    """How many of 20 chunks are its own."""
    make: Callable[[Random], Any]
    judge: Callable[[Any], bool]


TARGETS: Final = (
    Target("token text", 4, tokens.spoilt, tokens.judge_spoilt),
    Target("token text, whole validator", 1, tokens.spoilt, tokens.judge_whole),
    Target("signed header and claims", 3, tokens.signed, tokens.judge_signed),
    Target("explained token", 1, tokens.signed, tokens.judge_report),
    Target("Authorization values", 2, requests.authorization, requests.judge_authorization),
    Target("paths", 1, requests.path, requests.judge_path),
    Target("JSON objects", 2, texts.json_object, texts.judge_json_object),
    Target("base64url", 1, texts.base64url, texts.judge_base64url),
    Target("Dex subjects", 1, texts.subject, texts.judge_subject),
    Target("JWK Sets", 1, documents.key_set, documents.judge_key_set),
    Target("key records", 1, records.record, records.judge_record),
    Target("discovery documents", 1, documents.metadata, documents.judge_metadata),
    Target("issuer identifiers", 1, documents.url, documents.judge_url),
)


@dataclass(slots=True)
class Outcome:
    """What became of some cases of one target."""

    target: str
    cases: int = 0
    accepted: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    """Longest processor time of one judgement, in seconds."""
    foreign: list[str] = field(default_factory=list)
    """Exceptions that are no honest answer."""
    wrong: list[str] = field(default_factory=list)
    """Answers that must not be given, false acceptances among them."""

    def add(self, other: Outcome) -> None:
        self.cases += other.cases
        self.accepted += other.accepted
        self.seconds += other.seconds
        self.slowest = max(self.slowest, other.slowest)
        self.foreign += other.foreign
        self.wrong += other.wrong


def chunks(cases: int) -> Iterator[tuple[Target, int]]:
    """Which chunks of which targets make up so many cases, in turn."""
    turn = [target for target in TARGETS for _ in range(target.share)]
    made = dict.fromkeys(TARGETS, 0)
    for number in range(-(-cases // CHUNK)):
        target = turn[number * 7 % len(turn)]
        yield target, made[target]
        made[target] += 1


def run_chunk(target: Target, number: int, seed: int) -> Outcome:
    """Run one chunk; what goes wrong is noted with all that is needed to see it again."""
    chance = Random(f"{seed}/{target.name}/{number}")
    outcome = Outcome(target.name)

    def place(position: int, case: object) -> str:
        return f"seed {seed}, {target.name}, chunk {number}, case {position}: {_shown(case)}"

    started = time.perf_counter()
    for position in range(CHUNK):
        case = target.make(chance)
        before = time.thread_time()
        try:
            outcome.accepted += target.judge(case)
        except WrongAnswer as wrong:
            outcome.wrong.append(f"{wrong} ({place(position, case)})")
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            outcome.foreign.append(f"{type(error).__name__}: {error} ({place(position, case)})")
        outcome.slowest = max(outcome.slowest, time.thread_time() - before)
        outcome.cases += 1
    outcome.seconds = time.perf_counter() - started
    return outcome


def _shown(case: object) -> str:
    text = repr(case)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}... ({len(text)} characters)"
