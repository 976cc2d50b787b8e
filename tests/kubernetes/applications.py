"""Applications that say who they were told is calling, behind every adapter; some routes take unverified bearers."""

from __future__ import annotations

import json
from typing import Any

from flask import Flask

from bearergate import asgi, wsgi
from bearergate.chain import UnverifiedBearer
from bearergate.flask import ResourceServer, allow_unverified_bearer, principal, require, unverified_bearer
from tests.adapters.drivers import Response, http_scope, run_asgi, run_wsgi, wsgi_environ
from tests.adapters.tokens import bearer

OPEN = "/depot/**"
"""Takes unverified bearers."""


def told(who: Any, unverified: UnverifiedBearer | None, **more: Any) -> bytes:
    handed = None if unverified is None else [unverified.issuer, len(unverified.token)]
    return json.dumps({"subject": None if who is None else who.subject, "unverified": handed, **more}).encode()


async def asgi_application(scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
    user = scope["user"]
    more = {"authenticated": user.is_authenticated, "name": user.display_name, "identity": user.identity}
    body = told(scope[asgi.PRINCIPAL], scope[asgi.UNVERIFIED_BEARER], **more)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def wsgi_application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    more = {name: environ.get(name) for name in ("REMOTE_USER", "AUTH_TYPE")}
    return [told(environ[wsgi.PRINCIPAL], environ[wsgi.UNVERIFIED_BEARER], **more)]


def flask_application(chain: Any, **options: Any) -> Flask:
    app = Flask("depot", static_folder=None)
    ResourceServer(app, chain, **options)

    def view(rest: str = "") -> bytes:
        return told(principal or None, unverified_bearer or None)  # type: ignore[truthy-bool]  # proxies

    app.add_url_rule("/depot/<path:rest>", "depot", allow_unverified_bearer(view))
    app.add_url_rule("/strict/<path:rest>", "strict", require(view))
    app.add_url_rule("/maybe/<path:rest>", "maybe", require(optional=True)(view))
    app.add_url_rule("/scoped/<path:rest>", "scoped", require(scope="a")(view))
    app.add_url_rule("/outer/<path:rest>", "outer", require(allow_unverified_bearer(view)))
    app.add_url_rule("/inner/<path:rest>", "inner", allow_unverified_bearer(require(view)))
    app.add_url_rule("/bare/<path:rest>", "bare", view)
    return app


def send_asgi(chain: Any, token: str, path: str, **request: Any) -> Response:
    app = asgi.BearerMiddleware(asgi_application, chain, allow_unverified_bearer=[OPEN], optional=["/maybe/**"])
    return run_asgi(app, http_scope(headers=bearer(token), path=path, **request))


def send_wsgi(chain: Any, token: str, path: str, **request: Any) -> Response:
    app = wsgi.BearerMiddleware(wsgi_application, chain, allow_unverified_bearer=[OPEN], optional=["/maybe/**"])
    return run_wsgi(app, wsgi_environ(headers=bearer(token), path=path, **request))


def send_flask(chain: Any, token: str, path: str, **request: Any) -> Response:
    return run_wsgi(flask_application(chain), wsgi_environ(headers=bearer(token), path=path, **request))


def send_flask_all(chain: Any, token: str, path: str, **request: Any) -> Response:
    app = flask_application(chain, protect_all=True, optional=["/maybe/**"])
    return run_wsgi(app, wsgi_environ(headers=bearer(token), path=path, **request))


def without_token(chain: Any, send: Any, headers: list[tuple[str, str | bytes]]) -> Response:
    if send is send_asgi:
        app = asgi.BearerMiddleware(asgi_application, chain, allow_unverified_bearer=[OPEN])
        return run_asgi(app, http_scope(headers=headers, path="/depot/x"))
    options = {"protect_all": True} if send is send_flask_all else {}
    application: Any = (
        wsgi.BearerMiddleware(wsgi_application, chain, allow_unverified_bearer=[OPEN])
        if send is send_wsgi
        else flask_application(chain, **options)
    )
    return run_wsgi(application, wsgi_environ(headers=headers, path="/depot/x"))
