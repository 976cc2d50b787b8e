"""The flat keys: as environment variables, where all is text, and as Flask configuration, where values have types."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from bearergate.config import Settings, from_flask, from_mapping, is_configured
from bearergate.core.claims import IAT
from bearergate.core.policy import DEFAULT_ALGORITHMS, MachineMark, MachineMode, TokenKind
from tests.config.configurations import ENVIRONMENT, FLASK, ISSUER, OTHER, problems_of

Loader = Callable[[Mapping[str, object]], Settings]


@pytest.mark.parametrize(
    "text", [f"{ISSUER},{OTHER}", f" {ISSUER} , {OTHER} ", f"{ISSUER}\n{OTHER}", f'["{ISSUER}", "{OTHER}"]']
)
def test_a_list_in_the_environment_is_a_json_array_or_separated_items(text: str) -> None:
    settings = from_mapping({**ENVIRONMENT, "OIDC_ISSUERS": text})
    assert [policy.issuer for policy in settings.issuers] == [ISSUER, OTHER]


def test_every_issuer_gets_every_audience_and_the_same_settings() -> None:
    settings = from_mapping(
        {
            "OIDC_ISSUERS": f"{ISSUER} {OTHER}",
            "OIDC_AUDIENCES": "api other",
            "OIDC_ALLOWED_CLIENTS": "hub",
            "OIDC_ALGORITHMS": "RS256 ES256",
            "OIDC_LEEWAY": "5",
            "OIDC_TOKEN_KIND": "any",
            "OIDC_GROUPS_CLAIM": "roles",
            "OIDC_REQUIRE_GROUPS": "yes",
            "OIDC_PRESET": "keycloak",
        }
    )
    assert len(settings.issuers) == 2
    for policy in settings.issuers:
        assert policy.audiences == {"api", "other"}
        assert policy.allowed_clients == frozenset({"hub"})
        assert policy.algorithms == ("RS256", "ES256")
        assert policy.leeway == 5
        assert policy.token_kind is TokenKind.ANY
        assert policy.groups.claim == "roles"
        assert policy.groups.required
        assert policy.machines.mark is MachineMark.KEYCLOAK


@pytest.mark.parametrize(("load", "given"), [(from_mapping, ENVIRONMENT), (from_flask, FLASK), (from_mapping, FLASK)])
def test_what_is_absent_has_its_default(load: Loader, given: dict[str, object]) -> None:
    (policy,) = load(given).issuers
    assert policy.issuer == ISSUER
    assert policy.audiences == {"api"}
    assert policy.allowed_clients is None
    assert policy.algorithms == DEFAULT_ALGORITHMS
    assert policy.leeway == 30
    assert policy.token_kind is TokenKind.ACCESS_TOKEN
    assert policy.groups.claim == "groups"
    assert not policy.groups.required
    assert policy.machines.mode is MachineMode.OFF


def test_the_list_of_issuers_wins_over_the_single_one_with_a_warning() -> None:
    settings = from_mapping({**ENVIRONMENT, "OIDC_ISSUER": OTHER})
    assert [policy.issuer for policy in settings.issuers] == [ISSUER]
    assert settings.warnings == ("OIDC_ISSUERS takes precedence; OIDC_ISSUER is ignored",)


def test_one_issuer_needs_no_list() -> None:
    settings = from_flask({"OIDC_ISSUER": ISSUER, "OIDC_CLIENT_ID": "me"})
    assert settings.issuers[0].issuer == ISSUER
    assert settings.issuers[0].audiences == {"me"}
    assert settings.origin("issuers[0].audiences") == "Flask config OIDC_CLIENT_ID"


def test_audiences_replace_our_own_client_id() -> None:
    assert from_flask({**FLASK, "OIDC_CLIENT_ID": "me"}).issuers[0].audiences == {"api"}


def test_in_profile_quay_our_own_client_id_is_always_an_audience() -> None:
    (policy,) = from_flask({**FLASK, "OIDC_CLIENT_ID": "me", "OIDC_PROFILE": "quay"}).issuers
    assert policy.audiences == {"api", "me"}
    assert set(policy.require) == {IAT}
    (policy,) = from_flask({**FLASK, "OIDC_CLIENT_ID": "api", "OIDC_PROFILE": "quay"}).issuers
    assert policy.audiences == {"api"}


def test_the_switches_of_profile_quay_have_flat_keys() -> None:
    quay = {**ENVIRONMENT, "OIDC_PROFILE": "quay"}
    (policy,) = from_mapping({**quay, "OIDC_ISSUER_SLASH": "true", "OIDC_SKIP_NBF": "1"}).issuers
    assert policy.aliases == (f"{ISSUER}/",)
    assert policy.skip_nbf
    (policy,) = from_mapping(quay).issuers
    assert policy.aliases == ()
    assert not policy.skip_nbf


def test_machine_clients_are_let_in_strictly_by_list() -> None:
    machines = {"OIDC_ALLOW_CLIENT_CREDENTIALS": "true", "OIDC_MACHINE_CLIENTS": "job"}
    (policy,) = from_mapping({**ENVIRONMENT, **machines}).issuers
    assert policy.machines.mode is MachineMode.STRICT
    assert policy.machines.mark is MachineMark.RFC9068
    assert policy.machines.allow == {"job"}


def test_in_profile_opendepot_the_list_of_machine_clients_is_optional() -> None:
    opendepot = {**FLASK, "OIDC_PROFILE": "opendepot"}
    settings = from_flask({**opendepot, "OIDC_ALLOW_CLIENT_CREDENTIALS": True})
    assert settings.issuers[0].machines.mode is MachineMode.COMPAT
    assert settings.issuers[0].client_from_audience
    assert settings.warnings == (
        (
            f"machine clients of {ISSUER} are recognised in mode compat: "
            "any token of that issuer to any client, for any other audience, is let in as a machine's"
        ),
    )
    for given in (opendepot, {**opendepot, "OIDC_ALLOW_CLIENT_CREDENTIALS": False}):
        (policy,) = from_flask(given).issuers
        assert policy.machines.mode is MachineMode.OFF
        assert not policy.client_from_audience


def test_a_list_of_machine_clients_alone_lets_nobody_in_and_says_so() -> None:
    settings = from_flask({**FLASK, "OIDC_MACHINE_CLIENTS": ["job"]})
    assert settings.issuers[0].machines.mode is MachineMode.OFF
    assert settings.warnings == ("OIDC_MACHINE_CLIENTS has no effect while machine clients are off",)


def test_none_in_flask_means_not_set() -> None:
    (policy,) = from_flask({**FLASK, "OIDC_ALLOWED_CLIENTS": None, "OIDC_CLIENT_ID": None}).issuers
    assert policy.allowed_clients is None


def test_what_others_configure_is_not_looked_at() -> None:
    assert from_flask({**FLASK, "DEBUG": False, "OIDCISSUERS": 1, "SECRET_KEY": b"x"}).warnings == ()


@pytest.mark.parametrize("key", ["OIDC_SCOPES", "OIDC_CLIENT_SECRETS", "OIDC_RP_CLIENT_ID", "BEARERGATE_COLOUR"])
def test_an_unknown_key_of_others_is_a_warning_without_its_value(key: str) -> None:
    assert from_mapping({**ENVIRONMENT, key: "secret"}).warnings == (
        f"{key} is no setting of bearergate and is ignored",
    )


@pytest.mark.parametrize("load", [from_mapping, from_flask])
def test_a_file_may_be_named_in_place_of_the_flat_keys(load: Loader, tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_text(f'[[issuers]]\nissuer = "{ISSUER}"\naudiences = ["api"]\n')
    settings = load({"BEARERGATE_CONFIG": str(path), "OIDC_CLIENT_ID": "me"})
    assert settings.issuers[0].issuer == ISSUER
    assert settings.origin("issuers[0].issuer") == f"file {path} line 2"
    assert settings.warnings == ("OIDC_CLIENT_ID is ignored, because BEARERGATE_CONFIG is set",)


def test_a_file_beside_flat_keys_must_be_decided_between(tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_text("issuers = 1\n")
    problems = problems_of(from_mapping, {**ENVIRONMENT, "BEARERGATE_CONFIG": str(path)})
    assert problems == [
        ("OIDC_ISSUERS", "OIDC_ISSUERS cannot be used beside BEARERGATE_CONFIG; choose one of the two"),
        ("OIDC_AUDIENCES", "OIDC_AUDIENCES cannot be used beside BEARERGATE_CONFIG; choose one of the two"),
        ("issuers", "issuers must be a list, got int; list the trusted issuers, each with its audiences"),
    ]


def test_a_mapping_is_configured_when_it_sets_one_of_our_keys() -> None:
    assert is_configured({"OIDC_AUDIENCES": "x"})
    assert not is_configured({"OIDC_SCOPES": "x", "PATH": "x", "OIDC_ISSUER": None})


def test_warnings_are_logged_when_settings_are_loaded(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="bearergate.config"):
        from_mapping({**ENVIRONMENT, "OIDC_SCOPES": "secret"})
    assert [(record.name, record.getMessage()) for record in caplog.records] == [
        ("bearergate.config", "OIDC_SCOPES is no setting of bearergate and is ignored")
    ]
