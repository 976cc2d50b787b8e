"""Fetch over the HTTP client that the application injects, as Quay does with its `requests.Session`.

Bounded in bytes and on our own clock as far as the client lets it be. Knows no issuer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from bearergate.clocks import monotonic_clock
from bearergate.fetch import Fetched, FetchFailed

_PIECE: Final = 8192
_CONNECT: Final = 2.0


class Raw(Protocol):
    """What is used of `urllib3.HTTPResponse`."""

    def read1(self, amt: int, decode_content: bool) -> bytes: ...


class Response(Protocol):
    """What is used of `requests.Response`."""

    @property
    def status_code(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def raw(self) -> Raw: ...
    def close(self) -> None: ...


class Session(Protocol):
    """What is used of `requests.Session`."""

    def get(
        self, url: str, *, headers: Mapping[str, str], timeout: tuple[float, float], stream: bool, allow_redirects: bool
    ) -> Response: ...


class SessionFetch:
    """A Fetch through a session: one GET, no redirects, nothing beyond the deadline or the size."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __call__(self, url: str, *, etag: str | None, deadline: float, max_bytes: int) -> Fetched:
        """See `bearergate.fetch.Fetch`."""
        try:
            left = max(deadline - monotonic_clock(), 0.001)
            response = self._session.get(
                url,
                headers={"Accept": "application/json", **({"If-None-Match": etag} if etag else {})},
                timeout=(min(_CONNECT, left), left),
                stream=True,
                allow_redirects=False,
            )
            try:
                headers = {name.lower(): value for name, value in response.headers.items()}
                body = _body(response, deadline, max_bytes) if response.status_code == 200 else b""
                return Fetched(response.status_code, headers, body)
            finally:
                response.close()
        except FetchFailed:
            raise
        except Exception as error:  # noqa: BLE001 - every client has exceptions of its own, and each means the same here
            # Not its text: it may quote the URL and what stands in it.
            raise FetchFailed(f"the client could not fetch it ({type(error).__name__})", retryable=True) from None


def _body(response: Response, deadline: float, max_bytes: int) -> bytes:
    body = bytearray()
    # What has arrived, and not `iter_content`: that waits until a whole piece has, however slowly it drips.
    while piece := response.raw.read1(_PIECE, decode_content=True):
        body += piece
        if len(body) > max_bytes:
            raise FetchFailed(f"its answer is larger than {max_bytes} bytes")
        if monotonic_clock() > deadline:
            raise FetchFailed("it did not answer in time")
    return bytes(body)
