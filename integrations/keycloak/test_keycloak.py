"""Tokens of a real Keycloak through every adapter: people, service accounts, ID tokens, spoofed groups, rotation."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from bearergate import Reason, Validator
from bearergate.config import from_dict
from integrations.keycloak.provider import AUDIENCE, CLI, PIPELINE, SHORT_LIVED, STRANGER, Keycloak, running_keycloak
from integrations.verdicts import accepted_everywhere, forged, refused_everywhere


@pytest.fixture(scope="module")
def keycloak() -> Iterator[Keycloak]:
    with running_keycloak() as running:
        yield running


def validator_for(keycloak: Keycloak, **changes: object) -> Validator:
    issuer = {"issuer": keycloak.issuer, "preset": "keycloak", "audiences": [AUDIENCE], **changes}
    return from_dict({"issuers": [issuer]}).validator()


def test_a_person_is_accepted_and_cannot_spoof_a_machine_by_a_group(keycloak: Keycloak) -> None:
    principal = accepted_everywhere(validator_for(keycloak), keycloak.user_token(client=CLI))
    assert (principal.client_id, principal.client_id_claim, principal.machine) == (CLI, "azp", False)
    assert set(principal.groups) == {"engineering", "operators"}
    assert principal.groups_problem == Reason.RESERVED_GROUP


def test_realm_roles_can_be_the_groups(keycloak: Keycloak) -> None:
    validator = validator_for(keycloak, groups={"claim": "realm_access.roles"})
    assert "auditor" in accepted_everywhere(validator, keycloak.user_token(client=CLI)).groups


def test_a_service_account_gets_its_virtual_group_and_never_its_real_ones(keycloak: Keycloak) -> None:
    validator = validator_for(keycloak, machine_clients={"mode": "strict", "allow": [PIPELINE]})
    principal = accepted_everywhere(validator, keycloak.client_token(client=PIPELINE))
    assert (principal.machine, principal.groups) == (True, (f"client:{PIPELINE}",))
    assert accepted_everywhere(validator, keycloak.user_token(client=CLI)).machine is False


def test_a_service_account_that_is_not_listed_is_refused(keycloak: Keycloak) -> None:
    validator = validator_for(keycloak, machine_clients={"mode": "strict", "allow": ["another"]})
    refused_everywhere(validator, keycloak.client_token(client=PIPELINE), Reason.MACHINE_CLIENT_NOT_ALLOWED)


def test_what_was_issued_for_another_audience_or_purpose_is_refused(keycloak: Keycloak) -> None:
    validator = validator_for(keycloak)
    refused_everywhere(validator, keycloak.user_token(client=STRANGER), Reason.AUDIENCE_MISMATCH)
    refused_everywhere(validator, keycloak.client_token(client=STRANGER), Reason.AUDIENCE_MISMATCH)
    refused_everywhere(validator, keycloak.id_token(client=CLI), Reason.ID_TOKEN_NOT_ACCEPTED)
    refused_everywhere(validator, forged(keycloak.user_token(client=CLI)), Reason.SIGNATURE_INVALID)


def test_only_listed_clients_act(keycloak: Keycloak) -> None:
    validator = validator_for(keycloak, allowed_clients=[CLI])
    accepted_everywhere(validator, keycloak.user_token(client=CLI))
    refused_everywhere(validator, keycloak.client_token(client=PIPELINE), Reason.CLIENT_NOT_ALLOWED)


def test_an_expired_token_is_refused(keycloak: Keycloak) -> None:
    token = keycloak.user_token(client=SHORT_LIVED)
    time.sleep(2)
    refused_everywhere(validator_for(keycloak, leeway=0), token, Reason.EXPIRED)


def test_rotated_keys_are_learnt_with_their_first_token_and_retired_ones_forgotten(keycloak: Keycloak) -> None:
    validator = validator_for(keycloak)
    old = keycloak.user_token(client=CLI)
    accepted_everywhere(validator, old)
    keycloak.rotate_keys()
    accepted_everywhere(validator, keycloak.user_token(client=CLI))
    accepted_everywhere(validator, old)
    keycloak.rotate_keys()
    keycloak.retire_old_keys()
    accepted_everywhere(validator, keycloak.user_token(client=CLI))
    refused_everywhere(validator, old, Reason.KEY_UNKNOWN)
