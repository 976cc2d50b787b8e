"""Spoiling good input: random changes of texts, bytes and JSON values, from one seeded source of chance.

Knows no token. The same seed always spoils in the same way.
"""

from __future__ import annotations

import json
import math
import string
from random import Random
from typing import Any, Final

_ALPHABET: Final = string.ascii_letters + string.digits + "-_"
_ODD: Final = (
    "", " ", "\t", "\n", "\r\n", "\x00", "\x1b[0m", "=", "==", ".", "..", "+", "/", ",", '"', "\\", "\u00e9",
    "\u212a", "\u017f", "\uff0e", "\u202e", "\u200b", "\ud800", "\U0001f600", "%2e", "{", "[", "}", "]", "null", "NaN",
    "1e999", "-0", "\ufeff", "A" * 300,
)  # fmt: skip
_DEEP: Final = "[" * 40
_SCALARS: Final[tuple[Any, ...]] = (
    None, True, False, 0, 1, -1, 1.5, 1e308, 2**53, 10**19, 10**20, 253402300799, 253402300800, math.inf, math.nan,
    "", " ", "a", "api", "none", "HS256", "RS256", "EdDSA", "JWT", "at+jwt", "logout+jwt", "exp", "\x00",
    "\ud800", "x" * 3000,
)  # fmt: skip


def text(chance: Random, good: str) -> str:
    """A good text with one to four changes."""
    for _ in range(chance.randint(1, 4)):
        good = _TEXT[chance.randrange(len(_TEXT))](chance, good)
    return good


def data(chance: Random, good: bytes) -> bytes:
    """Good bytes with one to four changes; most often still text."""
    if chance.random() < 0.7:
        return text(chance, good.decode("latin-1")).encode("utf-8", "surrogatepass")
    spoilt = bytearray(good)
    for _ in range(chance.randint(1, 4)):
        where = chance.randrange(len(spoilt) + 1)
        spoilt[where : where + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
    return bytes(spoilt)


def document(chance: Random, members: dict[str, Any]) -> bytes:
    """A JSON object with some members changed, written out, and sometimes broken as a text."""
    changed = value(chance, members)
    raw = json.dumps(changed, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
    if chance.random() < 0.1 and members:
        name = chance.choice(list(members))
        raw = raw[:-1] + b"," + json.dumps(name).encode() + b":1}"
    return data(chance, raw) if chance.random() < 0.3 else raw


def value(chance: Random, good: Any) -> Any:
    """A JSON value with a change somewhere in it."""
    if isinstance(good, dict) and good and chance.random() < 0.9:
        changed = dict(good)
        name = chance.choice(list(changed))
        match chance.randrange(4):
            case 0:
                del changed[name]
            case 1:
                changed[_name(chance, name)] = changed[name]
            case _:
                changed[name] = value(chance, changed[name])
        return changed if chance.random() < 0.7 else value(chance, changed)
    if isinstance(good, list) and good and chance.random() < 0.8:
        where = chance.randrange(len(good))
        return [*good[:where], value(chance, good[where]), *good[where + chance.randint(0, 2) :]]
    return _other(chance, good)


def _other(chance: Random, good: Any) -> Any:
    match chance.randrange(6):
        case 0:
            return text(chance, good) if isinstance(good, str) else chance.choice(_SCALARS)
        case 1:
            return [good] * chance.randint(0, 3)
        case 2:
            return {chance.choice(("a", "sub", "iss", "alg")): good}
        case 3 if isinstance(good, int | float):
            return good + chance.choice((-1, 1, 0.5, -(10**9), 10**9))
        case 4:
            nested: Any = good
            for _ in range(chance.choice((1, 30, 31, 32, 33, 200))):
                nested = [nested] if chance.random() < 0.5 else {"a": nested}
            return nested
        case _:
            return chance.choice(_SCALARS)


def _name(chance: Random, name: str) -> str:
    return chance.choice(
        (name.upper(), f"{name} ", f" {name}", "crit", "b64", "zip", "cty", "cnf", "nonce", "events", "_claim_names")
    )


def _drop(chance: Random, good: str) -> str:
    where = chance.randrange(len(good) + 1)
    return good[:where] + good[where + chance.choice((1, 1, 1, 2, 8, 10_000)) :]


def _insert(chance: Random, good: str) -> str:
    where = chance.randrange(len(good) + 1)
    return good[:where] + chance.choice(_ODD) + good[where:]


def _replace(chance: Random, good: str) -> str:
    if not good:
        return good
    where = chance.randrange(len(good))
    return good[:where] + chance.choice(_ALPHABET) + good[where + 1 :]


def _repeat(chance: Random, good: str) -> str:
    start = chance.randrange(len(good) + 1)
    end = chance.randrange(start, len(good) + 1)
    return good[:end] + good[start:end][:2000] * chance.choice((1, 1, 2, 8)) + good[end:]


def _swap(chance: Random, good: str) -> str:
    a, b = sorted((chance.randrange(len(good) + 1), chance.randrange(len(good) + 1)))
    return good[b:] + good[a:b] + good[:a]


def _nest(chance: Random, good: str) -> str:
    where = chance.randrange(len(good) + 1)
    return good[:where] + _DEEP * chance.choice((1, 2, 100)) + good[where:]


_TEXT: Final = (_drop, _insert, _insert, _replace, _replace, _replace, _repeat, _swap, _nest)
