"""What presets and profiles expand to, and which setting wins."""

from __future__ import annotations

from typing import Any

import pytest

from bearergate.config import from_dict
from bearergate.config.presets import PRESETS
from bearergate.config.profiles import PROFILES
from bearergate.core.claims import CLIENT_ID, IAT, JTI
from bearergate.core.policy import IssuerPolicy, KeySource, MachineClients, MachineMark, MachineMode, TokenKind
from tests.config.configurations import ISSUER, OTHER, entry, loaded, problems_of, schema

MARKS = {
    "entra-v1": MachineMark.ENTRA,
    "entra-v2": MachineMark.ENTRA,
    "dex": MachineMark.DEX,
    "keycloak": MachineMark.KEYCLOAK,
    "okta": MachineMark.OKTA,
    "auth0": MachineMark.AUTH0,
    "cognito": MachineMark.COGNITO,
}


def policy_with(**settings: Any) -> IssuerPolicy:
    return loaded(**settings).issuers[0]


def test_every_preset_and_profile_of_the_specification_is_there() -> None:
    assert set(PRESETS) == {*MARKS, "google", "github-actions", "gitlab-ci", "kubernetes"}
    assert set(PROFILES) == {"quay", "opendepot", "rfc9068"}


@pytest.mark.parametrize(("preset", "mark"), MARKS.items())
def test_a_preset_brings_the_mark_of_its_machine_clients(preset: str, mark: MachineMark) -> None:
    machines = policy_with(preset=preset, machine_clients={"mode": "strict", "allow": ["job"]}).machines
    assert machines == MachineClients(mode=MachineMode.STRICT, mark=mark, allow=frozenset({"job"}))


@pytest.mark.parametrize("preset", sorted(set(PRESETS) - set(MARKS)))
def test_a_preset_without_a_mark_needs_one_for_machine_clients(preset: str) -> None:
    strict = {"mode": "strict", "allow": ["job"]}
    ((path, problem),) = problems_of(from_dict, schema(entry(preset=preset, machine_clients=strict)))
    assert path == "issuers[0].machine_clients.mode"
    assert f"preset {preset} has no mark" in problem
    machines = policy_with(preset=preset, machine_clients={**strict, "mark": "rfc9068"}).machines
    assert machines.mark is MachineMark.RFC9068


def test_without_a_preset_the_mark_is_that_of_rfc_9068() -> None:
    assert policy_with(machine_clients={"mode": "strict", "allow": ["job"]}).machines.mark is MachineMark.RFC9068


@pytest.mark.parametrize("preset", ["entra-v1", "entra-v2"])
def test_the_entra_presets_honour_the_issuer_of_keys(preset: str) -> None:
    assert policy_with(preset=preset).keys == KeySource(tenant_keys_only=True)


def test_the_dex_preset_takes_any_kind_and_reads_the_client_from_the_audience() -> None:
    policy = policy_with(preset="dex")
    assert policy.token_kind is TokenKind.ANY
    assert policy.client_from_audience


def test_the_google_preset_knows_the_other_spelling_of_the_issuer_and_takes_id_tokens() -> None:
    policy = policy_with(preset="google")
    assert policy.aliases == ("accounts.google.com",)
    assert policy.token_kind is TokenKind.ID_TOKEN


@pytest.mark.parametrize("preset", ["github-actions", "gitlab-ci", "kubernetes"])
def test_tokens_of_jobs_and_pods_are_of_the_default_kind(preset: str) -> None:
    assert policy_with(preset=preset) == policy_with()


def test_the_cognito_preset_knows_the_groups_claim() -> None:
    assert policy_with(preset="cognito").groups.claim == "cognito:groups"
    assert policy_with(preset="cognito", groups={"prefix": "aws:"}).groups.claim == "cognito:groups"
    assert policy_with(preset="cognito", groups={"claim": "roles"}).groups.claim == "roles"


def test_what_is_written_wins_over_preset_over_profile_over_default() -> None:
    def kind(profile: str | None = None, **settings: str) -> tuple[TokenKind, str]:
        whole = schema(entry(**settings), **({"profile": profile} if profile else {}))
        loaded = from_dict(whole)
        return loaded.issuers[0].token_kind, loaded.origin("issuers[0].token_kind")

    assert kind() == (TokenKind.ACCESS_TOKEN, "default")
    assert kind("rfc9068") == (TokenKind.RFC9068, "profile rfc9068")
    assert kind("rfc9068", preset="dex") == (TokenKind.ANY, "preset dex")
    assert kind("rfc9068", preset="dex", token_kind="id_token") == (TokenKind.ID_TOKEN, "code")


