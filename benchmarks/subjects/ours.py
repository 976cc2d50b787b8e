"""Ours, in every configuration that has a row: with msgspec and without, cold and warm, with the audit log."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from benchmarks.jobs import Job, verifying
from benchmarks.scene import ALGORITHMS, Scene

if TYPE_CHECKING:
    from bearergate import Validator
    from bearergate.fetch import Fetch, Fetched

WARM: Final = 4096
COLD: Final = 0


def fast(scenes: Mapping[str, Scene]) -> dict[str, Job]:
    """Extra `fast`, and no token is remembered."""
    # So that a missing one is no silent change of what is measured.
    import msgspec  # noqa: F401
    import pybase64  # noqa: F401

    return _cold(scenes)


def fast_and_read(scenes: Mapping[str, Scene]) -> dict[str, Job]:
    """The same, and the application looks at the groups and at all claims, which are built when they are asked for."""
    return {name: verifying(scenes[name], _reading(validator(scenes[name], COLD))) for name in ALGORITHMS}


def plain(scenes: Mapping[str, Scene]) -> dict[str, Job]:
    """The standard library only."""
    hide_msgspec()
    return _cold(scenes)


def warm(scenes: Mapping[str, Scene]) -> dict[str, Job]:
    """As it comes: a token that was proven a short while ago is not proven again."""
    return {name: verifying(scenes[name], validator(scenes[name], WARM).validate) for name in ALGORITHMS}


def audited(scenes: Mapping[str, Scene]) -> dict[str, Job]:
    """Extra `fast`, no token is remembered, and every decision is a line of the audit log."""
    from bearergate.observers import AUDIT_LOGGER, AuditLog

    logger = logging.getLogger(AUDIT_LOGGER)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    # Formatted and written; where to is the machine's business.
    logger.addHandler(logging.FileHandler(os.devnull))
    log = [AuditLog()]
    return {name: verifying(scenes[name], validator(scenes[name], COLD, log).validate) for name in ALGORITHMS}


def hide_msgspec() -> None:
    """As if it were not installed."""
    sys.modules["msgspec"] = None  # type: ignore[assignment]


def validator(
    scene: Scene, entries: int, observers: Iterable[Any] = (), *, jwks: Mapping[str, Any] | None = None
) -> Validator:
    """A validator for the issuers of a scene whose keys were fetched; `entries` of its cache of verdicts."""
    from bearergate import Validator
    from bearergate.core.policy import IssuerPolicy
    from bearergate.verdicts import VerdictBounds

    clients = frozenset({scene.client})
    policies = [
        IssuerPolicy(issuer=issuer, audiences=frozenset({scene.audience}), allowed_clients=clients)
        for issuer in scene.issuers
    ]
    ours = Validator(
        policies, fetch=_fetch(jwks or scene.jwks), observers=observers, verdicts=VerdictBounds(entries=entries)
    )
    states = {str(health.state) for health in ours.warm().values()}
    assert states == {"fresh"}, states
    return ours


def _cold(scenes: Mapping[str, Scene]) -> dict[str, Job]:
    return {name: verifying(scenes[name], validator(scenes[name], COLD).validate) for name in ALGORITHMS}


def _reading(ours: Validator) -> Any:  # noqa: ANN401 - a function
    validate = ours.validate

    def read(token: str) -> object:
        principal = validate(token)
        return principal.groups, principal.claims

    return read


def _fetch(jwks: Mapping[str, Any]) -> Fetch:
    """The documents of an issuer, without a network."""
    from bearergate.core.metadata import well_known_urls
    from bearergate.fetch import Fetched

    document = json.dumps(jwks).encode("ascii")
    ending = well_known_urls("https://login.example.com")[0].removeprefix("https://login.example.com")

    def fetch(url: str, *, etag: str | None, deadline: float, max_bytes: int) -> Fetched:  # noqa: ARG001
        issuer = url.removesuffix(ending)
        if issuer == url:
            return Fetched(200, {}, document)
        metadata = {"issuer": issuer, "jwks_uri": f"{issuer}/keys"}
        return Fetched(200, {}, json.dumps(metadata).encode("ascii"))

    return fetch
