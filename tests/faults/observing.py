"""What each number of the key life cycle does, seen from outside: one function per number, from life cycle to figure.

Each sets a scene in which nothing but that number decides, and returns what came of it. Times that nobody can watch
pass are told by a clock; waits are real. Asserts nothing.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from bearergate.clocks import monotonic_clock
from bearergate.core.errors import Unavailable
from bearergate.core.jwt import JoseHeader
from bearergate.core.keyring import KeyLifecycle
from bearergate.core.policy import KeySource
from bearergate.fetch import Fetched, FetchFailed
from bearergate.keys import Keys
from bearergate.testing import EMPTY_SET, HANGING, FakeIssuer, Fault
from bearergate.validator import Validator
from tests.keys.patient import Clock, policy_for, reason_of, validator_for

FAR = 40 * 24 * 3600.0


class Scene:
    """An issuer in memory, a validator with these numbers, and a clock."""

    def __init__(self, lifecycle: KeyLifecycle, *, cache_control: str | None = None) -> None:
        self.clock = Clock()
        self.issuer = FakeIssuer(alg="EdDSA", clock=self.clock)
        self.issuer.cache_control = cache_control
        self.validator = validator_for(self.issuer, clock=self.clock, lifecycle=lifecycle)

    def ask(self, **header: object) -> Any:
        return reason_of(self.validator, self.issuer.mint(header=header or None))

    @property
    def health(self) -> Any:
        return self.validator.health()[self.issuer.issuer]

    def first_moment(self, is_so: Callable[[], object]) -> float:
        """Seconds from now until the first whole second at which it is so; every probe is made on the way up."""
        start, low, high = self.clock.now, 0.0, FAR
        while high - low > 1:
            middle = (low + high) // 2
            self.clock.now = start + middle
            low, high = (low, middle) if is_so() else (middle, high)
        return high


def fresh_for(lifecycle: KeyLifecycle, cache_control: str | None = None) -> float:
    scene = Scene(lifecycle, cache_control=cache_control)
    scene.ask()
    return scene.first_moment(lambda: scene.health.state != "fresh")


def fresh_for_at_least(lifecycle: KeyLifecycle) -> float:
    return fresh_for(lifecycle, "max-age=1")


def fresh_for_at_most(lifecycle: KeyLifecycle) -> float:
    return fresh_for(lifecycle, "max-age=99999999")


def refreshed_after(lifecycle: KeyLifecycle) -> float:
    """The share of the ttl after which a refresh is due, its chance taken out by many processes' mean."""
    planned: list[float] = []
    for _ in range(40):
        scene = Scene(lifecycle)
        scene.ask()
        planned.append(scene.health.next_attempt_in / lifecycle.ttl)
    return sum(planned) / len(planned)


def used_past_its_ttl_for(lifecycle: KeyLifecycle) -> float:
    scene = Scene(lifecycle)
    scene.ask()
    scene.issuer.misbehave(EMPTY_SET)
    scene.clock.advance(lifecycle.ttl)
    return scene.first_moment(lambda: scene.ask() is not None)


def forced_fetches_of_a_burst(lifecycle: KeyLifecycle) -> float:
    scene = Scene(lifecycle)
    scene.ask()
    for number in range(50):
        scene.ask(kid=f"random-{number}")
    return scene.issuer.jwks_requests - 1


def seconds_until_the_next_forced_fetch(lifecycle: KeyLifecycle) -> float:
    scene = Scene(lifecycle)
    for number in range(50):
        scene.ask(kid=f"random-{number}")
    spent, seconds = scene.issuer.jwks_requests, 0
    while scene.issuer.jwks_requests == spent:
        scene.clock.advance(1)
        seconds += 1
        scene.ask(kid=f"late-{seconds}")
    return seconds


def kids_remembered_as_unknown(lifecycle: KeyLifecycle) -> float:
    scene = Scene(replace(lifecycle, unknown_kid_burst=1000, unknown_kid_interval=0.001))
    scene.ask()
    names = [f"random-{number}" for number in range(lifecycle.negative_kids + 1)]
    for name in names:
        scene.ask(kid=name)
        # The bucket is full again.
        scene.clock.advance(0.002)
    asked = scene.issuer.jwks_requests
    # From the newest to the oldest, so that what is learnt anew pushes out what was looked at already.
    for count, name in enumerate(reversed(names)):
        scene.ask(kid=name)
        if scene.issuer.jwks_requests > asked:
            return count
    return len(names)


def a_kid_is_unknown_for(lifecycle: KeyLifecycle) -> float:
    scene = Scene(lifecycle)
    scene.ask()
    scene.ask(kid="strange")
    asked, seconds = scene.issuer.jwks_requests, 0
    while scene.issuer.jwks_requests == asked:
        scene.clock.advance(1)
        seconds += 1
        scene.ask(kid="strange")
    return seconds


def longest_pause_after(failures: int, lifecycle: KeyLifecycle) -> float:
    """The longest of many pauses; chance makes each of them half of its step at least."""
    pauses: list[float] = []
    for _ in range(40):
        scene = Scene(lifecycle)
        scene.issuer.down = True
        for _ in range(failures):
            scene.ask()
            pauses.append(scene.health.next_attempt_in)
            scene.clock.advance(pauses[-1])
    return max(pauses)


def first_pause(lifecycle: KeyLifecycle) -> float:
    return longest_pause_after(1, lifecycle)


