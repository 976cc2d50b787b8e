"""Strict decoding of what arrives from outside: base64url (RFC 7515 section 2) and JSON (RFC 8259).

Stricter than the standard library in every point that attackers use. Knows no token and no key.
"""

from __future__ import annotations

import binascii
import json
import math
import re
from typing import Final

from bearergate.core.claims import Json

MAX_DEPTH: Final = 32
MAX_INTEGER_DIGITS: Final = 20

_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
ENDINGS: Final = (frozenset(_ALPHABET) | {""}, frozenset[str](), frozenset(_ALPHABET[::16]), frozenset(_ALPHABET[::4]))
"""What a text of canonical base64url may end with, by its length modulo 4: bits that carry nothing are zero."""
PADDING: Final = (b"", b"", b"==", b"=")
"""By the length of a text modulo 4."""
# Matches at every quotation mark, its end being optional: a text without end must not be read again and again.
_STRING: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*\\?"?', re.DOTALL)
_SURROGATE_ESCAPE: Final = re.compile(r"\\u[dD][89a-fA-F]")


class NotStrict(ValueError):
    """The input is not what it claims to be. Its text is fixed: nothing of the input is in it."""


class DuplicateMember(NotStrict):
    """A JSON object names a member twice."""


def decode_base64url(text: str) -> bytes:
    """Decode unpadded, canonical base64url; raises NotStrict for any other spelling of the same bytes."""
    if text[-1:] not in ENDINGS[len(text) % 4] or "+" in text or "/" in text:
        raise NotStrict("base64url is not canonical")
    try:
        # Faster than a table: the base64url of ASCII text has next to none of the two.
        raw = text.replace("-", "+").replace("_", "/").encode("ascii")
        return binascii.a2b_base64(raw + PADDING[len(raw) % 4], strict_mode=True)
    except ValueError:
        raise NotStrict("not base64url") from None


def decode_json_object(raw: bytes) -> dict[str, Json]:
    """Decode a JSON object; raises NotStrict, or DuplicateMember.

    Refused beyond RFC 8259: a byte order mark, encodings other than UTF-8, duplicate members at any depth, NaN and
    infinities, nesting deeper than 32, lone surrogates, integers of more than 20 digits.
    """
    try:
        text = raw.decode("utf-8")
        if _depth(text) > MAX_DEPTH:
            raise NotStrict("JSON is nested too deeply")
        value = _DECODER.decode(text)
        if _SURROGATE_ESCAPE.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except NotStrict:
        raise
    except (ValueError, RecursionError):
        raise NotStrict("not strict JSON") from None
    if not isinstance(value, dict):
        raise NotStrict("JSON is not an object")
    return value


def _depth(text: str) -> int:
    brackets = text.count("{") + text.count("[")
    if brackets <= MAX_DEPTH:
        return brackets
    depth = deepest = 0
    for char in _STRING.sub("", text):
        if char in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "}]":
            depth -= 1
    return deepest


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise DuplicateMember("JSON object names a member twice")
    return members


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_INTEGER_DIGITS:
        raise NotStrict("JSON integer has too many digits")
    return int(digits)


def _number(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise NotStrict("JSON number is not finite")
    return value


def _constant(_: str) -> Json:
    raise NotStrict("JSON has no NaN or infinity")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_number, parse_constant=_constant
)
