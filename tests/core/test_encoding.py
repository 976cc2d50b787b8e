"""What comes from outside is decoded strictly: one spelling of every byte, one reading of every JSON text."""

from __future__ import annotations

import base64
import time

import pytest

from bearergate.core.encoding import DuplicateMember, NotStrict, decode_base64url, decode_json_object


def nested(depth: int) -> bytes:
    return b'{"a":' * (depth - 1) + b"{}" + b"}" * (depth - 1)


@pytest.mark.parametrize("raw", [b"", b"a", b"ab", b"abc", bytes(range(256)), b"\xff\xfe\xfd"])
def test_base64url_without_padding_is_decoded(raw: bytes) -> None:
    assert decode_base64url(base64.urlsafe_b64encode(raw).rstrip(b"=").decode()) == raw


@pytest.mark.parametrize(
    "text",
    [
        "YQ==",  # padded
        "YWI=",
        "Y",  # no length of any bytes
        "YWJjZ",
        "YR",  # unused bits set: another spelling of YQ
        "YWJ",
        "YW Jj",
        "YWJj\n",
        "YW\tJj",
        "+/+/",  # the other alphabet
        "YQ.",
        "YW=j",
        "Yé",
        "YWJ\u0663",  # a digit, but not one of ours
        "é",
        "\ud800aa",
    ],
)
def test_every_other_spelling_is_refused(text: str) -> None:
    with pytest.raises(NotStrict, match=r"^(not base64url|base64url is not canonical)$"):
        decode_base64url(text)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"{}", {}),
        (b' {"a": [1, -2.5, true, null, "x"]}\n', {"a": [1, -2.5, True, None, "x"]}),
        (b'{"a": 12345678901234567890}', {"a": 12345678901234567890}),
        (b'{"a": -12345678901234567890}', {"a": -12345678901234567890}),
        (b'{"a": 1e30}', {"a": 1e30}),
        ('{"ä": "ö"}'.encode(), {"ä": "ö"}),
        (rb'{"a": "\ud83d\ude00"}', {"a": "😀"}),
        (rb'{"a": "\\ud800"}', {"a": r"\ud800"}),
        (b'{"a": {"b": 1}, "b": 1}', {"a": {"b": 1}, "b": 1}),
        (b'{"a": "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\""}', {"a": "[" * 36 + '"'}),
        (b'{"a": [' + b"[]," * 40 + b"1]}", {"a": [[]] * 40 + [1]}),
    ],
)
def test_a_strict_object_is_decoded(raw: bytes, value: object) -> None:
    assert decode_json_object(raw) == value


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b'"a"',
        b"null",
        b"1",
        b"{",
        b"{}x",
        b"{} {}",
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": 01}',
        b'{"a": +1}',
        b'{"a": .5}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e400}',
        b'{"a": 123456789012345678901}',
        b'{"a": -123456789012345678901}',
        b'{"a": ' + b"1" * 5000 + b"}",
        b'{"a": "\x01"}',
        b'{"a": "\n"}',
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        "{}".encode("utf-32-le"),
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',
        rb'{"a": "\ud800"}',
        rb'{"a": "\uDC00\ud800"}',
        rb'{"\udfff": 1}',
        b'{"a": "' + b"[" * 40,
    ],
)
def test_anything_else_is_refused(raw: bytes) -> None:
    with pytest.raises(NotStrict):
        decode_json_object(raw)


def test_objects_nest_32_deep_and_no_deeper() -> None:
    assert decode_json_object(nested(32))
    for depth in (33, 100, 100_000):
        with pytest.raises(NotStrict, match="nested too deeply"):
            decode_json_object(nested(depth))


def test_depth_counts_arrays_and_ignores_text() -> None:
    assert decode_json_object(b'{"a": ' + b"[" * 31 + b'"{[\\"{["' + b"]" * 31 + b"}")
    with pytest.raises(NotStrict, match="nested too deeply"):
        decode_json_object(b'{"a": ' + b"[" * 32 + b"]" * 32 + b"}")


@pytest.mark.parametrize(
    "text", ['"' + r"\"" * 20_000, '"' + r"\"" * 20_000 + "\\", '"' * 40_001, '"' + "\\" * 40_001, r"\"" * 20_000]
)
def test_text_that_never_ends_is_refused_at_once(text: str) -> None:
    started = time.thread_time()
    with pytest.raises(NotStrict):
        decode_json_object(b'{"a": ' + b"[" * 33 + text.encode())
    assert time.thread_time() - started < 0.5


@pytest.mark.parametrize(
    "raw", [b'{"a":1,"a":1}', b'{"x":{"a":1,"b":2,"a":3}}', rb'{"a":1,"\u0061":2}', b'{"x":[{"":1,"":1}]}']
)
def test_a_member_named_twice_is_refused_at_any_depth(raw: bytes) -> None:
    with pytest.raises(DuplicateMember):
        decode_json_object(raw)


def test_what_was_refused_is_not_in_the_text_of_the_error() -> None:
    with pytest.raises(NotStrict) as caught:
        decode_json_object(b'{"secret": hunter2}')
    assert str(caught.value) == "not strict JSON"
    assert caught.value.__suppress_context__
