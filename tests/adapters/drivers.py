"""One function per adapter: a validator and a request in, what a client would see out.

Each driver puts the adapter in front of the same small application, which answers with the identity that it was
handed. A driver builds the request as a server would; it knows no token and expects nothing.

    for name, send in DRIVERS:
        status, headers, body = send(validator, headers=[("Authorization", f"Bearer {token}")], path="/items")

To add an adapter, write one function and append it to DRIVERS.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from http import HTTPMethod
from io import BytesIO
from typing import Any, Final, NamedTuple, Protocol, TypeAlias
from urllib.parse import unquote, unquote_to_bytes

import flask as flask_framework
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from bearergate import asgi, wsgi
from bearergate.core.handover import anonymous_members, identity_members
from bearergate.core.principal import Principal
from bearergate.flask import ResourceServer, principal, require
from bearergate.forward_auth import gate
from bearergate.validator import Validator
from tests.adapters.routes import EXEMPT, GROUP, GROUPED, METHODS, MODULE, MODULES, OPTIONAL, SCOPE, SCOPED, demanded


class Response(NamedTuple):
    """What the client sees. Header names are in lower case."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


Headers: TypeAlias = tuple[tuple[str, str | bytes], ...] | list[tuple[str, str | bytes]]


class Driver(Protocol):
    """Sends one request through an adapter."""

    def __call__(
        self,
        validator: Validator,
        *,
        headers: Headers = (),
        path: str = "/items",
        method: str = "GET",
        mount: str = "",
        query: str = "",
    ) -> Response:
        """`path` is as on the wire, percent-encoded; `mount` is what stands in front of it (root path, script name)."""


def _identity(who: Principal | None, forwarded: Iterable[str]) -> dict[str, object]:
    """The body of the application behind every adapter; `forwarded` are the names of the headers that reached it."""
    members = anonymous_members() if who is None else identity_members(who)
    spoofed = sorted(name for name in forwarded if "remote" in name or "bearergate" in name)
    return {**members, "spoofed": spoofed}


# ASGI.


