"""Observers that ship with the library: the JSON audit log.

Formats events and hands them to `logging`. Decides nothing and never sees a token.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from typing import Final

from bearergate.core.bindings import MAX_NAME
from bearergate.core.events import (
    AccessGranted,
    Event,
    TokenAccepted,
    TokenRejected,
    UnverifiedBearerAdmitted,
    UnverifiedIdentity,
)
from bearergate.core.principal import Actor, Principal
from bearergate.core.resources import Resource

AUDIT_LOGGER: Final = "bearergate.audit"


class AuditLog:
    """Writes one JSON line per decision to logger `bearergate.audit`, at INFO.

    The acting client stands on every line: on-behalf-of calls are audited by it. What a refused token says of
    itself is under `unverified`.
    """

    def __init__(self, logger: logging.Logger | None = None, *, own_clients: Iterable[str] = ()) -> None:
        """`logger` replaces the default one.

        `own_clients`: client ids of the application itself; with them, every line about a proven token says under
        `on_behalf_of` whether another client acts for a person.
        """
        self._logger = logger or logging.getLogger(AUDIT_LOGGER)
        self._own = frozenset(own_clients)

    def is_on(self) -> bool:
        """Whether anybody reads the log; nothing is built otherwise."""
        return self._logger.isEnabledFor(logging.INFO)

    def __call__(self, event: Event, /) -> None:
        """Write one line for a decision; other events have loggers of their own."""
        if isinstance(event, TokenAccepted):
            self._write({**_accepted(event), **self._on_behalf_of(event.principal)})
        elif isinstance(event, TokenRejected):
            self._write({**_rejected(event), **self._on_behalf_of(event.principal)})
        elif isinstance(event, AccessGranted):
            self._write({**_granted(event), **self._on_behalf_of(event.principal)})
        elif isinstance(event, UnverifiedBearerAdmitted):
            self._write(_let_through(event))

    def _on_behalf_of(self, principal: Principal | None) -> dict[str, object]:
        if not self._own or principal is None:
            return {}
        others = principal.client_id is not None and principal.client_id not in self._own
        return {"on_behalf_of": others and not principal.machine}

    def _write(self, fields: dict[str, object]) -> None:
        # ASCII with escapes: a subject with line breaks or terminal codes stays one harmless line.
        self._logger.info("%s", json.dumps(fields, ensure_ascii=True))


def _accepted(event: TokenAccepted) -> dict[str, object]:
    return {
        "time": event.time,
        "outcome": "accepted",
        "reason": None,
        **_proven(event.principal),
        "token_issuer": event.token_issuer,
        "kid": event.kid,
        "alg": event.alg,
        "cached": event.cached,
        **({} if event.granted is None else _asked(event.granted.resource, event.granted.binding)),
        "adapter": event.adapter,
        "policy_version": event.policy_version,
        "duration_us": round(event.duration_us),
    }


def _granted(event: AccessGranted) -> dict[str, object]:
    return {
        "time": event.time,
        "outcome": "granted",
        "reason": None,
        **_proven(event.principal),
        **_asked(event.granted.resource, event.granted.binding),
        "adapter": event.adapter,
        "policy_version": event.policy_version,
        "duration_us": round(event.duration_us),
    }


def _rejected(event: TokenRejected) -> dict[str, object]:
    proven = {"issuer": event.issuer} if event.principal is None else _proven(event.principal)
    return {
        "time": event.time,
        "outcome": "rejected",
        "reason": event.reason.value,
        "status": event.status,
        **proven,
        "claim": event.claim,
        **({} if event.resource is None else _asked(event.resource, event.binding)),
        "unverified": _unverified(event.unverified),
        "adapter": event.adapter,
        "policy_version": event.policy_version,
        "duration_us": round(event.duration_us),
    }


def _let_through(event: UnverifiedBearerAdmitted) -> dict[str, object]:
    return {
        "time": event.time,
        "outcome": "unverified",
        "reason": None,
        "issuer": event.issuer,
        "unverified": _unverified(event.unverified),
        "adapter": event.adapter,
        "policy_version": event.policy_version,
        "duration_us": round(event.duration_us),
    }


def _asked(resource: Resource, binding: str | None) -> dict[str, object]:
    """What bindings decided about; no name of a longer resource is granted to anybody."""
    return {"resource": {"kind": resource.kind, "name": resource.name[:MAX_NAME]}, "binding": binding}


def _proven(principal: Principal) -> dict[str, object]:
    return {
        "issuer": principal.issuer,
        "subject": principal.subject,
        "client_id": principal.client_id,
        "client_id_claim": principal.client_id_claim,
        "audience": list(principal.audiences),
        "token_kind": principal.token_kind,
        "machine": principal.machine,
        "groups": list(principal.groups),
        "actor": _actor(principal.actor),
        "jti": principal.token_id,
    }


def _unverified(said: UnverifiedIdentity) -> dict[str, object]:
    return {
        "token_issuer": said.token_issuer,
        "subject": said.subject,
        "client_id": said.client_id,
        "client_id_claim": said.client_id_claim,
        "audience": list(said.audience),
        "jti": said.token_id,
        "kid": said.kid,
        "alg": said.alg,
    }


def _actor(actor: Actor | None) -> dict[str, object] | None:
    if actor is None:
        return None
    return {
        "subject": actor.subject,
        "issuer": actor.issuer,
        "client_id": actor.client_id,
        "actor": _actor(actor.actor),
    }
