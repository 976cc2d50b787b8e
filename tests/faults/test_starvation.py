"""No thread is to be had: a failed attempt with a name, and never a wait, a hang or an error of another kind."""

from __future__ import annotations

import asyncio
import sys
import threading

import pytest

from bearergate.core.keyring import KeyLifecycle
from bearergate.core.reasons import Reason
from bearergate.testing import FakeIssuer
from bearergate.validator import Validator
from tests.faults.programs import told_by
from tests.faults.scenes import Answered, ask, ask_async
from tests.figures import tell
from tests.keys.patient import Clock, reason_of, validator_for

AT_ONCE = 1.0
NO_FLIGHT = "no thread could be started to fetch the keys"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit counts threads on Linux only")
@pytest.mark.parametrize(
    ("scene", "cause"), [("no_thread", NO_FLIGHT), ("one_thread", "no thread could be started to")]
)
def test_a_limit_of_the_system_on_threads_is_a_failed_attempt_with_a_name(scene: str, cause: str) -> None:
    with FakeIssuer().serve() as issuer:
        told = told_by("starving", scene, [issuer])
    if told["spare"] is None:
        pytest.skip("this system does not let its threads be limited")
    seen = f"{told['verdict']} after {told['seconds'] * 1000:.0f} ms: {told['cause']}"
    tell(f"RLIMIT_NPROC with {told['spare']} spare threads", seen)
    assert told["verdict"] == Reason.KEYS_UNAVAILABLE.value
    assert cause in told["cause"]
    assert told["seconds"] < AT_ONCE
    # And the back-off holds as after any other failure.
    assert 0 < told["planned"] <= KeyLifecycle().backoff_first
    assert told["again"]["verdict"] == Reason.KEYS_UNAVAILABLE.value
    assert told["again"]["seconds"] < AT_ONCE


@pytest.mark.parametrize("scene", ["at_exit", "after_the_main_thread"])
def test_a_program_that_ends_gets_a_verdict_and_does_not_hang(scene: str) -> None:
    """From Python 3.12 on no thread starts any more by then; before, the keys can still be fetched."""
    with FakeIssuer().serve() as issuer:
        told = told_by("starving", scene, [issuer])
    outcome = (told["verdict"], told["cause"])
    seen = f"{' '.join(outcome)} after {told['seconds'] * 1000:.0f} ms"
    tell(f"first token while the interpreter ends: {scene}", seen)
    assert outcome in {("accepted", ""), (Reason.KEYS_UNAVAILABLE.value, NO_FLIGHT)}
    assert told["seconds"] < AT_ONCE


class Starts:
    """Counts the library's threads as they are started; the one with the chosen number cannot be."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, refused: int | None = None) -> None:
        self.count = 0
        original = threading.Thread.start

        def start(thread: threading.Thread) -> None:
            if thread.name.startswith("bearergate"):
                self.count += 1
                if self.count - 1 == refused:
                    raise RuntimeError("can't start new thread")
            original(thread)

        monkeypatch.setattr(threading.Thread, "start", start)


@pytest.mark.parametrize("in_loop", [False, True], ids=["sync", "async"])
def test_whichever_thread_of_a_fetch_cannot_start_the_attempt_fails_by_name_and_the_next_succeeds(
    in_loop: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judged(validator: Validator, token: str) -> Answered:
        return asyncio.run(ask_async(validator, token)) if in_loop else ask(validator, token)

    with FakeIssuer(clock=(clock := Clock())).serve() as issuer:
        with monkeypatch.context() as patched:
            needed = Starts(patched)
            assert judged(validator_for(issuer, clock=clock), issuer.mint()).reason is None
        for number in range(needed.count):
            validator = validator_for(issuer, clock=clock)
            with monkeypatch.context() as patched:
                Starts(patched, refused=number)
                told = judged(validator, issuer.mint())
            problem = validator.health()[issuer.issuer].problem
            scenario = (
                f"thread {number + 1} of {needed.count} of a fetch cannot start, {'async' if in_loop else 'sync'}"
            )
            tell(scenario, f"{told.reason}: {problem}")
            assert told.reason is Reason.KEYS_UNAVAILABLE
            assert "no thread could be started to" in (problem or "")
            assert told.seconds < AT_ONCE
            clock.advance(KeyLifecycle().backoff_first)
            assert judged(validator, issuer.mint()).reason is None
        assert needed.count >= 2


def test_a_good_set_is_used_on_while_no_thread_can_be_started_to_renew_it(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    with FakeIssuer(clock=clock).serve() as issuer:
        validator = validator_for(issuer, clock=clock)
        validator.warm()
        fetched = clock.now
        # Due for its renewal, and past its ttl.
        for age in (0.9, 1.1):
            clock.now = fetched + age * KeyLifecycle().ttl
            with monkeypatch.context() as patched:
                Starts(patched, refused=0)
                assert reason_of(validator, issuer.mint()) is None
            assert "no thread could be started to" in (validator.health()[issuer.issuer].problem or "")
        assert issuer.jwks_requests == 1
