"""The authenticated form of a key record, for a store that others can write to (HMAC-SHA-256, RFC 2104).

Whoever could put keys there would own every login; so nothing of a record is read before its code was verified. Knows
no store.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Final

from bearergate.core.key_record import BadRecord, KeyRecord, read_members, read_object

MIN_SECRET_BYTES: Final = 32
_PURPOSE: Final = b"bearergate shared keys 1\n"
_CODE_LENGTH: Final = 64


def seal(record: KeyRecord, secret: bytes) -> bytes:
    """The record with its code in front."""
    body = json.dumps(record.members(), ensure_ascii=False).encode("utf-8")
    return _code(body, record.source, secret) + b"\n" + body


def unseal(raw: bytes, source: str, secret: bytes) -> KeyRecord:
    """The record for this source; raises BadRecord when it was not sealed with this secret for it."""
    code, _, body = raw.partition(b"\n")
    if len(code) != _CODE_LENGTH or not hmac.compare_digest(code, _code(body, source, secret)):
        raise BadRecord("its authentication code is wrong")
    record = read_members(read_object(body))
    if record.source != source:
        raise BadRecord("it belongs to another configuration")
    return record


def sealed_size(max_bytes: int) -> int:
    """Bytes that a sealed record of a key set of at most `max_bytes` bytes can have."""
    # As a JSON string a document of JSON can double: every quotation mark gets a backslash.
    return 2 * max_bytes + 16 * 1024


def _code(body: bytes, source: str, secret: bytes) -> bytes:
    # The source is part of what is authenticated: a record cannot be moved to another issuer's place.
    return hmac.digest(secret, _PURPOSE + source.encode("ascii") + b"\n" + body, hashlib.sha256).hex().encode("ascii")
