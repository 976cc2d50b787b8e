"""A real Dex on loopback for end-to-end tests: its configuration, its static people and clients, its tokens.

Knows Dex's configuration file and token endpoint. Must not know bearergate, and must not look into the tokens.
"""

from __future__ import annotations

import json
import secrets
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from integrations.dex.binary import dex_binary, hash_password
from integrations.processes import Server, free_port, get_json, post_form, running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OURS = "bearergate"
PIPELINE = "ci-pipeline"
STRANGER = "stranger"
COMMAND_LINE = "opendepot"
"""A public client: a program on somebody's machine, which keeps no secret and waits for the browser on a port."""

ADA = "ada@example.test"
BOB = "bob@example.test"
MALLORY = "mallory@example.test"

USER_SCOPE = "openid email profile groups"
CLIENT_SCOPE = "openid profile groups"

_REDIRECT_URI = "http://127.0.0.1/callback"
_LOGIN_PORTS = range(10000, 10011)
_GRANT_TYPES = ("authorization_code", "password", "client_credentials")
_GROUPS: Mapping[str, tuple[str, ...]] = {
    ADA: ("platform", "platform/admins"),
    BOB: (),
    # Names that would be a machine's or the system's, if anybody believed them.
    MALLORY: (
        f"client:{PIPELINE}",
        f"CLIENT:{PIPELINE}",
        f"/client:{PIPELINE}",
        f"\uff43\uff4c\uff49\uff45\uff4e\uff54:{PIPELINE}",
        f"cli\u200bent:{PIPELINE}",
        "system:masters",
        "platform",
    ),
}
_USER_IDS: Mapping[str, str] = {ADA: "user-ada", BOB: "user-bob", MALLORY: PIPELINE}
_CLIENT_GROUPS: Mapping[str, tuple[str, ...]] = {PIPELINE: ("pipelines",), STRANGER: (f"client:{PIPELINE}", "platform")}


def audience_scope(client: str) -> str:
    """The scope that puts another client into `aud`; Dex grants it when that client trusts the asking one."""
    return f"audience:server:client_id:{client}"


@dataclass(frozen=True)
class Tokens:
    """One answer of the token endpoint. Dex sends an ID token only when `openid` was asked for."""

    access_token: str
    id_token: str | None
    expires_in: int


@dataclass(frozen=True)
class Dex:
    """A running Dex and what is needed to ask it for tokens."""

    issuer: str
    client_secrets: Mapping[str, str] = field(repr=False)
    passwords: Mapping[str, str] = field(repr=False)
    server: Server = field(repr=False)

    @property
    def jwks_uri(self) -> str:
        """Where the discovery document says that the keys are."""
        return str(get_json(f"{self.issuer}/.well-known/openid-configuration")["jwks_uri"])

    def user_tokens(
        self, *, client: str = OURS, username: str = ADA, scope: str = USER_SCOPE, nonce: str | None = None
    ) -> Tokens:
        """Tokens of a person, by the password grant."""
        fields = {"grant_type": "password", "username": username, "password": self.passwords[username], "scope": scope}
        return self._tokens(client, fields if nonce is None else {**fields, "nonce": nonce})

    def user_token(self, *, client: str = OURS, username: str = ADA, scope: str = USER_SCOPE) -> str:
        """The access token of a person."""
        return self.user_tokens(client=client, username=username, scope=scope).access_token

    def id_token(
        self, *, client: str = OURS, username: str = ADA, scope: str = USER_SCOPE, nonce: str | None = None
    ) -> str:
        """The ID token of a person."""
        tokens = self.user_tokens(client=client, username=username, scope=scope, nonce=nonce)
        assert tokens.id_token is not None, "Dex refuses a password grant without the scope openid"
        return tokens.id_token

    def client_tokens(self, *, client: str = PIPELINE, scope: str = CLIENT_SCOPE) -> Tokens:
        """Tokens of a machine, by the client-credentials grant. Dex allows it to every confidential client."""
        return self._tokens(client, {"grant_type": "client_credentials", "scope": scope})

    def client_token(self, *, client: str = PIPELINE, scope: str = CLIENT_SCOPE) -> str:
        """The access token of a machine."""
        return self.client_tokens(client=client, scope=scope).access_token

    def replace_keys(self) -> None:
        """New keys at once, the old ones gone: a restart on the same port, after which the memory storage is empty."""
        self.server.stop()
        self.server.start()

    def _tokens(self, client: str, fields: Mapping[str, str]) -> Tokens:
        answer = post_form(f"{self.issuer}/token", fields, username=client, password=self.client_secrets[client])
        id_token = answer.get("id_token")
        return Tokens(
            access_token=str(answer["access_token"]),
            id_token=None if not id_token else str(id_token),
            expires_in=int(str(answer["expires_in"])),
        )


