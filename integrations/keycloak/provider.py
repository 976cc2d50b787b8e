"""`running_keycloak()`: one real Keycloak on loopback, and the tokens it issues.

Knows how to start and stop the server and how to ask for tokens. Judges no token: the tests above it do that.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from integrations.keycloak.administration import Administration
from integrations.keycloak.distribution import BUILT_IN, java_command, new_home
from integrations.keycloak.realm import (
    AUDIENCE,
    CLI,
    IMITATOR,
    PIPELINE,
    REALM,
    REFRESHER,
    ROBOT,
    SHORT_LIVED,
    STRANGER,
    USER,
    Secrets,
    rendered,
)
from integrations.processes import IntegrationError, Server, free_port, post_form

__all__ = [
    "AUDIENCE",
    "CLI",
    "IMITATOR",
    "PIPELINE",
    "REFRESHER",
    "ROBOT",
    "SHORT_LIVED",
    "STRANGER",
    "USER",
    "Keycloak",
    "running_keycloak",
]

START_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Keycloak:
    """A running server. Every call asks the server anew; no token is kept."""

    issuer: str
    administration: Administration = field(repr=False)
    secrets: Secrets = field(repr=False)

    def user_token(self, client: str = CLI, scope: str = "openid", username: str = USER) -> str:
        """An access token of a person (`USER` or `IMITATOR`), issued to `client` (all but `PIPELINE`, `REFRESHER`)."""
        return self._person(client, scope, "access_token", username)

    def exchanged_token(self, subject_token: str, client: str = ROBOT) -> str:
        """The access token that `client` gets for the token of a person (RFC 8693)."""
        access_token = "urn:ietf:params:oauth:token-type:access_token"
        fields = {"subject_token": subject_token, "subject_token_type": access_token}
        fields["requested_token_type"] = access_token
        grant = "urn:ietf:params:oauth:grant-type:token-exchange"
        return self._grant(client, {"grant_type": grant, **fields}, "access_token")

    def id_token(self, client: str = CLI) -> str:
        """An ID token of the person `USER`: proves a sign-in to `client`, is no key to an API."""
        return self._person(client, "openid", "id_token", USER)

    def client_token(self, client: str = PIPELINE, scope: str = "") -> str:
        """An access token of `client` itself (`PIPELINE`, `SHORT_LIVED`, `STRANGER`, `REFRESHER`), without a person."""
        return self._grant(client, {"grant_type": "client_credentials", "scope": scope}, "access_token")

    def rotate_keys(self) -> str:
        """Sign with a new key from now on and return its `kid`; the old key is still published."""
        return self.administration.rotate_keys()

    def retire_old_keys(self) -> tuple[str, ...]:
        """Publish only the signing key in use. Returns the `kid`s that are gone."""
        return self.administration.retire_old_keys()

    def _person(self, client: str, scope: str, kind: str, username: str) -> str:
        person = {"username": username, "password": self.secrets.user_password}
        return self._grant(client, {"grant_type": "password", "scope": scope, **person}, kind)

    def _grant(self, client: str, fields: dict[str, str], kind: str) -> str:
        url = f"{self.issuer}/protocol/openid-connect/token"
        fields = {name: value for name, value in fields.items() if value}
        token = post_form(url, fields, username=client, password=self.secrets.clients[client]).get(kind)
        if not isinstance(token, str):
            raise IntegrationError(f"Keycloak granted {client} no {kind}.")
        return token


@contextmanager
def running_keycloak() -> Iterator[Keycloak]:
    """Keycloak with the test realm, stopped however the block ends. Once per test run: a start takes 15 seconds."""
    with tempfile.TemporaryDirectory(prefix="bearergate-keycloak-") as folder:
        home = Path(folder).resolve()
        new_home(home)
        values = Secrets()
        # The temporary folder is for its owner alone, and so the filled-in realm file is too.
        (home / "data" / "import" / "realm.json").write_text(rendered(values), encoding="utf-8")
        base_url = f"http://127.0.0.1:{free_port()}"
        administration = Administration(base_url, REALM, f"admin-{secrets.token_hex(4)}", secrets.token_urlsafe(32))
        issuer = f"{base_url}/realms/{REALM}"
        server = _server(home, issuer, administration)
        server.start(deadline_seconds=START_SECONDS)
        try:
            yield Keycloak(issuer, administration, values)
        finally:
            server.stop()


def _server(home: Path, issuer: str, administration: Administration) -> Server:
    port = administration.base_url.rpartition(":")[2]
    command = [*java_command(home), *BUILT_IN, "--import-realm", "--http-host=127.0.0.1", f"--http-port={port}"]
    # Without a pinned host name Keycloak builds `iss` from the Host header of whoever asks for a token.
    command.append(f"--hostname={administration.base_url}")
    # The environment and not the command line, which every user of the machine can read.
    environment = {
        "KC_BOOTSTRAP_ADMIN_CLIENT_ID": administration.client_id,
        "KC_BOOTSTRAP_ADMIN_CLIENT_SECRET": administration.client_secret,
    }
    ready_url = f"{issuer}/.well-known/openid-configuration"
    return Server(command, log=home / "data" / "keycloak.log", ready_url=ready_url, environment=environment)
