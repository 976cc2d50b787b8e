"""Whatever is sent to the registry service, its readers say what it is or raise an error of their own."""

from __future__ import annotations

import base64
import contextlib
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from bearergate.core.addresses import is_public
from bearergate.core.basic import BasicFault, Credentials, basic_credentials
from bearergate.core.errors import Refusal
from bearergate.core.registry_scope import ScopeProblem, read_scopes
from bearergate.core.robots import robot_name
from bearergate.core.rule_document import RuleProblem, read_rules, written_rules
from bearergate.core.trust import read_claimed

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
TEXTS = st.text(min_size=1, max_size=12)
ENTRIES = st.fixed_dictionaries(
    {"issuer": st.sampled_from(["https://a.test", "https://b.test/x"]) | TEXTS, "subject": TEXTS},
    optional={
        "audiences": st.lists(TEXTS, max_size=3) | JSON,
        "claims": st.dictionaries(TEXTS, JSON, max_size=3) | JSON,
    },
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text() | st.from_regex(r"[a-z]+:[a-z/.:-]+:[a-z,*]+"), max_size=4))
def test_scopes_are_read_or_refused(values: list[str]) -> None:
    try:
        accesses = read_scopes(values)
    except ScopeProblem:
        return
    assert len({(each.type, each.name) for each in accesses}) == len(accesses)
    # What was read is written as it can be read again.
    again = read_scopes(f"{each.type}:{each.name}:{','.join(each.actions)}" for each in accesses)
    assert again == accesses


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(), max_size=3) | st.binary().map(lambda raw: [f"Basic {base64.b64encode(raw).decode()}"]))
def test_basic_credentials_are_a_pair_or_a_fault(values: list[str]) -> None:
    found = basic_credentials(values)
    assert isinstance(found, Credentials | BasicFault)
    if isinstance(found, Credentials):
        robot = robot_name(found.username)
        assert robot is None or str(robot) == found.username


@settings(max_examples=300, deadline=None)
@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_document_is_rules_or_refused(raw: bytes) -> None:
    with contextlib.suppress(RuleProblem):
        read_rules(raw)


@settings(max_examples=300, deadline=None)
@given(st.lists(ENTRIES, max_size=3))
def test_rules_that_are_read_are_written_the_same(entries: list[object]) -> None:
    try:
        rules = read_rules(json.dumps(entries).encode())
    except RuleProblem:
        return
    assert len(rules) == len(entries)
    assert read_rules(json.dumps(written_rules(rules)).encode()) == rules


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_what_a_text_claims_is_read_or_refused(text: str) -> None:
    for token in (text, f"{text}.{text}.{text}"):
        with contextlib.suppress(Refusal):
            read_claimed(token)


@settings(max_examples=300, deadline=None)
@given(st.ip_addresses(v=4))
def test_an_address_inside_another_one_is_judged_alike(address: object) -> None:
    public = is_public(str(address))
    assert is_public(f"::ffff:{address}") is public
    assert is_public(f"64:ff9b::{address}") is public
    assert not is_public(f"::{address}")
    assert not is_public(f"fe80::{address}")


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_no_text_is_an_address_by_accident(text: str) -> None:
    assert is_public(text) in (True, False)
