"""A WSGI application for a server with workers: it answers who served a request, and what was said of its token.

Configured by the environment as a user's would be, but for keys that are renewed every other second.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from bearergate.config import from_mapping
from bearergate.core.errors import Refusal
from bearergate.core.events import Event, TokenAccepted
from bearergate.core.keyring import KeyLifecycle

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

TTL = 2.0
_told: list[TokenAccepted] = []


def _observe(event: Event) -> None:
    if isinstance(event, TokenAccepted):
        _told.append(event)


_SETTINGS = replace(from_mapping(os.environ), lifecycle=KeyLifecycle(ttl=TTL, min_ttl=TTL))
VALIDATOR = _SETTINGS.validator(observers=[_observe])


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    said = _judge(environ["HTTP_AUTHORIZATION"].removeprefix("Bearer "))
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps([os.getpid(), said]).encode()]


def _judge(token: str) -> str:
    try:
        VALIDATOR.validate(token)
    except Refusal as error:
        return error.reason.value
    # A worker of this kind serves one request at a time.
    return "remembered" if _told.pop().cached else "proven"
