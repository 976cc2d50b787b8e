"""The keys of a fake issuer: which one signs, which are published, and the documents that say so.

Publishes odd entries and whole odd documents as they are. Signs nothing and sends nothing.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import TypeAlias

from bearergate.testing.signing import SigningKey, new_key

Entry: TypeAlias = SigningKey | dict[str, object]


class PublishedKeys:
    """The key set of an issuer. The first key is made when somebody asks for it. Safe to share between threads."""

    def __init__(self, alg: str) -> None:
        self.alg = alg
        self._lock = threading.RLock()
        self._signing: SigningKey | None = None
        self._known: dict[str, SigningKey] = {}
        self._entries: list[Entry] = []
        self._document: bytes | None = None

    @property
    def signing(self) -> SigningKey:
        """The key that signs at present."""
        with self._lock:
            return self._begin()

    @property
    def published(self) -> tuple[SigningKey, ...]:
        """The issuer's own keys that are published, oldest first."""
        with self._lock:
            self._begin()
            return tuple(entry for entry in self._entries if isinstance(entry, SigningKey))

    def known(self, kid: str) -> SigningKey:
        """A key that this issuer has or had; raises KeyError."""
        with self._lock:
            self._begin()
            return self._known[kid]

    def add(self, alg: str | None = None, kid: str | None = None) -> SigningKey:
        """Publish a new key that does not sign yet."""
        with self._lock:
            key = new_key(alg or self.alg, kid)
            self._known[key.kid] = key
            self._entries.append(key)
            return key

    def rotate(self, *, keep_old: bool, alg: str | None = None, kid: str | None = None) -> SigningKey:
        """Publish a new key that signs from now on."""
        with self._lock:
            if keep_old:
                self._begin()
            else:
                self._entries.clear()
            self._signing = self.add(alg, kid)
            return self._signing

    def remove(self, kid: str) -> None:
        """Publish nothing under this kid any more; raises KeyError when nothing was."""
        with self._lock:
            self._begin()
            kept = [entry for entry in self._entries if _kid_of(entry) != kid]
            if len(kept) == len(self._entries):
                raise KeyError(kid)
            self._entries = kept

    def publish(self, jwk: Mapping[str, object] | SigningKey) -> None:
        """Append an entry as it is."""
        with self._lock:
            self._begin()
            self._entries.append(jwk if isinstance(jwk, SigningKey) else dict(jwk))

    def set_document(self, body: bytes | None) -> None:
        """Serve these bytes as the key set; None: the real one again."""
        self._document = body

    def jwks(self) -> dict[str, list[dict[str, object]]]:
        """The key set as a JWK Set (RFC 7517 section 5)."""
        with self._lock:
            self._begin()
            return {"keys": [entry.jwk() if isinstance(entry, SigningKey) else dict(entry) for entry in self._entries]}

    def document(self) -> bytes:
        """What is served as the key set."""
        document = self._document
        return json.dumps(self.jwks()).encode("utf-8") if document is None else document

    def _begin(self) -> SigningKey:
        if self._signing is None:
            self._signing = self.add()
        return self._signing


def _kid_of(entry: Entry) -> object:
    return entry.kid if isinstance(entry, SigningKey) else entry.get("kid")
