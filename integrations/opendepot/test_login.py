"""The login document while its issuer is slow, away, or has moved its endpoints."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from bearergate.core.errors import Unavailable
from bearergate.fetch import HttpFetch
from bearergate.testing import FakeIssuer
from bearergate.testing.faults import Fault
from integrations.opendepot.login import Login

DAY = 24 * 3600


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def issuer() -> Iterator[FakeIssuer]:
    with FakeIssuer("https://dex.example.com/dex").serve() as serving:
        yield serving


def login(issuer: FakeIssuer, clock: Clock) -> Login:
    return Login(issuer=issuer.issuer, client="opendepot", fetch=HttpFetch(), clock=clock)


def moved(issuer: FakeIssuer) -> None:
    issuer.set_metadata(json.dumps(issuer.metadata(token_endpoint="https://dex.example.com/new")).encode())


def test_endpoints_that_moved_are_learnt_within_a_day(issuer: FakeIssuer) -> None:
    clock = Clock()
    asked = login(issuer, clock)
    assert asked.document()["token"] == f"{issuer.issuer}/token"
    moved(issuer)
    clock.now += DAY - 1
    assert asked.document()["token"] == f"{issuer.issuer}/token"
    clock.now += 1
    assert asked.document()["token"] == "https://dex.example.com/new"
    assert issuer.discovery_requests == 2


def test_an_issuer_that_is_away_a_day_later_takes_nothing_away(
    issuer: FakeIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    asked = login(issuer, clock)
    known = asked.document()
    issuer.stop()
    with caplog.at_level(logging.WARNING, "opendepot"):
        for _ in range(3):
            clock.now += DAY
            assert asked.document() == known
    assert len([record for record in caplog.records if "could not be learnt" in record.getMessage()]) == 3


def test_an_issuer_that_was_away_at_the_start_is_asked_again(issuer: FakeIssuer) -> None:
    clock = Clock()
    asked = login(issuer, clock)
    issuer.stop()
    for _ in range(2):
        with pytest.raises(Unavailable) as caught:
            asked.document()
        assert caught.value.retry_after == 10
    issuer.start()
    clock.now += 9.9
    with pytest.raises(Unavailable):
        asked.document()
    clock.now += 0.1
    assert asked.document()["token"] == f"{issuer.issuer}/token"


def test_only_one_waits_for_an_issuer_that_hangs(issuer: FakeIssuer) -> None:
    clock = Clock()
    asked = login(issuer, clock)
    issuer.discovery_fault = Fault(hang=True)
    refused: list[Unavailable] = []

    def ask() -> None:
        try:
            asked.document()
        except Unavailable as error:
            refused.append(error)

    first = threading.Thread(target=ask)
    started = time.monotonic()
    first.start()
    while not issuer.discovery_requests:
        time.sleep(0.005)
    with pytest.raises(Unavailable):
        asked.document()
    assert first.is_alive()
    first.join()
    assert len(refused) == 1
    assert time.monotonic() - started < 30
    assert issuer.discovery_requests == 1


def test_nobody_waits_who_knows_an_older_answer(issuer: FakeIssuer) -> None:
    clock = Clock()
    asked = login(issuer, clock)
    known = asked.document()
    clock.now += DAY
    issuer.discovery_fault = Fault(hang=True)
    first = threading.Thread(target=asked.document)
    first.start()
    while issuer.discovery_requests < 2:
        time.sleep(0.005)
    assert asked.document() == known
    assert first.is_alive()
    first.join()
