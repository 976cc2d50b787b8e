"""`/healthz` and `/readyz` while issuers come, go and come back, with and without traffic."""

from __future__ import annotations

import json

import pytest

from bearergate import Validator
from bearergate.core.key_health import KeyHealth
from bearergate.core.keyring import KeyLifecycle
from bearergate.core.policy import IssuerPolicy, KeySource
from bearergate.testing import FakeIssuer
from tests.gate.serving import AUDIENCE, eventually, running_gate, validator_for


def test_the_gate_becomes_ready_without_traffic_when_its_issuer_comes_up() -> None:
    with FakeIssuer().serve() as issuer:
        issuer.down = True
        with running_gate(validator_for(issuer)) as door:
            eventually(lambda: issuer.connections > 0)
            answer = door.ask("/readyz")
            assert (answer.status, answer.json()["ready"]) == (503, False)
            assert answer.header("Cache-Control") == "no-store"
            assert answer.json()["issuers"][issuer.issuer]["state"] in ("never", "backoff")
            assert door.ask("/healthz").status == 200
            issuer.down = False
            eventually(lambda: door.ask("/readyz").status == 200)
            assert door.ask("/readyz").json()["issuers"][issuer.issuer]["state"] == "fresh"


def test_readiness_tells_every_field_of_the_health_of_every_issuer() -> None:
    with FakeIssuer().serve() as issuer, running_gate(validator_for(issuer)) as door:
        eventually(lambda: door.ask("/readyz").status == 200)
        told = door.ask("/readyz").json()
    assert told["ready"] is True
    assert set(told["issuers"][issuer.issuer]) == set(KeyHealth.__dataclass_fields__)
    assert told["issuers"][issuer.issuer]["keys"] == 1


def test_one_missing_issuer_makes_the_gate_unready_and_does_not_hide_the_other() -> None:
    with FakeIssuer().serve() as up, FakeIssuer().serve() as down:
        down.down = True
        with running_gate(validator_for(up, down)) as door:
            eventually(lambda: door.ask("/readyz").json()["issuers"][up.issuer]["state"] == "fresh")
            assert door.ask("/readyz").status == 503
            assert door.ask(token=up.mint()).status == 200


def test_stale_keys_are_usable_until_their_end_and_come_back_without_traffic() -> None:
    brief = KeyLifecycle(ttl=0.3, stale_if_error=0.7, backoff_first=0.05, backoff_max=0.1)
    with FakeIssuer().serve() as issuer, running_gate(validator_for(issuer, lifecycle=brief)) as door:
        eventually(lambda: door.ask("/readyz").status == 200)
        issuer.down = True

        def state() -> str:
            answer = door.ask("/readyz").json()["issuers"][issuer.issuer]
            return "usable" if (answer["expires_in"] or 0) > 0 and answer["state"] != "fresh" else answer["state"]

        eventually(lambda: state() == "usable")
        assert door.ask("/readyz").status == 200
        eventually(lambda: door.ask("/readyz").status == 503)
        issuer.down = False
        eventually(lambda: door.ask("/readyz").status == 200)


def test_keys_that_the_operator_gave_are_ready_at_once() -> None:
    issuer = FakeIssuer()
    keys = KeySource(jwks=json.dumps(issuer.jwks()).encode())
    policy = IssuerPolicy(issuer=issuer.issuer, audiences=frozenset({AUDIENCE}), keys=keys)
    with running_gate(Validator([policy])) as door:
        assert door.ask("/readyz").status == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_head_of_the_state_has_no_body(path: str) -> None:
    with FakeIssuer().serve() as issuer, running_gate(validator_for(issuer)) as door:
        answer = door.ask(path, method="HEAD")
    assert (answer.status in (200, 503), answer.body) == (True, b"")


class _Forgetful(Validator):
    """A validator whose first look at the keys fails."""

    looked = 0

    async def warm_async(self) -> dict[str, KeyHealth]:
        self.looked += 1
        if self.looked == 1:
            raise RuntimeError("not today")
        return dict(await super().warm_async())


def test_a_fault_while_warming_is_not_the_last_attempt(caplog: pytest.LogCaptureFixture) -> None:
    with FakeIssuer().serve() as issuer:
        policy = IssuerPolicy(issuer=issuer.issuer, audiences=frozenset({AUDIENCE}))
        with running_gate(_Forgetful([policy])) as door:
            eventually(lambda: door.ask("/readyz").status == 200)
    assert "RuntimeError while fetching keys" in caplog.text
