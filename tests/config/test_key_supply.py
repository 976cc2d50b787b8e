"""The supply of keys as a whole: none at all, given in code, and from a file and the environment together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from bearergate.config import Settings, from_file, from_flask, from_mapping
from bearergate.config.deployment import VARIABLES
from tests.config.configurations import ISSUER, problems_of, refusal_of
from tests.config.key_supplies import (
    ENVIRONMENT,
    KEY,
    PASSWORD,
    SHARED,
    URL,
    issuers_of,
    secret_of,
    snapshot_at,
    toml_at,
)
from tests.core.records import RECORD


def test_without_any_of_it_keys_come_from_their_issuers_only() -> None:
    settings = from_mapping(ENVIRONMENT)
    assert (settings.supply.seed, settings.supply.shared, settings.snapshot) == (None, None, None)
    assert {settings.origin(path) for path in ("snapshot", "shared_keys.redis", "shared_keys.key")} == {"default"}


def test_how_a_service_is_deployed_is_no_part_of_its_policy(tmp_path: Path) -> None:
    path = snapshot_at(tmp_path / "keys.json")
    deployed = from_mapping({**ENVIRONMENT, **SHARED, "BEARERGATE_SNAPSHOT": str(path)})
    assert deployed.policy_version == from_mapping(ENVIRONMENT).policy_version
    assert deployed == from_mapping(ENVIRONMENT)


def test_settings_can_be_given_a_supply_in_code() -> None:
    shared = from_mapping({**ENVIRONMENT, **SHARED}).supply
    assert replace(from_mapping(ENVIRONMENT), supply=shared).supply is shared


# The file and the environment together.


def test_the_environment_supplies_what_the_file_does_not_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "etc").mkdir()
    snapshot_at(tmp_path / "keys.json")
    file = toml_at(tmp_path / "etc" / "gate.toml", "allow_expired_snapshot = true")
    beside = {**SHARED, "BEARERGATE_SNAPSHOT": "keys.json"}
    for settings in (from_mapping({"BEARERGATE_CONFIG": str(file), **beside}), from_file(file, environment=beside)):
        assert issuers_of(settings) == [RECORD.issuer]
        assert settings.supply.seed is not None
        assert settings.supply.seed.allow_expired
        assert secret_of(settings) == KEY.encode()
        # A path in the environment begins where the process runs, not where the file is.
        assert settings.snapshot == "keys.json"
        assert settings.origin("snapshot") == "environment BEARERGATE_SNAPSHOT"
        assert settings.warnings == ()


def test_a_file_alone_does_not_read_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEARERGATE_SNAPSHOT", "none.json")
    assert from_file(toml_at(tmp_path / "gate.toml")).supply.seed is None


@pytest.mark.parametrize(
    ("top", "shared", "beside", "problem"),
    [
        (
            'snapshot = "x"',
            "",
            {"BEARERGATE_SNAPSHOT": "y"},
            "BEARERGATE_SNAPSHOT cannot be used beside snapshot (FILE line 1)",
        ),
        (
            "allow_expired_snapshot = false",
            "",
            {"BEARERGATE_ALLOW_EXPIRED_SNAPSHOT": "false"},
            "BEARERGATE_ALLOW_EXPIRED_SNAPSHOT cannot be used beside allow_expired_snapshot (FILE line 1)",
        ),
        ("", f'redis = "{URL}"', SHARED, "BEARERGATE_REDIS_URL cannot be used beside shared_keys.redis (FILE line 7)"),
        (
            "",
            f'redis = "{URL}"\nredis_file = "x"',
            {"BEARERGATE_SHARED_KEY": KEY},
            "redis_file cannot be used beside shared_keys.redis (FILE line 7)",
        ),
        (
            "",
            f'redis = "{URL}"',
            {"BEARERGATE_SHARED_KEY": KEY, "BEARERGATE_REDIS_URL_FILE": "x"},
            "BEARERGATE_REDIS_URL_FILE cannot be used beside shared_keys.redis (FILE line 7)",
        ),
        (
            "",
            "",
            {**SHARED, "BEARERGATE_SHARED_KEY_FILE": "x"},
            "BEARERGATE_SHARED_KEY_FILE cannot be used beside BEARERGATE_SHARED_KEY",
        ),
    ],
)  # fmt: skip
def test_a_setting_that_is_made_twice_is_a_problem_that_names_both(
    tmp_path: Path, top: str, shared: str, beside: Mapping[str, str], problem: str
) -> None:
    file = toml_at(tmp_path / "gate.toml", top, shared)
    snapshot_at(tmp_path / "x")

    def load() -> Settings:
        return from_file(file, environment=beside)

    ((_, sentence),) = problems_of(load)
    assert sentence.replace(f"file {file}", "FILE") == f"{problem}; choose one of the two"
    whole = {"BEARERGATE_CONFIG": str(file), **beside}
    assert problems_of(from_mapping, whole) == problems_of(load)


def test_variables_beside_a_file_are_looked_at_for_slips_of_the_hand(tmp_path: Path) -> None:
    file = toml_at(tmp_path / "gate.toml")

    def load() -> Settings:
        return from_file(file, environment={"BEARERGATE_SNAPSHOTS": "x", "OIDC_ISUERS": "x"})

    assert problems_of(load) == [
        ("BEARERGATE_SNAPSHOTS", "unknown key BEARERGATE_SNAPSHOTS: did you mean BEARERGATE_SNAPSHOT?")
    ]
    others = {"BEARERGATE_MOOD": "x", "BEARERGATE_CONFIG": "other.toml", "OIDC_ISSUERS": "x"}
    settings = from_file(file, environment=others)
    assert settings.warnings == ("BEARERGATE_MOOD is no setting of bearergate and is ignored",)


def test_a_wrong_boolean_in_the_environment_is_the_one_problem() -> None:
    given = {**ENVIRONMENT, "BEARERGATE_ALLOW_EXPIRED_SNAPSHOT": "maybe"}
    ((path, problem),) = problems_of(from_mapping, given)
    assert (path, "must be true or false" in problem) == ("BEARERGATE_ALLOW_EXPIRED_SNAPSHOT", True)


@pytest.mark.parametrize("load", [from_mapping, from_flask])
def test_no_sentence_of_any_wrong_value_quotes_a_secret(load: Callable[[Mapping[str, object]], Settings]) -> None:
    secret = f"{PASSWORD} {KEY}\x00"
    for variable in VARIABLES:
        given: dict[str, object] = {"OIDC_ISSUER": ISSUER, "OIDC_CLIENT_ID": "a", **SHARED, variable: secret}
        message = str(refusal_of(load, given))
        assert variable in message
        assert PASSWORD not in message
        assert KEY not in message
