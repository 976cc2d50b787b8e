"""What is particular about each provider, as settings that an operator could have written. Data only.

Three of the settings exist only here and in profiles.py: an operator turns them on by naming the provider.
A preset without `machine_clients.mark` has no sign by which client-credentials tokens are told from people's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PRESETS: Final[Mapping[str, Mapping[str, object]]] = {
    # One JWK Set holds the keys of many tenants, each marked with its issuer.
    "entra-v1": {"tenant_keys_only": True, "machine_clients": {"mark": "entra"}},
    "entra-v2": {"tenant_keys_only": True, "machine_clients": {"mark": "entra"}},
    # Its access tokens carry `at_hash` and, after a password grant, no client but the audience.
    "dex": {"token_kind": "any", "client_from_audience": True, "machine_clients": {"mark": "dex"}},
    "keycloak": {"machine_clients": {"mark": "keycloak"}},
    "okta": {"machine_clients": {"mark": "okta"}},
    "auth0": {"machine_clients": {"mark": "auth0"}},
    "cognito": {"groups": {"claim": "cognito:groups"}, "machine_clients": {"mark": "cognito"}},
    # Google's access tokens are opaque, so every JWT of this issuer is an ID token; some spell `iss` without a scheme.
    "google": {"aliases": ["accounts.google.com"], "token_kind": "id_token"},
    # Tokens of CI jobs are called ID tokens by their makers but carry none of an ID token's marks (`nonce`,
    # `at_hash`, ...), so the default kind fits. Every one of them is a machine's: there is no mark to tell them apart.
    "github-actions": {"token_kind": "access_token"},
    "gitlab-ci": {"token_kind": "access_token"},
    # Service-account tokens have no `typ`. In a cluster, `ca_file` names the mounted certificate of the API server;
    # that stays explicit, because managed clusters publish their keys on a public host.
    "kubernetes": {"token_kind": "access_token"},
}
