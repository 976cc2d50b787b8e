"""THE contract of all adapters: one table of requests and the answer each must get (RFC 6750, RFC 9110).

Data only: drivers.py sends the requests, test_contract.py compares. Where an adapter answers otherwise, or cannot
be asked at all, the row says so and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Final, TypeAlias

from bearergate.core.reasons import Reason
from tests.adapters.drivers import Headers

REALM: Final = 'Bearer realm="api"'
SUBJECT: Final = "user-1"


@dataclass(frozen=True, kw_only=True)
class Refused:
    """An answer without the application: status, challenge exactly, and body exactly."""

    status: int
    code: str
    reason: Reason
    challenge: str | None
    retry_after: bool = False


@dataclass(frozen=True, kw_only=True)
class Passed:
    """An answer of the application, which was told who is calling."""

    subject: str | None
    has_body: bool = True
    status: int = 200


Answer: TypeAlias = Refused | Passed


def challenged(status: int, code: str, reason: Reason, more: str = "") -> Refused:
    challenge = f'{REALM}, error="{code}", error_description="{reason.meaning}"{more}'
    return Refused(status=status, code=code, reason=reason, challenge=challenge)


def bad_request(reason: Reason) -> Refused:
    """400: what was presented is no credential, or several."""
    return challenged(400, "invalid_request", reason)


def bad_token(reason: Reason) -> Refused:
    """401: the token is refused."""
    return challenged(401, "invalid_token", reason)


MISSING: Final = Refused(status=401, code="authentication_required", reason=Reason.MISSING_CREDENTIALS, challenge=REALM)


UNAVAILABLE: Final = Refused(
    status=503,
    code="temporarily_unavailable",
    reason=Reason.KEYS_UNAVAILABLE,
    challenge=None,
    retry_after=True,
)
MALFORMED: Final = bad_request(Reason.MALFORMED_CREDENTIALS)
SEVERAL: Final = bad_request(Reason.SEVERAL_CREDENTIALS)
KNOWN: Final = Passed(subject=SUBJECT)
ANONYMOUS: Final = Passed(subject=None)


@dataclass(frozen=True)
class Unlike:
    """What one adapter does otherwise; `answer` is None when the request cannot be put to it."""

    why: str
    answer: Answer | None = None


Exceptions: TypeAlias = Mapping[str, Unlike]


@dataclass(frozen=True)
class Row:
    """One request and its answer. In headers and query `{name}` stands for a token of tokens.py."""

    name: str
    answer: Answer
    headers: Headers = ()
    _: KW_ONLY
    path: str = "/items"
    method: str = "GET"
    mount: str = ""
    query: str = ""
    unlike: Exceptions = field(default_factory=dict)


def auth(*values: str | bytes) -> Headers:
    """One `Authorization` field for each value."""
    return tuple(("Authorization", value) for value in values)


GOOD: Final = auth("Bearer {good}")
EXPIRED: Final = auth("Bearer {expired}")
_ORIGIN: Final = ("Origin", "https://app.test")
_ASKED_METHOD: Final = ("Access-Control-Request-Method", "POST")
_SPOOFED: Final[Headers] = (
    ("X-Remote-User", "admin"),
    ("Remote-User", "admin"),
    ("remote_user", "admin"),
    ("X-Auth-Type", "Bearer"),
    ("X-Bearergate-Subject", "admin"),
    ("x_bearergate_groups", "admins"),
    ("X-BEARERGATE_Machine", "true"),
)

_NO_PATHS: Final = Unlike("the gate is asked at a path of its own, and exempt paths are the proxy's business")
_OWN_OPTIONS: Final = Unlike("Flask answers OPTIONS itself, without the view", Passed(subject=None, has_body=False))
_JOINED: Final = Unlike("the server joined the two values, and a lone comma says no more than that", MALFORMED)
_OPEN_VIEW: Final = Unlike("the view was chosen, and it is one that demands nothing", ANONYMOUS)

_BY_FLASK: Final[Exceptions] = {"flask": _OWN_OPTIONS, "flask views": _OWN_OPTIONS}

CREDENTIALS: Final = (
    Row("nothing is presented", MISSING),
    Row("an empty value is nothing", MISSING, auth("")),
    Row("white space alone is nothing", MISSING, auth(" \t ")),
    Row("another scheme is nothing", MISSING, auth("Basic dXNlcjpwYXNz")),
    Row("another scheme alone is nothing", MISSING, auth("Negotiate")),
    Row("a scheme that begins like ours is another", MISSING, auth("Bearerish {good}")),
    Row("two headers", SEVERAL, auth("Bearer {good}", "Bearer {good}")),
    Row("two headers of two schemes", SEVERAL, auth("Basic dXNlcg==", "Bearer {good}")),
    Row(
        "a header after an empty one",
        SEVERAL,
        auth("", "Bearer {good}"),
        unlike=dict.fromkeys(("wsgi", "flask", "flask views"), _JOINED),
    ),
    Row("two credentials in one header", SEVERAL, auth("Bearer {good}, Bearer {good}")),
    Row("two schemes in one header", SEVERAL, auth("Basic dXNlcg==,Bearer {good}")),
    Row("the scheme alone", MALFORMED, auth("Bearer")),
    Row("the scheme and a space", MALFORMED, auth("Bearer ")),
    Row("two tokens", MALFORMED, auth("Bearer {good} {good}")),
    Row("a trailing comma", MALFORMED, auth("Bearer {good},")),
    Row("a tab instead of the space", MALFORMED, auth("Bearer\t{good}")),
    Row("a tab after the space", MALFORMED, auth("Bearer \t{good}")),
    Row("no scheme at all", MALFORMED, auth("={good}")),
    Row("latin-1 in the token", MALFORMED, auth(b"Bearer caf\xe9")),
    Row("UTF-8 in the token", MALFORMED, auth("Bearer \N{SNOWMAN}".encode())),
    Row("UTF-8 in the scheme", MALFORMED, auth("Be\N{CYRILLIC SMALL LETTER A}rer x".encode())),
    Row("characters outside token68", MALFORMED, auth("Bearer a@b")),
    Row("a quoted token", MALFORMED, auth('Bearer "{good}"')),
    Row("parameters instead of a token", MALFORMED, auth('Bearer token="x"')),
    Row("an equals sign inside", MALFORMED, auth("Bearer a=b")),
    Row("a good token", KNOWN, GOOD),
    Row("several spaces", KNOWN, auth("Bearer    {good}")),
    Row("white space around the value", KNOWN, auth(" \tBearer {good} \t")),
    Row("a lower-case scheme", KNOWN, auth("bearer {good}")),
    Row("a scheme in odd case", KNOWN, auth("bEaReR {good}")),
    Row("a header name in lower case", KNOWN, (("authorization", "Bearer {good}"),)),
    Row("a token in another header", MISSING, (("X-Authorization", "Bearer {good}"),)),
    Row("a token in a proxy's header", MISSING, (("Proxy-Authorization", "Bearer {good}"),)),
    Row("a token in a cookie", MISSING, (("Cookie", "access_token={good}"),)),
    Row("a token in the query", MISSING, query="access_token={good}"),
    Row("a bad token in the query beside a good one", KNOWN, GOOD, query="access_token={expired}"),
)

VERDICTS: Final = (
    Row("an opaque token", bad_token(Reason.MALFORMED_TOKEN), auth("Bearer {opaque}")),
    Row("a token of 100 KB", bad_token(Reason.TOKEN_TOO_LONG), auth("Bearer {long}")),
    Row("expired", bad_token(Reason.EXPIRED), EXPIRED),
    Row("not valid yet", bad_token(Reason.NOT_YET_VALID), auth("Bearer {early}")),
    Row("another audience", bad_token(Reason.AUDIENCE_MISMATCH), auth("Bearer {misdirected}")),
    Row("another issuer", bad_token(Reason.ISSUER_UNKNOWN), auth("Bearer {foreign}")),
    Row("forged", bad_token(Reason.SIGNATURE_INVALID), auth("Bearer {forged}")),
    Row("unsigned", bad_token(Reason.ALG_NOT_ALLOWED), auth("Bearer {unsigned}")),
    Row("the public key as a secret", bad_token(Reason.ALG_NOT_ALLOWED), auth("Bearer {confused}")),
    Row("an unknown key", bad_token(Reason.KEY_UNKNOWN), auth("Bearer {unknown_key}")),
    Row("an issuer that does not answer", UNAVAILABLE, auth("Bearer {unreachable}")),
)


METHODS: Final = (
    Row("HEAD without a token gets no body", MISSING, method="HEAD"),
    Row("HEAD with a good token", Passed(subject=SUBJECT, has_body=False), GOOD, method="HEAD"),
    Row("POST without a token", MISSING, method="POST"),
    Row("POST with a good token", KNOWN, GOOD, method="POST"),
    Row("a preflight", ANONYMOUS, (_ORIGIN, _ASKED_METHOD), method="OPTIONS", unlike=_BY_FLASK),
    Row(
        "a preflight with a bad token",
        bad_token(Reason.EXPIRED),
        (_ORIGIN, _ASKED_METHOD, *EXPIRED),
        method="OPTIONS",
    ),
    Row("a preflight with an empty credential", MISSING, (_ORIGIN, _ASKED_METHOD, *auth("")), method="OPTIONS"),
    Row("a preflight by GET", MISSING, (_ORIGIN, _ASKED_METHOD)),
    Row("OPTIONS without CORS", MISSING, method="OPTIONS"),
    Row("OPTIONS with an origin only", MISSING, (_ORIGIN,), method="OPTIONS"),
    Row("OPTIONS that asks for a method only", MISSING, (_ASKED_METHOD,), method="OPTIONS"),
    Row("OPTIONS with a good token", KNOWN, GOOD, method="OPTIONS", unlike=_BY_FLASK),
)


def _at(name: str, answer: Answer, path: str, headers: Headers = (), *, mount: str = "", query: str = "") -> Row:
    """A request whose path matters."""
    return Row(name, answer, headers, path=path, mount=mount, query=query, unlike={"gate": _NO_PATHS})


def _odd(name: str, path: str, headers: Headers = (), answer: Answer = MISSING, *, mount: str = "") -> Row:
    """A request below an exempt path, in a spelling that is never exempt."""
    return Row(name, answer, headers, path=path, mount=mount, unlike={"gate": _NO_PATHS, "flask views": _OPEN_VIEW})


PATHS: Final = (
    _at("an exempt path", ANONYMOUS, "/health"),
    _at("below an exempt path", ANONYMOUS, "/public/a/b"),
    _at("one free segment", ANONYMOUS, "/blue/icon"),
    _at("a good token on an exempt path names nobody", ANONYMOUS, "/health", GOOD),
    _at("a bad token on an exempt path", ANONYMOUS, "/health", EXPIRED),
    _at("a broken credential on an exempt path", ANONYMOUS, "/health", auth("Bearer")),
    _at("an exempt path and a query", ANONYMOUS, "/health", query="next=/items"),
    _at("an exempt path in the query", MISSING, "/items", query="/health"),
    _at("a longer name than the exempt one", MISSING, "/healthy"),
    _at("a longer name than the exempt folder", MISSING, "/publicity/x"),
    _at("an exempt name in other case", MISSING, "/Health"),
    _at("an exempt name and a slash", MISSING, "/health/"),
    _at("two segments where one is free", MISSING, "/dark/blue/icon"),
    _at("an encoded letter is the letter", ANONYMOUS, "/%68ealth"),
    _at("letters outside ASCII", ANONYMOUS, "/public/caf%C3%A9"),
    _at("bytes that are no UTF-8", ANONYMOUS, "/public/%ff"),
    Row("a forwarded path", MISSING, (("X-Forwarded-Uri", "/health"), ("X-Original-URL", "/health"))),
    Row("a forwarded prefix", MISSING, (("X-Forwarded-Prefix", "/public"), ("X-Script-Name", "/public"))),
    _at("two slashes inside", MISSING, "/public//items"),
    _at("an encoded second slash", MISSING, "/public/%2Fitems"),
    _odd("two slashes in front", "//public/items"),
    _odd("an encoded dot segment", "/public/%2e/items"),
    _odd("two encoded dots", "/public/%2e%2e/items"),
    _odd("dots and an encoded slash", "/public/..%2fitems"),
    _odd("dots encoded twice", "/public/%252e%252e/items"),
    _odd("a parameter", "/public/x;y=1"),
    _odd("an encoded parameter", "/public/x%3By"),
    _odd("a backslash", "/public/%5Citems"),
    _odd("a NUL", "/public/%00"),
    _odd("a line break", "/public/%0Aitems"),
    _odd("a control character of C1", "/public/%C2%85"),
    _odd("a good token on an odd path", "/public/x;y=1", GOOD, KNOWN),
    _at("an optional path without a token", ANONYMOUS, "/maybe"),
    _at("another scheme on an optional path", ANONYMOUS, "/maybe", auth("Basic dXNlcg==")),
    _at("an empty value on an optional path", ANONYMOUS, "/maybe", auth("")),
    _at("a good token on an optional path", KNOWN, "/maybe/x", GOOD),
    _at("a bad token on an optional path", bad_token(Reason.EXPIRED), "/maybe", EXPIRED),
    _at("a foreign token on an optional path", bad_token(Reason.ISSUER_UNKNOWN), "/maybe", auth("Bearer {foreign}")),
    _at("two tokens on an optional path", SEVERAL, "/maybe", auth("Bearer {good}", "Bearer {good}")),
    _at("a broken credential on an optional path", MALFORMED, "/maybe", auth("Bearer")),
    _at("a silent issuer on an optional path", UNAVAILABLE, "/maybe", auth("Bearer {unreachable}")),
    _at("mounted: an exempt path", ANONYMOUS, "/health", mount="/api"),
    _at("mounted: the mount is not part of the path", MISSING, "/items", mount="/public"),
    _at("mounted: a good token", KNOWN, "/items", GOOD, mount="/public"),
    _at("mounted: the name of the mount again", ANONYMOUS, "/public/x", mount="/public"),
    _odd("mounted: an odd path", "/public/..%2fitems", mount="/api"),
)

IDENTITY: Final = (
    Row("a client's identity headers beside a good token", KNOWN, (*_SPOOFED, *GOOD)),
    Row("a client's identity headers are no credential", MISSING, _SPOOFED),
    _at("a client's identity headers on an exempt path", ANONYMOUS, "/health", _SPOOFED),
    _at("a client's identity headers on an optional path", ANONYMOUS, "/maybe", _SPOOFED),
)

ROWS: Final = (*CREDENTIALS, *VERDICTS, *METHODS, *PATHS, *IDENTITY)
