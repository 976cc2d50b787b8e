"""How an identity is handed on to an application as headers, and how look-alikes that a client sent are recognised.

Pure text: adapters and the gate carry it. Knows no framework.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from bearergate.core.claims import CLIENT_ID
from bearergate.core.principal import Principal

PREFIX: Final = "X-Bearergate-"
_FOLDED_PREFIX: Final = PREFIX.lower()
_LOOK_ALIKES: Final = frozenset({"remote-user", "x-remote-user", "auth-type", "x-auth-type"})
_FIELDS: Final = ("Issuer", "Subject", "Client", "Scopes", "Groups", "Machine")
_MEMBERS: Final[tuple[str, ...]] = (
    "issuer",
    "subject",
    CLIENT_ID,
    "audience",
    "scopes",
    "groups",
    "machine",
    "expires_at",
)
_TOKEN_CHARS: Final = "!#$&'*+-.^_`|~"
"""RFC 7230 token characters that `quote` would encode; `%` itself is always encoded."""


def identity_headers(principal: Principal) -> tuple[tuple[str, str], ...]:
    """The identity headers of the gate; every value is ASCII and free of separators of its own."""
    values = (
        encode(principal.issuer),
        encode(principal.subject),
        encode(principal.client_id or ""),
        encode_list(sorted(principal.scopes)),
        encode_list(principal.groups),
        "true" if principal.machine else "false",
    )
    return tuple((f"{PREFIX}{name}", value) for name, value in zip(_FIELDS, values, strict=True))


def anonymous_headers() -> tuple[tuple[str, str], ...]:
    """The same headers for a request that passes without a principal.

    They are empty and not absent, so that a proxy which copies them overwrites whatever the client sent.
    """
    return tuple((f"{PREFIX}{name}", "") for name in _FIELDS)


def identity_members(principal: Principal) -> Mapping[str, object]:
    """The identity as JSON members, in the order in which the gate answers."""
    values = (
        principal.issuer,
        principal.subject,
        principal.client_id,
        list(principal.audiences),
        sorted(principal.scopes),
        list(principal.groups),
        principal.machine,
        principal.expires_at,
    )
    return dict(zip(_MEMBERS, values, strict=True))


def anonymous_members() -> Mapping[str, object]:
    """The same members for a request that passes without a principal: all null."""
    return dict.fromkeys(_MEMBERS)


def encode(text: str) -> str:
    """Percent-encode the UTF-8 of everything outside RFC 7230 token characters (section 3.2.6)."""
    return quote(text, safe=_TOKEN_CHARS)


def encode_list(items: tuple[str, ...] | list[str]) -> str:
    """Encode each item, then join by commas, so that no item can pretend to be two."""
    return ",".join(encode(item) for item in items)


def is_look_alike(header: str) -> bool:
    """Whether a header name could be taken for one that carries our identity (`-`, `_` and case are one)."""
    folded = header.lower().replace("_", "-")
    return folded.startswith(_FOLDED_PREFIX) or folded in _LOOK_ALIKES
