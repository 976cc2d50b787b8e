"""Rows about the message around a request: line ends, folding, lengths, versions, several requests on a connection."""

from __future__ import annotations

from typing import Final

from bearergate.core.reasons import Reason
from tests.adapters.contract import KNOWN, MISSING, Passed, Refused, bad_token
from tests.requests.verdicts import ELSEWHERE, Row, Stopped, Unlike, Verdicts, plain, stopped, unless_lenient

_LINE: Final = "GET {at}/items HTTP/1.1\nHost: api.test\n"
_HEAD: Final = _LINE + "Connection: close\n"
_POST: Final = "POST {at}/items HTTP/1.1\nHost: api.test\n"
_GOOD: Final = "Authorization: Bearer {good}\n"

_NO_LINE: Final = stopped("a line feed alone ends no line there")
_NO_FOLD: Final = stopped("fields may not be folded (RFC 9112 section 5.2)")
_NO_FIELD: Final = stopped("this is no field (RFC 9112 section 5)")
_NO_LENGTH: Final = stopped("nobody can say where this body ends (RFC 9112 section 6.3)")
_NO_CODING: Final = "a coding that is not known (RFC 9112 section 6.1)"
_NO_HOST: Final = stopped("a request names one host (RFC 9112 section 3.2)")
_NO_VERSION: Final = stopped("a version that is not spoken here", 0, 400)


def _raw(name: str, answer: Verdicts, request: str, **unlike: Verdicts | Unlike) -> Row:
    """A request written out. Names of servers are given with `_` for `-`."""
    named = {name.replace("_", "-"): verdict for name, verdict in unlike.items()}
    return Row(name, answer, raw=plain(request), unlike=named)


def _by_h11_only(name: str, answer: Refused | Passed, request: str, why: Stopped) -> Row:
    """A request that only h11 takes."""
    return Row(name, answer, raw=plain(request), unlike=unless_lenient(why))


FIELDS: Final = (
    _by_h11_only("a folded credential", KNOWN, _HEAD + "Authorization: Bearer\n {good}\n\n", _NO_FOLD),
    _by_h11_only(
        "a folded bad credential", bad_token(Reason.EXPIRED), _HEAD + "Authorization: Bearer\n {expired}\n\n", _NO_FOLD
    ),
    _by_h11_only("a credential folded into another field", MISSING, _HEAD + f"X-Other: 1\n {_GOOD}\n", _NO_FOLD),
    _raw("a fold in front of all fields", _NO_FOLD, f"GET {{at}}/items HTTP/1.1\n Host: api.test\n{_GOOD}\n"),
    _raw("a space before the colon", _NO_FIELD, _HEAD + "Authorization : Bearer {good}\n\n"),
    # Without real tokens, because gunicorn writes such a line down.
    _raw("a field without a colon", _NO_FIELD, _HEAD + "Authorization Bearer a.b.c\n\n"),
    _raw("a field without a name", _NO_FIELD, _HEAD + ": Bearer a.b.c\n\n"),
    _raw("a NUL in a field name", _NO_FIELD, _HEAD + "Authorization\0: Bearer {good}\n\n"),
    _raw("obs-text in a field name", _NO_FIELD, _HEAD + "Authoriz\xe4tion: Bearer {good}\n\n"),
    _raw("a carriage return in a value", _NO_FIELD, _HEAD + f"X-Other: a\r{_GOOD}\n"),
    _raw("a NUL in another value", _NO_FIELD, _HEAD + f"X-Other: a\0\n{_GOOD}\n"),
    Row(
        "200 fields",
        MISSING,
        tuple((f"X-Field-{number}", "1") for number in range(200)),
        unlike=dict.fromkeys(("gunicorn", "gunicorn-asgi"), stopped("more fields than it reads", 400, 431)),
    ),
    _raw("no host", MISSING, "GET {at}/items HTTP/1.1\nConnection: close\n\n", uvicorn_h11=_NO_HOST),
    _raw("two hosts", _NO_HOST, _HEAD + "Host: other.test\n\n", uvicorn_httptools=MISSING),
    _raw(
        "a host that wants to be quoted",
        MISSING,
        'GET {at}/items HTTP/1.1\nHost: evil.test/", realm="x\nConnection: close\n\n',
    ),
)

