"""An API server that is slow, silent, wrong or gone: 503 and never 401, in bounded time, and back by itself."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from bearergate.core.errors import Unavailable
from bearergate.core.reasons import Reason
from tests.figures import tell
from tests.keys.patient import Clock
from tests.kubernetes.api_server import BIG, REVIEWS, ApiServer, Trouble
from tests.kubernetes.cluster import Cluster, refused

SHORT = {"budget": 0.6, "max_wait": 2.0}
"""For servers that keep everybody waiting."""


def outage(cluster: Cluster, **limits: Any) -> Unavailable:
    """What a good token ends in."""
    error = refused(lambda: cluster.chain(limits=limits).validate(cluster.token()))
    assert isinstance(error, Unavailable)
    assert (error.status, error.reason) == (503, Reason.UPSTREAM_UNAVAILABLE)
    assert error.retry_after >= 1
    return error


def review(**status: Any) -> bytes:
    return json.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status}).encode()


TROUBLES: list[tuple[str, Trouble, str]] = [
    ("an internal error", Trouble(status=500), "answered with status 500"),
    ("an internal error that looks like a verdict", Trouble(status=500, body=review()), "answered with status 500"),
    ("not found", Trouble(status=404), "answered with status 404"),
    ("a bad request", Trouble(status=400), "answered with status 400"),
    ("accepted, without an answer", Trouble(status=202, body=review()), "answered with status 202"),
    ("no content", Trouble(status=204), "answered with status 204"),
    ("unavailable", Trouble(status=503), "answered with status 503"),
    ("the reviewer is nobody", Trouble(status=401), "does not let us review tokens (status 401)"),
    ("the reviewer may not", Trouble(status=403), "does not let us review tokens (status 403)"),
    ("nothing", Trouble(body=b" "), "not strict JSON"),
    ("garbage", Trouble(body=b"\x00\xff<html>"), "not strict JSON"),
    ("too much", Trouble(body=BIG), "larger than"),
    ("too deep", Trouble(body=b'{"status":' + b"[" * 5000), "not strict JSON"),
    ("another object", Trouble(body=b'{"kind": "Status", "apiVersion": "v1"}'), "no TokenReview"),
    ("yes, and no", Trouble(status_changes={"error": "the webhook timed out"}), "says yes and names an error"),
    ("yes as a word", Trouble(status_changes={"authenticated": "yes"}), "neither yes nor no"),
    ("a broken length", Trouble(body=review(), headers={"Content-Length": "9999"}, delay=0), "could not be"),
]


@pytest.mark.parametrize(("trouble", "cause"), [row[1:] for row in TROUBLES], ids=[row[0] for row in TROUBLES])
def test_an_api_server_that_says_nothing_is_an_outage(cluster: Cluster, trouble: Trouble, cause: str) -> None:
    cluster.server.trouble = trouble
    assert cause in outage(cluster, **SHORT).cause
    cluster.server.trouble = Trouble()
    assert cluster.chain().validate(cluster.token()).subject == cluster.deployer.username


@pytest.mark.parametrize(
    ("name", "changes", "reason"),
    [
        ("authenticated left out", {"authenticated": None}, Reason.RULE_FAILED),
        ("audiences left out", {"audiences": None}, Reason.AUDIENCE_MISSING),
        ("other audiences", {"audiences": ["https://kubernetes.default.svc"]}, Reason.AUDIENCE_MISMATCH),
        ("a person", {"user": {"username": "jane", "groups": ["system:masters"]}}, Reason.RULE_FAILED),
    ],
)
def test_an_api_server_that_does_not_vouch_is_no_outage(
    cluster: Cluster, name: str, changes: dict[str, Any], reason: Reason
) -> None:
    cluster.server.trouble = Trouble(status_changes=changes)
    error = refused(lambda: cluster.chain().validate(cluster.token()))
    assert (error.status, error.reason) == (401, reason), name


@pytest.mark.parametrize(
    ("name", "trouble"),
    [
        ("silent", Trouble(hang=True)),
        ("slow", Trouble(delay=30)),
        ("dripping", Trouble(drip=0.02)),
    ],
)
def test_an_api_server_that_keeps_everybody_waiting_costs_its_budget(
    cluster: Cluster, name: str, trouble: Trouble
) -> None:
    cluster.server.trouble = trouble
    started = time.monotonic()
    assert "did not answer in time" in outage(cluster, **SHORT).cause
    took = time.monotonic() - started
    assert took < 5
    tell(f"an API server that is {name}", f"503 after {took:.1f} s of a budget of {SHORT['budget']} s")


def test_a_redirect_is_not_followed_and_nothing_is_sent_to_where_it_leads(cluster: Cluster, tmp_path: Path) -> None:
    elsewhere = ApiServer(tmp_path, cluster.server.issuer)
    with elsewhere.serve():
        for status in (301, 302, 303, 307, 308):
            cluster.server.trouble = Trouble(status=status, headers={"Location": elsewhere.url + REVIEWS})
            assert f"answered with status {status}" in outage(cluster).cause
    assert elsewhere.connections == 0


def test_an_api_server_that_is_gone_is_an_outage_and_its_return_is_noticed(tmp_path: Path, cluster: Cluster) -> None:
    chain, token = cluster.chain(), cluster.token()
    away = ApiServer(tmp_path, cluster.server.issuer)
    away.accounts, away.may_review = cluster.server.accounts, cluster.server.may_review
    with away.serve():
        pass
    chain = cluster.chain(policy=cluster.policy(api_server=away.url))
    (tmp_path / "ca.crt").write_text(away.ca)
    for _ in range(3):
        error = refused(lambda: chain.validate(token))
        assert (error.status, "it was refused" in str(error)) == (503, True)
    with away.serve():
        assert chain.validate(token).subject == cluster.deployer.username


def test_an_outage_is_remembered_by_nobody(cluster: Cluster) -> None:
    chain, token = cluster.chain(monotonic=Clock()), cluster.token()
    cluster.server.trouble = Trouble(status=500)
    assert refused(lambda: chain.validate(token)).status == 503
    cluster.server.trouble = Trouble()
    assert chain.validate(token).subject == cluster.deployer.username


def test_a_known_token_does_not_notice_an_outage_of_ten_seconds(cluster: Cluster) -> None:
    chain, token = cluster.chain(monotonic=Clock()), cluster.token()
    chain.validate(token)
    cluster.server.trouble = Trouble(status=500)
    assert chain.validate(token).subject == cluster.deployer.username


@pytest.mark.parametrize("status", [429, 503])
def test_an_api_server_that_wants_to_be_left_alone_is(cluster: Cluster, status: int) -> None:
    age = Clock()
    chain = cluster.chain(monotonic=age)
    cluster.server.trouble = Trouble(status=status, headers={"Retry-After": "7"})
    first = refused(lambda: chain.validate(cluster.token()))
    cluster.server.trouble = Trouble()
    age.advance(3)
    second = refused(lambda: chain.validate(cluster.token()))
    assert [error.retry_after for error in (first, second) if isinstance(error, Unavailable)] == [7.0, 4.0]
    assert len(cluster.server.reviews) == 1
    age.advance(4)
    assert chain.validate(cluster.token()).subject == cluster.deployer.username


@pytest.mark.parametrize("said", ["", "soon", "-1", "1.5", "9" * 30, "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_wish_that_is_no_number_of_seconds_is_not_granted(cluster: Cluster, said: str) -> None:
    chain = cluster.chain(monotonic=Clock())
    cluster.server.trouble = Trouble(status=429, headers={"Retry-After": said})
    assert refused(lambda: chain.validate(cluster.token())).status == 503
    cluster.server.trouble = Trouble()
    assert chain.validate(cluster.token()).subject == cluster.deployer.username


def test_nobody_is_left_alone_for_longer_than_a_minute(cluster: Cluster) -> None:
    age = Clock()
    chain = cluster.chain(monotonic=age)
    cluster.server.trouble = Trouble(status=429, headers={"Retry-After": "86400"})
    error = refused(lambda: chain.validate(cluster.token()))
    assert isinstance(error, Unavailable)
    assert error.retry_after == 60
    cluster.server.trouble = Trouble()
    age.advance(60)
    assert chain.validate(cluster.token()).subject == cluster.deployer.username