def test_a_mapping_is_overridden_member_by_member() -> None:
    settings = loaded(preset="okta", machine_clients={"mode": "strict", "allow": ["job"]})
    assert settings.origin("issuers[0].machine_clients.mark") == "preset okta"
    assert settings.origin("issuers[0].machine_clients.mode") == "code"
    assert settings.origin("issuers[0].machine_clients.audiences") == "default"


def test_required_claims_are_added_to_those_of_the_profile() -> None:
    settings = from_dict(schema(entry(require={"hd": "example.com"}), profile="rfc9068"))
    assert dict(settings.issuers[0].require) == {CLIENT_ID: (), IAT: (), JTI: (), "hd": ("example.com",)}
    assert settings.origin(f"issuers[0].require.{IAT}") == "profile rfc9068"
    assert settings.origin("issuers[0].require.hd") == "code"


def test_true_and_one_stay_different_required_values() -> None:
    (values,) = policy_with(require={"flag": [True, 1, 1.5]}).require.values()
    assert [(type(value), value) for value in values] == [(bool, True), (int, 1), (float, 1.5)]


def test_profile_quay_requires_iat_and_refuses_impersonation() -> None:
    settings = from_dict(schema(profile="quay"))
    (policy,) = settings.issuers
    assert policy.token_kind is TokenKind.ANY
    assert dict(policy.require) == {IAT: ()}
    assert policy.refuse_impersonated
    assert not policy.skip_nbf
    assert policy.aliases == ()
    assert settings.origin("issuers[0].refuse_impersonated") == "profile quay"


@pytest.mark.parametrize(("issuer", "other"), [(ISSUER, f"{ISSUER}/"), (f"{ISSUER}/", ISSUER)])
def test_issuer_slash_accepts_one_trailing_slash_more_or_less(issuer: str, other: str) -> None:
    settings = from_dict(schema(entry(issuer=issuer, issuer_slash=True, aliases=["a"]), profile="quay"))
    assert settings.issuers[0].aliases == ("a", other)
    assert settings.origin("issuers[0].aliases") == "code"


def test_issuer_slash_leaves_a_spelling_to_the_entry_that_names_it() -> None:
    settings = from_dict(schema(entry(), entry(issuer=f"{ISSUER}/"), profile="quay", issuer_slash=True))
    assert [policy.aliases for policy in settings.issuers] == [(), ()]


def test_a_switch_at_the_top_holds_for_every_issuer_that_does_not_say_otherwise() -> None:
    whole = schema(entry(), entry(issuer=OTHER, skip_nbf=False), profile="quay", skip_nbf=True)
    assert [policy.skip_nbf for policy in from_dict(whole).issuers] == [True, False]


def test_profile_opendepot_lets_no_machine_in_unless_somebody_says_so() -> None:
    settings = from_dict(schema(profile="opendepot"))
    (policy,) = settings.issuers
    assert policy.machines == MachineClients(mode=MachineMode.OFF, group_by_subject=True)
    assert policy.groups.required
    assert not policy.client_from_audience
    assert settings.warnings == ()


def test_profile_opendepot_adds_to_the_machine_clients_that_are_configured() -> None:
    (policy,) = from_dict(schema(entry(machine_clients={"mode": "compat"}), profile="opendepot")).issuers
    assert policy.machines == MachineClients(mode=MachineMode.COMPAT, group_by_subject=True)
    assert policy.client_from_audience
    assert policy.groups.required


def test_profile_opendepot_reads_the_client_from_the_audience_in_mode_compat_only() -> None:
    strict = {"mode": "strict", "allow": ["job"]}
    (policy,) = from_dict(schema(entry(machine_clients=strict), profile="opendepot")).issuers
    assert not policy.client_from_audience
    (policy,) = from_dict(schema(entry(machine_clients=strict, preset="dex"), profile="opendepot")).issuers
    assert policy.client_from_audience


def test_mode_compat_is_warned_of() -> None:
    settings = loaded(machine_clients={"mode": "compat", "allow": ["job"]})
    assert settings.warnings == (
        (
            f"machine clients of {ISSUER} are recognised in mode compat: "
            "any token of that issuer to the listed clients, for any other audience, is let in as a machine's"
        ),
    )


def test_profile_rfc9068_takes_its_tokens_only() -> None:
    (policy,) = from_dict(schema(profile="rfc9068")).issuers
    assert policy.token_kind is TokenKind.RFC9068
    assert set(policy.require) == {CLIENT_ID, IAT, JTI}
