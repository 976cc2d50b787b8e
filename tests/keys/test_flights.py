"""Flights: who shares one, how long callers wait for it, and what happens to those who go away."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from bearergate.core.errors import Unavailable
from bearergate.core.keyring import KeyLifecycle
from bearergate.core.policy import KeySource
from bearergate.core.reasons import Reason
from bearergate.keys import Keys
from bearergate.testing import FakeIssuer, fetch_from
from bearergate.testing.faults import HANGING, Fault
from bearergate.validator import Validator
from tests.figures import tell
from tests.keys.patient import Clock, policy_for, reason_of, validator_for, wait_until


def test_a_hundred_cold_callers_in_threads_and_tasks_share_one_flight() -> None:
    issuer = FakeIssuer()
    with issuer.serve():
        issuer.jwks_fault = Fault(delay=0.3)
        validator = validator_for(issuer)
        token = issuer.mint()

        def loop() -> int:
            async def many() -> int:
                return len(await asyncio.gather(*(validator.validate_async(token) for _ in range(25))))

            return asyncio.run(many())

        with ThreadPoolExecutor(60) as pool:
            loops = [pool.submit(loop) for _ in range(2)]
            calls = [pool.submit(validator.validate, token) for _ in range(50)]
            assert sum(future.result() for future in loops) == 50
            assert len([future.result() for future in calls]) == 50
        seen = f"{issuer.discovery_requests} discovery and {issuer.jwks_requests} JWKS requests"
        tell("100 concurrent cold callers, threads and tasks mixed", seen)
        assert (issuer.discovery_requests, issuer.jwks_requests) == (1, 1)


def test_a_slow_renewal_delays_callers_by_half_a_second_and_not_more(issuer: FakeIssuer, clock: Clock) -> None:
    validator = validator_for(issuer, clock=clock)
    validator.validate(issuer.mint())
    issuer.jwks_fault = Fault(delay=1.5)
    clock.advance(700)
    started = time.monotonic()
    assert reason_of(validator, issuer.mint()) is None
    assert 0.4 < time.monotonic() - started < 1.4


def test_a_caller_waits_no_longer_than_its_patience(clock: Clock) -> None:
    issuer = FakeIssuer(clock=clock)
    issuer.misbehave(HANGING)
    validator = validator_for(issuer, clock=clock, lifecycle=KeyLifecycle(max_wait=0.2, flight_budget=0.6))
    token = issuer.mint()
    started = time.monotonic()
    assert reason_of(validator, token) == Reason.KEYS_UNAVAILABLE
    assert time.monotonic() - started < 0.5
    wait_until(lambda: validator.health()[issuer.issuer].state == "backoff")


def test_a_hanging_issuer_does_not_delay_the_tokens_of_another(clock: Clock) -> None:
    slow, quick = FakeIssuer("https://slow.test", clock=clock), FakeIssuer("https://quick.test", clock=clock)
    slow.misbehave(HANGING)
    validator = validator_for(slow, quick, clock=clock, lifecycle=KeyLifecycle(max_wait=1.0, flight_budget=1.0))
    with ThreadPoolExecutor(30) as pool:
        stuck = [pool.submit(reason_of, validator, slow.mint()) for _ in range(20)]
        started = time.monotonic()
        assert reason_of(validator, quick.mint()) is None
        assert time.monotonic() - started < 0.5
        assert {future.result() for future in stuck} == {Reason.KEYS_UNAVAILABLE}


def test_one_waiter_cancelled_and_one_timed_out_leave_the_others_alone() -> None:
    issuer = FakeIssuer()
    issuer.jwks_fault = Fault(delay=0.4)
    validator = validator_for(issuer)
    token = issuer.mint()

    async def run() -> str:
        cancelled = asyncio.create_task(validator.validate_async(token))
        impatient = asyncio.create_task(asyncio.wait_for(validator.validate_async(token), 0.1))
        patient = asyncio.create_task(validator.validate_async(token))
        await asyncio.sleep(0.05)
        cancelled.cancel()
        results = await asyncio.gather(cancelled, impatient, return_exceptions=True)
        assert [type(result) for result in results] == [asyncio.CancelledError, TimeoutError]
        return (await patient).subject

    assert asyncio.run(run()) == "user-1"
    assert issuer.jwks_requests == 1


def test_an_unchanged_document_keeps_the_set_and_its_age_begins_anew(clock: Clock) -> None:
    issuer = FakeIssuer(clock=clock)
    with issuer.serve():
        validator = validator_for(issuer, clock=clock)
        validator.validate(issuer.mint())
        clock.advance(700)
        validator.validate(issuer.mint())
        assert issuer.jwks_requests == 2
        assert issuer.traffic.requests[-1].headers["if-none-match"]
        assert validator.health()[issuer.issuer].expires_in == pytest.approx(4200)


def test_a_flight_whose_fetch_breaks_unexpectedly_is_a_failed_attempt(clock: Clock) -> None:
    issuer = FakeIssuer(clock=clock)

    def broken(*_: object, **__: object) -> object:
        raise ZeroDivisionError

    validator = Validator([policy_for(issuer)], fetch=broken, clock=clock, monotonic=clock)  # type: ignore[arg-type]
    assert reason_of(validator, issuer.mint()) == Reason.KEYS_UNAVAILABLE
    assert validator.health()[issuer.issuer].problem == "an unexpected ZeroDivisionError"


def test_a_thread_that_cannot_start_is_a_failed_attempt(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    issuer = FakeIssuer(clock=clock)
    validator = validator_for(issuer, clock=clock)

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert reason_of(validator, issuer.mint()) == Reason.KEYS_UNAVAILABLE
    assert validator.health()[issuer.issuer].problem == "no thread could be started to fetch the keys"


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_process_forked_during_a_flight_makes_a_flight_of_its_own() -> None:
    issuer = FakeIssuer()
    issuer.jwks_fault = Fault(delay=0.3)
    validator = validator_for(issuer)
    token = issuer.mint()
    parent = threading.Thread(target=reason_of, args=(validator, token))
    parent.start()
    wait_until(lambda: issuer.jwks_requests == 1)
    child = os.fork()
    if child == 0:
        os._exit(0 if reason_of(validator, token) is None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    parent.join(5)
    assert reason_of(validator, token) is None


def test_a_loop_that_was_closed_before_the_flight_arrived_leaves_no_trace(caplog: pytest.LogCaptureFixture) -> None:
    issuer = FakeIssuer()
    issuer.jwks_fault = Fault(delay=0.4)
    validator = validator_for(issuer, lifecycle=KeyLifecycle(max_wait=0.1))
    with pytest.raises(Unavailable):
        asyncio.run(validator.validate_async(issuer.mint()))
    wait_until(lambda: validator.health()[issuer.issuer].state == "fresh")
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_issuers_added_at_run_time_share_nothing_and_survive_a_fork(clock: Clock) -> None:
    issuer = FakeIssuer("https://tenant.test", clock=clock)
    keys = Keys({}, fetch=issuer.fetch, monotonic=clock, wall=clock)
    keys.ensure(issuer.issuer, KeySource())
    keys.reset_after_fork()
    header = validator_for(issuer)._validation.begin(issuer.mint())[0].header
    assert keys.find(issuer.issuer, header).decides(header)


def test_shared_keys_are_found_without_waiting_for_an_issuer_that_hangs(clock: Clock) -> None:
    slow, quick = FakeIssuer("https://slow.test", clock=clock), FakeIssuer("https://quick.test", clock=clock)
    policies = [policy_for(slow, shares_keys_with=(quick.issuer,)), policy_for(quick)]
    patience = KeyLifecycle(max_wait=0.3, flight_budget=0.5)
    validator = Validator(policies, fetch=fetch_from(slow, quick), clock=clock, monotonic=clock, lifecycle=patience)
    validator.validate(quick.mint())
    slow.misbehave(HANGING)
    started = time.monotonic()
    assert validator.validate(quick.mint(iss=slow.issuer)).issuer == slow.issuer
    assert asyncio.run(validator.validate_async(quick.mint(iss=slow.issuer))).issuer == slow.issuer
    assert time.monotonic() - started < 0.3
    with pytest.raises(Unavailable):
        asyncio.run(validator.validate_async(slow.mint()))
