"""A cluster with its API server, our own issuer beside it, and a chain that trusts both. Real tokens, real TLS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bearergate.chain import Chain
from bearergate.core.errors import Refusal
from bearergate.core.events import Event
from bearergate.core.policy import IssuerPolicy
from bearergate.kubernetes import ClusterMode, ClusterPolicy, Passthrough, ReviewLimits, TokenReview
from bearergate.testing import FakeIssuer
from bearergate.validator import Validator
from tests.kubernetes.api_server import Account, ApiServer

CLUSTER = "https://kubernetes.default.svc.cluster.local"
OURS = "https://registry.test"
"""The audience of this resource, for people and for service accounts."""


@dataclass
class Cluster:
    """What the tests of service accounts need. Clocks stand still until a test moves them."""

    server: ApiServer
    folder: Path
    people: FakeIssuer
    deployer: Account
    reviewer: Account
    events: list[Event] = field(default_factory=list)
    now: float = 0.0

    def clock(self) -> float:
        return self.people.now()

    def policy(self, **changes: Any) -> ClusterPolicy:
        fields = {
            "issuer": self.server.issuer.issuer,
            "mode": ClusterMode.TOKEN_REVIEW,
            "audiences": frozenset({OURS}),
            "api_server": self.server.url,
            "token_file": str(self.folder / "token"),
            "ca_file": str(self.folder / "ca.crt"),
            **changes,
        }
        return ClusterPolicy(**fields)

    def review(self, *, policy: ClusterPolicy | None = None, **options: Any) -> TokenReview:
        limits = ReviewLimits(**options.pop("limits", {}))
        return TokenReview(policy or self.policy(), limits=limits, clock=self.clock, **options)

    def passthrough(self) -> Passthrough:
        policy = ClusterPolicy(issuer=self.server.issuer.issuer, mode=ClusterMode.PASSTHROUGH)
        return Passthrough(policy, clock=self.clock)

    def validator(self, **options: Any) -> Validator:
        policy = IssuerPolicy(issuer=self.people.issuer, audiences=frozenset({OURS}))
        return Validator([policy], fetch=self.people.fetch, clock=self.clock, observers=[self.events.append], **options)

    def chain(self, *authenticators: Any, **options: Any) -> Chain:
        """Reviews, unless told otherwise."""
        return Chain(
            self.validator(policy_version="v1"),
            authenticators or [self.review(**options)],
            observers=[self.events.append],
            clock=self.clock,
        )

    def token(self, **claims: Any) -> str:
        """A good token of the deployer for this resource."""
        return self.server.mint(self.deployer, OURS, **claims)

    def renew_credential(self) -> None:
        (self.folder / "token").write_text(self.server.mint(self.reviewer) + "\n")


@contextmanager
def running_cluster(folder: Path, clock: Any = None) -> Iterator[Cluster]:
    """`clock`: wall clock of the cluster, of the issuer and of the chain."""
    kubernetes = FakeIssuer(CLUSTER, alg="ES256", clock=clock)
    people = FakeIssuer("https://login.test", alg="ES256", clock=clock, audience=OURS)
    server = ApiServer(folder, kubernetes)
    reviewer = server.create("bearergate", "reviewer")
    server.may_review.add(reviewer.username)
    with server.serve():
        cluster = Cluster(server, folder, people, server.create("ci", "deployer"), reviewer)
        cluster.renew_credential()
        (folder / "ca.crt").write_text(server.ca)
        yield cluster


def refused(act: Any) -> Refusal:
    """The refusal that it ends in."""
    try:
        act()
    except Refusal as error:
        return error
    raise AssertionError("nothing was refused")


def forged(cluster: Cluster) -> str:
    """A token that the cluster never signed."""
    return cluster.server.issuer.forge({"aud": [OURS], "sub": cluster.deployer.username, "client_id": None})


def of_a_deleted_pod(cluster: Cluster) -> str:
    """A token that was good until its pod was deleted."""
    cluster.server.revoked.add("pod-1")
    return cluster.token(jti="pod-1")
