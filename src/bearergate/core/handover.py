"""How an identity is handed on to an application as headers, and how look-alikes that a client sent are recognised.

Pure text: adapters and the gate carry it. Knows no framework.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from bearergate.core.principal import Principal

PREFIX: Final = "X-Bearergate-"
_FOLDED_PREFIX: Final = PREFIX.lower()
_LOOK_ALIKES: Final = frozenset({"remote-user", "x-remote-user", "auth-type", "x-auth-type"})
_TOKEN_CHARS: Final = "!#$&'*+-.^_`|~"
"""RFC 7230 token characters that `quote` would encode; `%` itself is always encoded."""


def identity_headers(principal: Principal) -> tuple[tuple[str, str], ...]:
    """The identity headers of the gate; every value is ASCII and free of separators of its own."""
    return (
        (f"{PREFIX}Issuer", encode(principal.issuer)),
        (f"{PREFIX}Subject", encode(principal.subject)),
        (f"{PREFIX}Client", encode(principal.client_id or "")),
        (f"{PREFIX}Scopes", encode_list(sorted(principal.scopes))),
        (f"{PREFIX}Groups", encode_list(principal.groups)),
        (f"{PREFIX}Machine", "true" if principal.machine else "false"),
    )


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
