"""ASGI: a middleware that lets only requests with a good bearer token reach an application.

Translates ASGI scopes into the facts that core/admission.py asks for, and its answers back into ASGI messages.
Decides nothing itself, imports no framework, and knows neither the grammar of credentials nor any claim.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final, TypeAlias

from bearergate.caller import Caller
from bearergate.chain import Chain, UnverifiedBearer
from bearergate.core.access import ANYBODY, Demand
from bearergate.core.admission import Admission, RequestFacts
from bearergate.core.bearer import AUTHORIZATION, DEFAULT_REALM, Answer
from bearergate.core.errors import Refusal
from bearergate.core.handover import is_look_alike
from bearergate.core.principal import Principal
from bearergate.faults import report_fault
from bearergate.validator import Validator

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Header: TypeAlias = tuple[bytes, bytes]

PRINCIPAL: Final = "bearergate.principal"
"""The scope key of the principal; None on a request that passed without one."""
UNVERIFIED_BEARER: Final = "bearergate.unverified_bearer"
"""The scope key of an UnverifiedBearer; None wherever there is none, and on paths that do not take any."""

_ADAPTER: Final = "asgi"
_DENIAL: Final = "websocket.http.response"
_POLICY_VIOLATION: Final = 1008
"""RFC 6455 section 7.4.1."""
_LONGEST_NAME: Final = 40
"""More of a header's name is not looked at, so that remembered names stay small."""

_log: Final = logging.getLogger("bearergate.asgi")
_ANONYMOUS: Final = Caller(None)


class BearerMiddleware:
    """Protects an ASGI application: `http` and `websocket` need a bearer token, `lifespan` passes (RFC 6750)."""

    def __init__(
        self,
        app: App,
        validator: Validator | Chain,
        *,
        exempt: Iterable[str] = (),
        optional: Iterable[str] = (),
        allow_unverified_bearer: Iterable[str] = (),
        realm: str = DEFAULT_REALM,
        allow_preflight: bool = True,
        demand: Demand = ANYBODY,
    ) -> None:
        """Wrap `app`.

        `exempt`: paths that need no token and get no principal. `optional`: paths where a token may be missing, but
        not bad. `allow_unverified_bearer`: paths that also take an UnverifiedBearer of a Chain. All are matched on the
        path that `app` routes on: exact, `*` for one segment, `/**` for a subtree. `demand`: of all other requests,
        where `app` is one route; `<name>` in it is one of Starlette's path parameters, a function is called with the
        scope. Raises ConfigError for a pattern, a realm or a demand that cannot be used.
        """
        self._app = app
        self._validator = validator
        self._demand = validator.checked(demand)
        # Who demands anything demands it of a principal.
        self._chain = validator if isinstance(validator, Chain) and demand is ANYBODY else None
        paths = {"exempt": exempt, "optional": optional, "unverified": allow_unverified_bearer}
        self._admission = Admission(**paths, realm=realm, allow_preflight=allow_preflight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or hand it to the application as a copy that says who is calling."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] not in ("http", "websocket"):
            # A protocol that is not known cannot be protected, so it does not get through.
            raise RuntimeError(f"BearerMiddleware cannot protect the scope type {scope['type']!r}")
        try:
            headers, facts = _read(scope)
            bearer: Principal | UnverifiedBearer | None
            if self._chain is not None and self._admission.takes_unverified(facts):
                bearer = await self._chain.admit_unverified_async(self._admission, facts, adapter=_ADAPTER)
            else:
                demand = self._demand
                if demand.binding is not None:
                    demand = demand.about(scope.get("path_params") or {}, scope)
                bearer = await self._validator.admit_async(self._admission, facts, adapter=_ADAPTER, demand=demand)
        except Refusal as error:
            await _refuse(scope, send, self._admission.answer(error))
            return
        except Exception as error:  # noqa: BLE001 - a fault of ours must not let anybody in, nor say anything
            await _refuse(scope, send, report_fault(_log, error, "judging a request"))
            return
        principal, unverified = (None, bearer) if isinstance(bearer, UnverifiedBearer) else (bearer, None)
        caller = _ANONYMOUS if principal is None else Caller(principal)
        handed_on = {**scope, "headers": headers, "user": caller, "auth": caller, PRINCIPAL: principal}
        handed_on[UNVERIFIED_BEARER] = unverified
        await self._app(handed_on, receive, send)


# What a request header is to us. Plain numbers: this is read for every header of every request.
_NOTHING, _LOOK_ALIKE, _VALUE, _ORIGIN, _ASKED_METHOD = 0, 1, 2, 4, 8
_PREFLIGHT: Final = _ORIGIN | _ASKED_METHOD
_PARTS: Final = {
    AUTHORIZATION.lower(): _VALUE,
    "origin": _ORIGIN,
    "access-control-request-method": _ASKED_METHOD,
}


_known: Final[dict[bytes, int]] = {}
"""What names of headers that were seen before are to us."""
_REMEMBERED: Final = 512


def _part(name: bytes) -> int:
    # Servers send names in lower case; not every one of them can be trusted to.
    text = name[:_LONGEST_NAME].decode("latin-1").lower()
    part = _LOOK_ALIKE if is_look_alike(text) else _PARTS.get(text, _NOTHING)
    if len(_known) < _REMEMBERED and len(name) <= _LONGEST_NAME:
        _known[name] = part
    return part


def _read(scope: Scope) -> tuple[list[Header], RequestFacts]:
    """The headers without look-alikes of our identity, and what decides whether the request needs a token."""
    kept: list[Header] = []
    values: list[bytes] = []
    asked = 0
    for header in scope["headers"]:
        name = header[0]
        part = _known[name] if name in _known else _part(name)
        if part:
            if part == _LOOK_ALIKE:
                continue
            asked |= part
            if part == _VALUE:
                values.append(header[1])
        kept.append(header)
    # A WebSocket handshake is a GET (RFC 6455 section 4.1), and its scope does not say so.
    method = scope["method"] if scope["type"] == "http" else "GET"
    return kept, RequestFacts(method, _route_path(scope), values, asked & _PREFLIGHT == _PREFLIGHT)


def _route_path(scope: Scope) -> str:
    """The path that the application routes on: without the mount point, if the server put that in front of it."""
    path: str = scope["path"]
    mount: str = scope.get("root_path") or ""
    if not mount:
        return path
    rest = path.removeprefix(mount)
    is_below = len(rest) < len(path) and (not rest or rest.startswith("/"))
    return rest if is_below else path


async def _refuse(scope: Scope, send: Send, answer: Answer) -> None:
    """Send the answer; nothing of the request's body is read."""
    prefix = "http.response"
    if scope["type"] == "websocket":
        if _DENIAL not in (scope.get("extensions") or {}):
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        prefix = _DENIAL
    headers = [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in answer.headers]
    body = b"" if scope.get("method") == "HEAD" else answer.body
    await send({"type": f"{prefix}.start", "status": answer.status, "headers": headers})
    await send({"type": f"{prefix}.body", "body": body})
