"""From a JWK Set document (RFC 7517) to a set of usable keys.

Entries are judged one by one and a bad one never fails the set. Keys are imported through joserfc, lazily: this is
the only file of the core that may. Knows no token.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bearergate.core.claims import Json
from bearergate.core.encoding import NotStrict, decode_base64url, decode_json_object
from bearergate.core.jwk import DroppedKey, KeySet, VerificationKey
from bearergate.core.jws import ALGORITHMS, PublicKey, canonical_name
from bearergate.core.metadata import ENTRA_V1, ENTRA_V2

MAX_KEYS: Final = 1000
MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192
_MAX_RSA_TEXT: Final = MAX_RSA_BITS // 6 + 8
_MIN_RSA_EXPONENT: Final = 3
_MAX_RSA_EXPONENT_BITS: Final = 64
"""OpenSSL's own bound for a modulus of more than 3072 bits; without it one verification takes up to 10 ms."""
_SMALL_ORDER: Final = frozenset(
    {
        0,
        1,
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
        2**255 - 20,
        2**255 - 19,
        2**255 - 18,
    }
)
"""The y coordinates, in every spelling, of the Ed25519 points whose order divides 8."""
_CURVES: Final = {"EC": ("P-256", "P-384", "P-521"), "OKP": ("Ed25519",)}
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_NUMBERS: Final = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
_TENANT: Final = re.compile(r"/([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})(?:/|$)")


class KeySetError(ValueError):
    """The document is no usable JWK Set. One sentence; nothing of the document is in it."""


