"""Every faulty value of an issuer's settings: the path at which it is reported, and the whole sentence."""

from __future__ import annotations

from typing import Any

import pytest

from bearergate.config import from_dict
from tests.config.configurations import ALGORITHMS, ISSUER, NAMED, OTHER, UNQUOTED, entry, problems_of, schema

HTTPS = "must use https; http is only for loopback hosts, or with allow_insecure_http: true in a configuration file"
SUPPORTED = f"accepted: {ALGORITHMS}"
PREFIXES = "prefixes that begin like client: or system: belong to machine clients and the system"
ASYMMETRIC = "tokens are verified with the issuer's public keys only"

OF_AN_ENTRY: list[tuple[dict[str, Any], str, str]] = [
    ({"issuer": 1}, "issuer", "issuer must be a string, got int; write it in quotes"),
    ({"issuer": ""}, "issuer", "issuer must not be empty; write a value or remove the key"),
    ({"issuer": None}, "issuer", "issuer must be a string, got null; write one string in quotes"),
    ({"issuer": "http://a.example"}, "issuer", f"issuer {HTTPS}"),
    ({"issuer": "https://u:secret@a"}, "issuer", "issuer must not hold a user name or password"),
    ({"issuer": "https://a?x"}, "issuer", "issuer must not have a query"),
    ({"issuer": "https://a#x"}, "issuer", "issuer must not have a fragment"),
    ({"issuer": "HTTPS://a"}, "issuer", "issuer must start with https:// in lower case"),
    ({"issuer": "https://a:0"}, "issuer", "issuer must be a URL with a valid host and port"),
    ({"issuer": "https://a\\b"}, "issuer", "issuer must be a URL of printable ASCII characters without spaces"),
    (
        {"issuer": "https://login/{tenantid}/v2.0"},
        "issuer",
        "issuer must not be a template; name each tenant's own issuer",
    ),
    ({"issuer": "https://login/*/v2.0"}, "issuer", "issuer must not be a wildcard; name each tenant's own issuer"),
    (
        {"issuer": "https://a/.well-known/openid-configuration"},
        "issuer",
        "issuer must not be the address of a discovery document; write the issuer that the document names",
    ),
    (
        {"issuer": "https://a/.well-known/oauth-authorization-server/tenant"},
        "issuer",
        "issuer must not be the address of a discovery document; write the issuer that the document names",
    ),
    ({"aliases": "a"}, "aliases", 'aliases must be a list, got str; write it as ["a", "b"]'),
    ({"aliases": []}, "aliases", f"aliases must not be empty; {NAMED}"),
    ({"audiences": "api"}, "audiences", 'audiences must be a list, got str; write it as ["a", "b"]'),
    ({"audiences": ("api",)}, "audiences", 'audiences must be a list, got tuple; write it as ["a", "b"]'),
    ({"audiences": []}, "audiences", f"audiences must not be empty; {NAMED}"),
    ({"audiences": ["a", 1]}, "audiences", "audiences must contain only strings; write every item in quotes"),
    ({"audiences": ["a", ""]}, "audiences", "audiences must not contain empty strings; remove the empty items"),
    ({"audiences": ["a", "b", "a"]}, "audiences", "audiences must not contain duplicates: items 1 and 3 are the same"),
    ({"audiences": ["a", " b"]}, "audiences[1]", "audiences[1] must not begin or end with white space"),
    (
        {"audiences": ["a\x00b"]},
        "audiences[0]",
        "audiences[0] must have at most 2048 characters and no control characters",
    ),
    (
        {"audience_match": "some"},
        "audience_match",
        "audience_match must be one of any, all, exact, got 'some'",
    ),
    ({"allowed_clients": None}, "allowed_clients", 'allowed_clients must be a list, got null; write it as ["a", "b"]'),
    ({"allowed_clients": []}, "allowed_clients", f"allowed_clients must not be empty; {NAMED}"),
    (
        {"algorithms": ["RS257"]},
        "algorithms",
        f"algorithms must contain only supported algorithms, got 'RS257'; {SUPPORTED}",
    ),
    ({"algorithms": ["none"]}, "algorithms", f"algorithms must not contain 'none': {ASYMMETRIC}"),
    ({"algorithms": ["RS256", "HS256"]}, "algorithms", f"algorithms must not contain 'HS256': {ASYMMETRIC}"),
    (
        {"token_kind": "acess_token"},
        "token_kind",
        "token_kind must be one of access_token, id_token, any, rfc9068, got 'acess_token'; did you mean access_token?",
    ),
    ({"token_kind": True}, "token_kind", "token_kind must be a string, got bool; write it in quotes"),
    ({"leeway": True}, "leeway", "leeway must be a whole number, got bool; write digits only, without quotes"),
    ({"leeway": "30"}, "leeway", "leeway must be a whole number, got str; write digits only, without quotes"),
    ({"leeway": 1.5}, "leeway", "leeway must be a whole number, got float; write digits only, without quotes"),
    ({"leeway": -1}, "leeway", "leeway must be between 0 and 300, got -1"),
    ({"leeway": 301}, "leeway", "leeway must be between 0 and 300, got 301"),
    ({"max_token_age": 0}, "max_token_age", "max_token_age must be between 1 and 315360000, got 0"),
    (
        {"max_lifetime": "1h"},
        "max_lifetime",
        "max_lifetime must be a whole number, got str; write digits only, without quotes",
    ),
    (
        {"allow_insecure_http": "false"},
        "allow_insecure_http",
        f"allow_insecure_http must be true or false, got str; {UNQUOTED}",
    ),
    ({"require_groups": 1}, "require_groups", f"require_groups must be true or false, got int; {UNQUOTED}"),
    (
        {"require": "iat"},
        "require",
        (
            "require must be a list of claim names or a mapping, got str; "
            'write it as ["a", "b"], or each claim with its value'
        ),
    ),
    ({"require": []}, "require", f"require must not be empty; {NAMED}"),
    ({"require": {}}, "require", "require must not be empty; name at least one claim or remove the key"),
    ({"require": {"": "x"}}, "require", "require must not contain an empty claim name"),
    (
        {"require": {"hd": None}},
        "require.hd",
        "hd must be a string, a number or a boolean, got null; write one value, or a list of accepted values",
    ),
    ({"require": {"hd": []}}, "require.hd", "hd must not be empty; list the accepted values"),
    (
        {"require": {"hd": [float("nan")]}},
        "require.hd[0]",
        "hd[0] must be a string, a number or a boolean, got float; write one value, or a list of accepted values",
    ),
    (
        {"require": {"hd": {"a": 1}}},
        "require.hd",
        "hd must be a string, a number or a boolean, got dict; write one value, or a list of accepted values",
    ),
    ({"rules": []}, "rules", "rules must not be empty; write at least one expression or remove the key"),
    ({"rules": ["true"] * 101}, "rules", "rules must have at most 100 items, got 101"),
    (
        {"rules": ["claims.admin"]},
        "rules[0]",
        "rules[0] cannot be used: yields a value whose type is not known: compare it, as in claims.admin == true",
    ),
    (
        {"groups": "roles"},
        "groups",
        "groups must be a mapping, got str; write each of its settings as a key and a value",
    ),
    ({"groups": {"clame": "x"}}, "groups.clame", "unknown key clame: did you mean claim?"),
    ({"groups": {"claim": ""}}, "groups.claim", "claim must not be empty; write a value or remove the key"),
    ({"groups": {"prefix": "client:"}}, "groups.prefix", f"prefix could begin a reserved group name; {PREFIXES}"),
    ({"groups": {"prefix": "/CL"}}, "groups.prefix", f"prefix could begin a reserved group name; {PREFIXES}"),
    (
        {"preset": "entra"},
        "preset",
        (
            "preset must be one of entra-v1, entra-v2, dex, keycloak, okta, auth0, "
            "cognito, google, github-actions, gitlab-ci, kubernetes, got 'entra'"
        ),
    ),
    (
        {"preset": "octa"},
        "preset",
        (
            "preset must be one of entra-v1, entra-v2, dex, keycloak, okta, auth0, "
            "cognito, google, github-actions, gitlab-ci, kubernetes, got 'octa'; did you mean okta?"
        ),
    ),
    ({"discovery_url": "http://a.example"}, "discovery_url", f"discovery_url {HTTPS}"),
    ({"jwks_uri": "https://u@a"}, "jwks_uri", "jwks_uri must not hold a user name or password"),
    (
        {"discovery_url": "https://a", "jwks_uri": "https://b"},
        "discovery_url",
        "discovery_url cannot be used beside jwks_uri; keep one of them",
    ),
    (
        {"shares_keys_with": [ISSUER]},
        "shares_keys_with[0]",
        "shares_keys_with[0] must not name the entry's own issuer",
    ),
    (
        {"shares_keys_with": [OTHER]},
        "shares_keys_with[0]",
        "shares_keys_with[0] names an issuer that is not configured; write it exactly as that entry does",
    ),
    (
        {"shares_keys_with": OTHER},
        "shares_keys_with",
        'shares_keys_with must be a list, got str; write it as ["a", "b"]',
    ),
    ({"leeway": 10**5000}, "leeway", "leeway must be between 0 and 300, got a longer number"),
    ({"machine_clients": {"mode": "on"}}, "machine_clients.mode", "mode must be one of off, strict, compat, got 'on'"),
    (
        {"machine_clients": {"mode": "strict"}},
        "machine_clients.mode",
        (
            "mode lets in the listed machine clients only, and none is listed; "
            "list them in machine_clients.allow (OIDC_MACHINE_CLIENTS)"
        ),
    ),
    (
        {"machine_clients": {"mode": "compat"}, "preset": "google"},
        "machine_clients.mode",
        (
            "mode cannot be compat: preset google has no mark of machine clients; "
            "name the mark of the issuer, or switch machine clients off"
        ),
    ),
    (
        {"machine_clients": {"group_by_subject": True}},
        "machine_clients.group_by_subject",
        "group_by_subject cannot be set on its own; set the profile opendepot, which brings it",
    ),
    (
        {"tenant_keys_only": True},
        "tenant_keys_only",
        "tenant_keys_only cannot be set on its own; name the preset or profile that brings it",
    ),
    (
        {"issuer_slash": True},
        "issuer_slash",
        "issuer_slash is a switch of profile quay; set the profile quay, or remove it",
    ),
    (
        {"robot_messages": True},
        "robot_messages",
        "robot_messages belongs to the top level, beside registry",
    ),
    ({"allowd_clients": ["a"]}, "allowd_clients", "unknown key allowd_clients: did you mean allowed_clients?"),
]


@pytest.mark.parametrize(("settings", "path", "sentence"), OF_AN_ENTRY)
def test_a_faulty_setting_of_an_issuer_is_the_one_problem(settings: dict[str, Any], path: str, sentence: str) -> None:
    assert problems_of(from_dict, schema(entry(**settings))) == [(f"issuers[0].{path}", sentence)]


def test_an_unknown_preset_is_not_blamed_for_lacking_a_mark() -> None:
    whole = schema(entry(preset="entra", machine_clients={"mode": "strict", "allow": ["job"]}))
    assert [path for path, _ in problems_of(from_dict, whole)] == ["issuers[0].preset"]


def test_a_password_in_an_url_is_not_repeated() -> None:
    assert "secret" not in str(problems_of(from_dict, schema(entry(issuer="https://u:secret@a"))))
