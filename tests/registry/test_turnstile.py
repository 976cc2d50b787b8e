"""How many issuers a namespace may wait for at a time."""

from __future__ import annotations

import contextlib
import sys
import threading

import pytest

from bearergate.core.errors import Unavailable
from bearergate.registry.turnstile import MAX_ISSUERS, Turnstile


def test_a_full_namespace_takes_no_new_issuer_and_leaves_others_room() -> None:
    turnstile = Turnstile()
    with contextlib.ExitStack() as held:
        for number in range(MAX_ISSUERS):
            held.enter_context(turnstile.passed("acme", f"https://{number}.test"))
        with pytest.raises(Unavailable), turnstile.passed("acme", "https://one-more.test"):
            pass
        # Whoever waits for the same issuer shares the wait.
        for _ in range(100):
            held.enter_context(turnstile.passed("acme", "https://0.test"))
        held.enter_context(turnstile.passed("other", "https://one-more.test"))
    with turnstile.passed("acme", "https://one-more.test"):
        pass
    assert turnstile._waiting == {}


def test_a_wait_that_fails_is_over_as_well() -> None:
    turnstile = Turnstile()
    for _ in range(2 * MAX_ISSUERS):
        with pytest.raises(KeyError), turnstile.passed("acme", "https://a.test"):
            raise KeyError
    assert turnstile._waiting == {}


def test_requests_of_many_threads_are_counted_right() -> None:
    turnstile = Turnstile()
    failures: list[Exception] = []

    started = threading.Barrier(9)

    def come_and_go() -> None:
        started.wait(20)
        try:
            for number in range(2000):
                with turnstile.passed("acme", f"https://{number % 2}.test"):
                    pass
        except Exception as failure:  # noqa: BLE001 - a thread has nobody to tell it to
            failures.append(failure)

    threads = [threading.Thread(target=come_and_go) for _ in range(8)]
    before = sys.getswitchinterval()
    for thread in threads:
        thread.start()
    # Hasty only once all have begun: a tool that traces them cannot be set by two at once.
    sys.setswitchinterval(1e-6)
    try:
        started.wait(20)
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert failures == []
    assert turnstile._waiting == {}
