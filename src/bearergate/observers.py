"""Observers that ship with the library: the JSON audit log.

Formats events and hands them to `logging`. Decides nothing and never sees a token.
"""

from __future__ import annotations

import json
import logging
from typing import Final

from bearergate.core.events import Event, TokenAccepted, TokenRejected, UnverifiedBearerAdmitted, UnverifiedIdentity
from bearergate.core.principal import Actor, Principal

AUDIT_LOGGER: Final = "bearergate.audit"


class AuditLog:
    """Writes one JSON line per decision to logger `bearergate.audit`, at INFO.

    The acting client stands on every line: on-behalf-of calls are audited by it. What a refused token says of
    itself is under `unverified`.
    """

    def __init__(self, logger: logging.Logger | None = None) -> None:
        """`logger` replaces the default one."""
        self._logger = logger or logging.getLogger(AUDIT_LOGGER)

    def is_on(self) -> bool:
        """Whether anybody reads the log; nothing is built otherwise."""
        return self._logger.isEnabledFor(logging.INFO)

    def __call__(self, event: Event, /) -> None:
        """Write one line for a decision; other events have loggers of their own."""
        if isinstance(event, TokenAccepted):
            self._write(_accepted(event))
        elif isinstance(event, TokenRejected):
            self._write(_rejected(event))
        elif isinstance(event, UnverifiedBearerAdmitted):
            self._write(_let_through(event))

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
