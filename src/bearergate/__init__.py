"""bearergate makes a Python web application a correct OAuth 2.0 / OIDC resource server.

The public names. They are resolved on first use (PEP 562), so that importing the package costs nothing: no
framework, no HTTP client, no JOSE library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bearergate.config.settings import Settings
    from bearergate.core.access import Demand
    from bearergate.core.errors import (
        AccessDenied,
        AudienceRejected,
        AuthenticationRequired,
        BadSignature,
        BearergateError,
        ClaimRejected,
        ClientRejected,
        ConfigError,
        HeaderRejected,
        InsufficientScope,
        InvalidRequest,
        InvalidToken,
        KeyNotFound,
        MalformedToken,
        Problem,
        Refusal,
        TokenExpired,
        TokenNotYetValid,
        Unavailable,
        UntrustedIssuer,
    )
    from bearergate.core.principal import Actor, Principal
    from bearergate.core.reasons import Reason
    from bearergate.core.resources import Resource
    from bearergate.validator import Validator

__all__ = [
    "AccessDenied",
    "Actor",
    "AudienceRejected",
    "AuthenticationRequired",
    "BadSignature",
    "BearergateError",
    "ClaimRejected",
    "ClientRejected",
    "ConfigError",
    "Demand",
    "HeaderRejected",
    "InsufficientScope",
    "InvalidRequest",
    "InvalidToken",
    "KeyNotFound",
    "MalformedToken",
    "Principal",
    "Problem",
    "Reason",
    "Refusal",
    "Resource",
    "Settings",
    "TokenExpired",
    "TokenNotYetValid",
    "Unavailable",
    "UntrustedIssuer",
    "Validator",
]

_HOME_OF = {
    "Actor": "bearergate.core.principal",
    "Demand": "bearergate.core.access",
    "Principal": "bearergate.core.principal",
    "Reason": "bearergate.core.reasons",
    "Resource": "bearergate.core.resources",
    "Settings": "bearergate.config.settings",
    "Validator": "bearergate.validator",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'bearergate' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF.get(name, "bearergate.core.errors")), name)


def __dir__() -> list[str]:
    return sorted(__all__)
