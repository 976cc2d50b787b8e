"""A registry laid out like Quay, two issuers of one Entra tenant with keys of their own, and tokens shaped like theirs.

The registry is the Flask application of integrations/quay; its HTTP client is injected, as Quay's is, and reaches the
issuers in memory. Expects no verdict.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bearergate.clocks import monotonic_clock
from bearergate.fetch import Fetched
from bearergate.testing import FakeIssuer, fetch_from
from integrations.quay.application import create_app

TENANT: Final = "11111111-2222-3333-4444-555555555555"
V1: Final = f"https://sts.windows.net/{TENANT}/"
V2: Final = f"https://login.microsoftonline.com/{TENANT}/v2.0"
CID: Final = "cid"
API: Final = "api://quay-api"
PORTAL: Final = "rhdh"


class _Body(io.BytesIO):
    """What is left of a body that arrived at once."""

    def read1(self, amt: int | None = -1, decode_content: bool = True) -> bytes:
        return super().read1(amt)


@dataclass(frozen=True)
class _Response:
    fetched: Fetched

    @property
    def status_code(self) -> int:
        return self.fetched.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self.fetched.headers

    @cached_property
    def raw(self) -> _Body:
        return _Body(self.fetched.body)

    def close(self) -> None:
        """There is no connection."""


@dataclass(frozen=True)
class MemorySession:
    """An HTTP client as Quay injects one, which reaches fake issuers and nothing else."""

    issuers: tuple[FakeIssuer, ...]

    def get(
        self, url: str, *, headers: Mapping[str, str], timeout: tuple[float, float], stream: bool, allow_redirects: bool
    ) -> _Response:
        fetch = fetch_from(*self.issuers)
        etag = headers.get("If-None-Match")
        return _Response(fetch(url, etag=etag, deadline=monotonic_clock() + timeout[1], max_bytes=10_000_000))


@dataclass
class Quay:
    """A running registry and its two issuers."""

    client: FlaskClient
    v1: FakeIssuer
    v2: FakeIssuer
    codes: dict[str, str] = field(default_factory=dict)
    """What the provider's token endpoint gives for a code."""

    def ask(self, token: str | None = None, *, authorization: str | None = None) -> TestResponse:
        """Call the API."""
        value = f"Bearer {token}" if token is not None else authorization
        headers = {} if value is None else {"Authorization": value}
        return self.client.get("/api/v1/user/", headers=headers)

    def status(self, token: str) -> int:
        """The status that the API answers with."""
        return self.ask(token).status_code

    def log_in(self, issuer: FakeIssuer, *, service: str = "azure", **claims: Any) -> TestResponse:
        """Log in for a web session: the provider gives an ID token with the nonce of this login."""
        asked = parse_qs(urlsplit(self.client.get(f"/oauth2/{service}/login").headers["Location"]).query)
        identity = {"nonce": asked["nonce"][0], "client_id": None, "aud": CID, **claims}
        self.codes["code"] = issuer.mint(identity)
        return self.client.get(f"/oauth2/{service}/callback?code=code&state={asked['state'][0]}")


def block(**settings: Any) -> dict[str, Any]:
    """A login block for Entra; None leaves a key out."""
    usual = {"OIDC_SERVER": f"{V2}/", "OIDC_ISSUERS": [V1, V2], "CLIENT_ID": CID, "CLIENT_SECRET": "unused"}
    return {key: value for key, value in {**usual, **settings}.items() if value is not None}


def entra() -> tuple[FakeIssuer, FakeIssuer]:
    """The issuers of a tenant's v1 and v2 tokens."""
    return FakeIssuer(V1, audience=CID), FakeIssuer(V2, audience=CID)


def quay(*, others: Mapping[str, Any] | None = None, issuers: tuple[FakeIssuer, ...] = (), **settings: Any) -> Quay:
    """A registry with one Entra block, and other blocks with their issuers."""
    v1, v2 = entra()
    codes: dict[str, str] = {}
    config = {"SERVER_HOSTNAME": "quay.test", "AZURE_LOGIN_CONFIG": block(**settings), **(others or {})}
    session = MemorySession((v1, v2, *issuers))
    app = create_app(config, lambda _, code: codes[code], session)
    return Quay(app.test_client(), v1, v2, codes)


def v1_claims(**changes: Any) -> dict[str, Any]:
    """What a v1 access token of Entra says beside issuer, audience and times."""
    return {
        "ver": "1.0", "appid": PORTAL, "appidacr": "1", "tid": TENANT, "oid": "0a1b2c3d-0000-4000-8000-000000000001",
        "sub": "pairwise-v1", "upn": "ada@example.com", "unique_name": "ada@example.com", "scp": "user_impersonation",
        "idp": V1, "aio": "E2Zg", "rh": "0.A", "uti": "u", "client_id": None, **changes,
    }  # fmt: skip


def v2_claims(**changes: Any) -> dict[str, Any]:
    """What a v2 access token of Entra says beside issuer, audience and times."""
    return {
        "ver": "2.0", "azp": PORTAL, "azpacr": "1", "tid": TENANT, "oid": "0a1b2c3d-0000-4000-8000-000000000001",
        "sub": "pairwise-v2", "preferred_username": "ada@example.com", "name": "Ada", "scp": "user_impersonation",
        "aio": "E2Zg", "rh": "0.A", "uti": "u", "client_id": None, **changes,
    }  # fmt: skip


def body(response: TestResponse) -> dict[str, Any]:
    """The members of an answer in JSON."""
    members: dict[str, Any] = json.loads(response.data)
    return members
