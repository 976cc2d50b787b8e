"""The file form of records: read back as written, refused when damaged, indifferent to how it is laid out."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from bearergate.core.key_record import BadRecord
from bearergate.core.key_snapshot import read_snapshot, write_snapshot
from tests.core.records import RECORD, record

OTHER = record(issuer="https://other.test", document='{"keys": [{"kid": "größe \U0001f511"}]}'.encode(), etag=None)
FILE = write_snapshot([RECORD, OTHER])


def laid_out(**options: Any) -> bytes:
    return json.dumps(json.loads(FILE), **options).encode()


def digest_of(issuers: object) -> str:
    """The digest as anybody can compute it."""
    text = json.dumps(issuers, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def written_by_hand(issuers: object, **members: object) -> bytes:
    document = {"format": "bearergate-keys-1", "sha256": digest_of(issuers), "issuers": issuers}
    return json.dumps({**document, **members}).encode()


def refused(raw: bytes) -> str:
    with pytest.raises(BadRecord) as caught:
        read_snapshot(raw)
    return str(caught.value)


def test_a_snapshot_is_read_back_as_it_was_written() -> None:
    assert read_snapshot(FILE) == (RECORD, OTHER)
    assert read_snapshot(write_snapshot([])) == ()


def test_the_same_records_give_the_same_file() -> None:
    assert write_snapshot([RECORD, OTHER]) == FILE
    assert write_snapshot(iter([RECORD, OTHER])) == FILE
    assert FILE.isascii()
    assert FILE.endswith(b"}\n")


def test_the_digest_is_one_that_anybody_can_compute() -> None:
    assert written_by_hand([RECORD.members(), OTHER.members()]) != FILE
    assert read_snapshot(written_by_hand([RECORD.members(), OTHER.members()])) == (RECORD, OTHER)


@pytest.mark.parametrize("start", range(16))
def test_a_file_with_one_wrong_bit_is_refused_or_says_the_same(start: int) -> None:
    for position in range(start, len(FILE), 16):
        for bit in range(8):
            damaged = FILE[:position] + bytes([FILE[position] ^ 1 << bit]) + FILE[position + 1 :]
            if not _is_refused(damaged):
                # A hexadecimal digit of an escaped character may be a capital letter.
                assert read_snapshot(damaged) == (RECORD, OTHER)
                assert json.loads(damaged) == json.loads(FILE)


@pytest.mark.parametrize("wrong", [b"#", b"\0", b"\xff", b""])
def test_every_wrong_or_missing_byte_that_is_no_space_is_seen(wrong: bytes) -> None:
    for position in range(len(FILE)):
        damaged = FILE[:position] + wrong + FILE[position + 1 :]
        assert _is_refused(damaged) or (not wrong and FILE[position : position + 1].isspace()), position


def _is_refused(raw: bytes) -> bool:
    try:
        read_snapshot(raw)
    except BadRecord:
        return True
    return False


@pytest.mark.parametrize("length", [0, 1, 2, len(FILE) // 3, len(FILE) // 2, len(FILE) - 3, len(FILE) - 2])
def test_half_a_file_is_refused(length: int) -> None:
    refused(FILE[:length])


@pytest.mark.parametrize("options", [{}, {"indent": 8}, {"sort_keys": True}, {"separators": (",", ":")}])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_order_and_indentation_do_not_matter(options: dict[str, Any], ascii_only: bool) -> None:
    assert read_snapshot(laid_out(ensure_ascii=ascii_only, **options)) == (RECORD, OTHER)


def test_members_of_an_issuer_may_be_in_any_order() -> None:
    turned = [dict(reversed(list(entry.members().items()))) for entry in (RECORD, OTHER)]
    assert read_snapshot(written_by_hand(turned)) == (RECORD, OTHER)
    assert read_snapshot(json.dumps(dict(reversed(list(json.loads(FILE).items())))).encode()) == (RECORD, OTHER)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "not strict JSON"),
        (b"[]", "JSON is not an object"),
        (b'{"format": 1, "format": 2}', "names a member twice"),
        (b"{}", "it is no key snapshot of this version"),
        (written_by_hand([], format="bearergate-keys-2"), "it is no key snapshot of this version"),
        (written_by_hand([], format=None), "it is no key snapshot of this version"),
        (b'{"format": "bearergate-keys-1"}', "it is damaged"),
        (written_by_hand({}), "it is damaged"),
        (written_by_hand("text"), "it is damaged"),
        (written_by_hand([], sha256=None), "it is damaged"),
        (written_by_hand([], sha256=digest_of([1])), "it is damaged"),
        (written_by_hand([], sha256=digest_of([]).upper()), "it is damaged"),
        (written_by_hand([RECORD.members(), RECORD.members()]), "it must list every issuer once"),
        (written_by_hand([RECORD.members(), "text"]), "it must list every issuer once"),
        (written_by_hand([None]), "it must list every issuer once"),
        (written_by_hand([{}]), "a member is missing or of the wrong type"),
        (written_by_hand([{**RECORD.members(), "sha256": "0" * 64}]), "not the one that its sha256 names"),
    ],
    ids=range(17),
)
def test_what_is_no_snapshot_is_refused_with_the_reason(raw: bytes, problem: str) -> None:
    assert problem in refused(raw)


def test_one_damaged_issuer_spoils_the_file() -> None:
    members = [RECORD.members(), {**OTHER.members(), "ttl": "600"}]
    assert refused(written_by_hand(members)) == "a member is missing or of the wrong type"


def test_a_refusal_repeats_nothing_of_the_file() -> None:
    assert "hunter2" not in refused(b'{"format": "hunter2"}')
    assert "hunter2" not in refused(written_by_hand(["hunter2"], sha256="hunter2"))
    assert "hunter2" not in refused(written_by_hand([{"issuer": "hunter2"}]))
