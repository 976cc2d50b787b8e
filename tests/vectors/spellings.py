"""What an attacker does to a good signature and to a good segment: every change has a name that vectors use.

A change that would change nothing is an error: a vector must not be accepted because its attack never happened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from bearergate.core.jws import ALGORITHMS
from bearergate.testing.signing import base64url
from tests.vectors.keys import NamedKey

_ED25519_ORDER: Final = 2**252 + 27742317777372353535851937790883648493
_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

SignatureChange: TypeAlias = Callable[[bytes, NamedKey], bytes]


def _halves(signature: bytes) -> tuple[bytes, bytes]:
    middle = len(signature) // 2
    return signature[:middle], signature[middle:]


def _order(key: NamedKey) -> int:
    return ALGORITHMS[key.alg].order


def _order_bytes(signature: bytes, key: NamedKey) -> bytes:
    return _order(key).to_bytes(len(signature) // 2, "big")


def _other_s(signature: bytes, key: NamedKey) -> bytes:
    r, s = _halves(signature)
    return r + (_order(key) - int.from_bytes(s, "big")).to_bytes(len(s), "big")


def _der(signature: bytes, key: NamedKey) -> bytes:
    r, s = _halves(signature)
    return encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))


def _plus_modulus(signature: bytes, key: NamedKey) -> bytes:
    modulus = key.private.public_key().public_numbers().n  # type: ignore[union-attr]
    return (int.from_bytes(signature, "big") + modulus).to_bytes(len(signature) + 1, "big")


def _plus_order(signature: bytes, key: NamedKey) -> bytes:
    point, scalar = _halves(signature)
    return point + (int.from_bytes(scalar, "little") + _ED25519_ORDER).to_bytes(32, "little")


SIGNATURE_CHANGES: Final[Mapping[str, SignatureChange]] = {
    "empty": lambda signature, _: b"",
    "one byte": lambda signature, _: signature[:1],
    "first half": lambda signature, _: _halves(signature)[0],
    "last byte cut": lambda signature, _: signature[:-1],
    "first byte cut": lambda signature, _: signature[1:],
    "zero appended": lambda signature, _: signature + b"\0",
    "zero prepended": lambda signature, _: b"\0" + signature,
    "twice": lambda signature, _: signature * 2,
    "all zeros": lambda signature, _: bytes(len(signature)),
    "all ones": lambda signature, _: b"\xff" * len(signature),
    "first bit flipped": lambda signature, _: bytes([signature[0] ^ 0x80]) + signature[1:],
    "last bit flipped": lambda signature, _: signature[:-1] + bytes([signature[-1] ^ 1]),
    "reversed": lambda signature, _: signature[::-1],
    # ECDSA.
    "r zero": lambda signature, _: bytes(len(signature) // 2) + _halves(signature)[1],
    "s zero": lambda signature, _: _halves(signature)[0] + bytes(len(signature) // 2),
    "r one, s one": lambda signature, _: (bytes(len(signature) // 2 - 1) + b"\1") * 2,
    "r the order": lambda signature, key: _order_bytes(signature, key) + _halves(signature)[1],
    "s the order": lambda signature, key: _halves(signature)[0] + _order_bytes(signature, key),
    "halves swapped": lambda signature, _: b"".join(reversed(_halves(signature))),
    "each half one byte wider": lambda signature, _: b"".join(b"\0" + half for half in _halves(signature)),
    "DER": _der,
    "the other s": _other_s,
    # RSA.
    "plus the modulus": _plus_modulus,
    # Ed25519.
    "plus the order": _plus_order,
    "neutral point": lambda signature, _: b"\1" + bytes(63),
}


def change_signature(name: str, signature: bytes, key: NamedKey) -> bytes:
    """The signature after a named change."""
    changed = SIGNATURE_CHANGES[name](signature, key)
    if changed == signature:
        raise ValueError(f"{name} changes nothing of this signature")
    return changed


def _not_canonical(text: str) -> str:
    if len(text) % 4 == 0:
        raise ValueError("a segment without unused bits has one spelling only")
    return text[:-1] + _ALPHABET[_ALPHABET.index(text[-1]) + 1]


def _standard_alphabet(text: str) -> str:
    return text.replace("-", "+").replace("_", "/")


SPELLINGS: Final[Mapping[str, Callable[[str], str]]] = {
    "padded": lambda text: text + "=" * (-len(text) % 4),
    "over-padded": lambda text: text + "====",
    "not canonical": _not_canonical,
    "standard alphabet": _standard_alphabet,
    "space inside": lambda text: f"{text[:4]} {text[4:]}",
    "newline inside": lambda text: f"{text[:4]}\n{text[4:]}",
    "tab inside": lambda text: f"{text[:4]}\t{text[4:]}",
    "newline at the end": lambda text: text + "\n",
    "NUL inside": lambda text: f"{text[:4]}\0{text[4:]}",
    "percent-encoded": lambda text: f"%{ord(text[0]):02X}{text[1:]}",
    "one more character": lambda text: text + "A" * (1 + (4 - len(text)) % 4),
    "hexadecimal": lambda text: text.encode().hex(),
    "encoded twice": lambda text: base64url(text.encode()),
}


def spell(name: str, text: str) -> str:
    """The segment in another spelling."""
    spelled = SPELLINGS[name](text)
    if spelled == text:
        raise ValueError(f"{name} changes nothing of this segment")
    return spelled
