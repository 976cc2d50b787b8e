"""Nobody spoofs a machine: whatever a person's token says, no group of it is a machine's, and the other way round.

Every attempt goes through a whole Validator with the preset of a provider, in mode strict, through the very client
whose group is wanted.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bearergate import ConfigError, Principal, Reason
from bearergate.core.claims import UnverifiedClaims
from bearergate.core.groups import groups_of_person
from bearergate.core.policy import GroupsFrom
from bearergate.forward_auth import gate
from tests.adapters.drivers import http_scope, run_asgi
from tests.core.provider_tokens import MACHINE, Provider, Token, judged, providers

PROVIDERS = providers()
MACHINES = [(provider, token) for provider in PROVIDERS for token in provider.tokens if token.strict == MACHINE]
PREFIXES = ["", "acme:", "x", "staff-", "\u200bacme/"]
SPELLINGS = [
    "client:{}",
    "CLIENT:{}",
    "Client:{}",
    "/client:{}",
    "//client:{}",
    "/ /client:{}",
    " client:{}",
    "cl ient:{}",
    "client :{}",
    "client\u00a0:{}",
    "client\u2028:{}",
    "client:client:{}",
    "\uff43\uff4c\uff49\uff45\uff4e\uff54:{}",
    "\uff43\uff4c\uff49\uff45\uff4e\uff54\uff1a{}",
    "\uff0fclient:{}",
    "client\ufe13{}",
    "\U0001d41c\U0001d425\U0001d422\U0001d41e\U0001d427\U0001d42d:{}",
    "\u24d2\u24db\u24d8\u24d4\u24dd\u24e3:{}",
    "\u200bclient:{}",
    "cli\u200dent:{}",
    "client\ufeff:{}",
    "\u202eclient:{}",
    "c\u00adlient:{}",
    "c\ufe0flient:{}",
    "client\u034f:{}",
    "system:masters",
    "System:Masters",
    "/system:serviceaccount:default:builder",
    "\u017fy\u017ftem:masters",
    "sy\u2060stem:masters",
]


def looks_reserved(group: str) -> bool:
    """What a careless reader takes for a machine's group: one who folds, and sees letters, digits and colons only."""
    folded = unicodedata.normalize("NFKC", group).casefold()
    return re.sub("[^a-z0-9:]", "", folded).startswith(("client:", "system:"))


def spellings(provider: Provider) -> list[str]:
    return [spelling.format(provider.allow[0]) for spelling in SPELLINGS]


def groups_from(provider: Provider, prefix: str) -> dict[str, str]:
    return {"claim": provider.groups_claim, **({"prefix": prefix} if prefix else {})}


def person_with(provider: Provider, changes: dict[str, Any], **policy: Any) -> Principal:
    token = provider.signed(provider.token_of("user via that client"), changes)
    found = judged(provider.strict(**policy), token)
    assert isinstance(found, Principal)
    assert not found.machine
    assert found.client_id == provider.allow[0]
    assert not any(looks_reserved(group) for group in found.groups)
    return found


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("provider", PROVIDERS, ids=str)
def test_no_person_has_a_machines_group_by_a_list_of_groups(provider: Provider, prefix: str) -> None:
    names = ["staff", *spellings(provider)]
    found = person_with(provider, {provider.groups_claim: names}, groups=groups_from(provider, prefix))
    assert (found.groups, found.groups_problem) == ((f"{prefix}staff",), Reason.RESERVED_GROUP)


@pytest.mark.parametrize("prefix", ["", "acme:"])
@pytest.mark.parametrize("provider", PROVIDERS, ids=str)
def test_no_person_has_a_machines_group_by_a_single_string(provider: Provider, prefix: str) -> None:
    validator = provider.strict(groups=groups_from(provider, prefix))
    person = provider.token_of("user via that client")
    for name in spellings(provider):
        found = validator.validate(provider.signed(person, {provider.groups_claim: name}))
        assert (found.machine, found.groups, found.groups_problem) == (False, (), Reason.RESERVED_GROUP)


@pytest.mark.parametrize("provider", PROVIDERS, ids=str)
def test_no_person_has_a_machines_group_by_nested_claims(provider: Provider) -> None:
    names = ["staff", *spellings(provider)]
    deep = {"claim": "realm_access.of.roles"}
    found = person_with(provider, {"realm_access": {"of": {"roles": names}}}, groups=deep)
    assert (found.groups, found.groups_problem) == (("staff",), Reason.RESERVED_GROUP)
    literal = {"realm_access.of.roles": names, "realm_access": {"of": {"roles": ["passed over"]}}}
    assert person_with(provider, literal, groups=deep).groups == ("staff",)


@pytest.mark.parametrize("claim", ["email", "nickname"])
@pytest.mark.parametrize("provider", PROVIDERS, ids=str)
def test_no_person_has_a_machines_group_by_a_claim_that_people_fill_in(provider: Provider, claim: str) -> None:
    for name in spellings(provider):
        found = person_with(provider, {claim: name, "email_verified": True}, groups={"claim": claim})
        assert (found.groups, found.groups_problem) == ((), Reason.RESERVED_GROUP)


