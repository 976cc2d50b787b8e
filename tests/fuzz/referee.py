"""The second opinion: what a good answer must look like, decided without the code that is being tried.

Written plainly and slowly over the standard library, for one fixed issuer, audience and time. Says only whether an
acceptance is wrong; a refusal is never judged.
"""

from __future__ import annotations

import base64
import json
import math
import re
from typing import Any
from urllib.parse import urlsplit

_ACCESS_TYPES = frozenset({"jwt", "application/jwt", "at+jwt", "application/at+jwt"})
_SEGMENT = re.compile(r"[A-Za-z0-9_-]*")


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Members of a JSON object; a member named twice is an error."""
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a member is named twice")
    return dict(pairs)


def plain_object(raw: bytes) -> dict[str, Any]:
    """What RFC 8259 makes of the bytes: a ValueError unless they are one object without surprises."""
    text = raw.decode("utf-8")
    found = json.loads(text, object_pairs_hook=once, parse_constant=_refused)
    if not isinstance(found, dict) or depth(found) > 32:
        raise ValueError("no object, or too deep")
    json.dumps(found, ensure_ascii=False).encode("utf-8")
    return found


def _refused(word: str) -> None:
    raise ValueError(word)


def depth(found: object) -> int:
    """How deep objects and lists are nested."""
    if isinstance(found, dict):
        return 1 + max(map(depth, found.values()), default=0)
    return 1 + max(map(depth, found), default=0) if isinstance(found, list) else 0


def decoded(segment: str) -> bytes:
    """Unpadded, canonical base64url; a ValueError for anything else."""
    raw = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    if not _SEGMENT.fullmatch(segment) or base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != segment:
        raise ValueError("another spelling")
    return raw


def spells(entry: dict[str, Any], **numbers: int) -> bool:
    """Whether a JWK says exactly these numbers (RFC 7518 section 6); one that is missing or no base64url says none."""
    return all(_number(entry.get(name)) == number for name, number in numbers.items())


def _number(text: object) -> int | None:
    try:
        return int.from_bytes(decoded(text), "big") if isinstance(text, str) else None
    except ValueError:
        return None


def token_faults(token: str, *, alg: str, kid: str, issuer: str, audience: str, now: float, leeway: float) -> list[str]:
    """Why a signed token must not be accepted as an access token."""
    try:
        header_text, payload_text, _ = token.split(".")
        header, claims = plain_object(decoded(header_text)), plain_object(decoded(payload_text))
    except (ValueError, RecursionError) as problem:
        return [f"it is no token: {problem}"]
    typ = header.get("typ", "jwt")
    rules = {
        "alg": header.get("alg") == alg,
        "kid": header.get("kid", kid) == kid,
        "typ": isinstance(typ, str) and typ.lower() in _ACCESS_TYPES,
        "processing": not {"crit", "b64", "zip", "cty"} & set(header),
        "iss": claims.get("iss") == issuer,
        "aud": audience in _listed(claims.get("aud")),
        "exp": _is_time(claims.get("exp")) and now < claims["exp"] + leeway,
        "nbf": "nbf" not in claims or (_is_time(claims["nbf"]) and now >= claims["nbf"] - leeway),
        "iat": "iat" not in claims or (_is_time(claims["iat"]) and now >= claims["iat"] - leeway),
        "sub": isinstance(claims.get("sub"), str) and claims["sub"].strip() != "",
        "kind": not {"cnf", "events"} & set(claims),
        "client": len({claims[name] for name in ("client_id", "azp", "appid", "cid") if name in claims}) <= 1,
        "size": len(token) <= 16 * 1024,
    }
    return [name for name, holds in rules.items() if not holds]


def _listed(audience: object) -> list[object]:
    return audience if isinstance(audience, list) else [audience]


def _is_time(found: object) -> bool:
    return type(found) in (int, float) and math.isfinite(found) and 0 <= found <= 253402300799  # type: ignore[arg-type, operator]


def url_faults(url: str) -> list[str]:
    """Why keys must not be fetched from a URL of an issuer on the internet."""
    parts = urlsplit(url)
    rules = {
        "scheme": parts.scheme == "https"
        or parts.hostname in {"localhost", "::1"}
        or str(parts.hostname)[:4] == "127.",
        "host": bool(parts.hostname),
        "user": parts.username is None and parts.password is None and "@" not in parts.netloc,
        "fragment": "#" not in url,
        "characters": all("!" <= char <= "~" for char in url) and "\\" not in url,
    }
    return [name for name, holds in rules.items() if not holds]
