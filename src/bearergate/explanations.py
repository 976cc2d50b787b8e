"""Explanations: what every row of the table of checks says of a token, with the keys that its issuer has now.

Sync and async are twins over the same steps. Raises for no token, emits no event and remembers nothing.
"""

from __future__ import annotations

from bearergate.clocks import Clock
from bearergate.core.errors import Refusal
from bearergate.core.examination import Examination
from bearergate.core.jwk import KeySet
from bearergate.core.reasons import Reason
from bearergate.core.report import Outcome, Report, Row
from bearergate.core.validation import Validation
from bearergate.keys import Keys


class Explanations:
    """Reports about tokens."""

    def __init__(self, validation: Validation, keys: Keys, clock: Clock) -> None:
        """`clock`: wall clock in seconds since the epoch."""
        self._validation = validation
        self._keys = keys
        self._clock = clock

    def explain(self, token: str) -> Report:
        """What every row of the table of checks says of a token."""
        rows, x = self._validation.open_report(token)
        keys: KeySet | Refusal | None = None
        # No key is fetched for a token that is refused without one.
        if all(row.outcome is not Outcome.FAIL for row in rows):
            try:
                keys = self._keys.find(x.policy.issuer, x.header)
                if self._is_doubtful(rows, x, keys):
                    rows, x = self._validation.open_report(token)
                    keys = self._keys.find(x.policy.issuer, x.header, doubted=keys)
            except Refusal as error:
                keys = error
        return self._close(rows, x, keys)

    async def explain_async(self, token: str) -> Report:
        """The same, without blocking the event loop."""
        rows, x = self._validation.open_report(token)
        keys: KeySet | Refusal | None = None
        if all(row.outcome is not Outcome.FAIL for row in rows):
            try:
                keys = await self._keys.find_async(x.policy.issuer, x.header)
                if self._is_doubtful(rows, x, keys):
                    rows, x = self._validation.open_report(token)
                    keys = await self._keys.find_async(x.policy.issuer, x.header, doubted=keys)
            except Refusal as error:
                keys = error
        return self._close(rows, x, keys)

    def _is_doubtful(self, rows: list[Row], x: Examination, keys: KeySet) -> bool:
        """Whether validate would look for newer keys: the signature failed, and no kid says which key made it."""
        return x.header.kid is None and self._close(rows, x, keys).reason is Reason.SIGNATURE_INVALID

    def _close(self, rows: list[Row], x: Examination, keys: KeySet | Refusal | None) -> Report:
        return self._validation.close_report(rows, x, keys, self._clock())
