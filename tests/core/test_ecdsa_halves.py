"""The halves of an ECDSA signature are judged here, before any library sees them, and not by the library alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256, Hash

from bearergate.core.jws import ALGORITHMS, PublicKey
from bearergate.testing.signing import SigningKey, new_key

DATA = b"signing.input"
CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
KEY = new_key("ES256")
SIZE = 32


def public(key: SigningKey) -> PublicKey:
    found = key.key.public_key
    assert isinstance(found, PublicKey)
    return found


def signed(holds: Callable[[int, int], bool]) -> tuple[bytes, int, int]:
    """A signature whose halves are as they are wanted; signing again gives other halves."""
    while True:
        signature = KEY.sign(DATA)
        r, s = int.from_bytes(signature[:SIZE], "big"), int.from_bytes(signature[SIZE:], "big")
        if holds(r, s):
            return signature, r, s


@pytest.mark.parametrize("larger", ["r", "s"])
def test_a_half_at_the_order_or_above_is_refused_even_where_the_library_would_take_it(larger: str) -> None:
    signature, r, s = signed(lambda r, s: (r > s) is (larger == "r"))
    algorithm = ALGORITHMS["ES256"]
    # The same true signature, for a curve that were as small as that.
    for order, verified in ((max(r, s), False), (min(r, s), False), (min(r, s) + 1, False), (max(r, s) + 1, True)):
        assert replace(algorithm, order=order).verify(public(KEY), signature, DATA) is verified


def test_a_signature_that_lost_a_leading_zero_is_refused_although_its_numbers_are_right() -> None:
    signature, _, _ = signed(lambda _, s: s.bit_length() <= 8 * (SIZE - 1))
    assert signature[SIZE] == 0
    shortened = signature[:SIZE] + signature[SIZE + 1 :]
    algorithm, key = ALGORITHMS["ES256"], public(KEY)
    assert algorithm.verify(key, signature, DATA) is True
    assert algorithm.verify(key, shortened, DATA) is False


def test_a_half_of_one_is_a_number_like_any_other() -> None:
    curve, order = ec.SECP256R1(), ALGORITHMS["ES256"].order
    digest = Hash(SHA256())
    digest.update(DATA)
    hashed = int.from_bytes(digest.finalize(), "big")
    # With the nonce 7, the private number for which s comes out as 1: s = (hash + r * private) / nonce.
    r = ec.derive_private_key(7, curve).public_key().public_numbers().x % order
    private = (7 - hashed) * pow(r, -1, order) % order
    key = ec.derive_private_key(private, curve).public_key()
    signature = r.to_bytes(SIZE, "big") + (1).to_bytes(SIZE, "big")
    assert ALGORITHMS["ES256"].verify(key, signature, DATA) is True


@pytest.mark.parametrize("alg", CURVES)
def test_a_refused_signature_is_false_and_nothing_else(alg: str) -> None:
    key, algorithm = ec.generate_private_key(CURVES[alg]).public_key(), ALGORITHMS[alg]
    zero, one = bytes(algorithm.coordinate), (1).to_bytes(algorithm.coordinate, "big")
    for signature in (b"", zero + zero, zero + one, one + zero, one + one, one, one + one + b"\x00"):
        assert algorithm.verify(key, signature, DATA) is False


@pytest.mark.parametrize("alg", ["RS256", "PS512", "EdDSA"])
def test_so_is_a_refused_signature_of_another_kind(alg: str) -> None:
    key = new_key(alg)
    assert ALGORITHMS[alg].verify(public(key), key.sign(DATA), DATA) is True
    assert ALGORITHMS[alg].verify(public(key), key.sign(DATA), DATA + b"x") is False
    assert ALGORITHMS[alg].verify(public(KEY), key.sign(DATA), DATA) is False


def test_an_algorithm_that_lacks_a_part_verifies_nothing_and_is_no_fault() -> None:
    rsa = new_key("RS256")
    whole = ((ALGORITHMS["RS256"], rsa), (ALGORITHMS["ES256"], KEY))
    for algorithm, key in whole:
        assert algorithm.verify(public(key), key.sign(DATA), DATA) is True
        assert replace(algorithm, hash=None).verify(public(key), key.sign(DATA), DATA) is False
    assert replace(ALGORITHMS["RS256"], padding=None).verify(public(rsa), rsa.sign(DATA), DATA) is False
    assert replace(ALGORITHMS["ES256"], coordinate=0).verify(public(KEY), KEY.sign(DATA), DATA) is False
