"""One story told to two validators, of which one remembers and the other does not, by a seeded dice.

Both have the same issuers, policies and clocks, and fetches of their own that are counted. After each step every
refresh has ended, so that nothing but the memory can make them differ. Asserts nothing.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final

from bearergate.core.errors import Refusal, Unavailable
from bearergate.core.keyring import KeyLifecycle
from bearergate.core.policy import IssuerPolicy
from bearergate.fetch import Fetched
from bearergate.testing import EMPTY_SET, HEALTHY, FakeIssuer, fetch_from
from bearergate.testing.signing import SigningKey
from bearergate.verdicts import VerdictBounds
from tests.keys.patient import Clock
from tests.verdicts.scenes import Watched

_LIFECYCLE: Final = KeyLifecycle(stale_if_error=1200, unknown_kid_burst=3, negative_kids=16)
_TOKENS: Final = 24


class Teller:
    """A validator of the story, and what it fetched."""

    def __init__(
        self, issuers: tuple[FakeIssuer, ...], policies: Iterable[IssuerPolicy], wall: Clock, age: Clock, **options: Any
    ) -> None:
        self.fetched: Counter[str] = Counter()
        documents = fetch_from(*issuers)

        def fetch(url: str, *, etag: str | None, deadline: float, max_bytes: int) -> Fetched:
            self.fetched[url] += 1
            return documents(url, etag=etag, deadline=deadline, max_bytes=max_bytes)

        self.watched = Watched(policies=policies, clock=wall, monotonic=age, fetch=fetch, **options)

    def judge(self, token: str) -> tuple[object, ...]:
        """All that the caller of a validator can know."""
        try:
            principal = self.watched.validator.validate(token)
        except Refusal as error:
            again = error.retry_after if isinstance(error, Unavailable) else None
            return type(error), error.reason, error.claim, error.expected, error.actual, again
        return principal, principal.groups, principal.claims

    def state(self) -> tuple[object, ...]:
        """Its keys as an operator sees them, and whom it asked how often."""
        self.watched.settle()
        return self.watched.validator.health(), self.fetched


class Story:
    """The issuers, the clocks, and both tellers."""

    def __init__(self, seed: str, bounds: VerdictBounds) -> None:
        self.dice = random.Random(seed)
        self.wall, self.age = Clock(), Clock()
        self.issuers = (
            FakeIssuer("https://first.test", alg="EdDSA", clock=self.wall),
            FakeIssuer("https://second.test", alg="EdDSA", clock=self.wall),
        )
        first, second = self.issuers
        policies = (
            IssuerPolicy(issuer=first.issuer, audiences=frozenset({first.audience}), max_token_age=2000),
            IssuerPolicy(issuer=second.issuer, audiences=frozenset({second.audience}), leeway=0),
        )
        self.remembering, self.forgetful = (
            Teller(self.issuers, policies, self.wall, self.age, lifecycle=_LIFECYCLE, verdicts=kept)
            for kept in (bounds, VerdictBounds(entries=0))
        )
        self.keys: dict[str, list[SigningKey]] = {issuer.issuer: [issuer.signing_key] for issuer in self.issuers}
        self.tokens: list[str] = [issuer.mint() for issuer in self.issuers]
        self.told: list[str] = []

    def step(self) -> str | None:
        """What happens next; the token that is presented, if it is that."""
        if self.dice.random() < 0.72:
            # Mostly the latest ones, as clients do.
            place = min(int(self.dice.expovariate(0.25)), len(self.tokens) - 1)
            self.told.append(f"token {len(self.tokens) - 1 - place}")
            return self.tokens[-1 - place]
        happenings: dict[Callable[[FakeIssuer], object], int] = {
            self._mint: 36,
            self._forge: 3,
            self._time_passes: 30,
            self._clock_is_set: 5,
            self._keys_change: 6,
            self._fails: 3,
            self._heals: 12,
        }
        (happens,) = self.dice.choices(list(happenings), list(happenings.values()))
        issuer = self.dice.choice(self.issuers)
        self.told.append(f"{happens.__name__.strip('_')} {issuer.issuer} {happens(issuer)}")
        return None

    def _mint(self, issuer: FakeIssuer) -> object:
        now, dice = self.wall.now, self.dice
        claims: dict[str, Any] = {
            "exp": now + dice.choice((-40, 5, 60, 300, 900, *(90_000,) * 5)),
            "iat": dice.choice((None, *(now,) * 5, now - 30, now - 1900, now + 20, now + 200)),
            "nbf": dice.choice((None, None, None, now, now, now, now + 20, now + 200)),
            "groups": ["staff"],
        }
        header = {"kid": None} if dice.random() < 0.15 else None
        key = issuer.signing_key if dice.random() < 0.7 else dice.choice(self.keys[issuer.issuer][-3:])
        self.tokens = [*self.tokens, issuer.mint(claims, header=header, key=key)][-_TOKENS:]
        return {name: value and value - now for name, value in claims.items() if name != "groups"}, key.kid, header

    def _forge(self, issuer: FakeIssuer) -> object:
        header, payload, signature = self.dice.choice(self.tokens).split(".")
        other = self.dice.choice(self.tokens).split(".")
        forged = self.dice.choice(
            (f"{header}.{other[1]}.{signature}", f"{other[0]}.{payload}.{signature}", issuer.forge())
        )
        self.tokens = [*self.tokens, forged][-_TOKENS:]
        return ""

    def _time_passes(self, _: FakeIssuer) -> object:
        seconds = self.dice.choice((*(0.25, 1, 5, 10, 29, 61, 120) * 4, *(299, 301, 545, 545, 601) * 2, 1300, 4000))
        self.wall.advance(seconds)
        self.age.advance(seconds)
        return seconds

    def _clock_is_set(self, _: FakeIssuer) -> object:
        seconds = self.dice.choice((-3600, -400, -60, -25, -1, 1, 25, 60, 400))
        self.wall.advance(seconds)
        return seconds

    def _keys_change(self, issuer: FakeIssuer) -> object:
        keys, change = self.keys[issuer.issuer], self.dice.randrange(6)
        if change == 0:
            keys.append(issuer.rotate())
        elif change == 1:
            keys.append(issuer.rotate(keep_old=False))
        elif change == 2:
            # Another key under the name of the present one.
            keys.append(issuer.rotate(keep_old=False, kid=issuer.signing_key.kid))
        elif change == 3:
            keys.append(issuer.add_key())
        elif change == 4 and len(issuer.keys) > 1:
            issuer.remove(self.dice.choice(issuer.keys).kid)
        else:
            # One that was withdrawn comes back, or is there twice.
            issuer.publish(self.dice.choice(keys))
        return change, [key.kid for key in issuer.keys]

    def _fails(self, issuer: FakeIssuer) -> object:
        fault = self.dice.randrange(3)
        issuer.down = fault == 0
        issuer.jwks_fault = EMPTY_SET if fault == 1 else HEALTHY
        issuer.set_document(b"<html>" if fault == 2 else None)
        return fault

    def _heals(self, issuer: FakeIssuer) -> object:
        issuer.reset()
        issuer.cache_control = self.dice.choice((None, "max-age=60", "max-age=3000"))
        return issuer.cache_control
