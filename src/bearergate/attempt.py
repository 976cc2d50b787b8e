"""One attempt to obtain an issuer's keys: discovery where it is due, then the JWK Set, through Fetch.

Sequential and stateless: what it needs is given, what it found is returned. Knows no thread and no caller.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Final

from bearergate.core.jwk import KeySet
from bearergate.core.keyring import Snapshot
from bearergate.core.metadata import MetadataError, read_jwks_uri, well_known_urls
from bearergate.core.policy import KeySource
from bearergate.core.screening import KeySetError, parse_jwk_set
from bearergate.fetch import Fetched, FetchFailed
from bearergate.key_supply import Surroundings

_RETRYABLE: Final = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})
_GONE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_ETAG: Final = re.compile(r"[!-~]{1,256}")
_MAX_AGE: Final = re.compile(r"(?:^|[\s,])max-age=\"?(\d{1,9})\"?", re.IGNORECASE)


class AttemptFailed(Exception):
    """No valid key set was obtained. One sentence that names the step and the cause."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an issuer publishes its keys, as its discovery document said."""

    jwks_uri: str
    found_at: float
    """Monotonic, seconds."""


class Attempt:
    """Everything one attempt needs, and the steps it takes."""

    def __init__(self, issuer: str, source: KeySource, around: Surroundings) -> None:
        """Nothing is fetched yet."""
        self._issuer = issuer
        self._source = source
        self._lifecycle = around.lifecycle
        self._fetch = around.fetch_for(source.ca)
        self._monotonic = around.monotonic
        self._wall = around.wall

    def run(self, held: Snapshot | None, place: Place | None, failures: int, deadline: float) -> tuple[Snapshot, Place]:
        """Obtain the key set; raises AttemptFailed.

        `held` and `place` are what the last success left, `failures` the failed attempts since; `deadline` is in
        seconds of the clock that the fetch uses.
        """
        if place is not None and failures < self._lifecycle.discovery_failures and self._is_recent(place):
            # Where the keys moved away, the discovery document knows where to.
            with suppress(_Gone):
                return self._read_keys(place, held, deadline), place
        place = self._discover(deadline)
        return self._read_keys(place, held, deadline), place

    def _is_recent(self, place: Place) -> bool:
        return self._monotonic() - place.found_at < self._lifecycle.discovery_ttl

    def _discover(self, deadline: float) -> Place:
        if self._source.jwks_uri is not None:
            return Place(self._source.jwks_uri, self._monotonic())
        urls = [self._source.discovery_url] if self._source.discovery_url else list(well_known_urls(self._issuer))
        answer = self._get(urls[0], "discovery document", None, deadline)
        if answer.status == HTTPStatus.NOT_FOUND and len(urls) > 1:
            answer = self._get(urls[1], "discovery document", None, deadline)
        if answer.status != HTTPStatus.OK:
            raise AttemptFailed(f"the discovery document was answered with status {answer.status}")
        try:
            uri = read_jwks_uri(
                answer.body,
                issuer=self._issuer,
                allow_insecure_http=self._source.allow_insecure_http,
                slash_by_discovery=self._source.slash_by_discovery,
            )
        except MetadataError as problem:
            raise AttemptFailed(str(problem)) from None
        return Place(uri, self._monotonic())

    def _read_keys(self, place: Place, held: Snapshot | None, deadline: float) -> Snapshot:
        known = held if held is not None and held.url == place.jwks_uri else None
        etag = known.etag if known else None
        answer = self._get(place.jwks_uri, "JWK Set", etag, deadline)
        if answer.status in _GONE:
            raise _Gone(f"the JWK Set was answered with status {answer.status}")
        if answer.status == HTTPStatus.NOT_MODIFIED and known is not None and etag:
            return self._snapshot(answer, place, known, etag)
        if answer.status != HTTPStatus.OK:
            raise AttemptFailed(f"the JWK Set was answered with status {answer.status}")
        fetched = self._screened(answer.body, held)
        return self._snapshot(answer, place, fetched, entity_tag(answer))

    def _screened(self, document: bytes, held: Snapshot | None) -> _Content:
        digest = hashlib.sha256(document).hexdigest()
        if held is not None and held.sha256 == digest:
            return _Content(held.keys, digest, document)
        tenant_of = self._source.tenant_of(self._issuer)
        try:
            keys = parse_jwk_set(document, tenant_of=tenant_of, max_keys=self._lifecycle.max_keys)
        except KeySetError as problem:
            raise AttemptFailed(str(problem)) from None
        return _Content(keys, digest, document)

    def _snapshot(self, answer: Fetched, place: Place, content: Snapshot | _Content, etag: str | None) -> Snapshot:
        return Snapshot(
            keys=content.keys,
            fetched_at=self._monotonic(),
            fetched_wall=self._wall(),
            ttl=self._lifecycle.ttl_of(max_age(answer)),
            sha256=content.sha256,
            url=place.jwks_uri,
            etag=etag,
            document=content.document,
        )

    def _get(self, url: str, what: str, etag: str | None, deadline: float) -> Fetched:
        """One GET with its one retry."""
        fetch = partial(self._fetch, url, etag=etag, deadline=deadline, max_bytes=self._lifecycle.max_bytes)
        try:
            answer = _first_answer(fetch)
            return fetch() if answer is None else answer
        except FetchFailed as failure:
            raise AttemptFailed(f"the {what} could not be fetched: {failure}") from None


@dataclass(frozen=True, slots=True)
class _Content:
    """A document and the keys that screening left of it."""

    keys: KeySet
    sha256: str
    document: bytes


class _Gone(AttemptFailed):
    """The JWK Set is not where it was."""


def _first_answer(fetch: Callable[[], Fetched]) -> Fetched | None:
    """What the first GET brought, or None where asking again at once may help."""
    try:
        answer = fetch()
    except FetchFailed as failure:
        if failure.retryable:
            return None
        raise
    return None if answer.status in _RETRYABLE else answer


def max_age(answer: Fetched) -> float | None:
    """The `max-age` of an answer in seconds (RFC 9111 section 5.2.2.1), or None."""
    found = _MAX_AGE.search(answer.headers.get("cache-control", ""))
    return float(found[1]) if found else None


def entity_tag(answer: Fetched) -> str | None:
    """The `ETag` of an answer, or None.

    Not one that is long or odd (RFC 9110 section 8.8.3): it is sent back with every refresh from then on, and a server
    or proxy that refuses such a field would refuse the keys with it.
    """
    etag = answer.headers.get("etag", "")
    return etag if _ETAG.fullmatch(etag) else None
