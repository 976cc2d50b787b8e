"""The life of one issuer's keys, moment by moment: what a caller does, and what an operator is told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bearergate.core.jwt import JoseHeader
from bearergate.core.key_health import KeyHealth, health
from bearergate.core.keyring import Decision, KeyLifecycle, Keyring, Phase
from bearergate.core.reasons import Reason
from bearergate.core.screening import parse_jwk_set
from tests.core.rings import (
    ABSENT,
    BRIEFLY,
    COLD,
    DROPPED,
    FORCE,
    GOOD,
    HARD_MAXIMUM,
    KEY,
    KEYS,
    KNOWN,
    NAMELESS,
    REFRESH,
    SNAPSHOT,
    STALE,
    START,
    TTL_ENDS,
    UNKNOWN,
    USE,
    WAIT,
    drained,
    failed,
    unavailable,
)


@pytest.mark.parametrize(
    ("max_age", "ttl"),
    [(None, 600.0), (0, 60.0), (59, 60.0), (60, 60.0), (120, 120.0), (3600, 3600.0), (86400, 3600.0)],
)
def test_an_issuer_may_say_how_long_its_keys_are_fresh_within_bounds(max_age: float | None, ttl: float) -> None:
    assert KeyLifecycle().ttl_of(max_age) == ttl


@pytest.mark.parametrize(
    ("ring", "now", "phase"),
    [
        (COLD, START, Phase.NEVER),
        (GOOD, START, Phase.FRESH),
        (GOOD, TTL_ENDS - 0.1, Phase.FRESH),
        (GOOD, TTL_ENDS, Phase.STALE),
        (GOOD, HARD_MAXIMUM - 0.1, Phase.STALE),
        (GOOD, HARD_MAXIMUM, Phase.EXPIRED),
        (replace(GOOD, given=True), START + 1e9, Phase.FRESH),
        (replace(GOOD, lifecycle=KeyLifecycle(stale_if_error=0)), TTL_ENDS, Phase.EXPIRED),
    ],
)
def test_a_set_ages(ring: Keyring, now: float, phase: Phase) -> None:
    assert ring.phase(now) is phase


def test_a_set_has_a_hard_maximum() -> None:
    assert COLD.hard_maximum() == -float("inf")
    assert GOOD.hard_maximum() == HARD_MAXIMUM
    assert replace(GOOD, given=True).hard_maximum() == float("inf")


@pytest.mark.parametrize(
    ("case", "ring", "header", "now", "decision"),
    [
        ("cold callers wait for a flight", COLD, KNOWN, START, WAIT),
        ("unless one has just failed", failed(COLD, START), KNOWN, START + 0.5, unavailable()),
        ("a later one may try again", failed(COLD, START), KNOWN, START + 1, WAIT),
        ("a known kid is used at once", GOOD, KNOWN, START + 1, USE),
        ("so is a kid that was dropped: fetching would not help", GOOD, DROPPED, START + 1, USE),
        ("so is the only key that fits a token without kid", GOOD, NAMELESS, START + 1, USE),
        ("until a refresh is due", GOOD, KNOWN, START + 479.9, USE),
        ("then somebody starts it and nobody waits", GOOD, KNOWN, START + 480, REFRESH),
        ("but not during a back-off", failed(GOOD, START + 480), KNOWN, START + 480.5, USE),
        ("and again after it", failed(GOOD, START + 480), KNOWN, START + 481, REFRESH),
        ("past ttl a caller waits briefly", GOOD, KNOWN, TTL_ENDS, BRIEFLY),
        ("not at all during a back-off", failed(GOOD, TTL_ENDS), KNOWN, TTL_ENDS + 0.5, STALE),
        ("just before the hard maximum too", failed(GOOD, HARD_MAXIMUM - 1), KNOWN, HARD_MAXIMUM - 0.5, STALE),
        ("after it there is nothing to use", GOOD, KNOWN, HARD_MAXIMUM, WAIT),
        (
            "and the outage says that the keys are too old",
            failed(GOOD, HARD_MAXIMUM),
            KNOWN,
            HARD_MAXIMUM,
            unavailable(reason=Reason.KEYS_EXPIRED),
        ),
        ("a stale set does not speak for unknown kids", GOOD, UNKNOWN, TTL_ENDS, WAIT),
        ("nor during a back-off", failed(GOOD, TTL_ENDS), UNKNOWN, TTL_ENDS, unavailable()),
        ("an unknown kid forces a fetch", GOOD, UNKNOWN, START + 1, FORCE),
        ("not during a back-off", failed(GOOD, START + 1), UNKNOWN, START + 1, unavailable()),
        ("not with an empty bucket: refused", drained(GOOD, START + 1), UNKNOWN, START + 1, ABSENT),
        ("unless the last fetch failed", drained(failed(GOOD, START), START + 2), UNKNOWN, START + 2, unavailable()),
        ("the bucket refills one in ten seconds", drained(GOOD, START + 1), UNKNOWN, START + 11, FORCE),
        ("known kids never see the bucket", drained(GOOD, START + 1), KNOWN, START + 1, USE),
        ("given keys are used whatever their age", replace(GOOD, given=True), KNOWN, START + 1e9, USE),
        ("given keys are all there are", replace(GOOD, given=True), UNKNOWN, START, ABSENT),
    ],
)
def test_a_caller_knows_what_to_do(
    case: str, ring: Keyring, header: JoseHeader, now: float, decision: Decision
) -> None:
    assert ring.decide(header, now) == decision, case


def test_a_kid_that_was_just_looked_for_is_refused_without_a_fetch() -> None:
    assert GOOD.decide(UNKNOWN, START + 1, negative=True) == ABSENT
    assert GOOD.decide(KNOWN, START + 1, negative=True) == USE


def test_a_doubted_set_takes_the_way_of_an_unknown_kid() -> None:
    assert GOOD.decide(NAMELESS, START + 1, doubted=KEYS) == FORCE
    assert GOOD.settle(NAMELESS, START + 1, arrived=True, doubted=KEYS) == ABSENT
    other = parse_jwk_set(json.dumps({"keys": [KEY]}).encode())
    assert GOOD.decide(NAMELESS, START + 1, doubted=other) == USE


@pytest.mark.parametrize(
    ("case", "ring", "header", "now", "arrived", "decision"),
    [
        ("the flight brought the key", GOOD, KNOWN, START, True, USE),
        ("it brought keys, but not this one", GOOD, UNKNOWN, START, True, ABSENT),
        ("it failed, and nothing was there before", failed(COLD, START), KNOWN, START, True, unavailable()),
        ("patience ended, and nothing was there before", COLD, KNOWN, START, False, unavailable()),
        ("it failed, and an old set knows the kid", failed(GOOD, TTL_ENDS), KNOWN, TTL_ENDS, True, STALE),
        ("patience ended, and an old set knows the kid", GOOD, KNOWN, TTL_ENDS, False, STALE),
        ("it failed, and a fresh set knows the kid", failed(GOOD, START), KNOWN, START, True, USE),
        ("it failed, and nobody knows the kid", failed(GOOD, START), UNKNOWN, START, True, unavailable()),
        ("patience ended, and nobody knows the kid", GOOD, UNKNOWN, START, False, unavailable()),
        (
            "the old set is past its hard maximum",
            failed(GOOD, HARD_MAXIMUM),
            KNOWN,
            HARD_MAXIMUM,
            True,
            unavailable(reason=Reason.KEYS_EXPIRED),
        ),
    ],
)
def test_who_waited_knows_what_remains(
    case: str, ring: Keyring, header: JoseHeader, now: float, arrived: bool, decision: Decision
) -> None:
    assert ring.settle(header, now, arrived=arrived) == decision, case


def test_an_outage_says_when_the_next_attempt_is() -> None:
    ring = failed(COLD, *[START] * 6)
    assert ring.decide(KNOWN, START + 2) == unavailable(retry_after=30.0)


def test_the_bucket_holds_three_and_refills_one_in_ten_seconds() -> None:
    assert GOOD.fetches_left(START) == 3
    ring = drained(GOOD, START)
    assert ring.fetches_left(START) == 0
    assert ring.fetches_left(START + 5) == 0.5
    assert ring.fetches_left(START + 1e6) == 3


def test_a_failed_fetch_gives_its_token_back_and_no_more() -> None:
    assert drained(GOOD, START).given_back(START).fetches_left(START) == 1
    assert GOOD.given_back(START).fetches_left(START) == 3


@pytest.mark.parametrize(("failures", "step"), [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (8, 60), (5000, 60)])
def test_the_back_off_doubles_up_to_a_minute(failures: int, step: float) -> None:
    ring = failed(COLD, *[START] * failures)
    assert ring.failures == failures
    assert ring.retry_at == START + step
    assert ring.is_backing_off(START + step - 0.01)
    assert not ring.is_backing_off(START + step)


@pytest.mark.parametrize(("chance", "wait"), [(0.0, 0.5), (0.5, 0.75), (1.0, 1.0)])
def test_the_back_off_is_spread_by_half(chance: float, wait: float) -> None:
    assert COLD.failed("no answer", START, chance).retry_at == START + wait


@pytest.mark.parametrize(("chance", "refresh"), [(0.0, 432.0), (0.5, 480.0), (1.0, 528.0)])
def test_a_refresh_is_due_at_four_fifths_of_the_ttl_give_or_take_a_tenth(chance: float, refresh: float) -> None:
    assert COLD.succeeded(SNAPSHOT, chance).refresh_at == pytest.approx(START + refresh)


def test_success_replaces_the_set_and_forgets_failures() -> None:
    newer = replace(SNAPSHOT, fetched_at=START + 50, ttl=60.0)
    ring = failed(GOOD, START, START).succeeded(newer, 0.5)
    assert (ring.snapshot, ring.failures, ring.problem) == (newer, 0, None)
    assert not ring.is_backing_off(START)
    assert ring.refresh_at == START + 98


def test_failure_keeps_the_set_and_says_why() -> None:
    ring = failed(GOOD, START)
    assert ring.snapshot is SNAPSHOT
    assert ring.problem == "it did not answer in time"


def expected(**changes: Any) -> KeyHealth:
    cold = KeyHealth(
        state="never",
        keys=0,
        dropped=0,
        last_success=None,
        next_attempt_in=None,
        expires_in=None,
        problem=None,
        sha256=None,
        origin=None,
    )
    return replace(cold, **changes)


HELD: dict[str, Any] = {"keys": 1, "dropped": 1, "last_success": 1_800_000_000.0, "sha256": "abc", "origin": "issuer"}
PROBLEM = "it did not answer in time"


@pytest.mark.parametrize(
    ("ring", "now", "told"),
    [
        (COLD, START, expected()),
        (failed(COLD, START), START, expected(state="backoff", next_attempt_in=1.0, problem=PROBLEM)),
        (failed(COLD, START), START + 9, expected(next_attempt_in=0.0, problem=PROBLEM)),
        (GOOD, START + 80, expected(state="fresh", next_attempt_in=400.0, expires_in=4120.0, **HELD)),
        (
            failed(GOOD, START + 500),
            START + 500,
            expected(state="fresh", next_attempt_in=1.0, expires_in=3700.0, problem=PROBLEM, **HELD),
        ),
        (
            failed(GOOD, TTL_ENDS),
            TTL_ENDS,
            expected(state="backoff", next_attempt_in=1.0, expires_in=3600.0, problem=PROBLEM, **HELD),
        ),
        (GOOD, TTL_ENDS, expected(state="stale", next_attempt_in=0.0, expires_in=3600.0, **HELD)),
        (GOOD, HARD_MAXIMUM, expected(state="expired", next_attempt_in=0.0, expires_in=0.0, **HELD)),
        (Keyring(KeyLifecycle(), SNAPSHOT, given=True), START, expected(state="fresh", **HELD)),
    ],
)
def test_an_operator_is_told_how_the_keys_are(ring: Keyring, now: float, told: KeyHealth) -> None:
    assert health(ring, now) == told
