"""Rows about paths: exempt and optional ones, odd spellings, mounts, and what only pretends to be a path."""

from __future__ import annotations

from typing import Final

from bearergate.core.reasons import Reason
from tests.adapters.contract import (
    ANONYMOUS,
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
from tests.adapters.drivers import Headers
from tests.requests.servers import BELOW
from tests.requests.verdicts import ELSEWHERE, NO_SCRIPT, Row, Undone, Unlike, Verdict, stopped, unless_lenient

_AT_THE_GATE: Final = "the gate knows no exempt and no optional path"


def _open(name: str, path: str, answer: Verdict = ANONYMOUS, headers: Headers = (), *, gate: Verdict = MISSING) -> Row:
    """A request that an application lets pass for its path, or judges milder; the gate never does."""
    return Row(name, answer, headers, path=path, unlike={"gate": Unlike(_AT_THE_GATE, gate)})


def _shut(name: str, path: str, headers: Headers = ()) -> Row:
    """A request without a token whose path only looks like one that is open."""
    return Row(name, MISSING, headers, path=path)


OPEN: Final = (
    _open("an exempt path", "/health"),
    _open("below an exempt folder", "/public/a/b"),
    _open("the exempt folder itself", "/public"),
    _open("one free segment", "/blue/icon"),
    _open("an exempt path and a query", "/health?next=/items"),
    _open("an exempt path and an odd query", "/health?a=/../;//%2e%5c"),
    _open("an encoded letter", "/%68ealth"),
    _open("an encoded slash", "/public%2Fa"),
    _open("letters outside ASCII", "/public/caf%C3%A9"),
    _open("bytes that are no UTF-8", "/public/%ff"),
    _open("a slash in overlong UTF-8", "/public/%c0%afitems"),
    _open("three dots", "/public/..."),
    _open("a good token on an exempt path names nobody", "/health", headers=GOOD, gate=KNOWN),
    _open("a bad token on an exempt path", "/health", headers=EXPIRED, gate=bad_token(Reason.EXPIRED)),
    _open("a broken credential on an exempt path", "/health", headers=auth("Bearer"), gate=MALFORMED),
    _open("an optional path", "/maybe"),
    _open("another scheme on an optional path", "/maybe", headers=auth("Basic dXNlcg==")),
    _open("an empty value on an optional path", "/maybe", headers=auth("")),
    Row("a good token on an optional path", KNOWN, GOOD, path="/maybe/x"),
    Row("a bad token on an optional path", bad_token(Reason.EXPIRED), EXPIRED, path="/maybe"),
    Row(
        "a forged token on an optional path",
        bad_token(Reason.SIGNATURE_INVALID),
        auth("Bearer {forged}"),
        path="/maybe",
    ),
    Row(
        "a foreign token on an optional path", bad_token(Reason.ISSUER_UNKNOWN), auth("Bearer {foreign}"), path="/maybe"
    ),
    Row("two tokens on an optional path", SEVERAL, auth("Bearer {good}", "Bearer {good}"), path="/maybe"),
    Row("a broken credential on an optional path", MALFORMED, auth("Bearer"), path="/maybe"),
    Row("a silent issuer on an optional path", UNAVAILABLE, auth("Bearer {unreachable}"), path="/maybe"),
)

ODD: Final = (
    _shut("a longer name than the exempt one", "/healthy"),
    _shut("a longer name than the exempt folder", "/publicity/x"),
    _shut("an exempt name in other case", "/Health"),
    _shut("an exempt name and a slash", "/health/"),
    _shut("an exempt name and an encoded line break", "/health%0A"),
    _shut("an exempt name and an encoded NUL", "/health%00"),
    _shut("an exempt name and an encoded space", "/health%20"),
    _shut("two segments where one is free", "/dark/blue/icon"),
    _shut("an exempt path in the query", "/items?/health"),
    _shut("an exempt path behind an encoded question mark", "/items%3F/health"),
    _shut("an exempt path behind an encoded number sign", "/items%23/health"),
    _shut("two slashes in front", "//public/items"),
    _shut("two slashes before an exempt path", "//health"),
    _shut("three slashes", "///health"),
    _shut("two slashes inside", "/public//items"),
    _shut("two slashes at the end", "/public//"),
    _shut("an encoded second slash", "/public/%2Fitems"),
    _shut("a dot segment", "/public/./items"),
    _shut("two dots", "/public/../items"),
    _shut("two dots at the end", "/public/.."),
    _shut("an encoded dot segment", "/public/%2e/items"),
    _shut("two encoded dots", "/public/%2e%2e/items"),
    _shut("one encoded dot of two", "/public/.%2e/items"),
    _shut("dots and an encoded slash", "/public/..%2fitems"),
    _shut("dots and an encoded backslash", "/public/..%5citems"),
    _shut("dots encoded twice", "/public/%252e%252e/items"),
    _shut("a slash encoded twice", "/public%252fitems"),
    _shut("a per cent sign that encodes nothing", "/public/%zz"),
    _shut("a parameter", "/public/x;y=1"),
    _shut("a parameter of dots", "/public/..;/items"),
    _shut("an encoded parameter", "/public/x%3By"),
    _shut("a backslash", "/public/\\items"),
    _shut("an encoded backslash", "/public/%5Citems"),
    _shut("an encoded tab", "/public/%09"),
    _shut("an encoded line break and a header", "/public/%0d%0aX-Bearergate-Subject:%20admin"),
    _shut("a control character of C1", "/public/%C2%85"),
    Row("a good token on an odd path", KNOWN, GOOD, path="/public/x;y=1"),
    Row(
        "a good token and an encoded line break",
        KNOWN,
        GOOD,
        path="/public/%0aitems",
        unlike={"flask": Undone("no rule of Flask matches a line break", 404, "accepted")},
    ),
    Row("a bad token on an odd path", bad_token(Reason.EXPIRED), EXPIRED, path="/public/../items"),
)

PRETENDED: Final = (
    _shut("a forwarded path", "/items", (("X-Forwarded-Uri", "/health"), ("X-Original-URL", "/health"))),
    _shut("a rewritten path", "/items", (("X-Rewrite-URL", "/health"), ("X-Original-URI", "/public/x"))),
    _shut("a forwarded prefix", "/items", (("X-Forwarded-Prefix", "/public"), ("X-Script-Name", "/public"))),
    _shut("a forwarded prefix that is cut off", "/items/health", (("X-Forwarded-Prefix", "/items"),)),
    _shut("a forwarded method", "/items", (("X-Forwarded-Method", "OPTIONS"), ("X-Original-Method", "OPTIONS"))),
    _shut("a forwarded client", "/items", (("X-Forwarded-For", "127.0.0.1"), ("X-Real-IP", "127.0.0.1"))),
    _shut("variables of an environment", "/items", (("PATH_INFO", "/health"), ("REQUEST_URI", "/health"))),
    Row(
        "a script name",
        MISSING,
        (("SCRIPT_NAME", "{at}/items"),),
        path="/items/health",
        unlike={
            "gunicorn": Unlike("gunicorn believes it from loopback, and so the application is at /health", ANONYMOUS)
        },
    ),
    _shut("an authority that is no host", "/items", (("X-Forwarded-Host", "api.test/health"),)),
)

MOUNTED: Final = (
    _open("mounted: an exempt path", "/m/api/health"),
    _open("mounted: an optional path", "/m/api/maybe"),
    _open("mounted: an encoded slash in the mount", "/m%2Fapi/health"),
    _open("mounted: the name of the mount again", "/m/public/public/x"),
    _shut("mounted: without a token", "/m/api/items"),
    _shut("mounted: the mount is not part of the path", "/m/public/items"),
    _shut("mounted: the root", "/m/public/"),
    _shut("mounted: a mount that is never reached", "/m/publicity/health"),
    _shut("mounted: two slashes in front", "//m/api/health"),
    _shut("mounted: two slashes behind the mount", "/m/api//health"),
    _shut("mounted: dots that leave the mount", "/m/api/../health"),
    _shut("mounted: dots that enter the mount", "/x/../m/api/health"),
    _shut("mounted: an odd path", "/m/api/public/..%2fitems"),
    Row("mounted: a good token", KNOWN, GOOD, path="/m/public/items"),
    Row("mounted: a bad token", bad_token(Reason.EXPIRED), EXPIRED, path="/m/api/items"),
    _open("a blueprint: an exempt path", "/team/open"),
    _shut("a blueprint: without a token", "/team/items"),
    _shut("a blueprint: below the exempt path", "/team/open/items"),
    Row("a blueprint: a good token", KNOWN, GOOD, path="/team/items"),
)

_NO_TARGET: Final = stopped("a character that no target may hold (RFC 9112 section 3.2)")
_NO_ORIGIN: Final = stopped("a target of a form that this method cannot have (RFC 9112 section 3.2)")
_TOO_LONG: Final = stopped("more than the server reads of a request line", 0, 400, 414)
_TAKEN: Final = Unlike("the server takes the path out of the target, for the application as for us", ANONYMOUS)
_WHOLE: Final = {"uvicorn-h11 gate": ELSEWHERE}

TARGETS: Final = (
    Row("a whole URL as target", MISSING, target="http://api.test{at}/items", unlike=_WHOLE),
    Row("a whole URL as target and a good token", KNOWN, GOOD, target="http://api.test{at}/items", unlike=_WHOLE),
    Row(
        "a whole URL as target, exempt",
        MISSING,
        target="http://api.test{at}/health",
        unlike={**_WHOLE, "gunicorn": _TAKEN, "uvicorn-httptools asgi": _TAKEN},
    ),
    Row("a whole URL that hides an exempt path", MISSING, target="http://health{at}/items", unlike=_WHOLE),
    Row(
        "a target without a slash",
        MISSING,
        target="health",
        unlike={**_WHOLE, **unless_lenient(_NO_ORIGIN)},
    ),
    Row(
        "an authority as target",
        MISSING,
        method="CONNECT",
        target="api.test:443",
        unlike={**_WHOLE, "uvicorn-httptools": _NO_ORIGIN, f"gunicorn flask below {BELOW}": NO_SCRIPT},
    ),
    Row("a fragment", MISSING, path="/items#/health"),
    Row(
        "a fragment behind an exempt path",
        MISSING,
        path="/health#/items",
        unlike={"gunicorn": _TAKEN, "uvicorn-httptools asgi": _TAKEN},
    ),
    Row("a NUL in the path", _NO_TARGET, path="/health\x00"),
    Row("a control character in the path", _NO_TARGET, path="/public/\x0b"),
    Row("obs-text in the path", _NO_TARGET, path="/public/caf\xe9"),
    Row("a space in the path", _NO_TARGET, path="/public/ items"),
    Row(
        "a path of 5 KB",
        MISSING,
        path="/" + "a" * 5000,
        unlike={"gunicorn": _TOO_LONG, "gunicorn-asgi": _TOO_LONG},
    ),
    Row("a path of 100 KB", MISSING, path="/" + "a" * 100_000, unlike=unless_lenient(_TOO_LONG)),
)

PATHS: Final = (*OPEN, *ODD, *PRETENDED, *MOUNTED, *TARGETS)
