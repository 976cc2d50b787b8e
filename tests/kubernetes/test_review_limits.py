"""One review for all who ask about one token; few reviews at a time, and few in a second."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bearergate.core.errors import Unavailable
from bearergate.core.reasons import Reason
from tests.figures import tell
from tests.keys.patient import Clock, wait_until
from tests.kubernetes.api_server import Trouble
from tests.kubernetes.cluster import CLUSTER, Cluster, forged, of_a_deleted_pod, refused, running_cluster


def test_a_hundred_threads_with_one_token_ask_once(cluster: Cluster) -> None:
    cluster.server.trouble = Trouble(delay=0.3)
    chain, token = cluster.chain(), cluster.token()
    with ThreadPoolExecutor(100) as pool:
        found = list(pool.map(lambda _: chain.validate(token).subject, range(100)))
    assert found == [cluster.deployer.username] * 100
    assert len(cluster.server.reviews) == 1
    tell("100 threads with one new service-account token", f"{len(cluster.server.reviews)} review")


def test_threads_and_event_loops_share_one_review(cluster: Cluster) -> None:
    cluster.server.trouble = Trouble(delay=0.3)
    chain, token = cluster.chain(), of_a_deleted_pod(cluster)

    async def loop() -> list[Any]:
        return await asyncio.gather(*(chain.validate_async(token) for _ in range(10)), return_exceptions=True)

    with ThreadPoolExecutor(20) as pool:
        loops = [pool.submit(asyncio.run, loop()) for _ in range(3)]
        threads = [pool.submit(refused, lambda: chain.validate(token)) for _ in range(10)]
        found = [error for each in loops for error in each.result()] + [each.result() for each in threads]
    assert {error.reason for error in found} == {Reason.RULE_FAILED}
    # Each with an error of its own: a traceback that grows with every waiter helps nobody.
    assert len({id(error) for error in found}) == 40
    assert len(cluster.server.reviews) == 1


def test_whoever_gives_up_waiting_takes_nobody_along(cluster: Cluster) -> None:
    cluster.server.trouble = Trouble(delay=0.5)
    chain, token = cluster.chain(), cluster.token()

    async def run() -> Any:
        cancelled, patient = (asyncio.create_task(chain.validate_async(token)) for _ in range(2))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(chain.validate_async(token), 0.1)
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        return await patient

    assert asyncio.run(run()).subject == cluster.deployer.username
    assert len(cluster.server.reviews) == 1


# How much is asked.


def test_ten_reviews_at_a_time_and_the_rest_is_503_at_once(cluster: Cluster) -> None:
    cluster.server.trouble = Trouble(delay=1.0)
    chain = cluster.chain(limits={"per_second": 1000})
    tokens = [cluster.token(jti=f"{n}") for n in range(14)]
    with ThreadPoolExecutor(14) as pool:
        first = [pool.submit(chain.validate, token) for token in tokens[:10]]
        wait_until(lambda: cluster.server.at_once == 10)
        rest = [refused(partial(chain.validate, token)) for token in tokens[10:]]
        assert {each.result().subject for each in first} == {cluster.deployer.username}
    assert cluster.server.most_at_once == 10
    assert {(error.status, error.reason) for error in rest} == {(503, Reason.UPSTREAM_UNAVAILABLE)}
    assert all(isinstance(error, Unavailable) and error.retry_after >= 1 for error in rest)
    assert chain.validate(tokens[-1]).subject == cluster.deployer.username
    tell("14 new tokens at once", f"{cluster.server.most_at_once} reviews at a time, {len(rest)} answers 503")


def test_who_asks_about_a_review_under_way_is_none_too_many(cluster: Cluster) -> None:
    cluster.server.trouble = Trouble(delay=0.5)
    chain = cluster.chain(limits={"in_flight": 1})
    token = cluster.token()
    with ThreadPoolExecutor(5) as pool:
        assert {each.subject for each in pool.map(chain.validate, [token] * 5)} == {cluster.deployer.username}


def test_twenty_reviews_in_any_second(cluster: Cluster) -> None:
    age = Clock()
    chain = cluster.chain(monotonic=age)
    spared: list[Unavailable] = []

    def burst(count: int) -> int:
        allowed = 0
        for _ in range(count):
            try:
                chain.validate(cluster.token())
            except Unavailable as error:
                spared.append(error)
            else:
                allowed += 1
        return allowed

    assert burst(15) == 15
    age.advance(0.5)
    assert burst(10) == 5
    age.advance(0.25)
    assert burst(10) == 0
    age.advance(0.25)
    # A second after the first fifteen, and not yet one after the other five.
    assert burst(30) == 15
    assert len(cluster.server.reviews) == 35
    assert {(error.reason, error.retry_after) for error in spared} == {(Reason.UPSTREAM_UNAVAILABLE, 1.0)}


def test_a_flood_of_forged_tokens_costs_the_api_server_twenty_a_second_and_known_tokens_nothing(
    cluster: Cluster,
) -> None:
    age = Clock()
    chain = cluster.chain(monotonic=age)
    known = cluster.token()
    chain.validate(known)
    statuses = [refused(lambda: chain.validate(forged(cluster))).status for _ in range(60)]
    assert (statuses.count(401), statuses.count(503)) == (19, 41)
    assert chain.validate(known).subject == cluster.deployer.username
    assert chain.validate(cluster.people.mint()).subject == "user-1"
    assert len(cluster.server.reviews) == 20
    tell("60 forged service-account tokens at once", "20 reviews, 41 answers 503; known tokens and people get in")


def test_two_clusters_share_nothing(cluster: Cluster, tmp_path: Path) -> None:
    folder = tmp_path / "second"
    folder.mkdir()
    with running_cluster(folder, cluster.clock) as second:
        second.server.issuer.issuer = "https://second.cluster.local"
        second.renew_credential()
        second.server.trouble = Trouble(hang=True)
        limits = {"in_flight": 1, "budget": 1.0}
        chain = cluster.chain(second.review(limits=limits), cluster.review())
        stuck = threading.Thread(target=refused, args=(lambda: chain.validate(second.token()),))
        stuck.start()
        wait_until(lambda: second.server.at_once == 1)
        assert refused(lambda: chain.validate(second.token())).status == 503
        assert chain.validate(cluster.token()).issuer == CLUSTER
        stuck.join()
