"""Authorization: the bindings of one configuration, for principals of every issuer of it and of none."""

from __future__ import annotations

from typing import Any

import pytest

from bearergate.core.access import ANYBODY, Demand
from bearergate.core.authorization import Authorization
from bearergate.core.bindings import Binding, Bindings, Globs
from bearergate.core.errors import AccessDenied, AudienceRejected, ConfigError, InsufficientScope
from bearergate.core.expression import BrokenExpression, compile_rule
from bearergate.core.path_match import compile_pattern
from bearergate.core.policy import GroupsFrom
from bearergate.core.reasons import Reason
from bearergate.core.resources import Granted, Resource
from tests.core.people import principal

VPC = Resource("module", "aws-vpc")
MODULE = Demand(binding="module", resource="aws-vpc")


def bindings(**expressions: str) -> Bindings:
    grants = {"module": Globs((compile_pattern("aws-*"),))}
    return Bindings(
        Binding(name=name, expression=compile_rule(text), grants=grants) for name, text in expressions.items()
    )


def authorization(found: Bindings | None, **sources: str) -> Authorization:
    return Authorization(found, {f"https://{name}.test": GroupsFrom(claim=claim) for name, claim in sources.items()})


def denial(whole: Authorization, who: Any, resource: Resource = VPC) -> AccessDenied:
    with pytest.raises(AccessDenied) as caught:
        whole.authorize(who, resource)
    return caught.value


def test_the_binding_that_grants_is_told() -> None:
    whole = authorization(bindings(dev='"dev" in groups'), issuer="groups")
    assert whole.authorize(principal(groups=("dev",)), VPC).name == "dev"
    assert whole.check(MODULE, principal(groups=("dev",))) == Granted(VPC, "dev")


def test_a_denial_says_what_was_asked_for_and_which_binding_denied_it() -> None:
    whole = authorization(bindings(dev='"dev" in groups'))
    other = denial(whole, principal(groups=("dev",)), Resource("module", "gcp"))
    assert (other.reason, other.resource, other.binding) == (
        Reason.RESOURCE_NOT_GRANTED, Resource("module", "gcp"), "dev",
    )  # fmt: skip
    none = denial(whole, principal(groups=("ops",)))
    assert (none.reason, none.resource, none.binding) == (Reason.BINDING_NONE, VPC, None)
    overage = denial(whole, principal(groups_problem=Reason.GROUPS_OVERAGE))
    assert (overage.reason, overage.resource, overage.binding) == (Reason.GROUPS_OVERAGE, VPC, None)
    broken = Bindings([Binding(name="bad", expression=BrokenExpression("x", "unknown name x"), grants={})])
    error = denial(authorization(broken), principal())
    assert (error.reason, error.resource, error.binding) == (Reason.BINDING_ERROR, VPC, "bad")


def test_groups_are_no_claim_wherever_an_issuer_has_them() -> None:
    found = bindings(spoofed='claims.roles.exists(r, r == "admin")')
    someone = principal(claims={"roles": ("admin",)})
    assert authorization(found, issuer="groups").authorize(someone, VPC).name == "spoofed"
    assert denial(authorization(found, issuer="roles"), someone).reason is Reason.BINDING_ERROR


def test_groups_of_a_principal_of_no_configured_issuer_are_in_the_usual_claim() -> None:
    whole = authorization(bindings(spoofed='"admin" in claims.groups'), issuer="roles")
    someone = principal(issuer="https://cluster.test", claims={"groups": ("admin",)})
    assert denial(whole, someone).reason is Reason.BINDING_ERROR


def test_the_binding_that_decides_is_the_same_whatever_is_asked_for() -> None:
    found = bindings(dev='"dev" in groups', spoofed='"admin" in claims.roles')
    dev, spoofer = principal(groups=("dev",)), principal(claims={"roles": ("admin",)})
    whole = authorization(found, issuer="roles")
    assert whole.match(dev).name == whole.authorize(dev, VPC).name == "dev"
    assert whole.replaced(bindings(all="true")).match(dev).name == "all"
    assert authorization(found, issuer="groups").match(spoofer).name == "spoofed"
    with pytest.raises(AccessDenied) as caught:
        whole.match(spoofer)
    assert (caught.value.reason, caught.value.binding) == (Reason.BINDING_ERROR, "spoofed")
    with pytest.raises(ConfigError, match="bindings: none are configured"):
        authorization(None).match(dev)


def test_other_bindings_are_another_authorization_of_the_same_policy() -> None:
    before = authorization(bindings(dev='"admin" in claims.roles'), issuer="roles")
    after = before.replaced(bindings(all="true"))
    someone = principal(claims={"roles": ("admin",)})
    assert denial(before, someone).reason is Reason.BINDING_ERROR
    assert after.authorize(someone, VPC).name == "all"
    assert denial(after.replaced(bindings(dev='"admin" in claims.roles')), someone).reason is Reason.BINDING_ERROR


def test_the_version_is_that_of_the_bindings_and_of_everything_else() -> None:
    assert Authorization(None, {}, "v1").policy_version == "v1"
    started = Authorization(bindings(all="true"), {}, "v1")
    replaced = Authorization(bindings(all="false"), {}, "v1").replaced(bindings(all="true"))
    assert replaced.policy_version == started.policy_version
    assert Authorization(None, {}, "v1").replaced(bindings(all="true")).policy_version == started.policy_version
    assert Authorization(bindings(all="false"), {}, "v1").policy_version != started.policy_version
    assert Authorization(bindings(all="true"), {}, "v2").policy_version != started.policy_version


def test_whatever_else_is_demanded_comes_before_the_binding() -> None:
    whole = authorization(bindings(all="true"))
    for options, error in (
        ({"scope": "read"}, InsufficientScope),
        ({"audience": "other"}, AudienceRejected),
        ({"group": "dev"}, AccessDenied),
    ):
        demand = Demand(binding="module", resource=_never, **options)  # type: ignore[arg-type]
        with pytest.raises(error):
            whole.check(demand, principal())


def _never() -> str:
    raise AssertionError("nobody wants to know")


def test_without_a_binding_nothing_is_granted_and_nothing_asked() -> None:
    whole = authorization(None)
    assert whole.check(ANYBODY, principal()) is None
    assert whole.check(Demand(group="dev"), principal(groups=("dev",))) is None


def test_without_bindings_nobody_may_ask() -> None:
    assert not authorization(None).has_bindings
    assert authorization(Bindings(())).has_bindings
    with pytest.raises(ConfigError, match="bindings: none are configured"):
        authorization(None).authorize(principal(), VPC)
    assert denial(authorization(Bindings(())), principal()).reason is Reason.BINDING_NONE
