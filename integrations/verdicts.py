"""One token through the validator and through every adapter: the same verdict everywhere.

Knows no provider. The adapters are driven by the drivers of the shared contract table.
"""

from __future__ import annotations

import base64
import json

import pytest

from bearergate import Principal, Reason, Refusal, Validator
from bearergate.core.bearer import AUTHORIZATION, SCHEME, WWW_AUTHENTICATE
from tests.adapters.drivers import DRIVERS


def accepted_everywhere(validator: Validator, token: str) -> Principal:
    """The principal, after every adapter has let the token in as the same subject."""
    principal = validator.validate(token)
    for name, send in DRIVERS:
        status, _, body = send(validator, headers=_bearing(token), path="/items")
        assert status == 200, f"{name} answered {status}"
        assert json.loads(body)["subject"] == principal.subject, f"{name} saw another subject"
    return principal


def refused_everywhere(validator: Validator, token: str, reason: Reason, *, status: int = 401) -> None:
    """Fails unless the validator refuses for this reason and every adapter answers with this status."""
    with pytest.raises(Refusal) as caught:
        validator.validate(token)
    assert caught.value.reason == reason
    for name, send in DRIVERS:
        answered, headers, _ = send(validator, headers=_bearing(token), path="/items")
        assert answered == status, f"{name} answered {answered}"
        challenged = any(header.lower() == WWW_AUTHENTICATE.lower() for header, _ in headers)
        assert challenged is (status == 401), f"{name}: challenge and status do not fit"


def _bearing(token: str) -> list[tuple[str, str | bytes]]:
    return [(AUTHORIZATION, f"{SCHEME} {token}")]


def forged(token: str) -> str:
    """The token with one bit of its signature turned over."""
    signed, _, signature = token.rpartition(".")
    raw = bytearray(base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4)))
    raw[len(raw) // 2] ^= 1
    return f"{signed}.{base64.urlsafe_b64encode(bytes(raw)).rstrip(b'=').decode()}"
