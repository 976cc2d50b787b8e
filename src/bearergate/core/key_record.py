"""KeyRecord: one fetched key set as it leaves a process, for a file, for a store that many machines share, or for both.

Says which records may be used and turns one into a snapshot again; the keys in it are screened anew. Knows no file, no
store and no secret.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bearergate.core.claims import Json
from bearergate.core.encoding import NotStrict, decode_json_object
from bearergate.core.jwk import KeySet
from bearergate.core.keyring import KeyLifecycle, Origin, Snapshot
from bearergate.core.policy import KeySource
from bearergate.core.screening import KeySetError, parse_jwk_set

CLOCK_TOLERANCE: Final = 30.0
"""Seconds by which the wall clocks of two machines may differ."""

_TEXTS: Final = ("issuer", "source", "jwks_uri", "sha256", "jwks")
_NUMBERS: Final = ("fetched_at", "ttl", "sequence")


class BadRecord(ValueError):
    """The record may not be used. One sentence; nothing of the record is in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """One issuer's JWK Set with where and when it was fetched."""

    issuer: str
    source: str
    """`source_digest` of the configuration under which it was fetched."""
    jwks_uri: str
    fetched_at: float
    """Wall clock, seconds since the epoch."""
    ttl: float
    """Seconds."""
    sequence: int
    """Grows with every fetch of whoever shares it."""
    etag: str | None
    document: bytes

    def members(self) -> dict[str, Json]:
        """The record as members of a JSON object."""
        return {
            "issuer": self.issuer,
            "source": self.source,
            "jwks_uri": self.jwks_uri,
            "fetched_at": self.fetched_at,
            "ttl": self.ttl,
            "sequence": self.sequence,
            "etag": self.etag,
            "sha256": hashlib.sha256(self.document).hexdigest(),
            # Strict JSON, and so UTF-8: as text it can be read by whoever wants to know which keys these are.
            "jwks": self.document.decode("utf-8"),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """Records of an earlier run, to start with while issuers are down."""

    records: tuple[KeyRecord, ...]
    allow_expired: bool = False
    """Also use records past the hard maximum, as if their ttl had just ended: until the issuer answers, or
    `stale_if_error` after the start."""

    def of(self, issuer: str) -> KeyRecord | None:
        """The record of one issuer."""
        return next((record for record in self.records if record.issuer == issuer), None)


def source_digest(issuer: str, source: KeySource) -> str:
    """What tells two configurations of an issuer's keys apart: equal only when they would fetch the same document."""
    parts = [issuer, source.discovery_url, source.jwks_uri, source.ca, source.allow_insecure_http]
    return hashlib.sha256(json.dumps(parts).encode("ascii")).hexdigest()


def record_of(snapshot: Snapshot, issuer: str, source: str) -> KeyRecord:
    """The record of a set that was fetched."""
    return KeyRecord(
        issuer=issuer,
        source=source,
        jwks_uri=snapshot.url,
        fetched_at=snapshot.fetched_wall,
        ttl=snapshot.ttl,
        sequence=snapshot.sequence,
        etag=snapshot.etag,
        document=snapshot.document,
    )


def read_members(members: Mapping[str, Json]) -> KeyRecord:
    """The record of these members; raises BadRecord, also when the document is not the one that its digest names."""
    texts = {name: value for name in _TEXTS if isinstance(value := members.get(name), str)}
    numbers = {
        name: value
        for name in _NUMBERS
        if isinstance(value := members.get(name), int | float) and not isinstance(value, bool)
    }
    etag, sequence = members.get("etag"), numbers.get("sequence")
    if len(texts) < len(_TEXTS) or len(numbers) < len(_NUMBERS) or not isinstance(sequence, int):
        raise BadRecord("a member is missing or of the wrong type")
    if not (etag is None or isinstance(etag, str)):
        raise BadRecord("a member is missing or of the wrong type")
    document = texts["jwks"].encode("utf-8")
    if hashlib.sha256(document).hexdigest() != texts["sha256"]:
        raise BadRecord("the key set is not the one that its sha256 names")
    return KeyRecord(
        issuer=texts["issuer"],
        source=texts["source"],
        jwks_uri=texts["jwks_uri"],
        fetched_at=float(numbers["fetched_at"]),
        ttl=float(numbers["ttl"]),
        sequence=sequence,
        etag=etag,
        document=document,
    )


def read_object(raw: bytes) -> dict[str, Json]:
    """A JSON object; raises BadRecord."""
    try:
        return decode_json_object(raw)
    except NotStrict as problem:
        raise BadRecord(f"it cannot be read: {problem}") from None


def check_time(record: KeyRecord, now: float, lifecycle: KeyLifecycle, *, allow_expired: bool = False) -> None:
    """Raise BadRecord for a record from the future, or past its hard maximum. `now`: wall clock, seconds."""
    if record.fetched_at > now + CLOCK_TOLERANCE:
        raise BadRecord("it was fetched in the future")
    if not allow_expired and now >= record.fetched_at + _ttl(record, lifecycle) + lifecycle.stale_if_error:
        raise BadRecord("it is older than the hard maximum (ttl and stale_if_error together)")


def snapshot_of(
    record: KeyRecord, lifecycle: KeyLifecycle, *, now: float, wall: float, tenant_of: str | None, origin: Origin
) -> Snapshot:
    """The snapshot of a record whose keys are screened again; raises BadRecord.

    `now` and `wall`: the same moment on the monotonic clock and on the wall clock, in seconds. `tenant_of`: see
    parse_jwk_set.
    """
    return Snapshot(
        keys=_keys(record, lifecycle, tenant_of),
        # A clock that is ahead of ours must not make its keys younger than they can be.
        fetched_at=now - max(0.0, wall - record.fetched_at),
        fetched_wall=min(record.fetched_at, wall),
        ttl=_ttl(record, lifecycle),
        sha256=hashlib.sha256(record.document).hexdigest(),
        url=record.jwks_uri,
        etag=record.etag,
        document=record.document,
        sequence=record.sequence,
        origin=origin,
    )


def _keys(record: KeyRecord, lifecycle: KeyLifecycle, tenant_of: str | None) -> KeySet:
    if len(record.document) > lifecycle.max_bytes:
        raise BadRecord(f"its key set is larger than {lifecycle.max_bytes} bytes")
    try:
        return parse_jwk_set(record.document, tenant_of=tenant_of, max_keys=lifecycle.max_keys)
    except KeySetError as problem:
        raise BadRecord(str(problem)) from None


def _ttl(record: KeyRecord, lifecycle: KeyLifecycle) -> float:
    """Its ttl within our own bounds, whoever fetched it."""
    longest = max(lifecycle.ttl, lifecycle.max_ttl)
    shortest = min(lifecycle.ttl, lifecycle.min_ttl)
    # Not a number compares false with everything.
    return min(max(record.ttl, shortest), longest) if record.ttl > 0 else shortest
