"""The part of the contract about routes that demand more than a good token: scopes, a group, a binding.

Data only, as contract.py. The gate is the only adapter that knows no routes.
"""

from __future__ import annotations

from typing import Final

from bearergate.core.reasons import Reason
from tests.adapters.contract import (
    EXPIRED,
    GOOD,
    KNOWN,
    MISSING,
    Answer,
    Refused,
    Row,
    Unlike,
    auth,
    bad_token,
    challenged,
)
from tests.adapters.drivers import Headers
from tests.adapters.routes import GROUPED, MODULES, SCOPE, SCOPED


def denied(reason: Reason) -> Refused:
    """403: the token is good, and its bearer may not do this."""
    return Refused(status=403, code="access_denied", reason=reason, challenge=None)


SCOPE_MISSING: Final = challenged(403, "insufficient_scope", Reason.SCOPE_INSUFFICIENT, f', scope="{SCOPE}"')
GROUP_MISSING: Final = denied(Reason.GROUPS_MISSING)
NOT_GRANTED: Final = denied(Reason.RESOURCE_NOT_GRANTED)
_NO_DEMANDS: Final = Unlike("the gate knows no routes: what they demand is up to the application behind it")


def _demanding(name: str, answer: Answer, path: str, headers: Headers = ()) -> Row:
    """A request to a route that demands something."""
    return Row(name, answer, headers, path=path, unlike={"gate": _NO_DEMANDS})


DEMANDS: Final = (
    _demanding("all scopes", KNOWN, SCOPED, auth("Bearer {scoped}")),
    _demanding("a scope is missing", SCOPE_MISSING, SCOPED, auth("Bearer {half_scoped}")),
    _demanding("no scope at all", SCOPE_MISSING, SCOPED, GOOD),
    _demanding("no token is worse than no scope", MISSING, SCOPED),
    _demanding("a bad token is worse than no scope", bad_token(Reason.EXPIRED), SCOPED, EXPIRED),
    _demanding("in the group", KNOWN, GROUPED, auth("Bearer {member}")),
    _demanding("in another group", GROUP_MISSING, GROUPED, auth("Bearer {stranger}")),
    _demanding("in no group", GROUP_MISSING, GROUPED, GOOD),
    _demanding("a binding grants it", KNOWN, f"{MODULES}aws-vpc", auth("Bearer {member}")),
    _demanding("a binding grants all of them", KNOWN, f"{MODULES}gcp-vpc", auth("Bearer {senior}")),
    _demanding("the binding that matches grants others", NOT_GRANTED, f"{MODULES}gcp-vpc", auth("Bearer {member}")),
    _demanding("a name in an odd spelling", NOT_GRANTED, f"{MODULES}%61WS-vpc", auth("Bearer {member}")),
    _demanding("an encoded name is the name", KNOWN, f"{MODULES}%61ws-vpc", auth("Bearer {member}")),
    _demanding("no binding matches", denied(Reason.BINDING_NONE), f"{MODULES}aws-vpc", auth("Bearer {stranger}")),
    _demanding("no binding matches whom has no groups", GROUP_MISSING, f"{MODULES}aws-vpc", GOOD),
    _demanding("a binding fails", denied(Reason.BINDING_ERROR), f"{MODULES}aws-vpc", auth("Bearer {odd_level}")),
    _demanding(
        "groups that are elsewhere", denied(Reason.GROUPS_OVERAGE), f"{MODULES}aws-vpc", auth("Bearer {overage}")
    ),
    _demanding("no token is worse than no binding", MISSING, f"{MODULES}aws-vpc"),
    _demanding("a bad token is worse than no binding", bad_token(Reason.EXPIRED), f"{MODULES}aws-vpc", EXPIRED),
)
