"""The registry of integrations/opendepot, in this process, and an issuer whose tokens look like Dex's. No verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import yaml
from starlette.testclient import TestClient

from bearergate import Reason
from bearergate.core.events import AccessGranted, Event, TokenAccepted, TokenRejected
from bearergate.core.handover import identity_members
from bearergate.testing import FakeIssuer
from bearergate.testing.signing import base64url
from integrations.opendepot.assembly import assemble
from integrations.opendepot.manifests import Manifests
from integrations.opendepot.settings import Flags

CLIENT: Final = "opendepot"
PIPELINE: Final = "ci-pipeline"
DEX: Final = FakeIssuer("https://dex.example.com/dex", alg="ES256", audience=CLIENT)
FLAGS: Final = Flags(issuer_url=DEX.issuer, client_id=CLIENT)
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
MACHINES: Final[dict[str, Any]] = {"allow_client_credentials": True}
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
    def granted(self) -> dict[str, Any]:
        """What the last token was let in for, and as whom."""
        last = self.events[-1]
        assert isinstance(last, AccessGranted)
        return {"binding": last.granted.binding, **identity_members(last.principal)}

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


def registry(
    folder: Path, bindings: Mapping[str, str], *, environment: Mapping[str, str] = _NOTHING, **flags: Any
) -> Registry:
    """A registry with these flags and variables, and a folder with one GroupBinding per name, for every module."""
    for name in ("bindings", "storage/modules/team/vpc/aws"):
        (folder / name).mkdir(parents=True)
    (folder / "storage/modules/team/vpc/aws/1.0.0.zip").write_bytes(b"")
    for name, expression in bindings.items():
        manifest = {
            "apiVersion": "opendepot.defdev.io/v1alpha1",
            "kind": "GroupBinding",
            "metadata": {"name": name},
            "spec": {"expression": expression, "moduleResources": ["*"]},
        }
        (folder / "bindings" / f"{name}.yaml").write_text(yaml.safe_dump(manifest), encoding="utf-8")
    events: list[Event] = []
    manifests = Manifests(folder / "bindings")
    assert manifests.bindings.problems == ()
    app = assemble(
        replace(FLAGS, **flags),
        storage=folder / "storage",
        manifests=manifests,
        environment={"OIDC_PRESET": "dex", **environment},
        fetch=DEX.fetch,
        observers=[events.append],
    ).application()
    return Registry(TestClient(app, raise_server_exceptions=True), events)
