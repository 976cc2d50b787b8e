"""The issuers of the adapter tests, a validator that trusts them, and every token that the tests send, by name.

Real tokens of FakeIssuer; knows no adapter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from bearergate.core.bindings import Binding, Bindings, Globs
from bearergate.core.expression import compile_rule
from bearergate.core.path_match import compile_pattern
from bearergate.core.policy import IssuerPolicy
from bearergate.testing import FakeIssuer, fetch_from
from bearergate.validator import Validator
from tests.adapters.routes import GROUP, MODULE, SCOPE


def _bindings() -> Bindings:
    """Administrators may use some modules, and whoever is of a high enough level all of them."""
    expressions = {f'"{GROUP}" in groups': "aws-*", "has(claims.level) && claims.level > 1": "*"}
    return Bindings(
        Binding(name=text, expression=compile_rule(text), grants={MODULE: Globs((compile_pattern(glob),))})
        for text, glob in expressions.items()
    )


@dataclass(frozen=True)
class World:
    """An issuer that answers, one that does not, and a validator that trusts both."""

    issuer: FakeIssuer
    down: FakeIssuer
    validator: Validator


def new_world(*audiences: str) -> World:
    """Issuers and validator of their own; `audiences` are accepted beside the issuers' own."""
    issuer = FakeIssuer("https://issuer.test", alg="ES256")
    down = FakeIssuer("https://down.test", alg="ES256")
    down.down = True
    policies = [
        IssuerPolicy(issuer=each.issuer, audiences=frozenset({each.audience, *audiences})) for each in (issuer, down)
    ]
    return World(issuer, down, Validator(policies, fetch=fetch_from(issuer, down), bindings=_bindings()))


def bearer(token: str) -> list[tuple[str, str | bytes]]:
    """The header that presents a token."""
    return [("Authorization", f"Bearer {token}")]


TOKENS: Final[Mapping[str, Callable[[World], str]]] = {
    "good": lambda world: world.issuer.mint(),
    "scoped": lambda world: world.issuer.mint(scope=f"openid {SCOPE}"),
    "half_scoped": lambda world: world.issuer.mint(scope="orders.read"),
    "member": lambda world: world.issuer.mint(groups=["staff", GROUP]),
    "stranger": lambda world: world.issuer.mint(groups=["staff"]),
    "senior": lambda world: world.issuer.mint(groups=["staff"], level=2),
    "odd_level": lambda world: world.issuer.mint(groups=["staff"], level="high"),
    "overage": lambda world: world.issuer.mint(hasgroups=True, level=2),
    "expired": lambda world: world.issuer.mint(exp=int(world.issuer.now()) - 60),
    "early": lambda world: world.issuer.mint(nbf=int(world.issuer.now()) + 600),
    "misdirected": lambda world: world.issuer.mint(aud="https://other.test"),
    "foreign": lambda world: world.issuer.mint(iss="https://foreign.test"),
    "forged": lambda world: world.issuer.forge(),
    "unsigned": lambda world: world.issuer.unsigned(),
    "confused": lambda world: world.issuer.confuse(),
    "unknown_key": lambda world: world.issuer.mint(header={"kid": "nobody-published-this"}),
    "unreachable": lambda world: world.down.mint(),
    "long": lambda world: "a" * 100_000,
    "opaque": lambda world: "2YotnFZFEjr1zCsicMWpAA",
}
