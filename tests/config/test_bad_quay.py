"""What cannot be used of a Quay configuration: Quay's own sentences, with block and key, and all of them at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bearergate.config import from_file, from_quay
from tests.config.configurations import problems_of, refusal_of, written
from tests.config.test_quay import SSO, V1, V2, block


def problems(**settings: Any) -> list[tuple[str, str]]:
    return problems_of(from_quay, {"SSO_LOGIN_CONFIG": block(**settings)})


@pytest.mark.parametrize("key", ["OIDC_ISSUERS", "OIDC_AUDIENCES", "OIDC_ALLOWED_CLIENTS"])
@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("text", "must be a list, got str"),
        (("tuple",), "must be a list, got tuple"),
        ({"a": 1}, "must be a list, got dict"),
        ([], "must not be empty"),
        ([1], "must contain only strings"),
        (["https://a.example.com", None], "must contain only strings"),
        (["https://a.example.com", ["https://b.example.com"]], "must contain only strings"),
        # Quay accepts the empty string.
        ([""], "must not contain empty strings"),
        (["https://a.example.com", "https://a.example.com"], "must not contain duplicates"),
    ],
)
def test_a_list_that_is_none_names_block_and_key(key: str, value: object, sentence: str) -> None:
    ((path, text),) = problems(**{key: value})
    assert path == f"SSO_LOGIN_CONFIG.{key}"
    assert text.startswith(f"{key} {sentence}")
    shown = str(refusal_of(from_quay, {"SSO_LOGIN_CONFIG": block(**{key: value})}))
    assert f"SSO_LOGIN_CONFIG.{key}: {key} {sentence}" in shown


@pytest.mark.parametrize("value", [["https://a.example.com"], 5, True, {}])
@pytest.mark.parametrize("key", ["OIDC_ISSUER", "OIDC_SERVER", "CLIENT_ID", "PREFERRED_GROUP_CLAIM_NAME"])
def test_what_must_be_a_string_and_is_none(key: str, value: object) -> None:
    ((path, text),) = problems(**{key: value})
    assert path == f"SSO_LOGIN_CONFIG.{key}"
    assert text.startswith(f"{key} must be a string, got {type(value).__name__}")


def test_an_issuer_that_is_passed_over_must_be_right_as_well() -> None:
    assert [path for path, _ in problems(OIDC_ISSUERS=[SSO], OIDC_ISSUER=["x"])] == ["SSO_LOGIN_CONFIG.OIDC_ISSUER"]


@pytest.mark.parametrize(
    ("settings", "path", "sentence"),
    [
        ({"OIDC_SERVER": None}, "SSO_LOGIN_CONFIG", "SSO_LOGIN_CONFIG must hold OIDC_SERVER, OIDC_ISSUER or OIDC_ISSU"),
        (
            {"CLIENT_ID": None},
            "SSO_LOGIN_CONFIG",
            "SSO_LOGIN_CONFIG must hold CLIENT_ID or OIDC_AUDIENCES; an audience",
        ),
        ({"OIDC_ISSUER": "ftp://x"}, "SSO_LOGIN_CONFIG.OIDC_ISSUER", "OIDC_ISSUER must start with https://"),
        ({"OIDC_SERVER": "sso"}, "SSO_LOGIN_CONFIG.OIDC_SERVER", "OIDC_SERVER must start with https://"),
        (
            {"OIDC_ISSUERS": ["https://login.microsoftonline.com/*/v2.0"]},
            "SSO_LOGIN_CONFIG.OIDC_ISSUERS[0]",
            "OIDC_ISSUERS[0] must not be a wildcard",
        ),
        ({"OIDC_ISUERS": [SSO]}, "SSO_LOGIN_CONFIG.OIDC_ISUERS", "unknown key OIDC_ISUERS: did you mean OIDC_ISSUERS?"),
        ({"DEBUGGING": "false"}, "SSO_LOGIN_CONFIG.DEBUGGING", "DEBUGGING must be true or false, got str"),
        ({"OIDC_LEEWAY": 301}, "SSO_LOGIN_CONFIG.OIDC_LEEWAY", "OIDC_LEEWAY must be between 0 and 300, got 301"),
        ({"OIDC_JWKS_URIS": [SSO]}, "SSO_LOGIN_CONFIG.OIDC_JWKS_URIS", "OIDC_JWKS_URIS must be a mapping, got list"),
        (
            {"OIDC_JWKS_URIS": {V1: "https://keys.example.com"}},
            f"SSO_LOGIN_CONFIG.OIDC_JWKS_URIS.{V1}",
            f"{V1} is no issuer of this block",
        ),
        (
            {"OIDC_ALGORITHMS": ["HS256"]},
            "SSO_LOGIN_CONFIG.OIDC_ALGORITHMS",
            "OIDC_ALGORITHMS must not contain 'HS256'",
        ),
    ],
)
def test_what_is_wrong_with_a_block_is_said_of_the_block(settings: dict[str, Any], path: str, sentence: str) -> None:
    ((found, text),) = problems(**settings)
    assert found == path
    assert text.startswith(sentence)


def test_every_problem_of_every_block_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "config.yaml",
        "AZURE_LOGIN_CONFIG:\n  OIDC_ISSUERS: x\n  OIDC_AUDIENCES: []\n  CLIENT_ID: 5\n"
        "SSO_LOGIN_CONFIG:\n  OIDC_ISSUER: [x]\n  OIDC_ALLOWED_CLIENTS: [1]\n",
    )
    for load in (from_quay, from_file):
        error = refusal_of(load, path)
        assert [(problem.path, problem.origin.rpartition(" ")[2]) for problem in error.problems] == [
            ("AZURE_LOGIN_CONFIG.OIDC_ISSUERS", "2"),
            ("AZURE_LOGIN_CONFIG.CLIENT_ID", "4"),
            ("SSO_LOGIN_CONFIG.OIDC_ISSUER", "6"),
            ("SSO_LOGIN_CONFIG", "5"),
            ("AZURE_LOGIN_CONFIG.OIDC_AUDIENCES", "3"),
            ("SSO_LOGIN_CONFIG.OIDC_ALLOWED_CLIENTS", "7"),
        ]


def test_an_issuer_of_two_blocks_is_an_error_that_names_both() -> None:
    # Quay lets the order of the blocks decide whose audiences count.
    config: dict[str, object] = {
        "A_LOGIN_CONFIG": block(OIDC_ISSUERS=[V1, V2]),
        "B_LOGIN_CONFIG": block(OIDC_ISSUER=V2),
    }
    ((path, text),) = problems_of(from_quay, config)
    assert path == "B_LOGIN_CONFIG.OIDC_ISSUER"
    assert "names the same issuer as A_LOGIN_CONFIG.OIDC_ISSUERS[1]" in text


@pytest.mark.parametrize("name", ["LDAP", "JWT", "KEYSTONE"])
def test_a_reserved_name_of_a_block_is_refused_as_quay_refuses_it(name: str) -> None:
    ((_, text),) = problems_of(from_quay, {f"{name}_LOGIN_CONFIG": block()})
    assert text.startswith(f"Cannot use reserved config name {name}_LOGIN_CONFIG")


def test_a_block_that_is_no_mapping_and_a_configuration_without_blocks() -> None:
    ((path, text),) = problems_of(from_quay, {"SSO_LOGIN_CONFIG": ["x"]})
    assert (path, text[:45]) == ("SSO_LOGIN_CONFIG", "SSO_LOGIN_CONFIG must be a mapping, got list;")
    for config in ({}, {"SERVER_HOSTNAME": "x"}, {"GITHUB_LOGIN_CONFIG": block()}):
        ((path, text),) = problems_of(from_quay, config)
        assert (path, text[:32]) == ("the Quay configuration", "holds no block *_LOGIN_CONFIG; n")
    ((_, text),) = problems_of(lambda: from_quay({"SSO_LOGIN_CONFIG": block()}, block="AZURE_LOGIN_CONFIG"))
    assert text.startswith("holds no block AZURE_LOGIN_CONFIG")


def test_a_file_that_cannot_be_read_or_holds_no_block(tmp_path: Path) -> None:
    assert "cannot be read" in problems_of(from_quay, tmp_path / "none.yaml")[0][1]
    ((path, text),) = problems_of(from_quay, written(tmp_path, "config.yaml", "SERVER_HOSTNAME: quay.example.com\n"))
    assert (path, text.split(";")[0]) == (str(tmp_path / "config.yaml"), "holds no block *_LOGIN_CONFIG")


def test_no_problem_shows_a_secret() -> None:
    error = refusal_of(from_quay, {"SSO_LOGIN_CONFIG": block(OIDC_ISSUERS=5, CLIENT_SECRET="hunter2")})
    assert "hunter2" not in str(error)
