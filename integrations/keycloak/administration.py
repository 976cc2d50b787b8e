"""Keycloak's admin REST API, as far as tests need it: signing keys that come and go.

Knows one realm and the bootstrap administrator. Issues no tokens for tests and starts nothing.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import urllib3

from integrations.processes import IntegrationError, post_form

_HTTP = urllib3.PoolManager(timeout=urllib3.Timeout(total=10.0), retries=False)
_KEY_PROVIDER = "org.keycloak.keys.KeyProvider"
_RSA = "rsa-generated"


@dataclass(frozen=True, slots=True)
class Administration:
    """The administrator is a service account of the master realm, made at start and gone with the process."""

    base_url: str
    realm: str
    client_id: str
    client_secret: str = field(repr=False)

    def rotate_keys(self) -> str:
        """Add an RSA key that outranks the others, and return its `kid`. The old keys stay published."""
        realm_id = self._request("GET", "")["id"]
        priorities = [int(item["config"].get("priority", ["0"])[0]) for item in self._key_providers()]
        body = {
            "name": f"rotated-{secrets.token_hex(4)}",
            "providerId": _RSA,
            "providerType": _KEY_PROVIDER,
            "parentId": realm_id,
            "config": {
                "priority": [str(max(priorities, default=0) + 1)],
                "enabled": ["true"],
                "active": ["true"],
                "keySize": ["2048"],
                "algorithm": ["RS256"],
            },
        }
        self._request("POST", "/components", body)
        return self.active_kid()

    def retire_old_keys(self) -> tuple[str, ...]:
        """Remove every RSA signing key but the active one, and return the `kid`s that are no longer published."""
        active = self.active_kid()
        signing = [key for key in self._keys() if key.get("use") == "SIG" and key["type"] == "RSA"]
        retired = [key for key in signing if key["kid"] != active]
        for provider in {key["providerId"] for key in retired}:
            self._request("DELETE", f"/components/{provider}")
        return tuple(key["kid"] for key in retired)

    def active_kid(self) -> str:
        """The `kid` that new access tokens carry."""
        kid: str = self._request("GET", "/keys")["active"]["RS256"]
        return kid

    def _keys(self) -> list[dict[str, Any]]:
        keys: list[dict[str, Any]] = self._request("GET", "/keys")["keys"]
        return keys

    def _key_providers(self) -> list[dict[str, Any]]:
        providers: list[dict[str, Any]] = self._request("GET", f"/components?type={_KEY_PROVIDER}")
        return providers

    def _request(self, method: str, path: str, body: object = None) -> Any:
        headers = {"Authorization": f"Bearer {self._token()}", "Content-Type": "application/json"}
        url = f"{self.base_url}/admin/realms/{self.realm}{path}"
        response = _HTTP.request(method, url, headers=headers, body=None if body is None else json.dumps(body))
        if response.status not in (200, 201, 204):
            raise IntegrationError(f"Keycloak answered {response.status} to {method} {path}: {response.data[:500]!r}")
        return json.loads(response.data) if response.data else None

    def _token(self) -> str:
        # Asked for anew each time: the master realm's tokens live for one minute, a test run for longer.
        url = f"{self.base_url}/realms/master/protocol/openid-connect/token"
        fields = {"grant_type": "client_credentials"}
        return str(post_form(url, fields, username=self.client_id, password=self.client_secret)["access_token"])
