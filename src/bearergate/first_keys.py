"""The keys that an issuer starts with: those the operator gave, those of an earlier run, or none.

Fetches nothing.
"""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from typing import Final

from bearergate.core.errors import ConfigError, Problem
from bearergate.core.key_record import BadRecord, Seed, check_time, snapshot_of, source_digest
from bearergate.core.keyring import KeyLifecycle, Keyring, Origin, Snapshot
from bearergate.core.policy import KeySource
from bearergate.core.screening import KeySetError, parse_jwk_set
from bearergate.key_supply import Surroundings

_log: Final = logging.getLogger("bearergate.keys")


def first_ring(issuer: str, source: KeySource, around: Surroundings) -> Keyring:
    """The ring before anything was fetched; raises ConfigError for given keys that are no JWK Set.

    A record of an earlier run that may not be used is left aside with a warning: the issuer can still be asked.
    """
    now, wall = around.monotonic(), around.wall()
    ring = Keyring(around.lifecycle)
    if source.jwks is not None:
        given = _given(issuer, source, source.jwks, around.lifecycle)
        snapshot = replace(given, fetched_at=now, fetched_wall=wall)
        return replace(ring, snapshot=snapshot, given=True, quiet_until=math.inf)
    if around.supply.seed is None:
        return ring
    try:
        seeded = _seeded(issuer, source, around.lifecycle, around.supply.seed, now=now, wall=wall)
    except BadRecord as flaw:
        _log.warning("the snapshot of the keys of %s is not used: %s", issuer, flaw)
        return ring
    # No jitter: whoever starts with old keys may ask at once.
    return ring if seeded is None else ring.seeded(seeded, 0.0)


def _given(issuer: str, source: KeySource, jwks: bytes, lifecycle: KeyLifecycle) -> Snapshot:
    try:
        keys = parse_jwk_set(jwks, tenant_of=source.tenant_of(issuer), max_keys=lifecycle.max_keys)
    except KeySetError as problem:
        cure = "give the JWK Set that the issuer publishes"
        raise ConfigError([Problem(f"{issuer} jwks", str(problem), cure)]) from None
    return Snapshot(keys=keys, fetched_at=0, fetched_wall=0, ttl=lifecycle.ttl, sha256="", origin=Origin.GIVEN)


def _seeded(
    issuer: str, source: KeySource, lifecycle: KeyLifecycle, seed: Seed, *, now: float, wall: float
) -> Snapshot | None:
    record = seed.of(issuer)
    if record is None:
        return None
    if record.source != source_digest(issuer, source):
        raise BadRecord("it was fetched under another configuration of this issuer")
    check_time(record, wall, lifecycle, allow_expired=seed.allow_expired)
    snapshot = snapshot_of(
        record, lifecycle, now=now, wall=wall, tenant_of=source.tenant_of(issuer), origin=Origin.SNAPSHOT
    )
    # Where an old one is allowed it is as old as a set whose ttl has just ended: never fresh, and not for ever.
    oldest = now - snapshot.ttl if seed.allow_expired else snapshot.fetched_at
    return replace(snapshot, fetched_at=max(snapshot.fetched_at, oldest))
