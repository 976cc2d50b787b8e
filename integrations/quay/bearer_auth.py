"""The API's way in: `validate_bearer_auth` and decorators around views, as `auth/oauth.py` and `auth/decorators.py`.

Knows Flask and the login manager. Whose token it is, the validator says; what a user is, the application knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, TypeVar, cast

from flask import Response, abort, current_app, g, request

from bearergate import AuthenticationRequired, Principal, Refusal
from bearergate.core.admission import Admission, RequestFacts
from integrations.quay.login_service import OAuthLoginManager

View = TypeVar("View", bound=Callable[..., Any])

REALM: Final = "quay"
EXTENSION: Final = "quay_login"
_ADAPTER: Final = "quay"
_ADMISSION: Final = Admission(realm=REALM)


@dataclass(frozen=True, slots=True)
class ValidateResult:
    """What became of a credential: a principal, nothing at all, or a refusal."""

    principal: Principal | None = None
    refusal: Refusal | None = None

    @property
    def missing(self) -> bool:
        """Whether nothing was presented that is ours to judge."""
        return isinstance(self.refusal, AuthenticationRequired)

    @property
    def error_message(self) -> str | None:
        """One generic sentence: nothing of the token and nothing of the configuration."""
        return None if self.refusal is None or self.missing else self.refusal.reason.meaning


def validate_bearer_auth(auth_header: str | None, manager: OAuthLoginManager | None = None) -> ValidateResult:
    """Whose bearer token an `Authorization` value holds, by all issuers of all blocks."""
    chosen: OAuthLoginManager = manager or current_app.extensions[EXTENSION]
    facts = RequestFacts("GET", "/", [] if auth_header is None else [auth_header])
    try:
        return ValidateResult(chosen.validator.admit(_ADMISSION, facts, adapter=_ADAPTER))
    except Refusal as error:
        return ValidateResult(refusal=error)


def refused(error: Refusal) -> Response:
    """The answer: status, challenge or Retry-After, and a body that says nothing of the configuration."""
    answer = _ADMISSION.answer(error)
    return Response(answer.body, answer.status, answer.headers)


def process_auth(view: View) -> View:
    """Let a caller in whose token is good, and an anonymous one; never one whose token is bad."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        result = validate_bearer_auth(request.headers.get("Authorization"))
        if result.refusal is not None and not result.missing:
            abort(refused(result.refusal))
        g.principal = result.principal
        return view(*args, **kwargs)

    return cast("View", guarded)


def require_auth(view: View) -> View:
    """Let a caller in whose token is good, and nobody else."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        result = validate_bearer_auth(request.headers.get("Authorization"))
        if result.refusal is not None:
            abort(refused(result.refusal))
        g.principal = result.principal
        return view(*args, **kwargs)

    return cast("View", guarded)
