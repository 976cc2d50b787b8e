"""What a client sends around a token: `Authorization` values and paths."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Final

from bearergate.core.admission import Admission, RequestFacts
from bearergate.core.bearer import answer, bearer_token
from bearergate.core.errors import AuthenticationRequired, InvalidRequest
from tests.fuzz import spoiling
from tests.fuzz.wrong import WrongAnswer

_SCHEMES: Final = ("Bearer", "bearer", "BEARER", "Basic", "DPoP", "Digest", "Bearer:", "Bea", "", "Negotiate")
_BETWEEN: Final = (" ", " ", " ", "  ", "\t", "", "\u00a0", "\r\n ", "=", ", ")
_TOKENS: Final = ("aaa.bbb.ccc", "abc", "YWRhOnNlY3JldA==", "a b", "", 'realm="x, y"', "~+/-._=", "x" * 20_000)
_ONE: Final = re.compile(r"[ \t]*bearer +(?P<token>\S+)[ \t]*", re.IGNORECASE)
_ADMISSION: Final = Admission(exempt=("/health", "/public/**", "/*/icon"), optional=("/maybe/**",))
_PATHS: Final = (
    "/health",
    "/public/a/b",
    "/a/icon",
    "/items",
    "/maybe/x",
    "/public",
    "/public/../items",
    "/a/../health",
)


def authorization(chance: Random) -> list[str | bytes]:
    """None, one or several field values."""
    values: list[str | bytes] = []
    for _ in range(chance.choice((0, 1, 1, 1, 1, 1, 2, 3))):
        value = "".join(chance.choice(part) for part in (_SCHEMES, _BETWEEN, _TOKENS))
        while chance.random() < 0.2:
            value += chance.choice((",", ", ", " ")) + "".join(chance.choice(p) for p in (_SCHEMES, _BETWEEN, _TOKENS))
        value = spoiling.text(chance, value) if chance.random() < 0.5 else value
        values.append(value if chance.random() < 0.5 else value.encode("utf-8", "surrogatepass"))
    return values


def judge_authorization(values: list[str | bytes]) -> bool:
    """A token is found only in a single, plain bearer credential; every refusal has an answer that holds nothing."""
    try:
        token = bearer_token(values)
    except (AuthenticationRequired, InvalidRequest) as error:
        said = answer(error)
        text = "".join(f"{name}: {value}\n" for name, value in said.headers)
        if not text.replace("\n", "").isprintable() or not text.isascii() or set(json.loads(said.body)) != _MEMBERS:
            raise WrongAnswer("an answer that is no answer") from error
        return False
    (value,) = values
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    found = _ONE.fullmatch(text)
    # Of a token that is too long anyway nothing but its length is looked at.
    if (found is None or found["token"] != token) and len(token) <= 16 * 1024:
        raise WrongAnswer("a token out of something that is no bearer credential")
    return True


_MEMBERS: Final = {"error", "error_description"}


def path(chance: Random) -> str:
    """A path as an application sees it, with changes."""
    good = chance.choice(_PATHS)
    return good if chance.random() < 0.2 else spoiling.text(chance, good)


def judge_path(found: str) -> bool:
    """A path is exempt only when it is plainly one of those that were named."""
    request = RequestFacts(method="GET", path=found, authorization=())
    if not _ADMISSION.is_exempt(request):
        return False
    segments = found.split("/")[1:]
    named = found in {"/health", "/public"} or segments[0] == "public" or (len(segments) == 2 and segments[1] == "icon")
    risky = {"", ".", ".."} & set(segments[:-1]) or segments[-1] in {".", ".."} or any(c in found for c in "\\;%\x00\n")
    if not found.startswith("/") or not named or risky:
        raise WrongAnswer("a path that nobody exempted")
    return True