@pytest.mark.parametrize("provider", PROVIDERS, ids=str)
def test_an_address_that_nobody_has_verified_is_no_group(provider: Provider) -> None:
    found = person_with(provider, {"email": "ada@example.com", "email_verified": False}, groups={"claim": "email"})
    assert (found.groups, found.groups_problem) == ((), Reason.GROUPS_MISSING)


@pytest.mark.parametrize("provider", PROVIDERS, ids=str)
def test_no_person_has_a_machines_group_by_claims_that_are_elsewhere(provider: Provider) -> None:
    claim = provider.groups_claim
    elsewhere = {"_claim_names": {claim: "src1"}, "_claim_sources": {"src1": {"endpoint": "https://evil.example"}}}
    many = {claim: [f"client:{provider.allow[0]}", *(f"g{number}" for number in range(1000))]}
    for changes in ({**elsewhere, claim: None}, {**elsewhere, claim: [f"client:{provider.allow[0]}"]}, many):
        found = person_with(provider, changes)
        assert (found.groups, found.groups_problem) == ((), Reason.GROUPS_OVERAGE)


@pytest.mark.parametrize("name", ["client:nightly", "system:masters", "CLIENT:nightly"])
@pytest.mark.parametrize("provider", PROVIDERS, ids=str)
def test_no_person_has_a_machines_group_by_the_name_of_a_client(provider: Provider, name: str) -> None:
    person = provider.token_of("user via that client")
    changes = {**provider.renamed(person, name), "sub": person.claims["sub"], "preferred_username": "ada"}
    found = judged(provider.strict(), provider.signed(person, changes))
    assert isinstance(found, Principal)
    assert (found.client_id, found.machine, found.groups) == (name, False, person.groups)
    claim = next(claim for claim in ("client_id", "azp", "appid", "cid") if claim in person.claims)
    found = judged(provider.strict(groups={"claim": claim}), provider.signed(person, changes))
    assert isinstance(found, Principal)
    assert (found.groups, found.groups_problem) == ((), Reason.RESERVED_GROUP)


@pytest.mark.parametrize("prefix", ["c", "client", "client:", "CLIENT:", "client:x-", "/cl", "\uff43lient:", "system:"])
def test_no_prefix_of_an_operator_makes_a_name_reserved(prefix: str) -> None:
    with pytest.raises(ConfigError, match="could begin a reserved group name"):
        PROVIDERS[0].validator(groups={"prefix": prefix})
    # Whoever builds policies in code gets no such group either.
    folded = re.sub("[^a-z:]", "", unicodedata.normalize("NFKC", prefix).casefold())
    whole = next(name for name in ("client:", "system:") if name.startswith(folded) or folded.startswith(name))
    token = UnverifiedClaims({"groups": ["ci", whole.removeprefix(folded) + "ci"]})
    kept = groups_of_person(token, GroupsFrom(prefix=prefix)).names
    assert not any(looks_reserved(name) for name in kept)


UNSEEN = " \u00a0\u00ad\u034f\u200b\u2060\ufe0f\ufeff"
TRICKY = "clientCLIENTsystem::///xi\uff43\uff1a\ufe13\u24d2\u017f\u0301\u0130" + UNSEEN
GROUP = st.builds(str.__add__, st.sampled_from(["client:", "c", "sys", "/cli", ""]), st.text(TRICKY, max_size=10))
REMOVED = dict.fromkeys(map(ord, UNSEEN))


@settings(max_examples=200)
@given(st.lists(GROUP, min_size=1, max_size=6), st.sampled_from(PREFIXES))
def test_no_name_that_folds_to_a_machines_is_kept(names: list[str], prefix: str) -> None:
    kept = groups_of_person(UnverifiedClaims({"groups": [*names]}), GroupsFrom(prefix=prefix)).names
    for name in kept:
        assert name.startswith(prefix)
        assert name.removeprefix(prefix) in names
        for seen in (name, name.removeprefix(prefix)):
            folded = unicodedata.normalize("NFKC", seen.translate(REMOVED)).casefold().translate(REMOVED).lstrip("/")
            assert not folded.startswith(("client:", "system:"))


@pytest.mark.parametrize(("provider", "token"), MACHINES, ids=str)
def test_a_machine_has_one_group_whatever_its_claims_say(provider: Provider, token: Token) -> None:
    validator, claim = provider.strict(require_groups=True), provider.groups_claim
    for changes in (
        {claim: ["admin", *spellings(provider)]},
        {claim: "client:somebody-else"},
        {claim: ["client:somebody-else", 1]},
        {claim: None},
        {claim: {"nested": ["admin"]}},
        {claim: [f"g{number}" for number in range(1001)]},
        {"_claim_names": {claim: "src1"}, "hasgroups": True},
        {"email": "client:somebody-else", "email_verified": True, "roles": ["admin"]},
    ):
        found = judged(validator, provider.signed(token, changes))
        assert isinstance(found, Principal)
        assert (found.machine, found.groups, found.groups_problem) == (True, (f"client:{token.client}",), None)


