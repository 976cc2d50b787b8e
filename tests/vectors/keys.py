"""The named keys of a run, who publishes them, and the forms in which an attacker holds them; made when asked for.

Private keys exist in memory only. Signs with any key under any algorithm of its family; knows no token.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Final, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bearergate.testing.signing import base64url

Private: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | Ed25519PrivateKey

HOME: Final = "https://issuer.test"
"""The issuer whose policy a vector may change."""
OTHER: Final = "https://other.test"
"""A second trusted issuer. Its keys have kids that the first one uses too."""
LONE: Final = "https://lone.test"
"""A third one, which publishes a single key, without kid."""

_HASHES: Final = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
_CURVES: Final = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
_CURVE_NAMES: Final = {256: "P-256", 384: "P-384", 521: "P-521"}


@dataclass(frozen=True, eq=False)
class NamedKey:
    """A key pair, and the entry under which an issuer publishes it."""

    alg: str
    kid: str | None
    publisher: str | None = HOME
    """None: nobody publishes it."""
    entry: Mapping[str, object] = field(default_factory=dict)
    """Members of its JWK that differ; None leaves one out."""
    bits: int = 2048

    @cached_property
    def private(self) -> Private:
        """The private key, of the family that `alg` needs."""
        if self.alg in _CURVES:
            return ec.generate_private_key(_CURVES[self.alg])
        if self.alg in ("EdDSA", "Ed25519"):
            return Ed25519PrivateKey.generate()
        return rsa.generate_private_key(65537, self.bits)

    def jwk(self) -> dict[str, object]:
        """Its entry in the key set of its publisher."""
        members = {**self.numbers(), "kid": self.kid, "alg": self.alg, "use": "sig", **self.entry}
        return {name: value for name, value in members.items() if value is not None}

    def numbers(self) -> dict[str, str]:
        """The public key as the required members of a JWK, in the order of RFC 7638."""
        public = self.private.public_key()
        if isinstance(public, rsa.RSAPublicKey):
            numbers = public.public_numbers()
            return {"e": _unsigned(numbers.e), "kty": "RSA", "n": _unsigned(numbers.n)}
        if isinstance(public, ec.EllipticCurvePublicKey):
            point, size = public.public_numbers(), (public.key_size + 7) // 8
            x, y = _unsigned(point.x, size), _unsigned(point.y, size)
            return {"crv": _CURVE_NAMES[public.key_size], "kty": "EC", "x": x, "y": y}
        return {"crv": "Ed25519", "kty": "OKP", "x": base64url(public.public_bytes_raw())}

    def sign(self, data: bytes, alg: str) -> bytes:
        """A signature as RFC 7518 section 3 wants it; ECDSA with any hash on any curve."""
        private = self.private
        if isinstance(private, Ed25519PrivateKey):
            return private.sign(data)
        digest = _HASHES[alg[2:]]
        if isinstance(private, rsa.RSAPrivateKey):
            scheme = padding.PSS(padding.MGF1(digest), digest.digest_size) if alg[0] == "P" else padding.PKCS1v15()
            return private.sign(data, scheme, digest)
        size = (private.key_size + 7) // 8
        r, s = decode_dss_signature(private.sign(data, ec.ECDSA(digest)))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def _unsigned(number: int, size: int = 0) -> str:
    return base64url(number.to_bytes(size or (number.bit_length() + 7) // 8, "big"))


_SIGN_ONLY: Final = {"use": None, "key_ops": ["sign"]}
KEYS: Final[Mapping[str, NamedKey]] = {
    "rsa": NamedKey("RS256", "rsa"),
    "rsa-any": NamedKey("RS256", "rsa-any", entry={"alg": None}),
    "pss": NamedKey("PS256", "pss"),
    "p256": NamedKey("ES256", "p256"),
    "p256-any": NamedKey("ES256", "p256-any", entry={"alg": None, "use": None}),
    "p384": NamedKey("ES384", "p384"),
    "p521": NamedKey("ES512", "p521"),
    "ed": NamedKey("EdDSA", "ed"),
    "ed-named": NamedKey("Ed25519", "ed-named"),
    "twin-1": NamedKey("ES256", "twin"),
    "twin-2": NamedKey("ES256", "twin"),
    **{f"crowd-{n}": NamedKey("ES256", "crowd") for n in range(1, 6)},
    # Published, and refused by the screening of the set.
    "encryption": NamedKey("ES256", "encryption", entry={"use": "enc"}),
    "sign-only": NamedKey("ES256", "sign-only", entry=_SIGN_ONLY),
    "mislabelled": NamedKey("ES256", "mislabelled", entry={"alg": "RS256"}),
    "leaked": NamedKey("ES256", "leaked", entry={"d": "AQ"}),
    "weak": NamedKey("RS256", "weak", bits=1024),
    # Published by nobody.
    "retired": NamedKey("ES256", "retired", None),
    "stranger": NamedKey("RS256", "rsa", None),
    "stranger-p256": NamedKey("ES256", "p256", None),
    "stranger-ed": NamedKey("EdDSA", "ed", None),
    # Published by the other two issuers.
    "other-rsa": NamedKey("RS256", "rsa", OTHER),
    "other-p256": NamedKey("ES256", "p256", OTHER),
    "other-only": NamedKey("ES256", "other-only", OTHER),
    "lone": NamedKey("ES256", None, LONE),
}
_SHARED_SECRET: Final = {"kty": "oct", "kid": "shared-secret", "k": base64url(secrets.token_bytes(32))}


@cache
def document_of(publisher: str) -> bytes:
    """The JWK Set of an issuer; the first one's also lists a shared secret, as no set should."""
    entries = [key.jwk() for key in KEYS.values() if key.publisher == publisher]
    return json.dumps({"keys": [*entries, _SHARED_SECRET] if publisher == HOME else entries}).encode()


