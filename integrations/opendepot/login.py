"""`login.v1` of the service discovery document: how `tofu login` gets a token for this registry.

Asks the issuer for its endpoints unless both are overridden. Knows no key: validation never looks at these URLs.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from bearergate import Reason
from bearergate.clocks import monotonic_clock
from bearergate.core.encoding import NotStrict, decode_json_object
from bearergate.core.errors import Unavailable
from bearergate.core.metadata import well_known_urls
from bearergate.fetch import Fetch, FetchFailed

GRANT_TYPES: Final = ("authz_code", "device_code")
SCOPES: Final = ("openid", "profile", "email", "groups")
PORTS: Final = (10000, 10010)
"""First and last port on which the command line waits for the browser."""

_DAY: Final = 24 * 3600.0
_PATIENCE: Final = 4.0
_BACK_OFF: Final = 10.0
_MAX_BYTES: Final = 512 * 1024
_UNSAFE: Final = re.compile(r"[^!-~]")
_log = logging.getLogger("opendepot.login")


def is_web_url(text: str) -> bool:
    """Whether the text is an absolute http or https URL with a host, of printable ASCII characters."""
    # urlsplit silently drops tab, CR and LF, so characters are judged before it sees them.
    if _UNSAFE.search(text):
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a browser is sent, and where a code becomes a token."""

    authz: str
    token: str


class Login:
    """The document, with the issuer's own endpoints or those that stand in for them."""

    def __init__(
        self,
        *,
        issuer: str,
        client: str,
        fetch: Fetch,
        authz_url: str = "",
        token_url: str = "",
        clock: Callable[[], float] = monotonic_clock,
    ) -> None:
        self._issuer = issuer
        self._client = client
        self._fetch = fetch
        self._clock = clock
        self._authz_url = authz_url
        self._token_url = token_url
        self._lock = threading.Lock()
        self._known: Endpoints | None = Endpoints(authz_url, token_url) if authz_url and token_url else None
        # What was overridden altogether never grows old.
        self._next_look = float("inf") if self._known else float("-inf")

    def document(self) -> dict[str, object]:
        """The value of `login.v1`; may wait for the issuer. Raises Unavailable until it has answered once."""
        endpoints = self._endpoints()
        return {
            "client": self._client,
            "grant_types": list(GRANT_TYPES),
            "authz": endpoints.authz,
            "token": endpoints.token,
            "scopes": list(SCOPES),
            "ports": list(PORTS),
        }

    def _endpoints(self) -> Endpoints:
        with self._lock:
            if self._clock() >= self._next_look:
                self._look()
            if self._known is None:
                raise Unavailable(Reason.UPSTREAM_UNAVAILABLE, retry_after=max(1.0, self._next_look - self._clock()))
            return self._known

    def _look(self) -> None:
        """Ask the issuer; what was learnt before is kept when it does not answer."""
        try:
            self._known = self._read(self._ask())
            self._next_look = self._clock() + _DAY
        except (FetchFailed, NotStrict, ValueError) as problem:
            self._next_look = self._clock() + _BACK_OFF
            _log.warning("the endpoints of %s could not be learnt: %s", self._issuer, problem)

    def _ask(self) -> bytes:
        deadline = monotonic_clock() + _PATIENCE
        oidc, oauth = well_known_urls(self._issuer)
        answer = self._fetch(oidc, etag=None, deadline=deadline, max_bytes=_MAX_BYTES)
        if answer.status == 404:
            answer = self._fetch(oauth, etag=None, deadline=deadline, max_bytes=_MAX_BYTES)
        if answer.status != 200:
            raise ValueError(f"its discovery document was answered with {answer.status}")
        return answer.body

    def _read(self, raw: bytes) -> Endpoints:
        document = decode_json_object(raw)
        if document.get("issuer") != self._issuer:
            raise ValueError("its discovery document names another issuer")
        return Endpoints(
            authz=self._authz_url or _endpoint(document, "authorization_endpoint"),
            token=self._token_url or _endpoint(document, "token_endpoint"),
        )


def _endpoint(document: Mapping[str, object], name: str) -> str:
    url = document.get(name)
    if not isinstance(url, str) or not is_web_url(url):
        raise ValueError(f"its discovery document has no usable {name}")
    return url
