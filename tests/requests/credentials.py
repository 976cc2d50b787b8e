"""Rows about the credential itself: where it stands, how it is written, how many there are, and what it is worth."""

from __future__ import annotations

from typing import Final

from bearergate.core.reasons import Reason
from tests.adapters.contract import (
    EXPIRED,
    GOOD,
    KNOWN,
    MALFORMED,
    MISSING,
    SEVERAL,
    UNAVAILABLE,
    auth,
    bad_token,
)
from tests.requests.verdicts import Row, Unlike, plain, stopped, unless_lenient

_JOINED: Final = Unlike("the server joined the two values, and a lone comma says no more than that", MALFORMED)
_FORM: Final = ("Content-Type", "application/x-www-form-urlencoded")
_TOO_LARGE: Final = stopped("more than the server reads of one request's head", 0, 400, 431)
_AT_GUNICORN: Final = {"gunicorn": _TOO_LARGE, "gunicorn-asgi": _TOO_LARGE}
_NO_TEXT: Final = stopped("a control character in a field value (RFC 9110 section 5.5)")

ABSENT: Final = (
    Row("nothing is presented", MISSING),
    Row("an empty value", MISSING, auth("")),
    Row("spaces and tabs alone", MISSING, auth(" \t ")),
    Row("another scheme", MISSING, auth("Basic dXNlcjpwYXNz")),
    Row("another scheme with a good token", MISSING, auth("DPoP {good}")),
    Row("a scheme that begins like ours", MISSING, auth("Bearerish {good}")),
    Row("a token in another header", MISSING, (("X-Authorization", "Bearer {good}"),)),
    Row("a token in a proxy's header", MISSING, (("Proxy-Authorization", "Bearer {good}"),)),
    Row("a header name that becomes ours in an environment", MISSING, (("HTTP_AUTHORIZATION", "Bearer {good}"),)),
    Row("a header name with an underscore behind it", MISSING, (("Authorization_", "Bearer {good}"),)),
    Row("a token in a cookie", MISSING, (("Cookie", "access_token={good}; Authorization=Bearer {good}"),)),
    Row("a token in the query", MISSING, path="/items?access_token={good}"),
    Row("a header in the query", MISSING, path="/items?Authorization=Bearer%20{good}"),
    Row("a token in the form", MISSING, (_FORM,), method="POST", body=b"access_token={good}"),
    Row("a bad token in the query beside a good one", KNOWN, GOOD, path="/items?access_token={expired}"),
    Row("a good token in the query beside a bad one", bad_token(Reason.EXPIRED), EXPIRED, path="/items?token={good}"),
)

SPELLED: Final = (
    Row("a good token", KNOWN, GOOD),
    Row("several spaces", KNOWN, auth("Bearer    {good}")),
    Row("white space around the value", KNOWN, auth(" \tBearer {good} \t")),
    Row("no space behind the colon", KNOWN, raw=plain("GET {at}/items HTTP/1.0\nAuthorization:Bearer {good}\n\n")),
    Row("a lower-case scheme", KNOWN, auth("bearer {good}")),
    Row("an upper-case scheme", KNOWN, auth("BEARER {good}")),
    Row("a scheme in odd case", KNOWN, auth("bEaReR {good}")),
    Row("a header name in odd case", KNOWN, (("aUTHORIZATION", "Bearer {good}"),)),
    Row("the scheme alone", MALFORMED, auth("Bearer")),
    Row("the scheme and a space", MALFORMED, auth("Bearer ")),
    Row("a token alone", MALFORMED, auth("={good}")),
    Row("two tokens", MALFORMED, auth("Bearer {good} {good}")),
    Row("a good token and a bad one", MALFORMED, auth("Bearer {good} {expired}")),
    Row("a colon behind the scheme", MALFORMED, auth("Bearer: {good}")),
    Row("a tab instead of the space", MALFORMED, auth("Bearer\t{good}")),
    Row("a tab behind the space", MALFORMED, auth("Bearer \t{good}")),
    Row("a tab inside the token", MALFORMED, auth("Bearer a\t{good}")),
    Row("a no-break space", MALFORMED, auth(b"Bearer\xa0{good}")),
    Row("a no-break space behind the token", MALFORMED, auth(b"Bearer {good}\xa0")),
    Row("obs-text in the token", MALFORMED, auth(b"Bearer caf\xe9\xff")),
    Row("UTF-8 in the token", MALFORMED, auth("Bearer \N{SNOWMAN}".encode())),
    Row("UTF-8 in the scheme", MALFORMED, auth("Be\N{CYRILLIC SMALL LETTER A}rer {good}".encode())),
    Row("characters outside token68", MALFORMED, auth("Bearer a@b")),
    Row("a quoted token", MALFORMED, auth('Bearer "{good}"')),
    Row("parameters instead of a token", MALFORMED, auth('Bearer token="x"')),
    Row("an equals sign inside", MALFORMED, auth("Bearer a=b")),
    Row("padding behind a good token", bad_token(Reason.MALFORMED_TOKEN), auth("Bearer {good}==")),
    Row("an encoded space makes another scheme", MISSING, auth("Bearer%20{good}")),
    Row("a form feed", _NO_TEXT, auth("Bearer\x0c{good}")),
    Row("a NUL behind the token", _NO_TEXT, auth("Bearer {good}\x00")),
    Row("a delete character", MALFORMED, auth("Bearer {good}\x7f"), unlike=unless_lenient(_NO_TEXT)),
)

