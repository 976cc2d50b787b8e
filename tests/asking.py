"""Short ways to ask a validator: a request that bears a token, and the refusal of one."""

from __future__ import annotations

import pytest

from bearergate import Refusal, Validator
from bearergate.core.admission import RequestFacts


def bearing(token: str) -> RequestFacts:
    return RequestFacts(method="GET", path="/", authorization=[f"Bearer {token}"])


def refused(validator: Validator, token: str) -> Refusal:
    with pytest.raises(Refusal) as caught:
        validator.validate(token)
    return caught.value
