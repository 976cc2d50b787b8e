"""Tokens of a real Dex through every adapter: people, machine clients, strangers, expiry and replaced keys."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from bearergate import Reason, Validator
from bearergate.config import from_dict
from integrations.dex.provider import ADA, BOB, OURS, PIPELINE, STRANGER, Dex, audience_scope, running_dex
from integrations.verdicts import accepted_everywhere, forged, refused_everywhere


@pytest.fixture(scope="module")
def dex() -> Iterator[Dex]:
    with running_dex() as running:
        yield running


def validator_for(dex: Dex, **changes: object) -> Validator:
    issuer = {"issuer": dex.issuer, "preset": "dex", "audiences": [OURS], **changes}
    return from_dict({"issuers": [issuer]}).validator()


def test_a_person_is_accepted_with_groups_and_with_the_client_that_dex_writes_into_aud(dex: Dex) -> None:
    principal = accepted_everywhere(validator_for(dex), dex.user_token(username=ADA))
    assert principal.groups == ("platform", "platform/admins")
    assert (principal.client_id, principal.client_id_claim, principal.machine) == (OURS, "aud", False)


def test_a_person_without_groups_is_accepted_unless_groups_are_required(dex: Dex) -> None:
    token = dex.user_token(username=BOB)
    principal = accepted_everywhere(validator_for(dex), token)
    assert (principal.groups, principal.groups_problem) == ((), Reason.GROUPS_MISSING)
    refused_everywhere(validator_for(dex, require_groups=True), token, Reason.GROUPS_MISSING, status=403)


def test_a_cross_client_token_names_the_client_that_acts(dex: Dex) -> None:
    token = dex.user_token(client=PIPELINE, scope=f"openid groups {audience_scope(OURS)}")
    principal = accepted_everywhere(validator_for(dex), token)
    assert (principal.client_id, principal.client_id_claim) == (PIPELINE, "azp")
    refused_everywhere(validator_for(dex, allowed_clients=[OURS]), token, Reason.CLIENT_NOT_ALLOWED)


def test_a_machine_client_gets_its_virtual_group_and_never_the_groups_of_its_token(dex: Dex) -> None:
    machines = {"mode": "strict", "allow": [PIPELINE]}
    validator = validator_for(dex, machine_clients=machines)
    principal = accepted_everywhere(validator, dex.client_token(client=PIPELINE))
    assert (principal.machine, principal.groups) == (True, (f"client:{PIPELINE}",))
    assert principal.client_id == PIPELINE
    assert accepted_everywhere(validator, dex.user_token(username=ADA)).machine is False


def test_machine_clients_are_refused_unless_they_are_let_in_by_name(dex: Dex) -> None:
    stranger = dex.client_token(client=STRANGER)
    refused_everywhere(validator_for(dex), stranger, Reason.AUDIENCE_MISMATCH)
    machines = {"mode": "strict", "allow": [PIPELINE]}
    refused_everywhere(validator_for(dex, machine_clients=machines), stranger, Reason.MACHINE_CLIENT_NOT_ALLOWED)


def test_an_access_token_of_dex_needs_its_preset_because_it_looks_like_an_id_token(dex: Dex) -> None:
    strict = validator_for(dex, token_kind="access_token")
    refused_everywhere(strict, dex.user_token(username=ADA), Reason.ID_TOKEN_NOT_ACCEPTED)


def test_a_token_for_another_client_and_a_forged_one_are_refused(dex: Dex) -> None:
    refused_everywhere(validator_for(dex), dex.user_token(client=STRANGER), Reason.AUDIENCE_MISMATCH)
    refused_everywhere(validator_for(dex), forged(dex.user_token(username=ADA)), Reason.SIGNATURE_INVALID)


def test_a_token_of_another_dex_is_refused_without_asking_anybody(dex: Dex) -> None:
    with running_dex() as other:
        token = other.user_token(username=ADA)
    validator = validator_for(dex)
    refused_everywhere(validator, token, Reason.ISSUER_UNKNOWN)
    assert validator.health()[dex.issuer].state == "never"


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_expired_tokens_are_refused_and_new_keys_are_learnt_with_their_first_token(algorithm: str) -> None:
    with running_dex(token_seconds=2, algorithm=algorithm) as dex:
        validator = validator_for(dex, leeway=0)
        old = dex.user_token(username=ADA)
        accepted_everywhere(validator, old)
        dex.replace_keys()
        accepted_everywhere(validator, dex.user_token(username=ADA))
        refused_everywhere(validator, old, Reason.KEY_UNKNOWN)
        late = dex.user_token(username=ADA)
        time.sleep(2.1)
        refused_everywhere(validator, late, Reason.EXPIRED)
