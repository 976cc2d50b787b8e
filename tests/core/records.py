"""Records of key sets for the tests of what leaves a process: real public keys, made once per run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bearergate.core.key_record import KeyRecord, source_digest
from bearergate.core.policy import KeySource
from bearergate.testing.signing import new_key

NOW = 1_800_000_000.0
"""Wall clock, seconds since the epoch."""
ISSUER = "https://issuer.test"
SOURCE = source_digest(ISSUER, KeySource())
JWK = new_key("ES256", "first").jwk()


def jwks(*entries: Mapping[str, object]) -> bytes:
    return json.dumps({"keys": [dict(entry) for entry in entries]}).encode()


RECORD = KeyRecord(
    issuer=ISSUER,
    source=SOURCE,
    jwks_uri="https://issuer.test/jwks",
    fetched_at=NOW,
    ttl=600.0,
    sequence=7,
    etag='"v1"',
    document=jwks(JWK),
)


def record(**changes: Any) -> KeyRecord:
    return replace(RECORD, **changes)
