"""Moments at which nobody expects a fork, a patch, the interpreter's end, or a key younger than the fetch under way."""

from __future__ import annotations

import ctypes
import threading
import time

import pytest

from bearergate.testing import FakeIssuer, Fault
from bearergate.testing.loopback import _Handler
from tests.faults.forking import in_child
from tests.faults.programs import told_by
from tests.faults.scenes import ask
from tests.faults.test_forks import HeldClock, served
from tests.keys.patient import reason_of, validator_for, wait_until


def fork_without_hooks() -> int:
    """As servers in C fork (uWSGI does): Python's own hooks are not called."""
    child: int = ctypes.PyDLL(None).fork()
    return child


def test_a_lock_made_before_gevent_patched_stops_nobody() -> None:
    with FakeIssuer().serve() as issuer:
        issuer.jwks_fault = Fault(delay=0.3)
        assert len(told_by("late_patching", "", [issuer])) == 100


def test_a_fork_while_the_first_fetch_loads_modules_leaves_a_child_that_works() -> None:
    with FakeIssuer().serve() as issuer:
        assert told_by("moments", "while loading", [issuer])["verdict"] == "accepted"


def test_a_token_judged_while_the_interpreter_is_torn_down_does_not_hang() -> None:
    with FakeIssuer().serve() as issuer:
        assert told_by("moments", "in __del__", [issuer])["seconds"] < 1


def test_a_fork_without_hooks_in_the_middle_of_a_fetch_is_served_at_once() -> None:
    with FakeIssuer().serve() as issuer:
        validator, token = validator_for(issuer), issuer.mint()
        issuer.jwks_fault = Fault(delay=1.0)
        parent = threading.Thread(target=reason_of, args=(validator, token))
        parent.start()
        wait_until(lambda: issuer.jwks_requests == 1)
        reason, seconds = in_child(lambda: served(validator, token), fork=fork_without_hooks)
        parent.join(10)
        assert (reason, seconds < 3) == (None, True)


def test_a_fork_without_hooks_while_a_thread_holds_the_lock_is_served() -> None:
    clock = HeldClock()
    with FakeIssuer().serve() as issuer:
        validator, token = validator_for(issuer, monotonic=clock), issuer.mint()
        clock.stops_for = threading.Thread(target=validator.warm)
        clock.stops_for.start()
        assert clock.stopped.wait(10)
        try:
            reason, _ = in_child(lambda: served(validator, token), fork=fork_without_hooks)
        finally:
            clock.let_go.set()
            clock.stops_for.join(10)
        assert reason is None


def test_the_first_token_of_a_new_key_is_accepted_also_when_it_meets_a_refresh_that_is_older(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The document of the refresh was written before the key existed, and is still on its way."""
    on_its_way = threading.Event()
    send = _Handler._send

    def slowly(handler: _Handler, reply: object, fault: Fault) -> None:
        if handler.path == "/jwks" and not on_its_way.is_set():
            on_its_way.set()
            time.sleep(0.5)
        send(handler, reply, fault)  # type: ignore[arg-type]

    with FakeIssuer().serve() as issuer:
        validator = validator_for(issuer)
        validator.warm()
        monkeypatch.setattr(_Handler, "_send", slowly)
        strange = issuer.mint(header={"kid": "random"})
        flood = threading.Thread(target=reason_of, args=(validator, strange))
        flood.start()
        assert on_its_way.wait(10)
        issuer.rotate()
        first = ask(validator, issuer.mint())
        flood.join(10)
        assert first.reason is None
