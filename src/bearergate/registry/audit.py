"""The audit log of the registry service: one JSON line per event, beside those of the decisions about tokens.

Formats events and hands them on. Decides nothing and never sees a token.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from typing import Final

from bearergate.core.events import UnverifiedIdentity
from bearergate.core.principal import Principal
from bearergate.core.registry_events import (
    RegistryEvent,
    RegistryObserver,
    RegistryTokenIssued,
    RobotChanged,
    RobotRejected,
    RobotTokenIssued,
)
from bearergate.core.registry_scope import Access
from bearergate.observers import AUDIT_LOGGER

_EXCHANGE: Final = "federated_robot_token_exchange"

_log: Final = logging.getLogger("bearergate.registry")


class RegistryAudit:
    """Tells observers, and the audit log where it is on, what happened."""

    def __init__(self, observers: Iterable[RegistryObserver] = (), logger: logging.Logger | None = None) -> None:
        """`logger` replaces the default one."""
        self._observers = tuple(observers)
        self._logger = logger or logging.getLogger(AUDIT_LOGGER)

    def tell(self, event: RegistryEvent) -> None:
        """Tell one event."""
        for observer in self._observers:
            try:
                observer(event)
            except Exception:  # noqa: BLE001 - an observer must never change an answer
                _log.exception("an observer failed")
        if self._logger.isEnabledFor(logging.INFO):
            # ASCII with escapes: a subject with line breaks or terminal codes stays one harmless line.
            self._logger.info("%s", json.dumps(_fields(event), ensure_ascii=True))


def _fields(event: RegistryEvent) -> dict[str, object]:
    match event:
        case RobotTokenIssued():
            return _line(event, _EXCHANGE) | {
                "robot": str(event.robot),
                **_who(event.workload),
                "issued_token_id": event.token_id,
                "expires_at": event.expires_at,
            }
        case RobotRejected():
            return _line(event, _EXCHANGE, event.reason) | {
                "status": event.status,
                "robot": None if event.robot is None else str(event.robot),
                "unverified": _said(event.unverified),
            }
        case RegistryTokenIssued():
            return _line(event, "registry_token") | {
                "reason": event.reason,
                **_who(event.principal),
                "binding": event.binding,
                "asked": _accesses(event.asked),
                "granted": _accesses(event.granted),
                "issued_token_id": event.token_id,
                "expires_at": event.expires_at,
            }
        case RobotChanged():
            return _line(event, "robot_changed") | {
                **_who(event.principal),
                "robot": str(event.robot),
                "change": event.change,
                "rules": event.rules,
            }


def _line(event: RegistryEvent, name: str, reason: str | None = None) -> dict[str, object]:
    outcome = "accepted" if reason is None else "rejected"
    return {"time": event.time, "event": name, "outcome": outcome, "reason": reason}


def _who(principal: Principal) -> dict[str, object]:
    actor = principal.actor
    return {
        "issuer": principal.issuer,
        "subject": principal.subject,
        "client_id": principal.client_id,
        "client_id_claim": principal.client_id_claim,
        "machine": principal.machine,
        "actor": None
        if actor is None
        else {"issuer": actor.issuer, "subject": actor.subject, "client_id": actor.client_id},
    }


def _said(unverified: UnverifiedIdentity) -> dict[str, object]:
    return {
        "token_issuer": unverified.token_issuer,
        "subject": unverified.subject,
        "client_id": unverified.client_id,
        "client_id_claim": unverified.client_id_claim,
        "audience": list(unverified.audience),
    }


def _accesses(accesses: Iterable[Access]) -> list[str]:
    return [f"{each.type}:{each.name}:{','.join(each.actions)}" for each in accesses]
