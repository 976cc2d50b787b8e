"""The paths that every vector takes: how a validator is made, and the ways in which it is asked.

One more implementation of decoding or verifying is one more entry of PATHS, and meets every vector.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from bearergate.clocks import Clock
from bearergate.config import Settings
from bearergate.core.errors import Refusal
from bearergate.core.fast_encoding import PLAIN, Codec, fast
from bearergate.core.principal import Principal
from bearergate.core.reasons import Reason
from bearergate.core.validation import Validation
from bearergate.fetch import Fetch, Fetched
from bearergate.testing import FakeIssuer, fetch_from
from bearergate.validator import Validator
from bearergate.verdicts import VerdictBounds, Verdicts
from tests.vectors.keys import HOME, LONE, OTHER, document_of
from tests.vectors.recipes import Vector

Build: TypeAlias = Callable[[Settings, Fetch, Clock], Validator]


def _decoding_with(codec: Codec) -> Build:
    def build(settings: Settings, fetch: Fetch, clock: Clock) -> Validator:
        validator = settings.validator(fetch=fetch, clock=clock)
        validator._validation = Validation(settings.issuers, max_token_bytes=settings.max_token_bytes, codec=codec)
        # A verdict that is remembered would not be made by the path in question.
        validator._verdicts = Verdicts(VerdictBounds(entries=0), clock)
        return validator

    return build


def _fast() -> Codec:
    codec = fast()
    if codec is None:
        raise AssertionError("the fast path is tested where msgspec is installed")
    return codec


PATHS: Final[Mapping[str, Build]] = {
    "standard": _decoding_with(PLAIN),
    "fast": _decoding_with(_fast()),
    "remembering": lambda settings, fetch, clock: settings.validator(fetch=fetch, clock=clock),
}
"""How a validator is made from settings, a source of documents and a clock."""


@dataclass(frozen=True)
class Verdict:
    """What became of a token."""

    reason: Reason | None
    principal: Principal | None = None
    check: str | None = None
    """The row that refused it, where the way tells."""


def _validate(validator: Validator, token: str) -> Verdict:
    try:
        return Verdict(None, validator.validate(token))
    except Refusal as error:
        return Verdict(error.reason)


def _validate_async(validator: Validator, token: str) -> Verdict:
    async def ask() -> Verdict:
        try:
            return Verdict(None, await validator.validate_async(token))
        except Refusal as error:
            return Verdict(error.reason)

    return asyncio.run(ask())


def _explain(validator: Validator, token: str) -> Verdict:
    report = validator.explain(token)
    return Verdict(report.reason, report.principal, report.failed.check if report.failed else None)


WAYS: Final[Mapping[str, Callable[[Validator, str], Verdict]]] = {
    "validate": _validate,
    "validate_async": _validate_async,
    "explain": _explain,
}


@dataclass
class Bench:
    """Where tokens of one situation are judged: a validator, its settings, and every URL that was asked for."""

    settings: Settings
    validator: Validator
    fetched: list[str]


_BENCHES: Final[dict[tuple[str, str], Bench]] = {}


def bench(path: str, vector: Vector) -> Bench:
    """The validator of a path for a vector; vectors of one situation share it, as requests do."""
    place = path, vector.situation
    if place not in _BENCHES:
        settings, fetched, now = vector.settings(), list[str](), vector.now
        validator = PATHS[path](settings, _recording(_serve(settings), fetched), lambda: now)
        _BENCHES[place] = Bench(settings, validator, fetched)
    return _BENCHES[place]


def _serve(settings: Settings) -> Fetch:
    """The documents of the configured issuers, and nothing else."""
    issuers = [FakeIssuer(issuer) for issuer in (settings.issuers[0].issuer, OTHER, LONE)]
    for issuer, publisher in zip(issuers, (HOME, OTHER, LONE), strict=True):
        issuer.set_document(document_of(publisher))
    return fetch_from(*issuers)


def _recording(serve: Fetch, fetched: list[str]) -> Fetch:
    def fetch(url: str, *, etag: str | None, deadline: float, max_bytes: int) -> Fetched:
        fetched.append(url)
        return serve(url, etag=etag, deadline=deadline, max_bytes=max_bytes)

    return fetch
