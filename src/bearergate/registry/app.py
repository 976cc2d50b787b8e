"""The registry service as an ASGI application: tokens for registries and for robots, their management, its keys.

Puts the parts together and looks after what has to be looked after. Decides nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp

from bearergate.chain import Chain
from bearergate.clocks import Clock, wall_clock
from bearergate.config import Settings
from bearergate.core.errors import ConfigError, Problem
from bearergate.core.keyring import KeyLifecycle
from bearergate.core.registry_events import RegistryObserver
from bearergate.core.registry_policy import RegistryPolicy
from bearergate.fetch import Fetch
from bearergate.registry.audit import RegistryAudit
from bearergate.registry.endpoints import Endpoints
from bearergate.registry.federation import Federation
from bearergate.registry.gatekeeper import Gatekeeper
from bearergate.registry.grants import Grants
from bearergate.registry.issuing import Issuing
from bearergate.registry.key_files import KeyFolderProblem
from bearergate.registry.management import Management
from bearergate.registry.signing import PublishFolderProblem, Signing
from bearergate.registry.store import RobotStore, StoreUnavailable
from bearergate.registry.token_service import TokenService
from bearergate.validator import Validator

LOOK_EVERY: Final = 10.0
"""Seconds between two looks at the signing keys, at issuers' keys that are not fresh, and at a database that is new."""

_log: Final = logging.getLogger("bearergate.registry")


def registry_app(
    policy: RegistryPolicy,
    validator: Validator | Chain,
    *,
    lifecycle: KeyLifecycle | None = None,
    fetch: Fetch | None = None,
    clock: Clock = wall_clock,
    observers: Iterable[RegistryObserver] = (),
) -> ASGIApp:
    """The service as an ASGI application. The database and issuers may be down when it starts.

    `validator`: whose tokens are let in, and what its bindings grant. `fetch`: replaces HTTP for the issuers that rules
    name. Raises ConfigError for a folder of keys or a database that cannot be used, and for a validator without
    bindings.
    """
    signing = _signing(policy, clock)
    store = RobotStore(policy.database)
    audit = RegistryAudit(observers)
    issuing = Issuing(policy.names, signing, clock)
    grants = Grants(validator)
    federation = Federation(policy, store, issuing, audit, lifecycle=lifecycle, fetch=fetch)
    gatekeeper = Gatekeeper(validator, realm=policy.service)
    service = TokenService(validator, gatekeeper, federation, grants, issuing, audit)
    endpoints = Endpoints(
        policy,
        gatekeeper=gatekeeper,
        service=service,
        federation=federation,
        signing=signing,
        store=store,
        validator=validator,
    )
    management = Management(store, gatekeeper, issuing, audit, allow_private_issuers=policy.allow_private_issuers)

    app = Starlette(
        routes=[*endpoints.routes(), *management.routes()], lifespan=_looked_after(signing, store, validator)
    )
    # A path that is not ours is not found; it is not redirected to one that is.
    app.router.redirect_slashes = False
    return app


def _looked_after(
    signing: Signing, store: RobotStore, validator: Validator | Chain
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """The lifespan of the application."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        is_ready = await _prepared(store, warn=True)
        looking = asyncio.create_task(_look_after(signing, store, validator, is_ready=is_ready))
        try:
            yield
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
            store.close()

    return lifespan


def from_settings(settings: Settings, *, observers: Iterable[RegistryObserver] = ()) -> ASGIApp:
    """The service that a configuration describes; raises ConfigError where it describes none."""
    if settings.registry is None or settings.bindings is None:
        raise ConfigError([Problem("registry", "is not configured", "write a section registry, and bindings")])
    return registry_app(
        settings.registry,
        settings.chain(),
        lifecycle=settings.lifecycle,
        observers=observers,
    )


def _signing(policy: RegistryPolicy, clock: Clock) -> Signing:
    folder, publish = (None if each is None else Path(each) for each in (policy.key_folder, policy.publish_folder))
    try:
        return Signing(policy.names, period=policy.key_period, folder=folder, publish=publish, clock=clock)
    except KeyFolderProblem as problem:
        path = "registry.publish" if isinstance(problem, PublishFolderProblem) else "registry.keys"
        raise ConfigError([Problem(path, str(problem))]) from None


async def _prepared(store: RobotStore, *, warn: bool) -> bool:
    """Whether the database is ready. `warn`: once is enough, readiness says the rest."""
    try:
        await run_in_threadpool(store.prepare)
    except StoreUnavailable as failure:
        if warn:
            _log.warning("robots are not available yet: %s", failure)
        return False
    if not warn:
        _log.info("robots are available now")
    return True


async def _look_after(signing: Signing, store: RobotStore, validator: Validator | Chain, *, is_ready: bool) -> None:
    while True:
        try:
            is_ready = is_ready or await _prepared(store, warn=False)
            await run_in_threadpool(signing.refresh)
            # So that readiness does not wait for traffic that waits for it.
            await validator.warm_async()
        except Exception:  # noqa: BLE001 - one look that fails must not be the last one
            _log.exception("looking after keys and database failed")
        await asyncio.sleep(LOOK_EVERY)
