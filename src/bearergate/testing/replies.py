"""What a fake issuer answers: a document, its validators and caching, bent by a fault. Sends nothing, never waits."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Protocol

from bearergate.testing.faults import Endpoint, Fault, Traffic


@dataclass(frozen=True, slots=True)
class Reply:
    """One complete HTTP answer."""

    status: int
    headers: Mapping[str, str]
    """Lower-case names."""
    body: bytes = b""


class Publisher(Protocol):
    """What carries the replies needs of an issuer, in memory and on loopback alike."""

    url: str
    port: int
    down: bool
    traffic: Traffic

    def endpoint_at(self, url: str) -> Endpoint | None:
        """Which document is at a URL."""
        ...

    def fault_of(self, endpoint: Endpoint) -> Fault:
        """How the endpoint misbehaves at present."""
        ...

    def reply(self, endpoint: Endpoint, fault: Fault, etag: str | None) -> Reply:
        """What is answered to a request for one document."""
        ...


NOT_FOUND = Reply(HTTPStatus.NOT_FOUND.value, {"content-type": "application/json"}, b'{"error": "not_found"}')


def reply_with(document: bytes, fault: Fault, *, cache_control: str | None, etag: str | None) -> Reply:
    """The answer that holds the document. `etag`: what the asker holds already."""
    headers = {"content-type": fault.content_type, **fault.headers}
    if fault.location is not None:
        return Reply(fault.status or HTTPStatus.FOUND.value, {**headers, "location": fault.location})
    if fault.status not in (None, HTTPStatus.OK):
        return Reply(fault.status, headers, b'{"error": "told_to_fail"}' if fault.body is None else fault.body)
    body = document if fault.body is None else fault.body
    headers["etag"] = etag_of(body)
    if cache_control is not None:
        headers["cache-control"] = cache_control
    if etag == headers["etag"]:
        return Reply(HTTPStatus.NOT_MODIFIED.value, headers)
    if fault.gzip:
        headers["content-encoding"] = "gzip"
    sent = _packed(body, fault.padding) if fault.gzip else b" " * fault.padding + body
    return Reply(HTTPStatus.OK.value, headers, sent)


def etag_of(body: bytes) -> str:
    """The entity tag of a document (RFC 9110 section 8.8.3)."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


@lru_cache(maxsize=4)
def _packed(body: bytes, padding: int) -> bytes:
    return gzip.compress(b" " * padding + body, compresslevel=1)
