"""OpenDepot's rows about machine clients, O24 to O32: tokens as Dex grants them to a client for itself.

Dex writes no client id into `sub` (it is in the protobuf there): the group is named after the client that `aud` or
`azp` names, and profile opendepot adds one that is named after `sub`.
"""

# Names of rows are capitals.
# ruff: noqa: N802

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bearergate import ConfigError, Reason
from bearergate.testing import FakeIssuer
from tests.acceptance.opendepot import (
    CLIENT,
    DEX,
    MACHINES,
    PIPELINE,
    Registry,
    dex_subject,
    machine_token,
    registry,
    user_token,
)

PIPELINES = {"pipelines": f'"client:{PIPELINE}" in groups'}
SUBJECT = dex_subject(PIPELINE)


@pytest.fixture
def depot(tmp_path: Path) -> Registry:
    """A registry that lets machine clients in as OpenDepot does, with a binding for one of them."""
    return registry(tmp_path, PIPELINES, **MACHINES)


def test_O24_while_client_credentials_are_off_a_machines_token_is_401(tmp_path: Path) -> None:
    # Neither the profile nor OpenDepot lets machines in unless somebody says so.
    depot = registry(tmp_path, PIPELINES)
    assert (depot.ask(machine_token()), depot.reason) == (401, Reason.AUDIENCE_MISMATCH)


@pytest.mark.parametrize("subject", [SUBJECT, PIPELINE])
def test_O25_a_machine_is_let_in_by_its_virtual_group_and_the_audit_log_names_it(depot: Registry, subject: str) -> None:
    response = depot.response(machine_token(sub=subject))
    assert response.status_code == 200
    assert (depot.granted["binding"], depot.granted["machine"]) == ("pipelines", True)
    principal = depot.accepted.principal
    assert (principal.subject, principal.client_id, principal.client_id_claim) == (subject, PIPELINE, "aud")
    assert principal.groups == tuple(dict.fromkeys((f"client:{PIPELINE}", f"client:{subject}")))


def test_O25_a_binding_may_name_the_subject_as_those_written_for_opendepot_do(tmp_path: Path) -> None:
    depot = registry(tmp_path, {"by-subject": f'"client:{SUBJECT}" in groups'}, **MACHINES)
    assert depot.ask(machine_token()) == 200
    assert depot.ask(machine_token(sub=dex_subject("another"), aud="another")) == 403


def test_O25_a_token_that_names_no_client_is_401(depot: Registry) -> None:
    # Stricter than OpenDepot, which asks for a subject only: two audiences and no azp name nobody.
    token = machine_token(aud=[PIPELINE, "another"])
    assert (depot.ask(token), depot.reason) == (401, Reason.AUDIENCE_MISMATCH)
    assert depot.ask(machine_token(aud=[PIPELINE, "another"], azp=PIPELINE)) == 200


@pytest.mark.parametrize("bindings", [{}, {"people": '"dev" in groups'}, {"other": '"client:other" in groups'}])
def test_O26_a_machine_without_a_binding_is_403(tmp_path: Path, bindings: dict[str, str]) -> None:
    depot = registry(tmp_path, bindings, **MACHINES)
    assert depot.ask(machine_token()) == 403


def test_O27_an_expired_forged_or_foreign_machines_token_is_401(depot: Registry) -> None:
    now = int(DEX.now())
    machine: dict[str, Any] = {"sub": SUBJECT, "aud": PIPELINE, "client_id": None}
    foreign = FakeIssuer("https://other.example.com/dex", alg="ES256")
    for token, reason in (
        (machine_token(exp=now - 60, iat=now - 360), Reason.EXPIRED),
        (DEX.forge(machine), Reason.SIGNATURE_INVALID),
        (DEX.unsigned(machine), Reason.ALG_NOT_ALLOWED),
        (foreign.mint(machine), Reason.ISSUER_UNKNOWN),
        (foreign.mint({**machine, "iss": DEX.issuer}), Reason.KEY_UNKNOWN),
        (machine_token(iss=f"{DEX.issuer}/"), Reason.ISSUER_UNKNOWN),
    ):
        assert (depot.ask(token), depot.reason) == (401, reason)


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        (None, Reason.CLAIM_MISSING),
        ("", Reason.CLAIM_MALFORMED),
        ("  ", Reason.CLAIM_MALFORMED),
        (7, Reason.CLAIM_MALFORMED),
        ([PIPELINE], Reason.CLAIM_MALFORMED),
        ({"id": PIPELINE}, Reason.CLAIM_MALFORMED),
        (True, Reason.CLAIM_MALFORMED),
    ],
)
def test_O28_a_machines_token_without_a_usable_subject_is_401(depot: Registry, subject: Any, reason: Reason) -> None:
    assert (depot.ask(machine_token(sub=subject)), depot.reason) == (401, reason)


