"""RFC 6750, both ways: from `Authorization` values to a token, from an error to status, challenge and body.

The only file that knows the word "Bearer". Knows no framework: adapters hand values in and carry answers out.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bearergate.core.errors import (
    AccessDenied,
    AuthenticationRequired,
    ConfigError,
    InsufficientScope,
    InvalidRequest,
    Problem,
    Refusal,
    Unavailable,
)
from bearergate.core.jwt import MAX_TOKEN_BYTES
from bearergate.core.reasons import Reason

SCHEME: Final = "Bearer"
AUTHORIZATION: Final = "Authorization"
WWW_AUTHENTICATE: Final = "WWW-Authenticate"
RETRY_AFTER: Final = "Retry-After"
DEFAULT_REALM: Final = "api"
_USUAL_SCHEME: Final = f"{SCHEME} "
_SCHEME_LENGTH: Final = len(_USUAL_SCHEME)

_FIELD: Final = re.compile(r"(?P<scheme>[!#$%&'*+.^_`|~0-9A-Za-z-]+)(?: +(?P<credentials>[^ ].*))?")
_TOKEN68: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")
# Matches at every quotation mark, its end being optional: a text without end must not be read again and again.
_QUOTED: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*\\?(?P<end>"?)')
_NEW_CREDENTIALS: Final = re.compile(r"\s*(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+ +[^ =]|bearer\s*$)", re.IGNORECASE)
_QUOTABLE: Final = re.compile(r"[ !#-\[\]-~]+")


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP answer to a refused request."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def bearer_token(values: Sequence[str | bytes]) -> str:
    """The token in a request's `Authorization` field values (RFC 6750 section 2.1, RFC 9110 section 11.4).

    Raises AuthenticationRequired when no bearer credential was presented, InvalidRequest when there are several or
    one that is not well-formed.
    """
    if len(values) > 1:
        raise InvalidRequest(Reason.SEVERAL_CREDENTIALS)
    value = values[0] if values else ""
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    text = text.strip(" \t")
    if not text:
        raise AuthenticationRequired(Reason.MISSING_CREDENTIALS)
    if not text.isascii() or not text.isprintable():
        raise InvalidRequest(Reason.MALFORMED_CREDENTIALS)
    field = _FIELD.fullmatch(text)
    token = (field["credentials"] or "") if field else ""
    if field and field["scheme"].lower() == SCHEME.lower() and _is_token(token):
        return token
    if "," in text and _counts_several(text):
        raise InvalidRequest(Reason.SEVERAL_CREDENTIALS)
    if field is None or field["scheme"].lower() == SCHEME.lower():
        raise InvalidRequest(Reason.MALFORMED_CREDENTIALS)
    raise AuthenticationRequired(Reason.MISSING_CREDENTIALS)


def bare_token(values: Sequence[str | bytes]) -> str | None:
    """What stands behind the scheme of a single value in its usual form, whatever it is; None for any other form."""
    if len(values) != 1:
        return None
    value = values[0]
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    return text[_SCHEME_LENGTH:] if text.startswith(_USUAL_SCHEME) else None


def _is_token(text: str) -> bool:
    # An over-long token is let through unread: the first row of the table refuses it by its length alone.
    return len(text) > MAX_TOKEN_BYTES or _TOKEN68.fullmatch(text) is not None


def _counts_several(text: str) -> bool:
    # What is quoted but never closed is no quotation, and hides nothing.
    parts = _QUOTED.sub(lambda quoted: "" if quoted["end"] else quoted[0], text).split(",")
    return sum(1 for part in parts if _NEW_CREDENTIALS.match(part)) > 1


def check_realm(realm: str) -> str:
    """The realm, if it can stand in a challenge as it is; raises ConfigError (RFC 9110 section 5.6.4)."""
    if not _QUOTABLE.fullmatch(realm):
        problem = "must be printable ASCII without quotes and backslashes"
        raise ConfigError([Problem("realm", problem, "choose a short name such as api")])
    return realm


def answer(error: Refusal, *, realm: str = DEFAULT_REALM) -> Answer:
    """The answer to a refused request: status, challenge and JSON body (RFC 6750 section 3, RFC 9110 section 10.2.3).

    Holds the RFC code and one generic sentence; nothing of the token, the claims or the configuration.
    """
    sentence = error.reason.meaning
    headers: list[tuple[str, str]] = []
    if isinstance(error, Unavailable):
        headers.append((RETRY_AFTER, str(max(1, math.ceil(error.retry_after)))))
    elif not isinstance(error, AccessDenied):
        headers.append((WWW_AUTHENTICATE, _challenge(error, realm)))
    code = error.error or "authentication_required"
    return _json(error.status, code, sentence, headers)


def failure() -> Answer:
    """The answer to a fault of our own: 500 without any detail."""
    return _json(500, "server_error", "The request could not be processed.", [])


def _challenge(error: Refusal, realm: str) -> str:
    parameters = [f'realm="{realm}"']
    if error.error:
        parameters += [f'error="{error.error}"', f'error_description="{error.reason.meaning}"']
    # An application may have put a scope together from what a client sent.
    if isinstance(error, InsufficientScope) and _QUOTABLE.fullmatch(error.scope):
        parameters.append(f'scope="{error.scope}"')
    return f"{SCHEME} {', '.join(parameters)}"


def _json(status: int, code: str, description: str, headers: list[tuple[str, str]]) -> Answer:
    body = json.dumps({"error": code, "error_description": description}).encode("ascii")
    fixed = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")]
    return Answer(status, (*headers, *fixed), body)
