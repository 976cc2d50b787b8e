"""The authenticated form of a record: whoever can write to the store, but does not know the secret, writes in vain."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable

import pytest

from bearergate.core.key_record import BadRecord, source_digest
from bearergate.core.policy import KeySource
from bearergate.core.sealing import MIN_SECRET_BYTES, seal, sealed_size, unseal
from tests.core.records import ISSUER, RECORD, SOURCE, jwks, record

SECRET = bytes(range(32))
ELSEWHERE = source_digest("https://elsewhere.test", KeySource())
SEALED = seal(RECORD, SECRET)
WRONG_CODE = "its authentication code is wrong"


def refused(raw: bytes, source: str = SOURCE, secret: bytes = SECRET) -> str:
    with pytest.raises(BadRecord) as caught:
        unseal(raw, source, secret)
    return str(caught.value)


def sealed_by_hand(body: bytes, source: str = SOURCE, secret: bytes = SECRET) -> bytes:
    """What somebody who knows the secret could put there; from RFC 2104, not from the code under test."""
    code = hmac.new(secret, b"bearergate shared keys 1\n" + source.encode() + b"\n" + body, hashlib.sha256).hexdigest()
    return code.encode() + b"\n" + body


def test_who_knows_the_secret_reads_what_was_sealed() -> None:
    assert unseal(SEALED, SOURCE, SECRET) == RECORD


def test_the_code_is_hmac_sha_256_over_purpose_source_and_body() -> None:
    _, _, body = SEALED.partition(b"\n")
    assert sealed_by_hand(body) == SEALED
    assert json.loads(body) == RECORD.members()


def test_no_single_bit_may_change_anywhere() -> None:
    for position in range(len(SEALED)):
        for bit in range(8):
            changed = bytearray(SEALED)
            changed[position] ^= 1 << bit
            assert refused(bytes(changed)) == WRONG_CODE, (position, bit)


def test_no_byte_may_be_missing_at_the_end() -> None:
    for length in range(len(SEALED)):
        assert refused(SEALED[:length]) == WRONG_CODE


@pytest.mark.parametrize("position", [0, 1, 63, 64, 65, 66, len(SEALED) // 2, len(SEALED) - 1, len(SEALED)])
@pytest.mark.parametrize("extra", [b" ", b"\n", b"\0", b"0", b"{}", b"x" * 100_000])
def test_no_byte_may_be_added(position: int, extra: bytes) -> None:
    assert refused(SEALED[:position] + extra + SEALED[position:]) == WRONG_CODE


@pytest.mark.parametrize(
    "secret",
    [bytes(32), SECRET[:-1] + b"\0", SECRET[1:], SECRET + b"\1", SECRET[::-1], b"", b"\0" * 64],
)
def test_another_secret_opens_nothing(secret: bytes) -> None:
    assert refused(SEALED, secret=secret) == WRONG_CODE


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n",
        b"{}",
        b"\n{}",
        b"0" * 64,
        b"0" * 64 + b"\n",
        b"0" * 64 + b"\n{}",
        b"\xff" * 64 + b"\n{}",
        b"z" * 64 + b"\n{}",
        SEALED[65:],
        b"\n" + SEALED[65:],
        SEALED[:64].upper() + SEALED[64:],
        b" " + SEALED,
        SEALED[:64] + b"\r\n" + SEALED[65:],
        SEALED + SEALED,
        b"x" * 5_000_000,
        b"0" * 64 + b"\n" + b"[" * 1_000_000,
    ],
    ids=range(17),
)
def test_what_was_never_sealed_is_refused_before_it_is_read(raw: bytes) -> None:
    assert refused(raw) == WRONG_CODE


def test_a_record_cannot_be_moved_to_the_place_of_another_issuer() -> None:
    assert refused(SEALED, ELSEWHERE) == WRONG_CODE
    assert refused(seal(record(source=ELSEWHERE), SECRET)) == WRONG_CODE


def test_a_record_that_names_another_place_than_the_one_it_was_sealed_for_is_refused() -> None:
    body = json.dumps(record(source=ELSEWHERE).members()).encode()
    assert refused(sealed_by_hand(body)) == "it belongs to another configuration"


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda body: b"[]", "JSON is not an object"),
        (lambda body: b"", "not strict JSON"),
        (lambda body: b"{}", "a member is missing or of the wrong type"),
        (lambda body: body.replace(b"600.0", b"1e999"), "JSON number is not finite"),
        (
            lambda body: body.replace(b"600.0", b'600.0, "ttl": 601.0'),
            "JSON object names a member twice",
        ),
        (lambda body: body.replace(b"\\\"kty\\\"", b"\\\"ktx\\\""), "the key set is not the one that its sha256 names"),
    ],
    ids=range(6),
)  # fmt: skip
def test_the_secret_does_not_make_nonsense_readable(spoil: Callable[[bytes], bytes], problem: str) -> None:
    body = SEALED.partition(b"\n")[2]
    assert spoil(body) != body
    assert refused(sealed_by_hand(spoil(body))).endswith(problem)


def test_a_refusal_repeats_nothing_of_what_was_refused() -> None:
    body = json.dumps({**RECORD.members(), "issuer": "hunter2", "source": "hunter2"}).encode()
    assert "hunter2" not in refused(sealed_by_hand(body))
    assert "hunter2" not in refused(b"hunter2\n" + body)


@pytest.mark.parametrize(
    "document",
    [
        b'{"keys": [' + b'""' * 100_000 + b"]}",
        b'{"keys": []}' + b"\n" * 200_000,
        b'{"keys": ["' + b"\\\\" * 100_000 + b'"]}',
        '{"keys": ["größe"]}'.encode() + b"\t" * 200_000,
        b'{"keys": ["' + b"\x7f" * 200_000 + b'"]}',
        b'{"keys": ["' + "\u2028\U0001f511".encode() * 30_000 + b'"]}',
        jwks(),
    ],
    ids=range(7),
)
def test_every_record_that_can_be_sealed_is_no_larger_than_what_is_loaded(document: bytes) -> None:
    longest = "https://issuer.test/" + "a" * 2028
    largest = record(document=document, jwks_uri=longest, issuer=longest, etag='"' * 256, sequence=10**20 - 1)
    sealed = seal(largest, SECRET)
    assert len(sealed) <= sealed_size(len(document))
    assert unseal(sealed, SOURCE, SECRET) == largest


def test_every_fetch_gives_another_code() -> None:
    codes = {seal(record(sequence=number), SECRET)[:64] for number in range(3)}
    assert len(codes | {seal(record(issuer=ISSUER + "/x"), SECRET)[:64], SEALED[:64]}) == 5


def test_a_secret_is_as_long_as_the_code() -> None:
    # RFC 2104 section 3: a key shorter than the output of the hash function weakens the code.
    assert hashlib.sha256().digest_size == MIN_SECRET_BYTES
