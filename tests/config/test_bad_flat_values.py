"""Every faulty value of the flat keys, typed and as text: the key at which it is reported, and the whole sentence."""

from __future__ import annotations

from typing import Any

import pytest

from bearergate.config import from_flask, from_mapping
from tests.config.configurations import ALGORITHMS, ENVIRONMENT, FLASK, ISSUER, NAMED, OTHER, problems_of


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
    ({"OIDC_ISSUER": ""}, "OIDC_ISSUER", "OIDC_ISSUER must not be empty; write a value or remove the key"),
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
        (
            "OIDC_ISSUERS",
            "no issuer is configured; set OIDC_ISSUERS or OIDC_ISSUER, or name a file in BEARERGATE_CONFIG",
        ),
    ]


def test_a_single_issuer_that_is_broken_is_one_problem() -> None:
    assert problems_of(from_flask, {"OIDC_ISSUER": "", "OIDC_CLIENT_ID": "me"}) == [
        ("OIDC_ISSUER", "OIDC_ISSUER must not be empty; write a value or remove the key")
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
