"""The registry as an ASGI application: service discovery, modules, providers, and the files of both.

Everything but service discovery is behind BearerMiddleware and a GroupBinding; a file is also given to whoever holds a
ticket for it, which only a request that was let in has got. Protocols: developer.hashicorp.com/terraform/internals,
pages `module-registry-protocol`, `provider-registry-protocol`, `remote-service-discovery`.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from bearergate import AccessDenied, AuthenticationRequired, Principal, Reason, Refusal, Validator
from bearergate.asgi import PRINCIPAL, BearerMiddleware
from bearergate.config.group_bindings import MODULE, PROVIDER
from bearergate.core.bearer import answer
from bearergate.core.bindings import Binding, Resource
from integrations.opendepot.login import Login
from integrations.opendepot.storage import PROTOCOLS, Storage, sums_name
from integrations.opendepot.tickets import PARAMETER, Tickets

DISCOVERY: Final = "/.well-known/terraform.json"
MODULES: Final = "/opendepot/modules/v1/"
PROVIDERS: Final = "/opendepot/providers/v1/"
MODULE_FILES: Final = f"{MODULES}download/"
PROVIDER_FILES: Final = f"{PROVIDERS}download/"
REALM: Final = "opendepot"

_MODULE: Final = "{namespace}/{name}/{system}"
_PROVIDER: Final = "{namespace}/{name}"
_log = logging.getLogger("opendepot.access")

Authorize = Callable[[Principal, Resource], Binding]


@dataclass(frozen=True, kw_only=True)
class Registry:
    """What is offered, and who decides about it. `validator`: None where OIDC is off."""

    storage: Storage
    validator: Validator | None
    authorize: Authorize
    alongside: Callable[[], AbstractContextManager[None]] = nullcontext
    """What runs while the application does."""
    login: Login | None = None
    tickets: Tickets
    anonymous: bool = False
    """Whether everybody gets everything where OIDC is off; nobody gets anything otherwise."""

    def application(self) -> Starlette:
        """The protected application."""
        routes = [
            Route(DISCOVERY, self._discovery),
            # Before what has the same number of segments and a namespace in place of `download`.
            Route(MODULE_FILES + _MODULE + "/{version}/{file}", self._module_file),
            Route(PROVIDER_FILES + _PROVIDER + "/{version}/{file}", self._provider_file),
            Route(MODULES + _MODULE + "/versions", self._module_versions),
            Route(MODULES + _MODULE + "/{version}/download", self._module_location),
            Route(PROVIDERS + _PROVIDER + "/versions", self._provider_versions),
            Route(PROVIDERS + _PROVIDER + "/{version}/download/{os}/{arch}", self._provider_package),
        ]
        gate = [] if self.validator is None else [Middleware(_gate(self.validator))]
        refusals = {Refusal: _refused}
        return Starlette(routes=routes, middleware=gate, exception_handlers=refusals, lifespan=self._lifespan)

    @asynccontextmanager
    async def _lifespan(self, _application: Starlette) -> AsyncIterator[None]:
        with self.alongside():
            yield

    # Who may.

    def _let_in(self, request: Request, kind: str, *, path: str | None = None) -> None:
        """Raise unless whoever asks may use the resource that the path names. `path`: of a file that has tickets."""
        resource = Resource(kind, request.path_params["name"])
        if self.validator is None and self.anonymous:
            return
        principal: Principal | None = request.scope.get(PRINCIPAL)
        if principal is None:
            ticket = request.query_params.get(PARAMETER, "")
            if path is None or not self.tickets.admits(path, ticket):
                raise AuthenticationRequired(Reason.MISSING_CREDENTIALS)
            return
        told: dict[str, object] = {"subject": principal.subject, "type": resource.kind, "name": resource.name}
        try:
            told["binding"] = self.authorize(principal, resource).name
        except AccessDenied as denied:
            _log.warning("access denied: %s", told | {"reason": denied.reason.value})
            raise
        _log.info("access allowed: %s", told)

    # What is asked.

    def _discovery(self, _request: Request) -> Response:
        login = {} if self.login is None else {"login.v1": self.login.document()}
        return JSONResponse({"modules.v1": MODULES, "providers.v1": PROVIDERS, **login})

    def _module_versions(self, request: Request) -> Response:
        self._let_in(request, MODULE)
        versions = self.storage.module_versions(*_module_of(request))
        if not versions:
            raise HTTPException(404)
        return JSONResponse({"modules": [{"versions": [{"version": version} for version in versions]}]})

    def _module_location(self, request: Request) -> Response:
        self._let_in(request, MODULE)
        module, version = _module_of(request), request.path_params["version"]
        archive = self.storage.module_archive(*module, version)
        if archive is None:
            raise HTTPException(404)
        # The command line tells the kind of an archive by the end of its path, which a query does not change.
        path = MODULE_FILES + "/".join((*module, version, archive.name))
        return Response(
            status_code=204, headers={"X-Terraform-Get": self.tickets.url(path), "Cache-Control": "no-store"}
        )

    def _module_file(self, request: Request) -> Response:
        self._let_in(request, MODULE, path=request.scope["path"])
        archive = self.storage.module_archive(*_module_of(request), request.path_params["version"])
        return _file(archive if archive is not None and archive.name == request.path_params["file"] else None)

    def _provider_versions(self, request: Request) -> Response:
        self._let_in(request, PROVIDER)
        versions = self.storage.provider_versions(*_provider_of(request))
        if not versions:
            raise HTTPException(404)
        listed = [
            {
                "version": version,
                "protocols": list(PROTOCOLS),
                "platforms": [{"os": package.os, "arch": package.arch} for package in packages],
            }
            for version, packages in versions.items()
        ]
        return JSONResponse({"versions": listed})

    def _provider_package(self, request: Request) -> Response:
        self._let_in(request, PROVIDER)
        (namespace, kind), version = _provider_of(request), request.path_params["version"]
        platform = request.path_params["os"], request.path_params["arch"]
        packages = self.storage.packages(namespace, kind, version)
        package = next((each for each in packages if (each.os, each.arch) == platform), None)
        if package is None:
            raise HTTPException(404)
        folder = PROVIDER_FILES + f"{namespace}/{kind}/{version}/"
        sums = folder + sums_name(kind, version)
        keys = [asdict(key) for key in self.storage.signing_keys(namespace)]
        document = {
            "protocols": list(PROTOCOLS),
            "os": package.os,
            "arch": package.arch,
            "filename": package.filename,
            "download_url": self.tickets.url(folder + package.filename),
            "shasum": package.sha256,
            "shasums_url": self.tickets.url(sums),
            "shasums_signature_url": self.tickets.url(f"{sums}.sig"),
            "signing_keys": {"gpg_public_keys": keys},
        }
        return JSONResponse(document, headers={"Cache-Control": "no-store"})

    def _provider_file(self, request: Request) -> Response:
        self._let_in(request, PROVIDER, path=request.scope["path"])
        parts = *_provider_of(request), request.path_params["version"], request.path_params["file"]
        return _file(self.storage.provider_file(*parts))


def _gate(validator: Validator) -> Callable[..., BearerMiddleware]:
    files = [f"{MODULE_FILES}**", f"{PROVIDER_FILES}**"]
    return lambda app: BearerMiddleware(app, validator, exempt=[DISCOVERY], optional=files, realm=REALM)


def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    refused = answer(error, realm=REALM)
    return Response(refused.body, refused.status, dict(refused.headers))


def _module_of(request: Request) -> tuple[str, str, str]:
    given = request.path_params
    return given["namespace"], given["name"], given["system"]


def _provider_of(request: Request) -> tuple[str, str]:
    return request.path_params["namespace"], request.path_params["name"]


def _file(path: Path | None) -> Response:
    if path is None:
        raise HTTPException(404)
    return FileResponse(path, media_type="application/octet-stream", headers={"Cache-Control": "private, no-store"})
