"""Keys that did not come from the issuer: from another machine, from an earlier run; and which of two sets is newer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bearergate.core.jwt import JoseHeader
from bearergate.core.key_health import health
from bearergate.core.keyring import Decision, KeyLifecycle, Keyring, Origin
from bearergate.core.reasons import Reason
from tests.core.rings import (
    ABSENT,
    BRIEFLY,
    COLD,
    FORCE,
    GOOD,
    HARD_MAXIMUM,
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

SHARED = COLD.succeeded(replace(SNAPSHOT, origin=Origin.SHARED), 0.5)
SHARED_FAILED = failed(COLD, START).seeded(replace(SNAPSHOT, origin=Origin.SHARED), 0.5)


@pytest.mark.parametrize(
    ("case", "ring", "header", "now", "arrived", "decision"),
    [
        ("another machine's set has the key", SHARED, KNOWN, START + 1, True, USE),
        ("it lacks the key, and the issuer may be asked", SHARED, UNKNOWN, START + 1, True, FORCE),
        ("so too for a token without kid whose signature failed", SHARED, NAMELESS, START + 1, True, USE),
        ("not while patience ended first", SHARED, UNKNOWN, START + 1, False, unavailable()),
        ("not with an empty bucket: refused", drained(SHARED, START + 1), UNKNOWN, START + 1, True, ABSENT),
        ("not after the issuer failed", SHARED_FAILED, UNKNOWN, START + 0.5, True, unavailable()),
        ("what the issuer itself gave is final", GOOD, UNKNOWN, START + 1, True, ABSENT),
        ("an old set of another machine is used meanwhile", SHARED, KNOWN, TTL_ENDS, True, STALE),
        ("until its hard maximum", SHARED, KNOWN, HARD_MAXIMUM, True, unavailable(reason=Reason.KEYS_EXPIRED)),
    ],
)
def test_who_waited_for_what_another_machine_fetched_may_ask_once_more(
    case: str, ring: Keyring, header: JoseHeader, now: float, arrived: bool, decision: Decision
) -> None:
    assert ring.settle(header, now, arrived=arrived, final=False) == decision, case


def test_who_waited_for_a_forced_fetch_asks_no_more() -> None:
    assert SHARED.settle(UNKNOWN, START + 1, arrived=True, final=True) == ABSENT
    assert SHARED.settle(UNKNOWN, START + 1, arrived=True) == ABSENT


def test_a_doubted_set_of_another_machine_makes_the_issuer_be_asked() -> None:
    assert SHARED.settle(NAMELESS, START + 1, arrived=True, final=False, doubted=KEYS) == FORCE
    assert GOOD.settle(NAMELESS, START + 1, arrived=True, final=False, doubted=KEYS) == ABSENT


def test_a_set_from_an_earlier_fetch_says_nothing_about_whether_the_issuer_answers() -> None:
    ring = failed(COLD, START, START).seeded(SNAPSHOT, 0.5)
    assert (ring.snapshot, ring.failures, ring.problem) == (SNAPSHOT, 2, "it did not answer in time")
    assert ring.is_backing_off(START + 1)
    assert ring.decide(KNOWN, START + 1) == USE
    assert ring.decide(UNKNOWN, START + 1) == unavailable()


@pytest.mark.parametrize(("age", "decision"), [(0, USE), (431, USE), (432, REFRESH), (600, BRIEFLY), (4200, WAIT)])
def test_a_set_from_an_earlier_fetch_is_as_old_as_it_is(age: float, decision: Decision) -> None:
    old = replace(SNAPSHOT, fetched_at=START - age, origin=Origin.SNAPSHOT)
    assert COLD.seeded(old, 0.0).decide(KNOWN, START) == decision


@pytest.mark.parametrize("chance", [0.0, 0.3, 1.0])
def test_a_set_from_an_earlier_fetch_is_refreshed_when_it_would_have_been(chance: float) -> None:
    assert COLD.seeded(SNAPSHOT, chance).refresh_at == COLD.succeeded(SNAPSHOT, chance).refresh_at


def test_of_two_sets_the_one_fetched_later_is_newer_and_at_the_same_moment_the_one_with_the_higher_number() -> None:
    later = replace(SNAPSHOT, fetched_wall=SNAPSHOT.fetched_wall + 0.001)
    renumbered = replace(SNAPSHOT, sequence=1)
    assert SNAPSHOT.is_newer_than(None)
    assert not SNAPSHOT.is_newer_than(SNAPSHOT)
    assert later.is_newer_than(replace(SNAPSHOT, sequence=9))
    assert not replace(SNAPSHOT, sequence=9).is_newer_than(later)
    assert renumbered.is_newer_than(SNAPSHOT)
    assert not SNAPSHOT.is_newer_than(renumbered)


def test_a_set_tells_its_document_to_no_log() -> None:
    assert "document" not in repr(replace(SNAPSHOT, document=b"hunter2"))
    assert "hunter2" not in repr(replace(SNAPSHOT, document=b"hunter2"))


@pytest.mark.parametrize("origin", list(Origin))
def test_an_operator_is_told_who_gave_the_keys(origin: Origin) -> None:
    assert health(COLD.seeded(replace(SNAPSHOT, origin=origin), 0.0), START).origin == origin.value


def test_an_operator_is_told_what_was_counted() -> None:
    told = health(GOOD, START, stale_uses=3, ignored_records=2)
    assert (told.stale_uses, told.ignored_records) == (3, 2)


@pytest.mark.parametrize(
    ("ring", "now", "in_force"),
    [
        (COLD, START, False),
        (GOOD, START, True),
        (failed(GOOD, TTL_ENDS), TTL_ENDS, True),
        (GOOD, HARD_MAXIMUM - 0.1, True),
        (GOOD, HARD_MAXIMUM, False),
        (Keyring(KeyLifecycle(), SNAPSHOT, given=True), HARD_MAXIMUM, True),
    ],
)
def test_keys_are_in_force_until_their_hard_maximum(ring: Keyring, now: float, in_force: bool) -> None:
    assert health(ring, now).is_in_force is in_force
