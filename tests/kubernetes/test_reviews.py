"""Reviews by a strict API server over TLS: who gets in, what is asked, what is remembered, and what is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from bearergate.chain import Chain
from bearergate.core.errors import Refusal
from bearergate.core.events import TokenAccepted, TokenRejected
from bearergate.core.reasons import Reason
from bearergate.kubernetes import ServiceAccount
from tests.keys.patient import Clock
from tests.kubernetes.api_server import Trouble
from tests.kubernetes.cluster import CLUSTER, OURS, Cluster, forged, of_a_deleted_pod, refused

Validate = Callable[[Chain, str], Any]


def _sync(chain: Chain, token: str) -> Any:
    return chain.validate(token)


def _async(chain: Chain, token: str) -> Any:
    return asyncio.run(chain.validate_async(token))


BOTH = pytest.mark.parametrize("validate", [_sync, _async], ids=["sync", "async"])


@BOTH
def test_a_service_account_gets_in_by_the_word_of_its_api_server(cluster: Cluster, validate: Validate) -> None:
    found = validate(cluster.chain(), cluster.token())
    assert isinstance(found, ServiceAccount)
    assert (found.issuer, found.namespace, found.name) == (CLUSTER, "ci", "deployer")
    assert found.subject == "system:serviceaccount:ci:deployer"
    assert found.groups == ("system:serviceaccounts", "system:serviceaccounts:ci", "system:authenticated")
    assert [audiences for _, audiences in cluster.server.reviews] == [(OURS,)]
    assert cluster.server.reviewers == [cluster.reviewer.username]


@BOTH
def test_a_person_gets_in_as_ever_and_nobody_is_asked(cluster: Cluster, validate: Validate) -> None:
    assert validate(cluster.chain(), cluster.people.mint(sub="jane")).subject == "jane"
    assert cluster.server.connections == 0


def _deleted(cluster: Cluster) -> str:
    token = cluster.token()
    del cluster.server.accounts[cluster.deployer.username]
    return token


def _recreated(cluster: Cluster) -> str:
    token = _deleted(cluster)
    cluster.server.create("ci", "deployer")
    return token


@BOTH
@pytest.mark.parametrize("bad", [forged, _deleted, _recreated, of_a_deleted_pod])
def test_what_the_api_server_refuses_is_401(cluster: Cluster, bad: Any, validate: Validate) -> None:
    error = refused(lambda: validate(cluster.chain(), bad(cluster)))
    assert (error.status, error.reason) == (401, Reason.RULE_FAILED)
    assert "invalid bearer token" in str(error.actual)
    assert len(cluster.server.reviews) == 1


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": 1}, Reason.EXPIRED),
        ({"exp": None}, Reason.EXP_MISSING),
        ({"aud": ["https://kubernetes.default.svc"]}, Reason.AUDIENCE_MISMATCH),
    ],
)
def test_what_nobody_could_accept_is_401_and_asks_nobody(
    cluster: Cluster, claims: dict[str, Any], reason: Reason
) -> None:
    assert refused(lambda: cluster.chain().validate(cluster.token(**claims))).reason is reason
    assert cluster.server.connections == 0


def test_a_token_that_the_api_server_would_take_a_little_longer_is_over_here(cluster: Cluster, clock: Clock) -> None:
    token = cluster.token(exp=int(clock()) + 5)
    chain = cluster.chain()
    chain.validate(token)
    clock.advance(5)
    assert cluster.server.user_of(token, [OURS])
    assert refused(lambda: chain.validate(token)).reason is Reason.EXPIRED


# What is remembered.


@BOTH
def test_a_good_verdict_holds_for_ten_seconds(cluster: Cluster, validate: Validate) -> None:
    age = Clock()
    chain = cluster.chain(monotonic=age)
    token = cluster.token()
    first = validate(chain, token)
    age.advance(9.9)
    assert validate(chain, token) is first
    assert len(cluster.server.reviews) == 1
    age.advance(0.2)
    assert validate(chain, token) == first
    assert len(cluster.server.reviews) == 2


@BOTH
def test_a_bad_verdict_holds_for_ten_seconds(cluster: Cluster, validate: Validate) -> None:
    age = Clock()
    chain = cluster.chain(monotonic=age)
    token = of_a_deleted_pod(cluster)
    first = refused(lambda: validate(chain, token))
    age.advance(9.9)
    again = refused(lambda: validate(chain, token))
    assert (again.reason, again.actual, again is first) == (first.reason, first.actual, False)
    assert len(cluster.server.reviews) == 1
    cluster.server.revoked.clear()
    age.advance(0.2)
    assert validate(chain, token).name == "deployer"


def test_a_verdict_never_outlives_its_token(cluster: Cluster, clock: Clock) -> None:
    chain = cluster.chain(monotonic=Clock())
    token = cluster.token(exp=int(clock()) + 3)
    chain.validate(token)
    clock.advance(2.9)
    chain.validate(token)
    clock.advance(0.1)
    assert refused(lambda: chain.validate(token)).reason is Reason.EXPIRED
    assert len(cluster.server.reviews) == 1


def test_a_token_that_is_withdrawn_works_for_ten_seconds_more_at_most(cluster: Cluster) -> None:
    age = Clock()
    chain = cluster.chain(monotonic=age)
    token = cluster.token(jti="pod-1")
    chain.validate(token)
    cluster.server.revoked.add("pod-1")
    age.advance(10)
    assert refused(lambda: chain.validate(token)).reason is Reason.RULE_FAILED


def test_a_verdict_is_of_one_token_and_of_one_set_of_audiences(cluster: Cluster) -> None:
    first = cluster.review()
    other = cluster.review(policy=cluster.policy(audiences=frozenset({OURS, "https://other.test"})))
    token = cluster.token()
    names = {tokens._reviews._digest(token) for tokens in (first, other)}
    assert len(names | {first._reviews._digest(cluster.token())}) == 3
    assert all(len(name) == 32 and token.encode() not in name for name in names)
    cluster.chain(first).validate(token)
    cluster.chain(other).validate(token)
    assert [set(audiences) for _, audiences in cluster.server.reviews] == [{OURS}, {OURS, "https://other.test"}]


def test_audiences_that_are_written_side_by_side_are_not_one(cluster: Cluster) -> None:
    split = cluster.review(policy=cluster.policy(audiences=frozenset({"a", "b"})))
    joined = cluster.review(policy=cluster.policy(audiences=frozenset({"ab"})))
    token = cluster.token()
    assert split._reviews._digest(token) != joined._reviews._digest(token)


def test_no_more_verdicts_are_remembered_than_allowed(cluster: Cluster) -> None:
    review = cluster.review(limits={"entries": 2, "per_second": 100})
    tokens = [cluster.token(jti=f"{n}") for n in range(4)]
    for token in tokens:
        review.authenticate(token)
    assert len(review._reviews._verdicts) == 2
    assert review.authenticate(tokens[-1]).remembered
    assert not review.authenticate(tokens[0]).remembered


# What is told.


def test_every_decision_is_told_with_who_asked(cluster: Cluster) -> None:
    chain, token, unsigned = cluster.chain(), cluster.token(), forged(cluster)
    chain.validate(token, adapter="asgi")
    chain.validate(token)
    refused(lambda: chain.validate(unsigned))
    refused(lambda: chain.validate("garbage"))
    accepted, again, rejected, garbage = cluster.events
    assert isinstance(accepted, TokenAccepted)
    assert isinstance(again, TokenAccepted)
    assert (accepted.cached, again.cached) == (False, True)
    assert (accepted.adapter, again.adapter) == ("asgi", "code")
    assert (accepted.alg, accepted.token_issuer, accepted.policy_version) == ("ES256", CLUSTER, "v1")
    assert accepted.kid == cluster.server.issuer.signing_key.kid
    assert isinstance(rejected, TokenRejected)
    assert (rejected.issuer, rejected.reason, rejected.status) == (CLUSTER, Reason.RULE_FAILED, 401)
    assert rejected.unverified.subject == cluster.deployer.username
    assert rejected.principal is None
    assert isinstance(garbage, TokenRejected)
    assert (garbage.issuer, garbage.reason) == (None, Reason.MALFORMED_TOKEN)


def test_an_outage_is_told_as_one(cluster: Cluster) -> None:
    cluster.server.trouble = Trouble(status=500)
    refused(lambda: cluster.chain().validate(cluster.token()))
    (told,) = cluster.events
    assert isinstance(told, TokenRejected)
    assert (told.issuer, told.reason, told.status) == (CLUSTER, Reason.UPSTREAM_UNAVAILABLE, 503)


def test_a_refusal_can_be_raised_again_and_again(cluster: Cluster) -> None:
    chain, token = cluster.chain(), forged(cluster)
    errors: list[Refusal] = [refused(lambda: chain.validate(token)) for _ in range(3)]
    depths = []
    for error in errors:
        depth, frame = 0, error.__traceback__
        while frame is not None:
            depth, frame = depth + 1, frame.tb_next
        depths.append(depth)
    assert depths[1] == depths[2]
