"""An issuer for tests: real keys and real tokens, in memory or on loopback, and every way in which an issuer can fail.

Shipped to users for their tests. Knows nothing of validation, and no switch here turns a check off.
"""

from __future__ import annotations

from bearergate.testing.faults import (
    BIG_BODY,
    EMPTY_SET,
    GZIP_BOMB,
    HANGING,
    HEALTHY,
    HTML_PAGE,
    MALFORMED_JSON,
    Endpoint,
    Fault,
    Request,
)
from bearergate.testing.issuer import FakeIssuer
from bearergate.testing.memory import fetch_from
from bearergate.testing.minting import REMOVED
from bearergate.testing.signing import SigningKey

__all__ = [
    "BIG_BODY",
    "EMPTY_SET",
    "GZIP_BOMB",
    "HANGING",
    "HEALTHY",
    "HTML_PAGE",
    "MALFORMED_JSON",
    "REMOVED",
    "Endpoint",
    "FakeIssuer",
    "Fault",
    "Request",
    "SigningKey",
    "fetch_from",
]
