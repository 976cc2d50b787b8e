"""A remembered verdict hangs on the keys that made it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bearergate.core.jwk import MAX_CANDIDATES
from bearergate.core.jwt import JoseHeader
from bearergate.core.key_record import Seed
from bearergate.core.policy import IssuerPolicy, KeySource
from bearergate.core.reasons import Reason
from bearergate.key_supply import KeySupply
from bearergate.testing import FakeIssuer
from bearergate.testing.signing import new_key
from tests.verdicts.scenes import DUE, LASTING, PROVEN, REMEMBERED, Ageing, Watched


@pytest.fixture
def scene() -> Ageing:
    return Ageing()


# Keys change.


def test_a_removed_key_takes_its_verdicts_with_it_at_the_next_refresh(scene: Ageing) -> None:
    token = scene.remembered()
    scene.issuer.rotate(keep_old=False)
    # Nobody knows yet, with or without a memory.
    assert scene.judge(token) == REMEMBERED
    scene.refreshed(by=token)
    assert scene.judge(token) == Reason.KEY_UNKNOWN
    assert scene.judge(scene.mint()) == PROVEN


def test_it_does_so_also_when_an_unknown_key_made_the_set_be_fetched(scene: Ageing) -> None:
    token = scene.remembered()
    scene.issuer.rotate(keep_old=False)
    assert scene.judge(scene.mint()) == PROVEN
    assert scene.judge(token) == Reason.KEY_UNKNOWN


def test_only_the_verdicts_of_that_issuer_go(scene: Ageing) -> None:
    other = FakeIssuer("https://other.test", alg="EdDSA")
    watched = Watched(scene.issuer, other, clock=scene.watched.clock, monotonic=scene.age)
    mine, others = scene.mint(), other.mint(LASTING)
    assert [watched.judge(token) for token in (mine, others)] == [PROVEN, PROVEN]
    scene.issuer.rotate(keep_old=False)
    assert watched.judge(scene.mint()) == PROVEN
    assert [watched.judge(token) for token in (mine, others)] == [Reason.KEY_UNKNOWN, REMEMBERED]


def test_another_key_under_the_same_name_takes_them_too(scene: Ageing) -> None:
    token = scene.remembered()
    scene.issuer.rotate(keep_old=False, kid=scene.issuer.signing_key.kid)
    scene.refreshed(by=token)
    assert scene.judge(token) == Reason.SIGNATURE_INVALID
    assert scene.judge(scene.mint()) == PROVEN


@pytest.mark.parametrize("change", [{"use": "enc"}, {"key_ops": ["sign"]}, {"alg": "PS256"}])
def test_a_key_that_may_not_verify_this_any_more_takes_them_too(change: dict[str, Any]) -> None:
    scene = Ageing("RS256")
    token = scene.remembered()
    scene.issuer.set_document(json.dumps({"keys": [scene.issuer.signing_key.jwk(**change)]}).encode())
    scene.refreshed(by=token)
    assert scene.judge(token) == Reason.KEY_UNUSABLE


def test_a_key_that_is_added_leaves_them_alone(scene: Ageing) -> None:
    token = scene.remembered()
    for _ in range(3):
        scene.issuer.rotate()
        scene.refreshed(by=token)
        assert scene.judge(token) == REMEMBERED
    assert scene.watched.validator.health()[scene.issuer.issuer].keys == 4


def test_so_does_a_set_in_another_order_or_with_things_that_are_no_keys(scene: Ageing) -> None:
    scene.issuer.add_key()
    token = scene.remembered()
    keys: list[object] = [*scene.issuer.jwks()["keys"]]
    for entries in (keys[::-1], [{}, *keys, {"kty": "oct", "k": "AA", "kid": "x"}], keys * 2):
        scene.issuer.set_document(json.dumps({"keys": entries}).encode())
        scene.refreshed(by=token)
        assert scene.judge(token) == REMEMBERED


def test_a_key_that_comes_back_makes_its_tokens_good_again_and_not_what_was_remembered(scene: Ageing) -> None:
    token, old = scene.remembered(), scene.issuer.signing_key
    scene.issuer.rotate(keep_old=False)
    scene.refreshed(by=token)
    newer = scene.remembered()
    scene.issuer.publish(old)
    scene.refreshed(by=newer)
    assert [scene.judge(token), scene.judge(token), scene.judge(newer)] == [PROVEN, REMEMBERED, REMEMBERED]


def test_a_key_that_is_not_tried_any_more_because_others_crowd_its_name_takes_them_too(scene: Ageing) -> None:
    token, key = scene.remembered(), scene.issuer.signing_key
    crowd = [new_key("EdDSA", key.kid).jwk() for _ in range(MAX_CANDIDATES)]
    scene.issuer.set_document(json.dumps({"keys": [*crowd, key.jwk()]}).encode())
    scene.refreshed(by=token)
    assert scene.judge(token) == Reason.SIGNATURE_INVALID


def test_a_token_without_kid_is_judged_anew_when_a_second_key_could_have_made_it(scene: Ageing) -> None:
    nameless, named = scene.remembered(header={"kid": None}), scene.remembered()
    scene.issuer.add_key("RS256")
    scene.refreshed(by=named)
    # Still the only key of its kind; but that has to be found out.
    assert [scene.judge(nameless), scene.judge(nameless), scene.judge(named)] == [PROVEN, REMEMBERED, REMEMBERED]
    scene.issuer.add_key()
    scene.refreshed(by=nameless)
    assert [scene.judge(nameless), scene.judge(named)] == [Reason.KEY_AMBIGUOUS, REMEMBERED]


def test_a_verdict_that_is_made_while_its_key_goes_is_dead_when_it_is_kept(scene: Ageing) -> None:
    scene.remembered()
    token, wall = scene.mint(), scene.watched.clock
    validator, issuer = scene.watched.validator, scene.issuer
    new = issuer.rotate(keep_old=False)

    def goes_meanwhile() -> float:
        # Asked for when the keys were found already: before the signature is verified.
        validator._prover._clock = wall
        validator._keys.find(issuer.issuer, JoseHeader(new.alg, new.kid, None))
        return wall()

    validator._prover._clock = goes_meanwhile
    assert scene.judge(token) == PROVEN
    assert validator._prover._clock is wall
    assert scene.judge(token) == Reason.KEY_UNKNOWN


# Keys that nobody fetched just now.


def test_given_keys_never_age_and_neither_does_what_they_prove(scene: Ageing) -> None:
    source = KeySource(jwks=json.dumps(scene.issuer.jwks()).encode())
    policy = IssuerPolicy(issuer=scene.issuer.issuer, audiences=frozenset({scene.issuer.audience}), keys=source)
    watched = Watched(scene.issuer, policies=[policy], clock=scene.watched.clock, monotonic=scene.age)
    token = scene.mint()
    assert watched.judge(token) == PROVEN
    scene.age.advance(10 * 365 * 24 * 3600)
    assert watched.judge(token) == REMEMBERED
    assert scene.issuer.connections == 0


def test_what_keys_of_an_earlier_run_proved_goes_when_their_issuer_has_others(scene: Ageing) -> None:
    token = scene.remembered()
    seed = Seed(records=scene.watched.validator.key_records())
    later = Watched(scene.issuer, clock=scene.watched.clock, monotonic=scene.age, supply=KeySupply(seed=seed))
    assert [later.judge(token), later.judge(token)] == [PROVEN, REMEMBERED]
    scene.issuer.rotate(keep_old=False)
    scene.age.advance(DUE)
    assert later.judge(token) == REMEMBERED
    later.settle()
    assert later.judge(token) == Reason.KEY_UNKNOWN
