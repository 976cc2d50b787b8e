"""Servers that fork their workers: each worker fetches for itself at most once, learns, survives and recovers.

Real gunicorn and uvicorn, configured by the environment as a user's application is.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bearergate.testing import FakeIssuer, Fault
from tests.faults.scenes import traffic_of
from tests.faults.servers import WORKERS, gunicorn, running, uvicorn
from tests.figures import tell
from tests.keys.patient import wait_until

COLD: dict[str, str] = {}
WARM = {"KEYS": "warm"}
SERVERS: dict[str, tuple[tuple[str, ...], dict[str, str], int]] = {
    # The command, what else is in its environment, and the fetches until every worker has the keys.
    "gunicorn sync": (gunicorn("sync"), COLD, WORKERS),
    "gunicorn sync --preload": (gunicorn("sync", "--preload"), COLD, WORKERS),
    "gunicorn sync --preload, warmed before the fork": (gunicorn("sync", "--preload"), WARM, 1),
    "gunicorn gthread": (gunicorn("gthread", "--threads", "8"), COLD, WORKERS),
    "gunicorn gthread --preload": (gunicorn("gthread", "--threads", "8", "--preload"), COLD, WORKERS),
    "gunicorn gthread --preload, warmed before the fork": (gunicorn("gthread", "--threads", "8", "--preload"), WARM, 1),
    "gunicorn gevent": (gunicorn("gevent"), COLD, WORKERS),
    "gunicorn gevent --preload": (gunicorn("gevent", "--preload"), COLD, WORKERS),
    "uvicorn --workers 2": (uvicorn(), COLD, WORKERS),
}


@pytest.mark.parametrize("name", SERVERS)
def test_every_worker_fetches_once_learns_a_new_key_survives_an_outage_and_recovers(name: str, tmp_path: Path) -> None:
    command, settings, fetches = SERVERS[name]
    with FakeIssuer().serve() as issuer, running(command, issuer, tmp_path, **settings) as server:
        issuer.jwks_fault = Fault(delay=0.3)
        assert server.ask().status == 200
        first = server.ask_many([issuer.mint()] * 40)
        first += server.ask_every_worker(issuer.mint())
        cold = traffic_of(issuer)
        assert Counter(answer.status for answer in first) == {200: len(first)}
        assert (issuer.discovery_requests, issuer.jwks_requests) == (fetches, fetches)

        issuer.rotate()
        learnt = server.ask_every_worker(issuer.mint())
        assert Counter(answer.status for answer in learnt) == {200: len(learnt)}
        assert issuer.jwks_requests == fetches + WORKERS

        issuer.stop()
        survived = server.ask_every_worker(issuer.mint())
        unknown = server.ask_many([issuer.mint(header={"kid": f"random-{number}"}) for number in range(20)])
        assert Counter(answer.status for answer in survived) == {200: len(survived)}
        assert Counter(answer.status for answer in unknown) == {503: 20}
        assert all(int(answer.retry_after or 0) >= 1 for answer in unknown)

        issuer.rotate()
        issuer.start()
        fresh = issuer.mint()
        wait_until(lambda: server.ask(fresh).status == 200, 10)
        recovered = server.ask_every_worker(fresh)
        assert {answer.status for answer in recovered} <= {200, 503}
        slowest = max(answer.seconds for answer in (*first, *learnt, *survived, *unknown))
        seen = f"{WORKERS} workers: cold {cold}, no failure, slowest answer {slowest:.1f} s"
        tell(f"prefork: {name}", seen)
