"""Flask: an extension that lets only requests with a good bearer token reach a view, or a whole application.

Translates requests into the facts that core/admission.py asks for, and its answers back. Decides nothing itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial, wraps
from inspect import iscoroutinefunction
from typing import Any, Final, TypeVar, cast, overload

from blinker import Namespace
from flask import Flask, Request, Response, abort, current_app, request
from werkzeug.exceptions import HTTPException
from werkzeug.local import LocalProxy

from bearergate.chain import Chain, UnverifiedBearer
from bearergate.config import from_flask
from bearergate.core.access import ANYBODY, NEEDS_TEXTS, Demand, ResourceName
from bearergate.core.admission import Admission
from bearergate.core.bearer import DEFAULT_REALM
from bearergate.core.errors import ConfigError, Problem, Refusal
from bearergate.core.principal import Principal
from bearergate.environ import remove_look_alikes, request_facts
from bearergate.faults import report_fault
from bearergate.validator import Validator

View = TypeVar("View", bound=Callable[..., Any])

_signals: Final = Namespace()
# Sent by the application: `principal` whose token was accepted, `error` (a Refusal) that a request met.
token_accepted: Final = _signals.signal("token_accepted")
token_rejected: Final = _signals.signal("token_rejected")

_ADAPTER: Final = "flask"
_DEMAND: Final = "bearergate_demand"
_PRINCIPAL: Final = "bearergate_principal"  # of the request, not of `g`: that may live through several requests
_UNVERIFIED: Final = "bearergate_unverified_bearer"
_OPEN: Final = Demand()  # the one of views that also take an unverified bearer
_current: Final[Callable[[], Request]] = cast("Any", request)._get_current_object  # noqa: SLF001 - once, not at each field
_log: Final = logging.getLogger("bearergate.flask")

principal: Principal = cast("Principal", cast("object", LocalProxy(lambda: getattr(request, _PRINCIPAL, None))))
"""Who is calling; false as a condition when nobody was authenticated. RuntimeError outside a request."""
unverified_bearer: UnverifiedBearer = cast(
    "UnverifiedBearer", cast("object", LocalProxy(lambda: getattr(request, _UNVERIFIED, None)))
)
"""The bearer in a view with `@allow_unverified_bearer`; false as a condition where there is a principal instead."""


class ResourceServer:
    """The extension: `ResourceServer(app)`, or `init_app` for application factories. Keeps no application's state.

    Views are protected by `@require`; with `protect_all` every request is, but for `exempt` paths (no token needed, no
    principal) and `optional` ones (a token may be missing, but not bad). Raises ConfigError for bad options.
    """

    def __init__(
        self,
        app: Flask | None = None,
        validator: Validator | Chain | None = None,
        *,
        protect_all: bool = False,
        exempt: Iterable[str] = (),
        optional: Iterable[str] = (),
        realm: str = DEFAULT_REALM,
        allow_preflight: bool = True,
    ) -> None:
        if not protect_all and (exempt or optional):
            raise ConfigError([Problem("protect_all", "must be true for exempt or optional paths", "or use @require")])
        whole = Admission(exempt=exempt, optional=optional, realm=realm, allow_preflight=allow_preflight)
        self._whole = whole if protect_all else None
        self._views = Admission(realm=realm, allow_preflight=allow_preflight)
        self._validator = validator
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask, validator: Validator | Chain | None = None) -> None:
        """Protect `app`, by default with a validator built from `app.config`; ConfigError if that cannot be used."""
        if "bearergate" in app.extensions:
            raise RuntimeError("bearergate is set up on this application already")
        chosen = validator or self._validator or from_flask(app.config).chain()
        guard = app.extensions["bearergate"] = _Guard(app, chosen, self._whole, self._views)
        guard.check_demands()
        app.before_request(guard.before_request)
        app.register_error_handler(Refusal, guard.answer)  # those that the application raises itself: `authorize`, ...


@overload
def require(view: View, /) -> View: ...
@overload
def require(
    *,
    scope: str | None = None,
    group: str | None = None,
    audience: str | None = None,
    optional: bool = False,
    binding: str | None = None,
    resource: ResourceName | None = None,
) -> Callable[[View], View]: ...
def require(view: Callable[..., Any] | str | None = None, /, **demands: Any) -> Callable[..., Any]:
    """Let only requests with a good token reach a view: `@require`, or `@require(scope="a b", group="admins")`.

    All scopes are demanded. With `optional` a token may be missing, but not bad. `binding="module", resource="<name>"`:
    the bindings must grant the module that the view's argument names; a function is called with all arguments. Raises
    ConfigError for a demand for nothing. Refusals are answered as in RFC 6750 section 3, past all error handlers.
    """
    if isinstance(view, str):
        raise ConfigError([NEEDS_TEXTS])
    demand = Demand(**demands) if demands else ANYBODY
    return partial(_guarded, demand=demand) if view is None else _guarded(view, demand)


def allow_unverified_bearer(view: View, /) -> View:
    """Let requests with a good token reach a view, and beside them an UnverifiedBearer of a Chain.

    For a view that hands `unverified_bearer` on to whoever verifies it. Below or above `@require` it opens nothing.
    """
    return cast("View", _guarded(view, _OPEN))


def _guarded(view: Callable[..., Any], demand: Demand) -> Callable[..., Any]:
    is_async = iscoroutinefunction(view)

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever Flask allows
        guard: _Guard | None = current_app.extensions.get("bearergate")
        if guard is None:
            raise RuntimeError("@require needs ResourceServer(app) or init_app(app) on the application")
        guard.judge(demand)
        return (guard.app.ensure_sync(view) if is_async else view)(*args, **kwargs)

    setattr(guarded, _DEMAND, demand)
    return guarded


@dataclass(slots=True)
class _Guard:
    """What protects one application; lives in its `extensions`."""

    app: Flask
    validator: Validator | Chain
    whole: Admission | None
    views: Admission
    has_served: bool = False

    def check_demands(self) -> None:
        demands = {f"view {name}": getattr(view, _DEMAND, ANYBODY) for name, view in self.app.view_functions.items()}
        routes = [(f"view {rule.endpoint}", rule.arguments) for rule in self.app.url_map.iter_rules()]
        self.validator.check_demands(demands, routes)

    def before_request(self) -> None:
        """Judge what no decorator sees: a whole application, and the OPTIONS that Flask answers without the view."""
        if not self.has_served:
            self.check_demands()
            self.has_served = True
        current = _current()
        remove_look_alikes(current.environ)
        demand: Demand | None = getattr(self.app.view_functions.get(current.endpoint or ""), _DEMAND, None)
        if self.whole is not None:
            self.judge(_OPEN if demand is _OPEN else ANYBODY, self.whole)
        if current.method == "OPTIONS" and demand is not None:
            self.judge(demand)

    def judge(self, demand: Demand, whole: Admission | None = None) -> None:
        """Let the request pass, with its principal if it has one, or abort with the answer."""
        current = _current()
        found: Principal | None = getattr(current, _PRINCIPAL, None)
        demand = demand.about(current.view_args or {})
        try:
            if found is not None:
                self.validator.demand(found, demand, adapter=_ADAPTER)
                return
            facts = request_facts(current.environ)
            if demand is _OPEN and isinstance(self.validator, Chain):
                if hasattr(current, _UNVERIFIED):
                    return  # judged already, before the view was called
                bearer = self.validator.admit_unverified(whole or self.views, facts, adapter=_ADAPTER)
            else:
                bearer = self.validator.admit(whole or self.views, facts, adapter=_ADAPTER, demand=demand)
        except Refusal as error:
            abort(self.answer(error))  # with a response, which no error handler gets to see
        except (ConfigError, HTTPException):
            raise  # the latter from a function that looks for a resource
        except Exception as error:  # noqa: BLE001 - a fault of ours must not let anybody in, nor say anything
            answer = report_fault(_log, error, "judging a request")
            abort(Response(answer.body, answer.status, answer.headers))
        if isinstance(bearer, UnverifiedBearer):
            setattr(current, _UNVERIFIED, bearer)
        elif bearer is not None:
            setattr(current, _PRINCIPAL, bearer)
            token_accepted.send(self.app, principal=bearer)

    def answer(self, error: Refusal) -> Response:
        token_rejected.send(self.app, error=error)
        answer = self.views.answer(error)
        return Response(answer.body, answer.status, answer.headers)
