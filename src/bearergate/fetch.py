"""Fetch: one bounded HTTPS GET for a small JSON document, and the protocol behind which it can be replaced.

Post is the same for a question whose answer is such a document. Bounded on our own clock and in bytes: whoever drips,
hangs or floods is cut off. Keeps no connection. Knows no issuer.
"""

from __future__ import annotations

import errno
import http.client
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Final, Protocol, TypeAlias, cast
from urllib.parse import SplitResult, urlsplit

import urllib3.connection
import urllib3.exceptions

from bearergate.answer import OVERHEAD, MeteredResponse, TooLarge, Unreadable, read_document
from bearergate.clocks import monotonic_clock
from bearergate.core.addresses import is_public
from bearergate.dial import ForbiddenAddress, Line, NoThread, SlowResolver, line_until

# Both types of a JWK Set (RFC 7517 section 8.5.2): a Kubernetes API server gives it to nobody who asks for JSON alone.
_ACCEPTED: Final = "application/json, application/jwk-set+json"
_HEADERS: Final = {"Accept": _ACCEPTED, "Cache-Control": "no-cache", "User-Agent": "bearergate"}
_WITH_DOCUMENT: Final = frozenset({HTTPStatus.OK, HTTPStatus.CREATED})

_TRUST_AGE: Final = 60.0
"""Seconds after which a renewed store is seen."""

_OBSTACLES: Final[Mapping[type[Exception], str]] = {
    ForbiddenAddress: "its address is not a public one",
    SlowResolver: "its host name could not be resolved in time",
    socket.gaierror: "its host name could not be resolved",
    UnicodeError: "its host name could not be resolved",
    ConnectionRefusedError: "it was refused: nothing listens on that port",
    TimeoutError: "the host did not answer in time",
}
_NO_ROUTE: Final = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH})

_FAULTS: Final = (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError, Unreadable)
"""What an answer that cannot be had or read ends in."""


class FetchFailed(Exception):
    """The document could not be had. One sentence; `retryable` when asking again at once may help."""

    def __init__(self, sentence: str, *, retryable: bool = False) -> None:
        super().__init__(sentence)
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class Fetched:
    """An HTTP answer. `headers` has lower-case names; `body` is decoded and only read for status 200 and 201."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Fetch(Protocol):
    """How documents are fetched. Called from a thread of its own; must return or raise by the deadline."""

    def __call__(self, url: str, *, etag: str | None, deadline: float, max_bytes: int) -> Fetched:
        """GET the URL once, without following redirects.

        `etag`: sent as `If-None-Match`. `deadline`: seconds of `clocks.monotonic_clock`. `max_bytes`: unpacked.
        Raises FetchFailed.
        """
        ...


class Post(Protocol):
    """How questions are asked. Called as Fetch is."""

    def __call__(
        self, url: str, document: bytes, *, headers: Mapping[str, str], deadline: float, max_bytes: int
    ) -> Fetched:
        """POST the JSON document once, without following redirects; `headers` go with it.

        `deadline` and `max_bytes`: see Fetch. Raises FetchFailed.
        """
        ...


class HttpFetch:
    """The default Fetch, over urllib3; its `post` is the default Post."""

    def __init__(self, *, ca: str | None = None, connect_timeout: float = 2.0, public_only: bool = False) -> None:
        """`ca`: PEM certificates to trust instead of the system's. `connect_timeout`: seconds.

        `public_only`: connect to no private, local or otherwise special address, whatever name stands for it; for
        URLs that somebody else than the operator wrote.
        """
        self._ca = ca
        self._connect_timeout = connect_timeout
        self._allows = is_public if public_only else None
        self._trust: tuple[float, ssl.SSLContext] | None = None

    def __call__(self, url: str, *, etag: str | None, deadline: float, max_bytes: int) -> Fetched:
        """See Fetch."""
        return self._exchange(url, _Request("GET", {"If-None-Match": etag} if etag else {}), deadline, max_bytes)

    def post(
        self, url: str, document: bytes, *, headers: Mapping[str, str], deadline: float, max_bytes: int
    ) -> Fetched:
        """See Post."""
        request = _Request("POST", {"Content-Type": "application/json", **headers}, document)
        return self._exchange(url, request, deadline, max_bytes)

    def _exchange(self, url: str, request: _Request, deadline: float, max_bytes: int) -> Fetched:
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            with line_until(deadline) as line, closing(self._connection(parts, line, max_bytes)) as connection:
                _connect(connection, line)
                answer = _ask(connection, line, target, request, max_bytes)
                if line.is_over:
                    # Also when the answer ended: a connection that was cut looks like one that was closed.
                    raise FetchFailed("it did not answer in time")
                return answer
        except NoThread as purpose:
            raise FetchFailed(f"no thread could be started to {purpose}") from None

    def _connection(self, parts: SplitResult, line: Line, max_bytes: int) -> _Connection:
        host = parts.hostname or ""
        connection: _Connection
        if parts.scheme == "http":
            connection = _PlainConnection(host, parts.port or 80, timeout=line.left)
        else:
            connection = _TlsConnection(host, parts.port or 443, timeout=line.left, ssl_context=self._context())
        connection.dial = partial(line.dial, host, connection.port, self._connect_timeout, self._allows)
        metered = partial(MeteredResponse, limit=max_bytes + OVERHEAD)
        connection.response_class = cast("type[http.client.HTTPResponse]", metered)
        return connection

    def _context(self) -> ssl.SSLContext:
        """Whom to trust; kept for a minute, because reading the system's store takes a tenth of a second."""
        now = monotonic_clock()
        if self._trust is None or now - self._trust[0] >= _TRUST_AGE:
            self._trust = (now, ssl.create_default_context(cadata=self._ca))
        return self._trust[1]


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    headers: dict[str, str] = field(repr=False)
    document: bytes | None = field(default=None, repr=False)


