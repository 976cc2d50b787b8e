"""Eight threads present two hundred tokens while keys come and go and the clock jumps: no verdict outlives its why."""

from __future__ import annotations

import hashlib
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from bearergate.core.errors import Refusal
from bearergate.core.events import Event, KeysRefreshed, TokenAccepted
from bearergate.core.policy import IssuerPolicy
from bearergate.core.reasons import Reason
from bearergate.testing import FakeIssuer
from bearergate.validator import Validator
from bearergate.verdicts import VerdictBounds
from tests.figures import tell
from tests.keys.patient import START, Clock

SECONDS, PATIENCE = 3.0, 25.0
THREADS = 8
KEYS = 20
TOKENS_OF_A_KEY = 10
ROTATION = 0.05
LEEWAY = 30
ENOUGH = {"removals": 2, "remembered": 200, "proven": 50}


class JumpingClock:
    """A wall clock that remembers every moment it ever showed."""

    def __init__(self) -> None:
        self.moments = [START]

    def __call__(self) -> float:
        return self.moments[-1]


@dataclass(frozen=True)
class Truth:
    """What is known of a token from its making."""

    number: int
    kid: str
    since: float
    until: float

    def holds_at(self, moment: float) -> bool:
        return self.since <= moment < self.until


class World:
    """An issuer whose keys come and go, its tokens, and what was found wrong."""

    def __init__(self) -> None:
        self.dice = random.Random(7)
        self.wall, self.age = JumpingClock(), Clock()
        self.issuer = FakeIssuer(alg="EdDSA", clock=lambda: START)
        self.truth: dict[str, Truth] = {}
        self.tokens: list[str] = []
        self.gone: set[str] = set()
        """Tokens whose key was removed, and whose removal the validator has told to have taken in."""
        self.sets: set[str] = set()
        self.wrong: list[object] = []
        self.counts: Counter[str] = Counter()
        self.over = threading.Event()
        policy = IssuerPolicy(issuer=self.issuer.issuer, audiences=frozenset({self.issuer.audience}), leeway=LEEWAY)
        self.validator = Validator(
            [policy],
            fetch=self.issuer.fetch,
            clock=self.wall,
            monotonic=self.age,
            observers=[self.observe],
            verdicts=VerdictBounds(entries=KEYS * TOKENS_OF_A_KEY),
        )
        for _ in range(KEYS):
            self.add_key()

    def observe(self, event: Event) -> None:
        if isinstance(event, KeysRefreshed) and event.sha256 is not None:
            self.sets.add(event.sha256)
        elif isinstance(event, TokenAccepted):
            self.counts["remembered" if event.cached else "proven"] += 1

    def add_key(self) -> None:
        key = self.issuer.rotate()
        made: dict[str, Truth] = {}
        for _ in range(TOKENS_OF_A_KEY):
            number = len(self.truth) + len(made)
            exp, nbf = (
                START + self.dice.choice((5, 50, 150, 290, 1000, 1000)),
                START + self.dice.choice((-500, -500, -50, 20, 100)),
            )
            token = self.issuer.mint(exp=exp, nbf=nbf, iat=None, n=[number], groups=[f"group-{number}"])
            made[token] = Truth(number, key.kid, nbf - LEEWAY, exp + LEEWAY)
        self.truth |= made
        self.tokens = [*self.tokens, *made]

    def rotate(self) -> None:
        """A key comes; every third time the three oldest go, and what the validator says of it is waited for."""
        self.add_key()
        self.counts["rotations"] += 1
        if self.counts["rotations"] % 3:
            return
        oldest = {key.kid for key in self.issuer.keys[:3]}
        for kid in oldest:
            self.issuer.remove(kid)
        published = hashlib.sha256(self.issuer._published.document()).hexdigest()
        # Within the ttl, but so late that any hit has to start a refresh.
        self.age.advance(545)
        end = time.monotonic() + 40
        while published not in self.sets:
            if self.over.is_set():
                # Nobody presents a token any more, so nobody starts one.
                return
            assert time.monotonic() < end, "no refresh was started"
            time.sleep(0.001)
        withdrawn = {token for token in self.tokens if self.truth[token].kid in oldest}
        self.gone |= withdrawn
        self.tokens = [token for token in self.tokens if token not in withdrawn]
        self.counts["removals"] += 1

    def keep_rotating(self) -> None:
        while not self.over.wait(ROTATION):
            self.rotate()

    def keep_jumping(self) -> None:
        while not self.over.wait(0.002):
            self.wall.moments.append(START + self.dice.choice((-600, -80, *(0,) * 8, 30, 60, 120, 200, 310, 1100)))

    def present_tokens(self, seed: int) -> None:
        dice = random.Random(seed)
        while not self.over.is_set():
            withdrawn = [*self.gone] if dice.random() < 0.05 else []
            tokens = withdrawn or self.tokens
            # Some are presented far more often than others.
            token = tokens[int(dice.random() ** 4 * len(tokens))]
            if dice.random() < 0.05:
                self.present_forged(token, dice.choice(self.tokens))
            else:
                self.present(token)

    def present(self, token: str) -> None:
        truth, is_gone, first = self.truth[token], token in self.gone, len(self.wall.moments) - 1
        try:
            principal = self.validator.validate(token)
        except Refusal as error:
            self.counts[error.reason] += 1
            if error.reason in (Reason.EXPIRED, Reason.NOT_YET_VALID):
                moments = self.wall.moments[first:]
                self.check(not all(map(truth.holds_at, moments)), ("refused", error.reason, truth, moments))
            return
        moments = self.wall.moments[first:]
        self.check(any(map(truth.holds_at, moments)), ("out of its time", truth, moments))
        self.check(not is_gone, ("withdrawn", truth))
        derived = principal.groups, principal.groups_problem, principal.claims["n"], principal.claims["groups"]
        group = f"group-{truth.number}"
        self.check(derived == ((group,), None, (truth.number,), (group,)), ("derived", derived, truth))

    def present_forged(self, token: str, other: str) -> None:
        """Another token's claims under a signature that may be remembered."""
        if token == other:
            return
        head, _, signature = token.split(".")
        try:
            self.validator.validate(f"{head}.{other.split('.')[1]}.{signature}")
        except Refusal:
            self.counts["forged"] += 1
        else:
            self.check(False, "forged")

    def has_seen_enough(self) -> bool:
        return all(self.counts[name] >= least for name, least in ENOUGH.items())

    def check(self, is_right: bool, what: object) -> None:
        if not is_right:
            self.wrong.append(what)

    def guarded(self, work: object, *arguments: object) -> None:
        try:
            work(*arguments)  # type: ignore[operator]
        except BaseException as error:  # noqa: BLE001 - whatever it is, it should not have come
            self.wrong.append(error)
            self.over.set()


@pytest.fixture
def busy_threads() -> Iterator[None]:
    """Threads take turns far more often than usual."""
    before = sys.getswitchinterval()
    # Not shorter: a coverage tool's tracer cannot be set by two threads at once, and flights are threads.
    sys.setswitchinterval(2e-3)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("busy_threads")
def test_no_thread_ever_gets_a_verdict_that_does_not_hold() -> None:
    world = World()
    jobs: list[tuple[object, ...]] = [(world.keep_rotating,), (world.keep_jumping,)]
    jobs += [(world.present_tokens, seed) for seed in range(THREADS)]
    threads = [threading.Thread(target=world.guarded, args=job, daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    end = time.monotonic() + PATIENCE
    world.over.wait(SECONDS)
    # A machine that does much else needs longer for as much.
    while not world.has_seen_enough() and time.monotonic() < end and not world.over.wait(0.1):
        pass
    world.over.set()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    assert world.wrong == []
    told = ", ".join(f"{count} {name}" for name, count in world.counts.most_common())
    tell(f"{THREADS} threads, {KEYS * TOKENS_OF_A_KEY} tokens, {SECONDS:.0f} s", told)
    assert world.has_seen_enough()
