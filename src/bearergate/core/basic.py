"""Basic credentials (RFC 7617): from `Authorization` values to a user name and a password.

Says what is wrong with a field in terms of its own, because who asks decides what to answer. Knows no user.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from bearergate.core.claims import is_plain
from bearergate.core.jwt import MAX_TOKEN_BYTES

BASIC: Final = "Basic"
_FIELD: Final = re.compile(r"(?P<scheme>[!#$%&'*+.^_`|~0-9A-Za-z-]+)(?: +(?P<credentials>[^ ].*))?")
_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
# Base64 of the longest token with the longest name in front of it.
_MAX_ENCODED: Final = (MAX_TOKEN_BYTES + 1024) * 4 // 3


class BasicFault(StrEnum):
    """What is wrong with a field."""

    MISSING = "missing"
    OTHER_SCHEME = "other_scheme"
    """Not Basic, or not well-formed as a whole."""
    UNREADABLE = "unreadable"
    """Not base64 of UTF-8."""
    NOT_A_PAIR = "not_a_pair"
    """No colon."""


class Credentials(NamedTuple):
    """What somebody presented."""

    username: str
    password: str

    def __repr__(self) -> str:
        # Not the password: error trackers keep local variables.
        return f"Credentials(username={self.username!r})"


def is_basic(values: Sequence[str]) -> bool:
    """Whether the only value is of the scheme Basic, well-formed or not."""
    return len(values) == 1 and values[0].strip(" \t").partition(" ")[0].lower() == BASIC.lower()


def basic_credentials(values: Sequence[str]) -> Credentials | BasicFault:
    """The user name and the password in a request's `Authorization` field values (RFC 7617 section 2)."""
    if len(values) > 1:
        return BasicFault.OTHER_SCHEME
    value = values[0].strip(" \t") if values else ""
    if not value:
        return BasicFault.MISSING
    field = _FIELD.fullmatch(value)
    if field is None or field["scheme"].lower() != BASIC.lower() or not field["credentials"]:
        return BasicFault.OTHER_SCHEME
    encoded = field["credentials"]
    try:
        # Length and form are judged before anything is decoded: how strict the decoder is depends on its version.
        fits = len(encoded) <= _MAX_ENCODED and _BASE64.fullmatch(encoded)
        text = binascii.a2b_base64(encoded).decode("utf-8") if fits else ""
    except ValueError:
        text = ""
    if not text:
        return BasicFault.UNREADABLE
    username, colon, password = text.partition(":")
    if not colon:
        return BasicFault.NOT_A_PAIR
    return Credentials(username, password) if is_plain(username) else BasicFault.UNREADABLE