@contextmanager
def running_dex(
    *, token_seconds: int = 3600, rotation_seconds: int = 6 * 3600, algorithm: str = "RS256"
) -> Iterator[Dex]:
    """A Dex of one's own, stopped at the end of the block.

    `algorithm` is RS256 or ES256. A rotation keeps the old key published for as long as its tokens live; Dex looks
    at its clock every 30 seconds only, so a shorter `rotation_seconds` rotates every 30 seconds.
    """
    port = free_port()
    issuer = f"http://127.0.0.1:{port}/dex"
    client_secrets = {client: secrets.token_urlsafe(24) for client in (OURS, PIPELINE, STRANGER)}
    client_secrets[COMMAND_LINE] = ""
    passwords = {username: secrets.token_urlsafe(16) for username in _GROUPS}
    signer = {"type": "local", "config": {"keysRotationPeriod": f"{rotation_seconds}s", "algorithm": algorithm}}
    with tempfile.TemporaryDirectory(prefix="bearergate-dex-") as folder:
        config = Path(folder) / "config.json"
        config.write_text(
            json.dumps(
                {
                    "issuer": issuer,
                    "storage": {"type": "memory"},
                    "web": {"http": f"127.0.0.1:{port}"},
                    "signer": signer,
                    "expiry": {"idTokens": f"{token_seconds}s"},
                    # Dex leaves client credentials out unless the grants are listed.
                    "oauth2": {
                        "grantTypes": list(_GRANT_TYPES),
                        "passwordConnector": "local",
                        "skipApprovalScreen": True,
                    },
                    "enablePasswordDB": True,
                    "staticPasswords": [_person(username, password) for username, password in passwords.items()],
                    "staticClients": [_client(client, secret) for client, secret in client_secrets.items()],
                }
            )
        )
        server = Server(
            [str(dex_binary()), "serve", str(config)],
            log=Path(folder) / "dex.log",
            ready_url=f"{issuer}/.well-known/openid-configuration",
        )
        with running(server):
            yield Dex(issuer=issuer, client_secrets=client_secrets, passwords=passwords, server=server)


def _person(username: str, password: str) -> dict[str, object]:
    name = username.partition("@")[0]
    return {
        "email": username,
        "username": name,
        "name": name.title(),
        "preferredUsername": name,
        "emailVerified": True,
        "userID": _USER_IDS[username],
        "groups": list(_GROUPS[username]),
        "hash": hash_password(password),
    }


def _client(client: str, secret: str) -> dict[str, object]:
    if not secret:
        ports = [f"http://localhost:{port}/login" for port in _LOGIN_PORTS]
        return {"id": client, "name": client, "public": True, "redirectURIs": ports}
    return {
        "id": client,
        "name": client,
        "secret": secret,
        "redirectURIs": [_REDIRECT_URI],
        # Ours lets the pipeline ask for tokens with our id in `aud`; the stranger is trusted by nobody.
        "trustedPeers": [PIPELINE] if client == OURS else [],
        "clientCredentialsClaims": {"groups": list(_CLIENT_GROUPS[client])} if client in _CLIENT_GROUPS else None,
    }
