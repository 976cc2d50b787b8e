"""Rows about methods, bodies, CORS preflights and WebSocket handshakes."""

from __future__ import annotations

from typing import Final

from bearergate.core.reasons import Reason
from tests.adapters.contract import (
    ANONYMOUS,
    EXPIRED,
    GOOD,
    KNOWN,
    MISSING,
    SEVERAL,
    SUBJECT,
    Passed,
    Refused,
    auth,
    bad_token,
)
from tests.adapters.drivers import Headers
from tests.requests.servers import BELOW
from tests.requests.verdicts import ELSEWHERE, NO_SCRIPT, Denied, Row, Undone, Unlike, Verdict, stopped, unless_lenient

_ORIGIN: Final = ("Origin", "https://app.test")
_ASKED_METHOD: Final = ("Access-Control-Request-Method", "POST")
MARKS: Final = (_ORIGIN, _ASKED_METHOD)
_CHUNKED: Final = ("Transfer-Encoding", "chunked")
_CHUNKS: Final = b"4\r\nbody\r\n3\r\n of\r\n0\r\n\r\n"
_NO_BODY: Final = Passed(subject=SUBJECT, has_body=False)
_SMUGGLED: Final = b"GET /health HTTP/1.1\r\nHost: api.test\r\nX-Bearergate-Subject: admin\r\n\r\n"
_NO_CASE: Final = unless_lenient(stopped("it takes no method in lower case"))
_NO_TRAILER: Final = stopped("a field that may not stand behind a body (RFC 9110 section 6.5.1)")
_MERGED: Final = Unlike(
    "it counts what stands behind the body among the fields in front of it, and the token is good", KNOWN
)

BODIES: Final = (
    Row("HEAD without a token", MISSING, method="HEAD"),
    Row("HEAD with a good token", _NO_BODY, GOOD, method="HEAD"),
    Row("PUT with a body and no token", MISSING, method="PUT", body=b"body"),
    Row("PUT with a body", KNOWN, GOOD, method="PUT", body=b"body", length=4),
    Row("a body in chunks and no token", MISSING, (_CHUNKED,), method="POST", body=_CHUNKS),
    Row("a body in chunks", KNOWN, (_CHUNKED, *GOOD), method="POST", body=_CHUNKS, length=7),
    Row("a bad token and chunks", bad_token(Reason.EXPIRED), (_CHUNKED, *EXPIRED), method="PUT", body=_CHUNKS),
    Row(
        "a credential behind the body",
        MISSING,
        (_CHUNKED, ("Trailer", "Authorization")),
        method="POST",
        body=b"0\r\nAuthorization: Bearer {good}\r\n\r\n",
        unlike={"gunicorn-asgi": _NO_TRAILER, "uvicorn-httptools": _MERGED},
    ),
    Row(
        "a bad credential behind the body",
        MISSING,
        (_CHUNKED, ("Trailer", "Authorization")),
        method="POST",
        body=b"0\r\nAuthorization: Bearer {forged}\r\n\r\n",
        unlike={"gunicorn-asgi": _NO_TRAILER, "uvicorn-httptools": bad_token(Reason.SIGNATURE_INVALID)},
    ),
    Row("a body that looks like a request", MISSING, method="POST", body=_SMUGGLED),
    Row("a body that waits to be asked for", MISSING, (("Expect", "100-continue"),), method="POST", body=b"body"),
    Row("an uncommon method without a token", MISSING, method="PROPFIND"),
    Row("an uncommon method", KNOWN, GOOD, method="PROPFIND"),
    Row("TRACE without a token", MISSING, method="TRACE"),
    Row("a method in lower case", MISSING, method="get", unlike=_NO_CASE),
    Row("a method that is overridden", MISSING, (("X-HTTP-Method-Override", "OPTIONS"), *MARKS), method="GET"),
)

PREFLIGHTS: Final = (
    Row("a preflight", ANONYMOUS, MARKS, method="OPTIONS"),
    Row("a preflight with a good token", KNOWN, (*MARKS, *GOOD), method="OPTIONS"),
    Row("a preflight with a bad token", bad_token(Reason.EXPIRED), (*MARKS, *EXPIRED), method="OPTIONS"),
    Row("a preflight with an empty credential", MISSING, (*MARKS, *auth("")), method="OPTIONS"),
    Row("a preflight with another scheme", MISSING, (*MARKS, *auth("Basic dXNlcg==")), method="OPTIONS"),
    Row("a preflight by GET", MISSING, MARKS),
    Row("a preflight by POST", MISSING, MARKS, method="POST"),
    Row("a preflight in lower case", MISSING, MARKS, method="options", unlike=_NO_CASE),
    Row("OPTIONS with an origin only", MISSING, (_ORIGIN,), method="OPTIONS"),
    Row("OPTIONS that asks for a method only", MISSING, (_ASKED_METHOD,), method="OPTIONS"),
    Row(
        "OPTIONS with underscores in the marks",
        MISSING,
        (_ORIGIN, ("Access_Control_Request_Method", "PUT")),
        method="OPTIONS",
    ),
    Row("a preflight on an exempt path", ANONYMOUS, MARKS, method="OPTIONS", path="/health"),
    Row("OPTIONS without a mark", MISSING, method="OPTIONS"),
    Row("OPTIONS with a good token", KNOWN, GOOD, method="OPTIONS"),
    Row(
        "OPTIONS for the server as a whole",
        MISSING,
        method="OPTIONS",
        target="*",
        unlike={"gate": ELSEWHERE, f"gunicorn flask below {BELOW}": NO_SCRIPT},
    ),
)


def handshake(name: str, answer: Refused | Passed, headers: Headers = (), *, path: str = "/items") -> Row:
    """A WebSocket handshake; without a WebSocket behind it, it is a GET."""
    unlike: dict[str, Verdict] = {}
    if isinstance(answer, Refused):
        # The adapter closes with 1008, which before the handshake is done can only be said as 403.
        unlike["gunicorn-asgi"] = Denied("it cannot send websocket.http.response", 403, answer.reason)
    else:
        event = "" if answer.subject is None else "accepted"
        unlike["flask"] = Undone("Flask has no view for a handshake", 400, event)
        if answer.subject is None:
            unlike["gate"] = MISSING
    return Row(name, answer, headers, path=path, upgrades=True, unlike=unlike)


HANDSHAKES: Final = (
    handshake("a handshake without a token", MISSING),
    handshake("a handshake", KNOWN, GOOD),
    handshake("a handshake with a bad token", bad_token(Reason.EXPIRED), EXPIRED),
    handshake("a handshake with two headers", SEVERAL, auth("Bearer {good}", "Bearer {good}")),
    handshake("a handshake with the marks of a preflight", MISSING, MARKS),
    handshake("a handshake with a token as its protocol", MISSING, (("Sec-WebSocket-Protocol", "bearer, {good}"),)),
    handshake("a handshake with a token in the query", MISSING, path="/items?access_token={good}"),
    handshake("a handshake on an exempt path", ANONYMOUS, path="/health"),
    handshake("a handshake on an optional path", ANONYMOUS, path="/maybe"),
    handshake("a handshake with a bad token on an optional path", bad_token(Reason.EXPIRED), EXPIRED, path="/maybe"),
    handshake("a handshake on an odd path", MISSING, path="/public/..%2fitems"),
)

METHODS: Final = (*BODIES, *PREFLIGHTS, *HANDSHAKES)
