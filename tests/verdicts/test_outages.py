"""Where everything is remembered, a refresh is started all the same, and an outage is met as it is without a memory."""

from __future__ import annotations

import json
import threading

import pytest

from bearergate.core.keyring import KeyLifecycle
from bearergate.core.policy import IssuerPolicy, KeySource
from bearergate.core.reasons import Reason
from bearergate.fetch import Fetch, Fetched
from bearergate.testing import EMPTY_SET, FakeIssuer
from tests.verdicts.scenes import DUE, LASTING, PROVEN, REMEMBERED, TTL, Ageing, Watched


@pytest.fixture
def scene() -> Ageing:
    return Ageing()


# A refresh falls due while everything is remembered.


def test_a_hit_starts_the_refresh_that_is_due_and_does_not_wait_for_it(scene: Ageing) -> None:
    token = scene.remembered()
    fetched, go_on = threading.Event(), threading.Event()
    original: Fetch = scene.issuer.fetch

    def slow(url: str, *, etag: str | None, deadline: float, max_bytes: int) -> Fetched:
        fetched.set()
        go_on.wait(20)
        return original(url, etag=etag, deadline=deadline, max_bytes=max_bytes)

    watched = Watched(scene.issuer, clock=scene.watched.clock, monotonic=scene.age, fetch=slow)
    go_on.set()
    watched.judge(token)
    watched.settle()
    asked = scene.issuer.jwks_requests
    fetched.clear()
    go_on.clear()
    scene.age.advance(DUE)
    # None of these came back if it waited.
    assert [watched.judge(token) for _ in range(100)] == [REMEMBERED] * 100
    assert fetched.wait(20)
    go_on.set()
    watched.settle()
    assert scene.issuer.jwks_requests == asked + 1
    assert watched.judge(token) == REMEMBERED


def test_keys_stay_fresh_for_ever_although_every_token_is_remembered(scene: Ageing) -> None:
    token = scene.remembered()
    for _ in range(20):
        scene.refreshed(by=token)
    health = scene.watched.validator.health()[scene.issuer.issuer]
    assert (health.state, scene.issuer.jwks_requests) == ("fresh", 21)


def test_before_it_is_due_nobody_is_asked(scene: Ageing) -> None:
    token = scene.remembered()
    scene.age.advance(0.8 * TTL * 0.9 - 1)
    assert scene.judge(token) == REMEMBERED
    scene.watched.settle()
    assert scene.issuer.jwks_requests == 1


# The issuer is down.


def test_hits_go_on_while_the_set_is_fresh_and_ask_no_more_often_than_the_back_off_allows(scene: Ageing) -> None:
    token = scene.remembered()
    scene.issuer.jwks_fault = EMPTY_SET
    scene.age.advance(DUE)
    for _ in range(59):
        assert scene.judge(token) == REMEMBERED
        scene.watched.settle()
        scene.age.advance(1)
    # At 0 s and then after 1, 2, 4, ... seconds or half of that.
    assert 5 <= scene.issuer.jwks_requests - 1 <= 12


def test_past_the_ttl_nothing_is_remembered_and_every_use_of_an_old_key_is_counted(scene: Ageing) -> None:
    token = scene.remembered()
    scene.issuer.misbehave(EMPTY_SET)
    scene.age.advance(TTL)
    assert [scene.judge(token) for _ in range(5)] == [PROVEN] * 5
    assert scene.watched.validator.health()[scene.issuer.issuer].stale_uses == 5
    scene.age.advance(3600)
    assert scene.judge(token) == Reason.KEYS_EXPIRED
    scene.issuer.reset()
    scene.age.advance(60)
    assert [scene.judge(token), scene.judge(token)] == [PROVEN, REMEMBERED]


def test_where_stale_keys_are_forbidden_hits_end_with_the_ttl() -> None:
    scene = Ageing(lifecycle=KeyLifecycle(stale_if_error=0))
    token = scene.remembered()
    scene.issuer.misbehave(EMPTY_SET)
    scene.age.advance(TTL - 1)
    assert scene.judge(token) == REMEMBERED
    scene.watched.settle()
    scene.age.advance(1)
    assert scene.judge(token) == Reason.KEYS_EXPIRED


def test_no_lock_stands_in_the_way_of_a_hit_unless_a_refresh_is_to_be_started() -> None:
    given = FakeIssuer("https://given.test", alg="EdDSA")
    scene = Ageing()
    policies = [
        IssuerPolicy(issuer=scene.issuer.issuer, audiences=frozenset({scene.issuer.audience})),
        IssuerPolicy(
            issuer=given.issuer,
            audiences=frozenset({given.audience}),
            keys=KeySource(jwks=json.dumps(given.jwks()).encode()),
        ),
    ]
    watched = Watched(scene.issuer, policies=policies, clock=scene.watched.clock, monotonic=scene.age)
    tokens = [scene.mint(), given.mint(LASTING)]
    assert [watched.judge(token) for token in tokens] == [PROVEN, PROVEN]
    stations = watched.validator._keys._configured.values()

    def judged_with_every_lock_held() -> list[str]:
        said: list[str] = []
        for station in stations:
            station._lock.acquire()
        thread = threading.Thread(target=lambda: said.extend(map(watched.judge, tokens)), daemon=True)
        thread.start()
        thread.join(10)
        for station in stations:
            station._lock.release()
        return said

    assert judged_with_every_lock_held() == [REMEMBERED, REMEMBERED]
    scene.issuer.misbehave(EMPTY_SET)
    scene.age.advance(DUE)
    watched.judge(tokens[0])
    watched.settle()
    # The back-off lasts, the set is fresh.
    assert judged_with_every_lock_held() == [REMEMBERED, REMEMBERED]
