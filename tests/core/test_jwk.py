"""A token gets the keys that fit it and no others."""

from __future__ import annotations

import pytest

from bearergate.core.errors import KeyNotFound
from bearergate.core.jwk import MAX_CANDIDATES
from bearergate.core.jwt import JoseHeader
from bearergate.core.reasons import Reason
from bearergate.testing.signing import new_key
from tests.core.key_sets import EC, ED, RSA, number, parse, without


def header(alg: str, kid: str | None = None) -> JoseHeader:
    return JoseHeader(alg, kid, None)


@pytest.mark.parametrize(
    ("alg", "kid", "expected"),
    [
        ("RS256", "rsa", ["rsa"]),
        ("ES256", "ec", ["ec"]),
        ("EdDSA", "ed", ["ed"]),
        ("Ed25519", "ed", ["ed"]),
        ("ES256", None, ["ec"]),
        ("Ed25519", None, ["ed"]),
    ],
)
def test_a_token_gets_the_key_it_names_or_the_only_one_that_fits(
    alg: str, kid: str | None, expected: list[str]
) -> None:
    found = parse(RSA, EC, ED)
    assert [key.kid for key in found.select(header(alg, kid))] == expected
    assert found.decides(header(alg, kid))


@pytest.mark.parametrize(
    ("alg", "kid", "reason", "decided"),
    [
        ("RS256", "nobody's", Reason.KEY_UNKNOWN, False),
        ("RS256", "", Reason.KEY_UNKNOWN, False),
        ("RS256", "dropped", Reason.KEY_UNUSABLE, True),
        ("ES256", "rsa", Reason.KEY_UNUSABLE, True),
        ("PS256", "rsa", Reason.KEY_UNUSABLE, True),  # the JWK says RS256
        ("ES384", "ec", Reason.KEY_UNUSABLE, True),
        ("HS256", "rsa", Reason.KEY_UNUSABLE, True),
        ("ES384", None, Reason.KEY_UNKNOWN, False),
        ("HS256", None, Reason.KEY_UNKNOWN, False),
        ("RS256", None, Reason.KEY_AMBIGUOUS, True),
    ],
)
def test_a_token_without_a_usable_key_is_refused(alg: str, kid: str | None, reason: Reason, decided: bool) -> None:
    second = without(new_key("RS256").jwk(), kid="rsa2")
    found = parse(RSA, second, EC, without(RSA, kid="dropped", use="enc"), without(EC, "kid", use="enc"))
    with pytest.raises(KeyNotFound) as caught:
        found.select(header(alg, kid))
    assert caught.value.reason is reason
    assert found.decides(header(alg, kid)) is decided


def test_all_keys_of_one_kid_that_fit_are_tried_at_most_four() -> None:
    same = [without(new_key("ES256").jwk(), kid="same") for _ in range(6)]
    found = parse(without(RSA, kid="same"), without(EC, kid="same", use="enc"), *same)
    assert len(found.select(header("ES256", "same"))) == MAX_CANDIDATES == 4
    assert len(found.select(header("RS256", "same"))) == 1


def test_a_key_without_kid_is_never_found_by_one() -> None:
    found = parse(without(RSA, "kid"))
    assert found.select(header("RS256"))
    with pytest.raises(KeyNotFound):
        found.select(header("RS256", "rsa"))


def test_a_key_without_alg_fits_every_algorithm_of_its_type() -> None:
    found = parse(without(RSA, "alg"), without(EC, "alg"))
    for alg in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"):
        assert [key.kid for key in found.select(header(alg))] == ["rsa"]
    with pytest.raises(KeyNotFound):
        found.select(header("ES512", "ec"))


def test_large_keys_are_known() -> None:
    assert not parse(RSA, EC).has_large_keys
    assert parse(EC, without(RSA, n=number(1 << 4096 | 1))).has_large_keys


def test_large_keys_and_large_curves_are_slow() -> None:
    assert not any(parse(RSA, EC).is_slow(header(alg)) for alg in ("RS256", "PS512", "ES256", "EdDSA"))
    assert all(parse(EC).is_slow(header(alg)) for alg in ("ES384", "ES512"))
    assert parse(without(RSA, n=number(1 << 4096 | 1))).is_slow(header("RS256"))
