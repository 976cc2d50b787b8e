"""The encodings under everything: base64url and JSON, compared with what the standard library makes of the bytes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from random import Random
from typing import Final, TypeVar

from bearergate.core.encoding import NotStrict
from bearergate.core.fast_encoding import PLAIN, fastest
from bearergate.core.groups import dex_subject
from tests.fuzz import referee, spoiling
from tests.fuzz.wrong import WrongAnswer

T = TypeVar("T")
R = TypeVar("R")

_FAST: Final = fastest()
_MEMBERS: Final = {
    "iss": "https://issuer.test", "aud": ["a", "b"], "exp": 1_800_000_300,
    "nested": {"a": [1, -2.5e3, True, None, "\u00e9\u6771"]},
    "text": 'quoted "[{" \\ and \U0001f600', "empty": {}, "list": [[], [[]], {"": 0}],
}  # fmt: skip


def base64url(chance: Random) -> str:
    """Canonical base64url with changes; one in ten as it is."""
    good = base64.urlsafe_b64encode(chance.randbytes(chance.randint(0, 40))).rstrip(b"=").decode()
    return good if chance.random() < 0.1 else spoiling.text(chance, good)


def judge_base64url(text: str) -> bool:
    """One spelling of every byte."""
    raw = _same(text, PLAIN.decode_base64url, _FAST.decode_base64url)
    if raw is None:
        return False
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != text:
        raise WrongAnswer("a second spelling of the same bytes")
    return True


def json_object(chance: Random) -> bytes:
    """A JSON object with changes."""
    if chance.random() < 0.5:
        return spoiling.document(chance, _MEMBERS)
    return spoiling.data(chance, json.dumps(_MEMBERS, ensure_ascii=chance.random() < 0.5).encode())


def judge_json_object(raw: bytes) -> bool:
    """Accepted only when both decoders and the referee read the same object."""
    found = _same(raw, PLAIN.decode_json_object, _FAST.decode_json_object)
    if found is None:
        return False
    try:
        expected = referee.plain_object(raw)
    except (ValueError, RecursionError) as problem:
        raise WrongAnswer("an object that is none") from problem
    if found != expected:
        raise WrongAnswer("another object than everybody else reads")
    return True


def _same(given: T, plain: Callable[[T], R], fast: Callable[[T], R]) -> R | None:
    """What both decoders make of the same input; None when both refuse it."""
    read: list[R | None] = []
    for decode in (plain, fast):
        try:
            read.append(decode(given))
        except NotStrict:
            read.append(None)
    # As texts: 1, 1.0 and true are equal and not the same.
    if repr(read[0]) != repr(read[1]):
        raise WrongAnswer("two decoders, two readings")
    return read[0]


def subject(chance: Random) -> str:
    """A subject as Dex writes it, with changes to its bytes."""
    user, connector = b"user" * chance.randint(0, 3), b"local" * chance.randint(0, 1)
    message = b"\x0a" + bytes([len(user)]) + user + b"\x12" + bytes([len(connector)]) + connector
    raw = spoiling.data(chance, message) if chance.random() < 0.8 else message
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def judge_subject(text: str) -> bool:
    """Two texts, or nothing; never an error."""
    found = dex_subject(text)
    if found is not None and not all(isinstance(part, str) for part in found):
        raise WrongAnswer("a subject that is no text")
    return found is not None
