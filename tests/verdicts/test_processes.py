"""Every process remembers for itself: a fork waits for no lock that stayed behind, and a withdrawn key dies in each."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bearergate.core.reasons import Reason
from bearergate.testing import FakeIssuer
from tests.faults.forking import in_child
from tests.faults.servers import PATIENCE, WORKERS, Running, running
from tests.figures import tell
from tests.keys.patient import Clock
from tests.verdicts.scenes import DUE, PROVEN, REMEMBERED, Watched

SERVER = (
    "gunicorn", "--worker-class", "sync", "--workers", str(WORKERS), "--bind", "fd://{fd}", "--no-control-socket",
    "--graceful-timeout", "2", "tests.verdicts.application:application",
)  # fmt: skip


@contextmanager
def served() -> Iterator[tuple[FakeIssuer, Watched]]:
    """An issuer on loopback, which a child can reach too, and a validator of its tokens."""
    with FakeIssuer(alg="EdDSA").serve() as issuer:
        watched = Watched(issuer, clock=Clock(issuer.now()), monotonic=Clock())
        yield issuer, watched


def test_a_child_knows_what_its_parent_knew_and_learns_for_itself() -> None:
    with served() as (issuer, watched):
        old, new = issuer.mint(), issuer.mint()
        watched.judge(old)
        assert in_child(lambda: [watched.judge(token) for token in (old, new, new)]) == [REMEMBERED, PROVEN, REMEMBERED]
        assert watched.judge(new) == PROVEN


def test_a_child_does_not_wait_for_a_lock_that_a_thread_of_its_parent_held() -> None:
    with served() as (issuer, watched):
        token = issuer.mint()
        watched.judge(token)
        held, let_go = threading.Event(), threading.Event()

        def hold() -> None:
            with watched.validator._verdicts._lock():
                held.set()
                let_go.wait(30)

        holder = threading.Thread(target=hold)
        holder.start()
        assert held.wait(10)
        try:
            tokens = [token, *(issuer.mint() for _ in range(3))]
            said = in_child(lambda: [watched.judge(each) for each in tokens * 2])
        finally:
            let_go.set()
            holder.join(10)
        assert said == [REMEMBERED, *[PROVEN] * 3, *[REMEMBERED] * 4]
        assert watched.judge(tokens[1]) == PROVEN


def test_a_grandchild_has_a_lock_of_its_own_too() -> None:
    with served() as (issuer, watched):
        tokens = [issuer.mint() for _ in range(3)]

        def grow() -> list[object]:
            mine = [watched.judge(tokens[0])]
            with watched.validator._verdicts._lock():
                return [*mine, in_child(lambda: [watched.judge(token) for token in tokens])]

        assert in_child(grow) == [PROVEN, [REMEMBERED, PROVEN, PROVEN]]


def test_a_child_learns_by_itself_that_a_key_is_gone_and_its_parent_for_itself() -> None:
    with served() as (issuer, watched):
        token = issuer.mint()
        assert [watched.judge(token), watched.judge(token)] == [PROVEN, REMEMBERED]
        issuer.rotate(keep_old=False)

        def refreshed() -> list[str]:
            watched.monotonic.advance(DUE)
            said = [watched.judge(token)]
            watched.settle()
            return [*said, watched.judge(token)]

        assert in_child(refreshed) == [REMEMBERED, Reason.KEY_UNKNOWN]
        assert watched.judge(token) == REMEMBERED
        assert refreshed() == [REMEMBERED, Reason.KEY_UNKNOWN]


class Workers:
    """What each worker of a server said of tokens, by the request."""

    def __init__(self, server: Running) -> None:
        self.server = server
        self.said: dict[int, list[str]] = {}

    def present(self, token: str) -> tuple[int, str]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)) as connection:
            connection.request("GET", "/", headers={"Authorization": f"Bearer {token}", "Connection": "close"})
            process, said = json.loads(connection.getresponse().read())
        self.said.setdefault(process, []).append(said)
        return process, said

    def until_all_say(self, token: str, wanted: str) -> float:
        """Seconds until the latest word of every worker is the wanted one."""
        started = time.monotonic()
        self.said.clear()
        while len(self.said) < WORKERS or any(words[-1] != wanted for words in self.said.values()):
            waited = time.monotonic() - started
            assert waited < PATIENCE, f"{self.said}\n{self.server.output.read_text()[-3000:]}"
            self.present(token)
        return time.monotonic() - started


def test_a_withdrawn_key_dies_in_every_worker_of_a_server_although_all_its_traffic_is_remembered(
    tmp_path: Path,
) -> None:
    with FakeIssuer().serve() as issuer, running(SERVER, issuer, tmp_path) as server:
        workers, token = Workers(server), issuer.mint()
        workers.until_all_say(token, REMEMBERED)
        asked = issuer.jwks_requests
        issuer.rotate(keep_old=False)
        seconds = workers.until_all_say(token, Reason.KEY_UNKNOWN)
        tell("a key is withdrawn: until every worker refuses", f"{seconds:.1f} s, its keys are fresh for 2 s")
        for words in workers.said.values():
            # From the first refusal on there is no way back.
            refused = words.index(Reason.KEY_UNKNOWN)
            assert set(words[:refused]) <= {REMEMBERED, PROVEN}
            assert set(words[refused:]) == {Reason.KEY_UNKNOWN}
        # Each worker asked for itself, and hits were all that could make it ask.
        assert issuer.jwks_requests >= asked + WORKERS
        workers.until_all_say(issuer.mint(), REMEMBERED)
