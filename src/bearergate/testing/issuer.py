"""FakeIssuer: an issuer that exists for one test, its keys, tokens, documents and faults under one name.

Puts its parts together; each of them lives in a file of its own. Knows nothing of validation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Self
from urllib.parse import urlsplit

from bearergate.core.metadata import well_known_urls
from bearergate.fetch import Fetch
from bearergate.testing.faults import HEALTHY, Endpoint, Fault, Request, Traffic
from bearergate.testing.loopback import Loopback
from bearergate.testing.memory import fetch_from
from bearergate.testing.minting import Minting
from bearergate.testing.published import PublishedKeys
from bearergate.testing.replies import Reply, reply_with
from bearergate.testing.signing import SigningKey


class FakeIssuer(Minting):
    """An issuer with real keys, in memory (`fetch`) and, between `start` and `stop`, on a loopback port.

    Whatever is a plain attribute may be changed at any time, also while requests are under way.
    """

    def __init__(
        self,
        issuer: str = "https://issuer.test",
        *,
        alg: str = "RS256",
        clock: Callable[[], float] | None = None,
        audience: str = "https://api.test",
        client_id: str = "test-client",
    ) -> None:
        """`alg`: of its first key. `clock`: seconds since the epoch, the wall clock if not given."""
        super().__init__(PublishedKeys(alg), clock=clock, audience=audience, client_id=client_id)
        self.issuer = issuer
        """Its identifier, as in `iss` and in the discovery document."""
        self.url = issuer
        """Below this its documents are: the identifier itself, or the loopback URL."""
        self.port = 0
        """The loopback port, kept for the next start; 0 before the first."""
        self.jwks_path = "/jwks"
        self.down = False
        """Cut every connection at once, unanswered."""
        self.discovery_fault = HEALTHY
        self.jwks_fault = HEALTHY
        self.cache_control: str | None = None
        """Sent with both documents, for example `max-age=120`."""
        self.has_oidc_document = True
        """False: discovery is only at the place of RFC 8414."""
        self.traffic = Traffic()
        self._metadata: bytes | None = None
        self._loopback: Loopback | None = None

    # On loopback.

    @contextmanager
    def serve(self, *, keep_name: bool = False) -> Generator[Self, None, None]:
        """Serve on loopback inside the block; see `start`."""
        self.start(keep_name=keep_name)
        try:
            yield self
        finally:
            self.stop()

    def start(self, *, keep_name: bool = False) -> Self:
        """Serve on `http://127.0.0.1:PORT` plus the path of the issuer, which becomes the issuer's identifier.

        `keep_name`: the identifier stays as it is; only the documents are on loopback. After `stop` the same port is
        used again, and until then connections to it are refused.
        """
        if self._loopback is None:
            self._loopback = Loopback(self, self.port)
            self.port = self._loopback.port
            self.url = f"http://127.0.0.1:{self.port}{urlsplit(self.issuer).path}"
            if not keep_name:
                self.issuer = self.url
        return self

    def stop(self) -> None:
        """Refuse connections and cut those that are open."""
        if self._loopback is not None:
            self._loopback.stop()
            self._loopback = None

    # In memory.

    @property
    def fetch(self) -> Fetch:
        """A Fetch that reaches this issuer without sockets, and nothing else."""
        return fetch_from(self)

    # Keys.

    @property
    def signing_key(self) -> SigningKey:
        """The key that signs at present."""
        return self._published.signing

    @property
    def keys(self) -> tuple[SigningKey, ...]:
        """Its published keys, oldest first."""
        return self._published.published

    def jwks(self) -> dict[str, list[dict[str, object]]]:
        """Its JWK Set."""
        return self._published.jwks()

    def rotate(self, *, keep_old: bool = True, alg: str | None = None, kid: str | None = None) -> SigningKey:
        """A new key signs from now on; old ones stay published, or do not."""
        return self._published.rotate(keep_old=keep_old, alg=alg, kid=kid)

    def add_key(self, alg: str | None = None, kid: str | None = None) -> SigningKey:
        """Publish one more key that does not sign unless it is asked for."""
        return self._published.add(alg, kid)

    def remove(self, kid: str) -> None:
        """Publish nothing under this kid any more; raises KeyError when nothing was."""
        self._published.remove(kid)

    def publish(self, jwk: Mapping[str, object] | SigningKey) -> None:
        """Append an entry to the set, however odd."""
        self._published.publish(jwk)

    def set_document(self, body: bytes | None) -> None:
        """Serve these bytes instead of the JWK Set; None: the real one again."""
        self._published.set_document(body)

    # Documents.

    @property
    def discovery_url(self) -> str:
        """Where the OIDC Discovery document is."""
        return well_known_urls(self.url)[0]

    @property
    def jwks_uri(self) -> str:
        """Where the JWK Set is."""
        return self.url.removesuffix("/") + self.jwks_path

    def metadata(self, **changes: object) -> dict[str, object]:
        """Its discovery document with these changes."""
        root = self.url.removesuffix("/")
        return {
            "issuer": self.issuer,
            "jwks_uri": self.jwks_uri,
            "authorization_endpoint": f"{root}/authorize",
            "token_endpoint": f"{root}/token",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self._published.alg],
            **changes,
        }

    def set_metadata(self, body: bytes | None) -> None:
        """Serve these bytes instead of the discovery document; None: the real one again."""
        self._metadata = body

    def endpoint_at(self, url: str) -> Endpoint | None:
        """Which document is at a URL."""
        oidc, oauth = well_known_urls(self.url)
        if url == self.jwks_uri:
            return Endpoint.JWKS
        return Endpoint.DISCOVERY if url == oauth or (url == oidc and self.has_oidc_document) else None

    def reply(self, endpoint: Endpoint, fault: Fault, etag: str | None) -> Reply:
        """What is answered to a request for one document."""
        if endpoint is Endpoint.JWKS:
            document = self._published.document()
        else:
            metadata = self._metadata
            document = json.dumps(self.metadata()).encode("utf-8") if metadata is None else metadata
        return reply_with(document, fault, cache_control=self.cache_control, etag=etag)

    # Faults and what reached it.

    def fault_of(self, endpoint: Endpoint) -> Fault:
        """How the endpoint misbehaves at present."""
        return self.jwks_fault if endpoint is Endpoint.JWKS else self.discovery_fault

    def misbehave(self, fault: Fault) -> None:
        """Answer for both documents with this fault."""
        self.discovery_fault = self.jwks_fault = fault

    def reset(self) -> None:
        """Healthy again, with its real documents, and all counters at zero; keys and port stay."""
        self.down = False
        self.misbehave(HEALTHY)
        self.set_document(None)
        self.set_metadata(None)
        self.has_oidc_document = True
        self.cache_control = None
        self.traffic.forget()

    @property
    def discovery_requests(self) -> int:
        """Requests for the discovery document, at either place, since the start or the last reset."""
        return self.traffic.count(Endpoint.DISCOVERY)

    @property
    def jwks_requests(self) -> int:
        """Requests for the JWK Set since the start or the last reset."""
        return self.traffic.count(Endpoint.JWKS)

    @property
    def connections(self) -> int:
        """Connections since the start or the last reset, those that were cut at once included."""
        return self.traffic.connections

    @property
    def requests(self) -> tuple[Request, ...]:
        """Every request since the start or the last reset."""
        return self.traffic.requests
