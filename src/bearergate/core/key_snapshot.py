"""The file form of key records: a snapshot from which a service starts while its issuers are down.

Its sha256 tells a damaged file from a whole one. It proves nothing about who wrote it: whoever can write the file can
compute it. Knows no file system.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Final

from bearergate.core.claims import Json
from bearergate.core.key_record import BadRecord, KeyRecord, read_members, read_object

_FORMAT: Final = "bearergate-keys-1"


def write_snapshot(records: Iterable[KeyRecord]) -> bytes:
    """The content of a snapshot file, the same for the same records."""
    issuers: list[Json] = [record.members() for record in records]
    document = {"format": _FORMAT, "sha256": _digest(issuers), "issuers": issuers}
    return json.dumps(document, indent=2, ensure_ascii=True).encode("ascii") + b"\n"


def read_snapshot(raw: bytes) -> tuple[KeyRecord, ...]:
    """The records of a snapshot file; raises BadRecord when it is none, or damaged."""
    document = read_object(raw)
    if document.get("format") != _FORMAT:
        raise BadRecord("it is no key snapshot of this version")
    issuers = document.get("issuers")
    if not isinstance(issuers, list) or document.get("sha256") != _digest(issuers):
        raise BadRecord("it is damaged: its content does not match its sha256")
    records = [read_members(entry) for entry in issuers if isinstance(entry, dict)]
    if len(records) != len(issuers) or len({record.issuer for record in records}) != len(records):
        raise BadRecord("it must list every issuer once")
    return tuple(records)


def _digest(issuers: list[Json]) -> str:
    # Over one spelling of the content, so that a file may be indented anew.
    canonical = json.dumps(issuers, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()
