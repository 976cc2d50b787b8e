"""A key set is screened entry by entry: what is bad in it is dropped alone."""

from __future__ import annotations

from typing import Any

import pytest

from bearergate.core.jwk import DroppedKey
from bearergate.core.screening import MAX_KEYS, KeySetError, has_roca_fingerprint, parse_jwk_set
from bearergate.testing.signing import base64url, new_key
from tests.core.key_sets import EC, ED, RSA, number, parse, without

TENANT = "0a1b2c3d-0000-4444-8888-0123456789ab"
ENTRA_V2 = f"https://login.microsoftonline.com/{TENANT}/v2.0"
ENTRA_V1 = f"https://sts.windows.net/{TENANT}/"


@pytest.mark.parametrize(
    "entry",
    [
        RSA,
        EC,
        ED,
        new_key("ES384").jwk(),
        new_key("ES512").jwk(),
        new_key("EdDSA").jwk(),
        without(RSA, "alg", "use", "kid"),
        without(RSA, alg="PS512"),
        without(RSA, "use", key_ops=["verify"]),
        without(RSA, key_ops=["sign", "verify"]),
        without(RSA, x5c=["not a certificate"], x5t=1, unknown={"a": [1]}),
        without(RSA, e="Aw"),
        without(RSA, kid=""),
        without(RSA, issuer="https://anybody.test"),
    ],
)
def test_a_good_key_is_kept(entry: dict[str, Any]) -> None:
    found = parse(entry)
    assert (len(found.keys), found.dropped) == (1, ())
    assert found.keys[0].kid == entry.get("kid")


PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
MODULUS = int.from_bytes(b"\xc5" * 256, "big") | 1


@pytest.mark.parametrize(
    ("entry", "why", "alarm"),
    [
        ("a string", "is not an object", False),
        (["a"], "is not an object", False),
        (None, "is not an object", False),
        ({}, "has an unknown kty", False),
        ({"kty": "oct", "k": "AAAA"}, "holds secret or private key material", True),
        ({"kty": "oct"}, "holds secret or private key material", True),
        *((without(RSA, **{name: "AQAB"}), "holds secret or private key material", True) for name in PRIVATE),
        (without(EC, d="AQAB"), "holds secret or private key material", True),
        (without(RSA, kty="AKP"), "has an unknown kty", False),
        (without(RSA, kty=["RSA"]), "has an unknown kty", False),
        (without(RSA, kty=None), "has an unknown kty", False),
        (without(RSA, kid=7), "has a kid that is no string", False),
        (without(RSA, kid=None), "has a kid that is no string", False),
        (without(RSA, use="enc"), "is not for signatures (use)", False),
        (without(RSA, use=["sig"]), "is not for signatures (use)", False),
        (without(RSA, use=None), "is not for signatures (use)", False),
        (without(RSA, key_ops=["sign"]), "is not for verification (key_ops)", False),
        (without(RSA, key_ops=[]), "is not for verification (key_ops)", False),
        (without(RSA, key_ops="verify"), "is not for verification (key_ops)", False),
        (without(RSA, alg="RSA-OAEP"), "has an alg that is no supported signature algorithm", False),
        (without(RSA, alg="HS256"), "has an alg that is no supported signature algorithm", False),
        (without(RSA, alg=None), "has an alg that is no supported signature algorithm", False),
        (without(RSA, alg=["RS256"]), "has an alg that is no supported signature algorithm", False),
        (without(RSA, alg="ES256"), "has an alg that does not fit its key type", False),
        (without(EC, alg="ES384"), "has an alg that does not fit its key type", False),
        (without(EC, crv="P-192"), "has an unknown crv", False),
        (without(EC, crv="secp256k1"), "has an unknown crv", False),
        (without(EC, "crv"), "has an unknown crv", False),
        (without(EC, crv=["P-256"]), "has an unknown crv", False),
        (without(ED, crv="Ed448"), "has an unknown crv", False),
        (without(ED, crv="X25519"), "has an unknown crv", False),
        (without(RSA, "n"), "has malformed numbers", False),
        (without(RSA, n=5), "has malformed numbers", False),
        (without(RSA, n=f"{RSA['n']}="), "has malformed numbers", False),
        (without(RSA, n=f"!{RSA['n']}"), "has malformed numbers", False),
        (without(RSA, n="A" * 2000), "has malformed numbers", False),
        (without(RSA, e=65537), "has malformed numbers", False),
        (without(EC, "y"), "has malformed numbers", False),
        (without(EC, x="AAAA"), "has malformed numbers", False),
        (without(EC, x=None), "has malformed numbers", False),
        (without(EC, x=EC["y"], y=EC["x"]), "has malformed numbers", False),  # a point off its curve
        (without(EC, "alg", crv="P-384"), "has malformed numbers", False),
        (without(ED, x="AAAA"), "has malformed numbers", False),
        (without(ED, x=["AAAA"]), "has malformed numbers", False),
        (without(RSA, n=number(MODULUS >> 1)), "has an RSA modulus outside 2048-8192 bits", False),
        (without(RSA, n=number((1 << 8192) + 1)), "has an RSA modulus outside 2048-8192 bits", False),
        (without(RSA, e=number(65536)), "has an unsafe RSA exponent", False),
        (without(RSA, e="AQ"), "has an unsafe RSA exponent", False),
        (without(RSA, e=""), "has an unsafe RSA exponent", False),
        (without(RSA, e=number((1 << 64) + 1)), "has an unsafe RSA exponent", False),  # costs 50 times as much
    ],
)  # fmt: skip
def test_a_bad_entry_is_dropped_alone(entry: Any, why: str, alarm: bool) -> None:
    found = parse(entry, EC)
    assert [key.kid for key in found.keys] == ["ec"]
    kid = entry.get("kid") if isinstance(entry, dict) and isinstance(entry.get("kid"), str) else None
    assert found.dropped == (DroppedKey(kid, why, alarm),)


