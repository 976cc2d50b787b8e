"""Applications for real servers to serve, with ours and without; `BENCHMARK_SCENES` names the file of scenes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.scene import Scene, load
from benchmarks.subjects.adapters import flask_application, raw_asgi
from benchmarks.subjects.ours import COLD, WARM, validator

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


def asgi_bare() -> Any:  # noqa: ANN401 - an ASGI application
    return raw_asgi


def asgi_warm() -> Any:  # noqa: ANN401 - an ASGI application
    from bearergate.asgi import BearerMiddleware

    return BearerMiddleware(raw_asgi, validator(_scene(), WARM))


def asgi_cold() -> Any:  # noqa: ANN401 - an ASGI application
    from bearergate.asgi import BearerMiddleware

    return BearerMiddleware(raw_asgi, validator(_scene(), COLD))


def flask_bare() -> WSGIApplication:
    return flask_application().wsgi_app


def flask_warm() -> WSGIApplication:
    from bearergate.wsgi import BearerMiddleware

    return BearerMiddleware(flask_application().wsgi_app, validator(_scene(), WARM))


def flask_cold() -> WSGIApplication:
    from bearergate.wsgi import BearerMiddleware

    return BearerMiddleware(flask_application().wsgi_app, validator(_scene(), COLD))


def _scene() -> Scene:
    return load(Path(os.environ["BENCHMARK_SCENES"]))["RS256"]