def longest_pause(lifecycle: KeyLifecycle) -> float:
    return longest_pause_after(8, lifecycle)


def budget_of_a_fetch(lifecycle: KeyLifecycle) -> float:
    issuer, given = FakeIssuer(), list[float]()

    def fetch(url: str, *, etag: str | None, deadline: float, max_bytes: int) -> Fetched:
        given.append(deadline - monotonic_clock())
        raise FetchFailed("it was only asked for how long it may take")

    reason_of(Validator([policy_for(issuer)], fetch=fetch, lifecycle=lifecycle), issuer.mint())
    return given[0]


def wait_of_a_cold_caller(lifecycle: KeyLifecycle) -> float:
    scene = Scene(replace(lifecycle, flight_budget=lifecycle.max_wait + 1))
    scene.issuer.misbehave(HANGING)
    started = time.monotonic()
    scene.ask()
    return time.monotonic() - started


def wait_of_a_caller_with_a_stale_set(lifecycle: KeyLifecycle) -> float:
    scene = Scene(lifecycle)
    scene.ask()
    scene.issuer.misbehave(HANGING)
    scene.clock.advance(lifecycle.ttl)
    started = time.monotonic()
    assert scene.ask() is None
    return time.monotonic() - started


def time_to_connect(lifecycle: KeyLifecycle) -> float:
    """To a port whose queue is full, so that the handshake is never answered; both tries together, per try."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        queue = [socket.socket() for _ in range(4)]
        for waiting in queue:
            waiting.setblocking(False)
            waiting.connect_ex(address)
        issuer = FakeIssuer(f"http://127.0.0.1:{address[1]}")
        started = time.monotonic()
        reason_of(Validator([policy_for(issuer)], lifecycle=lifecycle), issuer.mint())
        took = time.monotonic() - started
        for waiting in queue:
            waiting.close()
        return took / 2


def largest_document(lifecycle: KeyLifecycle) -> float:
    def is_too_large(size: int) -> bool:
        scene = Scene(lifecycle)
        plain = len(json.dumps(scene.issuer.jwks()))
        scene.issuer.jwks_fault = Fault(padding=size - plain)
        return scene.ask() is not None

    return _last_that_is_not(is_too_large, 1024, 1024 * 1024)


def most_keys(lifecycle: KeyLifecycle) -> float:
    def are_too_many(count: int) -> bool:
        scene = Scene(lifecycle)
        entries: list[Mapping[str, object]] = [{}] * (count - 1)
        scene.issuer.set_document(json.dumps({"keys": [*scene.issuer.jwks()["keys"], *entries]}).encode())
        return scene.ask() is not None

    return _last_that_is_not(are_too_many, 1, 2000)


def discovered_again_after(lifecycle: KeyLifecycle) -> float:
    scene = Scene(lifecycle)
    scene.ask()
    start = scene.clock.now
    while scene.issuer.discovery_requests == 1:
        scene.clock.advance(lifecycle.ttl)
        scene.ask()
    return scene.clock.now - start


def failures_until_discovery(lifecycle: KeyLifecycle) -> float:
    scene = Scene(lifecycle)
    scene.ask()
    scene.clock.advance(lifecycle.ttl)
    scene.issuer.jwks_fault = EMPTY_SET
    failures = 0
    while scene.issuer.discovery_requests == 1:
        scene.ask()
        scene.clock.advance(lifecycle.backoff_max)
        failures += 1
    # The attempt that asked for the document is no failure before it.
    return failures - 1


def issuers_at_run_time(lifecycle: KeyLifecycle) -> float:
    clock, kept = Clock(), 0
    keys = Keys({}, lifecycle, monotonic=clock, wall=clock)
    given = json.dumps(FakeIssuer(alg="EdDSA").jwks()).encode()
    names = [f"https://tenant-{number}.test" for number in range(lifecycle.runtime_issuers + 10)]
    for name in names:
        keys.ensure(name, KeySource(jwks=given))
    for name in names:
        try:
            keys.find(name, JoseHeader("EdDSA", "any", None))
            kept += 1
        except Unavailable:
            continue
    return kept


def _last_that_is_not(is_so: Callable[[int], bool], low: int, high: int) -> int:
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_so(middle) else (middle, high)
    return low


OBSERVED: Final[Mapping[str, Callable[[KeyLifecycle], float]]] = {
    "ttl": fresh_for,
    "min_ttl": fresh_for_at_least,
    "max_ttl": fresh_for_at_most,
    "refresh_ahead": refreshed_after,
    "stale_if_error": used_past_its_ttl_for,
    "unknown_kid_burst": forced_fetches_of_a_burst,
    "unknown_kid_interval": seconds_until_the_next_forced_fetch,
    "negative_kids": kids_remembered_as_unknown,
    "negative_ttl": a_kid_is_unknown_for,
    "backoff_first": first_pause,
    "backoff_max": longest_pause,
    "flight_budget": budget_of_a_fetch,
    "max_wait": wait_of_a_cold_caller,
    "stale_wait": wait_of_a_caller_with_a_stale_set,
    "connect_timeout": time_to_connect,
    "max_bytes": largest_document,
    "max_keys": most_keys,
    "discovery_ttl": discovered_again_after,
    "discovery_failures": failures_until_discovery,
    "runtime_issuers": issuers_at_run_time,
}
