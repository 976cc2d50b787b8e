"""Service accounts and people of a real Keycloak: the mark, and people who imitate machines by what they can name."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest

from bearergate import Reason, Validator
from bearergate.config import from_dict
from integrations.keycloak.provider import (
    AUDIENCE,
    IMITATOR,
    PIPELINE,
    REFRESHER,
    ROBOT,
    STRANGER,
    Keycloak,
    running_keycloak,
)
from integrations.verdicts import accepted_everywhere, refused_everywhere


@pytest.fixture(scope="module")
def keycloak() -> Iterator[Keycloak]:
    with running_keycloak() as running:
        yield running


def validator_for(keycloak: Keycloak, mode: str = "strict", **changes: object) -> Validator:
    machines = {"mode": mode, "allow": [PIPELINE, ROBOT, REFRESHER]}
    issuer = {"issuer": keycloak.issuer, "preset": "keycloak", "audiences": [AUDIENCE], "machine_clients": machines}
    return from_dict({"issuers": [{**issuer, **changes}]}).validator()


def claims_of(token: str) -> dict[str, object]:
    payload = token.split(".")[1]
    members: dict[str, object] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return members


def test_a_service_account_is_a_machine_with_one_group(keycloak: Keycloak) -> None:
    token = keycloak.client_token(client=PIPELINE)
    claims = claims_of(token)
    assert claims["preferred_username"] == f"service-account-{PIPELINE}"
    assert "sid" not in claims
    principal = accepted_everywhere(validator_for(keycloak, require_groups=True), token)
    assert (principal.machine, principal.groups) == (True, (f"client:{PIPELINE}",))


def test_a_group_named_like_a_machines_is_dropped(keycloak: Keycloak) -> None:
    token = keycloak.user_token(client=ROBOT, username=IMITATOR)
    groups = claims_of(token)["groups"]
    assert isinstance(groups, list)
    assert {"client:ci-pipeline", "client:robot", "CLIENT:robot", "engineering"} == set(groups)
    principal = accepted_everywhere(validator_for(keycloak), token)
    assert (principal.machine, principal.groups) == (False, ("engineering",))
    assert principal.groups_problem == Reason.RESERVED_GROUP


def test_a_realm_role_named_like_a_machines_group_is_dropped(keycloak: Keycloak) -> None:
    token = keycloak.user_token(client=ROBOT, username=IMITATOR)
    access = claims_of(token)["realm_access"]
    assert isinstance(access, dict)
    assert {"client:ci-pipeline", "system:masters", "auditor"} <= set(access["roles"])
    by_role = validator_for(keycloak, groups={"claim": "realm_access.roles", "prefix": "role:"})
    principal = accepted_everywhere(by_role, token)
    assert "role:auditor" in principal.groups
    assert not any("client:" in group or "system:" in group for group in principal.groups)
    assert principal.groups_problem == Reason.RESERVED_GROUP


@pytest.mark.parametrize("scope", ["openid", "profile", "openid offline_access"])
def test_a_person_whose_user_name_is_that_of_a_service_account_is_a_person(keycloak: Keycloak, scope: str) -> None:
    token = keycloak.user_token(client=ROBOT, username=IMITATOR, scope=scope)
    claims = claims_of(token)
    assert (claims["preferred_username"], claims["azp"]) == (f"service-account-{ROBOT}", ROBOT)
    principal = accepted_everywhere(validator_for(keycloak), token)
    assert (principal.client_id, principal.machine, principal.groups) == (ROBOT, False, ("engineering",))


def test_whom_a_client_acts_for_stays_a_person_in_an_exchanged_token(keycloak: Keycloak) -> None:
    token = keycloak.exchanged_token(keycloak.user_token(client=ROBOT, username=IMITATOR))
    principal = accepted_everywhere(validator_for(keycloak), token)
    assert (principal.client_id, principal.machine, principal.groups) == (ROBOT, False, ("engineering",))


def test_a_service_account_with_refresh_tokens_has_a_session_and_counts_as_a_person(keycloak: Keycloak) -> None:
    token = keycloak.client_token(client=REFRESHER)
    assert "sid" in claims_of(token)
    principal = accepted_everywhere(validator_for(keycloak), token)
    assert (principal.machine, principal.groups) == (False, ())
    refused_everywhere(validator_for(keycloak, require_groups=True), token, Reason.GROUPS_MISSING, status=403)


def test_compat_goes_by_the_audience_alone(keycloak: Keycloak) -> None:
    compat = validator_for(keycloak, "compat", machine_clients={"mode": "compat"})
    person = accepted_everywhere(compat, keycloak.client_token(client=PIPELINE))
    assert (person.machine, person.groups) == (False, ("engineering",))
    anybody = accepted_everywhere(compat, keycloak.user_token(client=STRANGER))
    assert (anybody.machine, anybody.groups) == (True, (f"client:{STRANGER}",))
