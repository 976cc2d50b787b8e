"""Key sets that are slow, huge or none at all: refused within seconds and a bounded read, while good keys stay.

Two validators meet the same answer: one that has a good set past its ttl, and one that has nothing yet.
"""

from __future__ import annotations

import json
import time
from functools import partial

import pytest

from bearergate.core.keyring import KeyLifecycle
from bearergate.core.reasons import Reason
from bearergate.testing import BIG_BODY, EMPTY_SET, GZIP_BOMB, HTML_PAGE, MALFORMED_JSON, FakeIssuer, Fault
from bearergate.testing.signing import new_key
from tests.faults.scenes import ask, counted_reads, in_threads, milliseconds
from tests.figures import tell
from tests.keys.patient import Clock, reason_of, validator_for, wait_until

MIB = 1024 * 1024
DRIP = 0.05
KEYS = 10_000


def many_keys() -> Fault:
    """A document of 10 000 whole keys, 1.3 MB of them."""
    jwk = new_key("EdDSA").jwk()
    return Fault(body=json.dumps({"keys": [{**jwk, "kid": f"key-{number}"} for number in range(KEYS)]}).encode())


def many_small_keys() -> Fault:
    """10 000 entries in a document that is small enough to be read."""
    return Fault(body=json.dumps({"keys": [{"kid": str(number)} for number in range(KEYS)]}).encode())


ANSWERS = {
    "slow drip of body": Fault(drip_body=DRIP),
    "slow drip of headers": Fault(drip_headers=DRIP),
    "10 MB body": BIG_BODY,
    "10 MB body behind an error status": Fault(status=500, body=b" " * 10_000_000),
    "gzip bomb": GZIP_BOMB,
    "redirect": Fault(location="/elsewhere"),
    "HTML page": HTML_PAGE,
    "empty set": EMPTY_SET,
    "malformed JSON": MALFORMED_JSON,
    "10 000 keys": many_keys(),
    "10 000 small keys": many_small_keys(),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_hostile_answer_is_refused_in_time_and_in_size_and_the_good_set_stays(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    with FakeIssuer(clock=clock).serve() as issuer:
        warm, cold = validator_for(issuer, clock=clock), validator_for(issuer, clock=clock)
        warm.validate(issuer.mint())
        clock.advance(KeyLifecycle().ttl + 1)
        issuer.traffic.forget()
        # A document that changed, so that it has to be sent.
        issuer.add_key()
        issuer.jwks_fault = ANSWERS[name]
        with counted_reads(monkeypatch) as received:
            started = time.monotonic()
            stale, refused = in_threads([partial(ask, warm, issuer.mint()), partial(ask, cold, issuer.mint())])
            # The one with the good set has its answer before its attempt has ended.
            wait_until(lambda: warm.health()[issuer.issuer].problem, seconds=10)
            took = time.monotonic() - started
        read = received.total / 2
        problem = warm.health()[issuer.issuer].problem
        cost = f"refused after {took:.1f} s and {read / 1024:.0f} KiB"
        tell(name, f"{cost}, good set used after {milliseconds(stale.seconds)} ({problem})")
        assert stale.reason is None
        assert stale.seconds < KeyLifecycle().max_wait
        assert refused.reason is Reason.KEYS_UNAVAILABLE
        assert took < 5
        assert read < MIB
        assert {request.path for request in issuer.requests} <= {"/jwks", "/.well-known/openid-configuration"}
        # Once more during the back-off: nobody waits, nothing is asked.
        asked = issuer.connections
        assert reason_of(warm, issuer.mint()) is None
        assert issuer.connections == asked
