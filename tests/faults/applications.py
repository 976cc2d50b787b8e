"""The applications that servers run in these tests: they answer with the process that served the request.

Configured by the environment alone, as a user's would be. KEYS=warm: the keys are fetched when the module is loaded.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bearergate import asgi, wsgi
from bearergate.config import from_mapping

READY = "/ready"

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

VALIDATOR = from_mapping(os.environ).validator()
if os.environ.get("KEYS") == "warm":
    VALIDATOR.warm()


def _process(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]


async def _process_async(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        # No start-up and no shutdown of its own.
        raise RuntimeError(scope["type"])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode()})


wsgi_application = wsgi.BearerMiddleware(_process, VALIDATOR, exempt=[READY])
asgi_application = asgi.BearerMiddleware(_process_async, VALIDATOR, exempt=[READY])
