"""Validators that start from records of an earlier run."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from bearergate.core.key_record import KeyRecord, Seed
from bearergate.fetch import Fetched, FetchFailed
from bearergate.key_supply import KeySupply
from bearergate.testing import FakeIssuer, fetch_from
from bearergate.validator import Validator
from tests.keys.fleet import record_for
from tests.keys.patient import START, Clock, policy_for


def no_network(url: str, **_: object) -> Fetched:
    raise FetchFailed(f"no request may be made, not to {url}")


def seeded(
    issuer: FakeIssuer, *records: KeyRecord, clock: Clock, allow_expired: bool = False, **options: Any
) -> Validator:
    source = options.pop("source", {})
    seed = Seed(records=records, allow_expired=allow_expired)
    usual = {"fetch": fetch_from(issuer), "clock": clock, "monotonic": clock, "supply": KeySupply(seed=seed)}
    return Validator([policy_for(issuer, **source)], **{**usual, **options})


def aged(issuer: FakeIssuer, age: float, **changes: Any) -> KeyRecord:
    return record_for(issuer, fetched_at=START - age, **changes)


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [entry.getMessage() for entry in caplog.records if entry.levelno >= logging.WARNING]
