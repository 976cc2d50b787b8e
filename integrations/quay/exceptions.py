"""The exceptions that Quay's callers catch, by the names under which they know them.

In Quay the two of the login stay where they are (`oauth/login.py`, `oauth/oidc.py`) and InvalidTokenError is PyJWT's.
"""

from __future__ import annotations

from bearergate import Refusal, Unavailable

try:
    from jwt.exceptions import InvalidTokenError  # type: ignore[import-not-found, unused-ignore]
except ModuleNotFoundError:

    class InvalidTokenError(Exception):  # type: ignore[no-redef]
        """A token that is not accepted."""


__all__ = ["InvalidTokenError", "OAuthLoginException", "PublicKeyLoadException", "RefusedTokenError"]


class OAuthLoginException(Exception):
    """A login that cannot go on."""


class PublicKeyLoadException(OAuthLoginException):
    """The issuer's keys cannot be obtained at the moment; `refusal` says when to try again."""

    def __init__(self, refusal: Unavailable) -> None:
        super().__init__(refusal.reason.meaning)
        self.refusal = refusal


class RefusedTokenError(InvalidTokenError):  # type: ignore[misc, unused-ignore]
    """A token that is not accepted; `refusal` says why to operators, the text says it to clients."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason.meaning)
        self.refusal = refusal
