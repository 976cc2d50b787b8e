"""What a review must not do to anybody else: hold up the event loop, people, or other reviews; and faults of ours."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bearergate.core.errors import Unavailable
from bearergate.core.reasons import Reason
from bearergate.fetch import Fetched, FetchFailed
from tests.faults.forking import in_child
from tests.figures import tell
from tests.keys.patient import Clock, wait_until
from tests.kubernetes.api_server import Trouble
from tests.kubernetes.cluster import Cluster, refused


class Broken:
    """A Post that breaks, and says a secret when it does."""

    def __init__(self, secret: str) -> None:
        self.secret = secret

    def __call__(self, url: str, document: bytes, **_: Any) -> Fetched:
        raise LookupError(self.secret)


def test_a_fault_of_ours_is_an_outage_and_what_it_says_is_written_nowhere(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    chain = cluster.chain(post=Broken("the-secret"))
    error = refused(lambda: chain.validate(cluster.token()))
    assert (error.status, "an unexpected LookupError" in str(error)) == (503, True)
    assert "LookupError while reviewing a token" in caplog.text
    assert "the-secret" not in caplog.text + repr(error.__dict__)


class Deaf:
    """A Post that keeps no deadline."""

    def __init__(self) -> None:
        self.calls = 0
        self.closing = False

    def __call__(self, url: str, document: bytes, **_: Any) -> Fetched:
        self.calls += 1
        while not self.closing:
            time.sleep(0.01)
        raise FetchFailed("it is over")


def test_a_review_that_nothing_can_end_takes_up_its_place_for_a_moment_only(cluster: Cluster) -> None:
    deaf = Deaf()
    chain = cluster.chain(post=deaf, limits={"in_flight": 1, "budget": 0.1, "max_wait": 0.2})
    try:
        token = cluster.token()
        assert "did not end in time" in str(refused(lambda: chain.validate(token)))
        assert "1 reviews are under way" in str(refused(lambda: chain.validate(cluster.token())))
        time.sleep(1.1)
        assert "did not end in time" in str(refused(lambda: chain.validate(cluster.token())))
        assert deaf.calls == 2
    finally:
        deaf.closing = True


def test_without_threads_a_review_is_an_outage(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    chain, token = cluster.chain(), cluster.token()

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as poor:
        poor.setattr(threading.Thread, "start", start)
        assert "no thread could be started" in str(refused(lambda: chain.validate(token)))
    assert chain.validate(token).subject == cluster.deployer.username


def test_an_operator_reads_of_an_outage_once_a_minute(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "bearergate.kubernetes")
    age = Clock()
    chain = cluster.chain(monotonic=age, limits={"per_second": 1000})
    cluster.server.trouble = Trouble(status=403)

    def lines() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.name == "bearergate.kubernetes"]

    for _ in range(5):
        refused(lambda: chain.validate(cluster.token()))
    assert len(lines()) == 1
    assert "may create tokenreviews.authentication.k8s.io" in lines()[0]
    age.advance(60)
    refused(lambda: chain.validate(cluster.token()))
    assert "(5 so far)" in lines()[1]


def test_the_event_loop_never_waits(cluster: Cluster) -> None:
    cluster.server.trouble = Trouble(hang=True)
    chain, token = cluster.chain(limits={"budget": 0.6, "max_wait": 2.0}), cluster.token()

    async def run() -> tuple[Any, list[float]]:
        review = asyncio.create_task(chain.validate_async(token))
        gaps: list[float] = []
        while not review.done():
            before = time.monotonic()
            await asyncio.sleep(0.005)
            gaps.append(time.monotonic() - before)
        return review.exception(), gaps

    error, gaps = asyncio.run(run())
    assert isinstance(error, Unavailable)
    # Half a second would be the budget of the review; a busy machine may hold up any single round.
    assert sorted(gaps)[len(gaps) // 2] < 0.1
    assert len(gaps) > 5
    tell("the event loop while an API server hangs", f"median round {sorted(gaps)[len(gaps) // 2] * 1000:.0f} ms")


def test_people_are_not_held_up_by_an_api_server_nor_service_accounts_by_an_issuer(cluster: Cluster) -> None:
    chain = cluster.chain(limits={"budget": 3.0})
    chain.validate(cluster.people.mint())
    cluster.server.trouble = Trouble(hang=True)
    with ThreadPoolExecutor(10) as pool:
        stuck = [pool.submit(refused, lambda: chain.validate(cluster.token(jti="x"))) for _ in range(10)]
        wait_until(lambda: cluster.server.at_once == 10)
        took = []
        for _ in range(20):
            started = time.monotonic()
            assert chain.validate(cluster.people.mint()).subject == "user-1"
            took.append(time.monotonic() - started)
        assert not any(each.done() for each in stuck)
        assert {each.result().status for each in stuck} == {503}
    tell("people while an API server hangs", f"median {sorted(took)[10] * 1000:.1f} ms")
    cluster.people.down = True
    cluster.server.trouble = Trouble()
    fresh = cluster.chain()
    assert refused(lambda: fresh.validate(cluster.people.mint())).reason is Reason.KEYS_UNAVAILABLE
    assert fresh.validate(cluster.token()).subject == cluster.deployer.username


def test_a_child_process_reviews_for_itself(cluster: Cluster) -> None:
    """Forked while a review is under way, whose thread the child does not have."""
    chain, known, asked = cluster.chain(), cluster.token(), cluster.token()
    chain.validate(known)
    cluster.server.trouble = Trouble(delay=1.0)
    with ThreadPoolExecutor(1) as pool:
        parent = pool.submit(chain.validate, asked)
        wait_until(lambda: cluster.server.at_once == 1)
        found = in_child(lambda: [chain.validate(token).subject for token in (asked, known)])
        assert found == [cluster.deployer.username] * 2
        assert parent.result().subject == cluster.deployer.username
