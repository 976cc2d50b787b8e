"""A program that runs out of threads, or ends, while a token is being judged, and prints as JSON what came of it.

The limit is the operating system's own. Whoever is root becomes a user without any other process first, because no
such limit holds for root.
"""

from __future__ import annotations

import atexit
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from bearergate.config import from_mapping
from bearergate.core.errors import Refusal
from bearergate.validator import Validator

NOBODY_ELSE = 54_321
"""A user id that nothing else runs under."""


def asked(validator: Validator, token: str) -> dict[str, Any]:
    started = time.monotonic()
    verdict, cause = "accepted", ""
    try:
        validator.validate(token)
    except Refusal as error:
        verdict, cause = error.reason.value, getattr(error, "cause", "")
    return {"verdict": verdict, "cause": cause, "seconds": time.monotonic() - started}


def limit_threads(count: int) -> int | None:
    """Let this process have so many threads; None where the system does not let itself be limited."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY_ELSE)
        os.setuid(NOBODY_ELSE)
    elif count > 1:
        # Other processes of this user count as well, so that only "none" is certain.
        return None
    resource.setrlimit(resource.RLIMIT_NPROC, (count, count))
    started = 0
    enough = threading.Event()
    try:
        while started < count:
            threading.Thread(target=enough.wait, daemon=True).start()
            started += 1
    except RuntimeError:
        return started
    finally:
        enough.set()
    return None


def starved(validator: Validator, token: str, threads: int) -> Any:
    spare = limit_threads(threads)
    time.sleep(0.2)
    first = asked(validator, token)
    planned = [health.next_attempt_in for health in validator.health().values()]
    return {"spare": spare, **first, "again": asked(validator, token), "planned": planned[0]}


def no_thread(validator: Validator, token: str) -> Any:
    return starved(validator, token, 1)


def one_thread(validator: Validator, token: str) -> Any:
    return starved(validator, token, 2)


def at_exit(validator: Validator, token: str) -> None:
    atexit.register(lambda: tell(asked(validator, token)))


def after_the_main_thread(validator: Validator, token: str) -> None:
    def outlive() -> None:
        threading.main_thread().join()
        tell(asked(validator, token))

    threading.Thread(target=outlive).start()


def tell(seen: Any) -> None:
    os.write(1, json.dumps(seen).encode())


SCENES: dict[str, Callable[[Validator, str], Any]] = {
    "no_thread": no_thread,
    "one_thread": one_thread,
    "at_exit": at_exit,
    "after_the_main_thread": after_the_main_thread,
}

if __name__ == "__main__":
    seen = SCENES[sys.argv[1]](from_mapping(os.environ).validator(), sys.stdin.read().strip())
    if seen is not None:
        tell(seen)
        # Whatever measures this process may not write its results as another user.
        os._exit(0)
