"""Which requests must carry a token: exempt and optional paths, CORS preflight, everything else.

One rule for every adapter. Looks at the path that the application routes on and at nothing that was forwarded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from bearergate.core.bearer import DEFAULT_REALM, Answer, answer, bare_token, bearer_token, check_realm
from bearergate.core.errors import AuthenticationRequired, ConfigError, Problem, Refusal

_UNSAFE_PATH: Final = re.compile(r"//|[\\;%\x00-\x1f\x7f-\x9f]|(?:^|/)\.{1,2}(?:/|$)")


class RequestFacts(NamedTuple):
    """What of a request decides whether it needs a token."""

    method: str
    path: str
    """The path the application routes on, decoded, without mount point and query."""
    authorization: Sequence[str | bytes]
    """Every `Authorization` field value, in order."""
    is_cors: bool = False
    """Whether both `Origin` and `Access-Control-Request-Method` are present."""

    def __repr__(self) -> str:
        # Not the credentials: error trackers keep local variables.
        return f"RequestFacts(method={self.method!r}, path={self.path!r})"


class Admission:
    """Decides, before any token is looked at, what a request must present. Immutable."""

    def __init__(
        self,
        *,
        exempt: Iterable[str] = (),
        optional: Iterable[str] = (),
        unverified: Iterable[str] = (),
        realm: str = DEFAULT_REALM,
        allow_preflight: bool = True,
    ) -> None:
        """Compile path patterns: exact, `*` for one segment, a final `/**` for a subtree (its root included).

        `unverified`: paths that take a bearer whom nobody has verified, where there are any such at all. Raises
        ConfigError for patterns or a realm that cannot be used.
        """
        self.realm = check_realm(realm)
        self._exempt = _compile(exempt, "exempt")
        self._optional = _compile(optional, "optional")
        self._unverified = _compile(unverified, "allow_unverified_bearer")
        self._allow_preflight = allow_preflight

    def token(self, request: RequestFacts) -> str | None:
        """The token that the request presents, or None when it may pass anonymously.

        Raises AuthenticationRequired or InvalidRequest. A credential that is present is never ignored on an
        optional path: optional means missing, never bad.
        """
        if self.is_exempt(request):
            return None
        try:
            return bearer_token(request.authorization)
        except AuthenticationRequired:
            if _matches(self._optional, request.path):
                return None
            raise

    def bare_token(self, request: RequestFacts) -> str | None:
        """What may be the token, read without looking at its form: good for finding out whether it is known already.

        None where the request is exempt, or presents anything but one bearer credential.
        """
        # A preflight is told by its fields.
        if (self._exempt or request.is_cors) and self.is_exempt(request):
            return None
        return bare_token(request.authorization)

    def is_exempt(self, request: RequestFacts) -> bool:
        """Whether the request passes without a principal, whatever it presents."""
        return bool(self._exempt and _matches(self._exempt, request.path)) or self._is_preflight(request)

    def takes_unverified(self, request: RequestFacts) -> bool:
        """Whether the request is for a path that takes a bearer whom nobody has verified."""
        return bool(self._unverified) and _matches(self._unverified, request.path)

    def answer(self, error: Refusal) -> Answer:
        """The answer to a refused request, in this realm."""
        return answer(error, realm=self.realm)

    def _is_preflight(self, request: RequestFacts) -> bool:
        preflight = request.method == "OPTIONS" and request.is_cors and not request.authorization
        return self._allow_preflight and preflight


def _compile(patterns: Iterable[str], name: str) -> tuple[re.Pattern[str], ...]:
    if isinstance(patterns, str):
        raise ConfigError([Problem(name, "must be a list of paths, got str", "write it as [...]")])
    listed = list(patterns)
    faults = [Problem(f"{name}[{n}]", fault, cure) for n, p in enumerate(listed) for fault, cure in _pattern_faults(p)]
    if faults:
        raise ConfigError(faults)
    return tuple(re.compile(_regex(pattern)) for pattern in listed)


def _pattern_faults(pattern: str) -> list[tuple[str, str]]:
    if not pattern.startswith("/"):
        return [("must be a path", "begin it with /")]
    if _UNSAFE_PATH.search(pattern):
        return [("can never match", "write the decoded path without //, dot segments, backslash, ; or %")]
    if any("*" in segment and segment != "*" for segment in pattern.removesuffix("/**").split("/")):
        return [("* must be a whole segment and ** the last one", "write /a/*/b or /a/**")]
    return []


def _regex(pattern: str) -> str:
    subtree = pattern.endswith("/**")
    segments = pattern.removesuffix("/**").split("/")
    path = "/".join("[^/]+" if segment == "*" else re.escape(segment) for segment in segments)
    return path + ("(?:/.*)?" if subtree else "")


def _matches(patterns: tuple[re.Pattern[str], ...], path: str) -> bool:
    if not patterns or _UNSAFE_PATH.search(path):
        return False
    return any(pattern.fullmatch(path) for pattern in patterns)
