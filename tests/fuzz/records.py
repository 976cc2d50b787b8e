"""Key records from a shared store and from a snapshot file: what others can write to, or damage.

A sealed record is used only as it was sealed. One that was sealed again by whoever knows the secret, and a file that
was written anew, may hold anything: the answer is a usable snapshot or a typed error.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from random import Random
from typing import Any, Final

from bearergate.core.key_record import BadRecord, KeyRecord, check_time, snapshot_of, source_digest
from bearergate.core.key_snapshot import read_snapshot, write_snapshot
from bearergate.core.keyring import KeyLifecycle, Origin
from bearergate.core.policy import KeySource
from bearergate.core.sealing import seal, unseal
from tests.fuzz import spoiling, tokens
from tests.fuzz.wrong import WrongAnswer

_SECRET: Final = b"0123456789abcdef0123456789abcdef"
_LIFECYCLE: Final = KeyLifecycle()
_SOURCE: Final = source_digest(tokens.ISSUER.issuer, KeySource())
_RECORD: Final = KeyRecord(
    issuer=tokens.ISSUER.issuer,
    source=_SOURCE,
    jwks_uri=f"{tokens.ISSUER.issuer}/jwks",
    fetched_at=tokens.NOW,
    ttl=600.0,
    sequence=3,
    etag='"v1"',
    document=json.dumps({"keys": tokens.PUBLISHED}).encode(),
)
_SEALED: Final = seal(_RECORD, _SECRET)
_FILE: Final = write_snapshot([_RECORD])
_OWN: Final = frozenset({_SEALED, _FILE})


def record(chance: Random) -> bytes:
    """A sealed record or a file, spoilt; or spoilt first and sealed, or written, afterwards."""
    if chance.random() < 0.02:
        return chance.choice((_SEALED, _FILE))
    if chance.random() < 0.4:
        return spoiling.data(chance, chance.choice((_SEALED, _FILE)))
    members = spoiling.value(chance, _RECORD.members())
    if isinstance(members, dict) and isinstance(members.get("jwks"), str) and chance.random() < 0.8:
        members["sha256"] = hashlib.sha256(members["jwks"].encode("utf-8", "surrogatepass")).hexdigest()
    body = json.dumps(members, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
    return _written(members) if chance.random() < 0.5 else _sealed(body)


def _sealed(body: bytes) -> bytes:
    # As a colleague with the same secret and another program would do it.
    signed = b"bearergate shared keys 1\n" + _SOURCE.encode() + b"\n" + body
    return hmac.digest(_SECRET, signed, hashlib.sha256).hex().encode() + b"\n" + body


def _written(members: Any) -> bytes:
    canonical = json.dumps([members], sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
    digest = hashlib.sha256(canonical).hexdigest()
    document = {"format": "bearergate-keys-1", "sha256": digest, "issuers": [members]}
    return json.dumps(document).encode("utf-8", "surrogatepass")


def judge_record(raw: bytes) -> bool:
    """Its keys let no stranger in, and its time is within our bounds whatever it says."""
    try:
        (found,) = (unseal(raw, _SOURCE, _SECRET),) if raw[:1] != b"{" else read_snapshot(raw)
        check_time(found, tokens.NOW, _LIFECYCLE)
        snapshot = snapshot_of(found, _LIFECYCLE, now=1000.0, wall=tokens.NOW, tenant_of=None, origin=Origin.SHARED)
    except BadRecord:
        if raw in _OWN:
            raise WrongAnswer("our own record was refused") from None
        return False
    if snapshot.fetched_at > 1000.0 or not 60.0 <= snapshot.ttl <= 3600.0:
        raise WrongAnswer("keys younger than they can be, or for longer than they may")
    if tokens.lets_strangers_in(snapshot.keys):
        raise WrongAnswer("a stranger's token was accepted")
    return True
