"""Fetch without sockets: answers from fake issuers in this process, with their faults and counters.

Behaves as a fetch over the network does towards its caller: it keeps the deadline and the size.
"""

from __future__ import annotations

import math
import threading
import zlib
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from bearergate.clocks import monotonic_clock
from bearergate.fetch import Fetch, Fetched, FetchFailed
from bearergate.testing.faults import Fault
from bearergate.testing.replies import NOT_FOUND, Publisher, Reply

_HEAD_BYTES: Final = 100
"""About the size of an answer's head, for the time that dripping it takes."""


def fetch_from(*issuers: Publisher) -> Fetch:
    """A Fetch that reaches these issuers and nothing else."""

    def fetch(url: str, *, etag: str | None, deadline: float, max_bytes: int) -> Fetched:
        for issuer in issuers:
            if _origin(url) == _origin(issuer.url):
                return _fetch(issuer, url, etag, deadline, max_bytes)
        raise FetchFailed("no connection could be made (no such host)", retryable=True)

    return fetch


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _fetch(issuer: Publisher, url: str, etag: str | None, deadline: float, max_bytes: int) -> Fetched:
    issuer.traffic.connected()
    if issuer.down:
        raise FetchFailed("no connection could be made (ConnectionResetError)", retryable=True)
    endpoint = issuer.endpoint_at(url)
    issuer.traffic.asked(endpoint, urlsplit(url).path, {"if-none-match": etag} if etag else {})
    if endpoint is None:
        return Fetched(NOT_FOUND.status, NOT_FOUND.headers)
    fault = issuer.fault_of(endpoint)
    reply = issuer.reply(endpoint, fault, etag)
    _wait(_duration(fault, reply), deadline)
    if fault.reset:
        raise FetchFailed("its answer could not be read (ConnectionResetError)", retryable=True)
    if reply.status != HTTPStatus.OK:
        return Fetched(reply.status, reply.headers)
    body = _unpacked(reply.body, max_bytes) if fault.gzip else reply.body
    if len(body) > max_bytes:
        raise FetchFailed(f"its answer is larger than {max_bytes} bytes")
    return Fetched(reply.status, reply.headers, body)


def _unpacked(body: bytes, max_bytes: int) -> bytes:
    # No more than is needed to see that it is too much.
    return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(body, max_bytes + 1)


def _duration(fault: Fault, reply: Reply) -> float:
    if fault.hang:
        return math.inf
    return fault.delay + fault.drip_headers * _HEAD_BYTES + fault.drip_body * len(reply.body)


def _wait(duration: float, deadline: float) -> None:
    patience = deadline - monotonic_clock()
    if duration > 0 and patience > 0:
        # An event that nobody sets: unlike time.sleep it is left alone by tests that freeze the clock.
        threading.Event().wait(min(duration, patience))
    if duration > patience:
        raise FetchFailed("it did not answer in time")
