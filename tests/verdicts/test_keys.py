"""A remembered verdict hangs on the keys that made it, and keeps nobody from noticing that they change."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from bearergate.core.jwt import JoseHeader
from bearergate.core.key_record import Seed
from bearergate.core.keyring import KeyLifecycle
from bearergate.core.policy import IssuerPolicy, KeySource
from bearergate.core.reasons import Reason
from bearergate.fetch import Fetch, Fetched
from bearergate.key_supply import KeySupply
from bearergate.testing import EMPTY_SET, FakeIssuer
from tests.keys.patient import Clock
from tests.verdicts.scenes import PROVEN, REMEMBERED, Watched

TTL = 600
DUE = 540
"""Seconds after which a refresh is due, whatever chance says."""
LASTING: dict[str, Any] = {"exp": 2_000_000_000, "iat": None}


class Scene:
    """An issuer whose keys age by a clock of their own, so that verdicts do not end for another reason."""

    def __init__(self, alg: str = "EdDSA", **options: Any) -> None:
        self.age = Clock()
        self.issuer = FakeIssuer(alg=alg)
        self.watched = Watched(self.issuer, clock=Clock(self.issuer.now()), monotonic=self.age, **options)

    def mint(self, **how: Any) -> str:
        """A token that does not expire meanwhile."""
        return self.issuer.mint(LASTING, **how)

    def remembered(self, **how: Any) -> str:
        """A token that was proven and is remembered."""
        token = self.mint(**how)
        assert self.judge(token) == PROVEN
        assert self.judge(token) == REMEMBERED
        return token

    def judge(self, token: str) -> str:
        return self.watched.judge(token)

    def refreshed(self, by: str) -> None:
        """The next refresh, which this token makes due."""
        asked = self.issuer.jwks_requests
        self.age.advance(DUE)
        assert self.judge(by) == REMEMBERED
        self.watched.settle()
        assert self.issuer.jwks_requests > asked


@pytest.fixture
def scene() -> Scene:
    return Scene()


# Keys change.


def test_a_removed_key_takes_its_verdicts_with_it_at_the_next_refresh(scene: Scene) -> None:
    token = scene.remembered()
    scene.issuer.rotate(keep_old=False)
    # Nobody knows yet, with or without a memory.
    assert scene.judge(token) == REMEMBERED
    scene.refreshed(by=token)
    assert scene.judge(token) == Reason.KEY_UNKNOWN
    assert scene.judge(scene.mint()) == PROVEN


def test_it_does_so_also_when_an_unknown_key_made_the_set_be_fetched(scene: Scene) -> None:
    token = scene.remembered()
    scene.issuer.rotate(keep_old=False)
    assert scene.judge(scene.mint()) == PROVEN
    assert scene.judge(token) == Reason.KEY_UNKNOWN


def test_only_the_verdicts_of_that_issuer_go(scene: Scene) -> None:
    other = FakeIssuer("https://other.test", alg="EdDSA")
    watched = Watched(scene.issuer, other, clock=scene.watched.clock, monotonic=scene.age)
    mine, others = scene.mint(), other.mint(LASTING)
    assert [watched.judge(token) for token in (mine, others)] == [PROVEN, PROVEN]
    scene.issuer.rotate(keep_old=False)
    assert watched.judge(scene.mint()) == PROVEN
    assert [watched.judge(token) for token in (mine, others)] == [Reason.KEY_UNKNOWN, REMEMBERED]


def test_another_key_under_the_same_name_takes_them_too(scene: Scene) -> None:
    token = scene.remembered()
    scene.issuer.rotate(keep_old=False, kid=scene.issuer.signing_key.kid)
    scene.refreshed(by=token)
    assert scene.judge(token) == Reason.SIGNATURE_INVALID
    assert scene.judge(scene.mint()) == PROVEN


@pytest.mark.parametrize("change", [{"use": "enc"}, {"key_ops": ["sign"]}, {"alg": "PS256"}])
def test_a_key_that_may_not_verify_this_any_more_takes_them_too(change: dict[str, Any]) -> None:
    scene = Scene("RS256")
    token = scene.remembered()
    scene.issuer.set_document(json.dumps({"keys": [scene.issuer.signing_key.jwk(**change)]}).encode())
    scene.refreshed(by=token)
    assert scene.judge(token) == Reason.KEY_UNUSABLE


def test_a_key_that_is_added_leaves_them_alone(scene: Scene) -> None:
    token = scene.remembered()
    for _ in range(3):
        scene.issuer.rotate()
        scene.refreshed(by=token)
        assert scene.judge(token) == REMEMBERED
    assert scene.watched.validator.health()[scene.issuer.issuer].keys == 4


def test_so_does_a_set_in_another_order_or_with_things_that_are_no_keys(scene: Scene) -> None:
    scene.issuer.add_key()
    token = scene.remembered()
    keys: list[object] = [*scene.issuer.jwks()["keys"]]
    for entries in (keys[::-1], [{}, *keys, {"kty": "oct", "k": "AA", "kid": "x"}], keys * 2):
        scene.issuer.set_document(json.dumps({"keys": entries}).encode())
        scene.refreshed(by=token)
        assert scene.judge(token) == REMEMBERED


def test_a_key_that_comes_back_makes_its_tokens_good_again_and_not_what_was_remembered(scene: Scene) -> None:
    token, old = scene.remembered(), scene.issuer.signing_key
    scene.issuer.rotate(keep_old=False)
    scene.refreshed(by=token)
    newer = scene.remembered()
    scene.issuer.publish(old)
    scene.refreshed(by=newer)
    assert [scene.judge(token), scene.judge(token), scene.judge(newer)] == [PROVEN, REMEMBERED, REMEMBERED]


def test_a_token_without_kid_is_judged_anew_when_a_second_key_could_have_made_it(scene: Scene) -> None:
    nameless, named = scene.remembered(header={"kid": None}), scene.remembered()
    scene.issuer.add_key("RS256")
    scene.refreshed(by=named)
    # Still the only key of its kind; but that has to be found out.
    assert [scene.judge(nameless), scene.judge(nameless), scene.judge(named)] == [PROVEN, REMEMBERED, REMEMBERED]
    scene.issuer.add_key()
    scene.refreshed(by=nameless)
    assert [scene.judge(nameless), scene.judge(named)] == [Reason.KEY_AMBIGUOUS, REMEMBERED]


def test_a_verdict_that_is_made_while_its_key_goes_is_dead_when_it_is_kept(scene: Scene) -> None:
    scene.remembered()
    token, wall = scene.mint(), scene.watched.clock
    validator, issuer = scene.watched.validator, scene.issuer
    new = issuer.rotate(keep_old=False)

    def goes_meanwhile() -> float:
        # Asked for when the keys were found already: before the signature is verified.
        validator._clock = wall
        validator._keys.find(issuer.issuer, JoseHeader(new.alg, new.kid, None))
        return wall()

    validator._clock = goes_meanwhile
    assert scene.judge(token) == PROVEN
    assert validator._clock is wall
    assert scene.judge(token) == Reason.KEY_UNKNOWN


# A refresh falls due while everything is remembered.


def test_a_hit_starts_the_refresh_that_is_due_and_does_not_wait_for_it(scene: Scene) -> None:
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


def test_keys_stay_fresh_for_ever_although_every_token_is_remembered(scene: Scene) -> None:
    token = scene.remembered()
    for _ in range(20):
        scene.refreshed(by=token)
    health = scene.watched.validator.health()[scene.issuer.issuer]
    assert (health.state, scene.issuer.jwks_requests) == ("fresh", 21)


def test_before_it_is_due_nobody_is_asked(scene: Scene) -> None:
    token = scene.remembered()
    scene.age.advance(0.8 * TTL * 0.9 - 1)
    assert scene.judge(token) == REMEMBERED
    scene.watched.settle()
    assert scene.issuer.jwks_requests == 1


# The issuer is down.


def test_hits_go_on_while_the_set_is_fresh_and_ask_no_more_often_than_the_back_off_allows(scene: Scene) -> None:
    token = scene.remembered()
    scene.issuer.jwks_fault = EMPTY_SET
    scene.age.advance(DUE)
    for _ in range(59):
        assert scene.judge(token) == REMEMBERED
        scene.watched.settle()
        scene.age.advance(1)
    # At 0 s and then after 1, 2, 4, ... seconds or half of that.
    assert 5 <= scene.issuer.jwks_requests - 1 <= 12


def test_past_the_ttl_nothing_is_remembered_and_every_use_of_an_old_key_is_counted(scene: Scene) -> None:
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
    scene = Scene(lifecycle=KeyLifecycle(stale_if_error=0))
    token = scene.remembered()
    scene.issuer.misbehave(EMPTY_SET)
    scene.age.advance(TTL - 1)
    assert scene.judge(token) == REMEMBERED
    scene.watched.settle()
    scene.age.advance(1)
    assert scene.judge(token) == Reason.KEYS_EXPIRED


def test_no_lock_stands_in_the_way_of_a_hit_unless_a_refresh_is_to_be_started() -> None:
    given = FakeIssuer("https://given.test", alg="EdDSA")
    scene = Scene()
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


# Keys that nobody fetched just now.


def test_given_keys_never_age_and_neither_does_what_they_prove(scene: Scene) -> None:
    source = KeySource(jwks=json.dumps(scene.issuer.jwks()).encode())
    policy = IssuerPolicy(issuer=scene.issuer.issuer, audiences=frozenset({scene.issuer.audience}), keys=source)
    watched = Watched(scene.issuer, policies=[policy], clock=scene.watched.clock, monotonic=scene.age)
    token = scene.mint()
    assert watched.judge(token) == PROVEN
    scene.age.advance(10 * 365 * 24 * 3600)
    assert watched.judge(token) == REMEMBERED
    assert scene.issuer.connections == 0


def test_what_keys_of_an_earlier_run_proved_goes_when_their_issuer_has_others(scene: Scene) -> None:
    token = scene.remembered()
    seed = Seed(records=scene.watched.validator.key_records())
    later = Watched(scene.issuer, clock=scene.watched.clock, monotonic=scene.age, supply=KeySupply(seed=seed))
    assert [later.judge(token), later.judge(token)] == [PROVEN, REMEMBERED]
    scene.issuer.rotate(keep_old=False)
    scene.age.advance(DUE)
    assert later.judge(token) == REMEMBERED
    later.settle()
    assert later.judge(token) == Reason.KEY_UNKNOWN
