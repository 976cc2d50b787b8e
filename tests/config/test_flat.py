"""The flat keys: as environment variables, where all is text, and as Flask configuration, where values have types."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bearergate.config import Settings, from_flask, from_mapping, is_configured
from bearergate.core.claims import IAT
from bearergate.core.policy import DEFAULT_ALGORITHMS, MachineMark, MachineMode, TokenKind
from tests.config.configurations import ALGORITHMS, ISSUER, OTHER, problems_of

ENVIRONMENT = {"OIDC_ISSUERS": ISSUER, "OIDC_AUDIENCES": "api"}
FLASK: dict[str, object] = {"OIDC_ISSUERS": [ISSUER], "OIDC_AUDIENCES": ["api"]}
NAMED = "name at least one value or remove the key"

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
    for given in (opendepot, {**opendepot, "OIDC_ALLOW_CLIENT_CREDENTIALS": True}):
        settings = from_flask(given)
        assert settings.issuers[0].machines.mode is MachineMode.COMPAT
        assert settings.issuers[0].client_from_audience
        assert settings.warnings == (
            (
                f"machine clients of {ISSUER} are recognised in mode compat: "
                "any token of that issuer to any client, for any other audience, is let in as a machine's"
            ),
        )
    (policy,) = from_flask({**opendepot, "OIDC_ALLOW_CLIENT_CREDENTIALS": False}).issuers
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


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("OIDC_AUDIENCE", "OIDC_AUDIENCES"),
        ("OIDC_ISSUERSS", "OIDC_ISSUERS"),
        ("OIDC_ALLOWD_CLIENT", "OIDC_ALLOWED_CLIENTS"),
        ("BEARERGATE_CONF1G", "BEARERGATE_CONFIG"),
    ],
)
def test_a_key_within_two_edits_of_ours_is_an_error(key: str, meant: str) -> None:
    given = {**ENVIRONMENT, key: "x"}
    assert problems_of(from_mapping, given) == [(key, f"unknown key {key}: did you mean {meant}?")]


BAD_FLASK: list[tuple[dict[str, Any], str, str]] = [
    ({"OIDC_ISSUERS": ISSUER}, "OIDC_ISSUERS", 'OIDC_ISSUERS must be a list, got str; write it as ["a", "b"]'),
    ({"OIDC_ISSUERS": (ISSUER,)}, "OIDC_ISSUERS", 'OIDC_ISSUERS must be a list, got tuple; write it as ["a", "b"]'),
    ({"OIDC_ISSUERS": []}, "OIDC_ISSUERS", f"OIDC_ISSUERS must not be empty; {NAMED}"),
    ({"OIDC_ISSUERS": [1]}, "OIDC_ISSUERS", "OIDC_ISSUERS must contain only strings; write every item in quotes"),
    ({"OIDC_ISSUERS": [""]}, "OIDC_ISSUERS", "OIDC_ISSUERS must not contain empty strings; remove the empty items"),
    (
        {"OIDC_ISSUERS": [ISSUER, ISSUER]},
        "OIDC_ISSUERS",
        "OIDC_ISSUERS must not contain duplicates: items 1 and 2 are the same",
    ),
    (
        {"OIDC_ISSUERS": [ISSUER, "https://a b"]},
        "OIDC_ISSUERS[1]",
        "OIDC_ISSUERS[1] must be a URL of printable ASCII characters without spaces",
    ),
    ({"OIDC_ISSUER": [ISSUER]}, "OIDC_ISSUER", "OIDC_ISSUER must be a string, got list; write one string in quotes"),
    ({"OIDC_AUDIENCES": "api"}, "OIDC_AUDIENCES", 'OIDC_AUDIENCES must be a list, got str; write it as ["a", "b"]'),
    ({"OIDC_AUDIENCES": []}, "OIDC_AUDIENCES", f"OIDC_AUDIENCES must not be empty; {NAMED}"),
    (
        {"OIDC_ALLOWED_CLIENTS": {}},
        "OIDC_ALLOWED_CLIENTS",
        'OIDC_ALLOWED_CLIENTS must be a list, got dict; write it as ["a", "b"]',
    ),
    (
        {"OIDC_ALLOWED_CLIENTS": [""]},
        "OIDC_ALLOWED_CLIENTS",
        "OIDC_ALLOWED_CLIENTS must not contain empty strings; remove the empty items",
    ),
    ({"OIDC_CLIENT_ID": 1}, "OIDC_CLIENT_ID", "OIDC_CLIENT_ID must be a string, got int; write it in quotes"),
    (
        {"OIDC_LEEWAY": "30"},
        "OIDC_LEEWAY",
        "OIDC_LEEWAY must be a whole number, got str; write digits only, without quotes",
    ),
    ({"OIDC_LEEWAY": 301}, "OIDC_LEEWAY", "OIDC_LEEWAY must be between 0 and 300, got 301"),
    (
        {"OIDC_REQUIRE_GROUPS": "yes"},
        "OIDC_REQUIRE_GROUPS",
        "OIDC_REQUIRE_GROUPS must be true or false, got str; write true or false without quotes",
    ),
    (
        {"OIDC_ALLOW_CLIENT_CREDENTIALS": 1},
        "OIDC_ALLOW_CLIENT_CREDENTIALS",
        "OIDC_ALLOW_CLIENT_CREDENTIALS must be true or false, got int; write true or false without quotes",
    ),
    (
        {"OIDC_ALLOW_CLIENT_CREDENTIALS": True},
        "OIDC_ALLOW_CLIENT_CREDENTIALS",
        (
            "OIDC_ALLOW_CLIENT_CREDENTIALS lets in the listed machine clients only, and none is listed; "
            "list them in machine_clients.allow (OIDC_MACHINE_CLIENTS)"
        ),
    ),
    (
        {"OIDC_TOKEN_KIND": "jwt"},
        "OIDC_TOKEN_KIND",
        "OIDC_TOKEN_KIND must be one of access_token, id_token, any, rfc9068, got 'jwt'",
    ),
    (
        {"OIDC_ALGORITHMS": ["RS1"]},
        "OIDC_ALGORITHMS",
        f"OIDC_ALGORITHMS must contain only supported algorithms, got 'RS1'; accepted: {ALGORITHMS}",
    ),
    (
        {"OIDC_GROUPS_CLAIM": ["a"]},
        "OIDC_GROUPS_CLAIM",
        "OIDC_GROUPS_CLAIM must be a string, got list; write one string in quotes",
    ),
    (
        {"OIDC_PROFILE": "quai"},
        "OIDC_PROFILE",
        "OIDC_PROFILE must be one of quay, opendepot, rfc9068, got 'quai'; did you mean quay?",
    ),
    (
        {"OIDC_SKIP_NBF": True},
        "OIDC_SKIP_NBF",
        "OIDC_SKIP_NBF is a switch of profile quay; set the profile quay, or remove it",
    ),
    ({"BEARERGATE_CONFIG": 1}, "BEARERGATE_CONFIG", "BEARERGATE_CONFIG must be a string, got int; write it in quotes"),
]


@pytest.mark.parametrize(("settings", "path", "sentence"), BAD_FLASK)
def test_a_faulty_flask_value_is_the_one_problem(settings: dict[str, Any], path: str, sentence: str) -> None:
    given = settings if "BEARERGATE_CONFIG" in settings else {**FLASK, **settings}
    assert problems_of(from_flask, given) == [(path, sentence)]


BAD_ENVIRONMENT: list[tuple[dict[str, str], str, str]] = [
    ({"OIDC_ISSUERS": ""}, "OIDC_ISSUERS", f"OIDC_ISSUERS must not be empty; {NAMED}"),
    ({"OIDC_ISSUERS": "[]"}, "OIDC_ISSUERS", f"OIDC_ISSUERS must not be empty; {NAMED}"),
    (
        {"OIDC_ISSUERS": f"{ISSUER},"},
        "OIDC_ISSUERS",
        "OIDC_ISSUERS must not contain empty strings; remove the empty items",
    ),
    ({"OIDC_ISSUERS": "[1]"}, "OIDC_ISSUERS", "OIDC_ISSUERS must contain only strings; write every item in quotes"),
    (
        {"OIDC_ISSUERS": "[" * 900 + "]" * 900},
        "OIDC_ISSUERS",
        "OIDC_ISSUERS must contain only strings; write every item in quotes",
    ),
    (
        {"OIDC_ISSUERS": "['a']"},
        "OIDC_ISSUERS",
        "OIDC_ISSUERS begins like a JSON array but is none; separate the items by commas, or correct the JSON",
    ),
    (
        {"OIDC_ALGORITHMS": "[RS256]"},
        "OIDC_ALGORITHMS",
        "OIDC_ALGORITHMS begins like a JSON array but is none; separate the items by commas, or correct the JSON",
    ),
    ({"OIDC_ISSUER": ""}, "OIDC_ISSUER", "OIDC_ISSUER must not be empty"),
    ({"OIDC_CLIENT_ID": " me"}, "OIDC_CLIENT_ID", "OIDC_CLIENT_ID must not begin or end with white space"),
    ({"OIDC_LEEWAY": "half"}, "OIDC_LEEWAY", "OIDC_LEEWAY must be a whole number; write digits only, without quotes"),
    ({"OIDC_LEEWAY": "-1"}, "OIDC_LEEWAY", "OIDC_LEEWAY must be between 0 and 300, got -1"),
    (
        {"OIDC_REQUIRE_GROUPS": "maybe"},
        "OIDC_REQUIRE_GROUPS",
        "OIDC_REQUIRE_GROUPS must be true or false (or 1, 0, yes, no)",
    ),
]


@pytest.mark.parametrize(("settings", "path", "sentence"), BAD_ENVIRONMENT)
def test_a_faulty_variable_is_the_one_problem(settings: dict[str, str], path: str, sentence: str) -> None:
    assert problems_of(from_mapping, {**ENVIRONMENT, **settings}) == [(path, sentence)]


def test_an_empty_environment_lacks_issuer_and_audience() -> None:
    assert problems_of(from_mapping, {}) == [
        ("OIDC_AUDIENCES", "OIDC_AUDIENCES or OIDC_CLIENT_ID must be set; an audience is mandatory"),
        ("OIDC_ISSUERS", "no issuer is configured; set OIDC_ISSUERS or OIDC_ISSUER"),
    ]


def test_a_single_issuer_that_is_broken_is_one_problem() -> None:
    assert problems_of(from_flask, {"OIDC_ISSUER": "", "OIDC_CLIENT_ID": "me"}) == [
        ("OIDC_ISSUER", "OIDC_ISSUER must not be empty")
    ]


def test_all_flat_problems_are_reported_at_once() -> None:
    given = {"OIDC_ISSUERS": "x", "OIDC_AUDIENCES": [1], "OIDC_LEEWAY": True, "OIDC_CLENT_ID": "x"}
    assert sorted(path for path, _ in problems_of(from_flask, given)) == [
        "OIDC_AUDIENCES",
        "OIDC_CLENT_ID",
        "OIDC_ISSUERS",
        "OIDC_LEEWAY",
    ]


def test_a_problem_shared_by_several_issuers_is_told_once() -> None:
    given = {**FLASK, "OIDC_ISSUERS": [ISSUER, OTHER], "OIDC_LEEWAY": 301}
    assert len(problems_of(from_flask, given)) == 1


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
