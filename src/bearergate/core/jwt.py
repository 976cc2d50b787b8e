"""The parts of a compact serialization (RFC 7515 section 3.1), and how each is read.

Cheap and safe first: nothing is decoded before the length and the dots were counted. Knows no policy and no key;
whatever is wrong is MalformedToken, never another exception.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from bearergate.core.claims import Json
from bearergate.core.encoding import DuplicateMember, NotStrict
from bearergate.core.errors import refusal
from bearergate.core.fast_encoding import PLAIN, Codec
from bearergate.core.reasons import Reason

MAX_TOKEN_BYTES: Final = 16 * 1024
MAX_KID: Final = 256
AT_JWT: Final = frozenset({"at+jwt", "application/at+jwt"})
"""Both spellings of the `typ` of an access token (RFC 9068 section 2.1), in lower case."""


class Segments(NamedTuple):
    """The three parts of a compact JWS, still encoded."""

    header: str
    payload: str
    signature: str

    def __repr__(self) -> str:
        # Not the parts: error trackers keep local variables.
        return "Segments()"

    @property
    def signing_input(self) -> bytes:
        """The bytes the signature covers (RFC 7515 section 5.1)."""
        return f"{self.header}.{self.payload}".encode("ascii")


@dataclass(frozen=True, slots=True)
class JoseHeader:
    """The members of the JOSE header that we honour (RFC 7515 section 4.1); all others are ignored."""

    alg: str
    kid: str | None
    typ: str | None

    @property
    def is_at_jwt(self) -> bool:
        """Whether `typ` says that this is an access token of RFC 9068; in any case (RFC 2045 section 5.1)."""
        return self.typ is not None and self.typ.lower() in AT_JWT


def split(token: str) -> Segments:
    """Cut a compact JWS into its three segments; raises MalformedToken. Five segments (JWE) are refused."""
    first = token.find(".")
    last = token.find(".", first + 1)
    # Without a first dot there is no second one either.
    if last < 0 or token.find(".", last + 1) >= 0 or not token.isascii():
        raise refusal(Reason.MALFORMED_TOKEN)
    # Past the named constructor, which takes longer than the cutting.
    return tuple.__new__(Segments, (token[:first], token[first + 1 : last], token[last + 1 :]))


def decode_object(segment: str, codec: Codec = PLAIN) -> dict[str, Json]:
    """Decode a segment that must hold a JSON object; raises MalformedToken."""
    try:
        return codec.decode_json_object(codec.decode_base64url(segment))
    except DuplicateMember:
        raise refusal(Reason.DUPLICATE_MEMBER) from None
    except NotStrict:
        raise refusal(Reason.MALFORMED_TOKEN) from None


def decode_signature(segment: str, codec: Codec = PLAIN) -> bytes:
    """Decode the signature segment; raises MalformedToken."""
    try:
        return codec.decode_base64url(segment)
    except NotStrict:
        raise refusal(Reason.MALFORMED_TOKEN) from None


def read_header(members: dict[str, Json]) -> JoseHeader:
    """Check the types of the header members that we honour; raises MalformedToken."""
    alg = members.get("alg")
    kid = members.get("kid", "")
    typ = members.get("typ", "")
    if not isinstance(alg, str):
        raise refusal(Reason.MALFORMED_TOKEN, "alg")
    if not isinstance(kid, str) or len(kid) > MAX_KID:
        raise refusal(Reason.MALFORMED_TOKEN, "kid")
    if not isinstance(typ, str):
        raise refusal(Reason.MALFORMED_TOKEN, "typ")
    return JoseHeader(alg, kid if "kid" in members else None, typ if "typ" in members else None)
