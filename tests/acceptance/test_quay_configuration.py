"""Quay's rows about its configuration, Q21 and Q22: what stops the start, in Quay's own words, with block and field."""

# Names of rows are capitals.
# ruff: noqa: N802

from __future__ import annotations

from typing import Any

import pytest

from bearergate import ConfigError
from tests.acceptance.quay import V1, quay

LISTS = ("OIDC_ISSUERS", "OIDC_AUDIENCES", "OIDC_ALLOWED_CLIENTS")


def start(**settings: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        quay(**settings)
    return str(caught.value)


@pytest.mark.parametrize("key", LISTS)
@pytest.mark.parametrize(
    ("value", "sentence"),
    [("https://a.test", "must be a list"), ([], "must not be empty"), ([1], "must contain only strings")],
)
def test_Q21_a_list_that_is_none_stops_the_start_and_names_block_and_field(
    key: str, value: object, sentence: str
) -> None:
    assert f"AZURE_LOGIN_CONFIG.{key}: {key} {sentence}" in start(**{key: value})


def test_Q21_an_issuer_that_is_no_string_stops_the_start_and_names_block_and_field() -> None:
    text = start(OIDC_ISSUER=[V1])
    assert "AZURE_LOGIN_CONFIG.OIDC_ISSUER: OIDC_ISSUER must be a string, got list" in text


def test_Q21_everything_that_is_wrong_is_told_at_once() -> None:
    text = start(OIDC_ISSUERS="x", OIDC_AUDIENCES=[], OIDC_ALLOWED_CLIENTS=[1], OIDC_ISSUER=[V1])
    assert text.startswith("configuration has 4 problems:")
    assert all(f"AZURE_LOGIN_CONFIG.{key}: " in text for key in (*LISTS, "OIDC_ISSUER"))


@pytest.mark.parametrize("key", LISTS)
def test_Q22_an_empty_string_in_a_list_stops_the_start(key: str) -> None:
    # Quay accepts it, and with it tokens whose aud or azp is empty.
    assert f"AZURE_LOGIN_CONFIG.{key}: {key} must not contain empty strings" in start(**{key: [""]})
    assert f"{key} must not contain empty strings" in start(**{key: ["https://a.test", ""]})
