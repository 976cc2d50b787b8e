"""Nobody has the keys yet, or the fetch is slow: how many requests that costs, and who gets an answer."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

from bearergate.core.reasons import Reason
from bearergate.testing import FakeIssuer, Fault
from bearergate.validator import Validator
from tests.faults.forking import in_child
from tests.faults.scenes import ask, ask_async, in_tasks, in_threads, percentile, reasons, traffic_of
from tests.figures import tell
from tests.keys.patient import reason_of, validator_for, wait_until

CALLERS = 100


def serve_slowly(issuer: FakeIssuer, seconds: float = 0.4) -> Validator:
    """Every caller arrives while the first one's fetch is under way."""
    issuer.jwks_fault = Fault(delay=seconds)
    return validator_for(issuer)


def test_a_hundred_cold_threads_cost_one_discovery_and_one_jwks_request() -> None:
    with FakeIssuer().serve() as issuer:
        validator, token = serve_slowly(issuer), issuer.mint()
        answers = in_threads([partial(ask, validator, token)] * CALLERS)
        tell("100 concurrent cold callers: threads", traffic_of(issuer))
        assert reasons(answers) == {None: CALLERS}
        assert (issuer.discovery_requests, issuer.jwks_requests) == (1, 1)


def test_a_hundred_cold_tasks_cost_one_discovery_and_one_jwks_request() -> None:
    with FakeIssuer().serve() as issuer:
        validator = serve_slowly(issuer)
        answers = in_tasks(validator, [issuer.mint()] * CALLERS)
        tell("100 concurrent cold callers: tasks", traffic_of(issuer))
        assert reasons(answers) == {None: CALLERS}
        assert (issuer.discovery_requests, issuer.jwks_requests) == (1, 1)


def test_two_event_loops_in_two_threads_and_sync_callers_share_one_flight() -> None:
    with FakeIssuer().serve() as issuer:
        validator, token = serve_slowly(issuer), issuer.mint()
        loops = [partial(in_tasks, validator, [token] * (CALLERS // 4))] * 2
        seen = in_threads([*loops, *[partial(ask, validator, token)] * (CALLERS // 2)])
        answers = [*seen[0], *seen[1], *seen[2:]]
        tell("100 concurrent cold callers: both mixed", traffic_of(issuer))
        tell("two event loops in two threads plus sync callers", traffic_of(issuer))
        assert reasons(answers) == {None: CALLERS}
        assert (issuer.discovery_requests, issuer.jwks_requests) == (1, 1)


def test_a_healthy_issuer_that_is_slow_fails_nobody_who_arrives_meanwhile() -> None:
    with FakeIssuer().serve() as issuer:
        validator, token = serve_slowly(issuer, 2.0), issuer.mint()
        answers = in_threads([partial(ask, validator, token)] * CALLERS, over=1.8)
        failures = sum(answer.reason is not None for answer in answers)
        slowest = percentile([answer.seconds for answer in answers], 1)
        seen = f"{failures} failures, {traffic_of(issuer)}, slowest caller {slowest:.1f} s"
        tell("healthy issuer, 100 staggered callers during one slow fetch", seen)
        assert failures == 0
        assert (issuer.discovery_requests, issuer.jwks_requests) == (1, 1)


def test_whoever_goes_away_leaves_the_flight_to_the_others() -> None:
    """One waiter is cancelled, one gives up, and the process forks: the third waiter and the child are served."""
    with FakeIssuer().serve() as issuer:
        validator, token = serve_slowly(issuer, 0.8), issuer.mint()
        waiting = threading.Event()
        patient: list[Reason | None] = []

        async def three_waiters() -> None:
            cancelled = asyncio.create_task(validator.validate_async(token))
            impatient = asyncio.create_task(asyncio.wait_for(validator.validate_async(token), 0.2))
            remaining = asyncio.create_task(ask_async(validator, token))
            await asyncio.sleep(0.05)
            waiting.set()
            cancelled.cancel()
            gone = await asyncio.gather(cancelled, impatient, return_exceptions=True)
            assert [type(result) for result in gone] == [asyncio.CancelledError, TimeoutError]
            patient.append((await remaining).reason)

        loop = threading.Thread(target=asyncio.run, args=(three_waiters(),))
        loop.start()
        assert waiting.wait(10)
        wait_until(lambda: issuer.jwks_requests == 1)
        child = in_child(lambda: reason_of(validator, token))
        loop.join(20)
        seen = f"third waiter: {patient[0] or 'accepted'}, forked child: {child or 'accepted'}; {traffic_of(issuer)}"
        tell("one of three waiters cancelled, one timed out; process forked mid-flight", seen)
        assert (patient, child) == ([None], None)
        # One flight of this process, one of the child.
        assert (issuer.discovery_requests, issuer.jwks_requests) == (2, 2)
