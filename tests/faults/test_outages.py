"""Issuers that drop keys, go down, come back or were never up: who is served, who is refused, and how soon."""

from __future__ import annotations

import threading
import time
from functools import partial
from itertools import pairwise

from bearergate.core.events import Event, KeysRefreshed
from bearergate.core.keyring import KeyLifecycle
from bearergate.core.reasons import Reason
from bearergate.testing import HANGING, FakeIssuer
from tests.faults.scenes import ask, in_threads, percentile, reasons
from tests.figures import tell
from tests.keys.patient import Clock, reason_of, validator_for, wait_until

DEFAULTS = KeyLifecycle()
MINUTE = 60.0


def test_a_removed_key_is_refused_at_the_next_refresh_and_never_accepted_after_the_ttl() -> None:
    clock = Clock()
    with FakeIssuer(clock=clock).serve() as issuer:
        validator = validator_for(issuer, clock=clock)
        old = issuer.mint(exp=clock.now + 7200)
        validator.validate(old)
        issuer.rotate(keep_old=False)
        fetched, accepted_last = clock.now, 0.0
        # The first token past the time of refresh starts it and does not wait for it.
        while reason_of(validator, old) is None:
            accepted_last = clock.now - fetched
            clock.advance(12)
            if accepted_last >= DEFAULTS.ttl * DEFAULTS.refresh_ahead * 0.9:
                threading.Event().wait(0.05)
        refused_first = clock.now - fetched
        clock.advance(2 * DEFAULTS.ttl)
        seen = f"accepted until {accepted_last:.0f} s, refused from {refused_first:.0f} s after the fetch"
        tell("a key is removed from the document", seen)
        assert reason_of(validator, old) is Reason.KEY_UNKNOWN
        assert accepted_last < DEFAULTS.ttl
        assert reason_of(validator, issuer.mint()) is None


def test_a_key_that_was_removed_while_nobody_asked_is_refused_with_the_first_token_after_the_ttl() -> None:
    clock = Clock()
    with FakeIssuer(clock=clock).serve() as issuer:
        validator = validator_for(issuer, clock=clock)
        old = issuer.mint(exp=clock.now + 7200)
        validator.validate(old)
        issuer.rotate(keep_old=False)
        clock.advance(DEFAULTS.ttl)
        told = reason_of(validator, old)
        tell("a key is removed from the document; first token after the ttl", told)
        assert told is Reason.KEY_UNKNOWN


def test_an_outage_is_survived_for_69_minutes_and_not_for_71() -> None:
    clock = Clock()
    with FakeIssuer(clock=clock).serve() as issuer:
        validator = validator_for(issuer, clock=clock)
        remembered = issuer.mint(exp=clock.now + 2 * 3600)
        validator.validate(remembered)
        fetched = clock.now
        issuer.stop()
        told = {}
        for age in (9, 11, 69, 71):
            clock.now = fetched + age * MINUTE
            told[age] = ask(validator, issuer.mint())
            tell(f"issuer down since just after a good fetch, ttl 10 min: at {age} min", told[age].reason or "accepted")
        assert [told[age].reason for age in (9, 11, 69)] == [None, None, None]
        assert told[71].reason is Reason.KEYS_EXPIRED
        # Nor does a verdict that was remembered outlive the keys with which it was made.
        clock.now = fetched + 69 * MINUTE
        assert reason_of(validator, remembered) is None
        clock.now = fetched + 71 * MINUTE
        assert reason_of(validator, remembered) is Reason.KEYS_EXPIRED
        assert validator.health()[issuer.issuer].stale_uses >= 2
        # While it waits for the next attempt nobody waits with it.
        again = ask(validator, issuer.mint())
        assert again.reason is Reason.KEYS_EXPIRED
        assert again.seconds < DEFAULTS.stale_wait


def test_an_issuer_that_was_down_at_the_start_is_found_by_the_first_request_after_the_back_off() -> None:
    clock = Clock()
    issuer = FakeIssuer(clock=clock)
    with issuer.serve():
        """Its port is known from now on."""
    validator = validator_for(issuer, clock=clock)
    failures = 0
    for _ in range(3):
        assert reason_of(validator, issuer.mint()) is Reason.KEYS_UNAVAILABLE
        failures += 1
        planned = validator.health()[issuer.issuer].next_attempt_in
        assert planned is not None
        clock.advance(planned)
    with issuer.serve():
        first = reason_of(validator, issuer.mint())
    seen = f"first request after {failures} failed attempts: {first or 'accepted'}"
    tell("issuer down at start, then up", seen)
    assert first is None


def test_a_cold_outage_costs_one_attempt_per_step_and_every_caller_is_answered_in_time() -> None:
    with FakeIssuer().serve() as issuer:
        issuer.down = True
        attempts: list[KeysRefreshed] = []

        def observe(event: Event) -> None:
            if isinstance(event, KeysRefreshed):
                attempts.append(event)

        validator, token = validator_for(issuer, observers=[observe]), issuer.mint()
        answers = in_threads([partial(ask, validator, token)] * 200, over=4.0)
        # Each attempt is two connections: the second is its one retry.
        wait_until(lambda: issuer.connections == 2 * len(attempts))
        pauses = [b.time - b.duration_s - a.time for a, b in pairwise(attempts)]
        slowest = percentile([answer.seconds for answer in answers], 1)
        seen = f"{len(attempts)} attempts in 4 s, pauses {', '.join(f'{pause:.1f} s' for pause in pauses)}"
        tell("issuer down and cold, 200 callers, staggered arrivals", f"{seen}; slowest answer {slowest:.2f} s")
        assert reasons(answers) == {Reason.KEYS_UNAVAILABLE: 200}
        assert slowest < DEFAULTS.max_wait
        assert 2 <= len(attempts) <= 4
        for step, pause in enumerate(pauses):
            assert pause > 0.45 * 2**step


def test_a_cold_hanging_issuer_costs_one_attempt_and_every_caller_is_answered_in_time() -> None:
    with FakeIssuer().serve() as issuer:
        issuer.misbehave(HANGING)
        validator, token = validator_for(issuer), issuer.mint()
        started = time.monotonic()
        answers = in_threads([partial(ask, validator, token)] * 200, over=2.0)
        took = time.monotonic() - started
        slowest = percentile([answer.seconds for answer in answers], 1)
        seen = f"{issuer.connections} attempt in {took:.1f} s, slowest answer {slowest:.2f} s"
        tell("issuer hanging and cold, 200 callers, staggered arrivals", seen)
        assert reasons(answers) == {Reason.KEYS_UNAVAILABLE: 200}
        assert slowest < DEFAULTS.max_wait
        assert issuer.connections == 1
