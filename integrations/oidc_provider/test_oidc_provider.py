"""Tokens of a real node oidc-provider through every adapter: RFC 9068 access tokens for a resource, and rotation."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from bearergate import Reason, Validator
from bearergate.config import from_dict, from_mapping
from integrations.oidc_provider.provider import (
    ADA,
    ALGORITHMS,
    BOB,
    OTHER_RESOURCE,
    OUR_RESOURCE,
    OURS,
    PIPELINE,
    STRANGER,
    OidcProvider,
    resource_signed_with,
    running_oidc_provider,
)
from integrations.verdicts import accepted_everywhere, forged, refused_everywhere


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    with running_oidc_provider() as running:
        yield running


def validator_for(provider: OidcProvider, **changes: object) -> Validator:
    issuer = {"issuer": provider.issuer, "audiences": [OUR_RESOURCE], **changes}
    return from_dict({"issuers": [issuer]}).validator()


def test_a_person_is_accepted_for_our_resource(provider: OidcProvider) -> None:
    principal = accepted_everywhere(validator_for(provider), provider.user_token(username=ADA))
    assert (principal.subject, principal.client_id, principal.client_id_claim) == (ADA, OURS, "client_id")
    assert principal.groups == ("platform", "platform/admins")
    assert principal.scopes == {"read"}


def test_the_environment_alone_configures_it(provider: OidcProvider) -> None:
    environment = {"OIDC_ISSUERS": provider.issuer, "OIDC_AUDIENCES": OUR_RESOURCE, "OIDC_ALLOWED_CLIENTS": OURS}
    validator = from_mapping(environment).validator()
    accepted_everywhere(validator, provider.user_token(username=BOB))
    refused_everywhere(validator, provider.client_token(client=PIPELINE), Reason.CLIENT_NOT_ALLOWED)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_it_signs_with_is_verified(provider: OidcProvider, algorithm: str) -> None:
    resource = resource_signed_with(algorithm)
    validator = validator_for(provider, audiences=[resource])
    token = provider.client_token(resource=resource)
    assert accepted_everywhere(validator, token).subject == PIPELINE
    refused_everywhere(validator, forged(token), Reason.SIGNATURE_INVALID)


def test_a_machine_client_is_recognised_by_rfc_9068_alone(provider: OidcProvider) -> None:
    validator = validator_for(provider, machine_clients={"mode": "strict", "allow": [PIPELINE]}, token_kind="rfc9068")
    machine = accepted_everywhere(validator, provider.client_token(client=PIPELINE))
    assert (machine.machine, machine.groups) == (True, (f"client:{PIPELINE}",))
    assert accepted_everywhere(validator, provider.user_token(username=ADA)).machine is False
    stranger = provider.client_token(client=STRANGER)
    refused_everywhere(validator, stranger, Reason.MACHINE_CLIENT_NOT_ALLOWED)


def test_what_is_not_an_access_token_for_us_is_refused(provider: OidcProvider) -> None:
    validator = validator_for(provider)
    refused_everywhere(validator, provider.client_token(resource=OTHER_RESOURCE), Reason.AUDIENCE_MISMATCH)
    refused_everywhere(validator, provider.client_token(resource=None), Reason.MALFORMED_TOKEN)
    refused_everywhere(validator, provider.id_token(nonce="n"), Reason.ID_TOKEN_NOT_ACCEPTED)
    refused_everywhere(validator, provider.id_token(), Reason.AUDIENCE_MISMATCH)


def test_rotation_is_followed_at_once_and_a_withdrawn_key_stops_working() -> None:
    with running_oidc_provider() as provider:
        validator = validator_for(provider)
        first = provider.client_token()
        accepted_everywhere(validator, first)
        provider.rotate_keys(keep_old=True)
        second = provider.client_token()
        accepted_everywhere(validator, second)
        accepted_everywhere(validator, first)
        provider.rotate_keys(keep_old=False)
        accepted_everywhere(validator, provider.client_token())
        refused_everywhere(validator, second, Reason.KEY_UNKNOWN)


def test_a_provider_that_is_down_is_503_and_its_known_keys_go_on_working() -> None:
    with running_oidc_provider(token_seconds=3) as provider:
        warm, cold = validator_for(provider, leeway=0), validator_for(provider, leeway=0)
        token = provider.client_token()
        accepted_everywhere(warm, token)
        provider.server.stop()
        accepted_everywhere(warm, token)
        refused_everywhere(cold, token, Reason.KEYS_UNAVAILABLE, status=503)
        time.sleep(3.1)
        refused_everywhere(warm, token, Reason.EXPIRED)
