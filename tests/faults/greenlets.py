"""A program under monkey-patched gevent, started by a test: it does what it is told to and prints what it saw as JSON.

Tokens arrive on standard input, one a line; issuers by the environment.
"""

from gevent import monkey  # type: ignore[import-untyped]

monkey.patch_all()

# Everything else is loaded after the patching, as gevent demands of every program.
import itertools  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from typing import Any  # noqa: E402

import gevent  # noqa: E402

from bearergate.config import from_mapping  # noqa: E402
from bearergate.core.errors import Refusal  # noqa: E402
from bearergate.validator import Validator  # noqa: E402

PAUSE = 0.002


def asked(validator: Validator, token: str) -> tuple[str, float]:
    started = time.monotonic()
    try:
        validator.validate(token)
    except Refusal as error:
        return error.reason.value, time.monotonic() - started
    return "accepted", time.monotonic() - started


def cold(validator: Validator, tokens: list[str]) -> Any:
    """A hundred greenlets with one token."""
    greenlets = [gevent.spawn(asked, validator, tokens[0]) for _ in range(100)]
    gevent.joinall(greenlets)
    return [greenlet.value[0] for greenlet in greenlets]


def impatient(validator: Validator, tokens: list[str]) -> Any:
    """Of three greenlets that wait for one flight one is killed, one has a timeout; what is the third told?"""

    def give_up() -> None:
        with gevent.Timeout(0.1, False):
            validator.validate(tokens[0])

    killed, timed_out = gevent.spawn(asked, validator, tokens[0]), gevent.spawn(give_up)
    patient = gevent.spawn(asked, validator, tokens[0])
    gevent.sleep(0.05)
    killed.kill()
    gevent.joinall([timed_out, patient])
    return patient.value[0]


def hanging(validator: Validator, tokens: list[str]) -> Any:
    """The first token's issuer hangs; the others' is healthy. How long do its tokens, and the hub, take meanwhile?"""
    slow, quick = tokens[0], itertools.cycle(tokens[1:])
    validator.validate(next(quick))
    before: list[tuple[str, float]] = []
    for _ in range(500):
        gevent.sleep(PAUSE)
        before.append(asked(validator, next(quick)))
    stuck = [gevent.spawn(asked, validator, slow) for _ in range(100)]
    during: list[tuple[str, float]] = []
    rounds: list[float] = []
    while not all(greenlet.ready() for greenlet in stuck):
        started = time.monotonic()
        gevent.sleep(PAUSE)
        rounds.append(time.monotonic() - started)
        during.append(asked(validator, next(quick)))
    return {
        "before": before,
        "during": during,
        "rounds": rounds,
        "stuck": [greenlet.value for greenlet in stuck],
    }


SCENES: dict[str, Callable[[Validator, list[str]], Any]] = {"cold": cold, "impatient": impatient, "hanging": hanging}

if __name__ == "__main__":
    scene = SCENES[sys.argv[1]]
    json.dump(scene(from_mapping(os.environ).validator(), sys.stdin.read().split()), sys.stdout)
