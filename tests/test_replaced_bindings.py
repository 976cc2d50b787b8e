"""Bindings that are replaced while an application runs: what decides from then on, and which version events tell."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from bearergate import AccessDenied, Demand, Resource
from bearergate.config import from_dict
from bearergate.core.admission import Admission
from bearergate.core.bindings import Bindings
from bearergate.core.events import AccessGranted, Event, TokenAccepted, TokenRejected
from tests.asking import bearing
from tests.authorizing import ISSUER, VPC, Scene, member
from tests.core.test_authorization import bindings
from tests.vouchers import AUDIENCE

MODULE = Demand(binding="module", resource="aws-vpc")


def dev() -> Bindings:
    return bindings(dev='"dev" in groups', vouched='sub == "jane"')


def ops() -> Bindings:
    return bindings(ops='"ops" in groups', vouched='sub == "joe"')


@pytest.fixture
def scene() -> Scene:
    return Scene(dev())


def statuses(scene: Scene, token: str) -> list[int]:
    """What each way of asking says, of a token that is remembered."""

    def status(ask: Callable[[], object]) -> int:
        try:
            ask()
        except AccessDenied as error:
            return error.status
        return 200

    principal = scene.chain.validate(token)
    ways: list[Callable[[], object]] = [
        lambda: scene.chain.authorize(principal, VPC),
        lambda: scene.chain.demand(principal, MODULE, adapter="test"),
        lambda: scene.chain.admit(Admission(), bearing(token), adapter="test", demand=MODULE),
    ]
    return [status(way) for way in ways]


@pytest.mark.parametrize("whole", ["validator", "chain"])
def test_they_decide_at_once_and_about_tokens_that_are_remembered(scene: Scene, whole: str) -> None:
    tokens = [member(), ISSUER.mint(groups=["ops"]), "voucher-jane", "voucher-joe"]
    assert [statuses(scene, token) for token in tokens] == [[200] * 3, [403] * 3, [200] * 3, [403] * 3]
    getattr(scene, whole).replace_bindings(ops())
    assert [statuses(scene, token) for token in tokens] == [[403] * 3, [200] * 3, [403] * 3, [200] * 3]


def test_every_event_tells_the_version_that_decided(scene: Scene) -> None:
    seen: list[str] = []
    for now in (None, ops(), dev()):
        if now is not None:
            scene.validator.replace_bindings(now)
        for token in (member(), "voucher-jane"):
            statuses(scene, token)
        versions = {event.policy_version for event in scene.told()}
        assert len(versions) == 1
        seen += versions
    assert seen[0] == seen[2] != seen[1]
    assert all(version.startswith("v1+") for version in seen)


def test_whoever_starts_with_them_has_the_same_version() -> None:
    told: list[Event] = []
    before, after = (
        from_dict(
            {
                "issuers": [{"issuer": ISSUER.issuer, "audiences": [AUDIENCE]}],
                "bindings": [{"name": "dev", "expression": expression, "grants": {"module": ["aws-*"]}}],
            }
        )
        for expression in ("false", '"dev" in groups')
    )
    validator = before.validator(fetch=ISSUER.fetch, observers=[told.append])
    principal = validator.validate(member())
    assert after.bindings is not None
    validator.replace_bindings(after.bindings)
    validator.authorize(principal, VPC)
    accepted, granted = (event for event in told if isinstance(event, TokenAccepted | AccessGranted))
    assert (accepted.policy_version, granted.policy_version) == (before.policy_version, after.policy_version)


def test_a_call_that_has_begun_is_decided_and_told_by_those_before(scene: Scene) -> None:
    def find() -> str:
        scene.validator.replace_bindings(ops())
        return "aws-vpc"

    token, before = member(), scene.validator.authorization.policy_version
    demand = Demand(binding="module", resource=find)
    for expected in (TokenAccepted, TokenRejected):
        # The second time the token is remembered, and the call begins with the others.
        try:
            scene.validator.admit(Admission(), bearing(token), adapter="test", demand=demand)
        except AccessDenied:
            assert expected is TokenRejected
        event = scene.the_event()
        assert isinstance(event, expected)
        assert (event.policy_version == before) is (expected is TokenAccepted)


def test_a_validator_without_bindings_can_be_given_some() -> None:
    settings = from_dict({"issuers": [{"issuer": ISSUER.issuer, "audiences": [AUDIENCE]}]})
    validator = settings.validator(fetch=ISSUER.fetch)
    validator.replace_bindings(dev())
    validator.check_demands({"view": MODULE})
    assert validator.authorize(validator.validate(member()), VPC).name == "dev"


def test_threads_see_them_whole(scene: Scene) -> None:
    """Whatever is decided meanwhile, by the same bindings as the version that is told with it."""
    sets = [bindings(**{f"a-{number}": "false", f"b-{number}": "true"}) for number in range(2)]
    versions = {}
    for number, each in enumerate(sets):
        scene.validator.replace_bindings(each)
        versions[f"b-{number}"] = scene.validator.authorization.policy_version
    principal = scene.validator.validate(member())
    scene.told()
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            scene.validator.authorize(principal, VPC)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for turn in range(300):
        scene.validator.replace_bindings(sets[turn % 2])
        scene.validator.authorize(principal, Resource("module", "aws-dns"))
    is_over.set()
    for thread in threads:
        thread.join()
    told = {(event.granted.binding, event.policy_version) for event in scene.told() if isinstance(event, AccessGranted)}
    assert told == set(versions.items())
