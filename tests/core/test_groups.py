"""Groups of people, virtual groups of machines, and names that nobody may be given."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bearergate.core.claims import UnverifiedClaims
from bearergate.core.groups import (
    MAX_GROUPS,
    Groups,
    dex_subject,
    fold,
    groups_of_machine,
    groups_of_person,
    is_machine,
    is_reserved,
    may_begin_reserved,
)
from bearergate.core.identity import ActingClient
from bearergate.core.jwt import JoseHeader
from bearergate.core.policy import GroupsFrom, MachineClients, MachineMark, MachineMode
from bearergate.core.reasons import Reason
from bearergate.testing.signing import base64url
from tests.core.people import claims, policy

GROUPS = GroupsFrom()
HEADER = JoseHeader("RS256", None, None)


def named(*names: str) -> Groups:
    return Groups(names)


@pytest.mark.parametrize(
    ("members", "source", "expected"),
    [
        ({"groups": ["dev", "ops"]}, GROUPS, named("dev", "ops")),
        ({"groups": "dev ops,x"}, GROUPS, named("dev ops,x")),
        ({"groups": ["", "dev", ""]}, GROUPS, named("dev")),
        ({"groups": ["/Dev", " Ops "]}, GROUPS, named("/Dev", " Ops ")),
        ({"groups": ["a"] * MAX_GROUPS}, GROUPS, Groups(("a",) * MAX_GROUPS)),
        ({"groups": ["a"] * MAX_GROUPS + [""]}, GROUPS, Groups(("a",) * MAX_GROUPS)),
        ({"groups": ["dev"]}, GroupsFrom(prefix="acme:"), named("acme:dev")),
        ({"roles": ["dev"], "groups": ["no"]}, GroupsFrom(claim="roles"), named("dev")),
        ({"https://x.test/groups": ["dev"]}, GroupsFrom(claim="https://x.test/groups"), named("dev")),
        ({"realm_access": {"roles": ["dev"]}}, GroupsFrom(claim="realm_access.roles"), named("dev")),
        # The literal name wins over the path.
        ({"a.b": ["literal"], "a": {"b": ["path"]}}, GroupsFrom(claim="a.b"), named("literal")),
        ({"email": "ada@x.test", "email_verified": True}, GroupsFrom(claim="email"), named("ada@x.test")),
        ({"groups": ["dev"], "hasgroups": False}, GROUPS, named("dev")),
        ({"roles": ["dev"], "hasgroups": True}, GroupsFrom(claim="roles"), named("dev")),
        ({"groups": ["dev"], "_claim_names": {}}, GROUPS, named("dev")),
        ({"groups": ["dev"], "_claim_names": {"roles": "src1"}}, GROUPS, named("dev")),
    ],
)
def test_groups_of_a_person_are_those_of_the_claim(
    members: dict[str, Any], source: GroupsFrom, expected: Groups
) -> None:
    assert groups_of_person(UnverifiedClaims(members), source) == expected


@pytest.mark.parametrize(
    ("members", "source", "problem"),
    [
        ({}, GROUPS, Reason.GROUPS_MISSING),
        ({"groups": []}, GROUPS, Reason.GROUPS_MISSING),
        ({"groups": ""}, GROUPS, Reason.GROUPS_MISSING),
        ({"groups": ["", ""]}, GROUPS, Reason.GROUPS_MISSING),
        ({"groups": None}, GROUPS, Reason.GROUPS_MALFORMED),
        ({"groups": {"a": 1}}, GROUPS, Reason.GROUPS_MALFORMED),
        ({"groups": 1}, GROUPS, Reason.GROUPS_MALFORMED),
        ({"groups": ["dev", 1]}, GROUPS, Reason.GROUPS_MALFORMED),
        ({"groups": ["dev", None]}, GROUPS, Reason.GROUPS_MALFORMED),
        ({"groups": ["dev", ["ops"]]}, GROUPS, Reason.GROUPS_MALFORMED),
        ({"groups": ["a\nb"]}, GROUPS, Reason.GROUPS_MALFORMED),
        ({"groups": ["a" * 2049]}, GROUPS, Reason.GROUPS_MALFORMED),
        ({"a": ["x"]}, GroupsFrom(claim="a.b"), Reason.GROUPS_MISSING),
        ({"a": {"c": ["x"]}}, GroupsFrom(claim="a.b"), Reason.GROUPS_MISSING),
        ({"a": "b"}, GroupsFrom(claim="a.b"), Reason.GROUPS_MISSING),
        ({"email": "ada@x.test"}, GroupsFrom(claim="email"), Reason.GROUPS_MISSING),
        ({"email": "ada@x.test", "email_verified": False}, GroupsFrom(claim="email"), Reason.GROUPS_MISSING),
        ({"email": "ada@x.test", "email_verified": "true"}, GroupsFrom(claim="email"), Reason.GROUPS_MISSING),
        ({"email": "ada@x.test", "email_verified": 1}, GroupsFrom(claim="email"), Reason.GROUPS_MISSING),
        ({"groups": ["a"] * (MAX_GROUPS + 1)}, GROUPS, Reason.GROUPS_OVERAGE),
        ({"_claim_names": {"groups": "src1"}}, GROUPS, Reason.GROUPS_OVERAGE),
        ({"_claim_names": {"groups": "src1"}, "groups": ["dev"]}, GROUPS, Reason.GROUPS_OVERAGE),
        ({"_claim_names": "groups", "groups": ["dev"]}, GROUPS, Reason.GROUPS_OVERAGE),
        ({"_claim_names": None, "groups": ["dev"]}, GROUPS, Reason.GROUPS_OVERAGE),
        ({"_claim_names": ["groups"]}, GROUPS, Reason.GROUPS_OVERAGE),
        ({"_claim_names": {"roles": "src1"}}, GroupsFrom(claim="roles"), Reason.GROUPS_OVERAGE),
        ({"_claim_names": {"realm": "src1"}}, GroupsFrom(claim="realm.roles"), Reason.GROUPS_OVERAGE),
        ({"hasgroups": True}, GROUPS, Reason.GROUPS_OVERAGE),
        ({"hasgroups": "true", "groups": ["dev"]}, GROUPS, Reason.GROUPS_OVERAGE),
        ({"hasgroups": None, "groups": ["dev"]}, GROUPS, Reason.GROUPS_OVERAGE),
    ],
)
def test_anything_else_is_no_group_and_a_problem(members: dict[str, Any], source: GroupsFrom, problem: Reason) -> None:
    assert groups_of_person(UnverifiedClaims(members), source) == Groups((), problem)


RESERVED = [
    "client:ci",
    "client:",
    "system:masters",
    "CLIENT:ci",
    "System:x",
    " client:x",
    "/client:x",
    "//client:x",
    "/ /client:x",
    "cl ient:x",
    "client\u00a0:x",
    "client\u2003:x",
    "cli\u200dent:x",
    "\ufeffclient:x",
    "c\u00adlient:x",
    "\u202eclient:x",
    "client\u2028:x",
    "\uff43\uff4c\uff49\uff45\uff4e\uff54\uff1ax",
    "client\ufe13x",  # presentation form of a colon
    "ⓒlient:x",
    "\u017fy\u017ftem:x",  # long s
    "\uff0fclient:x",
]


@pytest.mark.parametrize("name", RESERVED)
def test_a_reserved_name_is_recognised_in_every_spelling(name: str) -> None:
    assert is_reserved(name)
    found = groups_of_person(UnverifiedClaims({"groups": ["dev", name]}), GROUPS)
    assert found == Groups(("dev",), Reason.RESERVED_GROUP)


@pytest.mark.parametrize("name", ["clients", "client", "client-x:", "my-client:x", "system", "x/client:y", "clïent:x"])
def test_other_names_pass_byte_for_byte(name: str) -> None:
    assert not is_reserved(name)
    assert groups_of_person(UnverifiedClaims({"groups": [name]}), GROUPS) == named(name)


def test_a_name_must_not_become_reserved_by_its_prefix() -> None:
    found = groups_of_person(UnverifiedClaims({"groups": ["ient:x", "dev"]}), GroupsFrom(prefix="cl"))
    assert found == Groups(("cldev",), Reason.RESERVED_GROUP)


def test_a_prefix_does_not_make_a_reserved_name_harmless() -> None:
    found = groups_of_person(UnverifiedClaims({"groups": ["client:x"]}), GroupsFrom(prefix="acme-"))
    assert found == Groups((), Reason.RESERVED_GROUP)


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("", False),
        ("acme:", False),
        ("c", True),
        ("client", True),
        ("client:", True),
        ("client:x-", True),
        ("Sys", True),
        ("/cl", True),
        ("\u200b", False),
        ("cx", False),
        ("clients:", False),
    ],
)
def test_a_prefix_that_could_begin_a_reserved_name_is_known(prefix: str, expected: bool) -> None:
    assert may_begin_reserved(prefix) is expected


def test_a_machine_gets_one_group_and_never_those_of_its_token() -> None:
    token = claims(sub="svc", groups=["admin"])
    client = ActingClient("ci", "client_id")
    assert groups_of_machine(token, client, group_by_subject=False) == named("client:ci")
    assert groups_of_machine(token, client, group_by_subject=True) == named("client:ci", "client:svc")
    assert groups_of_machine(claims(sub="ci"), client, group_by_subject=True) == named("client:ci")


def protobuf(*fields: tuple[int, bytes]) -> str:
    return base64url(b"".join(bytes([number << 3 | 2, len(text)]) + text for number, text in fields))


MARKED: list[tuple[MachineMark, dict[str, Any], JoseHeader, bool]] = [
    (MachineMark.ENTRA, {"idtyp": "app"}, HEADER, True),
    (MachineMark.ENTRA, {"idtyp": "user", "oid": "user-1"}, HEADER, False),
    (MachineMark.ENTRA, {"idtyp": None, "oid": "user-1"}, HEADER, False),
    (MachineMark.ENTRA, {"oid": "user-1"}, HEADER, True),
    (MachineMark.ENTRA, {"oid": "user-1", "scp": "read"}, HEADER, False),
    (MachineMark.ENTRA, {"oid": "other"}, HEADER, False),
    (MachineMark.ENTRA, {}, HEADER, False),
    (MachineMark.KEYCLOAK, {"preferred_username": "service-account-app"}, HEADER, True),
    (MachineMark.KEYCLOAK, {"preferred_username": "service-account-other"}, HEADER, False),
    (MachineMark.KEYCLOAK, {"preferred_username": "service-account-app", "sid": "s"}, HEADER, False),
    (MachineMark.KEYCLOAK, {"preferred_username": "service-account-app", "session_state": "s"}, HEADER, False),
    (MachineMark.KEYCLOAK, {}, HEADER, False),
    (MachineMark.OKTA, {"cid": "app", "sub": "app"}, HEADER, True),
    (MachineMark.OKTA, {"cid": "app"}, HEADER, False),
    (MachineMark.OKTA, {"sub": "app"}, HEADER, False),
    (MachineMark.AUTH0, {"gty": "client-credentials"}, HEADER, True),
    (MachineMark.AUTH0, {"gty": "password"}, HEADER, False),
    (MachineMark.AUTH0, {"gty": ["client-credentials"]}, HEADER, False),
    (MachineMark.COGNITO, {"client_id": "app", "sub": "app", "token_use": "access"}, HEADER, True),
    (MachineMark.COGNITO, {"client_id": "app", "sub": "app", "token_use": "id"}, HEADER, False),
    (MachineMark.COGNITO, {"client_id": "app", "sub": "app", "token_use": "access", "username": "ada"}, HEADER, False),
    (MachineMark.COGNITO, {"client_id": "app", "token_use": "access"}, HEADER, False),
    (MachineMark.DEX, {"sub": protobuf((1, b"app"))}, HEADER, True),
    (MachineMark.DEX, {"sub": protobuf((1, b"app"), (2, b""))}, HEADER, True),
    (MachineMark.DEX, {"sub": protobuf((1, b"app"), (2, b"ldap"))}, HEADER, False),
    (MachineMark.DEX, {"sub": protobuf((1, b"other"))}, HEADER, False),
    (MachineMark.DEX, {"sub": "app"}, HEADER, False),
    (MachineMark.DEX, {"sub": 7}, HEADER, False),
    (MachineMark.RFC9068, {"client_id": "app", "sub": "app"}, JoseHeader("RS256", None, "at+jwt"), True),
    (MachineMark.RFC9068, {"client_id": "app", "sub": "app"}, JoseHeader("RS256", None, "Application/AT+JWT"), True),
    (MachineMark.RFC9068, {"client_id": "app", "sub": "app"}, JoseHeader("RS256", None, "JWT"), False),
    (MachineMark.RFC9068, {"client_id": "app", "sub": "app"}, HEADER, False),
    (MachineMark.RFC9068, {"azp": "app", "sub": "app"}, JoseHeader("RS256", None, "at+jwt"), False),
    (MachineMark.RFC9068, {"client_id": "app"}, JoseHeader("RS256", None, "at+jwt"), False),
]


@pytest.mark.parametrize(("mark", "members", "header", "expected"), MARKED)
def test_a_machine_is_told_by_the_one_mark_of_its_issuer(
    mark: MachineMark, members: dict[str, Any], header: JoseHeader, expected: bool
) -> None:
    strict = policy(machines=MachineClients(mode=MachineMode.STRICT, mark=mark))
    client = ActingClient("app", "client_id")
    assert is_machine(claims(**members), header, strict, client) is expected
    assert not is_machine(claims(**members), header, strict, None)
    assert not is_machine(claims(**members), header, policy(), client)


def test_every_mark_has_a_machine_and_a_person() -> None:
    assert {(mark, expected) for mark, _, _, expected in MARKED} == {(m, e) for m in MachineMark for e in (True, False)}


@pytest.mark.parametrize(
    ("audience", "expected"), [("api", False), (["api", "x"], False), ("x", True), (["x", "y"], True)]
)
def test_compat_takes_every_foreign_audience_for_a_machine(audience: Any, expected: bool) -> None:
    compat = policy(machines=MachineClients(mode=MachineMode.COMPAT))
    assert is_machine(claims(aud=audience), HEADER, compat, ActingClient("app", "azp")) is expected


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (protobuf((1, b"ada"), (2, b"ldap")), ("ada", "ldap")),
        (protobuf((2, b"ldap"), (1, b"ada")), ("ada", "ldap")),
        (protobuf((1, b"ada")), ("ada", "")),
        ("", ("", "")),
        (base64url(b"\x0a\xac\x02" + b"a" * 300), ("a" * 300, "")),
        (protobuf((3, b"x")), None),
        (base64url(b"\x08\x01"), None),  # a number, no text
        (base64url(b"\x0a"), None),
        (base64url(b"\x0a\x05ab"), None),
        (base64url(b"\x0a\x80"), None),
        (protobuf((1, b"\xff")), None),
        ("not base64url!", None),
        ("user-1", None),
    ],
)
def test_a_dex_subject_is_two_texts_or_no_dex_subject(subject: str, expected: tuple[str, str] | None) -> None:
    assert dex_subject(subject) == expected


@pytest.mark.parametrize("name", ["c\ufe0flient:ci", "client\u034f:ci", "\u3164system:x", "clien\U000e0100t:ci"])
def test_characters_that_are_drawn_as_nothing_hide_no_reserved_name(name: str) -> None:
    assert is_reserved(name)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30))
def test_the_short_way_for_ascii_names_leads_where_the_long_one_does(name: str) -> None:
    # A word joiner is invisible, so it is removed; but it is not ASCII, so the name takes the long way.
    assert fold(name) == fold(name + "\u2060")
