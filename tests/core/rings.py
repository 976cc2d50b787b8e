"""Keyrings and decisions for the tests of the life of keys: a good one, a cold one, and what may be said of them."""

from __future__ import annotations

import json

from bearergate.core.jwt import JoseHeader
from bearergate.core.keyring import Act, Decision, KeyLifecycle, Keyring, Snapshot
from bearergate.core.reasons import Reason
from bearergate.core.screening import parse_jwk_set
from bearergate.testing.signing import new_key

START = 1000.0
KEY = new_key("ES256", "known").jwk()
KEYS = parse_jwk_set(json.dumps({"keys": [KEY, {**KEY, "kid": "dropped", "use": "enc"}]}).encode())
SNAPSHOT = Snapshot(keys=KEYS, fetched_at=START, fetched_wall=1_800_000_000.0, ttl=600.0, sha256="abc")

KNOWN = JoseHeader("ES256", "known", None)
DROPPED = JoseHeader("ES256", "dropped", None)
UNKNOWN = JoseHeader("ES256", "unknown", None)
NAMELESS = JoseHeader("ES256", None, None)

COLD = Keyring(KeyLifecycle())
GOOD = COLD.succeeded(SNAPSHOT, 0.5)


def failed(ring: Keyring, *moments: float) -> Keyring:
    for moment in moments:
        ring = ring.failed("it did not answer in time", moment, 1.0)
    return ring


def drained(ring: Keyring, now: float) -> Keyring:
    for _ in range(ring.lifecycle.unknown_kid_burst):
        ring = ring.spent(now)
    return ring


def unavailable(retry_after: float = 1.0, reason: Reason = Reason.KEYS_UNAVAILABLE) -> Decision:
    return Decision(Act.UNAVAILABLE, reason=reason, retry_after=retry_after)


USE = Decision(Act.USE)
REFRESH = Decision(Act.USE, refresh=True)
STALE = Decision(Act.USE, stale=True)
ABSENT = Decision(Act.USE, unknown=True)
WAIT = Decision(Act.WAIT)
BRIEFLY = Decision(Act.WAIT_BRIEFLY, stale=True)
FORCE = Decision(Act.FORCE)

TTL_ENDS = START + 600
HARD_MAXIMUM = START + 4200
