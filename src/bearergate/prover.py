"""Prover: finds the keys of a token's issuer and finishes its validation; once more where newer keys may say otherwise.

Here is the one line between the pure halves of a validation that may wait for the network. Sync and async are twins
over the same steps. Tells nobody and remembers nothing.
"""

from __future__ import annotations

from bearergate.clocks import Clock
from bearergate.core.errors import BadSignature
from bearergate.core.examination import Examination
from bearergate.core.jwk import KeySet
from bearergate.core.policy import IssuerPolicy
from bearergate.core.principal import Principal
from bearergate.core.validation import Validation
from bearergate.keys import Keys


class Prover:
    """Makes principals of tokens that `Validation.begin` let pass."""

    def __init__(self, validation: Validation, keys: Keys, clock: Clock) -> None:
        """`clock`: wall clock in seconds since the epoch."""
        self._validation = validation
        self._keys = keys
        self._clock = clock

    def prove(self, unverified: Examination, policy: IssuerPolicy) -> Principal:
        """The principal; raises InvalidToken and its subclasses (401), AccessDenied (403) or Unavailable (503)."""
        keys = self._keys.find(policy.issuer, unverified.header)
        try:
            return self._finish(unverified, policy, keys)
        except BadSignature:
            # Where no kid says which key made it, a newer set may hold that one.
            if unverified.header.kid is not None:
                raise
            refreshed = self._keys.find(policy.issuer, unverified.header, doubted=keys)
            if refreshed is keys:
                raise
            return self._finish(unverified, policy, refreshed)

    async def prove_async(self, unverified: Examination, policy: IssuerPolicy) -> Principal:
        """The same, without blocking the event loop."""
        keys = await self._keys.find_async(policy.issuer, unverified.header)
        try:
            return await self._finish_async(unverified, policy, keys)
        except BadSignature:
            if unverified.header.kid is not None:
                raise
            refreshed = await self._keys.find_async(policy.issuer, unverified.header, doubted=keys)
            if refreshed is keys:
                raise
            return await self._finish_async(unverified, policy, refreshed)

    def _finish(self, unverified: Examination, policy: IssuerPolicy, keys: KeySet) -> Principal:
        return self._validation.finish(unverified, policy, keys, self._clock())

    async def _finish_async(self, unverified: Examination, policy: IssuerPolicy, keys: KeySet) -> Principal:
        if not keys.is_slow(unverified.header):
            return self._finish(unverified, policy, keys)
        import asyncio

        # One such verification would hold every other task up for longer than the hand-over costs.
        try:
            return await asyncio.to_thread(self._finish, unverified, policy, keys)
        except RuntimeError:
            # No thread is to be had. A slow verdict is better than none.
            return self._finish(unverified, policy, keys)
