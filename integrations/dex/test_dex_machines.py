"""Machines and people of a real Dex: its subjects, its virtual groups, and a person who imitates a machine."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest

from bearergate import Reason, Validator
from bearergate.config import from_dict, from_mapping
from bearergate.core.groups import dex_subject
from integrations.dex.provider import ADA, MALLORY, OURS, PIPELINE, STRANGER, Dex, audience_scope, running_dex
from integrations.verdicts import accepted_everywhere, refused_everywhere

FOR_US = f"openid groups email {audience_scope(OURS)}"


@pytest.fixture(scope="module")
def dex() -> Iterator[Dex]:
    with running_dex() as running:
        yield running


def strict(dex: Dex, *allow: str, **changes: object) -> Validator:
    machines = {"mode": "strict", "allow": list(allow) or [PIPELINE]}
    issuer = {"issuer": dex.issuer, "preset": "dex", "audiences": [OURS], "machine_clients": machines, **changes}
    return from_dict({"issuers": [issuer]}).validator()


def opendepot(dex: Dex, **changes: str) -> Validator:
    settings = {
        "OIDC_PROFILE": "opendepot",
        "OIDC_ISSUER": dex.issuer,
        "OIDC_CLIENT_ID": OURS,
        "OIDC_TOKEN_KIND": "any",
    }
    return from_mapping({**settings, "OIDC_ALLOW_CLIENT_CREDENTIALS": "true", **changes}).validator()


def claims_of(token: str) -> dict[str, object]:
    payload = token.split(".")[1]
    members: dict[str, object] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return members


def test_the_subject_of_a_machine_is_not_its_client_id_but_holds_it(dex: Dex) -> None:
    claims = claims_of(dex.client_token(client=PIPELINE))
    assert claims["sub"] == "CgtjaS1waXBlbGluZQ"
    assert dex_subject(str(claims["sub"])) == (PIPELINE, "")
    assert (claims["aud"], claims.get("azp")) == (PIPELINE, None)
    assert dex_subject(str(claims_of(dex.user_token(username=ADA))["sub"])) == ("user-ada", "local")


@pytest.mark.parametrize("scope", ["openid groups", FOR_US])
def test_a_machine_is_named_after_its_client_whether_its_token_is_for_itself_or_for_us(dex: Dex, scope: str) -> None:
    principal = accepted_everywhere(strict(dex), dex.client_token(client=PIPELINE, scope=scope))
    assert (principal.client_id, principal.machine, principal.groups) == (PIPELINE, True, (f"client:{PIPELINE}",))


def test_a_machine_has_not_the_groups_of_its_token_not_even_one_named_like_another_machine(dex: Dex) -> None:
    token = dex.client_token(client=STRANGER)
    assert claims_of(token)["groups"] == [f"client:{PIPELINE}", "platform"]
    principal = accepted_everywhere(strict(dex, STRANGER), token)
    assert (principal.machine, principal.groups) == (True, (f"client:{STRANGER}",))


def test_groups_that_are_named_like_a_machines_are_dropped_in_every_spelling(dex: Dex) -> None:
    token = dex.user_token(username=MALLORY)
    groups = claims_of(token)["groups"]
    assert isinstance(groups, list)
    assert f"client:{PIPELINE}" in groups
    assert len(groups) == 7
    principal = accepted_everywhere(strict(dex), token)
    assert (principal.machine, principal.groups) == (False, ("platform",))
    assert principal.groups_problem == Reason.RESERVED_GROUP


def test_a_person_is_no_machine_although_the_user_id_is_a_clients_and_that_client_asks(dex: Dex) -> None:
    token = dex.user_token(client=PIPELINE, username=MALLORY, scope=FOR_US)
    assert dex_subject(str(claims_of(token)["sub"])) == (PIPELINE, "local")
    principal = accepted_everywhere(strict(dex), token)
    assert (principal.client_id, principal.machine, principal.groups) == (PIPELINE, False, ("platform",))


def test_a_persons_token_for_the_machines_own_audience_is_let_in_by_compat_only(dex: Dex) -> None:
    token = dex.user_token(client=PIPELINE, username=MALLORY)
    assert claims_of(token)["aud"] == PIPELINE
    refused_everywhere(strict(dex), token, Reason.AUDIENCE_MISMATCH)
    principal = accepted_everywhere(opendepot(dex), token)
    assert (principal.machine, principal.groups[0]) == (True, f"client:{PIPELINE}")


def test_profile_opendepot_names_a_machine_after_its_client_and_after_its_subject(dex: Dex) -> None:
    principal = accepted_everywhere(opendepot(dex), dex.client_token(client=PIPELINE))
    assert (principal.client_id, principal.client_id_claim) == (PIPELINE, "aud")
    assert principal.groups == (f"client:{PIPELINE}", "client:CgtjaS1waXBlbGluZQ")
    listed = opendepot(dex, OIDC_MACHINE_CLIENTS=PIPELINE)
    refused_everywhere(listed, dex.client_token(client=STRANGER), Reason.MACHINE_CLIENT_NOT_ALLOWED)


def test_profile_opendepot_takes_a_token_for_our_audience_for_a_persons(dex: Dex) -> None:
    principal = accepted_everywhere(opendepot(dex), dex.client_token(client=PIPELINE, scope=FOR_US))
    assert (principal.machine, principal.groups) == (False, ("pipelines",))