ODD_IDS = [
    "ci pipeline", "ci/../admin", "client:ci", "system:masters", "a,client:admin", "https://ci.example/?a=b#c", "%63i",
    "*", '"ci"', "NIGHTLY", "n" * 300, "\u0410\u043b\u0438\u0441\u0430", "\uff43\uff49", "ci\u200b", "c\u0301i",
    "client\u00a0:ci",
]  # fmt: skip


@pytest.mark.parametrize("provider", PROVIDERS, ids=str)
def test_the_group_of_a_machine_is_its_id_byte_for_byte(provider: Provider) -> None:
    token = provider.token_of("client credentials")
    for client in ODD_IDS:
        validator = provider.validator(machine_clients={"mode": "strict", "allow": [client]})
        found = judged(validator, provider.signed(token, provider.renamed(token, client)))
        assert isinstance(found, Principal)
        assert (found.client_id, found.machine, found.groups) == (client, True, (f"client:{client}",))


@pytest.mark.parametrize("provider", PROVIDERS, ids=str)
def test_an_id_that_only_looks_like_a_listed_one_is_not_listed(provider: Provider) -> None:
    token, own = provider.token_of("client credentials"), provider.allow[0]
    for client in (own.swapcase(), f"{own}\u200b", f"{own} ", f"client:{own}", f"/{own}", own.replace("n", "\uff4e")):
        if client != own:
            found = judged(provider.strict(), provider.signed(token, provider.renamed(token, client)))
            assert found is Reason.MACHINE_CLIENT_NOT_ALLOWED


def test_an_id_with_a_comma_is_handed_on_as_one_group() -> None:
    (okta,) = [provider for provider in PROVIDERS if provider.name == "Okta"]
    token, client = okta.token_of("client credentials"), "a,client:admin"
    validator = okta.validator(machine_clients={"mode": "strict", "allow": [client]})
    bearer = f"Bearer {okta.signed(token, okta.renamed(token, client))}"
    answer = run_asgi(gate(validator), http_scope(path="/verify", headers=[("Authorization", bearer)]))
    assert json.loads(answer.body)["groups"] == [f"client:{client}"]
    handed_on = dict(answer.headers)["x-bearergate-groups"]
    assert [unquote(item) for item in handed_on.split(",")] == [f"client:{client}"]


# Profile opendepot adds `client:<sub>`, and a subject may be equal to the id of somebody else.

KEYCLOAK = next(provider for provider in PROVIDERS if provider.name == "Keycloak")


@pytest.mark.parametrize("mode", ["strict", "compat"])
def test_a_subject_that_is_another_listed_clients_id_gives_no_group_of_that_client(mode: str) -> None:
    machines = {"mode": mode, "allow": ["nightly", "deployer"]}
    validator = KEYCLOAK.validator(top={"profile": "opendepot"}, machine_clients=machines)
    token = KEYCLOAK.token_of("client credentials")
    other = {"aud": "nightly"}
    by_subject = judged(validator, KEYCLOAK.signed(token, {**other, "sub": "worker-7"}))
    assert isinstance(by_subject, Principal)
    assert by_subject.groups == ("client:nightly", "client:worker-7")
    stolen = judged(validator, KEYCLOAK.signed(token, {**other, "sub": "deployer"}))
    assert isinstance(stolen, Principal)
    assert stolen.groups == ("client:nightly",)
    own = judged(validator, KEYCLOAK.signed(token, {**other, "sub": "nightly"}))
    assert isinstance(own, Principal)
    assert own.groups == ("client:nightly",)


@pytest.mark.parametrize("subject", [["deployer"], {"sub": "deployer"}, 7, True])
def test_a_report_looks_at_the_groups_of_a_machine_whose_subject_is_no_text(subject: Any) -> None:
    machines = {"mode": "compat", "allow": ["nightly", "deployer"]}
    validator = KEYCLOAK.validator(top={"profile": "opendepot"}, machine_clients=machines)
    token = KEYCLOAK.token_of("client credentials")
    assert judged(validator, KEYCLOAK.signed(token, {"aud": "nightly", "sub": subject})) is Reason.CLAIM_MALFORMED


def test_in_mode_strict_of_profile_opendepot_a_person_has_neither_group() -> None:
    machines = {"mode": "strict", "allow": ["nightly"]}
    validator = KEYCLOAK.validator(top={"profile": "opendepot"}, machine_clients=machines)
    person = KEYCLOAK.token_of("user via that client")
    found = judged(validator, KEYCLOAK.signed(person, {"sub": "nightly"}))
    assert isinstance(found, Principal)
    assert (found.machine, found.groups) == (False, person.groups)
    assert judged(validator, KEYCLOAK.signed(person, {"aud": "nightly"})) is Reason.AUDIENCE_MISMATCH


def test_the_oracle_of_these_tests_sees_every_spelling() -> None:
    assert all(looks_reserved(spelling.format("ci")) for spelling in SPELLINGS)
    assert not looks_reserved("acme:client:ci")
