"""One issuer hangs: how long another issuer's tokens take meanwhile, in threads, in tasks and behind a full pool.

The other issuer's tokens are also judged, in turn with the measured ones, by a validator that has never heard of the
hanging issuer: what a busy machine adds is in both figures.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from bearergate.core.keyring import KeyLifecycle
from bearergate.core.reasons import Reason
from bearergate.testing import HANGING, FakeIssuer
from bearergate.validator import Validator
from tests.faults.scenes import Answered, ask, ask_async, milliseconds, percentile
from tests.figures import tell
from tests.keys.patient import validator_for

STUCK = 32
PAUSE = 0.2
"""Seconds until a caller whom the hanging issuer's back-off turned away comes back."""
GAP = 0.002


@dataclass
class Measured:
    """Durations without anybody stuck, then those of the measured validator and of its control while many are."""

    before: list[float] = field(default_factory=list)
    during: list[float] = field(default_factory=list)
    control: list[float] = field(default_factory=list)
    failures: int = 0

    def take(self, into: list[float], answer: Answered) -> None:
        into.append(answer.seconds)
        self.failures += answer.reason is not None

    def judge(self, scenario: str) -> None:
        before, during, control = (percentile(part, 0.99) for part in (self.before, self.during, self.control))
        figures = f"before {milliseconds(before)}, during {milliseconds(during)} (control {milliseconds(control)})"
        tell(scenario, f"p99 {figures}, {self.failures} of {len(self.during)} failed")
        assert self.failures == 0
        assert during <= 3 * max(before, control) + 0.005


@contextmanager
def two_issuers() -> Iterator[tuple[FakeIssuer, FakeIssuer]]:
    with FakeIssuer(alg="EdDSA").serve() as slow, FakeIssuer(alg="EdDSA").serve() as quick:
        slow.misbehave(HANGING)
        yield slow, quick


@contextmanager
def stuck_threads(validator: Validator, token: str, told: list[Answered]) -> Iterator[None]:
    """Threads that keep presenting tokens of the hanging issuer; they wait for it as long as they may."""
    over = threading.Event()

    def insist() -> None:
        while not over.is_set():
            told.append(ask(validator, token))
            over.wait(PAUSE)

    threads = [threading.Thread(target=insist) for _ in range(STUCK)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(30)


def measure(validator: Validator, control: Validator, issuer: FakeIssuer, seen: Measured, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        # A new one each time, so that no verdict is remembered.
        token = issuer.mint()
        seen.take(seen.during, ask(validator, token))
        seen.take(seen.control, ask(control, token))
        threading.Event().wait(GAP)


def test_ten_seconds_of_a_hanging_issuer_leave_another_issuers_tokens_as_quick_as_before() -> None:
    with two_issuers() as (slow, quick):
        validator, control = validator_for(slow, quick), validator_for(quick)
        seen, refused = Measured(), list[Answered]()
        for _ in range(500):
            token = quick.mint()
            seen.take(seen.before, ask(validator, token))
            seen.take(seen.control, ask(control, token))
            threading.Event().wait(GAP)
        # The first of each is the fetch.
        seen.before, seen.control = seen.before[1:], []
        with stuck_threads(validator, slow.mint(), refused):
            measure(validator, control, quick, seen, 10.0)
        seen.judge(f"one issuer hangs for 10 s, {STUCK} threads stuck")
        waited = percentile([answer.seconds for answer in refused], 1)
        tell(f"one issuer hangs for 10 s, {STUCK} threads stuck: its own callers", f"answered within {waited:.1f} s")
        assert {answer.reason for answer in refused} == {Reason.KEYS_UNAVAILABLE}
        assert waited < KeyLifecycle().max_wait


def test_a_hanging_issuer_leaves_another_issuers_tokens_in_the_same_event_loop_as_quick_as_before() -> None:
    async def run() -> None:
        for _ in range(500):
            token = quick.mint()
            seen.take(seen.before, await ask_async(validator, token))
            seen.take(seen.control, await ask_async(control, token))
            await asyncio.sleep(GAP)
        seen.before, seen.control = seen.before[1:], []
        stuck = [asyncio.create_task(ask_async(validator, strange)) for _ in range(1000)]
        await asyncio.sleep(0.2)
        end = time.monotonic() + 3.0
        while time.monotonic() < end:
            token = quick.mint()
            seen.take(seen.during, await ask_async(validator, token))
            seen.take(seen.control, await ask_async(control, token))
            await asyncio.sleep(GAP)
        refused.extend(await asyncio.gather(*stuck))

    with two_issuers() as (slow, quick):
        validator, control = validator_for(slow, quick), validator_for(quick)
        strange, seen, refused = slow.mint(), Measured(), list[Answered]()
        asyncio.run(run())
        seen.judge("one issuer hangs, 1000 tasks of the same event loop stuck")
        assert {answer.reason for answer in refused} == {Reason.KEYS_UNAVAILABLE}
        assert slow.connections == 1


def test_behind_a_full_pool_of_workers_a_token_waits_for_a_worker_at_most_once_and_not_for_the_issuer() -> None:
    """Every worker holds a token of the hanging issuer; nothing can run in a pool without workers.

    What the library owes: the workers come back within `max_wait`, all at once, and the next tokens of the hanging
    issuer occupy nobody.
    """
    with two_issuers() as (slow, quick):
        validator = validator_for(slow, quick)
        strange = slow.mint()
        validator.validate(quick.mint())
        with ThreadPoolExecutor(8) as pool:
            arrived = time.monotonic()
            stuck = [pool.submit(ask, validator, strange) for _ in range(8)]
            # Behind them a queue in which every second token is one of the hanging issuer.
            behind = [pool.submit(ask, validator, strange if number % 2 else quick.mint()) for number in range(200)]
            outside = ask(validator, quick.mint())
            assert all(future.result(30).reason is Reason.KEYS_UNAVAILABLE for future in stuck)
            answers = [future.result(30) for future in behind]
            drained = time.monotonic() - arrived
        scenario = "one issuer hangs, a pool of 8 workers is full of its callers"
        slowest = percentile([answer.seconds for answer in answers], 1)
        quickly = milliseconds(outside.seconds)
        tell(scenario, f"outside the pool {quickly}, a queue of 200 is through after {drained:.1f} s")
        assert outside.reason is None
        assert outside.seconds < 0.5
        assert [answer.reason for answer in answers[::2]] == [None] * 100
        assert drained < KeyLifecycle().max_wait
        assert slowest < 0.5
