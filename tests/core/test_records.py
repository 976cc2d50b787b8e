"""The records of the core: nothing in them can be changed, and what is secret in them is not shown."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from typing import Any

import pytest

import bearergate.core
from bearergate.core.admission import RequestFacts
from bearergate.core.jwt import Segments
from bearergate.core.principal import Principal
from bearergate.core.validation import Validation
from tests.core.judging import ISSUER, POLICY, judge
from tests.core.people import principal


def records() -> dict[str, Any]:
    """Every dataclass of the core, by its name and module."""
    modules = [
        importlib.import_module(f"bearergate.core.{module.name}")
        for module in pkgutil.iter_modules(bearergate.core.__path__)
    ]
    return {
        f"{module.__name__.rpartition('.')[2]}.{name}": value
        for module in modules
        for name, value in vars(module).items()
        if dataclasses.is_dataclass(value) and isinstance(value, type) and value.__module__ == module.__name__
    }


RECORDS = records()
# What they derive is kept, which slots would not let them.
WITHOUT_SLOTS = {"jwk.KeySet", "principal.Principal", "token_review.ServiceAccount", "robots.Robot"}
BUILT_BY_NAME = {
    "access.Demand", "events.KeysRefreshed", "events.StaleKeysUsed", "events.TokenAccepted",
    "events.TokenRejected", "events.UnverifiedIdentity", "policy.GroupsFrom", "policy.IssuerPolicy", "policy.KeySource",
    "policy.MachineClients", "principal.Principal",
}  # fmt: skip


def test_there_are_records_to_look_at() -> None:
    assert {"jwt.JoseHeader", "policy.IssuerPolicy", "principal.Principal"} | BUILT_BY_NAME <= set(RECORDS)


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_cannot_be_changed(name: str) -> None:
    record = RECORDS[name]
    assert record.__dataclass_params__.frozen
    assert ("__slots__" in vars(record)) is (name not in WITHOUT_SLOTS)


@pytest.mark.parametrize("name", sorted(BUILT_BY_NAME))
def test_a_record_whose_fields_could_be_mixed_up_is_built_by_name(name: str) -> None:
    assert all(field.kw_only for field in dataclasses.fields(RECORDS[name]))


def test_the_parts_of_a_token_are_not_shown() -> None:
    header, payload, signature = ISSUER.mint().split(".")
    segments = Segments(header, payload, signature)
    assert repr(segments) == "Segments()"
    x, _ = Validation([POLICY]).begin(f"{header}.{payload}.{signature}")
    assert repr(x) == "Examination()"
    facts = RequestFacts(method="GET", path="/", authorization=[f"Bearer {signature}"])
    assert signature not in repr(facts)


def test_a_principal_can_be_a_key_and_shows_no_claims() -> None:
    ada, again = judge(ISSUER.mint()), principal(claims={"email": "ada@example.com"})
    assert len({ada, again, principal(claims={"email": "ada@example.com"})}) == 2
    assert "ada@example.com" not in repr(again)
    assert isinstance(again, Principal)