class _Unusable(Exception):
    """One entry of a set cannot verify tokens."""

    def __init__(self, why: str, *, alarm: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.alarm = alarm


def load_importer() -> None:
    """Load what keys are imported with, so that no later thread has to.

    A process that forks while another of its threads loads a module can never load it in the child.
    """
    import_module("joserfc.jwk")


def parse_jwk_set(raw: bytes, *, tenant_of: str | None = None, max_keys: int = MAX_KEYS) -> KeySet:
    """Read a JWK Set; raises KeySetError when the document as a whole cannot be used.

    `tenant_of`: the configured Entra issuer whose keys are wanted; then a JWK's `issuer` member must name its
    tenant (Entra publishes the keys of several issuers in one document). None: the member is ignored.
    """
    try:
        entries = decode_json_object(raw).get("keys")
    except NotStrict as problem:
        raise KeySetError(f"the JWK Set is not strict JSON: {problem}") from None
    if not isinstance(entries, list) or not entries:
        raise KeySetError("the JWK Set has no non-empty list 'keys'")
    if len(entries) > max_keys:
        raise KeySetError(f"the JWK Set holds more than {max_keys} keys")
    keys: list[VerificationKey] = []
    dropped: list[DroppedKey] = []
    for entry in entries:
        try:
            keys.append(_screen(entry, tenant_of))
        except _Unusable as bad:
            dropped.append(DroppedKey(_kid_of(entry), bad.why, bad.alarm))
    return KeySet(tuple(keys), tuple(dropped))


def _kid_of(entry: Json) -> str | None:
    kid = entry.get("kid") if isinstance(entry, dict) else None
    return kid if isinstance(kid, str) else None


def _screen(entry: Json, tenant_of: str | None) -> VerificationKey:
    if not isinstance(entry, dict):
        raise _Unusable("is not an object")
    kty = entry.get("kty")
    if kty == "oct" or not _PRIVATE.isdisjoint(entry):
        raise _Unusable("holds secret or private key material", alarm=True)
    if not isinstance(kty, str) or kty not in _NUMBERS:
        raise _Unusable("has an unknown kty")
    if not isinstance(entry.get("kid", ""), str):
        raise _Unusable("has a kid that is no string")
    _screen_purpose(entry)
    _screen_tenant(entry, tenant_of)
    curve = entry.get("crv") if kty in _CURVES else None
    if kty in _CURVES and curve not in _CURVES[kty]:
        raise _Unusable("has an unknown crv")
    if kty == "RSA":
        _screen_rsa(entry)
    key = VerificationKey(
        _kid_of(entry), kty, curve if isinstance(curve, str) else None, _alg_of(entry), _import(entry)
    )
    _screen_order(key.public_key)
    if key.alg is not None and not key.fits(ALGORITHMS[key.alg]):
        raise _Unusable("has an alg that does not fit its key type")
    return key


def _screen_purpose(entry: dict[str, Json]) -> None:
    if entry.get("use", "sig") != "sig":
        raise _Unusable("is not for signatures (use)")
    operations = entry.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise _Unusable("is not for verification (key_ops)")


def _screen_tenant(entry: dict[str, Json], tenant_of: str | None) -> None:
    issuer = entry.get("issuer")
    if tenant_of is None or issuer is None:
        return
    tenant = _TENANT.search(tenant_of)
    own = {tenant_of}
    if tenant:
        own |= {f"{ENTRA_V1}{tenant[1]}/", f"{ENTRA_V2}{tenant[1]}/v2.0"}
    named = issuer.replace("{tenantid}", tenant[1]) if isinstance(issuer, str) and tenant else issuer
    if not isinstance(named, str) or named not in own:
        raise _Unusable("belongs to another issuer")


def _alg_of(entry: dict[str, Json]) -> str | None:
    if "alg" not in entry:
        return None
    alg = entry["alg"]
    if not isinstance(alg, str) or alg not in ALGORITHMS:
        raise _Unusable("has an alg that is no supported signature algorithm")
    return canonical_name(alg)


def _screen_rsa(entry: dict[str, Json]) -> None:
    modulus, exponent = _unsigned(entry.get("n")), _unsigned(entry.get("e"))
    if not MIN_RSA_BITS <= modulus.bit_length() <= MAX_RSA_BITS:
        raise _Unusable(f"has an RSA modulus outside {MIN_RSA_BITS}-{MAX_RSA_BITS} bits")
    if exponent % 2 == 0 or exponent < _MIN_RSA_EXPONENT or exponent.bit_length() > _MAX_RSA_EXPONENT_BITS:
        raise _Unusable("has an unsafe RSA exponent")
    if has_roca_fingerprint(modulus):
        raise _Unusable("has the fingerprint of a weak RSA generator (CVE-2017-15361)", alarm=True)


def _screen_order(key: PublicKey) -> None:
    """Without knowing any secret, signatures can be made that verify with an Ed25519 point of small order."""
    if isinstance(key, Ed25519PublicKey):
        without_sign = int.from_bytes(key.public_bytes_raw(), "little") % 2**255
        if without_sign in _SMALL_ORDER:
            raise _Unusable("is an Ed25519 point of small order, for which anybody signs", alarm=True)


def _unsigned(text: Json) -> int:
    if not isinstance(text, str) or len(text) > _MAX_RSA_TEXT:
        raise _Unusable("has malformed numbers")
    try:
        return int.from_bytes(decode_base64url(text), "big")
    except NotStrict:
        raise _Unusable("has malformed numbers") from None


def _import(entry: dict[str, Json]) -> PublicKey:
    from joserfc.jwk import import_key

    numbers = {name: entry[name] for name in ("kty", *_NUMBERS[str(entry["kty"])]) if name in entry}
    try:
        # A sub-mapping of public numbers only: parameters such as `use` were judged above, by our rules. joserfc knows
        # more kinds of values and keys than are left by then, hence the types.
        return import_key(numbers).public_key  # type: ignore[arg-type, return-value]
    except Exception:  # noqa: BLE001 - see below
        # joserfc raises a dozen unrelated types for malformed numbers; each means the same to us.
        raise _Unusable("has malformed numbers") from None


_ROCA_PRIMES: Final = tuple(n for n in range(3, 168) if all(n % divisor for divisor in range(2, n)))
_ROCA_RESIDUES: Final = tuple((prime, frozenset(pow(65537, k, prime) for k in range(prime))) for prime in _ROCA_PRIMES)


def has_roca_fingerprint(modulus: int) -> bool:
    """Whether an RSA modulus comes from the generator of CVE-2017-15361.

    Its primes are of the form k*M + 65537^a mod M, so the modulus lies in the group generated by 65537 modulo every
    small prime; a random modulus does so with a probability far below 2^-100.
    """
    return all(modulus % prime in residues for prime, residues in _ROCA_RESIDUES)
