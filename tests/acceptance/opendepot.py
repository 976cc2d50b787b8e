"""A registry that is protected as OpenDepot protects its own, and an issuer whose tokens look like Dex's.

The registry is an ASGI application behind BearerMiddleware: every module needs a token and a binding that grants it.
It is set up by the variables that replace OpenDepot's flags. Expects no verdict.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from bearergate import AccessDenied, Reason, Validator
from bearergate.asgi import PRINCIPAL, BearerMiddleware
from bearergate.config import from_mapping
from bearergate.config.group_bindings import MODULE, read_group_bindings
from bearergate.core.bearer import answer
from bearergate.core.bindings import Resource
from bearergate.core.events import Event, TokenAccepted, TokenRejected
from bearergate.core.handover import identity_members
from bearergate.testing import FakeIssuer
from bearergate.testing.signing import base64url

CLIENT: Final = "opendepot"
PIPELINE: Final = "ci-pipeline"
DEX: Final = FakeIssuer("https://dex.example.com/dex", alg="ES256", audience=CLIENT)
FLAGS: Final[Mapping[str, str]] = {
    "OIDC_PRESET": "dex",
    "OIDC_ISSUER": DEX.issuer,
    "OIDC_CLIENT_ID": CLIENT,
    "OIDC_ALLOW_CLIENT_CREDENTIALS": "false",
}
"""`--oidc-issuer-url` and `--oidc-client-id`, and `--oidc-allow-client-credentials` as OpenDepot has it by default."""
MACHINES: Final = {"OIDC_ALLOW_CLIENT_CREDENTIALS": "true"}
"""`--oidc-allow-client-credentials`."""


def dex_subject(user: str, connector: str = "") -> str:
    """A subject as Dex writes it."""
    fields = [(1, user)] + ([(2, connector)] if connector else [])
    return base64url(b"".join(bytes([number << 3 | 2, len(text)]) + text.encode() for number, text in fields))


def user_token(**claims: Any) -> str:
    """A person's token for the registry; None leaves a claim out."""
    person = {"sub": dex_subject("user-ada", "ldap"), "at_hash": "Qm7Vr4Tz8Lp9wHk2", "email": "ada@example.com"}
    return DEX.mint({**person, "client_id": None, **claims}, header={"typ": None})


def machine_token(**claims: Any) -> str:
    """A token that the client ci-pipeline got for itself: Dex names the client in `aud` only."""
    machine = {"sub": dex_subject(PIPELINE), "aud": PIPELINE, "at_hash": "Qm7Vr4Tz8Lp9wHk2", "name": PIPELINE}
    return DEX.mint({**machine, "client_id": None, **claims}, header={"typ": None})


@dataclass(frozen=True)
class Registry:
    """A running registry, what it was asked, and what it noted down."""

    client: TestClient
    events: list[Event] = field(default_factory=list)

    def ask(self, token: str | None = None, *, authorization: str | None = None, module: str = "vpc") -> int:
        """The status of a request for the versions of a module."""
        status: int = self.response(token, authorization=authorization, module=module).status_code
        return status

    def response(self, token: str | None = None, *, authorization: str | None = None, module: str = "vpc") -> Any:
        """The answer to a request for the versions of a module."""
        value = f"Bearer {token}" if token is not None else authorization
        headers = {} if value is None else {"Authorization": value}
        return self.client.get(f"/opendepot/modules/v1/team/{module}/aws/versions", headers=headers)

    @property
    def reason(self) -> Reason | None:
        """Why the last token was refused; None if it was not."""
        last = self._last()
        return last.reason if isinstance(last, TokenRejected) else None

    @property
    def accepted(self) -> TokenAccepted:
        """The event of the last token, which was accepted."""
        last = self._last()
        assert isinstance(last, TokenAccepted)
        return last

    def _last(self) -> TokenAccepted | TokenRejected:
        return next(event for event in reversed(self.events) if isinstance(event, TokenAccepted | TokenRejected))


def registry(folder: Path, bindings: Mapping[str, str], *, profile: str = "opendepot", **flags: str) -> Registry:
    """A registry with these flags, and a folder with one GroupBinding per name that grants every module."""
    flags = {**FLAGS, **flags, **({"OIDC_PROFILE": profile} if profile else {})}
    for name, expression in bindings.items():
        manifest = {
            "apiVersion": "opendepot.defdev.io/v1alpha1",
            "kind": "GroupBinding",
            "metadata": {"name": name},
            "spec": {"expression": expression, "moduleResources": ["*"]},
        }
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(manifest), encoding="utf-8")
    events: list[Event] = []
    settings = from_mapping(flags)
    validator = settings.validator(fetch=DEX.fetch, observers=[events.append])
    groups_claim = settings.issuers[0].groups.claim
    app = Starlette(
        routes=[Route("/opendepot/modules/v1/{namespace}/{name}/{system}/versions", _versions(folder, groups_claim))],
        middleware=[Middleware(_protected(validator))],
    )
    return Registry(TestClient(app, raise_server_exceptions=True), events)


def _protected(validator: Validator) -> Callable[..., BearerMiddleware]:
    return lambda app: BearerMiddleware(app, validator, realm="opendepot")


def _versions(folder: Path, groups_claim: str) -> Callable[[Request], Response]:
    bindings = read_group_bindings(folder)
    assert bindings.problems == ()

    def versions(request: Request) -> Response:
        principal = request.scope[PRINCIPAL]
        module = Resource(MODULE, request.path_params["name"])
        try:
            granted = bindings.authorize(principal, module, groups_claim=groups_claim)
        except AccessDenied as denied:
            refused = answer(denied)
            return Response(refused.body, refused.status, dict(refused.headers))
        return JSONResponse({"binding": granted.name, **identity_members(principal)})

    return versions


def body(response: Any) -> dict[str, Any]:
    """The members of an answer in JSON."""
    members: dict[str, Any] = json.loads(response.content)
    return members
