"""Requests through ours and past it, in one process: an application with an adapter, and the same without.

No server, no event loop: what is timed is the call that a server makes for each request.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from benchmarks.jobs import Job
from benchmarks.scene import Scene
from benchmarks.subjects.ours import WARM, validator

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from flask import Flask


def asgi(scenes: Mapping[str, Scene]) -> dict[str, Job]:
    """A raw ASGI application, and the middleware around it."""
    from bearergate.asgi import BearerMiddleware

    scene = scenes["RS256"]
    protected = BearerMiddleware(raw_asgi, validator(scene, WARM))
    assert _asgi_status(raw_asgi, _scope(b"Bearer x")) == 200
    assert _asgi_status(protected, _scope(b"Bearer x")) == 401
    assert all(_asgi_status(protected, _scope(f"Bearer {token}".encode())) == 200 for token in scene.tokens)
    scopes = _fresh_fields(scene, _scope)
    return {"bare": Job(_asgi_call(raw_asgi), scopes), "middleware": Job(_asgi_call(protected), scopes)}


def flask(scenes: Mapping[str, Scene]) -> dict[str, Job]:
    """A Flask application, the WSGI middleware around it, and one whose view is protected by the decorator."""
    from bearergate.flask import ResourceServer, require
    from bearergate.wsgi import BearerMiddleware

    scene = scenes["RS256"]
    bare, decorated = flask_application(), flask_application(require)
    ResourceServer(decorated, validator(scene, WARM))
    applications: dict[str, WSGIApplication] = {
        "bare": bare.wsgi_app,
        "middleware": BearerMiddleware(bare.wsgi_app, validator(scene, WARM)),
        "decorator": decorated.wsgi_app,
    }
    for name, application in applications.items():
        assert _wsgi_status(application, _environ("Bearer x")) == (200 if name == "bare" else 401), name
        assert {_wsgi_status(application, _environ(f"Bearer {token}")) for token in scene.tokens} == {200}, name
    environs = _fresh_fields(scene, lambda field: _environ(field.decode("ascii")))
    return {name: Job(_wsgi_call(application), environs) for name, application in applications.items()}


def flask_application(protect: Callable[[Any], Any] = lambda view: view) -> Flask:
    from flask import Flask

    application = Flask("benchmark")

    @application.get("/orders")
    @protect
    def orders() -> str:
        return "ok"

    return application


async def raw_asgi(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401, ARG001 - as in the specification
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"ok"})


def _fresh_fields(scene: Scene, request: Callable[[bytes], Any]) -> Callable[[], list[Any]]:
    """Requests as a server makes them: nothing in one was in another before."""
    raw = [bytearray(f"Bearer {token}", "ascii") for token in scene.tokens]
    return lambda: [request(bytes(field)) for field in raw]


def _scope(field: bytes) -> dict[str, Any]:
    headers = [
        (b"host", b"api.example.com"),
        (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"),
        (b"accept", b"application/json"),
        (b"accept-encoding", b"gzip, deflate, br"),
        (b"connection", b"keep-alive"),
        (b"x-request-id", b"0f0d9c5e-4a6d-4f0a-9d0e-0d6a4b0c1e2f"),
        (b"authorization", field),
    ]
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "https",
        "path": "/orders", "raw_path": b"/orders", "query_string": b"", "root_path": "", "headers": headers,
        "client": ("192.0.2.1", 40000), "server": ("192.0.2.2", 443),
    }  # fmt: skip


async def _nothing(message: Any = None) -> None:  # noqa: ANN401 - as in the specification
    """Receives nothing and sends nowhere."""


def _asgi_call(application: Any) -> Callable[[Any], object]:  # noqa: ANN401 - an ASGI application
    def call(scope: Any) -> None:  # noqa: ANN401 - an ASGI scope
        _drive(application(scope, _nothing, _nothing))

    return call


def _asgi_status(application: Any, scope: Any) -> int:  # noqa: ANN401 - an ASGI application and its scope
    statuses: list[int] = []

    async def send(message: Mapping[str, Any]) -> None:
        statuses.extend([message["status"]] if "status" in message else [])

    _drive(application(scope, _nothing, send))
    return statuses[0]


def _drive(running: Coroutine[Any, Any, None]) -> None:
    """Run what never waits, without an event loop."""
    try:
        running.send(None)
    except StopIteration:
        return
    raise AssertionError("it waited")


def _environ(field: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/orders", "QUERY_STRING": "",
        "SERVER_NAME": "api.example.com", "SERVER_PORT": "443", "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.1", "HTTP_HOST": "api.example.com", "HTTP_ACCEPT": "application/json",
        "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
        "HTTP_ACCEPT_ENCODING": "gzip, deflate, br", "HTTP_X_REQUEST_ID": "0f0d9c5e-4a6d-4f0a-9d0e-0d6a4b0c1e2f",
        "HTTP_AUTHORIZATION": field, "wsgi.version": (1, 0), "wsgi.url_scheme": "https", "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(), "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False,
    }  # fmt: skip


def _wsgi_call(application: WSGIApplication) -> Callable[[Any], object]:
    def call(environ: Any) -> None:  # noqa: ANN401 - a WSGI environment
        _consume(application(environ, lambda *_: None))  # type: ignore[arg-type]

    return call


def _wsgi_status(application: WSGIApplication, environ: Any) -> int:  # noqa: ANN401 - a WSGI environment
    statuses: list[str] = []
    _consume(application(environ, lambda status, *_: statuses.append(status)))  # type: ignore[arg-type]
    return int(statuses[0].split()[0])


def _consume(body: Iterable[bytes]) -> None:
    b"".join(body)
    close = getattr(body, "close", None)
    if close is not None:
        close()
