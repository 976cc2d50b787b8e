"""Signatures of every algorithm, published vectors, and what no key of another family may ever verify."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from bearergate.core.errors import HeaderRejected
from bearergate.core.jws import (
    ALGORITHMS,
    UNSUPPORTED_MEMBERS,
    PublicKey,
    canonical_name,
    check_signed_alg,
    check_unsupported_members,
    is_allowed,
)
from bearergate.core.jwt import decode_signature, split
from bearergate.core.reasons import Reason
from bearergate.core.screening import parse_jwk_set
from bearergate.testing.signing import SigningKey, new_key

DATA = b"signing.input"
KEYS: dict[str, SigningKey] = {alg: new_key(alg) for alg in ALGORITHMS}


def public(key: SigningKey) -> PublicKey:
    found = key.key.public_key
    assert isinstance(found, PublicKey)
    return found


def test_every_algorithm_of_the_table_is_named() -> None:
    assert list(ALGORITHMS) == [
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
    ]  # fmt: skip


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_signature_verifies_over_what_was_signed_and_over_nothing_else(alg: str) -> None:
    key, algorithm = KEYS[alg], ALGORITHMS[alg]
    signature = key.sign(DATA)
    assert algorithm.verify(public(key), signature, DATA)
    assert not algorithm.verify(public(key), signature, DATA + b".")
    assert not algorithm.verify(public(key), bytes([signature[0] ^ 1]) + signature[1:], DATA)
    assert not algorithm.verify(public(new_key(alg)), signature, DATA)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_signature_of_another_length_never_verifies(alg: str) -> None:
    key, algorithm = KEYS[alg], ALGORITHMS[alg]
    signature = key.sign(DATA)
    for bad in (b"", b"\x00", signature[:-1], signature + b"\x00", b"\x00" + signature, signature * 2):
        assert not algorithm.verify(public(key), bad, DATA)


@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize("other", ALGORITHMS)
def test_an_algorithm_verifies_its_own_signatures_only(alg: str, other: str) -> None:
    verified = ALGORITHMS[alg].verify(public(KEYS[other]), KEYS[other].sign(DATA), DATA)
    assert verified is (canonical_name(alg) == canonical_name(other))


@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512"])
def test_an_ecdsa_signature_has_its_exact_length_and_both_halves_in_range(alg: str) -> None:
    algorithm, key = ALGORITHMS[alg], public(KEYS[alg])
    size, order = algorithm.coordinate, algorithm.order
    good = KEYS[alg].sign(DATA)
    assert len(good) == 2 * size
    r, s = good[:size], good[size:]
    zero, whole = bytes(size), order.to_bytes(size, "big")
    for bad in (zero + s, r + zero, zero + zero, whole + s, r + whole, b"\xff" * 2 * size):
        assert not algorithm.verify(key, bad, DATA)
    # The other valid half is a signature too: ECDSA is malleable, tokens are compared whole.
    assert algorithm.verify(key, r + (order - int.from_bytes(s, "big")).to_bytes(size, "big"), DATA)


@pytest.mark.parametrize(
    ("alg", "curve"), [("ES256", ec.SECP256R1()), ("ES384", ec.SECP384R1()), ("ES512", ec.SECP521R1())]
)
def test_the_order_is_that_of_the_curve(alg: str, curve: ec.EllipticCurve) -> None:
    algorithm = ALGORITHMS[alg]
    # The private number n - 1 exists, n does not.
    ec.derive_private_key(algorithm.order - 1, curve)
    with pytest.raises(ValueError, match="out of range"):
        ec.derive_private_key(algorithm.order, curve)
    assert algorithm.coordinate == (curve.key_size + 7) // 8


def test_a_der_signature_is_none_here() -> None:
    key = KEYS["ES256"]
    private = key.key.private_key
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    assert not ALGORITHMS["ES256"].verify(public(key), private.sign(DATA, ECDSA(SHA256())), DATA)
    assert not ALGORITHMS["ES256"].verify(public(key), encode_dss_signature(0, 0), DATA)


RFC7515_A2_KEY = (
    '{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4Ql'
    "L-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7W"
    "TBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcD"
    'TW9gb54h4FRWyuXpoQ","e":"AQAB"}'
)
RFC7515_PAYLOAD = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
RFC7515_A2_TOKEN = (
    f"eyJhbGciOiJSUzI1NiJ9.{RFC7515_PAYLOAD}."
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1d"
    "nZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwu"
    "sC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
)
RFC7515_A3_KEY = (
    '{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",'
    '"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}'
)
RFC7515_A3_TOKEN = (
    f"eyJhbGciOiJFUzI1NiJ9.{RFC7515_PAYLOAD}."
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
)
RFC8037_A4_KEY = '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'
RFC8037_A4_TOKEN = (
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)


@pytest.mark.parametrize(
    ("alg", "jwk", "token"),
    [
        pytest.param("RS256", RFC7515_A2_KEY, RFC7515_A2_TOKEN, id="RFC 7515 A.2"),
        pytest.param("ES256", RFC7515_A3_KEY, RFC7515_A3_TOKEN, id="RFC 7515 A.3"),
        pytest.param("EdDSA", RFC8037_A4_KEY, RFC8037_A4_TOKEN, id="RFC 8037 A.4"),
    ],
)
def test_a_published_vector_verifies(alg: str, jwk: str, token: str) -> None:
    (key,) = parse_jwk_set(f'{{"keys":[{jwk}]}}'.encode()).keys
    segments = split(token)
    signature = decode_signature(segments.signature)
    assert ALGORITHMS[alg].verify(key.public_key, signature, segments.signing_input)
    assert not ALGORITHMS[alg].verify(key.public_key, signature, segments.signing_input + b"x")


def test_eddsa_and_ed25519_are_one_algorithm() -> None:
    assert canonical_name("EdDSA") == canonical_name("Ed25519") == "Ed25519"
    assert canonical_name("RS256") == "RS256"


@pytest.mark.parametrize(
    ("alg", "allowed", "expected"),
    [
        ("RS256", ("RS256", "ES256"), True),
        ("EdDSA", ("Ed25519",), True),
        ("Ed25519", ("EdDSA",), True),
        ("RS256", ("ES256",), False),
        ("RS256", (), False),
        ("rs256", ("RS256",), False),
        ("RS", ("RS256",), False),
    ],
)
def test_an_allow_list_names_an_algorithm_exactly(alg: str, allowed: tuple[str, ...], expected: bool) -> None:
    assert is_allowed(alg, allowed) is expected


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "HS256", "HS384", "HS512", "hs256", "HS1"])
def test_unsigned_and_shared_secret_algorithms_are_refused(alg: str) -> None:
    with pytest.raises(HeaderRejected) as caught:
        check_signed_alg(alg)
    assert (caught.value.reason, caught.value.claim) == (Reason.ALG_NOT_ALLOWED, "alg")


@pytest.mark.parametrize("alg", [*ALGORITHMS, "ES256K", ""])
def test_other_algorithms_are_left_to_the_allow_list(alg: str) -> None:
    check_signed_alg(alg)


@pytest.mark.parametrize("name", UNSUPPORTED_MEMBERS)
@pytest.mark.parametrize("value", [None, [], ["exp"], True, False, "DEF", "JWT", ""])
def test_a_member_that_changes_processing_refuses_by_its_presence(name: str, value: object) -> None:
    with pytest.raises(HeaderRejected) as caught:
        check_unsupported_members({"alg": "RS256", name: value})
    assert (caught.value.reason, caught.value.claim) == (Reason.CRIT_NOT_SUPPORTED, name)


def test_other_members_do_not() -> None:
    check_unsupported_members({"alg": "RS256", "jku": "https://evil.test", "nonce": "x"})


def test_the_vectors_are_those_of_the_rfc() -> None:
    raw = base64.urlsafe_b64decode(RFC7515_PAYLOAD + "=" * (-len(RFC7515_PAYLOAD) % 4))
    assert raw == b'{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}'
