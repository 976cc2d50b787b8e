"""Signing keys made at run time, and the compact serialization around what they sign (RFC 7515 section 3.1).

Signs whatever it is given, broken headers and payloads too. Writes nothing to disk and knows no issuer.
"""

from __future__ import annotations

import base64
import itertools
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from bearergate.core.jws import ALGORITHMS

Key: TypeAlias = RSAKey | ECKey | OKPKey
Segment: TypeAlias = Mapping[str, object] | bytes

_RSA_BITS: Final = 2048
# RSA keys take long to make, so the process makes this many and deals them out in turn: two issuers share one only
# when they are that many keys apart.
_RSA_POOL: Final = 16


@dataclass(frozen=True, slots=True, eq=False)
class SigningKey:
    """A private key with the name and the algorithm under which it signs."""

    kid: str
    alg: str
    key: Key = field(repr=False)

    def sign(self, signing_input: bytes) -> bytes:
        """The signature over the bytes."""
        # Asked directly: joserfc's own entry points refuse the broken headers that tests need.
        return JWSRegistry.algorithms[self.alg].sign(signing_input, self.key)

    def jwk(self, **members: object) -> dict[str, object]:
        """The public JWK; `members` are added or replaced."""
        return {**self.key.as_dict(private=False), "kid": self.kid, "alg": self.alg, "use": "sig", **members}


class _Pool:
    """RSA keys of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[int, RSAKey] = {}
        self._dealt = itertools.count()

    def deal(self) -> RSAKey:
        """The next key in turn."""
        with self._lock:
            return self._at(next(self._dealt) % _RSA_POOL)

    def stranger(self) -> RSAKey:
        """A key that is never dealt out."""
        with self._lock:
            return self._at(-1)

    def _at(self, index: int) -> RSAKey:
        if index not in self._made:
            self._made[index] = RSAKey.generate_key(_RSA_BITS)
        return self._made[index]


_POOL: Final = _Pool()
_NUMBERS: Final = itertools.count(1)


def new_key(alg: str, kid: str | None = None) -> SigningKey:
    """A key for the algorithm; without a `kid` it gets one that no other key of this process has."""
    return SigningKey(kid or f"key-{next(_NUMBERS)}", alg, _make(alg, _POOL.deal))


def strangers_key(like: SigningKey) -> SigningKey:
    """Somebody else's key under the same name and algorithm."""
    return SigningKey(like.kid, like.alg, _make(like.alg, _POOL.stranger))


def _make(alg: str, rsa: Callable[[], RSAKey]) -> Key:
    if alg not in ALGORITHMS:
        raise ValueError(f"{alg!r} is no signature algorithm; choose one of {', '.join(ALGORITHMS)}")
    algorithm = ALGORITHMS[alg]
    if algorithm.kty == "RSA":
        return rsa()
    if algorithm.kty == "EC":
        return ECKey.generate_key(algorithm.curve)
    return OKPKey.generate_key("Ed25519")


def base64url(raw: bytes) -> str:
    """Unpadded base64url (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def compact(header: Segment, payload: Segment, sign: Callable[[bytes], bytes]) -> str:
    """A compact token over header and payload; bytes are taken as they are."""
    signing_input = f"{base64url(_bytes_of(header))}.{base64url(_bytes_of(payload))}"
    return f"{signing_input}.{base64url(sign(signing_input.encode('ascii')))}"


def _bytes_of(segment: Segment) -> bytes:
    if isinstance(segment, bytes):
        return segment
    return json.dumps(segment, separators=(",", ":")).encode("utf-8")
