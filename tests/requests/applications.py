"""The applications that real servers put behind the adapters, set up by the environment as operators do.

Each writes one line per request that reaches it into the file that REACHED names: who was calling, on which path the
application routed, which look-alikes of an identity came through, and how much of a body. The gate has no application;
whoever asked it takes 200 for a yes. Knows no request of the table.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, Flask, request
from starlette.routing import Mount, Route, Router, WebSocketRoute
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from bearergate import Validator, asgi, forward_auth, wsgi
from bearergate.config import from_mapping
from bearergate.core.principal import Principal
from bearergate.flask import ResourceServer, principal

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

EXEMPT: Final = ("/health", "/public/**", "/*/icon", "/team/open")
OPTIONAL: Final = ("/maybe", "/maybe/**")
MOUNTS: Final = ("/m/api", "/m/public")
"""Where the same protected application stands once more. The second one ends like an exempt folder."""
REACHED: Final = "REACHED"

_IDENTITIES: Final = ("remote-user", "auth-type", "x-bearergate")
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "CONNECT")
_JSON: Final = "application/json"


def _validator() -> Validator:
    # Also what no operator switches on: whatever is said at any level, no token may be in it.
    logging.basicConfig(level=logging.DEBUG, format="%(message)s")
    return from_mapping(os.environ).validator()


def _reached(path: str, who: Principal | None, names: Iterable[str], length: int, **more: object) -> bytes:
    """Write down that a request came through; returns the answer to it."""
    spoofed = sorted(name for name in names if any(part in name for part in _IDENTITIES))
    seen = {"path": path, "subject": who.subject if who else None, "spoofed": spoofed, "length": length, **more}
    with Path(os.environ[REACHED]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(seen) + "\n")
    return json.dumps(seen).encode()


# ASGI.


async def _endpoint(scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
    who: Principal | None = scope[asgi.PRINCIPAL]
    rest = scope.get("path_params", {}).get("rest")
    path = scope["path"] if rest is None else f"/{rest}"
    names = [name.decode("latin-1").lower().replace("_", "-") for name, _ in scope["headers"]]
    user = scope["user"].display_name or None
    if scope["type"] == "websocket":
        await receive()
        _reached(path, who, names, 0, user=user)
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close"})
        return
    length, is_over = 0, False
    while not is_over:
        message = await receive()
        length += len(message.get("body", b""))
        is_over = not message.get("more_body")
    body = _reached(path, who, names, length, user=user)
    headers = [(b"content-type", _JSON.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


class _Endpoint:
    """An object and not a function, so that Starlette lets every method through."""

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        await _endpoint(scope, receive, send)


def asgi_application() -> asgi.App:
    """The middleware around a router, as it is and below two mounts."""
    every = "/{rest:path}"
    routes = [Route(every, _Endpoint()), WebSocketRoute(every, _Endpoint())]
    inner = Router(routes, redirect_slashes=False, default=_endpoint)
    protected = asgi.BearerMiddleware(inner, _validator(), exempt=EXEMPT, optional=OPTIONAL)
    # What no mount matches goes to the middleware as the server sent it.
    return Router([Mount(mount, app=protected) for mount in MOUNTS], redirect_slashes=False, default=protected)


def gate() -> asgi.App:
    """The gate, as `bearergate serve` starts it."""
    return forward_auth.gate(_validator())


# WSGI.


def _names(environ: WSGIEnvironment) -> list[str]:
    return [key[5:].lower().replace("_", "-") for key in environ if key.startswith("HTTP_")]


def _plain(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
    length = len(environ["wsgi.input"].read())
    body = _reached(path, environ[wsgi.PRINCIPAL], _names(environ), length, user=environ.get("REMOTE_USER"))
    start_response("200 OK", [("Content-Type", _JSON), ("Content-Length", str(len(body)))])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def wsgi_application() -> WSGIApplication:
    """The middleware around a plain application, as it is and below two mounts."""
    protected = wsgi.BearerMiddleware(_plain, _validator(), exempt=EXEMPT, optional=OPTIONAL)
    return DispatcherMiddleware(protected, dict.fromkeys(MOUNTS, protected))


# Flask.


def _view(rest: str = "") -> Any:
    who: Principal | None = principal or None  # type: ignore[truthy-bool]  # a proxy, false when nobody is there
    body = _reached(request.path, who, _names(request.environ), len(request.get_data()), user=who and who.subject)
    return body, 200, {"Content-Type": _JSON}


def flask_application() -> WSGIApplication:
    """A wholly protected application with a blueprint, as it is and below two mounts."""
    app = Flask("behind", static_folder=None)
    ResourceServer(app, _validator(), protect_all=True, exempt=EXEMPT, optional=OPTIONAL)
    team = Blueprint("team", __name__, url_prefix="/team")
    team.add_url_rule("/<path:rest>", "any", _view, methods=_METHODS)
    app.register_blueprint(team)
    app.add_url_rule("/", "root", _view, methods=_METHODS)
    app.add_url_rule("/<path:rest>", "any", _view, methods=_METHODS)
    return DispatcherMiddleware(app, dict.fromkeys(MOUNTS, app))
