"""The server's side of ASGI, and an application that remembers what it was handed."""

from __future__ import annotations

import asyncio
from typing import Any

from bearergate.asgi import App, Message, Receive, Scope, Send
from tests.adapters.drivers import http_scope


class Application:
    """Remembers the scopes that reached it."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})


def websocket_scope(**changes: Any) -> dict[str, Any]:
    scope = http_scope(**changes)
    return {**{name: scope[name] for name in scope if name != "method"}, "type": "websocket", "scheme": "ws"}


def conversation(app: App, scope: Scope) -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("a refused request was read")

    async def send(message: Message) -> None:
        sent.append(message)

    async def run() -> None:
        await app(scope, receive, send)

    asyncio.run(run())
    return sent
