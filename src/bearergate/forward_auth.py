"""The gate: an ASGI application that nginx, Traefik and Envoy ask about every request before they let it through.

Translates HTTP into the facts that core/admission.py asks for, and a principal into JSON and identity headers. Decides
nothing itself, reads nothing that a proxy reports about the original request, and knows neither credentials nor claims.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from http import HTTPStatus
from typing import Any, Final

from starlette.applications import Starlette
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bearergate.chain import Chain
from bearergate.core.admission import Admission, RequestFacts
from bearergate.core.bearer import AUTHORIZATION, DEFAULT_REALM, Answer
from bearergate.core.errors import Refusal
from bearergate.core.handover import anonymous_headers, anonymous_members, identity_headers, identity_members
from bearergate.core.keyring import Phase
from bearergate.core.principal import Principal
from bearergate.faults import report_fault
from bearergate.validator import Validator

_ADAPTER: Final = "forward_auth"
_WARM_EVERY: Final = 10.0
_NO_STORE: Final[Mapping[str, str]] = {"Cache-Control": "no-store"}
_SENTENCES: Final = {
    HTTPStatus.NOT_FOUND: "The gate answers at /verify, /healthz and /readyz.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This path is read with GET or HEAD.",
}

_log: Final = logging.getLogger("bearergate.forward_auth")


class _Any(PathConvertor):
    """Any rest of a path. Starlette's own takes no line break, and what Envoy asks about may hold an encoded one."""

    regex = "(?s:.*)"


register_url_convertor("bearergate_any", _Any())


def gate(
    validator: Validator | Chain,
    *,
    realm: str = DEFAULT_REALM,
    allow_preflight: bool = True,
    warm_every: float = _WARM_EVERY,
) -> ASGIApp:
    """The gate as an ASGI application: `/verify`, `/healthz`, `/readyz`.

    `realm`: stands in challenges (RFC 9110 section 11.5). `allow_preflight`: answer 200 without an identity to a CORS
    preflight, which carries no token (Fetch standard, section 4.8). `warm_every`: seconds between two looks at keys
    that are missing or past their time. Raises ConfigError for a realm that cannot stand in a challenge.
    """
    door = _Door(validator, Admission(realm=realm, allow_preflight=allow_preflight))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        warming = asyncio.create_task(_keep_warm(validator, warm_every))
        try:
            yield
        finally:
            warming.cancel()
            await asyncio.gather(warming, return_exceptions=True)

    app = Starlette(
        routes=[
            # An object and not a function: Starlette then lets every method through, known to it or not.
            Route("/verify", door),
            Route("/verify/{rest:bearergate_any}", door),
            Route("/healthz", _alive),
            Route("/readyz", _Readiness(validator).answer),
        ],
        exception_handlers={HTTPException: _no_such_thing},
        lifespan=lifespan,
    )
    # A path that is not ours is not found; it is not redirected to one that is.
    app.router.redirect_slashes = False
    return app


class _Door:
    """`/verify`: 200 and an identity, or the answer of RFC 6750."""

    def __init__(self, validator: Validator | Chain, admission: Admission) -> None:
        self._validator = validator
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        try:
            principal = await self._validator.admit_async(self._admission, _facts(request), adapter=_ADAPTER)
            response = _identity(principal)
        except Refusal as error:
            response = _response(self._admission.answer(error))
        except Exception as error:  # noqa: BLE001 - a fault of ours must not let anybody in, nor say anything
            response = _response(report_fault(_log, error, "judging a request"))
        if request.method == "HEAD":
            # The headers stay those of GET, Content-Length too (RFC 9110 section 9.3.2).
            response.body = b""
        await response(scope, receive, send)


class _Readiness:
    """`/readyz`: whether every issuer's keys can be used, and what is known of each."""

    def __init__(self, validator: Validator | Chain) -> None:
        self._validator = validator

    async def answer(self, _: Request) -> Response:
        health = self._validator.health()
        ready = all(keys.is_in_force for keys in health.values())
        issuers = {issuer: asdict(keys) for issuer, keys in health.items()}
        return _json(HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE, {"ready": ready, "issuers": issuers})


async def _alive(_: Request) -> Response:
    return _json(HTTPStatus.OK, {"alive": True})


async def _no_such_thing(_: Request, error: Exception) -> Response:
    status = HTTPStatus(error.status_code if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR)
    headers = (error.headers or {}) if isinstance(error, HTTPException) else {}
    code = status.phrase.lower().replace(" ", "_")
    return _json(status, {"error": code, "error_description": _SENTENCES.get(status, status.phrase)}, headers)


def _facts(request: Request) -> RequestFacts:
    """What decides whether this request needs a token; of the original one only what arrived as the gate's own."""
    headers = request.headers
    return RequestFacts(
        method=request.method,
        path=request.scope["path"],
        authorization=headers.getlist(AUTHORIZATION),
        is_cors="origin" in headers and "access-control-request-method" in headers,
    )


def _identity(principal: Principal | None) -> Response:
    if principal is None:
        return _json(HTTPStatus.OK, anonymous_members(), dict(anonymous_headers()))
    return _json(HTTPStatus.OK, identity_members(principal), dict(identity_headers(principal)))


def _response(answer: Answer) -> Response:
    response = Response(answer.body, answer.status)
    # As pairs: an answer may hold several challenges, which are several fields of one name.
    response.raw_headers = [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in answer.headers]
    return response


def _json(status: int, content: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse(content, status, headers={**_NO_STORE, **(headers or {})})


async def _keep_warm(validator: Validator | Chain, every: float) -> None:
    """Fetch keys that were never fetched or are past their time, so that readiness does not wait for traffic.

    A gate that is not ready gets no traffic, so nobody else would fetch them: neither at the start nor later on.
    """
    while True:
        try:
            if any(keys.state != Phase.FRESH for keys in validator.health().values()):
                await validator.warm_async()
        except Exception as error:  # noqa: BLE001 - one bad look at the keys must not be the last one
            report_fault(_log, error, "fetching keys")
        await asyncio.sleep(every)
