"""Who is a machine: real-shaped tokens of seven providers, each judged whole, by the mark of its provider's preset."""

from __future__ import annotations

from collections import Counter

import pytest

from bearergate import Principal, Reason, Validator
from bearergate.core.policy import MachineMark
from tests.core.provider_tokens import MACHINE, PERSON, Provider, Token, judged, providers
from tests.figures import tell

PROVIDERS = providers()
CASES = [(provider, token) for provider in PROVIDERS for token in provider.tokens]
MACHINES = [(provider, token) for provider, token in CASES if token.strict == MACHINE]
GRANTS = {"client credentials", "user", "user via that client", "on behalf of", "device", "impersonation"}


def verdict(validator: Validator, token: str) -> str:
    found = judged(validator, token)
    if isinstance(found, Reason):
        return found.value
    return MACHINE if found.machine else PERSON


@pytest.mark.parametrize(("provider", "token"), CASES, ids=str)
def test_in_mode_strict_the_one_mark_tells_machines_from_people(provider: Provider, token: Token) -> None:
    found = judged(provider.strict(), provider.signed(token))
    if isinstance(found, Reason):
        assert found.value == token.strict
        return
    assert (found.machine, found.client_id) == (token.strict == MACHINE, token.client)
    # What groups the claims of a machine's token name is not read.
    assert found.groups == ((f"client:{token.client}",) if found.machine else token.groups)


@pytest.mark.parametrize(("provider", "token"), CASES, ids=str)
def test_in_mode_compat_only_the_audience_counts(provider: Provider, token: Token) -> None:
    found = judged(provider.validator(machine_clients={"mode": "compat"}), provider.signed(token))
    if isinstance(found, Reason):
        assert found.value == token.compat
        return
    assert (found.machine, found.client_id) == (token.compat == MACHINE, token.client)
    assert found.groups == ((f"client:{token.client}",) if found.machine else token.groups)


@pytest.mark.parametrize("provider", PROVIDERS, ids=str)
def test_mode_compat_lets_in_as_a_machine_who_has_a_token_for_anybody_else(provider: Provider) -> None:
    compat = provider.validator(machine_clients={"mode": "compat"})
    for token in (token for token in provider.tokens if token.client is not None):
        found = judged(compat, provider.signed(token, {"aud": "somebody-else"}))
        assert isinstance(found, Principal)
        client = token.client if token.names_its_client else "somebody-else"
        assert (found.machine, found.groups) == (True, (f"client:{client}",))


@pytest.mark.parametrize(("provider", "token"), CASES, ids=str)
def test_while_machine_clients_are_off_nobody_is_one(provider: Provider, token: Token) -> None:
    found = judged(provider.validator(), provider.signed(token))
    assert isinstance(found, Reason) or not found.machine


@pytest.mark.parametrize(("provider", "token"), MACHINES, ids=str)
def test_a_machine_client_that_is_not_listed_is_refused(provider: Provider, token: Token) -> None:
    others = provider.validator(machine_clients={"mode": "strict", "allow": ["somebody-else"]})
    assert verdict(others, provider.signed(token)) == Reason.MACHINE_CLIENT_NOT_ALLOWED


@pytest.mark.parametrize(("provider", "token"), MACHINES, ids=str)
def test_a_machine_client_must_be_an_allowed_client_too(provider: Provider, token: Token) -> None:
    assert verdict(provider.strict(allowed_clients=["portal"]), provider.signed(token)) == Reason.CLIENT_NOT_ALLOWED
    assert verdict(provider.strict(allowed_clients=["portal", *provider.allow]), provider.signed(token)) == MACHINE


@pytest.mark.parametrize(("provider", "token"), MACHINES, ids=str)
def test_a_machines_token_is_for_us_or_for_the_client_itself(provider: Provider, token: Token) -> None:
    validator = provider.strict()
    assert verdict(validator, provider.signed(token, {"aud": token.client})) == MACHINE
    for audience in ("billing", [token.client, "billing"], ["billing"]):
        assert verdict(validator, provider.signed(token, {"aud": audience})) == Reason.AUDIENCE_MISMATCH


@pytest.mark.parametrize(
    ("provider", "token"), [(provider, token) for provider, token in MACHINES if token.names_its_client], ids=str
)
def test_a_machines_token_may_be_for_an_audience_that_is_listed_for_machines(provider: Provider, token: Token) -> None:
    machines = {"mode": "strict", "allow": provider.allow, "audiences": ["billing"]}
    validator = provider.validator(machine_clients=machines)
    assert verdict(validator, provider.signed(token, {"aud": "billing"})) == MACHINE
    person = provider.token_of("user")
    assert verdict(validator, provider.signed(person, {"aud": "billing"})) == Reason.AUDIENCE_MISMATCH


@pytest.mark.parametrize(("provider", "token"), MACHINES, ids=str)
def test_a_machine_needs_no_groups_where_people_do(provider: Provider, token: Token) -> None:
    assert verdict(provider.strict(require_groups=True), provider.signed(token)) == MACHINE


@pytest.mark.parametrize(("provider", "token"), MACHINES, ids=str)
def test_the_mark_of_another_provider_recognises_nobody(provider: Provider, token: Token) -> None:
    recognised = set()
    for mark in MachineMark:
        machines = {"mode": "strict", "allow": provider.allow, "mark": mark.value}
        if verdict(provider.validator(machine_clients=machines), provider.signed(token)) == MACHINE:
            recognised.add(mark.value)
    assert recognised == {provider.mark}


def test_every_mark_is_proven_and_disproven_by_tokens_of_its_provider() -> None:
    found = {(provider.mark, token.strict) for provider, token in CASES}
    assert {(mark.value, who) for mark in MachineMark for who in (MACHINE, PERSON)} <= found


@pytest.mark.parametrize("provider", PROVIDERS, ids=str)
def test_the_table_has_every_grant_that_a_provider_knows(provider: Provider) -> None:
    assert {token.grant for token in provider.tokens} >= GRANTS - set(provider.has_no)
    assert {token.grant for token in provider.tokens}.isdisjoint(provider.has_no)


def test_no_shape_stands_in_the_table_twice() -> None:
    shapes = Counter((provider.name, repr(token.header), repr(token.claims)) for provider, token in CASES)
    assert [shape for shape, count in shapes.items() if count > 1] == []


def test_how_many_shapes_were_judged() -> None:
    verdicts = Counter(token.strict if token.strict in (MACHINE, PERSON) else "refused" for _, token in CASES)
    told = ", ".join(f"{count} {who}" for who, count in sorted(verdicts.items()))
    tell("real-shaped tokens, mode strict", f"{len(CASES)} of {len(PROVIDERS)} issuers: {told}")
    assert verdicts[MACHINE] >= 20
    assert verdicts[PERSON] >= 40
