"""The frozen result: provenance, the version of the policy, and the validator it builds."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from bearergate.config import Settings, from_dict
from bearergate.config.lifecycle import COUNTS, NUMBERS
from bearergate.core.keyring import KeyLifecycle
from bearergate.core.policy import AudienceMatch, IssuerPolicy, KeySource
from bearergate.validator import Validator
from tests.config.configurations import ISSUER, OTHER, entry, loaded, schema


def test_every_number_of_the_key_life_cycle_can_be_set() -> None:
    default = KeyLifecycle()
    assert {*NUMBERS, *COUNTS} == {member.name for member in dataclasses.fields(KeyLifecycle)}
    assert all(type(getattr(default, name)) is float for name in NUMBERS)
    assert all(type(getattr(default, name)) is int for name in COUNTS)
    for name, (low, high) in {**NUMBERS, **COUNTS}.items():
        assert low <= getattr(default, name) <= high


def test_a_number_of_the_key_life_cycle_keeps_its_type() -> None:
    lifecycle = from_dict(schema(keys={"ttl": 300, "stale_if_error": 0, "max_keys": 5})).lifecycle
    assert lifecycle == KeyLifecycle(ttl=300.0, stale_if_error=0.0, max_keys=5)
    assert type(lifecycle.ttl) is float


def test_every_setting_of_an_issuer_reaches_the_policy() -> None:
    whole = schema(
        entry(
            aliases=["tenant"],
            audience_match="exact",
            allowed_clients=["hub"],
            algorithms=["ES256"],
            leeway=0,
            max_token_age=3600,
            max_lifetime=7200,
            shares_keys_with=[OTHER],
            discovery_url="http://idp.cluster/.well-known?x=1",
            allow_insecure_http=True,
        ),
        entry(issuer=OTHER, jwks_uri="https://keys.example.com/jwks?v=1"),
    )
    first, second = from_dict(whole).issuers
    assert first == IssuerPolicy(
        issuer=ISSUER,
        audiences=frozenset({"api"}),
        aliases=("tenant",),
        audience_match=AudienceMatch.EXACT,
        allowed_clients=frozenset({"hub"}),
        algorithms=("ES256",),
        leeway=0,
        max_token_age=3600,
        max_lifetime=7200,
        keys=KeySource(
            discovery_url="http://idp.cluster/.well-known?x=1", shares_keys_with=(OTHER,), allow_insecure_http=True
        ),
    )
    assert second.keys.jwks_uri == "https://keys.example.com/jwks?v=1"


@pytest.mark.parametrize("issuer", ["http://localhost:5556/dex", "http://127.0.0.1", "http://[::1]:80"])
def test_plain_http_is_accepted_for_loopback_hosts(issuer: str) -> None:
    assert loaded(issuer=issuer).issuers[0].issuer == issuer


def test_plain_http_elsewhere_needs_its_setting() -> None:
    issuer = "http://dex.cluster:5556/dex"
    assert loaded(issuer=issuer, allow_insecure_http=True).issuers[0].keys.allow_insecure_http


def test_settings_in_code_come_from_code_or_default() -> None:
    settings = loaded(leeway=1)
    assert settings.origin("issuers[0].leeway") == "code"
    assert settings.origin("issuers[0].groups.claim") == "default"
    assert settings.origin("keys.ttl") == "default"
    assert settings.origin("max_token_bytes") == "default"
    with pytest.raises(KeyError):
        settings.origin("issuers[1].leeway")


def test_settings_are_frozen() -> None:
    settings = loaded()
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.max_token_bytes = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        settings.provenance["x"] = "y"  # type: ignore[index]


def test_equal_settings_have_equal_versions_wherever_they_come_from(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_bytes(
        b'{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}'
    )
    settings = {
        "audiences": ["a", "b"],
        "allowed_clients": ["x", "y"],
        "jwks_file": str(keys),
        "require": {"hd": [True]},
    }
    first = loaded(**settings)
    second = loaded(**{**settings, "audiences": ["b", "a"], "allowed_clients": ["y", "x"], "leeway": 30})
    assert first == second
    assert first.policy_version == second.policy_version
    assert len(first.policy_version) == 12


def test_every_change_of_a_setting_changes_the_version() -> None:
    versions = {
        from_dict(whole).policy_version
        for whole in (
            schema(),
            schema(entry(leeway=31)),
            schema(entry(require=["hd"])),
            schema(entry(require={"hd": "x"})),
            schema(entry(), entry(issuer=OTHER)),
            schema(keys={"ttl": 1}),
            schema(max_token_bytes=2048),
        )
    }
    assert len(versions) == 7


def test_settings_can_be_built_from_policies() -> None:
    settings = Settings(issuers=loaded().issuers)
    assert settings.policy_version == loaded().policy_version
    assert settings.warnings == ()
    assert isinstance(settings.validator(), Validator)


def test_settings_build_a_validator_without_fetching_anything() -> None:
    def fetch(*_: object, **__: object) -> None:
        raise AssertionError("nothing is fetched at construction")

    assert isinstance(loaded().validator(fetch=fetch, clock=lambda: 0.0, observers=[]), Validator)  # type: ignore[arg-type]