def test_O29_a_token_for_our_own_audience_is_a_persons_and_needs_groups(depot: Registry, tmp_path: Path) -> None:
    ours = {"aud": [CLIENT, PIPELINE], "azp": PIPELINE}
    assert (depot.ask(machine_token(**ours)), depot.reason) == (403, Reason.GROUPS_MISSING)
    assert depot.ask(machine_token(**ours, groups=["dev"])) == 403
    (tmp_path / "people").mkdir()
    people = registry(tmp_path / "people", {"dev": '"dev" in groups'}, **MACHINES)
    response = people.response(machine_token(**ours, groups=["dev"]))
    assert (response.status_code, people.granted["machine"]) == (200, False)


@pytest.mark.parametrize("groups", [["admin"], "admin", ["client:other"], ["admin", 1], {"admin": True}, []])
def test_O30_what_groups_a_machines_token_carries_is_not_read(tmp_path: Path, groups: Any) -> None:
    everybody_else = '"admin" in groups || "client:other" in groups'
    (tmp_path / "others").mkdir()
    assert (
        registry(tmp_path / "others", {"others": everybody_else}, **MACHINES).ask(machine_token(groups=groups)) == 403
    )
    depot = registry(tmp_path, PIPELINES, **MACHINES)
    response = depot.response(machine_token(groups=groups))
    assert (response.status_code, depot.granted["groups"]) == (200, [f"client:{PIPELINE}", f"client:{SUBJECT}"])


@pytest.mark.parametrize(
    "name", [f"client:{PIPELINE}", f"CLIENT:{PIPELINE}", f"/client:{PIPELINE}", f"\u200bclient:{PIPELINE}"]
)
def test_O31_a_person_cannot_be_in_a_machines_group(tmp_path: Path, name: str) -> None:
    # OpenDepot lets such a person in as the machine.
    depot = registry(tmp_path, {**PIPELINES, "zzz": '"dev" in groups'}, **MACHINES)
    for groups in (name, [name]):
        assert (depot.ask(user_token(groups=groups)), depot.reason) == (403, Reason.RESERVED_GROUP)
    response = depot.response(user_token(groups=[name, "dev"]))
    assert (response.status_code, depot.granted["binding"], depot.granted["groups"]) == (200, "zzz", ["dev"])


NO_PROFILE = {"OIDC_PROFILE": "", "OIDC_REQUIRE_GROUPS": "true"}
LISTED = {"OIDC_MACHINE_CLIENTS": PIPELINE}


@pytest.fixture
def strict(tmp_path: Path) -> Registry:
    """The same registry with the mark of its provider and a list of clients, which is what we advise."""
    return registry(tmp_path, PIPELINES, environment={**NO_PROFILE, **LISTED}, **MACHINES)


def test_O32_in_mode_strict_a_listed_machine_is_let_in(strict: Registry) -> None:
    response = strict.response(machine_token(groups=["admin"]))
    assert (response.status_code, strict.granted["groups"]) == (200, [f"client:{PIPELINE}"])


def test_O32_in_mode_strict_a_client_that_is_not_listed_is_401(strict: Registry) -> None:
    token = machine_token(sub=dex_subject("another"), aud="another")
    assert (strict.ask(token), strict.reason) == (401, Reason.MACHINE_CLIENT_NOT_ALLOWED)


def test_O32_in_mode_strict_a_persons_token_is_no_machines(strict: Registry) -> None:
    person = dex_subject("user-ada", "ldap")
    imitator = dex_subject(PIPELINE, "ldap")
    for subject in (person, imitator, PIPELINE):
        assert (strict.ask(machine_token(sub=subject)), strict.reason) == (401, Reason.AUDIENCE_MISMATCH)
        token = machine_token(sub=subject, aud=[CLIENT, PIPELINE], azp=PIPELINE)
        assert (strict.ask(token), strict.reason) == (403, Reason.GROUPS_MISSING)


def test_O32_compat_with_a_list_refuses_other_clients_too(tmp_path: Path) -> None:
    depot = registry(tmp_path, PIPELINES, environment=LISTED, **MACHINES)
    assert depot.ask(machine_token()) == 200
    token = machine_token(sub=dex_subject("another"), aud="another")
    assert (depot.ask(token), depot.reason) == (401, Reason.MACHINE_CLIENT_NOT_ALLOWED)
    # Where no list stops it, a token of another client is let in, and only bindings keep it out of anything.
    (tmp_path / "open").mkdir()
    anybody = registry(tmp_path / "open", {"all": "len(groups) > 0"}, **MACHINES)
    assert anybody.ask(token) == 200
    assert anybody.accepted.principal.groups == ("client:another", f"client:{dex_subject('another')}")


def test_O32_mode_strict_without_a_list_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="lets in the listed machine clients only, and none is listed"):
        registry(tmp_path, PIPELINES, environment=NO_PROFILE, **MACHINES)
