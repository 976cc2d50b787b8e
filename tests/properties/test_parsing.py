"""Whatever text or bytes arrive, parsing gives a value or the error that belongs to it, never another exception."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bearergate.core.bearer import bearer_token
from bearergate.core.encoding import MAX_DEPTH, NotStrict, decode_base64url, decode_json_object
from bearergate.core.errors import AuthenticationRequired, InvalidRequest, InvalidToken, MalformedToken
from bearergate.core.jwt import MAX_TOKEN_BYTES, decode_object, decode_signature, read_header, split
from bearergate.core.validation import Validation
from bearergate.testing.signing import base64url
from tests.core.judging import POLICY
from tests.properties.bounds import examples
from tests.properties.strategies import (
    authorization,
    json_documents,
    json_objects,
    loose_documents,
    segments,
    texts,
    tokens,
)

_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*")


@examples(100)
@given(tokens)
def test_any_text_is_a_token_or_malformed(text: str) -> None:
    with suppress(MalformedToken):
        parts = split(text)
        read_header(decode_object(parts.header))
        decode_object(parts.payload)
        decode_signature(parts.signature)


@examples(100)
@given(tokens | st.binary(max_size=100).map(lambda raw: raw.decode("latin-1")))
def test_any_text_begins_or_is_an_invalid_token(text: str) -> None:
    with suppress(InvalidToken):
        Validation([POLICY]).begin(text)


@examples(80)
@given(segments | texts)
def test_base64url_has_one_spelling_for_any_bytes(text: str) -> None:
    with suppress(NotStrict):
        assert base64url(decode_base64url(text)) == text


@examples(60)
@given(st.binary(max_size=200))
def test_any_bytes_survive_base64url(raw: bytes) -> None:
    assert decode_base64url(base64url(raw)) == raw


@examples(100)
@given(loose_documents | json_documents)
def test_any_bytes_are_a_json_object_or_not_strict(raw: bytes) -> None:
    try:
        value = decode_json_object(raw)
    except NotStrict:
        return
    # What is accepted means the same to everybody, and can be written down again.
    assert value == json.loads(raw.decode("utf-8"))
    assert decode_json_object(json.dumps(value, ensure_ascii=False).encode("utf-8")) == value


def _is_strict(value: Any, depth: int = 1) -> bool:
    """Whether a JSON value is one that strict decoding lets pass, as it stands in Python."""
    if isinstance(value, str):
        return not any("\ud800" <= char <= "\udfff" for char in value)
    if isinstance(value, int):
        return abs(value) < 10**20
    if isinstance(value, list):
        return depth <= MAX_DEPTH and all(_is_strict(item, depth + 1) for item in value)
    if isinstance(value, dict):
        return depth <= MAX_DEPTH and all(_is_strict(k) and _is_strict(v, depth + 1) for k, v in value.items())
    return True


@examples(80)
@given(json_objects)
def test_a_json_object_is_refused_for_what_strictness_names_and_for_nothing_else(value: dict[str, Any]) -> None:
    raw = json.dumps(value).encode()
    if _is_strict(value):
        assert decode_json_object(raw) == value
    else:
        with pytest.raises(NotStrict):
            decode_json_object(raw)


@examples(100)
@given(st.integers(0, 40), st.integers(0, 40), st.booleans())
def test_depth_is_counted_whatever_brackets_stand_in_strings(depth: int, noise: int, in_objects: bool) -> None:
    opening, closing = ('{"a":', "}") if in_objects else ("[", "]")
    text = '{"s":"' + "[{" * noise + '\\"","x":' + opening * depth + "0" + closing * depth + "}"
    if depth < MAX_DEPTH:
        decode_json_object(text.encode())
    else:
        with pytest.raises(NotStrict):
            decode_json_object(text.encode())


@examples(100)
@given(authorization)
def test_any_authorization_is_a_token_nothing_or_an_invalid_request(values: list[str | bytes]) -> None:
    try:
        token = bearer_token(values)
    except (AuthenticationRequired, InvalidRequest):
        return
    assert len(token) > MAX_TOKEN_BYTES or _TOKEN68.fullmatch(token)
    (value,) = values
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    assert re.fullmatch(rf"[ \t]*bearer +{re.escape(token)}[ \t]*", text, re.IGNORECASE)
