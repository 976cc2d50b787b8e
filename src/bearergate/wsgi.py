"""WSGI: a middleware that lets only requests with a good bearer token reach an application.

Translates a WSGI environment (PEP 3333) into the facts that core/admission.py asks for, and its answers back.
Decides nothing itself, imports no framework, and knows neither the grammar of credentials nor any claim.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from bearergate.chain import Chain, UnverifiedBearer
from bearergate.core.access import ANYBODY, Demand
from bearergate.core.admission import Admission
from bearergate.core.bearer import DEFAULT_REALM, SCHEME, Answer
from bearergate.core.errors import ConfigError, Problem, Refusal
from bearergate.core.principal import Principal
from bearergate.environ import Sieve, is_look_alike_key, request_facts
from bearergate.faults import report_fault
from bearergate.validator import Validator

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

PRINCIPAL: Final = "bearergate.principal"
"""The environment key of the principal; None on a request that passed without one."""
UNVERIFIED_BEARER: Final = "bearergate.unverified_bearer"
"""The environment key of an UnverifiedBearer; None wherever there is none, and on paths that do not take any."""

_ADAPTER: Final = "wsgi"
_OURS: Final = frozenset({"REMOTE_USER", "AUTH_TYPE"})
_OUR_PREFIX: Final = "bearergate."

_log: Final = logging.getLogger("bearergate.wsgi")


class BearerMiddleware:
    """Protects a WSGI application: every request needs a bearer token (RFC 6750)."""

    def __init__(
        self,
        app: WSGIApplication,
        validator: Validator | Chain,
        *,
        exempt: Iterable[str] = (),
        optional: Iterable[str] = (),
        allow_unverified_bearer: Iterable[str] = (),
        realm: str = DEFAULT_REALM,
        allow_preflight: bool = True,
        demand: Demand = ANYBODY,
    ) -> None:
        """Wrap `app`.

        `exempt`: paths that need no token and get no principal. `optional`: paths where a token may be missing, but
        not bad. `allow_unverified_bearer`: paths that also take an UnverifiedBearer of a Chain. All are matched on
        `PATH_INFO`: exact, `*` for one segment, `/**` for a subtree. `demand`: of all other requests, where `app` is
        one route; a function in it is called with the environment. Raises ConfigError for a pattern, a realm or a
        demand that cannot be used.
        """
        if demand.argument is not None:
            raise ConfigError([Problem("demand", "names an argument, and WSGI has none", "give a function instead")])
        self._app = app
        self._validator = validator
        self._demand = validator.checked(demand)
        # Who demands anything demands it of a principal.
        self._chain = validator if isinstance(validator, Chain) and demand is ANYBODY else None
        paths = {"exempt": exempt, "optional": optional, "unverified": allow_unverified_bearer}
        self._admission = Admission(**paths, realm=realm, allow_preflight=allow_preflight)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer the request, or hand it to the application with the environment saying who is calling.

        Sets `bearergate.principal`, and with a good token `REMOTE_USER` (the subject, unchanged: text, also outside
        latin-1) and `AUTH_TYPE` (RFC 3875 sections 4.1.1 and 4.1.11). Neither for an unverified bearer, who is nobody.
        """
        try:
            _remove_ours(environ)
            facts = request_facts(environ)
            bearer: Principal | UnverifiedBearer | None
            if self._chain is not None and self._admission.takes_unverified(facts):
                bearer = self._chain.admit_unverified(self._admission, facts, adapter=_ADAPTER)
            else:
                demand = self._demand if self._demand.binding is None else self._demand.about({}, environ)
                bearer = self._validator.admit(self._admission, facts, adapter=_ADAPTER, demand=demand)
        except Refusal as error:
            return _respond(environ, start_response, self._admission.answer(error))
        except Exception as error:  # noqa: BLE001 - a fault of ours must not let anybody in, nor say anything
            return _respond(environ, start_response, report_fault(_log, error, "judging a request"))
        principal, unverified = (None, bearer) if isinstance(bearer, UnverifiedBearer) else (bearer, None)
        environ[PRINCIPAL], environ[UNVERIFIED_BEARER] = principal, unverified
        if principal is not None:
            environ["REMOTE_USER"] = principal.subject
            environ["AUTH_TYPE"] = SCHEME
        return self._app(environ, start_response)


def _is_ours(key: str) -> bool:
    """Whether a key could be taken for an identity that we proved, whoever put it there."""
    return key in _OURS or key.startswith(_OUR_PREFIX) or is_look_alike_key(key)


_remove_ours: Final = Sieve(_is_ours).clean


def _respond(environ: WSGIEnvironment, start_response: StartResponse, answer: Answer) -> Iterable[bytes]:
    """The answer; nothing of the request's body is read."""
    start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", list(answer.headers))
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]
