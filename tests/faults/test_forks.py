"""Processes forked at every moment of a key's life: each child is served, and waits for nothing that stayed behind."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

from bearergate.testing import HEALTHY, FakeIssuer, Fault
from bearergate.validator import Validator
from tests.faults.forking import in_child
from tests.faults.scenes import ask, in_tasks, in_threads, traffic_of
from tests.figures import tell
from tests.keys.patient import Clock, reason_of, validator_for, wait_until

QUICKLY = 2.0
"""Seconds within which a child has its answer: long for a fetch on loopback, short of any wait for a flight."""


def served(validator: Validator, token: str) -> list[Any]:
    """What a child reports: why its token was refused, if it was, and after how many seconds."""
    answer = ask(validator, token)
    return [answer.reason, answer.seconds]


def judge(scenario: str, told: list[Any], issuer: FakeIssuer) -> None:
    reason, seconds = told
    tell(f"os.fork {scenario}", f"child {reason or 'accepted'} after {seconds * 1000:.0f} ms; {traffic_of(issuer)}")
    assert reason is None
    assert seconds < QUICKLY


def test_a_process_forked_before_the_first_fetch_fetches_for_itself() -> None:
    with FakeIssuer().serve() as issuer:
        validator, token = validator_for(issuer), issuer.mint()
        judge("before the first fetch", in_child(partial(served, validator, token)), issuer)
        assert reason_of(validator, token) is None
        assert issuer.jwks_requests == 2


def test_a_process_forked_in_the_middle_of_a_fetch_makes_a_fetch_of_its_own() -> None:
    with FakeIssuer().serve() as issuer:
        validator, token = validator_for(issuer), issuer.mint()
        issuer.jwks_fault = Fault(delay=1.0)
        parent = threading.Thread(target=reason_of, args=(validator, token))
        parent.start()
        wait_until(lambda: issuer.jwks_requests == 1)
        issuer.jwks_fault = HEALTHY
        judge("mid-flight", in_child(partial(served, validator, token)), issuer)
        parent.join(10)
        assert reason_of(validator, token) is None
        assert issuer.jwks_requests == 2


def test_a_process_forked_after_a_fetch_needs_none() -> None:
    with FakeIssuer().serve() as issuer:
        validator, token = validator_for(issuer), issuer.mint()
        validator.warm()
        judge("after a fetch", in_child(partial(served, validator, token)), issuer)
        assert issuer.jwks_requests == 1


def test_a_process_forked_after_a_fetch_learns_a_new_key_by_itself() -> None:
    with FakeIssuer().serve() as issuer:
        validator = validator_for(issuer)
        validator.warm()
        issuer.rotate()
        judge("after a fetch, then a new key", in_child(partial(served, validator, issuer.mint())), issuer)


def test_a_fork_of_a_fork_is_served_like_its_parents() -> None:
    with FakeIssuer().serve() as issuer:
        validator, token = validator_for(issuer), issuer.mint()
        issuer.jwks_fault = Fault(delay=0.5)
        parent = threading.Thread(target=reason_of, args=(validator, token))
        parent.start()
        wait_until(lambda: issuer.jwks_requests == 1)

        def child() -> list[Any]:
            own = threading.Thread(target=reason_of, args=(validator, token))
            own.start()
            # In the middle of the child's own flight.
            threading.Event().wait(0.1)
            grandchild: list[Any] = in_child(partial(served, validator, token))
            own.join(10)
            return grandchild

        judge("of a fork, mid-flight both times", in_child(child), issuer)
        parent.join(10)
        assert issuer.jwks_requests == 3


class HeldClock(Clock):
    """Time stands still in one thread, until it is let go; for the others it passes."""

    def __init__(self) -> None:
        super().__init__()
        self.stops_for: threading.Thread | None = None
        self.stopped = threading.Event()
        self.let_go = threading.Event()

    def __call__(self) -> float:
        if threading.current_thread() is self.stops_for:
            self.stopped.set()
            self.let_go.wait(30)
        return super().__call__()


def test_a_process_forked_while_a_thread_holds_the_lock_of_the_keys_does_not_wait_for_it() -> None:
    clock = HeldClock()
    with FakeIssuer().serve() as issuer:
        validator, token = validator_for(issuer, monotonic=clock), issuer.mint()
        # Warming looks at the clock with the lock held.
        clock.stops_for = threading.Thread(target=validator.warm)
        clock.stops_for.start()
        assert clock.stopped.wait(10)
        try:
            judge("while another thread holds the lock", in_child(partial(served, validator, token)), issuer)
        finally:
            clock.let_go.set()
            clock.stops_for.join(10)


def test_a_forked_process_serves_threads_and_event_loops_with_one_flight() -> None:
    with FakeIssuer().serve() as issuer:
        validator, token = validator_for(issuer), issuer.mint()
        assert [answer.reason for answer in in_tasks(validator, [token] * 5)] == [None] * 5
        issuer.traffic.forget()
        issuer.rotate()
        fresh = issuer.mint()

        def child() -> int:
            calls = [partial(ask, validator, fresh)] * 10
            loops = [partial(in_tasks, validator, [fresh] * 10)] * 2
            seen = in_threads([*calls, *loops])
            answers = [*seen[:10], *seen[10], *seen[11]]
            return sum(answer.reason is None for answer in answers)

        accepted = in_child(child)
        tell(
            "os.fork, then 10 threads and 2 loops of 10 tasks in the child",
            f"{accepted} of 30 accepted; {traffic_of(issuer)}",
        )
        assert accepted == 30
        assert issuer.jwks_requests == 1


def test_eight_children_at_once_are_eight_clients_of_the_issuer_and_no_more() -> None:
    with FakeIssuer().serve() as issuer:
        validator, token = validator_for(issuer), issuer.mint()
        issuer.jwks_fault = Fault(delay=0.3)
        told = in_threads([partial(in_child, partial(served, validator, token))] * 8)
        slowest = max(seconds for _, seconds in told)
        tell("os.fork of 8 children at once, each cold", f"slowest {slowest:.1f} s; {traffic_of(issuer)}")
        assert [reason for reason, _ in told] == [None] * 8
        assert (issuer.discovery_requests, issuer.jwks_requests) == (8, 8)
