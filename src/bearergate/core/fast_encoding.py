"""The same decoding as core/encoding.py, by msgspec (extra `fast`) wherever it is provably as strict.

Whatever msgspec does not read, or reads and would write in another way, goes to the strict reader and never straight to
refusal: so both accept the same texts with the same values. The only file that may import msgspec, and lazily.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from bearergate.core.claims import Json
from bearergate.core.encoding import (
    MAX_DEPTH,
    MAX_INTEGER_DIGITS,
    NotStrict,
    decode_base64url,
    decode_json_object,
    to_standard_alphabet,
)

_PADDING: Final = (b'"', b"", b'=="', b'="')
"""The end of a JSON string of base64, by the length of its text modulo 4."""


_LONG: Final = 10**MAX_INTEGER_DIGITS
_LEAVES: Final = frozenset({str, bool, float, type(None)})
"""The types of values that cannot be more than the strict reader takes."""


class Codec(NamedTuple):
    """How segments are decoded: base64url, and JSON objects. Both raise NotStrict for anything that is not strict."""

    decode_base64url: Callable[[str], bytes]
    decode_json_object: Callable[[bytes], dict[str, Json]]


PLAIN: Final = Codec(decode_base64url, decode_json_object)
"""The standard library's decoders."""


def fastest() -> Codec:
    """The fast decoders where msgspec is installed, else the plain ones."""
    return fast() or PLAIN


def fast() -> Codec | None:
    """The decoders of msgspec, or None where it is not installed."""
    try:
        from msgspec import DecodeError
        from msgspec.json import Decoder, Encoder
    except ImportError:
        return None
    read_base64 = Decoder(bytes).decode
    read, write = Decoder().decode, Encoder().encode

    def base64url(text: str) -> bytes:
        try:
            return read_base64(b'"' + to_standard_alphabet(text) + _PADDING[len(text) % 4])
        except (DecodeError, ValueError):
            raise NotStrict("not base64url") from None

    def json_object(raw: bytes) -> dict[str, Json]:
        try:
            value = read(raw)
            # Equal bytes prove that nothing was passed over: no duplicate member, no other number, no other text.
            if type(value) is dict and write(value) == raw and _is_strict(value.values(), MAX_DEPTH - 1):
                return value
        except (DecodeError, ValueError, RecursionError):
            # Not a verdict yet; deep nesting ends in a RecursionError, too.
            pass
        return decode_json_object(raw)

    return Codec(base64url, json_object)


def _is_strict(values: Iterable[Json], room: int) -> bool:
    """Whether the strict reader would take these values too; `room`: how many levels may still be nested in them."""
    for value in values:
        kind = type(value)
        # Nearly all are strings, which are asked for first.
        if kind is str:
            continue
        if isinstance(value, list):
            if not room or not (_LEAVES.issuperset(map(type, value)) or _is_strict(value, room - 1)):
                return False
        elif isinstance(value, dict):
            if not room or not _is_strict(value.values(), room - 1):
                return False
        elif kind is int and not -_LONG < value < _LONG:  # type: ignore[operator]
            return False
    return True