@pytest.mark.parametrize("sign", [0, 0x80])
@pytest.mark.parametrize(
    "point",
    [
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    ],
)
def test_a_key_for_which_anybody_can_sign_is_dropped_with_an_alarm(point: str, sign: int) -> None:
    raw = bytes.fromhex(point)
    small = without(ED, x=base64url(raw[:31] + bytes([raw[31] | sign])))
    (dropped,) = parse(small).dropped
    assert dropped == DroppedKey("ed", "is an Ed25519 point of small order, for which anybody signs", alarm=True)


def roca_modulus() -> int:
    """A product of two numbers of the form k*M + 65537^a mod M, as the weak generator makes them."""
    primorial = 1
    for prime in (n for n in range(2, 702) if all(n % divisor for divisor in range(2, n))):
        primorial *= prime
    bits = 1024 - primorial.bit_length()
    first = (1 << bits | 12345) * primorial + pow(65537, 1234567, primorial)
    second = (1 << bits | 67891) * primorial + pow(65537, 7654321, primorial)
    return first * second


def test_a_key_of_the_weak_generator_is_dropped_with_an_alarm() -> None:
    modulus = roca_modulus()
    assert has_roca_fingerprint(modulus)
    (dropped,) = parse(without(RSA, n=number(modulus))).dropped
    assert "CVE-2017-15361" in dropped.why
    assert dropped.alarm


def test_ordinary_keys_have_no_such_fingerprint() -> None:
    for _ in range(4):
        assert not has_roca_fingerprint(new_key("RS256").key.public_key.public_numbers().n)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"", "not strict JSON"),
        (b"<html>", "not strict JSON"),
        (b"[]", "not strict JSON"),
        (b'{"keys": [], "keys": [{}]}', "not strict JSON"),
        (b"{}", "non-empty list"),
        (b'{"keys": {}}', "non-empty list"),
        (b'{"keys": null}', "non-empty list"),
        (b'{"keys": []}', "non-empty list"),
        (b'{"keys": [' + b"0," * MAX_KEYS + b"0]}", "more than 1000 keys"),
    ],
)
def test_a_document_that_is_no_key_set_is_refused_as_a_whole(raw: bytes, sentence: str) -> None:
    with pytest.raises(KeySetError, match=sentence):
        parse_jwk_set(raw)


def test_a_thousand_keys_are_accepted_or_what_the_caller_says() -> None:
    assert len(parse(*[0] * MAX_KEYS).dropped) == MAX_KEYS
    with pytest.raises(KeySetError, match="more than 2 keys"):
        parse(0, 0, 0, max_keys=2)


def test_a_set_of_which_nothing_is_left_is_still_a_set() -> None:
    found = parse(without(RSA, use="enc"), {"kty": "oct", "k": "AA", "kid": "secret"})
    assert found.keys == ()
    assert [entry.kid for entry in found.dropped] == ["rsa", "secret"]


@pytest.mark.parametrize("configured", [ENTRA_V1, ENTRA_V2])
@pytest.mark.parametrize(
    ("issuer", "kept"),
    [
        (ENTRA_V1, True),
        (ENTRA_V2, True),
        ("https://login.microsoftonline.com/{tenantid}/v2.0", True),
        ("https://sts.windows.net/{tenantid}/", True),
        (None, True),
        ("https://login.microsoftonline.com/11111111-0000-4444-8888-0123456789ab/v2.0", False),
        ("https://login.microsoftonline.com/common/v2.0", False),
        ("", False),
        (7, False),
        ([ENTRA_V2], False),
        ({ENTRA_V2: 1}, False),
    ],
)
def test_an_entra_key_must_belong_to_the_configured_tenant(configured: str, issuer: Any, kept: bool) -> None:
    found = parse(without(RSA, issuer=issuer), EC, tenant_of=configured)
    assert ("rsa" in [key.kid for key in found.keys]) is kept
    assert "ec" in [key.kid for key in found.keys]


def test_without_a_tenant_in_its_name_only_the_issuer_itself_is_meant() -> None:
    own, other = without(RSA, issuer="https://issuer.test"), without(EC, issuer="https://{tenantid}")
    assert [key.kid for key in parse(own, other, tenant_of="https://issuer.test").keys] == ["rsa"]
