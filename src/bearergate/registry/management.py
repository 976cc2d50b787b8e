"""Management: who may create robots and say which workloads act as them.

The gate of its own: a bearer token, and a binding that grants `robots` of the namespace. Fails closed. Translates HTTP;
what a rule may be is decided in core/rule_document.py.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bearergate.core.bearer import AUTHORIZATION
from bearergate.core.errors import refusal
from bearergate.core.principal import Principal
from bearergate.core.reasons import Reason
from bearergate.core.registry_events import RobotChanged
from bearergate.core.registry_policy import may_be_private
from bearergate.core.robots import RobotName, is_namespace, is_short_name
from bearergate.core.rule_document import MAX_DOCUMENT, RuleProblem, read_rules, written_rules
from bearergate.core.trust import TrustRule
from bearergate.registry.answers import bad_request, json_response
from bearergate.registry.audit import RegistryAudit
from bearergate.registry.federation import from_store
from bearergate.registry.gatekeeper import Gatekeeper
from bearergate.registry.issuing import Issuing
from bearergate.registry.store import RobotStore, TooManyIssuers, TooManyRobots

_ROOT: Final = "/api/v1/organization/{namespace}/robots"
_ONE: Final = f"{_ROOT}/{{robot}}"
_RULES: Final = f"{_ONE}/federation"
_NO_ROBOT: Final = "Could not find robot with specified username"


class Management:
    """The management of robots and of their rules."""

    def __init__(
        self,
        store: RobotStore,
        gatekeeper: Gatekeeper,
        issuing: Issuing,
        audit: RegistryAudit,
        *,
        allow_private_issuers: bool,
    ) -> None:
        self._store = store
        self._gatekeeper = gatekeeper
        self._issuing = issuing
        self._audit = audit
        self._allow_private = allow_private_issuers

    def routes(self) -> list[Route]:
        """Where it answers."""
        guard = self._gatekeeper.guarded
        return [
            Route(_ROOT, guard(self._list), methods=["GET"]),
            Route(_ONE, guard(self._robot), methods=["PUT", "DELETE"]),
            Route(_RULES, guard(self._rules), methods=["GET", "PUT", "POST", "DELETE"]),
        ]

    async def _list(self, request: Request) -> Response:
        namespace, _ = await self._manager(request)
        robots = await from_store(self._store.robots_of, namespace)
        return json_response({"robots": [{"name": str(robot)} for robot in robots]})

    async def _robot(self, request: Request) -> Response:
        namespace, manager = await self._manager(request)
        name = _robot_name(request, namespace)
        if name is None:
            return bad_request("Invalid robot name")
        if request.method == "DELETE":
            if not await from_store(self._store.remove_robot, name):
                return bad_request(_NO_ROBOT, HTTPStatus.NOT_FOUND)
            self._changed(manager, name, "deleted", 0)
            return Response(status_code=HTTPStatus.NO_CONTENT)
        try:
            created = await from_store(self._store.add_robot, name)
        except TooManyRobots:
            return bad_request("The namespace has too many robots", HTTPStatus.CONFLICT)
        if created:
            self._changed(manager, name, "created", 0)
        return json_response({"name": str(name)}, HTTPStatus.CREATED if created else HTTPStatus.OK)

    async def _rules(self, request: Request) -> Response:
        namespace, manager = await self._manager(request)
        name = _robot_name(request, namespace)
        if name is None:
            return bad_request("Invalid robot name")
        if request.method in ("GET", "HEAD"):
            kept = await from_store(self._store.rules_of, name)
            return bad_request(_NO_ROBOT, HTTPStatus.NOT_FOUND) if kept is None else json_response(written_rules(kept))
        try:
            rules = () if request.method == "DELETE" else self._read(await _body(request))
        except RuleProblem as problem:
            return bad_request(str(problem))
        try:
            replaced = await from_store(self._store.replace_rules, name, rules)
        except TooManyIssuers:
            return bad_request("The namespace trusts too many issuers", HTTPStatus.CONFLICT)
        if not replaced:
            return bad_request(_NO_ROBOT, HTTPStatus.NOT_FOUND)
        if request.method == "DELETE":
            self._changed(manager, name, "rules_deleted", 0)
            return Response(status_code=HTTPStatus.NO_CONTENT)
        self._changed(manager, name, "rules_replaced", len(rules))
        return json_response(written_rules(rules))

    async def _manager(self, request: Request) -> tuple[str, Principal]:
        """Whose robots they are, and who manages them; raises Refusal. Looked at before anything else."""
        namespace = request.path_params["namespace"]
        values = request.headers.getlist(AUTHORIZATION)
        manager = await self._gatekeeper.manager(values, request.scope["path"], namespace)
        if not is_namespace(namespace):
            # Nobody can have it, whatever a binding's pattern matches.
            raise refusal(Reason.RESOURCE_NOT_GRANTED)
        return namespace, manager

    def _read(self, raw: bytes) -> tuple[TrustRule, ...]:
        rules = read_rules(raw)
        if not self._allow_private and any(may_be_private(rule.issuer) for rule in rules):
            raise RuleProblem("Issuer must have a public address")
        return rules

    def _changed(self, manager: Principal, name: RobotName, change: str, rules: int) -> None:
        event = RobotChanged(time=self._issuing.clock(), principal=manager, robot=name, change=change, rules=rules)
        self._audit.tell(event)


def _robot_name(request: Request, namespace: str) -> RobotName | None:
    short = request.path_params["robot"]
    # Some clients name the robot in full.
    short = short.removeprefix(f"{namespace}+")
    return RobotName(namespace, short) if is_short_name(short) else None


async def _body(request: Request) -> bytes:
    """The body, of which no more is read than rules may have."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_DOCUMENT:
            break
    return bytes(body)
