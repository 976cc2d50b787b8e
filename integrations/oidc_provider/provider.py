"""A real oidc-provider on loopback for end-to-end tests: its people, clients and resources, its tokens and keys.

Knows what server.mjs wants to be told and the token endpoint. Must not know bearergate, and must not look into tokens.
"""

from __future__ import annotations

import json
import secrets
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from integrations.oidc_provider.authorization_code import authorize
from integrations.oidc_provider.installation import lay_out, node
from integrations.processes import Server, free_port, get_json, post_form, running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OURS = "bearergate"
PIPELINE = "ci-pipeline"
STRANGER = "stranger"

ADA = "ada"
BOB = "bob"

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
OTHER_RESOURCE = "https://other.example.test/"

USER_SCOPE = "openid email groups read"
CLIENT_SCOPE = "read write"

_RESOURCE_SCOPE = "read write"
_REDIRECT_URI = "http://127.0.0.1/callback"
_GROUPS: Mapping[str, tuple[str, ...]] = {ADA: ("platform", "platform/admins"), BOB: ()}


def resource_signed_with(algorithm: str) -> str:
    """Our resource indicator whose access tokens are signed with the algorithm, one of ALGORITHMS."""
    return f"https://api.example.test/{algorithm.lower()}"


OUR_RESOURCE = resource_signed_with("RS256")


@dataclass(frozen=True)
class Tokens:
    """One answer of the token endpoint. The provider sends an ID token to people only, when `openid` was asked for."""

    access_token: str
    id_token: str | None
    expires_in: int


@dataclass(frozen=True)
class OidcProvider:
    """A running oidc-provider and what is needed to ask it for tokens.

    Without a resource it issues opaque access tokens, with one JWTs whose audience is the resource.
    """

    issuer: str
    client_secrets: Mapping[str, str] = field(repr=False)
    server: Server = field(repr=False)

    @property
    def jwks_uri(self) -> str:
        """Where the discovery document says that the keys are."""
        return self._endpoint("jwks_uri")

    def user_tokens(
        self,
        *,
        client: str = OURS,
        username: str = ADA,
        scope: str = USER_SCOPE,
        resource: str | None = OUR_RESOURCE,
        nonce: str | None = None,
    ) -> Tokens:
        """Tokens of a person, by the authorization-code grant with PKCE."""
        asked = {"client_id": client, "scope": scope, "login_hint": username}
        optional = {"resource": resource, "nonce": nonce}
        asked.update({name: value for name, value in optional.items() if value is not None})
        granted = authorize(self._endpoint("authorization_endpoint"), asked, redirect_uri=_REDIRECT_URI)
        return self._tokens(
            client,
            {
                "grant_type": "authorization_code",
                "code": granted.code,
                "code_verifier": granted.verifier,
                "redirect_uri": _REDIRECT_URI,
            },
        )

    def user_token(
        self,
        *,
        client: str = OURS,
        username: str = ADA,
        scope: str = USER_SCOPE,
        resource: str | None = OUR_RESOURCE,
    ) -> str:
        """The access token of a person."""
        return self.user_tokens(client=client, username=username, scope=scope, resource=resource).access_token

    def id_token(
        self, *, client: str = OURS, username: str = ADA, scope: str = USER_SCOPE, nonce: str | None = None
    ) -> str:
        """The ID token of a person; the scope must contain `openid`."""
        tokens = self.user_tokens(client=client, username=username, scope=scope, nonce=nonce)
        if tokens.id_token is None:
            raise ValueError("an ID token is issued only when the scope contains openid")
        return tokens.id_token

    def client_tokens(
        self, *, client: str = PIPELINE, scope: str = CLIENT_SCOPE, resource: str | None = OUR_RESOURCE
    ) -> Tokens:
        """Tokens of a machine, by the client-credentials grant."""
        fields = {"grant_type": "client_credentials", "scope": scope}
        return self._tokens(client, fields if resource is None else {**fields, "resource": resource})

    def client_token(
        self, *, client: str = PIPELINE, scope: str = CLIENT_SCOPE, resource: str | None = OUR_RESOURCE
    ) -> str:
        """The access token of a machine."""
        return self.client_tokens(client=client, scope=scope, resource=resource).access_token

    def rotate_keys(self, *, keep_old: bool = True) -> None:
        """Sign with new keys from now on, after a restart on the same port; the old ones stay published or vanish."""
        self.server.stop()
        self.server.start("add-keys" if keep_old else "replace-keys")

    def _endpoint(self, name: str) -> str:
        return str(get_json(f"{self.issuer}/.well-known/openid-configuration")[name])

    def _tokens(self, client: str, fields: Mapping[str, str]) -> Tokens:
        secret = self.client_secrets[client]
        answer = post_form(self._endpoint("token_endpoint"), fields, username=client, password=secret)
        id_token = answer.get("id_token")
        return Tokens(
            access_token=str(answer["access_token"]),
            id_token=None if id_token is None else str(id_token),
            expires_in=int(str(answer["expires_in"])),
        )


@contextmanager
def running_oidc_provider(*, token_seconds: int = 3600, id_token_algorithm: str = "RS256") -> Iterator[OidcProvider]:
    """An oidc-provider of one's own, stopped at the end of the block."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    client_secrets = {client: secrets.token_urlsafe(24) for client in (OURS, PIPELINE, STRANGER)}
    with tempfile.TemporaryDirectory(prefix="bearergate-oidc-provider-") as name:
        folder = Path(name)
        config = folder / "config.json"
        config.write_text(
            json.dumps(
                {
                    "port": port,
                    "issuer": issuer,
                    "keysFile": str(folder / "keys.json"),
                    "tokenSeconds": token_seconds,
                    "people": {person: _person(person) for person in _GROUPS},
                    "resources": _resources(),
                    "clients": [
                        _client(client, secret, id_token_algorithm) for client, secret in client_secrets.items()
                    ],
                }
            )
        )
        server = Server(
            [node(), str(lay_out(folder)), str(config)],
            log=folder / "oidc-provider.log",
            ready_url=f"{issuer}/.well-known/openid-configuration",
        )
        with running(server):
            yield OidcProvider(issuer=issuer, client_secrets=client_secrets, server=server)


def _resources() -> dict[str, dict[str, str]]:
    ours = {resource_signed_with(algorithm): algorithm for algorithm in ALGORITHMS}
    everyones = {**ours, OTHER_RESOURCE: "RS256"}
    return {resource: {"alg": algorithm, "scope": _RESOURCE_SCOPE} for resource, algorithm in everyones.items()}


def _person(name: str) -> dict[str, object]:
    return {
        "name": name.title(),
        "email": f"{name}@example.test",
        "email_verified": True,
        "groups": list(_GROUPS[name]),
    }


def _client(client: str, secret: str, id_token_algorithm: str) -> dict[str, object]:
    # The pipeline is a machine only: it has nowhere to send a person back to.
    grants = ["client_credentials"] if client == PIPELINE else ["authorization_code", "client_credentials"]
    return {
        "client_id": client,
        "client_secret": secret,
        "grant_types": grants,
        "response_types": [] if client == PIPELINE else ["code"],
        "redirect_uris": [] if client == PIPELINE else [_REDIRECT_URI],
        "id_token_signed_response_alg": id_token_algorithm,
    }
