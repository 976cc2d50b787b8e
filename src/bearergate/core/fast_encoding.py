"""The same decoding as core/encoding.py, by msgspec and pybase64 (extra `fast`) wherever they are provably as strict.

Whatever they do not read, or read and would write in another way, goes to the strict reader and never straight to
refusal: so both accept the same texts with the same values. The only file that may import them, and lazily.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, NamedTuple

from bearergate.core.claims import Json
from bearergate.core.encoding import (
    ENDINGS,
    PADDING,
    NotStrict,
    decode_base64url,
    decode_json_object,
)

_LEVELS: Final = 5
"""How deep the values of a token are nested that is read fast. The strict reader takes more."""
_INT64: Final = 2**63
_TAILS: Final = tuple(padding.decode("ascii") for padding in PADDING)


class Codec(NamedTuple):
    """How segments are decoded: base64url, and JSON objects. Both raise NotStrict for anything that is not strict."""

    decode_base64url: Callable[[str], bytes]
    decode_json_object: Callable[[bytes], dict[str, Json]]


PLAIN: Final = Codec(decode_base64url, decode_json_object)
"""The standard library's decoders."""


def fastest() -> Codec:
    """The fast decoders where they are installed, else the plain ones."""
    return fast() or PLAIN


def fast() -> Codec | None:
    """The decoders of the extra `fast`, or None where it is not installed."""
    try:
        from msgspec import DecodeError, Meta
        from msgspec.json import Decoder, Encoder
        from pybase64 import b64decode
    except ImportError:
        return None
    read, write = Decoder(_objects(Meta(ge=-_INT64, le=_INT64 - 1))).decode, Encoder().encode

    def base64url(text: str) -> bytes:
        rest = len(text) % 4
        if text[-1:] not in ENDINGS[rest] or "+" in text or "/" in text:
            raise NotStrict("base64url is not canonical")
        try:
            return b64decode(text + _TAILS[rest], b"-_", True)
        except ValueError:
            raise NotStrict("not base64url") from None

    def json_object(raw: bytes) -> dict[str, Json]:
        try:
            value: dict[str, Json] = read(raw)
            # Equal bytes prove that nothing was passed over: no duplicate member, no other number, no other text.
            if write(value) == raw:
                return value
        except (DecodeError, ValueError):
            # Not a verdict yet.
            pass
        return decode_json_object(raw)

    return Codec(base64url, json_object)


def _objects(bounds: object) -> Any:  # noqa: ANN401 - a type that is made at run time
    """The type of JSON objects that are read fast: they are not nested deeply, and have no long integers."""
    # Made at run time, which no type checker can follow.
    array: Any = list
    objects: Any = dict
    integer: Any = Annotated[int, bounds]
    scalar = value = integer | str | bool | float | None
    for _ in range(_LEVELS):
        value = scalar | array[value] | objects[str, value]
    return objects[str, value]
