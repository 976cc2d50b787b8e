"""What clients, registries and operators ask for: tokens, the keys that prove them, and how the service is.

Translates HTTP into questions and back. Decides nothing, and knows neither the grammar of credentials nor any claim.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bearergate.chain import Chain
from bearergate.core.bearer import AUTHORIZATION
from bearergate.core.errors import Unavailable
from bearergate.core.registry_policy import RegistryPolicy
from bearergate.core.registry_scope import ScopeProblem, read_scopes
from bearergate.registry.answers import bad_request, json_response, token_response
from bearergate.registry.federation import Federation, from_store
from bearergate.registry.gatekeeper import Gatekeeper
from bearergate.registry.signing import Signing
from bearergate.registry.store import RobotStore
from bearergate.registry.token_service import TokenService
from bearergate.validator import Validator

TOKEN_PATH: Final = "/v2/auth"
ROBOT_PATH: Final = "/oauth2/federation/robot/token"
JWKS_PATH: Final = "/v2/auth/jwks.json"
CERTIFICATES_PATH: Final = "/v2/auth/certificates.pem"
_PUBLIC: Final = {"Cache-Control": "public, max-age=300"}


class Endpoints:
    """The endpoints that need no manager."""

    def __init__(
        self,
        policy: RegistryPolicy,
        *,
        gatekeeper: Gatekeeper,
        service: TokenService,
        federation: Federation,
        signing: Signing,
        store: RobotStore,
        validator: Validator | Chain,
    ) -> None:
        self._policy = policy
        self._gatekeeper = gatekeeper
        self._service = service
        self._federation = federation
        self._signing = signing
        self._store = store
        self._validator = validator

    def routes(self) -> list[Route]:
        """Where they answer."""
        guard = self._gatekeeper.open
        return [
            Route(TOKEN_PATH, guard(self._token), methods=["GET"]),
            Route(ROBOT_PATH, guard(self._robot_token, messages=self._policy.robot_messages), methods=["GET"]),
            Route(JWKS_PATH, self._jwks, methods=["GET"]),
            Route(CERTIFICATES_PATH, self._certificates, methods=["GET"]),
            Route("/healthz", self._alive, methods=["GET"]),
            Route("/readyz", guard(self._ready), methods=["GET"]),
        ]

    async def _token(self, request: Request) -> Response:
        # First who it is: strangers learn nothing of what else is wrong.
        principal = await self._service.authenticate(request.headers.getlist(AUTHORIZATION), request.scope["path"])
        if request.query_params.getlist("service") != [self._policy.service]:
            return bad_request("The parameter service must name this service, once.")
        try:
            asked = read_scopes(request.query_params.getlist("scope"))
        except ScopeProblem as problem:
            return bad_request(str(problem))
        return token_response(self._service.issue(principal, asked))

    async def _robot_token(self, request: Request) -> Response:
        credentials = self._federation.presented(request.headers.getlist(AUTHORIZATION))
        name = self._federation.named(credentials.username)
        issued = await self._federation.exchange(name, credentials.password)
        return json_response({"token": issued.token, "expires_in": issued.life.seconds})

    async def _jwks(self, _: Request) -> Response:
        return Response(self._signing.jwks, headers=_PUBLIC, media_type="application/jwk-set+json")

    async def _certificates(self, _: Request) -> Response:
        return Response(self._signing.certificates, headers=_PUBLIC, media_type="application/pem-certificate-chain")

    async def _alive(self, _: Request) -> Response:
        return json_response({"alive": True})

    async def _ready(self, _: Request) -> Response:
        # Not of which issuers: strangers reach this port, and learn nothing of the configuration.
        has_keys = all(keys.is_in_force for keys in self._validator.health().values())
        try:
            await from_store(self._store.robots_of, "")
            has_store = True
        except Unavailable:
            has_store = False
        ready = has_store and has_keys
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        return json_response({"ready": ready, "database": has_store, "keys": has_keys}, status)
