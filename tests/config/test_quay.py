"""A Quay configuration is read as Quay reads it: same keys, same precedence, same defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bearergate.config import Settings, from_file, from_mapping, from_quay
from bearergate.core.policy import TokenKind
from tests.config.configurations import problems_of, written

TENANT = "11111111-2222-3333-4444-555555555555"
V1 = f"https://sts.windows.net/{TENANT}/"
V2 = f"https://login.microsoftonline.com/{TENANT}/v2.0"
SSO = "https://sso.example.com/realms/staff"


def block(**settings: Any) -> dict[str, object]:
    return {"OIDC_SERVER": f"{SSO}/", "CLIENT_ID": "cid", "CLIENT_SECRET": "hidden", "SERVICE_NAME": "SSO", **settings}


def read(**settings: Any) -> Settings:
    return from_quay({"SSO_LOGIN_CONFIG": block(**settings)})


def issuers_of(settings: Settings) -> list[str]:
    return [policy.issuer for policy in settings.issuers]


def test_a_block_of_a_file_becomes_settings_with_lines_as_origins(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "config.yaml",
        f"SERVER_HOSTNAME: quay.example.com\nAZURE_LOGIN_CONFIG:\n  OIDC_SERVER: {V2}/\n  OIDC_ISSUERS: [{V1}, {V2}]\n"
        "  OIDC_AUDIENCES:\n    - api://quay-api\n  OIDC_ALLOWED_CLIENTS: [rhdh]\n"
        "  CLIENT_ID: cid\n  CLIENT_SECRET: x\n"
        "  PREFERRED_GROUP_CLAIM_NAME: roles\n  LOGIN_SCOPES: [openid]\n",
    )
    settings = from_quay(path)
    assert issuers_of(settings) == [V1, V2]
    first = settings.issuers[0]
    assert first.audiences == {"api://quay-api", "cid"}
    assert first.allowed_clients == frozenset({"rhdh"})
    assert first.groups.claim == "roles"
    assert settings.origin("issuers[1].allowed_clients") == f"file {path} line 7"
    assert settings.warnings == ()
    # A file is recognised wherever a file can be named, and means the same there.
    assert from_file(path).issuers == settings.issuers
    assert from_mapping({"BEARERGATE_CONFIG": str(path)}).policy_version == settings.policy_version


def test_the_profile_and_the_defaults_are_quays() -> None:
    (policy,) = read().issuers
    assert (policy.issuer, policy.audiences, policy.allowed_clients, policy.leeway) == (
        SSO,
        frozenset({"cid"}),
        None,
        30,
    )
    assert (policy.token_kind, policy.refuse_impersonated) == (TokenKind.ANY, True)
    assert set(policy.require) == {"iat"}
    assert (policy.skip_nbf, policy.keys.shares_keys_with) == (False, ())


def test_the_list_of_issuers_takes_precedence_and_a_warning_says_so() -> None:
    settings = read(OIDC_ISSUERS=[V1], OIDC_ISSUER=V2)
    assert issuers_of(settings) == [V1]
    assert settings.warnings == (
        "SSO_LOGIN_CONFIG.OIDC_ISSUERS takes precedence; SSO_LOGIN_CONFIG.OIDC_ISSUER is ignored",
    )
    assert issuers_of(read(OIDC_ISSUER=V2)) == [V2]


@pytest.mark.parametrize(
    ("server", "issuer"),
    [
        (f"{SSO}/", SSO),
        (SSO, SSO),
        (f"{V2}/", V2),
        # The discovery document there names the issuer of v1 tokens.
        (f"https://login.microsoftonline.com/{TENANT}/", V1),
    ],
)
def test_without_an_issuer_it_is_the_one_that_the_server_names(server: str, issuer: str) -> None:
    assert issuers_of(read(OIDC_SERVER=server)) == [issuer]


def test_an_issuer_that_is_taken_from_an_address_may_end_with_a_slash() -> None:
    (policy,) = read().issuers
    assert (policy.aliases, policy.keys.slash_by_discovery) == ((f"{SSO}/",), True)
    for named in (read(OIDC_ISSUER=SSO), read(OIDC_ISSUERS=[SSO]), read(OIDC_SERVER=f"{V2}/")):
        assert (named.issuers[0].aliases, named.issuers[0].keys.slash_by_discovery) == ((), False)


def test_the_client_id_is_always_an_audience_and_stands_there_once() -> None:
    assert read(OIDC_AUDIENCES=["api"]).issuers[0].audiences == {"api", "cid"}
    assert read(OIDC_AUDIENCES=["cid", "api"]).issuers[0].audiences == {"api", "cid"}
    assert read(OIDC_AUDIENCES=["api"], CLIENT_ID=None).issuers[0].audiences == {"api"}


def test_every_issuer_has_keys_of_its_own_unless_the_block_says_otherwise() -> None:
    apart = read(OIDC_ISSUERS=[V1, V2, SSO])
    assert [policy.keys.shares_keys_with for policy in apart.issuers] == [(), (), ()]
    assert {policy.keys.discovery_url for policy in apart.issuers} == {None}
    shared = read(OIDC_ISSUERS=[V1, V2, SSO], OIDC_ISSUERS_SHARE_KEYS=True)
    assert [policy.keys.shares_keys_with for policy in shared.issuers] == [(V2, SSO), (V1, SSO), (V1, V2)]
    assert shared.origin("issuers[0].shares_keys_with") == "Quay config SSO_LOGIN_CONFIG.OIDC_ISSUERS_SHARE_KEYS"
    assert read(OIDC_ISSUERS=[V1], OIDC_ISSUERS_SHARE_KEYS=True).issuers[0].keys.shares_keys_with == ()


def test_issuers_of_entra_bring_their_preset() -> None:
    settings = read(OIDC_ISSUERS=[V1, V2, SSO])
    assert [policy.keys.tenant_keys_only for policy in settings.issuers] == [True, True, False]
    assert settings.origin("issuers[0].tenant_keys_only") == "preset entra-v1"
    assert settings.origin("issuers[1].tenant_keys_only") == "preset entra-v2"


def test_keys_of_a_single_issuer_are_where_the_server_is() -> None:
    split = read(OIDC_SERVER="https://sso.internal/realms/staff/", OIDC_ISSUER=SSO).issuers[0]
    assert split.keys.discovery_url == "https://sso.internal/realms/staff/.well-known/openid-configuration"
    # The usual block of an Entra customer: v1 tokens, and the v2 address as the server. Both publish their own keys.
    assert read(OIDC_SERVER=f"{V2}/", OIDC_ISSUER=V1).issuers[0].keys.discovery_url is None
    named = read(OIDC_ISSUERS=[SSO, V2], OIDC_JWKS_URIS={SSO: "https://sso.internal/keys"})
    assert [policy.keys.jwks_uri for policy in named.issuers] == ["https://sso.internal/keys", None]


def test_our_own_keys_are_settings_of_every_issuer_of_the_block() -> None:
    first, second = read(
        OIDC_ISSUERS=[SSO, V2], OIDC_ISSUER_SLASH=True, OIDC_SKIP_NBF=True, OIDC_LEEWAY=5, OIDC_ALGORITHMS=["ES256"]
    ).issuers
    assert (first.aliases, second.aliases) == ((f"{SSO}/",), (f"{V2}/",))
    assert {(each.skip_nbf, each.leeway, each.algorithms) for each in (first, second)} == {(True, 5, ("ES256",))}


def test_debugging_allows_plain_http_to_an_issuer_that_is_named_so_and_to_no_other() -> None:
    plain = "http://sso.internal/realms/staff"
    first, second = read(OIDC_ISSUERS=[plain, SSO], DEBUGGING=True).issuers
    assert (first.keys.allow_insecure_http, second.keys.allow_insecure_http) == (True, False)
    assert "must use https" in problems_of(from_quay, {"SSO_LOGIN_CONFIG": block(OIDC_ISSUER=plain)})[0][1]


def test_several_blocks_are_read_together_or_one_by_one() -> None:
    config: dict[str, object] = {
        "AZURE_LOGIN_CONFIG": block(OIDC_SERVER=f"{V2}/", OIDC_AUDIENCES=["api://quay"]),
        "GITHUB_LOGIN_CONFIG": {"GITHUB_ENDPOINT": "https://github.com/"},
        "GOOGLE_LOGIN_CONFIG": {"CLIENT_ID": "g"},
        "SSO_LOGIN_CONFIG": block(CLIENT_ID="sso-client"),
        "OLD_LOGIN_CONFIG": None,
        "PREFERRED_URL_SCHEME": "https",
    }
    settings = from_quay(config)
    assert [(policy.issuer, policy.audiences) for policy in settings.issuers] == [
        (V2, frozenset({"api://quay", "cid"})),
        (SSO, frozenset({"sso-client"})),
    ]
    assert issuers_of(from_quay(config, block="SSO_LOGIN_CONFIG")) == [SSO]


def test_what_concerns_login_only_is_passed_over_and_what_nobody_knows_is_a_warning() -> None:
    login = {"USE_PKCE": True, "PREFERRED_USERNAME_CLAIM_NAME": "email", "OIDC_DISABLE_USER_ENDPOINT": True}
    assert read(**login).warnings == ()
    assert read(FAVOURITE_COLOUR="red").warnings == (
        "SSO_LOGIN_CONFIG.FAVOURITE_COLOUR says nothing about tokens that bearergate knows, and is ignored",
    )
