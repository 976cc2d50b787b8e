"""The gatekeeper: lets only managers of a namespace through, and turns what handlers raise into answers.

No fault of ours lets anybody in or says anything. Decides nothing: the validator and the bindings do.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Final, TypeAlias

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from bearergate.chain import Chain
from bearergate.core.access import ANYBODY, Demand
from bearergate.core.admission import Admission, RequestFacts
from bearergate.core.errors import AuthenticationRequired, Refusal
from bearergate.core.principal import Principal
from bearergate.core.reasons import Reason
from bearergate.core.robots import RobotRefused
from bearergate.faults import report_fault
from bearergate.registry.answers import from_answer, refusal_response
from bearergate.validator import Validator

ADAPTER: Final = "registry"
"""Who asks, in events."""

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]

ROBOTS: Final = "robots"
"""The kind of resource that a binding must grant, by namespace, to who creates robots and writes their rules."""

_log: Final = logging.getLogger("bearergate.registry")


def _managing(namespace: str) -> Demand:
    """What is demanded of who manages the robots of a namespace."""
    # A function, because no name is to be read as anything but itself.
    return Demand(binding=ROBOTS, resource=lambda: namespace)


class Gatekeeper:
    """Stands in front of every handler of the service."""

    def __init__(self, validator: Validator | Chain, *, realm: str) -> None:
        """Raises ConfigError for a validator without bindings, by which nobody could be a manager."""
        validator.checked(_managing(""))
        self._validator = validator
        self._realm = realm
        self._admission = Admission(realm=realm, allow_preflight=False)

    async def manager(self, authorization: Sequence[str], path: str, namespace: str) -> Principal:
        """Who may manage the robots of the namespace; raises Refusal for anybody else. One event tells either."""
        return await self.bearer(authorization, path, _managing(namespace))

    async def bearer(self, authorization: Sequence[str], path: str, demand: Demand = ANYBODY) -> Principal:
        """Whose bearer token it is, if the demand is met; raises Refusal for anything else. One event tells either."""
        facts = RequestFacts("GET", path, authorization)
        principal = await self._validator.admit_async(self._admission, facts, adapter=ADAPTER, demand=demand)
        if principal is None:
            # No path is exempt here; should one ever be, nobody gets in by it.
            raise AuthenticationRequired(Reason.MISSING_CREDENTIALS)
        return principal

    def guarded(self, handler: Handler) -> Handler:
        """The handler of a bearer's request."""
        return self._answering(handler, basic=False)

    def open(self, handler: Handler, *, messages: bool = False) -> Handler:
        """The handler of a request that may present Basic credentials, or none. `messages`: see robot_answer."""
        return self._answering(handler, basic=True, messages=messages)

    def _answering(self, handler: Handler, *, basic: bool, messages: bool = False) -> Handler:
        async def answered(request: Request) -> Response:
            try:
                return await handler(request)
            except (Refusal, RobotRefused) as error:
                return refusal_response(error, realm=self._realm, messages=messages, basic=basic)
            except ClientDisconnect:
                # Nobody is left to read it.
                return Response(status_code=HTTPStatus.BAD_REQUEST)
            except Exception as error:  # noqa: BLE001 - a fault of ours must not let anybody in, nor say anything
                return from_answer(report_fault(_log, error, "answering a request"))

        return answered