BODIES: Final = (
    _raw("two lengths that differ", _NO_LENGTH, _POST + "Content-Length: 4\nContent-Length: 5\n\nbody!"),
    _raw("a length that is no number", _NO_LENGTH, _POST + "Content-Length: +4\nConnection: close\n\nbody"),
    _by_h11_only(
        "a length and chunks, and another request behind them",
        MISSING,
        _POST + f"Content-Length: 4\nTransfer-Encoding: chunked\nConnection: close\n\n0\n\n{_LINE}\n",
        _NO_LENGTH,
    ),
    _raw(
        "a coding that nobody knows",
        stopped(_NO_CODING, 400, 501),
        _POST + "Transfer-Encoding: xchunked\nConnection: close\n\n0\n\n",
        uvicorn_httptools=stopped(_NO_CODING, event=Reason.MISSING_CREDENTIALS.value),
    ),
)

LINES: Final = (
    Row(
        "line ends without a carriage return",
        MISSING,
        raw=_HEAD.encode() + b"\n",
        unlike=unless_lenient(_NO_LINE),
    ),
    Row(
        "a good token and line ends without a carriage return",
        KNOWN,
        raw=f"{_HEAD}{_GOOD}\n".encode(),
        unlike=unless_lenient(_NO_LINE),
    ),
    _raw("an empty line in front", MISSING, "\n" + _HEAD + "\n", uvicorn_h11=stopped("no line may stand in front")),
    _raw(
        "two spaces in the request line",
        stopped("one space, and no more (RFC 9112 section 3)"),
        "GET  {at}/items HTTP/1.1\nHost: api.test\nConnection: close\n\n",
        uvicorn_httptools=MISSING,
    ),
    _raw("HTTP/1.0 without a token", MISSING, "GET {at}/items HTTP/1.0\n\n"),
    _raw("HTTP/1.0 with a good token", KNOWN, f"GET {{at}}/items HTTP/1.0\n{_GOOD}\n"),
    Row(
        "HTTP/0.9",
        _NO_VERSION,
        raw=b"GET {at}/health\r\n",
        ends=True,
    ),
    Row(
        "the preface of HTTP/2",
        _NO_VERSION,
        raw=plain("PRI * HTTP/2.0\n\nSM\n\n"),
        unlike={
            "uvicorn-h11 gate": (ELSEWHERE, _NO_VERSION),
            "uvicorn-h11": Unlike("it takes the preface for a request", (MISSING, _NO_VERSION)),
        },
    ),
    _raw(
        "an upgrade to HTTP/2",
        MISSING,
        _LINE + "Connection: Upgrade, HTTP2-Settings, close\nUpgrade: h2c\nHTTP2-Settings: AAMAAABkAAQAAP__\n\n",
    ),
)

_ONE_ONLY: Final = "it closes the connection after one request"

CONNECTIONS: Final = (
    _raw(
        "a request without a token after a good one",
        (KNOWN, MISSING),
        f"{_LINE}{_GOOD}\n{_HEAD}\n",
        gunicorn=Unlike(_ONE_ONLY, KNOWN),
    ),
    _raw(
        "a good request after a refused one",
        (MISSING, KNOWN),
        f"{_LINE}\n{_HEAD}{_GOOD}\n",
        gunicorn=Unlike(_ONE_ONLY, MISSING),
    ),
    _raw(
        "a request behind the body of a refused one",
        (MISSING, MISSING),
        f"{_POST}Content-Length: 4\n\nbody{_HEAD}\n",
        gunicorn=Unlike(_ONE_ONLY, MISSING),
    ),
)

FRAMING: Final = (*FIELDS, *BODIES, *LINES, *CONNECTIONS)
