"""One machine of a fleet as a process of its own: it warms up, says which keys it got and from whom, and ends."""

from __future__ import annotations

from typing import Any

import bearergate.redis_store
from bearergate.core.policy import IssuerPolicy
from bearergate.key_supply import KeySupply
from bearergate.redis_store import RedisStore
from bearergate.shared_keys import SharedKeys
from bearergate.validator import Validator


def main(issuer: str, audience: str, url: str, secret: bytes, start: Any, results: Any) -> None:
    """`start`: a barrier of all processes; `results`: a queue for origin, state and digest of the keys."""
    # What is counted here is requests; a busy machine must not look like a server that is slow.
    bearergate.redis_store.CALL_SECONDS = 5.0  # type: ignore[misc]
    policy = IssuerPolicy(issuer=issuer, audiences=frozenset({audience}))
    validator = Validator([policy], supply=KeySupply(shared=SharedKeys(RedisStore(url), secret)))
    start.wait(60)
    told = validator.warm()[issuer]
    results.put((told.origin, told.state, told.sha256))
