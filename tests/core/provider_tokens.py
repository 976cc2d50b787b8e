"""Tokens as seven providers shape them, and a validator for each provider that is set up as its operator would.

Reads tables/machine_tokens.json, and judges a token in every way there is. Expects no verdict.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from bearergate import Principal, Reason, Refusal, Validator
from bearergate.config import from_dict
from bearergate.core.claims import CLIENT_CLAIMS
from bearergate.testing import FakeIssuer
from bearergate.testing.signing import base64url

NOW: Final = 1_800_000_000
MACHINE: Final = "machine"
PERSON: Final = "person"
_TABLE: Final = Path(__file__).parent / "tables" / "machine_tokens.json"


@dataclass(frozen=True, kw_only=True)
class Token:
    """One shape of a token: how it was granted, what it holds, and what must become of it in each mode."""

    grant: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    strict: str
    compat: str
    """`machine`, `person`, or the reason of the refusal; likewise `strict`."""
    client: str | None
    """The acting client, where the token is accepted."""
    groups: tuple[str, ...]
    """What its groups claim says."""
    why: str

    @property
    def names_its_client(self) -> bool:
        """Whether a claim names the client; else its one audience does (Dex)."""
        return any(name in self.claims for name in CLIENT_CLAIMS)

    def __str__(self) -> str:
        return f"{self.grant} ({self.why})" if self.why else self.grant


class Provider:
    """One provider: its tokens, signed by an issuer of its name, and validators with its preset."""

    def __init__(self, name: str, entry: Mapping[str, Any]) -> None:
        self.name = name
        self.mark: str = entry["mark"]
        self.preset: str | None = entry["preset"]
        self.audience: str = entry["audience"]
        self.allow: list[str] = entry["allow"]
        self.has_no: list[str] = entry["has_no"]
        self.groups_claim: str = entry.get("groups_claim", "groups")
        self.tokens = tuple(_token(item) for item in entry["tokens"])
        self.issuer = FakeIssuer(entry["issuer"], alg="ES256", clock=lambda: NOW)

    def __str__(self) -> str:
        return self.name

    def token_of(self, grant: str) -> Token:
        """The first shape of this grant that is accepted in mode strict."""
        return next(each for each in self.tokens if each.grant == grant and each.strict in (MACHINE, PERSON))

    def renamed(self, token: Token, client: str) -> dict[str, Any]:
        """What changes in the claims of a machine's token when its client has another id."""
        changes = {name: _renamed(value, str(token.client), client) for name, value in token.claims.items()}
        if self.preset == "dex":
            length = len(client.encode())
            size = bytes([length]) if length < 128 else bytes([length & 127 | 128, length >> 7])
            changes["sub"] = base64url(b"\x0a" + size + client.encode())
        return changes

    def signed(self, token: Token, changes: Mapping[str, Any] | None = None) -> str:
        """The token, good for five minutes, with these claims changed; None leaves one out."""
        times = {"iat": NOW, "nbf": NOW, "exp": NOW + 300}
        members = {"iss": self.issuer.issuer, **times, **token.claims, **(changes or {})}
        key = self.issuer.signing_key
        header = {"alg": key.alg, "kid": key.kid, **token.header}
        return self.issuer.mint_raw(header, {name: value for name, value in members.items() if value is not None})

    def validator(self, *, top: Mapping[str, Any] | None = None, **settings: Any) -> Validator:
        """What an operator gets who writes the preset, the audience and these settings; `top` is beside `issuers`."""
        brought = {"preset": self.preset} if self.preset else {}
        groups = {} if self.groups_claim in ("groups", "cognito:groups") else {"groups": {"claim": self.groups_claim}}
        entry = {"issuer": self.issuer.issuer, "audiences": [self.audience], **brought, **groups, **settings}
        loaded = from_dict({"issuers": [entry], **(top or {})})
        return loaded.validator(fetch=self.issuer.fetch, clock=lambda: NOW)

    def strict(self, **settings: Any) -> Validator:
        """A validator that lets the listed machine clients in by the provider's mark."""
        return self.validator(machine_clients={"mode": "strict", "allow": self.allow}, **settings)


def _token(item: Mapping[str, Any]) -> Token:
    return Token(
        grant=item["grant"],
        header=item.get("header", {}),
        claims=item["claims"],
        strict=item["strict"],
        compat=item["compat"],
        client=item.get("client"),
        groups=tuple(item.get("groups", ())),
        why=item.get("why", ""),
    )


def _renamed(value: Any, old: str, new: str) -> Any:
    if isinstance(value, list):
        return [_renamed(item, old, new) for item in value]
    return value.replace(old, new) if isinstance(value, str) else value


@cache
def providers() -> tuple[Provider, ...]:
    """Every provider of the table."""
    table = json.loads(_TABLE.read_text(encoding="utf-8"))
    return tuple(Provider(name, entry) for name, entry in table.items())


def judged(validator: Validator, token: str) -> Principal | Reason:
    """The principal or the reason of the refusal; validate and explain must say the same."""
    report = validator.explain(token)
    found: Principal | Reason
    try:
        found = validator.validate(token)
    except Refusal as refused:
        found = refused.reason
    assert (report.principal or report.reason) == found
    return found
