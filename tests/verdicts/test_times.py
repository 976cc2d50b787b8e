"""A remembered verdict says at every moment what judging the token anew would say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from freezegun import freeze_time

from bearergate.core.policy import IssuerPolicy
from bearergate.core.reasons import Reason
from bearergate.testing import FakeIssuer
from bearergate.verdicts import VerdictBounds
from tests.keys.patient import START, Clock, validator_for
from tests.verdicts.scenes import PROVEN, REMEMBERED, Watched

MOMENT = 0.001
LEEWAY = 30
FAR = 100_000


@dataclass
class Scene:
    """An issuer, a validator that remembers one token, and a wall clock; keys do not age."""

    claims: dict[str, Any]
    policy: dict[str, Any] = field(default_factory=dict)
    bounds: VerdictBounds = field(default_factory=VerdictBounds)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        issuer = FakeIssuer(alg="EdDSA", clock=self.clock)
        policy = IssuerPolicy(issuer=issuer.issuer, audiences=frozenset({issuer.audience}), **self.policy)
        self.watched = Watched(issuer, policies=[policy], clock=self.clock, monotonic=Clock(), verdicts=self.bounds)
        self.token = issuer.mint(self.claims)

    def at(self, moment: float) -> str:
        """What is said of the token then; seconds since the start."""
        self.clock.now = START + moment
        return self.watched.judge(self.token)


def scene(claims: dict[str, Any] | None = None, **options: Any) -> Scene:
    """With its token remembered at the start; claims are relative to it."""
    absolute = {name: None if value is None else START + value for name, value in (claims or {}).items()}
    made = Scene(absolute, **options)
    assert made.at(0) == PROVEN
    assert made.at(0) == REMEMBERED
    return made


@pytest.mark.parametrize("leeway", [0, LEEWAY])
@pytest.mark.parametrize("exp", [1, 60, 200.5])
def test_never_from_exp_and_leeway_on(exp: float, leeway: int) -> None:
    token = scene({"exp": exp}, policy={"leeway": leeway})
    assert token.at(exp + leeway - MOMENT) == REMEMBERED
    assert token.at(exp + leeway) == Reason.EXPIRED
    assert token.at(FAR) == Reason.EXPIRED


def test_not_even_when_it_expires_in_the_moment_after_it_was_proven() -> None:
    token = scene({"exp": -LEEWAY + MOMENT})
    assert token.at(MOMENT) == Reason.EXPIRED
    assert token.at(0) == REMEMBERED


@pytest.mark.parametrize(("claim", "reason"), [("nbf", Reason.NOT_YET_VALID), ("iat", Reason.ISSUED_IN_FUTURE)])
def test_never_before_nbf_and_iat_when_the_clock_is_set_back(claim: str, reason: Reason) -> None:
    token = scene({"nbf": None, "iat": None, claim: -10})
    assert token.at(-10 - LEEWAY) == REMEMBERED
    assert token.at(-10 - LEEWAY - MOMENT) == reason
    assert token.at(-FAR) == reason
    assert token.at(0) == REMEMBERED


def test_the_later_of_nbf_and_iat_counts() -> None:
    token = scene({"nbf": 20, "iat": -1000})
    assert token.at(20 - LEEWAY - MOMENT) == Reason.NOT_YET_VALID
    token = scene({"nbf": -1000, "iat": 20})
    assert token.at(20 - LEEWAY - MOMENT) == Reason.ISSUED_IN_FUTURE


def test_a_policy_that_skips_nbf_skips_it_here_too() -> None:
    token = scene({"nbf": FAR, "iat": -5}, policy={"skip_nbf": True})
    assert token.at(-5 - LEEWAY) == REMEMBERED
    assert token.at(-5 - LEEWAY - MOMENT) == Reason.ISSUED_IN_FUTURE


def test_a_token_without_nbf_and_iat_holds_at_any_earlier_time() -> None:
    token = scene({"nbf": None, "iat": None})
    assert token.at(-START) == REMEMBERED


@pytest.mark.parametrize("age", [1, 100, 299])
def test_never_beyond_the_greatest_age_of_a_token(age: int) -> None:
    token = scene({"iat": 0, "exp": FAR}, policy={"max_token_age": age})
    assert token.at(age - MOMENT) == REMEMBERED
    # The leeway is for the clocks of issuers, not for an age.
    assert token.at(age) == Reason.TOO_OLD


def test_a_token_that_is_older_already_has_the_less_left() -> None:
    token = scene({"iat": -90, "exp": FAR}, policy={"max_token_age": 100})
    assert token.at(10 - MOMENT) == REMEMBERED
    assert token.at(10) == Reason.TOO_OLD


def test_whichever_end_comes_first_counts() -> None:
    token = scene({"iat": 0, "exp": 20}, policy={"max_token_age": 100})
    assert token.at(20 + LEEWAY) == Reason.EXPIRED
    token = scene({"iat": 0, "exp": 200}, policy={"max_token_age": 100})
    assert token.at(100) == Reason.TOO_OLD


def test_the_longest_lifetime_changes_nothing_while_a_verdict_is_remembered() -> None:
    token = scene({"iat": 0, "exp": 200}, policy={"max_lifetime": 200})
    assert token.at(200 + LEEWAY - MOMENT) == REMEMBERED
    assert token.at(200 + LEEWAY) == Reason.EXPIRED
    longer = Scene({"iat": START, "exp": START + 201}, policy={"max_lifetime": 200})
    assert [longer.at(0), longer.at(0)] == [Reason.LIFETIME_TOO_LONG] * 2


@pytest.mark.parametrize("seconds", [1, 7.5, 300])
def test_never_longer_than_allowed_after_it_was_proven(seconds: float) -> None:
    token = scene({"exp": FAR}, bounds=VerdictBounds(seconds=seconds))
    assert token.at(seconds - MOMENT) == REMEMBERED
    assert token.at(seconds) == PROVEN
    assert token.at(2 * seconds - MOMENT) == REMEMBERED
    assert token.at(2 * seconds) == PROVEN


def test_using_it_does_not_make_it_last_longer() -> None:
    token = scene({"exp": FAR})
    for moment in range(0, 300, 7):
        assert token.at(moment) == REMEMBERED
    assert token.at(300) == PROVEN


def test_nor_does_a_clock_that_is_set_back_and_put_right_again() -> None:
    token = scene({"exp": FAR, "iat": -FAR})
    assert token.at(-200) == REMEMBERED
    assert token.at(299) == REMEMBERED
    assert token.at(300) == PROVEN


def test_times_with_fractions_are_what_they_are() -> None:
    token = scene({"iat": -0.25, "nbf": -0.125, "exp": 1.0625})
    assert token.at(1.0625 + LEEWAY - 2**-10) == REMEMBERED
    assert token.at(1.0625 + LEEWAY) == Reason.EXPIRED
    assert token.at(-0.125 - LEEWAY) == REMEMBERED
    assert token.at(-0.125 - LEEWAY - 2**-10) == Reason.NOT_YET_VALID


def test_a_clock_that_tests_freeze_is_obeyed() -> None:
    issuer = FakeIssuer(alg="EdDSA")
    with freeze_time("2030-01-01") as frozen:
        validator = validator_for(issuer)
        token = issuer.mint()
        validator.validate(token)
        assert validator._verdicts.find(token) is not None
        frozen.move_to("2030-01-02")
        assert validator._verdicts.find(token) is None
        frozen.move_to("2029-12-31")
        assert validator._verdicts.find(token) is None
