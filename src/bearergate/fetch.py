"""Fetch: one bounded HTTPS GET for a small JSON document, and the protocol behind which it can be replaced.

Bounded on our own clock: whoever drips bytes, hangs or floods is cut off. Keeps no connection. Knows no issuer.
"""

from __future__ import annotations

import http
import http.client
import socket
import ssl
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import urllib3.connection
import urllib3.exceptions

from bearergate.clocks import monotonic_clock

_PIECE: Final = 16 * 1024
_HEADERS: Final = {"Accept": "application/json", "Cache-Control": "no-cache", "User-Agent": "bearergate"}

_OBSTACLES: Final[Mapping[type[OSError], str]] = {
    socket.gaierror: "its host name could not be resolved",
    ConnectionRefusedError: "it was refused: nothing listens on that port",
    TimeoutError: "the host did not answer in time",
}


class FetchFailed(Exception):
    """The document could not be had. One sentence; `retryable` when asking again at once may help."""

    def __init__(self, sentence: str, *, retryable: bool = False) -> None:
        super().__init__(sentence)
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class Fetched:
    """An HTTP answer. `headers` has lower-case names; `body` is decoded and only read for status 200."""

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


class HttpFetch:
    """The default Fetch, over urllib3."""

    def __init__(self, *, ca: str | None = None, connect_timeout: float = 2.0) -> None:
        """`ca`: PEM certificates to trust instead of the system's. `connect_timeout`: seconds."""
        self._ca = ca
        self._connect_timeout = connect_timeout

    def __call__(self, url: str, *, etag: str | None, deadline: float, max_bytes: int) -> Fetched:
        """See Fetch."""
        headers = _HEADERS | ({"If-None-Match": etag} if etag else {})
        connection = self._connection(url, deadline)
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        with _cut_at(connection, deadline):
            _connect(connection, deadline)
            try:
                connection.request("GET", target, headers=headers, preload_content=False)
                return _read(connection.getresponse(), deadline, max_bytes)
            except FetchFailed:
                raise
            except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError) as error:
                is_cut = monotonic_clock() >= deadline
                retryable = isinstance(error, ConnectionError) and not is_cut
                raise FetchFailed(_sentence(error, is_cut=is_cut), retryable=retryable) from None

    def _connection(self, url: str, deadline: float) -> _Connection | _TlsConnection:
        parts = urlsplit(url)
        timeout = min(self._connect_timeout, max(0.001, deadline - monotonic_clock()))
        host = parts.hostname or ""
        if parts.scheme == "http":
            return _Connection(host, parts.port or 80, timeout=timeout)
        # Made per fetch: a context costs milliseconds once in ten minutes, and a renewed system store is seen.
        context = ssl.create_default_context(cadata=self._ca)
        return _TlsConnection(host, parts.port or 443, timeout=timeout, ssl_context=context)


class _Lifeline:
    """A second handle on a connection's socket, so that another thread can shut it down whatever wraps it."""

    handle: socket.socket | None = None

    def keep(self, sock: socket.socket) -> socket.socket:
        self.handle = sock.dup()
        return sock

    def cut(self) -> None:
        if self.handle is not None:
            # The other side may have closed it already.
            with suppress(OSError):
                self.handle.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self.handle is not None:
            self.handle.close()


class _Connection(urllib3.connection.HTTPConnection):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.lifeline = _Lifeline()

    def _new_conn(self) -> socket.socket:
        return self.lifeline.keep(super()._new_conn())


class _TlsConnection(urllib3.connection.HTTPSConnection):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.lifeline = _Lifeline()

    def _new_conn(self) -> socket.socket:
        return self.lifeline.keep(super()._new_conn())


@contextmanager
def _cut_at(connection: _Connection | _TlsConnection, deadline: float) -> Generator[None, None, None]:
    """Close the connection in the end, and shut it down at the deadline even while something reads from it."""
    timer = threading.Timer(max(0.0, deadline - monotonic_clock()), connection.lifeline.cut)
    timer.daemon = True
    try:
        timer.start()
    except RuntimeError:
        raise FetchFailed("no thread could be started to watch the deadline") from None
    try:
        yield
    finally:
        timer.cancel()
        connection.close()
        connection.lifeline.close()


def _connect(connection: _Connection | _TlsConnection, deadline: float) -> None:
    try:
        connection.connect()
        # Not on the socket: urllib3 sets its own value there before it sends and before it reads.
        connection.timeout = max(0.001, deadline - monotonic_clock())
    except ssl.SSLCertVerificationError as error:
        raise FetchFailed(f"its TLS certificate is not trusted ({error.verify_message})") from None
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise FetchFailed(f"no connection could be made ({_obstacle(error)})", retryable=True) from None


def _read(response: urllib3.BaseHTTPResponse, deadline: float, max_bytes: int) -> Fetched:
    headers = {name.lower(): value for name, value in response.headers.items()}
    if response.status != http.HTTPStatus.OK:
        return Fetched(response.status, headers)
    pieces: list[bytes] = []
    size = 0
    while piece := response.read1(_PIECE, decode_content=True):
        pieces.append(piece)
        size += len(piece)
        if size > max_bytes:
            raise FetchFailed(f"its answer is larger than {max_bytes} bytes")
        if monotonic_clock() >= deadline:
            break
    if monotonic_clock() >= deadline:
        # Also when the body ended: a connection that was cut looks like one that was closed.
        raise FetchFailed("it did not answer in time")
    return Fetched(response.status, headers, b"".join(pieces))


def _sentence(error: Exception, *, is_cut: bool) -> str:
    if isinstance(error, TimeoutError) or is_cut:
        return "it did not answer in time"
    return f"its answer could not be read ({_kind(error)})"


def _obstacle(error: Exception) -> str:
    """What stands between us and the host, for an operator; of all else the kind."""
    cause = _cause(error)
    return next((sentence for kind, sentence in _OBSTACLES.items() if isinstance(cause, kind)), _kind(error))


def _kind(error: Exception) -> str:
    """The kind of an error: its own text may hold addresses and is not for logs."""
    return type(_cause(error)).__name__


def _cause(error: Exception) -> BaseException:
    return error.__cause__ if isinstance(error, urllib3.exceptions.HTTPError) and error.__cause__ else error
