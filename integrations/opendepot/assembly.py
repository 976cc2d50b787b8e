"""Flags and two folders -> a registry that can be served: what the command runs, and every test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from bearergate.core.events import Observer
from bearergate.fetch import Fetch, HttpFetch
from integrations.opendepot.login import Login
from integrations.opendepot.manifests import Manifests
from integrations.opendepot.registry import Registry
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
    registry = Registry(
        storage=Storage(storage),
        validator=None,
        tickets=Tickets() if tickets is None else tickets,
        anonymous=flags.anonymous_auth,
    )
    if settings is None:
        return registry
    validator = replace(settings, bindings=manifests.bindings).validator(fetch=fetch, observers=observers)
    watching = partial(manifests.watching, validator.replace_bindings)
    return replace(registry, validator=validator, login=login, alongside=watching)
