"""Verification keys, and the choice among an issuer's keys for one token (RFC 7515 section 6, RFC 7517).

Knows no document, no network and no age: core/screening.py makes a set of a document.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bearergate.core.derived import Derived
from bearergate.core.errors import refusal
from bearergate.core.jws import ALGORITHMS, SLOW_ALGORITHMS, Algorithm, PublicKey, Verifier, canonical_name
from bearergate.core.jwt import JoseHeader
from bearergate.core.reasons import Reason

MAX_CANDIDATES: Final = 4
LARGE_RSA_BITS: Final = 4096


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key that may verify tokens of one issuer."""

    kid: str | None
    kty: str
    curve: str | None
    alg: str | None
    """Canonical `alg` of the JWK, or None when any algorithm that fits the key may be used."""
    public_key: PublicKey
    _verifiers: dict[str, Verifier] = field(default_factory=dict, init=False, repr=False, compare=False)

    def verifier(self, algorithm: Algorithm) -> Verifier:
        """The verification with this key by that algorithm, prepared once."""
        prepared = self._verifiers.get(algorithm.name)
        if prepared is None:
            prepared = self._verifiers[algorithm.name] = algorithm.verifier(self.public_key)
        return prepared

    def material(self) -> bytes:
        """The key itself, in one spelling (RFC 5280 SubjectPublicKeyInfo)."""
        return self.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def fits(self, algorithm: Algorithm) -> bool:
        """Whether the algorithm fits the key's type and curve and equals the JWK's `alg` when it has one."""
        if self.kty != algorithm.kty or self.curve != algorithm.curve:
            return False
        return self.alg is None or self.alg == canonical_name(algorithm.name)


@dataclass(frozen=True, slots=True)
class DroppedKey:
    """An entry that screening refused; `alarm` marks one that should never have been published."""

    kid: str | None
    why: str
    alarm: bool


@dataclass(frozen=True)
class KeySet:
    """The usable keys of one document, immutable."""

    keys: tuple[VerificationKey, ...]
    dropped: tuple[DroppedKey, ...] = ()

    @Derived
    def _by_kid(self) -> dict[str, list[VerificationKey]]:
        named: dict[str, list[VerificationKey]] = {}
        for key in self.keys:
            if key.kid is not None:
                named.setdefault(key.kid, []).append(key)
        return named

    @Derived
    def _selected(self) -> dict[tuple[str, str], tuple[VerificationKey, ...]]:
        """What was selected before: as many entries as the set has kids and algorithms that fit, at most."""
        return {}

    @Derived
    def has_large_keys(self) -> bool:
        """Whether one of them is large enough to make its verifications slow (RSA over 4096 bits)."""
        return any(
            isinstance(key.public_key, RSAPublicKey) and key.public_key.key_size > LARGE_RSA_BITS for key in self.keys
        )

    def is_slow(self, header: JoseHeader) -> bool:
        """Whether verifying a token may take long enough to hold an event loop up."""
        return header.alg in SLOW_ALGORITHMS or self.has_large_keys

    @Derived
    def kids(self) -> frozenset[str]:
        """The names of all keys, usable or not."""
        return self._dropped_kids.union(self._by_kid)

    @Derived
    def _dropped_kids(self) -> frozenset[str]:
        return frozenset(entry.kid for entry in self.dropped if entry.kid is not None)

    @Derived
    def _identities(self) -> frozenset[tuple[str | None, str | None, bytes]]:
        return frozenset((key.kid, key.alg, key.material()) for key in self.keys)

    def keeps(self, earlier: KeySet) -> bool:
        """Whether every key of an earlier set is in this one, with the same material, and tried as it was."""
        if self is earlier:
            return True
        crowded = any(len(keys) > MAX_CANDIDATES for keys in self._by_kid.values())
        return not crowded and self._identities >= earlier._identities

    def decides(self, header: JoseHeader) -> bool:
        """Whether this set alone settles which key verifies the token, so that fetching would be waste."""
        if header.kid is None:
            return bool(_fitting(self.keys, header))
        return header.kid in self.kids

    def select(self, header: JoseHeader) -> tuple[VerificationKey, ...]:
        """The keys to try for a token, at most 4; raises KeyNotFound (RFC 7515 section 6)."""
        if header.kid is None:
            fitting = _fitting(self.keys, header)
            if not fitting:
                raise refusal(Reason.KEY_UNKNOWN, "kid")
            if len(fitting) > 1:
                raise refusal(Reason.KEY_AMBIGUOUS, "kid")
            return fitting
        found = self._selected.get((header.kid, header.alg))
        if found is not None:
            return found
        if header.kid not in self._by_kid:
            known = header.kid in self._dropped_kids
            raise refusal(Reason.KEY_UNUSABLE if known else Reason.KEY_UNKNOWN, "kid")
        fitting = _fitting(self._by_kid[header.kid], header)
        if not fitting:
            raise refusal(Reason.KEY_UNUSABLE, "alg")
        found = self._selected[header.kid, header.alg] = fitting[:MAX_CANDIDATES]
        return found


def _fitting(keys: Iterable[VerificationKey], header: JoseHeader) -> tuple[VerificationKey, ...]:
    algorithm = ALGORITHMS.get(header.alg)
    return () if algorithm is None else tuple(key for key in keys if key.fits(algorithm))
