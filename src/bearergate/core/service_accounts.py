"""Service accounts of Kubernetes clusters: what an operator trusts of a cluster, and what its tokens must be like.

Pure. Everything that can be said of such a token without asking anybody is said here. Knows no API server and no
signature: what comes out of `begin` is unverified.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final, NamedTuple

from bearergate.core.checks import CLOSING
from bearergate.core.claims import ISS, UnverifiedClaims
from bearergate.core.errors import ConfigError, InvalidToken, Problem
from bearergate.core.examination import Examination
from bearergate.core.jwt import MAX_TOKEN_BYTES, decode_object, split
from bearergate.core.metadata import UrlProblem, check_url
from bearergate.core.policy import DEFAULT_ALGORITHMS, IssuerPolicy
from bearergate.core.validation import Validation

_ALWAYS: Final = ("expiration", "subject", "confirmation")
_FOR_REVIEW: Final = (*_ALWAYS, "audience")
"""Rows of the table that need no signature and that decide a token before anybody is asked about it."""


class ClusterMode(StrEnum):
    """Who decides about a cluster's tokens: its API server by TokenReview, or the application that they go to."""

    TOKEN_REVIEW = "token_review"
    PASSTHROUGH = "passthrough"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterPolicy:
    """One cluster whose service accounts are let in, exactly as configured."""

    issuer: str
    """What the cluster's tokens name as `iss` (`--service-account-issuer` of its API server)."""
    mode: ClusterMode
    audiences: frozenset[str] = frozenset()
    """One of them must be the token's, by the word of the API server. Of mode token_review only, as are all below."""
    api_server: str | None = None
    """Its https URL."""
    token_file: str | None = None
    """The reviewer's own credential; read again for every review."""
    ca_file: str | None = None
    """Certificates that the API server's must lead to, instead of the system's; read again for every review."""
    algorithms: tuple[str, ...] = DEFAULT_ALGORITHMS

    def __post_init__(self) -> None:
        """Refuse a policy that names too little to be decided by, or what its mode never looks at."""
        problems = (
            [*_review_problems(self)] if self.mode is ClusterMode.TOKEN_REVIEW else [*_passthrough_problems(self)]
        )
        try:
            self.reading()
        except ConfigError as error:
            problems += error.problems
        if problems:
            raise ConfigError(problems)

    def reading(self) -> IssuerPolicy:
        """The same as a policy of an issuer, as far as a token is looked at here; nothing is accepted by it."""
        # An API server takes tokens for its issuer's name unless told otherwise. In mode passthrough nobody asks.
        audiences = self.audiences or frozenset({self.issuer})
        # No leeway: a token that is refused here early costs nothing, and a review of an expired one is in vain.
        return IssuerPolicy(issuer=self.issuer, audiences=audiences, algorithms=self.algorithms, leeway=0)


def _review_problems(policy: ClusterPolicy) -> Iterator[Problem]:
    if not policy.audiences:
        yield Problem("audiences", "must not be empty", "name the audience of this resource")
    if not policy.token_file:
        yield Problem("token_file", "must name the file of the reviewer's own token")
    if policy.api_server is None:
        yield Problem("api_server", "must name the URL of the API server", "https://kubernetes.default.svc in a pod")
        return
    flaw = api_server_problem(policy.api_server)
    if flaw is not None:
        yield Problem("api_server", flaw)


def _passthrough_problems(policy: ClusterPolicy) -> Iterator[Problem]:
    for name in ("audiences", "api_server", "token_file", "ca_file"):
        if getattr(policy, name):
            yield Problem(name, "is of mode token_review only: in mode passthrough nobody asks the API server")


def api_server_problem(url: str) -> str | None:
    """What is wrong with the URL of an API server, or None. Every review carries two secrets: https only."""
    try:
        check_url(url)
    except UrlProblem as problem:
        return str(problem)
    if not url.startswith("https://"):
        return "must use https, on loopback too: every review carries two secrets"
    return "must not have a query" if "?" in url else None


class Begun(NamedTuple):
    """A token that is worth asking about, and what it says of itself."""

    unverified: Examination
    subject: str
    expires_at: float

    def __repr__(self) -> str:
        # Not its parts: error trackers keep local variables.
        return "Begun()"


class ClusterTokens:
    """The tokens of one cluster, before anybody has proven one. Immutable."""

    def __init__(self, policy: ClusterPolicy, *, max_token_bytes: int = MAX_TOKEN_BYTES) -> None:
        self.policy = policy
        self._reading = policy.reading()
        self._validation = Validation([self._reading], max_token_bytes=max_token_bytes)
        self._max_bytes = max_token_bytes
        self._spellings = spellings_within(policy.issuer)
        rows = _FOR_REVIEW if policy.mode is ClusterMode.TOKEN_REVIEW else _ALWAYS
        self._rows = tuple(check for check in CLOSING if check.name in rows)

    def recognise(self, token: str) -> bool:
        """Whether a text is a JWT that names this issuer; quick for any other text."""
        if len(token) > self._max_bytes or not any(spelling in token for spelling in self._spellings):
            return False
        try:
            return UnverifiedClaims(decode_object(split(token).payload)).string(ISS) == self.policy.issuer
        except InvalidToken:
            return False

    def begin(self, token: str, now: float) -> Begun:
        """Parse a token and look at what it says of itself. `now`: seconds since the epoch.

        Raises InvalidToken and its subclasses: for what is no JWT (RFC 7515, RFC 7519), for an algorithm that is not
        accepted, for one that has expired or has no end, and, before a review, for one that names another audience.
        """
        x, _ = self._validation.begin(token)
        x.now = now
        for check in self._rows:
            try:
                check.run(x)
            except InvalidToken as error:
                error.found_by(partial(check.facts, x))
                raise
        return Begun(x, x.subject, x.exp)


def spellings_within(text: str) -> tuple[str, ...]:
    """What base64url makes of an ASCII text that stands inside a longer one, at each place where it can begin.

    By these a token that cannot name an issuer is known without decoding it. Whoever writes its name with JSON escapes
    is not found: API servers do not.
    """
    found: list[str] = []
    for before, unsure in ((0, 0), (1, 2), (2, 3)):
        raw = b"\0" * before + text.encode("ascii")
        # The characters at either end hang on what stands beside the text.
        found.append(urlsafe_b64encode(raw).decode("ascii")[unsure : len(raw) * 8 // 6])
    return tuple(found)
