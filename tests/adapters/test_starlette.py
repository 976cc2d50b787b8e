"""WebSockets through the ASGI middleware, and Starlette behind it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.authentication import requires
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from bearergate.asgi import PRINCIPAL, BearerMiddleware
from tests.adapters.asgi_conversation import Application, conversation, websocket_scope
from tests.adapters.drivers import http_scope, run_asgi
from tests.adapters.tokens import TOKENS, World, bearer

DENIAL: dict[str, object] = {"websocket.http.response": {}}


# WebSockets.


def test_a_websocket_with_a_good_token_opens(world: World) -> None:
    inner = Application()
    conversation(BearerMiddleware(inner, world.validator), websocket_scope(headers=bearer(world.issuer.mint())))
    assert inner.scopes[0][PRINCIPAL].subject == "user-1"


def test_a_websocket_may_be_exempt_or_optional(world: World) -> None:
    inner = Application()
    app = BearerMiddleware(inner, world.validator, exempt=["/health"], optional=["/maybe"])
    for path in ("/health", "/maybe"):
        conversation(app, websocket_scope(path=path))
    assert [scope[PRINCIPAL] for scope in inner.scopes] == [None, None]


@pytest.mark.parametrize("extensions", [None, {}, {"tls": {}}])
def test_a_refused_websocket_is_closed_as_a_violation_of_policy(
    world: World, extensions: dict[str, object] | None
) -> None:
    inner = Application()
    sent = conversation(BearerMiddleware(inner, world.validator), {**websocket_scope(), "extensions": extensions})
    assert sent == [{"type": "websocket.close", "code": 1008}]
    assert inner.scopes == []


@pytest.mark.parametrize(("token", "status"), [("", 401), ("expired", 401), ("unreachable", 503)])
def test_a_refused_websocket_gets_the_http_answer_where_the_server_can_send_it(
    world: World, token: str, status: int
) -> None:
    headers = bearer(TOKENS[token](world)) if token else []
    app = BearerMiddleware(Application(), world.validator)
    expected = run_asgi(app, http_scope(headers=headers))
    start, body = conversation(app, {**websocket_scope(headers=headers), "extensions": DENIAL})
    assert (start["type"], body["type"]) == ("websocket.http.response.start", "websocket.http.response.body")
    assert (start["status"], body["body"]) == (status, expected.body)
    assert {name.decode() for name, _ in start["headers"]} == {name for name, _ in expected.headers}


def test_a_preflight_is_no_way_into_a_websocket(world: World) -> None:
    preflight: list[tuple[str, str | bytes]] = [("Origin", "x"), ("Access-Control-Request-Method", "GET")]
    scope = {**websocket_scope(headers=preflight), "method": "OPTIONS"}
    assert conversation(BearerMiddleware(Application(), world.validator), scope)[0]["code"] == 1008


# Starlette.


@requires("orders.read")
async def _orders(request: Request) -> JSONResponse:
    return JSONResponse({"user": request.user.display_name, "scopes": request.auth.scopes})


@requires("orders.read")
def _orders_sync(request: Request) -> JSONResponse:
    return JSONResponse({"user": request.user.display_name, "scopes": request.auth.scopes})


async def _echo(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_json({"user": websocket.user.display_name})
    await websocket.close()


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    app = Starlette(
        routes=[
            Route("/orders", _orders),
            Route("/sync", _orders_sync),
            WebSocketRoute("/echo", requires("ws")(_echo)),
        ],
        middleware=[Middleware(BearerMiddleware, world.validator, optional=["/orders"])],
    )
    with TestClient(app, base_url="http://api.test") as client:
        yield client


@pytest.mark.parametrize("path", ["/orders", "/sync"])
def test_starlette_requires_scopes_of_the_token(world: World, client: TestClient, path: str) -> None:
    headers = {"Authorization": f"Bearer {world.issuer.mint(scope='orders.read profile')}"}
    assert client.get(path, headers=headers).json() == {"user": "user-1", "scopes": ["orders.read", "profile"]}
    assert client.get(path, headers={"Authorization": f"Bearer {world.issuer.mint()}"}).status_code == 403


def test_starlette_gives_an_anonymous_caller_no_scope(client: TestClient) -> None:
    assert client.get("/orders").status_code == 403


def test_starlette_websockets_see_the_user(world: World, client: TestClient) -> None:
    headers = {"Authorization": f"Bearer {world.issuer.mint(scope='ws')}"}
    with client.websocket_connect("/echo", headers=headers) as socket:
        assert socket.receive_json() == {"user": "user-1"}
    headers = {"Authorization": f"Bearer {world.issuer.mint()}"}
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/echo", headers=headers):
        pass


def test_starlette_websockets_are_denied_with_the_challenge(client: TestClient) -> None:
    with pytest.raises(WebSocketDenialResponse) as denial, client.websocket_connect("/echo"):
        pass
    assert denial.value.status_code == 401
    assert denial.value.headers["www-authenticate"] == 'Bearer realm="api"'
