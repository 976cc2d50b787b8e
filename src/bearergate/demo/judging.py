"""What the running servers say of each case: one request per case and server, over HTTP, compared with the expectation.

Knows addresses and cases, and no application. The reason comes from the gate's own event, because no answer holds it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from urllib3 import PoolManager

from bearergate.core.bearer import AUTHORIZATION
from bearergate.core.events import Event, TokenAccepted, TokenRejected
from bearergate.core.reasons import Reason
from bearergate.demo.cases import Case

_PATIENCE: Final = 10.0
"""Seconds; longer than the library waits for any issuer."""


class LastReason:
    """An observer that remembers why the gate's last decision was a refusal."""

    def __init__(self) -> None:
        self.reason: Reason | None = None

    def __call__(self, event: Event, /) -> None:
        """Decisions only: the keys' own events say nothing about a request."""
        if isinstance(event, TokenRejected):
            self.reason = event.reason
        elif isinstance(event, TokenAccepted):
            self.reason = None


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where each server answers."""

    gate: str
    flask: str
    asgi: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One case, the status that each server gave, and the gate's reason or whom it took the caller for."""

    case: Case
    gate: int
    flask: int
    asgi: int
    reason: Reason | None
    caller: str

    @property
    def as_expected(self) -> bool:
        """Whether all three said what they should, and the gate for the right reason."""
        statuses = {self.gate, self.flask, self.asgi}
        return statuses == {self.case.status} and self.reason == self.case.reason


def judge(cases: Iterable[Case], addresses: Addresses, last: LastReason) -> list[Verdict]:
    """Send every case to the three servers, one after the other; `last` listens to the gate."""
    with PoolManager(retries=False, timeout=_PATIENCE) as http:
        return [_judge(case, addresses, last, http) for case in cases]


def _judge(case: Case, addresses: Addresses, last: LastReason, http: PoolManager) -> Verdict:
    last.reason = None
    gate, body = _ask(http, addresses.gate, case)
    # Read before the next request can change it.
    reason = last.reason
    flask, _ = _ask(http, addresses.flask, case)
    asgi, _ = _ask(http, addresses.asgi, case)
    return Verdict(case=case, gate=gate, flask=flask, asgi=asgi, reason=reason, caller=_caller(body))


def _ask(http: PoolManager, url: str, case: Case) -> tuple[int, bytes]:
    headers = {} if case.authorization is None else {AUTHORIZATION: case.authorization}
    answer = http.request("GET", url, headers=headers)
    return answer.status, answer.data


def _caller(body: bytes) -> str:
    """Whom the gate's answer names; empty for a refusal."""
    try:
        identity = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(identity, Mapping) or "subject" not in identity:
        return ""
    if identity.get("machine"):
        return ", ".join(identity["groups"])
    return f"{identity['subject']} via {identity['client_id']}"
