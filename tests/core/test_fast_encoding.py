"""The fast decoders accept what the strict ones accept, with the same values of the same types, and nothing else."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from types import FrameType, SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bearergate.core import encoding
from bearergate.core.encoding import NotStrict
from bearergate.core.fast_encoding import PLAIN, fast, fastest
from bearergate.testing.signing import base64url
from tests.core.tables_of_json import BASE64URL, DOCUMENTS, VALUES
from tests.properties.bounds import examples
from tests.properties.strategies import json_documents, json_objects, loose_documents, segments, texts
from tests.vectors.recipes import vectors

FAST = fast() or PLAIN


def same_json(raw: bytes) -> None:
    assert told(FAST.decode_json_object, raw) == told(PLAIN.decode_json_object, raw), raw


def same_base64url(text: str) -> None:
    assert told(FAST.decode_base64url, text) == told(PLAIN.decode_base64url, text), text


def told(decode: Callable[[Any], object], given: object) -> object:
    """The value with the types in it, or the kind of refusal and its words."""
    try:
        return typed(decode(given))
    except NotStrict as error:
        return type(error), str(error)


def typed(value: object) -> object:
    """A value in a form in which 1, 1.0 and True, 0.0 and -0.0, and two orders of members are different."""
    if isinstance(value, dict):
        return dict, [(typed(name), typed(member)) for name, member in value.items()]
    if isinstance(value, list):
        return list, [typed(item) for item in value]
    assert type(value) in {str, int, float, bool, type(None), bytes}
    return type(value), repr(value)


def strict_readings(raw: bytes) -> int:
    """How often the strict reader was asked while the fast one read a document."""
    strict, count = encoding.decode_json_object.__code__, 0

    def watch(frame: FrameType, event: str, _: object) -> None:
        nonlocal count
        count += event == "call" and frame.f_code is strict

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        FAST.decode_json_object(raw)
    finally:
        sys.setprofile(before)
    return count


# Tables.


def test_a_document_is_the_same_to_both() -> None:
    for raw in DOCUMENTS:
        same_json(raw)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'{"a":', b"}"),
        (b'{"a":[', b"]}"),
        (b'{"a":[0,', b',""]}'),
        (b'{"a":{"b":', b',"c":[]}}'),
        (b' {"a" : ', b" }\n"),
        # As a name, which only a string can be.
        (b"{", b":1}"),
        (b'{"a":1,', b":1}"),
    ],
)
def test_a_value_is_the_same_to_both_wherever_it_stands(before: bytes, after: bytes) -> None:
    for value in VALUES:
        same_json(before + value + after)


def test_a_text_is_the_same_bytes_to_both() -> None:
    for text in BASE64URL:
        same_base64url(text)


@pytest.mark.parametrize("text", ["", "YQ", "YWI", "YWJj", "YWJjZA", "_-_-"])
def test_any_character_at_any_place_is_the_same_to_both(text: str) -> None:
    for char in (*map(chr, range(256)), "\u0141", "\u2028", "\uff21", "\ud800", "\U0001f511"):
        for place in range(len(text) + 1):
            same_base64url(text[:place] + char + text[place:])
            same_base64url(text[:place] + char + text[place + 1 :])


def test_every_last_character_is_the_same_to_both() -> None:
    # The bits that must be zero are in it.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for last in alphabet:
        for before in ("Y", "YW", "YWJjY", "YWJjYW"):
            same_base64url(before + last)


# What fuzzers and vectors have.


@pytest.mark.parametrize("category", ["json", "structure"])
def test_every_segment_of_the_vectors_is_the_same_to_both(category: str) -> None:
    tokens = [vector.token() for vector in vectors() if vector.category == category]
    assert tokens
    for token in tokens:
        for segment in token[:20_000].split("."):
            same_base64url(segment)
            same_json(segment.encode("utf-8", "surrogatepass"))
            try:
                same_json(PLAIN.decode_base64url(segment))
            except NotStrict:
                continue


@examples(150)
@given(loose_documents | json_documents)
def test_nearly_any_document_is_the_same_to_both(raw: bytes) -> None:
    same_json(raw)


def _compact(value: object, *, escaped: bool) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=escaped).encode("utf-8", "surrogatepass")


@examples(200)
@given(json_objects, st.booleans())
def test_any_compact_object_is_the_same_to_both(value: dict[str, Any], escaped: bool) -> None:
    same_json(_compact(value, escaped=escaped))


@examples(200)
@given(json_objects, st.data())
def test_a_compact_object_with_one_byte_changed_is_the_same_to_both(value: dict[str, Any], data: st.DataObject) -> None:
    raw = _compact(value, escaped=data.draw(st.booleans()))
    at = data.draw(st.integers(0, len(raw)))
    byte = data.draw(st.sampled_from(list(b'{}[],:"\\0-.eE+ untf\x00\x1f\x7f\x80\xc0\xed\xef\xff')))
    same_json(raw[:at] + bytes([byte]) + raw[at + data.draw(st.integers(0, 1)) :])


@examples(150)
@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**21), 10**21))
def test_any_number_is_the_same_to_both_however_it_is_written(number: float) -> None:
    for text in (repr(number), f"{number:e}", f"{number:.17g}", f"{number:.1f}", f"{number}".replace("e", "E")):
        same_json(f'{{"a":{text}}}'.encode())


@examples(150)
@given(segments | texts)
def test_any_text_is_the_same_bytes_to_both(text: str) -> None:
    same_base64url(text)


@examples(60)
@given(st.binary(max_size=300))
def test_any_bytes_survive(raw: bytes) -> None:
    assert FAST.decode_base64url(base64url(raw)) == raw


# What the fast way is for, and where there is none.


def test_the_claims_of_a_usual_token_are_read_once_and_what_is_not_compact_goes_to_the_strict_reader() -> None:
    compact = b'{"iss":"https://issuer.test","exp":1800000300,"aud":["api"],"groups":["a","b"],"ok":true,"x":{"y":1.5}}'
    assert strict_readings(compact) == 0
    assert strict_readings(compact.replace(b":", b": ", 1)) == 1
    assert strict_readings(rb'{"a":"\u00e9"}') == 1
    assert strict_readings('{"a":"\u00e9"}'.encode()) == 0


def test_the_fast_decoders_are_used_where_they_are_installed() -> None:
    assert fast() is not None
    assert fastest() is not PLAIN


def test_without_their_package_the_strict_decoders_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("msgspec", "msgspec.json"):
        monkeypatch.setitem(sys.modules, name, None)
    assert fast() is None
    assert fastest() is PLAIN


class OlderError(Exception):
    """What older versions of the package raise is no ValueError."""


class OlderDecoder:
    def __init__(self, *kind: type) -> None:
        self._decode: Callable[[bytes], object] = msgspec.json.Decoder(*kind).decode

    def decode(self, raw: bytes) -> object:
        try:
            return self._decode(raw)
        except msgspec.DecodeError:
            raise OlderError from None


def test_older_versions_of_their_package_say_no_in_their_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    older = SimpleNamespace(Decoder=OlderDecoder, Encoder=msgspec.json.Encoder)
    monkeypatch.setitem(sys.modules, "msgspec", SimpleNamespace(DecodeError=OlderError, Meta=msgspec.Meta, json=older))
    monkeypatch.setitem(sys.modules, "msgspec.json", older)
    codec = fast()
    assert codec is not None
    for text in BASE64URL:
        assert told(codec.decode_base64url, text) == told(PLAIN.decode_base64url, text)
    for raw in DOCUMENTS:
        assert told(codec.decode_json_object, raw) == told(PLAIN.decode_json_object, raw)


def test_what_was_refused_is_not_in_the_error() -> None:
    for decode in (
        lambda: FAST.decode_json_object(b'{"secret":hunter2}'),
        lambda: FAST.decode_base64url("hunter2\x00aaaa"),
    ):
        with pytest.raises(NotStrict) as caught:
            decode()
        assert "hunter2" not in str(caught.value)
        assert caught.value.__suppress_context__
