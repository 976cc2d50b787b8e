"""A Fetch that keeps no deadline, and validators over it whose flights soon become overdue."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bearergate.clocks import monotonic_clock
from bearergate.core.keyring import KeyLifecycle
from bearergate.fetch import Fetch, Fetched
from bearergate.testing import FakeIssuer
from bearergate.validator import Validator
from tests.keys.patient import Clock, policy_for, wait_until

BUDGET = 0.2
OVERDUE = BUDGET + 1.0
LATE = "the attempt did not end in time"


@dataclass
class Hanging:
    """A Fetch that keeps no deadline: its first call blocks until it is let go, the others are answered."""

    issuer: FakeIssuer
    answered_late: FakeIssuer
    """Who answers the call that was blocked."""
    calls: int = 0
    let_go: threading.Event = field(default_factory=threading.Event)
    returned: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        # Making a key takes longer than anybody waits here.
        self.keys = [self.issuer.signing_key, self.answered_late.signing_key]

    def __call__(self, url: str, **more: Any) -> Fetched:
        self.calls += 1
        # Nor does it give up by itself once it is let go.
        more["deadline"] = math.inf
        if self.calls > 1:
            return (self.answered_late if self.let_go.is_set() else self.issuer).fetch(url, **more)
        self.let_go.wait(30)
        try:
            return self.answered_late.fetch(url, **more)
        finally:
            self.returned.set()


def validator_over(fetch: Fetch, issuer: FakeIssuer, clock: Clock, **more: Any) -> Validator:
    numbers = {"flight_budget": BUDGET, "max_wait": 0.8, **more.pop("numbers", {})}
    lifecycle = KeyLifecycle(**numbers)
    return Validator([policy_for(issuer)], fetch=fetch, clock=clock, monotonic=clock, lifecycle=lifecycle, **more)


def let_it_become_overdue(validator: Validator, issuer: FakeIssuer) -> None:
    flight = validator._keys._configured[issuer.issuer]._flight
    assert flight is not None
    wait_until(lambda: monotonic_clock() > flight.started + OVERDUE)


def in_time(act: Callable[[], object]) -> None:
    """Run it in a thread of its own: what deadlocks must not take the whole run with it."""
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive(), "it never ended"
