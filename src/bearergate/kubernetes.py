"""Service accounts of Kubernetes clusters: the two ways to let one in whose token is not verified here.

`TokenReview` asks the cluster's API server, and a Principal comes out. `Passthrough` asks nobody: an UnverifiedBearer
comes out, for an application that hands it on to the API server. A third way needs neither: a cluster that publishes
its keys is an issuer like any other (preset `kubernetes`). Judges nothing itself: core/ and the API server do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from bearergate.chain import Authenticator, Found, UnverifiedBearer
from bearergate.clocks import Clock, monotonic_clock, wall_clock
from bearergate.core.errors import ConfigError, Problem, Refusal, Unavailable, refusal
from bearergate.core.jwt import MAX_TOKEN_BYTES
from bearergate.core.reasons import Reason
from bearergate.core.service_accounts import ClusterMode, ClusterPolicy, ClusterTokens
from bearergate.core.token_review import ServiceAccount
from bearergate.fetch import Post
from bearergate.reviewer import Reviewer, ReviewFailed
from bearergate.reviews import ReviewLimits, Reviews

__all__ = [
    "ClusterMode",
    "ClusterPolicy",
    "Passthrough",
    "ReviewLimits",
    "ServiceAccount",
    "TokenReview",
    "authenticators",
    "refusal_of_api_server",
]

_DEFAULT_LIMITS: Final = ReviewLimits()


class TokenReview:
    """Lets in the service accounts of one cluster for which its API server vouches (an Authenticator)."""

    def __init__(
        self,
        policy: ClusterPolicy,
        *,
        limits: ReviewLimits = _DEFAULT_LIMITS,
        max_token_bytes: int = MAX_TOKEN_BYTES,
        post: Post | None = None,
        clock: Clock | None = None,
        monotonic: Clock | None = None,
    ) -> None:
        """Asks nobody yet, and never fails because the API server is down.

        `post`: replaces HTTP. `clock`: wall clock in seconds since the epoch, for the end of tokens; `monotonic`: clock
        in seconds for how long a verdict is remembered. Raises ConfigError when a file cannot be used, or the policy is
        of another mode.
        """
        _check_mode(policy, ClusterMode.TOKEN_REVIEW)
        self._tokens = ClusterTokens(policy, max_token_bytes=max_token_bytes)
        self._clock = clock or wall_clock
        reviewer = Reviewer(policy, post=post, connect_timeout=limits.connect_timeout)
        try:
            reviewer.prepare()
        except ReviewFailed as failure:
            raise ConfigError([Problem(policy.issuer, str(failure), "name the file that Kubernetes mounts")]) from None
        self._reviews = Reviews(policy, reviewer, limits, wall=self._clock, monotonic=monotonic or monotonic_clock)

    @property
    def issuer(self) -> str:
        """See Authenticator."""
        return self._tokens.policy.issuer

    def recognises(self, token: str) -> bool:
        """See Authenticator."""
        return self._tokens.recognise(token)

    def authenticate(self, token: str) -> Found:
        """The ServiceAccount whose token it is.

        Raises InvalidToken for a token that is not worth asking about or that the API server does not accept,
        Unavailable where it does not say, or was asked too often.
        """
        begun = self._tokens.begin(token, self._clock())
        return Found(*self._reviews.review(token, begun))

    async def authenticate_async(self, token: str) -> Found:
        """The same, without blocking the event loop."""
        begun = self._tokens.begin(token, self._clock())
        return Found(*await self._reviews.review_async(token, begun))


class Passthrough:
    """Lets the tokens of one cluster through to routes that ask for an UnverifiedBearer (an Authenticator)."""

    def __init__(
        self, policy: ClusterPolicy, *, max_token_bytes: int = MAX_TOKEN_BYTES, clock: Clock | None = None
    ) -> None:
        """`clock`: wall clock in seconds since the epoch. Raises ConfigError when the policy is of another mode."""
        _check_mode(policy, ClusterMode.PASSTHROUGH)
        self._tokens = ClusterTokens(policy, max_token_bytes=max_token_bytes)
        self._clock = clock or wall_clock

    @property
    def issuer(self) -> str:
        """See Authenticator."""
        return self._tokens.policy.issuer

    def recognises(self, token: str) -> bool:
        """See Authenticator."""
        return self._tokens.recognise(token)

    def authenticate(self, token: str) -> Found:
        """The bearer, unverified; raises InvalidToken for a token that no API server would accept."""
        self._tokens.begin(token, self._clock())
        return Found(UnverifiedBearer(token, self.issuer))

    async def authenticate_async(self, token: str) -> Found:
        """The same: there is nobody to wait for."""
        return self.authenticate(token)


def authenticators(
    policies: Iterable[ClusterPolicy], *, max_token_bytes: int = MAX_TOKEN_BYTES, clock: Clock | None = None
) -> tuple[Authenticator, ...]:
    """An authenticator for each cluster, of the mode that its policy names; raises ConfigError for unusable files."""
    return tuple(
        TokenReview(policy, max_token_bytes=max_token_bytes, clock=clock)
        if policy.mode is ClusterMode.TOKEN_REVIEW
        else Passthrough(policy, max_token_bytes=max_token_bytes, clock=clock)
        for policy in policies
    )


def refusal_of_api_server(status: int) -> Refusal:
    """What an application raises when the API server refuses a bearer that was handed on to it.

    401 stays 401 and 403 stays 403; anything else says nothing of the bearer and is 503.
    """
    if status == 401:
        return refusal(Reason.RULE_FAILED)
    if status == 403:
        return refusal(Reason.RESOURCE_NOT_GRANTED)
    return Unavailable(Reason.UPSTREAM_UNAVAILABLE, cause=f"the API server answered with status {status}")


def _check_mode(policy: ClusterPolicy, mode: ClusterMode) -> None:
    if policy.mode is not mode:
        raise ConfigError([Problem(policy.issuer, f"is of mode {policy.mode.value}", f"give one of mode {mode.value}")])
