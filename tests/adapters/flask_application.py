"""A Flask application with the extension, and how the Flask tests ask it."""

from __future__ import annotations

from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from bearergate.flask import ResourceServer, principal
from bearergate.validator import Validator


def protected(validator: Validator) -> Flask:
    """An application whose views may use `@require`; its errors reach the test."""
    app = Flask("protected")
    app.testing = True
    ResourceServer(app, validator)
    return app


def subject() -> str:
    """A view that says who is calling."""
    return principal.subject


def ask(app: Flask, token: str = "", path: str = "/", method: str = "GET", **more: Any) -> TestResponse:
    """One request, with a token or without."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return app.test_client().open(path, method=method, headers=headers, **more)