class _PlainConnection(urllib3.connection.HTTPConnection):
    dial: Callable[[], socket.socket]

    def _new_conn(self) -> socket.socket:
        return self.dial()


class _TlsConnection(urllib3.connection.HTTPSConnection):
    dial: Callable[[], socket.socket]

    def _new_conn(self) -> socket.socket:
        return self.dial()


_Connection: TypeAlias = _PlainConnection | _TlsConnection


def _connect(connection: _Connection, line: Line) -> None:
    try:
        connection.connect()
    except ssl.SSLCertVerificationError as error:
        raise FetchFailed(f"its TLS certificate is not trusted ({error.verify_message})") from None
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        why = _obstacle(error, is_over=line.is_over)
        # What may not be connected to now may not be in a moment either.
        retryable = not line.is_over and not isinstance(error, ForbiddenAddress)
        raise FetchFailed(f"no connection could be made ({why})", retryable=retryable) from None


def _ask(connection: _Connection, line: Line, target: str, request: _Request, max_bytes: int) -> Fetched:
    try:
        headers = _HEADERS | request.headers
        connection.request(request.method, target, request.document, headers, preload_content=False)
        with closing(connection.getresponse()) as response:
            fields = {name.lower(): value for name, value in response.headers.itermerged()}
            body = read_document(response, max_bytes) if response.status in _WITH_DOCUMENT else b""
            return Fetched(response.status, fields, body)
    except TooLarge:
        raise FetchFailed(f"its answer is larger than {max_bytes} bytes") from None
    except _FAULTS as error:
        retryable = isinstance(error, ConnectionError) and not line.is_over
        raise FetchFailed(_sentence(error, is_over=line.is_over), retryable=retryable) from None


def _sentence(error: Exception, *, is_over: bool) -> str:
    if isinstance(error, TimeoutError) or is_over:
        return "it did not answer in time"
    why = str(error) if isinstance(error, Unreadable) else _kind(error)
    return f"its answer could not be read ({why})"


def _obstacle(error: Exception, *, is_over: bool) -> str:
    """What stands between us and the host, for an operator; of all else the kind."""
    if isinstance(error, OSError) and error.errno in _NO_ROUTE:
        return "there is no route to it"
    other = _OBSTACLES[TimeoutError] if is_over else _kind(error)
    return next((sentence for kind, sentence in _OBSTACLES.items() if isinstance(error, kind)), other)


def _kind(error: Exception) -> str:
    """The kind of an error: its own text may hold addresses and is not for logs."""
    is_wrapped = isinstance(error, urllib3.exceptions.HTTPError) and error.__cause__ is not None
    return type(error.__cause__ if is_wrapped else error).__name__
