"""validator.authorize and demands for a binding: the verdict, and exactly one event that says why."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
from typing import Any

import pytest

from bearergate import AccessDenied, ConfigError, Demand, Reason, Resource
from bearergate.chain import Chain
from bearergate.core.admission import Admission
from bearergate.core.events import AccessGranted, TokenAccepted, TokenRejected
from bearergate.core.policy import IssuerPolicy
from bearergate.core.resources import Granted
from bearergate.validator import Validator
from tests.asking import bearing
from tests.authorizing import DEMAND, GCP, ISSUER, VPC, Scene, member, stranger
from tests.core.test_authorization import bindings
from tests.vouchers import AUDIENCE


@pytest.fixture
def scene() -> Scene:
    return Scene()


# authorize.


def test_a_grant_is_one_event_with_resource_and_binding(scene: Scene) -> None:
    ada = scene.validator.validate(member())
    scene.told()
    assert scene.validator.authorize(ada, VPC, adapter="registry").name == "dev"
    event = scene.the_event()
    assert isinstance(event, AccessGranted)
    assert (event.principal, event.granted) == (ada, Granted(VPC, "dev"))
    assert (event.adapter, event.policy_version.partition("+")[0]) == ("registry", "v1")
    assert event.duration_us >= 0


@pytest.mark.parametrize(
    ("token", "resource", "reason", "binding"),
    [
        (member, GCP, Reason.RESOURCE_NOT_GRANTED, "dev"),
        (member, Resource("provider", "aws-vpc"), Reason.RESOURCE_NOT_GRANTED, "dev"),
        (stranger, VPC, Reason.BINDING_NONE, None),
        (ISSUER.mint, VPC, Reason.GROUPS_MISSING, None),
        (lambda: ISSUER.mint(hasgroups=True), VPC, Reason.GROUPS_OVERAGE, None),
    ],
)
def test_a_denial_is_one_event_with_its_reason(
    scene: Scene, token: Any, resource: Resource, reason: Reason, binding: str | None
) -> None:
    who = scene.validator.validate(token())
    scene.told()
    with pytest.raises(AccessDenied) as caught:
        scene.validator.authorize(who, resource)
    assert (caught.value.status, caught.value.reason) == (403, reason)
    event = scene.the_event()
    assert isinstance(event, TokenRejected)
    assert (event.reason, event.status, event.principal) == (reason, 403, who)
    assert (event.resource, event.binding, event.adapter) == (resource, binding, "code")


def test_without_bindings_nobody_may_ask() -> None:
    policy = IssuerPolicy(issuer=ISSUER.issuer, audiences=frozenset({AUDIENCE}))
    validator = Validator([policy], fetch=ISSUER.fetch)
    with pytest.raises(ConfigError, match="none are configured"):
        validator.authorize(validator.validate(member()), VPC)
    with pytest.raises(ConfigError, match="no bindings are configured"):
        validator.admit(Admission(), bearing(member()), adapter="test", demand=Demand(binding="module", resource="x"))


def test_nothing_is_built_when_nobody_observes(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    policy = IssuerPolicy(issuer=ISSUER.issuer, audiences=frozenset({AUDIENCE}))
    validator = Validator([policy], fetch=ISSUER.fetch, bindings=bindings(dev='"dev" in groups'))
    ada = validator.validate(member())
    monkeypatch.setattr(validator._decisions, "tell", lambda _: pytest.fail("an event was built"))
    caplog.set_level(logging.WARNING, logger="bearergate.audit")
    assert validator.authorize(ada, VPC).name == "dev"
    caplog.set_level(logging.INFO, logger="bearergate.audit")
    with pytest.raises(pytest.fail.Exception, match="an event was built"):
        validator.authorize(ada, VPC)


def test_a_service_account_is_authorized_by_the_same_bindings(scene: Scene) -> None:
    jane, joe = scene.chain.validate("voucher-jane"), scene.chain.validate("voucher-joe")
    ada = scene.chain.validate(member())
    scene.told()
    assert scene.chain.authorize(jane, VPC).name == "vouched"
    assert scene.the_event().granted == Granted(VPC, "vouched")
    assert scene.chain.authorize(ada, VPC).name == "dev"
    assert scene.the_event().granted == Granted(VPC, "dev")
    for who, resource in ((joe, VPC), (jane, GCP)):
        with pytest.raises(AccessDenied):
            scene.chain.authorize(who, resource)
        event = scene.the_event()
        assert (event.issuer, event.principal, event.resource) == ("https://vouchers.test", who, resource)


def test_validator_and_chain_take_the_same_arguments() -> None:
    for name in ("authorize", "check_demands", "checked", "replace_bindings"):
        assert inspect.signature(getattr(Validator, name)) == inspect.signature(getattr(Chain, name))


# Demands.


@pytest.mark.parametrize("whole", ["validator", "chain"])
def test_a_demand_is_part_of_the_one_decision(scene: Scene, whole: str) -> None:
    judge = getattr(scene, whole)
    demand = DEMAND.about({"name": "aws-vpc"})
    token = member()
    for cached in (False, True):
        judge.admit(Admission(), bearing(token), adapter="test", demand=demand)
        event = scene.the_event()
        assert isinstance(event, TokenAccepted)
        assert (event.cached, event.granted) == (cached, Granted(VPC, "dev"))
    token = stranger()
    for _ in range(2):
        with pytest.raises(AccessDenied):
            asyncio.run(judge.admit_async(Admission(), bearing(token), adapter="test", demand=demand))
        event = scene.the_event()
        assert (event.reason, event.resource, event.principal.subject) == (Reason.BINDING_NONE, VPC, "eve")


def test_a_demand_of_a_service_account_is_part_of_the_one_decision(scene: Scene) -> None:
    demand = DEMAND.about({"name": "aws-vpc"})
    scene.chain.admit(Admission(), bearing("voucher-jane"), adapter="test", demand=demand)
    assert scene.the_event().granted == Granted(VPC, "vouched")
    with pytest.raises(AccessDenied):
        scene.chain.admit(Admission(), bearing("voucher-joe"), adapter="test", demand=demand)
    assert (scene.the_event().resource, scene.told()) == (VPC, [])


def test_a_token_without_demands_has_nothing_granted(scene: Scene) -> None:
    scene.validator.validate(member())
    assert scene.the_event().granted is None


# The audit log.


def test_the_audit_log_says_what_was_asked_for_and_which_binding_decided(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="bearergate.audit")
    demand = DEMAND.about({"name": "aws-vpc"})
    ada = scene.validator.admit(Admission(), bearing(member()), adapter="test", demand=demand)
    assert ada is not None
    scene.validator.authorize(ada, VPC)
    endless = Resource("module", "x" * 5000)
    for resource in (GCP, endless):
        with pytest.raises(AccessDenied):
            scene.validator.authorize(ada, resource)
    eve = scene.validator.validate(stranger())
    with pytest.raises(AccessDenied):
        scene.validator.authorize(eve, VPC)
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == "bearergate.audit"]
    vpc, gcp = {"kind": "module", "name": "aws-vpc"}, {"kind": "module", "name": "gcp"}
    assert [
        (line["outcome"], line["reason"], line["subject"], line.get("resource"), line.get("binding")) for line in lines
    ] == [
        ("accepted", None, "ada", vpc, "dev"),
        ("granted", None, "ada", vpc, "dev"),
        ("rejected", "resource_not_granted", "ada", gcp, "dev"),
        ("rejected", "resource_not_granted", "ada", {"kind": "module", "name": "x" * 1024}, "dev"),
        ("accepted", None, "eve", None, None),
        ("rejected", "binding_none", "eve", vpc, None),
    ]
    assert "resource" not in lines[4]
    assert all(line["client_id"] == "test-client" for line in lines)
