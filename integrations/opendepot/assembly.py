"""Flags and two folders -> a registry that can be served: what the command runs, and every test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from bearergate import Principal, Settings
from bearergate.core.bindings import Binding, Resource
from bearergate.core.events import Observer
from bearergate.fetch import Fetch, HttpFetch
from integrations.opendepot.login import Login
from integrations.opendepot.manifests import Manifests
from integrations.opendepot.registry import Authorize, Registry
from integrations.opendepot.settings import Flags, read_settings
from integrations.opendepot.storage import Storage
from integrations.opendepot.tickets import Tickets


def assemble(
    flags: Flags,
    *,
    storage: Path,
    manifests: Manifests,
    environment: Mapping[str, str],
    fetch: Fetch | None = None,
    observers: Iterable[Observer] = (),
    tickets: Tickets | None = None,
) -> Registry:
    """The registry; nothing is fetched yet. Raises ConfigError with everything that is wrong with the flags."""
    settings = read_settings(flags, environment)
    login = Login(
        issuer=flags.issuer_url,
        client=flags.client_id,
        fetch=HttpFetch() if fetch is None else fetch,
        authz_url=flags.authz_url,
        token_url=flags.token_url,
    )
    return Registry(
        storage=Storage(storage),
        validator=None if settings is None else settings.validator(fetch=fetch, observers=observers),
        authorize=_nobody if settings is None else _by_manifests(settings, manifests),
        alongside=manifests.watching,
        login=None if settings is None else login,
        tickets=Tickets() if tickets is None else tickets,
        anonymous=flags.anonymous_auth,
    )


def _by_manifests(settings: Settings, manifests: Manifests) -> Authorize:
    claims = {policy.issuer: policy.groups.claim for policy in settings.issuers}

    def authorize(principal: Principal, resource: Resource) -> Binding:
        return manifests.current().authorize(principal, resource, groups_claim=claims[principal.issuer])

    return authorize


def _nobody(_principal: Principal, _resource: Resource) -> Binding:
    raise AssertionError("nobody is known where OIDC is off")