def _public(encoding: Encoding, form: PublicFormat) -> Callable[[NamedKey], bytes]:
    return lambda key: key.private.public_key().public_bytes(encoding, form)


_pem: Final = _public(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _certificate(key: NamedKey) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer.test")])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.private.public_key(), 1, start, start.replace(year=2036))
    digest = None if isinstance(key.private, Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key.private, digest).public_bytes(Encoding.DER)


def _compact(members: Mapping[str, object]) -> bytes:
    return json.dumps(members, separators=(",", ":"), sort_keys=True).encode()


FORMS: Final[Mapping[str, Callable[[NamedKey], object]]] = {
    "pem": _pem,
    "pem-one-line": lambda key: _pem(key).replace(b"\n", b""),
    "pem-after-a-newline": lambda key: b"\n" + _pem(key),
    "pkcs1-pem": _public(Encoding.PEM, PublicFormat.PKCS1),
    "der": _public(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    "pkcs1-der": _public(Encoding.DER, PublicFormat.PKCS1),
    "ssh": _public(Encoding.OpenSSH, PublicFormat.OpenSSH),
    "raw": _public(Encoding.Raw, PublicFormat.Raw),
    "point": _public(Encoding.X962, PublicFormat.UncompressedPoint),
    "certificate-pem": lambda key: x509.load_der_x509_certificate(_certificate(key)).public_bytes(Encoding.PEM),
    "jwk": NamedKey.jwk,
    "jwk-text": lambda key: json.dumps(key.jwk()),
    "jwk-text-compact": lambda key: _compact(key.jwk()).decode(),
    "jwk-set": lambda key: json.dumps({"keys": [key.jwk()]}),
    "thumbprint": lambda key: base64url(hashlib.sha256(_compact(key.numbers())).digest()),
    "x5c": lambda key: [base64.b64encode(_certificate(key)).decode()],
    "modulus": lambda key: key.numbers()["n"],
}
"""What is publicly known of a key, in every form that libraries take keys in."""