async def _asgi_application(scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
    who = scope[asgi.PRINCIPAL]
    body = json.dumps(_identity(who, [name.decode() for name, _ in scope["headers"]])).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def http_scope(
    *, headers: Headers = (), path: str = "/items", method: str = "GET", mount: str = "", query: str = ""
) -> dict[str, Any]:
    """A scope as servers make it: the mount point is part of the path."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": mount + unquote(path),
        "raw_path": f"{mount}{path}".encode(),
        "root_path": mount,
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), _bytes(value)) for name, value in headers],
        "client": ("127.0.0.1", 5000),
        "server": ("127.0.0.1", 80),
        "state": {},
    }


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("latin-1")


def run_asgi(app: asgi.App, scope: asgi.Scope) -> Response:
    """What an ASGI application answers; reading a body that nobody sent is an error."""
    sent: list[asgi.Message] = []

    async def receive() -> asgi.Message:
        raise AssertionError("the body was read")

    async def send(message: asgi.Message) -> None:
        sent.append(message)

    async def run() -> None:
        await app(scope, receive, send)

    asyncio.run(run())
    start, *bodies = sent
    headers = [(name.decode("ascii"), value.decode("ascii")) for name, value in start["headers"]]
    return Response(start["status"], headers, b"".join(message.get("body", b"") for message in bodies))


def _asgi(validator: Validator, **request: Any) -> Response:
    demand = demanded(request.get("path", "/items"), lambda scope: scope["path"].removeprefix(MODULES))
    app = asgi.BearerMiddleware(_asgi_application, validator, exempt=EXEMPT, optional=OPTIONAL, demand=demand)
    return run_asgi(app, http_scope(**request))


def _starlette_endpoint(request: Request) -> JSONResponse:
    who: Principal | None = request.scope[asgi.PRINCIPAL]
    assert request.user.is_authenticated is (who is not None)
    assert set(request.auth.scopes) == (who.scopes if who else set())
    return JSONResponse(_identity(who, request.headers.keys()))


def _starlette_route(validator: Validator, path: str, name: str = "") -> Route:
    """A route that demands what it does by a middleware of its own, behind that of the application."""
    own = Middleware(asgi.BearerMiddleware, validator, demand=demanded(path, name))
    return Route(path, _starlette_endpoint, methods=METHODS, middleware=[own])


def _starlette(
    validator: Validator,
    *,
    headers: Headers = (),
    path: str = "/items",
    method: str = "GET",
    mount: str = "",
    query: str = "",
) -> Response:
    # A route that nobody could use would stop the setup.
    has_bindings = validator.authorization.has_bindings
    modules = [_starlette_route(validator, f"{MODULES}{{name}}", "<name>")] if has_bindings else []
    inner = Starlette(
        routes=[
            _starlette_route(validator, SCOPED),
            _starlette_route(validator, GROUPED),
            *modules,
            Route("/{rest:path}", _starlette_endpoint, methods=METHODS),
        ],
        middleware=[Middleware(asgi.BearerMiddleware, validator, exempt=EXEMPT, optional=OPTIONAL)],
    )
    app = Starlette(routes=[Mount(mount, app=inner)]) if mount else inner
    with TestClient(app, base_url="http://api.test", raise_server_exceptions=False) as client:
        raw = [(name.encode(), _bytes(value)) for name, value in headers]
        answer = client.request(method, f"http://api.test{mount}{path}?{query}", headers=raw, follow_redirects=False)
    return Response(answer.status_code, answer.headers.multi_items(), answer.content)


def _gate(validator: Validator, **request: Any) -> Response:
    # The gate is asked at one path about requests for any other.
    return run_asgi(gate(validator), http_scope(**{**request, "path": "/verify", "mount": ""}))


# WSGI.


def wsgi_environ(
    *, headers: Headers = (), path: str = "/items", method: str = "GET", mount: str = "", query: str = ""
) -> dict[str, Any]:
    """An environment as servers make it: fields of one name are joined, bytes are latin-1 text (PEP 3333)."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": mount,
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(),
        "wsgi.errors": BytesIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers:
        key = f"HTTP_{name.upper().replace('-', '_')}"
        text = _bytes(value).decode("latin-1").strip(" \t")
        environ[key] = f"{environ[key]}, {text}" if key in environ else text
    return environ


def run_wsgi(app: Any, environ: dict[str, Any]) -> Response:
    """What a WSGI application answers."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        started.append((status, headers))

    chunks = app(environ, start_response)
    body = b"".join(chunks)
    if hasattr(chunks, "close"):
        chunks.close()
    ((status, headers),) = started
    return Response(int(status.split()[0]), [(name.lower(), value) for name, value in headers], body)


def _wsgi_application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    who: Principal | None = environ[wsgi.PRINCIPAL]
    assert environ.get("REMOTE_USER") == (who.subject if who else None)
    assert environ.get("AUTH_TYPE") == ("Bearer" if who else None)
    start_response("200 OK", [("Content-Type", "application/json")])
    body = json.dumps(_identity(who, _header_names(environ))).encode()
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def _header_names(environ: Mapping[str, Any]) -> list[str]:
    return [key[5:].lower().replace("_", "-") for key in environ if key.startswith("HTTP_")]


def _wsgi(validator: Validator, **request: Any) -> Response:
    demand = demanded(request.get("path", "/items"), lambda environ: environ["PATH_INFO"].removeprefix(MODULES))
    app = wsgi.BearerMiddleware(_wsgi_application, validator, exempt=EXEMPT, optional=OPTIONAL, demand=demand)
    return run_wsgi(app, wsgi_environ(**request))


# Flask.


def _view(rest: str = "", name: str = "") -> flask_framework.typing.ResponseReturnValue:
    who: Principal | None = principal or None  # type: ignore[truthy-bool]  # a proxy, false when nobody is there
    return _identity(who, _header_names(flask_framework.request.environ))


def _flask_application() -> flask_framework.Flask:
    # Without OPTIONS among the methods, so that Flask answers it as it does for most views.
    return flask_framework.Flask("flask_application", static_folder=None)


def _flask_all(validator: Validator, **request: Any) -> Response:
    """Every request is protected, but for the same paths as in the middlewares."""
    app = _flask_application()
    ResourceServer(app, validator, protect_all=True, exempt=EXEMPT, optional=OPTIONAL)
    app.add_url_rule("/<path:rest>", "any", _view, methods=[HTTPMethod.GET, HTTPMethod.POST])
    app.add_url_rule(SCOPED, "scoped", require(scope=SCOPE)(_view))
    app.add_url_rule(GROUPED, "grouped", require(group=GROUP)(_view))
    if validator.authorization.has_bindings:
        app.add_url_rule(f"{MODULES}<name>", "module", require(binding=MODULE, resource="<name>")(_view))
    return run_wsgi(app, wsgi_environ(**request))


def _flask_views(validator: Validator, **request: Any) -> Response:
    """Each view says what it demands; those under exempt paths demand nothing."""
    app = _flask_application()
    ResourceServer(app, validator)
    app.add_url_rule("/<path:rest>", "any", require(_view), methods=[HTTPMethod.GET, HTTPMethod.POST])
    app.add_url_rule(SCOPED, "scoped", require(scope=SCOPE)(_view))
    app.add_url_rule(GROUPED, "grouped", require(group=GROUP)(_view))
    if validator.authorization.has_bindings:
        app.add_url_rule(f"{MODULES}<name>", "module", require(binding=MODULE, resource=lambda name: name)(_view))
    app.add_url_rule("/maybe", "maybe", require(optional=True)(_view))
    app.add_url_rule("/maybe/<path:rest>", "maybe below", require(optional=True)(_view))
    app.add_url_rule("/health", "health", _view)
    app.add_url_rule("/public/<path:rest>", "public", _view)
    app.add_url_rule("/<rest>/icon", "icon", _view)
    return run_wsgi(app, wsgi_environ(**request))


DRIVERS: Final[list[tuple[str, Driver]]] = [
    ("asgi", _asgi),
    ("starlette", _starlette),
    ("wsgi", _wsgi),
    ("flask", _flask_all),
    ("flask views", _flask_views),
    ("gate", _gate),
]
