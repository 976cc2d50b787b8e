"""The algorithm table (RFC 7518 section 3, RFC 8037) and the verification of one signature with one key.

The family is decided by the key's type, never by text of the header. Knows no issuer and no claim.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from bearergate.core.errors import refusal
from bearergate.core.reasons import Reason

PublicKey: TypeAlias = RSAPublicKey | ec.EllipticCurvePublicKey | Ed25519PublicKey

Verifier: TypeAlias = Callable[[bytes, bytes], bool]
"""Whether a signature over a signing input holds, for one algorithm and one key."""

UNSUPPORTED_MEMBERS: Final = ("crit", "b64", "zip", "cty")
"""Header members whose mere presence refuses a token: each would change how it must be processed."""


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One signature algorithm: the key it needs and how it verifies."""

    name: str
    kty: str
    curve: str | None = None
    hash: hashes.HashAlgorithm | None = None
    padding: AsymmetricPadding | None = None
    coordinate: int = 0
    """Bytes of each half of an ECDSA signature (RFC 7518 section 3.4)."""
    order: int = 0
    """Order of the curve's base point."""

    def verify(self, key: PublicKey, signature: bytes, signing_input: bytes) -> bool:
        """Whether the signature holds. A key of another family never verifies anything."""
        return self.verifier(key)(signature, signing_input)

    def verifier(self, key: PublicKey) -> Verifier:
        """The verification with this key, ready for any number of signatures."""
        if isinstance(key, RSAPublicKey) and self.padding and self.hash:
            return self._rsa_verifier(key, self.padding, self.hash)
        if isinstance(key, ec.EllipticCurvePublicKey) and self.coordinate and self.hash:
            return self._ecdsa_verifier(key, self.hash)
        if isinstance(key, Ed25519PublicKey) and self.kty == "OKP":
            return self._ed25519_verifier(key)
        return _verify_nothing

    def _rsa_verifier(self, key: RSAPublicKey, scheme: AsymmetricPadding, digest: hashes.HashAlgorithm) -> Verifier:
        verify_signature = key.verify

        def verify(signature: bytes, signing_input: bytes) -> bool:
            try:
                verify_signature(signature, signing_input, scheme, digest)
            except InvalidSignature:
                return False
            return True

        return verify

    def _ecdsa_verifier(self, key: ec.EllipticCurvePublicKey, digest: hashes.HashAlgorithm) -> Verifier:
        verify_signature, coordinate, order, scheme = key.verify, self.coordinate, self.order, ec.ECDSA(digest)

        def verify(signature: bytes, signing_input: bytes) -> bool:
            # The length is judged before anything is converted: a raw pair of another size must never reach DER.
            if len(signature) != 2 * coordinate:
                return False
            r = int.from_bytes(signature[:coordinate], "big")
            s = int.from_bytes(signature[coordinate:], "big")
            if not (0 < r < order and 0 < s < order):
                return False
            try:
                verify_signature(encode_dss_signature(r, s), signing_input, scheme)
            except InvalidSignature:
                return False
            return True

        return verify

    def _ed25519_verifier(self, key: Ed25519PublicKey) -> Verifier:
        verify_signature = key.verify

        def verify(signature: bytes, signing_input: bytes) -> bool:
            try:
                verify_signature(signature, signing_input)
            except InvalidSignature:
                return False
            return True

        return verify


def _verify_nothing(_signature: bytes, _signing_input: bytes) -> bool:
    return False


def _rsa(name: str, digest: hashes.HashAlgorithm) -> Algorithm:
    return Algorithm(name, "RSA", hash=digest, padding=padding.PKCS1v15())


def _pss(name: str, digest: hashes.HashAlgorithm) -> Algorithm:
    # RFC 7518 section 3.5 fixes the salt to the size of the hash.
    return Algorithm(name, "RSA", hash=digest, padding=padding.PSS(padding.MGF1(digest), digest.digest_size))


def _ecdsa(name: str, curve: str, digest: hashes.HashAlgorithm, coordinate: int, order: int) -> Algorithm:
    return Algorithm(name, "EC", curve=curve, hash=digest, coordinate=coordinate, order=order)


_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_P384_ORDER: Final = int(
    "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973", 16
)
_P521_ORDER: Final = int(
    "01FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFA"
    "51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409",
    16,
)

ALGORITHMS: Final[dict[str, Algorithm]] = {
    algorithm.name: algorithm
    for algorithm in (
        _rsa("RS256", hashes.SHA256()),
        _rsa("RS384", hashes.SHA384()),
        _rsa("RS512", hashes.SHA512()),
        _pss("PS256", hashes.SHA256()),
        _pss("PS384", hashes.SHA384()),
        _pss("PS512", hashes.SHA512()),
        _ecdsa("ES256", "P-256", hashes.SHA256(), 32, _P256_ORDER),
        _ecdsa("ES384", "P-384", hashes.SHA384(), 48, _P384_ORDER),
        _ecdsa("ES512", "P-521", hashes.SHA512(), 66, _P521_ORDER),
        Algorithm("EdDSA", "OKP", curve="Ed25519"),
        Algorithm("Ed25519", "OKP", curve="Ed25519"),
    )
}
"""Every algorithm that a policy may allow, by its `alg` name; also the default allow-list."""

SLOW_ALGORITHMS: Final = frozenset({"ES384", "ES512"})
"""Algorithms whose verification takes more than about 200 microseconds."""


def canonical_name(alg: str) -> str:
    """`EdDSA` with an Ed25519 key and `Ed25519` are one algorithm (RFC 9864)."""
    return "Ed25519" if alg == "EdDSA" else alg


def is_allowed(alg: str, allowed: Iterable[str]) -> bool:
    """Whether an allow-list names the algorithm, under either of its names."""
    return canonical_name(alg) in map(canonical_name, allowed)


def check_unsupported_members(members: Container[str]) -> None:
    """Refuse a header that demands processing we do not do (RFC 7515 section 4.1.11, RFC 7797, RFC 7519)."""
    for name in UNSUPPORTED_MEMBERS:
        if name in members:
            raise refusal(Reason.CRIT_NOT_SUPPORTED, name)


def check_signed_alg(alg: str) -> None:
    """Refuse `none` and every shared-secret algorithm before any key is looked up (RFC 8725 section 3.1)."""
    folded = alg.casefold()
    if folded == "none" or folded.startswith("hs"):
        raise refusal(Reason.ALG_NOT_ALLOWED, "alg")
