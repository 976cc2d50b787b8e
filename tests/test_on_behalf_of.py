"""The audit log of an application that names its own clients says which calls another client makes for a person."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from bearergate import InsufficientScope, Refusal
from bearergate.config import from_dict
from bearergate.core.access import Demand
from bearergate.core.admission import Admission
from bearergate.observers import AuditLog
from bearergate.testing import FakeIssuer
from tests.asking import bearing

LOGGER = logging.getLogger("orders.audit")
ISSUER = FakeIssuer("https://sso.test", alg="ES256", audience="api")


def lines_about(
    caplog: pytest.LogCaptureFixture, *tokens: str, own: tuple[str, ...] = ("web",)
) -> list[dict[str, Any]]:
    caplog.set_level(logging.INFO, logger=LOGGER.name)
    machines = {"mode": "strict", "mark": "rfc9068", "allow": ["job"]}
    entry = {"issuer": ISSUER.issuer, "audiences": ["api"], "machine_clients": machines}
    audit = AuditLog(LOGGER, own_clients=own)
    validator = from_dict({"issuers": [entry]}).validator(fetch=ISSUER.fetch, observers=[audit])
    for token in tokens:
        try:
            validator.admit(Admission(), bearing(token), adapter="code", demand=Demand(scope="read"))
        except Refusal as error:
            LOGGER.debug("%s", error)
    return [json.loads(record.getMessage()) for record in caplog.records if record.name == LOGGER.name]


def test_a_call_of_another_client_for_a_person_is_told_from_all_others(caplog: pytest.LogCaptureFixture) -> None:
    portal, own, nobody, machine = lines_about(
        caplog,
        ISSUER.mint(azp="portal", scope="read"),
        ISSUER.mint(azp="web", scope="read"),
        ISSUER.mint(azp=None, client_id=None, scope="read"),
        ISSUER.mint(sub="job", client_id="job", scope="read", header={"typ": "at+jwt"}),
    )
    assert [line["on_behalf_of"] for line in (portal, own, nobody, machine)] == [True, False, False, False]
    assert [line["client_id_claim"] for line in (portal, own, nobody, machine)] == ["azp", "azp", None, "client_id"]


def test_a_proven_caller_who_is_refused_is_told_likewise_and_an_unproven_one_not_at_all(
    caplog: pytest.LogCaptureFixture,
) -> None:
    denied, forged = lines_about(caplog, ISSUER.mint(azp="portal"), ISSUER.forge(azp="portal"))
    assert (denied["outcome"], denied["reason"]) == ("rejected", InsufficientScope("read").reason.value)
    assert (denied["client_id"], denied["client_id_claim"], denied["on_behalf_of"]) == ("portal", "azp", True)
    assert "on_behalf_of" not in forged
    assert (forged["unverified"]["client_id"], forged["unverified"]["client_id_claim"]) == ("portal", "azp")


def test_without_clients_of_its_own_nothing_is_said_about_it(caplog: pytest.LogCaptureFixture) -> None:
    (line,) = lines_about(caplog, ISSUER.mint(azp="portal", scope="read"), own=())
    assert "on_behalf_of" not in line
