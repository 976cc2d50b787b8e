"""A validator with bindings and a chain around it, for tests of authorization, and what both of them tell."""

from __future__ import annotations

from typing import Any

from bearergate import Demand, Resource
from bearergate.chain import Chain
from bearergate.core.bindings import Bindings
from bearergate.core.events import AccessGranted, Event, TokenAccepted, TokenRejected
from bearergate.core.policy import IssuerPolicy
from bearergate.testing import FakeIssuer
from bearergate.validator import Validator
from tests.core.test_authorization import bindings
from tests.vouchers import AUDIENCE, Vouchers

ISSUER = FakeIssuer("https://login.test", alg="ES256", audience=AUDIENCE)
VPC, GCP = Resource("module", "aws-vpc"), Resource("module", "gcp")
DEMAND = Demand(binding="module", resource="<name>")


class Scene:
    """A validator with bindings, a chain around it, and what both tell."""

    def __init__(self, found: Bindings | None = None) -> None:
        self.events: list[Event] = []
        policy = IssuerPolicy(issuer=ISSUER.issuer, audiences=frozenset({AUDIENCE}))
        self.validator = Validator(
            [policy],
            fetch=ISSUER.fetch,
            observers=[self.events.append],
            policy_version="v1",
            bindings=found or bindings(dev='"dev" in groups', vouched='sub == "jane"'),
        )
        self.chain = Chain(self.validator, [Vouchers()], observers=[self.events.append])

    def told(self) -> list[TokenAccepted | TokenRejected | AccessGranted]:
        kinds = (TokenAccepted, TokenRejected, AccessGranted)
        found = [event for event in self.events if isinstance(event, kinds)]
        self.events.clear()
        return found

    def the_event(self) -> Any:
        (event,) = self.told()
        return event


def member() -> str:
    return ISSUER.mint(sub="ada", groups=["dev"])


def stranger() -> str:
    return ISSUER.mint(sub="eve", groups=["ops"])