SEVERAL_AT_ONCE: Final = (
    Row("two headers", SEVERAL, auth("Bearer {good}", "Bearer {good}")),
    Row("a good header, then a bad one", SEVERAL, auth("Bearer {good}", "Bearer {expired}")),
    Row("a bad header, then a good one", SEVERAL, auth("Bearer {forged}", "Bearer {good}")),
    Row("two headers, parted by others", SEVERAL, (*GOOD, ("X-Other", "1"), ("AUTHORIZATION", "Bearer {good}"))),
    Row("two headers of two schemes", SEVERAL, auth("Basic dXNlcg==", "Bearer {good}")),
    Row("two headers of two schemes, ours first", SEVERAL, auth("Bearer {good}", "Basic dXNlcg==")),
    Row("three headers", SEVERAL, auth("Bearer {good}", "Bearer {good}", "Bearer {good}")),
    Row("a header behind an empty one", SEVERAL, auth("", "Bearer {good}"), unlike={"wsgi": _JOINED, "flask": _JOINED}),
    Row("a header before an empty one", SEVERAL, auth("Bearer {good}", ""), unlike={"wsgi": _JOINED, "flask": _JOINED}),
    Row("two credentials in one header", SEVERAL, auth("Bearer {good}, Bearer {good}")),
    Row("two schemes in one header", SEVERAL, auth("Basic dXNlcg==,Bearer {good}")),
    Row("a quotation that never ends", SEVERAL, auth('Basic "x, Bearer {good}, Bearer {good}')),
    Row("a trailing comma", MALFORMED, auth("Bearer {good},")),
    Row("a leading comma", MALFORMED, auth(",Bearer {good}")),
)

WORTH: Final = (
    Row("an opaque token", bad_token(Reason.MALFORMED_TOKEN), auth("Bearer {opaque}")),
    Row("a token of five parts", bad_token(Reason.MALFORMED_TOKEN), auth("Bearer a.b.c.d.e")),
    Row("expired", bad_token(Reason.EXPIRED), EXPIRED),
    Row("not valid yet", bad_token(Reason.NOT_YET_VALID), auth("Bearer {early}")),
    Row("another audience", bad_token(Reason.AUDIENCE_MISMATCH), auth("Bearer {misdirected}")),
    Row("another issuer", bad_token(Reason.ISSUER_UNKNOWN), auth("Bearer {foreign}")),
    Row("forged", bad_token(Reason.SIGNATURE_INVALID), auth("Bearer {forged}")),
    Row("unsigned", bad_token(Reason.ALG_NOT_ALLOWED), auth("Bearer {unsigned}")),
    Row("the public key as a secret", bad_token(Reason.ALG_NOT_ALLOWED), auth("Bearer {confused}")),
    Row("an unknown key", bad_token(Reason.KEY_UNKNOWN), auth("Bearer {unknown_key}")),
    Row("an issuer that does not answer", UNAVAILABLE, auth("Bearer {unreachable}")),
    Row("a good token of 6 KB", KNOWN, auth("Bearer {large}")),
    Row(
        "a well-signed token of 17 KB",
        bad_token(Reason.TOKEN_TOO_LONG),
        auth("Bearer {too_long}"),
        unlike=_AT_GUNICORN,
    ),
    Row("a header of 100 KB", bad_token(Reason.TOKEN_TOO_LONG), auth("Bearer {long}"), unlike=_AT_GUNICORN),
)

CREDENTIALS: Final = (*ABSENT, *SPELLED, *SEVERAL_AT_ONCE, *WORTH)
