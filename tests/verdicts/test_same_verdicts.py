"""A validator that remembers cannot be told from one that does not, whatever happens to tokens, clocks and keys."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from bearergate.core.errors import Unavailable
from bearergate.core.events import StaleKeysUsed
from bearergate.testing import FakeIssuer
from bearergate.verdicts import VerdictBounds
from tests.figures import tell
from tests.keys.patient import Clock, policy_for
from tests.verdicts.two_worlds import Story, Teller

STEPS = 400
STEP = 40
BOUNDS = {
    "usual": VerdictBounds(),
    "few entries": VerdictBounds(entries=6),
    "short": VerdictBounds(seconds=20),
}


@pytest.fixture(autouse=True)
def no_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two validators plan their refreshes and back-offs alike."""
    monkeypatch.setattr("bearergate.issuer_keys.random", AlwaysHalf())


class AlwaysHalf:
    def random(self) -> float:
        return 0.5


@pytest.fixture(scope="module")
def seen() -> Any:
    counts: Counter[str] = Counter()
    yield counts
    tell("stories told to a remembering and a forgetful validator", ", ".join(f"{n} {k}" for k, n in counts.items()))


@pytest.mark.parametrize("bounds", BOUNDS)
@pytest.mark.parametrize("seed", range(4))
def test_every_token_of_any_story_meets_the_same_verdict(seed: int, bounds: str, seen: Counter[str]) -> None:
    story = Story(f"{bounds} {seed}", BOUNDS[bounds])
    for _ in range(STEPS):
        token = story.step()
        if token is None:
            continue
        remembered, proven = story.remembering.judge(token), story.forgetful.judge(token)
        assert remembered == proven, story.told[-40:]
        assert story.remembering.state() == story.forgetful.state(), story.told[-40:]
        accepted = story.remembering.watched.accepted
        hit = len(remembered) == 3 and accepted[-1].cached
        seen["remembered" if hit else "proven" if len(remembered) == 3 else str(remembered[1])] += 1


def test_the_stories_together_meet_everything_that_can_happen(seen: Counter[str]) -> None:
    if sum(seen.values()) < 2000:
        pytest.skip("not all of the stories were told")
    # Otherwise little was compared.
    assert seen["remembered"] > 500
    assert {
        "remembered", "proven", "expired", "not_yet_valid", "issued_in_future", "too_old", "key_unknown",
        "key_ambiguous", "signature_invalid", "keys_unavailable", "keys_expired",
    } <= set(seen)  # fmt: skip


def test_an_outage_of_hours_is_met_alike_to_the_second() -> None:
    clock = Clock()
    issuer = FakeIssuer(alg="EdDSA", clock=clock)
    remembering, forgetful = (
        Teller((issuer,), [policy_for(issuer)], clock, clock, verdicts=bounds)
        for bounds in (VerdictBounds(), VerdictBounds(entries=0))
    )
    tokens = [issuer.mint(exp=clock.now + 90_000) for _ in range(2)]
    judged: Counter[str] = Counter()
    for second in range(0, 3 * 3600, STEP):
        issuer.down = 1000 <= second < 9000
        for token in tokens:
            said = remembering.judge(token), forgetful.judge(token)
            assert said[0] == said[1], second
            judged["unavailable" if said[0][0] is Unavailable else "accepted"] += 1
        assert remembering.state() == forgetful.state(), second
        clock.advance(STEP)
    health = remembering.watched.validator.health()[issuer.issuer]
    noted = [
        [event.time for event in teller.watched.events if isinstance(event, StaleKeysUsed)]
        for teller in (remembering, forgetful)
    ]
    assert noted[0] == noted[1] != []
    assert min(judged["unavailable"], judged["accepted"], health.stale_uses) > 50
    hits = sum(event.cached for event in remembering.watched.accepted)
    tell(
        "an outage of 133 minutes, with and without a memory",
        f"{dict(judged)}, {health.stale_uses} stale uses, {hits} hits",
    )
    assert hits > 50
