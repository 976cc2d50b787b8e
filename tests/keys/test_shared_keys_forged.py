"""Records that may not be used, whoever put them into the store: ignored, counted, told once a minute, replaced."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable
from typing import Any

import pytest

from bearergate.core.reasons import Reason
from bearergate.core.sealing import seal
from bearergate.testing import FakeIssuer
from tests.figures import tell
from tests.keys.fleet import SECRET, MemoryStore, machine, name_of, record_for, settle, supply_of
from tests.keys.patient import START, Clock, reason_of

TENANT = "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0"


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [entry.getMessage() for entry in caplog.records if entry.levelno >= logging.WARNING]


def forged(body: bytes, issuer: FakeIssuer, secret: bytes = SECRET) -> bytes:
    source = name_of(issuer).removeprefix("bearergate:keys:").encode()
    code = hmac.digest(secret, b"bearergate shared keys 1\n" + source + b"\n" + body, hashlib.sha256).hex()
    return code.encode() + b"\n" + body


STRANGER = FakeIssuer("https://issuer.test")
"""Somebody else under the issuer's name, whose keys must never verify anything."""
ELSEWHERE = FakeIssuer("https://elsewhere.test")


def stranger(secret: bytes = SECRET, **changes: Any) -> bytes:
    return seal(record_for(STRANGER, **changes), secret)


BAD: dict[str, Callable[[], bytes]] = {
    "sealed with another secret": lambda: stranger(bytes(32)),
    "sealed with an empty secret": lambda: stranger(b""),
    "not sealed": lambda: stranger()[65:],
    "with a code of nothing": lambda: b"0" * 64 + stranger()[64:],
    "with a bit changed in its code": lambda: bytes([stranger()[0] ^ 1]) + stranger()[1:],
    "with a bit changed in its body": lambda: stranger()[:-10] + bytes([stranger()[-10] ^ 1]) + stranger()[-9:],
    "cut off": lambda: stranger()[:-1],
    "with something behind it": lambda: stranger() + b" ",
    "empty of everything": lambda: b"\n",
    "giant": lambda: b"x" * 20_000_000,
    "giant behind a good one": lambda: stranger() + b" " * 20_000_000,
    "of another issuer": lambda: seal(record_for(ELSEWHERE), SECRET),
    "of another issuer under this name": lambda: stranger(source=name_of(ELSEWHERE).removeprefix("bearergate:keys:")),
    "from the future": lambda: stranger(fetched_at=START + 31),
    "from the far future": lambda: stranger(fetched_at=1e300),
    "past its hard maximum": lambda: stranger(fetched_at=START - 4200),
    "from the epoch": lambda: stranger(fetched_at=0),
    "with too many keys": lambda: seal(record_for(STRANGER, *[STRANGER.jwks()["keys"][0]] * 1001), SECRET),
    "with too many bytes": lambda: stranger(document=json.dumps(STRANGER.jwks()).encode() + b" " * 600_000),
    "without keys": lambda: stranger(document=b'{"keys": []}'),
    "that is a page": lambda: stranger(document=b"<html>"),
    "that is no object": lambda: forged(b"[]", STRANGER),
    "without members": lambda: forged(b"{}", STRANGER),
    "that is no text": lambda: forged(b"\xff\xfe", STRANGER),
}


@pytest.mark.parametrize("what", BAD)
def test_a_record_that_may_not_be_used_is_ignored_counted_and_told(
    what: str, issuer: FakeIssuer, clock: Clock, store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.values[name_of(issuer)] = BAD[what]()
    validator = machine(issuer, store, clock)
    assert reason_of(validator, STRANGER.mint(iat=START, exp=START + 60)) == Reason.KEY_UNKNOWN
    assert reason_of(validator, issuer.mint()) is None
    assert issuer.jwks_requests == 1
    assert validator.health()[issuer.issuer].origin == "issuer"
    assert validator.health()[issuer.issuer].ignored_records == 1
    told = warnings_in(caplog)
    assert len(told) == 1
    assert told[0].startswith("a shared record of the keys of https://issuer.test was ignored: ")
    assert len(told[0]) < 200
    # What was there is replaced, so that others are not troubled by it again.
    assert reason_of(machine(issuer, store, clock), issuer.mint()) is None
    assert issuer.jwks_requests == 1


def test_keys_that_somebody_without_the_secret_put_there_open_nothing_while_the_issuer_is_down(
    issuer: FakeIssuer, clock: Clock, store: MemoryStore
) -> None:
    store.values[name_of(issuer)] = stranger(bytes(32))
    issuer.down = True
    validator = machine(issuer, store, clock)
    assert reason_of(validator, STRANGER.mint(iat=START, exp=START + 60)) == Reason.KEYS_UNAVAILABLE
    assert validator.health()[issuer.issuer].keys == 0


def test_bad_records_are_counted_each_time_and_told_once_a_minute(
    issuer: FakeIssuer, clock: Clock, store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    validator = machine(issuer, store, clock)
    issuer.down = True
    for moment in range(10):
        store.values[name_of(issuer)] = b"forged %d" % moment
        clock.now = START + 20.0 * moment
        reason_of(validator, issuer.mint())
        settle([validator])
    attempts = store.calls.count("open")
    assert validator.health()[issuer.issuer].ignored_records == attempts > 3
    told = [line for line in warnings_in(caplog) if "was ignored" in line]
    # Nothing is asked during a back-off, so that fewer minutes than attempts may have seen one.
    assert 2 <= len(told) <= 4


def test_a_machine_with_another_secret_takes_care_of_itself(
    issuer: FakeIssuer, clock: Clock, store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    assert reason_of(machine(issuer, store, clock), issuer.mint()) is None
    odd = machine(issuer, store, clock, supply=supply_of(store, bytes(32)))
    assert reason_of(odd, issuer.mint()) is None
    assert issuer.jwks_requests == 2
    assert [line.rpartition(": ")[2] for line in warnings_in(caplog)] == ["its authentication code is wrong"]


def test_a_hostile_record_costs_little_time(issuer: FakeIssuer, clock: Clock, store: MemoryStore) -> None:
    store.values[name_of(issuer)] = BAD["giant behind a good one"]()
    started = time.monotonic()
    assert reason_of(machine(issuer, store, clock), issuer.mint()) is None
    tell("a flight that finds a forged record of 20 MB", f"{(time.monotonic() - started) * 1000:.0f} ms")
    assert time.monotonic() - started < 2
