"""The realm: its names, and the committed `realm.json` filled in with secrets that exist for one run only.

Knows the realm file. Does no network and starts nothing.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

REALM = "bearergate"
AUDIENCE = "bearergate-api"
USER = "alice"
CLI = "bearergate-cli"
PIPELINE = "ci-pipeline"
SHORT_LIVED = "short-lived"
STRANGER = "stranger"
ROBOT = "robot"
REFRESHER = "refresher"
CLIENTS = (CLI, PIPELINE, SHORT_LIVED, STRANGER, ROBOT, REFRESHER)
IMITATOR = f"service-account-{ROBOT}"

_PLACEHOLDER = re.compile(r"@[a-z-]+@")
# Keycloak copies a mapper into each client that carries it; naming them once keeps the clients' differences readable.
_MAPPERS = {
    "@audience-mapper@": {
        "name": "audience",
        "protocol": "openid-connect",
        "protocolMapper": "oidc-audience-mapper",
        "config": {"included.custom.audience": AUDIENCE, "access.token.claim": "true", "id.token.claim": "false"},
    },
    "@groups-mapper@": {
        "name": "groups",
        "protocol": "openid-connect",
        "protocolMapper": "oidc-group-membership-mapper",
        "config": {
            "claim.name": "groups",
            "full.path": "false",
            "access.token.claim": "true",
            "id.token.claim": "true",
            "userinfo.token.claim": "true",
        },
    },
}


def _generated() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True)
class Secrets:
    """Generated for one run; kept out of `repr`, because a failing test prints its arguments."""

    user_password: str = field(default_factory=_generated, repr=False)
    clients: dict[str, str] = field(default_factory=lambda: {name: _generated() for name in CLIENTS}, repr=False)


def rendered(values: Secrets) -> str:
    """The realm file as Keycloak imports it."""
    text = Path(__file__).with_name("realm.json").read_text(encoding="utf-8")
    replacements = {f'"{name}"': json.dumps(mapper) for name, mapper in _MAPPERS.items()}
    replacements['"@user-password@"'] = json.dumps(values.user_password)
    for client, secret in values.clients.items():
        replacements[f'"@{client}-secret@"'] = json.dumps(secret)
    for placeholder, value in replacements.items():
        text = text.replace(placeholder, value)
    left = _PLACEHOLDER.findall(text)
    if left:
        raise ValueError(f"realm.json has placeholders that nothing fills in: {left}")
    json.loads(text)
    return text
