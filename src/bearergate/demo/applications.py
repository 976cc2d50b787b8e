"""The two protected applications of the demo, written as an application of yours would be.

Know a validator and their framework. Know nothing of tokens, issuers or the demo around them.
"""

from __future__ import annotations

from flask import Flask
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bearergate import Principal, Validator
from bearergate.asgi import BearerMiddleware
from bearergate.flask import ResourceServer, principal, require

PATH = "/orders"
WRITE = "orders.write"


def flask_application(validator: Validator) -> Flask:
    """Flask: one line for the application, one for each protected view."""
    app = Flask("orders")
    ResourceServer(app, validator)

    @app.get(PATH)
    @require()
    def orders() -> dict[str, object]:
        return _greeting(principal)

    @app.post(PATH)
    @require(scope=WRITE)
    def order() -> dict[str, object]:
        return _greeting(principal)

    return app


def asgi_application(validator: Validator) -> BearerMiddleware:
    """ASGI: everything behind the middleware is protected, whatever routes it has."""

    async def orders(request: Request) -> JSONResponse:
        return JSONResponse(_greeting(request.user.principal))

    app = Starlette(routes=[Route(PATH, orders)])
    return BearerMiddleware(app, validator)


def _greeting(caller: Principal) -> dict[str, object]:
    return {"caller": caller.subject, "client": caller.client_id, "groups": list(caller.groups)}
