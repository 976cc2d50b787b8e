"""The rows of the table that look at the token itself: its form, its header, its issuer, its signature.

Each `check_...` raises a Refusal; each `..._facts` says (expected, actual). core/checks.py gives them their order.
"""

from __future__ import annotations

from itertools import islice
from typing import Final

from bearergate.core.claims import ISS, UnverifiedClaims
from bearergate.core.errors import refusal
from bearergate.core.examination import Examination, show, show_claim
from bearergate.core.jws import (
    ALGORITHMS,
    UNSUPPORTED_MEMBERS,
    check_signed_alg,
    check_unsupported_members,
    is_allowed,
)
from bearergate.core.jwt import AT_JWT, decode_object, decode_signature, read_header, split
from bearergate.core.policy import TokenKind
from bearergate.core.reasons import Reason

_LISTED: Final = 10
"""Issuers and kids that are told to an operator; more would make every refusal slow."""
_PLAIN_TYP: Final = frozenset({"jwt", "application/jwt"})
_ACCEPTED_TYP: Final[dict[TokenKind, frozenset[str | None]]] = {
    TokenKind.ACCESS_TOKEN: frozenset({None}) | _PLAIN_TYP | AT_JWT,
    TokenKind.ID_TOKEN: frozenset({None, "jwt"}),
    TokenKind.ANY: frozenset({None}) | _PLAIN_TYP | AT_JWT,
    TokenKind.RFC9068: AT_JWT,
}


def check_size(x: Examination) -> None:
    if len(x.token) > x.max_bytes:
        raise refusal(Reason.TOKEN_TOO_LONG)
    x.is_sized = True


def size_facts(x: Examination) -> tuple[str, str]:
    return f"at most {x.max_bytes} bytes", f"{len(x.token)} bytes"


def check_form(x: Examination) -> None:
    segments = split(x.token)
    x.signature = decode_signature(segments.signature, x.codec)
    x.segments = segments


def form_facts(x: Examination) -> tuple[str, str]:
    return "3 base64url segments", f"{x.token.count('.') + 1} segments"


def check_header_json(x: Examination) -> None:
    x.header_members = decode_object(x.segments.header, x.codec)


def header_json_facts(x: Examination) -> tuple[str, str]:
    return "a strict JSON object", "a strict JSON object" if x.has("header_members") else "something else"


def check_payload_json(x: Examination) -> None:
    x.payload = UnverifiedClaims(decode_object(x.segments.payload, x.codec))


def payload_json_facts(x: Examination) -> tuple[str, str]:
    return "a strict JSON object", "a strict JSON object" if x.has("payload") else "something else"


def check_processing(x: Examination) -> None:
    check_unsupported_members(x.header_members)


def processing_facts(x: Examination) -> tuple[str, str]:
    found = [name for name in UNSUPPORTED_MEMBERS if name in x.header_members]
    return f"none of {', '.join(UNSUPPORTED_MEMBERS)}", ", ".join(found) or "none"


def check_header_types(x: Examination) -> None:
    x.header = read_header(x.header_members)


def header_types_facts(x: Examination) -> tuple[str, str]:
    found = {name: x.header_members[name] for name in ("alg", "kid", "typ") if name in x.header_members}
    return "strings", show(found)


def check_signed(x: Examination) -> None:
    check_signed_alg(x.header.alg)


def signed_facts(x: Examination) -> tuple[str, str]:
    return "neither none nor HS*", show(x.header.alg)


def check_issuer(x: Examination) -> None:
    issuer = x.payload.string(ISS)
    if issuer is None:
        raise refusal(Reason.ISSUER_MISSING, ISS)
    policy = x.issuers.get(issuer)
    if policy is None:
        raise refusal(Reason.ISSUER_UNKNOWN, ISS)
    x.policy = policy


def issuer_facts(x: Examination) -> tuple[str, str]:
    known = list(islice(x.issuers, _LISTED))
    return f"one of {', '.join(sorted(known))}{_and_more(len(x.issuers))}", show_claim(x.payload, ISS)


def _and_more(count: int) -> str:
    return f" and {count - _LISTED} more" if count > _LISTED else ""


def check_algorithm(x: Examination) -> None:
    if x.header.alg not in x.policy.algorithms and not is_allowed(x.header.alg, x.policy.algorithms):
        raise refusal(Reason.ALG_NOT_ALLOWED, "alg")


def algorithm_facts(x: Examination) -> tuple[str, str]:
    return f"one of {', '.join(x.policy.algorithms)}", show(x.header.alg)


def check_typ(x: Examination) -> None:
    typ = None if x.header.typ is None else x.header.typ.lower()
    if typ not in _ACCEPTED_TYP[x.policy.token_kind]:
        raise refusal(Reason.TYP_NOT_ACCEPTED, "typ")


def typ_facts(x: Examination) -> tuple[str, str]:
    accepted = sorted(typ or "absent" for typ in _ACCEPTED_TYP[x.policy.token_kind])
    return f"one of {', '.join(accepted)}", "absent" if x.header.typ is None else show(x.header.typ)


def check_key(x: Examination) -> None:
    x.candidates = x.keys.select(x.header)


def key_facts(x: Examination) -> tuple[str, str]:
    kids = ", ".join(show(key.kid or "(no kid)") for key in x.keys.keys[:_LISTED])
    more = _and_more(len(x.keys.keys))
    wanted = "absent" if x.header.kid is None else show(x.header.kid)
    return f"a key for {x.header.alg} among: {kids or 'no usable key'}{more}", f"kid {wanted}"


def check_signature(x: Examination) -> None:
    algorithm, signing_input = ALGORITHMS[x.header.alg], x.segments.signing_input
    for key in x.candidates:
        if key.verifier(algorithm)(x.signature, signing_input):
            x.is_proven = True
            return
    raise refusal(Reason.SIGNATURE_INVALID)


def signature_facts(x: Examination) -> tuple[str, str]:
    return f"verifies with {len(x.candidates)} candidate key(s)", f"{x.header.alg}, {len(x.signature)} bytes"
