"""Principals, claims and policies to try rules on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bearergate.core.claims import UnverifiedClaims
from bearergate.core.policy import IssuerPolicy
from bearergate.core.principal import Principal

PRINCIPAL = Principal(
    issuer="https://issuer.test",
    subject="user-1",
    client_id="app",
    client_id_claim="client_id",
    audiences=("api",),
    scopes=frozenset(),
    groups=(),
    token_kind="access_token",
    expires_at=1_800_000_300.0,
    claims={},
)


def principal(**changes: Any) -> Principal:
    return replace(PRINCIPAL, **changes)


def claims(**members: Any) -> UnverifiedClaims:
    return UnverifiedClaims({"iss": "https://issuer.test", "sub": "user-1", "aud": "api", **members})


def policy(**changes: Any) -> IssuerPolicy:
    return IssuerPolicy(issuer="https://issuer.test", audiences=frozenset({"api"}), **changes)
