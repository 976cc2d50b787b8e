"""Typed readers over a token's claims, and the names of the claims we read.

Knows no policy: it says what a claim is, never whether that is good enough.
Unverified and verified claims are different types; only core/validation.py builds the verified one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, KeysView, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias, TypeVar, final, overload

from bearergate.core.errors import refusal
from bearergate.core.reasons import Reason

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
"""What a strict JSON text can hold."""

Frozen: TypeAlias = "str | int | float | bool | tuple[Frozen, ...] | Mapping[str, Frozen] | None"
"""The same, immutable."""

ISS: Final = "iss"
SUB: Final = "sub"
AUD: Final = "aud"
EXP: Final = "exp"
NBF: Final = "nbf"
IAT: Final = "iat"
JTI: Final = "jti"
AZP: Final = "azp"
CLIENT_ID: Final = "client_id"
APPID: Final = "appid"
CID: Final = "cid"
SCOPE: Final = "scope"
SCP: Final = "scp"
ACT: Final = "act"
CNF: Final = "cnf"
EVENTS: Final = "events"
TYP: Final = "typ"
TOKEN_USE: Final = "token_use"
NONCE: Final = "nonce"
AT_HASH: Final = "at_hash"
C_HASH: Final = "c_hash"
S_HASH: Final = "s_hash"
IMPERSONATED: Final = "impersonated"
EMAIL: Final = "email"
EMAIL_VERIFIED: Final = "email_verified"

CLIENT_CLAIMS: Final = (CLIENT_ID, AZP, APPID, CID)
"""Where providers put the acting client, in the order in which they are read."""

MAX_TIME: Final = 253402300799
"""9999-12-31T23:59:59Z in seconds: the last moment that date libraries can print."""

MAX_TEXT: Final = 2048
"""Longest identifier (issuer, subject, audience, client, group) in characters."""

Default = TypeVar("Default")

_MISSING: Final = object()
_SCALARS: Final = frozenset({str, int, float, bool, type(None)})


def is_plain(text: str) -> bool:
    """Whether an identifier is short enough and free of control characters (C0, DEL, C1)."""
    return len(text) <= MAX_TEXT and (text.isprintable() or not any(_is_control(char) for char in text))


def _is_control(char: str) -> bool:
    return char < " " or "\x7f" <= char <= "\x9f"


class ClaimsReader(Mapping[str, Json]):
    """Read-only claims with typed access. Every typed reader raises ClaimRejected on a claim of another type.

    A member that is present with `null` is malformed, not absent.
    """

    __slots__ = ("members",)

    def __init__(self, members: dict[str, Json]) -> None:
        self.members: Final = members
        """As they stand in the token, for rows that every request passes; to be read only."""

    def __getitem__(self, name: str) -> Json:
        return self.members[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.members)

    def __len__(self) -> int:
        return len(self.members)

    def __contains__(self, name: object) -> bool:
        return name in self.members

    def keys(self) -> KeysView[str]:
        """The names of the members."""
        return self.members.keys()

    @overload
    def get(self, name: str, /) -> Json: ...
    @overload
    def get(self, name: str, /, default: Json | Default) -> Json | Default: ...
    def get(self, name: str, /, default: Json | Default = None) -> Json | Default:
        """The member as it stands in the token."""
        return self.members.get(name, default)

    def string(self, name: str) -> str | None:
        """The claim as a string without control characters, or None when it is absent."""
        value = self.members.get(name, _MISSING)
        if type(value) is str and len(value) <= MAX_TEXT and value.isprintable():
            return value
        if value is _MISSING:
            return None
        if isinstance(value, str) and is_plain(value):
            return value
        raise refusal(Reason.CLAIM_MALFORMED, name)

    def strings(self, name: str) -> tuple[str, ...] | None:
        """The claim as a non-empty list of strings (one string is a list of one), or None when it is absent."""
        value = self.members.get(name, _MISSING)
        if value is _MISSING:
            return None
        if type(value) is str and value and len(value) <= MAX_TEXT and value.isprintable():
            return (value,)
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list) or not items:
            raise refusal(Reason.CLAIM_MALFORMED, name)
        texts = tuple([item for item in items if isinstance(item, str) and item and is_plain(item)])
        if len(texts) != len(items):
            raise refusal(Reason.CLAIM_MALFORMED, name)
        return texts

    def words(self, name: str) -> frozenset[str] | None:
        """The claim as words between spaces (RFC 6749 section 3.3), or None when it is absent.

        Only each word is an identifier: the list as a whole may be long.
        """
        value = self.members.get(name, _MISSING)
        if value is _MISSING:
            return None
        if not isinstance(value, str):
            raise refusal(Reason.CLAIM_MALFORMED, name)
        words = frozenset(value.split())
        if not (value.isascii() and value.isprintable() and len(value) <= MAX_TEXT):
            words = frozenset(value.split(" ")) - {""}
            if not all(is_plain(word) for word in words):
                raise refusal(Reason.CLAIM_MALFORMED, name)
        return words

    def seconds(self, name: str) -> float | None:
        """The claim as a NumericDate in seconds (RFC 7519 section 2), or None when it is absent."""
        value = self.members.get(name, _MISSING)
        if value is _MISSING:
            return None
        if type(value) is int and 0 <= value <= MAX_TIME:
            return value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise refusal(Reason.CLAIM_MALFORMED, name)
        if not math.isfinite(value) or not 0 <= value <= MAX_TIME:
            raise refusal(Reason.CLAIM_MALFORMED, name)
        return value

    def boolean(self, name: str) -> bool | None:
        """The claim as a JSON boolean, or None when it is absent."""
        value = self.members.get(name, _MISSING)
        if value is _MISSING:
            return None
        if isinstance(value, bool):
            return value
        raise refusal(Reason.CLAIM_MALFORMED, name)

    def frozen(self, *, without: str | None = None) -> Mapping[str, Frozen]:
        """An immutable copy, to be handed out."""
        frozen = _freeze_members(self.members)
        if without is not None:
            frozen.pop(without, None)
        return MappingProxyType(frozen)


@final
class UnverifiedClaims(ClaimsReader):
    """Claims that anybody could have written."""

    __slots__ = ()


@final
class VerifiedClaims(ClaimsReader):
    """Claims of a token whose signature held. Built by `sealed`, which only core/validation.py calls."""

    __slots__ = ()

    @classmethod
    def sealed(cls, claims: UnverifiedClaims) -> VerifiedClaims:
        """The same claims, after the signature was verified over them."""
        return cls(claims.members)  # no copy: both are read-only, and this is on every request's way


def _freeze_members(members: dict[str, Json]) -> dict[str, Frozen]:
    # The types that most claims have are asked for first, without a call; no type checker can follow that.
    return {name: value if type(value) in _SCALARS else _freeze(value) for name, value in members.items()}  # type: ignore[misc]


def _freeze(value: Json) -> Frozen:
    if isinstance(value, list):
        return tuple([item if type(item) in _SCALARS else _freeze(item) for item in value])  # type: ignore[misc]
    return MappingProxyType(_freeze_members(value)) if isinstance(value, dict) else value
